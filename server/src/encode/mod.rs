//! Results as bytes: a stream of record batches in, a document of one format out, with flat memory.
//!
//! Every format writes zero rows as a complete document. Columns with the same name are told apart (`id`, `id_2`).
//! Times without a zone are UTC, as everywhere in the product.

mod arrow;
mod calendar;
mod cell;
mod column;
mod csv;
mod dialect;
mod format;
mod json;
mod ndjson;
mod number;
mod parquet;
mod rows;
mod table;
mod type_word;
mod wire;
mod wrapping;
mod xml;
mod xml_text;

use std::io::Write;

use ::arrow::array::RecordBatch;
use ::arrow::datatypes::SchemaRef;
use datafusion::physical_plan::SendableRecordBatchStream;
use engine::{Result, Text};
use futures::StreamExt;

pub use format::Format;
pub use table::{TableOptions, draw};
pub use type_word::type_word;
pub use wrapping::{ColumnNote, Shape, Wrapping};

/// Turns batches into a document.
///
/// The caller gives every batch in order and then calls [`Encoder::finish`] once; a document that was not finished is
/// not complete, and nothing may be written after an error.
pub trait Encoder: Send {
    /// Adds the rows of a batch, whose schema is the one given at the start.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Completes the document and flushes the output.
    fn finish(&mut self) -> Result<()>;

    /// Rows that were given so far.
    fn rows(&self) -> u64;

    /// A sentence about what the document leaves out, such as rows beyond the limit of a table.
    fn remark(&self) -> Option<Text> {
        None
    }
}

/// An encoder of this format for results of this schema, as the command line writes them; `options` matter to
/// [`Format::Table`] only.
///
/// # Errors
///
/// [`engine::ErrorKind::Invalid`] when a column has a type that the format cannot hold, and failures of `out`.
pub fn encoder<'a>(
    format: Format,
    schema: &SchemaRef,
    out: Box<dyn Write + Send + 'a>,
    options: &TableOptions,
) -> Result<Box<dyn Encoder + 'a>> {
    match format {
        Format::Table => Ok(Box::new(table::TableEncoder::try_new(schema, out, options)?)),
        other => document(other, schema, out, &Wrapping::default()),
    }
}

/// An encoder of this format for results of this schema, with what stands around the rows.
///
/// Text formats give no byte to `out` before the first row, or [`Encoder::finish`] where there is none; then at least
/// every 64 KiB and at the end of every batch. A Parquet file gives its head at once and its row groups as they are
/// full, a stream of Arrow each batch.
///
/// # Errors
///
/// [`engine::ErrorKind::Invalid`] when a column has a type that the format cannot hold, [`engine::ErrorKind::Bug`] for
/// meta values that would stand twice in a document, and failures of `out`.
pub fn document<'a>(
    format: Format,
    schema: &SchemaRef,
    out: Box<dyn Write + Send + 'a>,
    wrapping: &Wrapping,
) -> Result<Box<dyn Encoder + 'a>> {
    wrapping.check()?;
    Ok(match format {
        Format::Table => Box::new(table::TableEncoder::try_new(schema, out, &TableOptions::default())?),
        Format::Csv => Box::new(csv::CsvEncoder::try_new(schema, out)?),
        Format::Json => Box::new(json::JsonEncoder::try_new(schema, out, wrapping)?),
        Format::Ndjson => Box::new(ndjson::NdjsonEncoder::try_new(schema, out, wrapping)?),
        Format::Xml => Box::new(xml::XmlEncoder::try_new(schema, out, wrapping)?),
        Format::Parquet => Box::new(parquet::ParquetEncoder::try_new(schema, out)?),
        Format::Arrow => Box::new(arrow::ArrowEncoder::try_new(schema, out)?),
    })
}

/// Writes a whole stream and completes the document; answers the number of rows.
pub async fn encode(mut stream: SendableRecordBatchStream, encoder: &mut dyn Encoder) -> Result<u64> {
    while let Some(batch) = stream.next().await {
        encoder.write(&batch?)?;
    }
    encoder.finish()?;
    Ok(encoder.rows())
}

#[cfg(test)]
mod tests;
