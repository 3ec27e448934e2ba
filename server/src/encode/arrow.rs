//! Arrow's IPC stream, uncompressed, so that every reader of Arrow opens it.

use std::io::{BufWriter, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use engine::{Error, ErrorKind, Result, text};

use super::Encoder;
use super::parquet::nullable;
use super::wire::{Medium, Wire};

/// Writes an IPC stream; every batch goes to the output as soon as it is written.
pub(super) struct ArrowEncoder<W: Write> {
    wire: Wire,
    schema: Arc<Schema>,
    writer: StreamWriter<BufWriter<W>>,
    rows: u64,
}

impl<W: Write> ArrowEncoder<W> {
    /// Writes the schema, which goes out with the first batch.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        let wire = Wire::try_new(schema, Medium::Arrow)?;
        let schema = nullable(wire.schema());
        let writer = StreamWriter::try_new_buffered(out, &schema).map_err(cannot_write)?;
        Ok(Self { wire, schema, writer, rows: 0 })
    }
}

impl<W: Write + Send> Encoder for ArrowEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), batch.columns().to_vec())?;
        self.writer.write(&batch).map_err(cannot_write)?;
        self.rows += batch.num_rows() as u64;
        self.writer.flush().map_err(cannot_write)
    }

    fn finish(&mut self) -> Result<()> {
        self.writer.finish().map_err(cannot_write)?;
        self.writer.flush().map_err(cannot_write)
    }

    fn rows(&self) -> u64 {
        self.rows
    }
}

fn cannot_write(source: ArrowError) -> Error {
    let message = text!("the result cannot be written as Arrow", "le résultat ne peut être écrit en Arrow");
    Error::new(ErrorKind::Io, message).because(source)
}
