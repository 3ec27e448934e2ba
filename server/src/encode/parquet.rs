//! Parquet with zstd, in row groups of bounded size.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use engine::{Error, Result};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use std::sync::Arc;

use super::Encoder;
use super::wire::{Medium, Wire};

/// Rows of a row group, as in the store.
const ROW_GROUP_ROWS: usize = 128 << 10;

/// Bytes that a row group may hold in memory before it is written, for results with long texts.
const ROW_GROUP_BYTES: usize = 64 << 20;

/// Writes a Parquet file.
pub(super) struct ParquetEncoder<W: Write + Send> {
    wire: Wire,
    /// What goes into the file: every column may be null, as the schema is fixed before the first row is seen.
    schema: Arc<Schema>,
    writer: ArrowWriter<W>,
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// Writes the head of the file.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        let wire = Wire::try_new(schema, Medium::Parquet)?;
        let schema = nullable(wire.schema());
        let properties = WriterProperties::builder()
            .set_created_by(concat!("assidu ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
            .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
            .build();
        let writer = ArrowWriter::try_new(out, Arc::clone(&schema), Some(properties)).map_err(cannot_write)?;
        Ok(Self { wire, schema, writer })
    }
}

impl<W: Write + Send> Encoder for ParquetEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        self.writer.write(&batch).map_err(cannot_write)
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish().map_err(cannot_write)?;
        Ok(self.writer.inner_mut().flush()?)
    }
}

/// The same schema without promises about nulls at the top.
pub(super) fn nullable(schema: &Schema) -> Arc<Schema> {
    let fields = schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Writing Parquet fails for the output, or for a type that Parquet lacks; never because a store is damaged.
fn cannot_write(source: parquet::errors::ParquetError) -> Error {
    use engine::{ErrorKind, text};
    use parquet::errors::ParquetError;
    let kind = match source {
        ParquetError::NYI(_) | ParquetError::ArrowError(_) => ErrorKind::Invalid,
        _ => ErrorKind::Io,
    };
    let message = text!("the result cannot be written as Parquet", "le résultat ne peut être écrit en Parquet");
    Error::new(kind, message).because(source)
}
