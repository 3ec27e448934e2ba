//! An XML document: root `records`, one `record` per row, one element per column.
//!
//! Well-formed for any text: characters that XML 1.0 forbids become U+FFFD, carriage returns are written so that a
//! reader gets them back. A null is an empty element with `xsi:nil="true"`. The elements of a list are `item`, those
//! of a map `entry` with `key` and `value`. A name that is no XML name has its odd characters replaced by `_`, and the
//! real one beside it in the attribute `name`.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch};
use arrow::datatypes::{DataType, FieldRef, Schema, SchemaRef};
use arrow::json::writer::EncoderOptions;
use engine::{Error, Result};

use super::Encoder;
use super::cell::{PlainCells, push_float};
use super::column::{Column, Frame, Values};
use super::dialect::Dialect;
use super::number::Float;
use super::rows::{Layout, Rows};
use super::wrapping::Wrapping;
use super::xml_text::{Element, end_mark, push_xml_text};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const ITEM: &str = "item";
const ENTRY: &str = "entry";
const XSI: (&str, &str) = ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance");

/// Writes XML.
pub(super) struct XmlEncoder<W> {
    rows: Rows<Xml, W>,
    root: Element,
    /// The meta values, where a mark at the end is asked for.
    mark: Option<Vec<(String, serde_json::Value)>>,
}

impl<W: Write> XmlEncoder<W> {
    /// Plans the document.
    pub(super) fn try_new(schema: &Schema, out: W, wrapping: &Wrapping) -> Result<Self> {
        let mut rows = Rows::try_new(schema, out, |schema| layout(schema, &wrapping.xml_row))?;
        rows.push(DECLARATION);
        let root = Element::new(&wrapping.xml_root).with_attribute(XSI.0, XSI.1);
        Ok(Self { rows, root, mark: wrapping.end_mark.then(|| wrapping.meta.clone()) })
    }
}

impl<W: Write + Send> Encoder for XmlEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        if self.rows.count() == 0 && batch.num_rows() > 0 {
            self.rows.push(self.root.start() + "\n");
        }
        self.rows.write(batch)
    }

    fn finish(&mut self) -> Result<()> {
        match (self.rows.count(), &self.mark) {
            (0, None) => self.rows.push(self.root.empty() + "\n"),
            (rows, mark) => {
                if rows == 0 {
                    self.rows.push(self.root.start() + "\n");
                }
                if let Some(meta) = mark {
                    self.rows.push(end_mark(rows, meta) + "\n");
                }
                self.rows.push(self.root.end() + "\n");
            }
        }
        self.rows.finish()
    }

    fn rows(&self) -> u64 {
        self.rows.count()
    }
}

fn layout(schema: &SchemaRef, row: &str) -> Layout {
    let row = Element::new(row);
    let frames = schema.fields().iter().map(|field| frame(field.name())).collect();
    Layout { between: Vec::new(), start: row.start().into_bytes(), end: (row.end() + "\n").into_bytes(), frames }
}

fn frame(name: &str) -> Arc<Frame> {
    let element = Element::new(name);
    let null = element.clone().with_attribute("xsi:nil", "true").empty();
    Arc::new(Frame { before: element.start().into_bytes(), after: element.end().into_bytes(), null: null.into_bytes() })
}

/// The values of XML.
struct Xml;

impl Dialect for Xml {
    const QUOTE: &'static [u8] = b"";

    fn push_text(text: &str, out: &mut Vec<u8>) {
        push_xml_text(text, out);
    }

    fn push_float(number: impl Float, out: &mut Vec<u8>) -> bool {
        match number.wide() {
            // As XML Schema spells them.
            f64::INFINITY => out.extend_from_slice(b"INF"),
            f64::NEG_INFINITY => out.extend_from_slice(b"-INF"),
            number => push_float(number, out),
        }
        true
    }

    fn rare<'a>(
        _field: &'a FieldRef,
        array: &'a ArrayRef,
        options: &'a EncoderOptions,
    ) -> Result<Box<dyn Values + 'a>> {
        let inner = |name: &str, field: &'a FieldRef, array: &'a ArrayRef| {
            Column::try_new::<Self>(frame(name), field, array, options)
        };
        Ok(match array.data_type() {
            DataType::List(field) => {
                let list = array.as_list::<i32>();
                Box::new(Lists { bounds: bounds(list.value_offsets()), items: inner(ITEM, field, list.values())? })
            }
            DataType::LargeList(field) => {
                let list = array.as_list::<i64>();
                Box::new(Lists { bounds: bounds(list.value_offsets()), items: inner(ITEM, field, list.values())? })
            }
            DataType::FixedSizeList(field, size) => {
                let (list, size) = (array.as_fixed_size_list(), usize::try_from(*size).unwrap_or(0));
                let bounds = (0..list.len()).map(|row| (row * size, (row + 1) * size)).collect();
                Box::new(Lists { bounds, items: inner(ITEM, field, list.values())? })
            }
            DataType::Struct(fields) => {
                let pairs = fields.iter().zip(array.as_struct().columns());
                let members = pairs.map(|(field, column)| inner(field.name(), field, column));
                Box::new(Structs(members.collect::<Result<_>>()?))
            }
            DataType::Map(entries, _) => {
                let map = array.as_map();
                let (keys, values) = (inner("key", entries, map.keys())?, inner("value", entries, map.values())?);
                Box::new(Maps { bounds: bounds(map.value_offsets()), entry: Element::new(ENTRY), keys, values })
            }
            DataType::Union(..) | DataType::ListView(_) | DataType::LargeListView(_) => {
                return Err(Error::bug("the wire schema lets no such type through"));
            }
            _ => Box::new(Rare { cells: PlainCells::try_new(array)?, text: String::new() }),
        })
    }
}

/// The first item of each row's list, and the one behind its last.
fn bounds<O: OffsetSizeTrait>(offsets: &[O]) -> Vec<(usize, usize)> {
    offsets.windows(2).map(|pair| (pair[0].as_usize(), pair[1].as_usize())).collect()
}

struct Lists<'a> {
    bounds: Vec<(usize, usize)>,
    items: Column<'a>,
}

impl Values for Lists<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let (from, to) = self.bounds[row];
        for item in from..to {
            self.items.write(item, out);
        }
        true
    }
}

struct Structs<'a>(Vec<Column<'a>>);

impl Values for Structs<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        for column in &mut self.0 {
            column.write(row, out);
        }
        true
    }
}

struct Maps<'a> {
    bounds: Vec<(usize, usize)>,
    entry: Element,
    keys: Column<'a>,
    values: Column<'a>,
}

impl Values for Maps<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let (from, to) = self.bounds[row];
        for item in from..to {
            out.extend_from_slice(self.entry.start().as_bytes());
            self.keys.write(item, out);
            self.values.write(item, out);
            out.extend_from_slice(self.entry.end().as_bytes());
        }
        true
    }
}

/// Cells through their text.
struct Rare<'a> {
    cells: PlainCells<'a>,
    text: String,
}

impl Values for Rare<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        self.text.clear();
        let written = self.cells.read(row, &mut self.text);
        if written {
            push_xml_text(&self.text, out);
        }
        written
    }
}
