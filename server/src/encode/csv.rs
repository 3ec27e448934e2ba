//! CSV after RFC 4180, with a header, `\n` ends, and a null that is not an empty text.
//!
//! Arrow's own writer has no lists and writes a null and an empty text alike; here a null is an empty field and an
//! empty text is `""`. Where a record has one field alone, both are `""`, because an empty line is no record.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{FieldRef, Schema};
use arrow::json::writer::EncoderOptions;
use engine::Result;

use super::Encoder;
use super::cell::{Cells, push_float};
use super::column::{Frame, Values};
use super::dialect::Dialect;
use super::number::Float;
use super::rows::{Layout, Rows};

/// Writes CSV.
pub(super) struct CsvEncoder<W>(Rows<Csv, W>);

impl<W: Write> CsvEncoder<W> {
    /// Plans the document; the header goes out with the first row.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        let mut rows = Rows::try_new(schema, out, |schema| layout(schema.fields().len()))?;
        let mut header = Vec::new();
        for (idx, field) in rows.schema().fields().iter().enumerate() {
            if idx > 0 {
                header.push(b',');
            }
            push_field(field.name(), &mut header);
        }
        header.push(b'\n');
        rows.push(header);
        Ok(Self(rows))
    }
}

impl<W: Write + Send> Encoder for CsvEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.0.write(batch)
    }

    fn finish(&mut self) -> Result<()> {
        self.0.finish()
    }

    fn rows(&self) -> u64 {
        self.0.count()
    }
}

fn layout(columns: usize) -> Layout {
    let frame = |idx: usize| {
        let before = if idx > 0 { b",".to_vec() } else { Vec::new() };
        let null = if columns == 1 { b"\"\"".to_vec() } else { before.clone() };
        Arc::new(Frame { before, after: Vec::new(), null })
    };
    let frames = (0..columns).map(frame).collect();
    Layout { between: Vec::new(), start: Vec::new(), end: b"\n".to_vec(), frames }
}

/// The values of CSV.
struct Csv;

impl Dialect for Csv {
    const QUOTE: &'static [u8] = b"";

    fn push_text(text: &str, out: &mut Vec<u8>) {
        push_field(text, out);
    }

    fn push_float(number: impl Float, out: &mut Vec<u8>) -> bool {
        push_float(number.wide(), out);
        true
    }

    fn rare<'a>(field: &'a FieldRef, array: &'a ArrayRef, options: &'a EncoderOptions) -> Result<Box<dyn Values + 'a>> {
        Ok(Box::new(Rare { cells: Cells::try_new(field, array, options)?, text: String::new() }))
    }
}

/// Cells through their text.
struct Rare<'a> {
    cells: Cells<'a>,
    text: String,
}

impl Values for Rare<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let written = self.cells.read(row, &mut self.text);
        if written {
            push_field(&self.text, out);
        }
        written
    }
}

/// Which bytes a reader would take for the end of a field or of a record, or for a quote.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    special[b',' as usize] = true;
    special[b'"' as usize] = true;
    special[b'\n' as usize] = true;
    special[b'\r' as usize] = true;
    special
};

/// Quotes what a reader would misread: separators, quotes, line ends, outer spaces, and the empty text.
fn push_field(text: &str, line: &mut Vec<u8>) {
    let outer = |byte: Option<&u8>| byte.is_none_or(|byte| matches!(byte, b' ' | b'\t'));
    let bytes = text.as_bytes();
    let quoted = outer(bytes.first()) || outer(bytes.last()) || bytes.iter().any(|byte| SPECIAL[usize::from(*byte)]);
    if !quoted {
        line.extend_from_slice(bytes);
        return;
    }
    line.push(b'"');
    for (idx, part) in text.split('"').enumerate() {
        if idx > 0 {
            line.extend_from_slice(b"\"\"");
        }
        line.extend_from_slice(part.as_bytes());
    }
    line.push(b'"');
}
