//! One JSON document. Numbers stay numbers whatever their size; NaN and infinities are null.
//!
//! What stands around the rows is [`Shape`]; every shape ends with a bracket, so that no part of one can be read as a
//! whole.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, FieldRef, Schema, SchemaRef};
use arrow::json::writer::{EncoderOptions, NullableEncoder, make_encoder};
use engine::Result;

use super::Encoder;
use super::column::{Frame, Values};
use super::dialect::Dialect;
use super::number::{Float, push_integer};
use super::rows::{Layout, Rows};
use super::type_word::type_word;
use super::wrapping::{Shape, Wrapping};

/// Writes a JSON document.
pub(super) struct JsonEncoder<W> {
    rows: Rows<Json, W>,
    shape: Shape,
}

impl<W: Write> JsonEncoder<W> {
    /// Plans the document.
    pub(super) fn try_new(schema: &Schema, out: W, wrapping: &Wrapping) -> Result<Self> {
        let shape = wrapping.shape;
        let mut rows = Rows::try_new(schema, out, |schema| match shape {
            Shape::Columns => arrays(schema.fields().len()),
            Shape::Rows | Shape::Full => objects(schema, b",\n", b"}"),
        })?;
        let head = match shape {
            Shape::Rows => b"[".to_vec(),
            Shape::Full => full_head(rows.schema(), wrapping),
            Shape::Columns => columns_head(rows.schema()),
        };
        rows.push(head);
        Ok(Self { rows, shape })
    }
}

impl<W: Write + Send> Encoder for JsonEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows.write(batch)
    }

    fn finish(&mut self) -> Result<()> {
        let tail = match self.shape {
            Shape::Rows => b"]\n".to_vec(),
            Shape::Columns => b"]}\n".to_vec(),
            Shape::Full => full_tail(self.rows.count()),
        };
        self.rows.push(tail);
        self.rows.finish()
    }

    fn rows(&self) -> u64 {
        self.rows.count()
    }
}

/// The layout of rows that are objects.
pub(super) fn objects(schema: &SchemaRef, between: &[u8], end: &[u8]) -> Layout {
    let frame = |(idx, field): (usize, &FieldRef)| {
        let mut before = Vec::new();
        if idx > 0 {
            before.push(b',');
        }
        push_json_text(field.name(), &mut before);
        before.push(b':');
        null_for(before)
    };
    let frames = schema.fields().iter().enumerate().map(frame).collect();
    Layout { between: between.to_vec(), start: b"{".to_vec(), end: end.to_vec(), frames }
}

/// The layout of rows that are arrays.
fn arrays(columns: usize) -> Layout {
    let frames = (0..columns).map(|idx| null_for(if idx > 0 { b",".to_vec() } else { Vec::new() })).collect();
    Layout { between: b",\n".to_vec(), start: b"[".to_vec(), end: b"]".to_vec(), frames }
}

fn null_for(before: Vec<u8>) -> Arc<Frame> {
    let null = [before.as_slice(), b"null"].concat();
    Arc::new(Frame { before, after: Vec::new(), null })
}

fn full_head(schema: &SchemaRef, wrapping: &Wrapping) -> Vec<u8> {
    let mut head = b"{\"columns\":[".to_vec();
    for (idx, field) in schema.fields().iter().enumerate() {
        if idx > 0 {
            head.push(b',');
        }
        push_column(field, wrapping, &mut head);
    }
    head.extend_from_slice(b"],");
    head.extend(wrapping.members());
    head.extend_from_slice(b"\"rows\":[");
    head
}

/// One column as an object: name, type and what is noted of it.
fn push_column(field: &Field, wrapping: &Wrapping, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"name\":");
    push_json_text(field.name(), out);
    out.extend_from_slice(b",\"type\":");
    push_json_text(type_word(field.data_type()), out);
    out.extend_from_slice(if field.is_nullable() { b",\"nullable\":true" } else { b",\"nullable\":false" });
    let note = wrapping.notes.iter().find(|note| note.name == *field.name());
    let notes = [("unit", note.and_then(|note| note.unit.as_ref())), ("doc", note.and_then(|note| note.doc.as_ref()))];
    for (member, text) in notes {
        if let Some(text) = text {
            out.push(b',');
            push_json_text(member, out);
            out.push(b':');
            push_json_text(text, out);
        }
    }
    out.push(b'}');
}

fn full_tail(rows: u64) -> Vec<u8> {
    let mut tail = b"],\"row_count\":".to_vec();
    push_integer(rows, &mut tail);
    tail.extend_from_slice(b",\"complete\":true}\n");
    tail
}

fn columns_head(schema: &SchemaRef) -> Vec<u8> {
    let mut head = b"{\"columns\":[".to_vec();
    for (idx, field) in schema.fields().iter().enumerate() {
        if idx > 0 {
            head.push(b',');
        }
        push_json_text(field.name(), &mut head);
    }
    head.extend_from_slice(b"],\"data\":[");
    head
}

/// The values of JSON.
pub(super) struct Json;

impl Dialect for Json {
    const QUOTE: &'static [u8] = b"\"";

    fn push_text(text: &str, out: &mut Vec<u8>) {
        push_json_text(text, out);
    }

    fn push_float(number: impl Float, out: &mut Vec<u8>) -> bool {
        let finite = number.wide().is_finite();
        if finite {
            out.extend_from_slice(number.json().as_bytes());
        }
        finite
    }

    fn rare<'a>(field: &'a FieldRef, array: &'a ArrayRef, options: &'a EncoderOptions) -> Result<Box<dyn Values + 'a>> {
        Ok(Box::new(Rare(make_encoder(field, array, options)?)))
    }
}

/// Cells through the encoders of Arrow.
struct Rare<'a>(NullableEncoder<'a>);

impl Values for Rare<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let is_null = self.0.is_null(row);
        if !is_null {
            self.0.encode(row, out);
        }
        !is_null
    }
}

/// What stands behind the backslash for a byte, `u` for a byte that is written by its number, 0 for one that is not
/// escaped.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escapes[byte] = b'u';
        byte += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Appends a text in quotes. Runs of bytes that need no escape are copied at once.
pub(super) fn push_json_text(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    out.push(b'"');
    while let Some(idx) = rest.iter().position(|byte| ESCAPES[usize::from(*byte)] != 0) {
        let byte = rest[idx];
        out.extend_from_slice(&rest[..idx]);
        match ESCAPES[usize::from(byte)] {
            b'u' => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            letter => out.extend_from_slice(&[b'\\', letter]),
        }
        rest = &rest[idx + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}
