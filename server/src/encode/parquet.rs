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

/// Rows of a row group.
const ROW_GROUP_ROWS: usize = 64 << 10;

/// Bytes that a row group may hold in memory before it is written, for results with long texts.
const ROW_GROUP_BYTES: usize = 16 << 20;

/// Rows that are given to the writer at once: it measures a row group between these.
const STEP_ROWS: usize = 1 << 10;

/// Writes a Parquet file.
pub(super) struct ParquetEncoder<W: Write + Send> {
    wire: Wire,
    /// What goes into the file: every column may be null, as the schema is fixed before the first row is seen.
    schema: Arc<Schema>,
    writer: ArrowWriter<W>,
    /// Row groups that have gone to the output.
    groups: usize,
    rows: u64,
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
        Ok(Self { wire, schema, writer, groups: 0, rows: 0 })
    }
}

impl<W: Write + Send> ParquetEncoder<W> {
    /// Ends a row group that takes too much memory, and gives to the output what is finished.
    fn hand_over(&mut self) -> Result<()> {
        if self.writer.memory_size() >= ROW_GROUP_BYTES {
            self.writer.flush().map_err(cannot_write)?;
        }
        let groups = self.writer.flushed_row_groups().len();
        if groups > self.groups {
            self.groups = groups;
            self.writer.sync()?;
        }
        Ok(())
    }
}

impl<W: Write + Send> Encoder for ParquetEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        let mut start = 0;
        while start < batch.num_rows() {
            let rows = STEP_ROWS.min(batch.num_rows() - start);
            self.writer.write(&batch.slice(start, rows)).map_err(cannot_write)?;
            self.hand_over()?;
            start += rows;
        }
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish().map_err(cannot_write)?;
        Ok(self.writer.sync()?)
    }

    fn rows(&self) -> u64 {
        self.rows
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
