//! An XML document: root `records`, one `record` per row, one element per column.
//!
//! Well-formed for any text: characters that XML 1.0 forbids become U+FFFD, carriage returns are written so that a
//! reader gets them back. A null is an empty element with `xsi:nil="true"`. The elements of a list are `item`, those
//! of a map `entry` with `key` and `value`. A name that is no XML name has its odd characters replaced by `_`, and the
//! real one beside it in the attribute `name`.

use std::borrow::Cow;
use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use engine::{Error, Result};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::Encoder;
use super::cell::PlainCells;
use super::wire::{Medium, Wire};

const ROOT: &str = "records";
const ROW: &str = "record";
const ITEM: &str = "item";
const ENTRY: &str = "entry";
const XSI: (&str, &str) = ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");
const NIL: (&str, &str) = ("xsi:nil", "true");

/// Writes XML.
pub(super) struct XmlEncoder<W: Write> {
    wire: Wire,
    writer: Writer<W>,
    started: bool,
}

impl<W: Write> XmlEncoder<W> {
    /// Nothing is written yet.
    pub(super) fn try_new(schema: &Schema, out: W) -> Result<Self> {
        Ok(Self { wire: Wire::try_new(schema, Medium::Text)?, writer: Writer::new(out), started: false })
    }

    fn start(&mut self, empty: bool) -> Result<()> {
        self.started = true;
        self.writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        self.line()?;
        let mut root = BytesStart::new(ROOT);
        root.push_attribute(XSI);
        self.writer.write_event(if empty { Event::Empty(root) } else { Event::Start(root) })?;
        self.line()
    }

    fn line(&mut self) -> Result<()> {
        Ok(self.writer.get_mut().write_all(b"\n")?)
    }
}

impl<W: Write + Send> Encoder for XmlEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.wire.apply(batch)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        if !self.started {
            self.start(false)?;
        }
        let schema = batch.schema();
        let pairs = schema.fields().iter().zip(batch.columns());
        let mut columns = pairs.map(|(field, column)| Column::try_new(field, column)).collect::<Result<Vec<_>>>()?;
        for row in 0..batch.num_rows() {
            self.writer.write_event(Event::Start(BytesStart::new(ROW)))?;
            for column in &mut columns {
                column.write(row, &mut self.writer)?;
            }
            self.writer.write_event(Event::End(BytesEnd::new(ROW)))?;
            self.line()?;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        if self.started {
            self.writer.write_event(Event::End(BytesEnd::new(ROOT)))?;
            self.line()?;
        } else {
            self.start(true)?;
        }
        Ok(self.writer.get_mut().flush()?)
    }
}

/// A column, or the values inside one, with the element that holds each value.
struct Column<'a> {
    start: BytesStart<'static>,
    values: Values<'a>,
    nulls: Option<arrow::buffer::NullBuffer>,
}

enum Values<'a> {
    Plain(PlainCells<'a>, String),
    /// Bounds of every row's list in the items.
    List(Vec<(usize, usize)>, Box<Column<'a>>),
    Struct(Vec<Column<'a>>),
    Map(&'a [i32], Box<Column<'a>>, Box<Column<'a>>),
}

impl<'a> Column<'a> {
    fn try_new(field: &Field, array: &'a ArrayRef) -> Result<Self> {
        Self::named(field.name(), array)
    }

    fn named(name: &str, array: &'a ArrayRef) -> Result<Self> {
        let values = match array.data_type() {
            DataType::List(_) => {
                let list = array.as_list::<i32>();
                let bounds = list.value_offsets().windows(2).map(|pair| (pair[0] as usize, pair[1] as usize));
                Values::List(bounds.collect(), Box::new(Self::named(ITEM, list.values())?))
            }
            DataType::LargeList(_) => {
                let list = array.as_list::<i64>();
                let bounds = list.value_offsets().windows(2).map(|pair| (pair[0] as usize, pair[1] as usize));
                Values::List(bounds.collect(), Box::new(Self::named(ITEM, list.values())?))
            }
            DataType::FixedSizeList(_, size) => {
                let (list, size) = (array.as_fixed_size_list(), usize::try_from(*size).unwrap_or(0));
                let bounds = (0..list.len()).map(|row| (row * size, (row + 1) * size));
                Values::List(bounds.collect(), Box::new(Self::named(ITEM, list.values())?))
            }
            DataType::Struct(fields) => {
                let pairs = fields.iter().zip(array.as_struct().columns());
                Values::Struct(pairs.map(|(field, column)| Self::try_new(field, column)).collect::<Result<_>>()?)
            }
            DataType::Map(..) => {
                let map = array.as_map();
                let (keys, values) = (Self::named("key", map.keys())?, Self::named("value", map.values())?);
                Values::Map(map.value_offsets(), Box::new(keys), Box::new(values))
            }
            DataType::Union(..) | DataType::ListView(_) | DataType::LargeListView(_) => {
                return Err(Error::bug("the wire schema lets no such type through"));
            }
            _ => Values::Plain(PlainCells::try_new(array)?, String::new()),
        };
        Ok(Self { start: element(name), values, nulls: array.logical_nulls() })
    }

    fn write(&mut self, row: usize, writer: &mut Writer<impl Write>) -> Result<()> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return self.write_null(writer);
        }
        if let Values::Plain(cells, text) = &mut self.values {
            text.clear();
            if !cells.read(row, text) {
                return self.write_null(writer);
            }
            writer.write_event(Event::Start(self.start.borrow()))?;
            writer.write_event(Event::Text(BytesText::from_escaped(escape(schema_float(text)))))?;
        } else {
            writer.write_event(Event::Start(self.start.borrow()))?;
            self.values.write(row, writer)?;
        }
        Ok(writer.write_event(Event::End(self.start.to_end()))?)
    }

    fn write_null(&self, writer: &mut Writer<impl Write>) -> Result<()> {
        let mut start = self.start.clone();
        start.push_attribute(NIL);
        Ok(writer.write_event(Event::Empty(start))?)
    }
}

impl Values<'_> {
    fn write(&mut self, row: usize, writer: &mut Writer<impl Write>) -> Result<()> {
        match self {
            Self::Plain(..) => {}
            Self::List(bounds, items) => {
                let (from, to) = bounds[row];
                for item in from..to {
                    items.write(item, writer)?;
                }
            }
            Self::Struct(columns) => {
                for column in columns {
                    column.write(row, writer)?;
                }
            }
            Self::Map(offsets, keys, values) => {
                for item in offsets[row] as usize..offsets[row + 1] as usize {
                    writer.write_event(Event::Start(BytesStart::new(ENTRY)))?;
                    keys.write(item, writer)?;
                    values.write(item, writer)?;
                    writer.write_event(Event::End(BytesEnd::new(ENTRY)))?;
                }
            }
        }
        Ok(())
    }
}

/// Infinities as XML Schema spells them.
fn schema_float(text: &str) -> &str {
    match text {
        "inf" => "INF",
        "-inf" => "-INF",
        other => other,
    }
}

/// The element of a column, with its real name beside it where XML cannot spell that.
fn element(name: &str) -> BytesStart<'static> {
    let spelt = element_name(name);
    let same = spelt == name;
    let mut start = BytesStart::new(spelt);
    if !same {
        let allowed: String = name.chars().map(allowed).collect();
        start.push_attribute(("name", allowed.as_str()));
    }
    start
}

/// Letters, digits, `_`, `-` and `.`, not starting with a digit, `-` or `.`; colons would mean namespaces.
fn element_name(name: &str) -> String {
    let mut spelt: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    if !spelt.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        spelt.insert(0, '_');
    }
    spelt
}

/// The character itself, or U+FFFD where XML 1.0 forbids it.
fn allowed(c: char) -> char {
    match c {
        '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => c,
        _ => '\u{fffd}',
    }
}

/// Text as it stands in a document.
fn escape(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !matches!(c, '<' | '>' | '&' | '\r') && allowed(c) == c;
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            // Needed only in `]]>`, harmless everywhere.
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // Readers turn a bare carriage return into a line feed.
            '\r' => escaped.push_str("&#13;"),
            other => escaped.push(allowed(other)),
        }
    }
    Cow::Owned(escaped)
}
