//! One JSON array of objects. Numbers stay numbers whatever their size; NaN and infinities are null.

use std::io::Write;

use arrow::array::{RecordBatch, StructArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::json::writer::make_encoder;
use engine::Result;

use super::Encoder;
use super::cell::{json_options, shared};
use super::wire::{Medium, Wire};

/// Bytes that are collected before they go to the output.
pub(super) const CHUNK: usize = 64 << 10;

/// Writes `[`, objects, `]`.
pub(super) struct JsonEncoder<W> {
    wire: Wire,
    out: W,
    started: bool,
}

impl<W: Write> JsonEncoder<W> {
    /// Nothing is written yet, so that a failure before the first batch leaves no byte.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        Ok(Self { wire: Wire::try_new(schema, Medium::Text)?, out, started: false })
    }
}

impl<W: Write + Send> Encoder for JsonEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let started = &mut self.started;
        write_objects(&self.wire.apply(batch)?, &mut self.out, |bytes| {
            bytes.extend_from_slice(if *started { b",\n" } else { b"[" });
            *started = true;
        })
    }

    fn finish(&mut self) -> Result<()> {
        self.out.write_all(if self.started { b"]\n" } else { b"[]\n" })?;
        Ok(self.out.flush()?)
    }
}

/// Writes one object per row; `before` writes what stands in front of each.
pub(super) fn write_objects(
    batch: &RecordBatch,
    out: &mut impl Write,
    mut before: impl FnMut(&mut Vec<u8>),
) -> Result<()> {
    let rows = StructArray::from(batch.clone());
    let field = shared(&Field::new("row", DataType::Struct(rows.fields().clone()), false));
    let options = json_options();
    let mut encoder = make_encoder(&field, &rows, &options)?;
    let mut bytes = Vec::with_capacity(CHUNK);
    for row in 0..batch.num_rows() {
        before(&mut bytes);
        encoder.encode(row, &mut bytes);
        if bytes.len() > CHUNK {
            out.write_all(&bytes)?;
            bytes.clear();
        }
    }
    Ok(out.write_all(&bytes)?)
}
