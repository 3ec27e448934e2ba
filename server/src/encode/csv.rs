//! CSV after RFC 4180, with a header, `\n` ends, and a null that is not an empty text.
//!
//! Arrow's own writer has no lists and writes a null and an empty text alike; here a null is an empty field and an
//! empty text is `""`. Where a record has one field alone, both are `""`, because an empty line is no record.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use engine::Result;

use super::Encoder;
use super::cell::{Cells, json_options};
use super::wire::{Medium, Wire};

/// Writes CSV.
pub(super) struct CsvEncoder<W> {
    wire: Wire,
    out: W,
    lines: Vec<u8>,
}

impl<W: Write> CsvEncoder<W> {
    /// Writes the header.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        let mut encoder = Self { wire: Wire::try_new(schema, Medium::Text)?, out, lines: Vec::new() };
        for (idx, field) in encoder.wire.schema().fields().iter().enumerate() {
            if idx > 0 {
                encoder.lines.push(b',');
            }
            push_field(field.name(), &mut encoder.lines);
        }
        encoder.lines.push(b'\n');
        encoder.out.write_all(&encoder.lines)?;
        Ok(encoder)
    }
}

impl<W: Write + Send> Encoder for CsvEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        let (schema, options) = (batch.schema(), json_options());
        let mut columns = schema
            .fields()
            .iter()
            .zip(batch.columns())
            .map(|(field, column)| Cells::try_new(field, column, &options))
            .collect::<Result<Vec<_>>>()?;
        let alone = columns.len() == 1;
        let mut text = String::new();
        self.lines.clear();
        for row in 0..batch.num_rows() {
            for (idx, cells) in columns.iter_mut().enumerate() {
                if idx > 0 {
                    self.lines.push(b',');
                }
                if cells.read(row, &mut text) {
                    push_field(&text, &mut self.lines);
                } else if alone {
                    self.lines.extend_from_slice(b"\"\"");
                }
            }
            self.lines.push(b'\n');
            if self.lines.len() > super::json::CHUNK {
                self.out.write_all(&self.lines)?;
                self.lines.clear();
            }
        }
        Ok(self.out.write_all(&self.lines)?)
    }

    fn finish(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
    }
}

/// Quotes what a reader would misread: separators, quotes, line ends, outer spaces, and the empty text.
fn push_field(text: &str, line: &mut Vec<u8>) {
    let special = |byte: u8| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let outer = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let bytes = text.as_bytes();
    if !bytes.iter().copied().any(special) && !outer(bytes.first()) && !outer(bytes.last()) {
        line.extend_from_slice(bytes);
        return;
    }
    line.push(b'"');
    for byte in bytes {
        if *byte == b'"' {
            line.push(b'"');
        }
        line.push(*byte);
    }
    line.push(b'"');
}
