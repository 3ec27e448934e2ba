//! One JSON object per line; zero rows are zero lines.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use engine::Result;

use super::Encoder;
use super::json::write_objects;
use super::wire::{Medium, Wire};

/// Writes lines of JSON.
pub(super) struct NdjsonEncoder<W> {
    wire: Wire,
    out: W,
    started: bool,
}

impl<W: Write> NdjsonEncoder<W> {
    /// Nothing is written yet.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        Ok(Self { wire: Wire::try_new(schema, Medium::Text)?, out, started: false })
    }
}

impl<W: Write + Send> Encoder for NdjsonEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let started = &mut self.started;
        write_objects(&self.wire.apply(batch)?, &mut self.out, |bytes| {
            if *started {
                bytes.push(b'\n');
            }
            *started = true;
        })
    }

    fn finish(&mut self) -> Result<()> {
        if self.started {
            self.out.write_all(b"\n")?;
        }
        Ok(self.out.flush()?)
    }
}
