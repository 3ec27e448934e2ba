//! Rows become bytes as the caller takes them. What fails after the first byte breaks the transfer.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use engine::etl::PullRecord;
use engine::{Error, ErrorKind, Lang, Result, text};
use futures::StreamExt;
use futures::stream;
use http_body_util::StreamBody;
use http_body_util::combinators::UnsyncBoxBody;

use crate::encode::{Encoder, Format, Wrapping, document};
use crate::http::App;

/// Trailer with the number of rows.
pub(crate) const ROWS: HeaderName = HeaderName::from_static("assidu-rows");
/// Trailer that says `complete`.
pub(crate) const OUTCOME: HeaderName = HeaderName::from_static("assidu-outcome");

/// Rows of which the first ones are there: a failure before them has an answer of its own.
pub(crate) struct Rows {
    schema: SchemaRef,
    first: Vec<RecordBatch>,
    rest: Option<SendableRecordBatchStream>,
}

impl Rows {
    /// Waits for the first batch.
    pub(crate) async fn of_stream(mut stream: SendableRecordBatchStream) -> Result<Self> {
        let schema = stream.schema();
        let mut first = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            if batch.num_rows() > 0 {
                first.push(batch);
                return Ok(Self { schema, first, rest: Some(stream) });
            }
        }
        Ok(Self { schema, first, rest: None })
    }

    /// Rows that are all there.
    pub(crate) fn of_batches(schema: SchemaRef, batches: Vec<RecordBatch>) -> Self {
        Self { schema, first: batches, rest: None }
    }

    /// Columns of the rows.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn next(&mut self) -> Option<Result<RecordBatch>> {
        if !self.first.is_empty() {
            return Some(Ok(self.first.remove(0)));
        }
        let batch = self.rest.as_mut()?.next().await?;
        Some(batch.map_err(Error::from))
    }
}

/// What happens at the end of a pull, whichever it is.
pub(crate) struct Ending {
    /// The server, for the table of pulls.
    pub(crate) app: Arc<App>,
    /// What is noted, up to now.
    pub(crate) record: PullRecord,
    /// When the request came.
    pub(crate) start: Instant,
    /// Most rows.
    pub(crate) max_rows: Option<u64>,
    /// Most bytes.
    pub(crate) max_bytes: Option<u64>,
    /// Whether the caller asked for trailers.
    pub(crate) trailers: bool,
    /// What is given back: turns, locks.
    pub(crate) held: Vec<Box<dyn std::any::Any + Send>>,
    /// Whether the end was noted.
    pub(crate) noted: bool,
}

impl Ending {
    /// Notes the end.
    pub(crate) fn note(&mut self, outcome: &'static str, error: Option<String>) {
        if std::mem::replace(&mut self.noted, true) {
            return;
        }
        outcome.clone_into(&mut self.record.outcome);
        self.record.error = error;
        self.record.duration_ms = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.app.metrics.pulled(outcome, self.record.rows.unsigned_abs(), self.record.bytes.unsigned_abs());
        self.app.desk.recorder.note(self.record.clone());
        self.held.clear();
    }

    fn check(&self) -> Result<()> {
        let over = |limit: Option<u64>, value: i64| limit.filter(|limit| value.unsigned_abs() > *limit);
        if let Some(limit) = over(self.max_rows, self.record.rows) {
            return Err(Error::new(
                ErrorKind::Limit,
                text!(
                    "the pull has more rows than its limit of {limit} (`max_rows`): ask for less, or have the limit raised",
                    "le tirage dépasse sa limite de {limit} lignes (`max_rows`) : demandez moins, ou faites relever la limite"
                ),
            ));
        }
        if let Some(limit) = over(self.max_bytes, self.record.bytes) {
            return Err(Error::new(
                ErrorKind::Limit,
                text!(
                    "the pull has more bytes than its limit of {limit} (`max_bytes`): ask for less, or have the limit raised",
                    "le tirage dépasse sa limite de {limit} octets (`max_bytes`) : demandez moins, ou faites relever la limite"
                ),
            ));
        }
        Ok(())
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.note("aborted", Some("the client left".to_owned()));
    }
}

/// Bytes of the encoder that were not sent yet.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn take(&self) -> Bytes {
        Bytes::from(std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

type Frame = http_body::Frame<Bytes>;

/// A document while it is sent.
struct Flow {
    rows: Rows,
    encoder: Box<dyn Encoder>,
    sink: Sink,
    ending: Ending,
    complete: bool,
}

impl Flow {
    /// The next piece, an error that breaks the transfer, or nothing after the end.
    async fn next(&mut self) -> Result<Option<Frame>> {
        while !self.complete {
            match self.rows.next().await {
                Some(batch) => self.write(&batch?)?,
                None => {
                    self.encoder.finish()?;
                    self.complete = true;
                }
            }
            let bytes = self.sink.take();
            self.ending.record.bytes += i64::try_from(bytes.len()).unwrap_or(i64::MAX);
            self.ending.check()?;
            if !bytes.is_empty() {
                return Ok(Some(Frame::data(bytes)));
            }
        }
        if self.ending.noted {
            return Ok(None);
        }
        self.ending.note("complete", None);
        if !self.ending.trailers {
            return Ok(None);
        }
        let mut trailers = HeaderMap::new();
        trailers.insert(ROWS, HeaderValue::from(self.ending.record.rows));
        trailers.insert(OUTCOME, HeaderValue::from_static("complete"));
        Ok(Some(Frame::trailers(trailers)))
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.ending.record.rows += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        self.ending.check()?;
        self.encoder.write(batch)
    }
}

/// The document of the rows as the body of an answer.
pub(crate) fn body(rows: Rows, format: Format, wrapping: &Wrapping, ending: Ending) -> Result<Body> {
    let sink = Sink::default();
    let encoder = document(format, rows.schema(), Box::new(sink.clone()), wrapping)?;
    let flow = Flow { rows, encoder, sink, ending, complete: false };
    let frames = stream::unfold(Some(flow), async |flow| {
        let mut flow = flow?;
        match flow.next().await {
            Ok(Some(frame)) => Some((Ok(frame), Some(flow))),
            Ok(None) => None,
            Err(error) => {
                let why = error.describe(Lang::En);
                tracing::warn!(error = %why, "a pull failed after its first byte");
                flow.ending.note("aborted", Some(why));
                Some((Err(io::Error::other("the pull failed; the transfer is broken on purpose")), None))
            }
        }
    })
    // Compression polls once more after the end.
    .fuse();
    Ok(Body::new(UnsyncBoxBody::new(StreamBody::new(frames))))
}

/// The document of the rows as one text, for answers that hold it inside another document.
pub(crate) async fn whole(
    mut rows: Rows,
    mut write: impl FnMut(&RecordBatch) -> Result<usize>,
    ending: &mut Ending,
) -> Result<()> {
    while let Some(batch) = rows.next().await {
        let batch = batch?;
        ending.record.rows += i64::try_from(batch.num_rows()).unwrap_or(i64::MAX);
        ending.record.bytes += i64::try_from(write(&batch)?).unwrap_or(i64::MAX);
        ending.check()?;
    }
    Ok(())
}
