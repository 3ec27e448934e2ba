//! [`Fold`]: batches of the log, clustered by user, become the time of one user after the other.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::Result as DfResult;

use super::dims::Dims;
use super::reader::{HitReader, LogShape};
use super::request::Request;
use crate::time::{Keep, Streams};

/// The state between batches: one user's open tracks and results.
#[derive(Debug)]
pub(super) struct Fold {
    reader: HitReader,
    streams: Streams,
    user: Option<i64>,
}

impl Fold {
    /// A fold over batches of this schema.
    pub(super) fn new(
        request: &Arc<Request>,
        dims: &Arc<Dims>,
        shape: LogShape,
        schema: &SchemaRef,
        keep: Keep,
    ) -> Self {
        let rules = request.policy.rules(&dims.types, request.now);
        Self {
            reader: HitReader::new(request, dims, shape, schema),
            streams: Streams::new(rules, request.policy.scope, request.zone, keep),
            user: None,
        }
    }

    /// Takes a batch, and hands over each user that is complete.
    pub(super) fn push(&mut self, batch: &RecordBatch, done: &mut impl FnMut(i64, &Streams)) -> DfResult<()> {
        let (streams, open) = (&mut self.streams, &mut self.user);
        self.reader.read(batch, |user, hit| {
            if *open != Some(user) {
                close(open.replace(user), streams, done);
            }
            streams.push(hit);
        })
    }

    /// Hands over the last user.
    pub(super) fn finish(&mut self, done: &mut impl FnMut(i64, &Streams)) {
        close(self.user.take(), &mut self.streams, done);
    }

    /// Bytes held, roughly.
    pub(super) fn size(&self) -> usize {
        self.streams.size()
    }
}

fn close(user: Option<i64>, streams: &mut Streams, done: &mut impl FnMut(i64, &Streams)) {
    if let Some(user) = user {
        streams.finish();
        done(user, streams);
        streams.clear();
    }
}
