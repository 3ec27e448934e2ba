//! The stream that a query answers with: a deadline, and failures in our own words.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use futures::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Error;
use crate::query::Limits;
use crate::{ErrorKind, text};

/// A stream with a deadline. It drops what it reads from as soon as it ends, fails or is late, and that stops the
/// work; dropping it does the same.
pub(super) struct GuardedStream {
    schema: SchemaRef,
    inner: Option<SendableRecordBatchStream>,
    deadline: Option<Pin<Box<Sleep>>>,
    limits: Limits,
}

impl GuardedStream {
    pub(super) fn new(inner: SendableRecordBatchStream, deadline: Option<Instant>, limits: &Limits) -> Self {
        let deadline = deadline.map(|deadline| Box::pin(sleep_until(deadline)));
        Self { schema: inner.schema(), inner: Some(inner), deadline, limits: limits.clone() }
    }

    /// Ends the stream with a failure; it travels as DataFusion's error and comes out as ours.
    fn fail(&mut self, error: Error) -> Poll<Option<Result<RecordBatch, DataFusionError>>> {
        self.inner = None;
        self.deadline = None;
        Poll::Ready(Some(Err(DataFusionError::External(Box::new(error)))))
    }
}

impl Stream for GuardedStream {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            let error = late(self.limits.timeout.unwrap_or_default());
            return self.fail(error);
        }
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match std::task::ready!(inner.as_mut().poll_next(context)) {
            Some(Ok(batch)) => Poll::Ready(Some(Ok(batch))),
            Some(Err(error)) => {
                let error = failure(error, &self.limits);
                self.fail(error)
            }
            None => {
                self.inner = None;
                self.deadline = None;
                Poll::Ready(None)
            }
        }
    }
}

impl RecordBatchStream for GuardedStream {
    fn schema(&self) -> SchemaRef {
        SchemaRef::clone(&self.schema)
    }
}

impl fmt::Debug for GuardedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedStream").field("schema", &self.schema).finish_non_exhaustive()
    }
}

/// The failure of a query that did not end in time.
pub(super) fn late(timeout: Duration) -> Error {
    let seconds = timeout.as_secs_f64();
    Error::new(
        ErrorKind::Limit,
        text!(
            "the query took longer than its limit of {seconds} s (`timeout`): select fewer rows, or a shorter range of time",
            "la requête a dépassé sa limite de {seconds} s (`timeout`) : choisissez moins de lignes, ou une période plus courte"
        ),
    )
}

/// DataFusion's failure as ours; a full memory says what the limits are.
pub(super) fn failure(source: DataFusionError, limits: &Limits) -> Error {
    let full = matches!(source.find_root(), DataFusionError::ResourcesExhausted(_));
    let error = Error::from(source);
    if !full || std::error::Error::source(&error).is_some() {
        return error;
    }
    let Limits { memory, spill, .. } = limits;
    Error::new(
        ErrorKind::Limit,
        text!(
            "the query needs more than its limits of {memory} bytes of memory (`memory`) and {spill} bytes of temporary files (`spill`): select fewer rows or columns, or group by less",
            "la requête dépasse ses limites de {memory} octets de mémoire (`memory`) et {spill} octets de fichiers temporaires (`spill`) : choisissez moins de lignes ou de colonnes, ou regroupez moins finement"
        ),
    )
    .because(error)
}
