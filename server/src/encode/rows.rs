//! Rows as text: the loop that all text formats share.

use std::io::Write;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Schema, SchemaRef};
use engine::Result;

use super::cell::json_options;
use super::column::{Column, Frame};
use super::dialect::Dialect;
use super::wire::{Medium, Wire};

/// Bytes that are collected before they go to the output.
pub(super) const CHUNK: usize = 64 << 10;

/// What stands around rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Layout {
    /// In front of every row but the first.
    pub(super) between: Vec<u8>,
    /// In front of the cells of a row.
    pub(super) start: Vec<u8>,
    /// Behind the cells of a row.
    pub(super) end: Vec<u8>,
    /// Around the cells of each column.
    pub(super) frames: Vec<Arc<Frame>>,
}

/// Writes rows; what comes before the first and behind the last is given by [`Rows::push`].
///
/// No byte goes to the output before the first row or [`Rows::finish`], so that a failure before leaves none.
pub(super) struct Rows<D, W> {
    wire: Wire,
    layout: Layout,
    out: W,
    buffer: Vec<u8>,
    rows: u64,
    dialect: PhantomData<fn() -> D>,
}

impl<D: Dialect, W: Write> Rows<D, W> {
    /// Plans the layout from the schema as it goes out: names differ.
    pub(super) fn try_new(schema: &Schema, out: W, layout: impl FnOnce(&SchemaRef) -> Layout) -> Result<Self> {
        let wire = Wire::try_new(schema, Medium::Text)?;
        let layout = layout(wire.schema());
        Ok(Self { wire, layout, out, buffer: Vec::with_capacity(CHUNK + 1024), rows: 0, dialect: PhantomData })
    }

    /// The schema as it goes out.
    pub(super) fn schema(&self) -> &SchemaRef {
        self.wire.schema()
    }

    /// Rows written so far.
    pub(super) fn count(&self) -> u64 {
        self.rows
    }

    /// Appends what is no row.
    pub(super) fn push(&mut self, bytes: impl AsRef<[u8]>) {
        self.buffer.extend_from_slice(bytes.as_ref());
    }

    /// Appends the rows of a batch.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        let (schema, options) = (batch.schema(), json_options());
        let pairs = self.layout.frames.iter().zip(schema.fields()).zip(batch.columns());
        let mut columns = pairs
            .map(|((frame, field), array)| Column::try_new::<D>(Arc::clone(frame), field, array, &options))
            .collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            if self.rows > 0 {
                self.buffer.extend_from_slice(&self.layout.between);
            }
            self.buffer.extend_from_slice(&self.layout.start);
            for column in &mut columns {
                column.write(row, &mut self.buffer);
            }
            self.buffer.extend_from_slice(&self.layout.end);
            self.rows += 1;
            if self.buffer.len() >= CHUNK {
                hand_over(&mut self.buffer, &mut self.out)?;
            }
        }
        if self.rows > 0 {
            hand_over(&mut self.buffer, &mut self.out)?;
        }
        Ok(())
    }

    /// Hands over what is left.
    pub(super) fn finish(&mut self) -> Result<()> {
        hand_over(&mut self.buffer, &mut self.out)?;
        Ok(self.out.flush()?)
    }
}

/// Gives the bytes to the output. The room that a row of many megabytes took is given back.
fn hand_over(buffer: &mut Vec<u8>, out: &mut impl Write) -> Result<()> {
    if !buffer.is_empty() {
        out.write_all(buffer)?;
        buffer.clear();
        buffer.shrink_to(2 * CHUNK);
    }
    Ok(())
}
