//! The stream that a query answers with: a deadline, and failures in our own words.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use futures::{Stream, StreamExt};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Error;
use crate::query::Limits;
use crate::{ErrorKind, text};

/// When the work of a query must stop: at its deadline, or when its stream is gone.
#[derive(Debug)]
pub(super) struct Watch {
    deadline: Option<Instant>,
    timeout: Duration,
    stopped: AtomicBool,
}

impl Watch {
    pub(super) fn new(deadline: Option<Instant>, limits: &Limits) -> Self {
        Self { deadline, timeout: limits.timeout.unwrap_or_default(), stopped: AtomicBool::new(false) }
    }

    /// Refuses to go on when the query is late or nobody waits for it any more.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.stopped.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, text!("the query was cancelled", "la requête a été annulée")));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(late(self.timeout)),
            _ => Ok(()),
        }
    }
}

/// A stream with a deadline. It drops what it reads from as soon as it ends, fails or is late, and that stops the
/// work; dropping it does the same.
///
/// The work runs in a task of its own, one batch ahead, so that an operator that computes for long without a pause
/// cannot keep the deadline from being seen.
pub(super) struct GuardedStream {
    schema: SchemaRef,
    inner: Option<SendableRecordBatchStream>,
    deadline: Option<Pin<Box<Sleep>>>,
    watch: Arc<Watch>,
    limits: Limits,
}

impl GuardedStream {
    pub(super) fn new(inner: SendableRecordBatchStream, watch: Arc<Watch>, limits: &Limits) -> Self {
        let deadline = watch.deadline.map(|deadline| Box::pin(sleep_until(deadline)));
        Self { schema: inner.schema(), inner: Some(in_task(inner)), deadline, watch, limits: limits.clone() }
    }

    /// Ends the stream with a failure; it travels as DataFusion's error and comes out as ours.
    fn fail(&mut self, error: Error) -> Poll<Option<Result<RecordBatch, DataFusionError>>> {
        self.finish();
        Poll::Ready(Some(Err(DataFusionError::External(Box::new(error)))))
    }

    /// Stops the work, if there is any left.
    fn finish(&mut self) {
        self.watch.stopped.store(true, Ordering::Relaxed);
        self.inner = None;
        self.deadline = None;
    }
}

/// Reads a stream in a task that ends with the answer.
fn in_task(mut inner: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStreamBuilder::new(inner.schema(), 1);
    let sender = builder.tx();
    builder.spawn(async move {
        while let Some(batch) = inner.next().await {
            let last = batch.is_err();
            // Nobody waits for the rest when the other side is gone.
            if sender.send(batch).await.is_err() || last {
                break;
            }
        }
        Ok(())
    });
    builder.build()
}

impl Drop for GuardedStream {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Stream for GuardedStream {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(deadline) = &mut self.deadline
            && deadline.as_mut().poll(context).is_ready()
        {
            let error = late(self.watch.timeout);
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
                self.finish();
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
    let full = matches!(source.find_root(), DataFusionError::ResourcesExhausted(_)) || disk_is_full(&source);
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

/// Whether the temporary files have reached their limit, which DataFusion tells by the text of an input error only.
fn disk_is_full(source: &DataFusionError) -> bool {
    let text = match source.find_root() {
        DataFusionError::ArrowError(error, _) => error.to_string(),
        DataFusionError::IoError(error) => error.to_string(),
        _ => return false,
    };
    text.contains("used disk space during the spilling process")
}
