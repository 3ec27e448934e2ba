//! One JSON object per line; zero rows are zero lines. A footer tells that the document is whole.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use engine::Result;

use super::Encoder;
use super::json::{Json, objects};
use super::number::push_integer;
use super::rows::Rows;
use super::wrapping::Wrapping;

/// Writes lines of JSON.
pub(super) struct NdjsonEncoder<W> {
    rows: Rows<Json, W>,
    /// The meta values of the footer, as members with a comma behind each; `None` writes no footer.
    footer: Option<Vec<u8>>,
}

impl<W: Write> NdjsonEncoder<W> {
    /// Plans the document.
    pub(super) fn try_new(schema: &Schema, out: W, wrapping: &Wrapping) -> Result<Self> {
        let rows = Rows::try_new(schema, out, |schema| objects(schema, b"", b"}\n"))?;
        Ok(Self { rows, footer: wrapping.footer.then(|| wrapping.members()) })
    }
}

impl<W: Write + Send> Encoder for NdjsonEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch)
    }

    fn finish(&mut self) -> Result<()> {
        if let Some(members) = &self.footer {
            self.rows.push(footer(self.rows.count(), members));
        }
        self.rows.finish()
    }

    fn rows(&self) -> u64 {
        self.rows.count()
    }
}

fn footer(rows: u64, members: &[u8]) -> Vec<u8> {
    let mut line = b"{\"_end\":{\"rows\":".to_vec();
    push_integer(rows, &mut line);
    line.extend_from_slice(b",\"complete\":true,");
    line.extend_from_slice(members);
    // The comma behind the last member.
    line.pop();
    line.extend_from_slice(b"}}\n");
    line
}
