//! Results as bytes: a stream of record batches in, a document of one format out, with flat memory.
//!
//! Every format writes zero rows as a complete document. Columns with the same name are told apart (`id`, `id_2`).
//! Times without a zone are UTC, as everywhere in the product.

mod arrow;
mod cell;
mod csv;
mod json;
mod ndjson;
mod parquet;
mod table;
mod wire;
mod xml;

use std::io::Write;
use std::path::Path;

use ::arrow::array::RecordBatch;
use ::arrow::datatypes::SchemaRef;
use clap::ValueEnum;
use datafusion::physical_plan::SendableRecordBatchStream;
use engine::{Result, Text};
use futures::StreamExt;

pub use table::{TableOptions, draw};

/// The formats of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Format {
    /// A drawn table, for people; shows a limited number of rows
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object per line
    Ndjson,
    /// An XML document of records
    Xml,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Table, Self::Csv, Self::Json, Self::Ndjson, Self::Xml, Self::Parquet, Self::Arrow];

    /// The name on the command line, which is also the suffix of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// The format that the suffix of a file asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?;
        match suffix.to_ascii_lowercase().as_str() {
            "jsonl" => Some(Self::Ndjson),
            "txt" => Some(Self::Table),
            other => Self::from_name(other),
        }
    }

    /// Whether the bytes are none that a terminal can show.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}

/// Turns batches into a document.
///
/// The caller gives every batch in order and then calls [`Encoder::finish`] once; a document that was not finished is
/// not complete, and nothing may be written after an error.
pub trait Encoder: Send {
    /// Adds the rows of a batch, whose schema is the one given at the start.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;

    /// Completes the document and flushes the output.
    fn finish(&mut self) -> Result<()>;

    /// A sentence about what the document leaves out, such as rows beyond the limit of a table.
    fn remark(&self) -> Option<Text> {
        None
    }
}

/// An encoder of this format for results of this schema; `options` matter to [`Format::Table`] only.
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
    Ok(match format {
        Format::Table => Box::new(table::TableEncoder::try_new(schema, out, options)?),
        Format::Csv => Box::new(csv::CsvEncoder::try_new(schema, out)?),
        Format::Json => Box::new(json::JsonEncoder::try_new(schema, out)?),
        Format::Ndjson => Box::new(ndjson::NdjsonEncoder::try_new(schema, out)?),
        Format::Xml => Box::new(xml::XmlEncoder::try_new(schema, out)?),
        Format::Parquet => Box::new(parquet::ParquetEncoder::try_new(schema, out)?),
        Format::Arrow => Box::new(arrow::ArrowEncoder::try_new(schema, out)?),
    })
}

/// Writes a whole stream and completes the document; answers the number of rows.
pub async fn encode(mut stream: SendableRecordBatchStream, encoder: &mut dyn Encoder) -> Result<u64> {
    let mut rows = 0;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        encoder.write(&batch)?;
    }
    encoder.finish()?;
    Ok(rows)
}

#[cfg(test)]
mod tests;
// PLACEHOLDER BEGIN
/// Shape of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Shape {
    /// Array of objects.
    #[default]
    Rows,
    /// With columns and meta.
    Full,
    /// Split.
    Columns,
}

/// What is around rows.
#[derive(Debug, Clone, Default)]
pub struct Wrapping {
    /// Shape.
    pub shape: Shape,
    /// Footer.
    pub footer: bool,
    /// End mark.
    pub end_mark: bool,
    /// Root.
    pub xml_root: String,
    /// Row.
    pub xml_row: String,
    /// Meta.
    pub meta: Vec<(String, serde_json::Value)>,
}

/// Document.
pub fn document<'a>(
    format: Format,
    schema: &SchemaRef,
    out: Box<dyn Write + Send + 'a>,
    _wrapping: &Wrapping,
) -> Result<Box<dyn Encoder + 'a>> {
    encoder(format, schema, out, &TableOptions::default())
}

/// Word of a type.
pub fn type_word(_: &::arrow::datatypes::DataType) -> &'static str {
    "text"
}

impl Format {
    /// Media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Xml => "application/xml",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// From media type.
    pub fn from_media_type(kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.media_type().split(';').next() == Some(kind))
    }
}
// PLACEHOLDER END
