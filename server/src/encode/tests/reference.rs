//! The generic way to write each text format: every cell through [`Cells`] or Arrow's own encoders, every escape byte
//! by byte. It is slow and short; the writers of columns have to give the same bytes.

use ::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StructArray};
use ::arrow::datatypes::{DataType, Field};
use ::arrow::json::writer::make_encoder;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::encode::cell::{Cells, PlainCells, json_options};
use crate::encode::wire::{Medium, Wire};

fn rewritten(batch: &RecordBatch) -> RecordBatch {
    Wire::try_new(&batch.schema(), Medium::Text).unwrap().apply(batch).unwrap()
}

/// Each row as a JSON object.
pub(super) fn json_objects(batch: &RecordBatch) -> Vec<Vec<u8>> {
    let rows = StructArray::from(rewritten(batch));
    let field = std::sync::Arc::new(Field::new("row", DataType::Struct(rows.fields().clone()), false));
    let options = json_options();
    let mut encoder = make_encoder(&field, &rows, &options).unwrap();
    let object = |row| {
        let mut bytes = Vec::new();
        encoder.encode(row, &mut bytes);
        bytes
    };
    (0..batch.num_rows()).map(object).collect()
}

/// A CSV document.
pub(super) fn csv(batch: &RecordBatch) -> Vec<u8> {
    let batch = rewritten(batch);
    let (schema, options) = (batch.schema(), json_options());
    let pairs = schema.fields().iter().zip(batch.columns());
    let mut columns: Vec<Cells<'_>> =
        pairs.map(|(field, column)| Cells::try_new(field, column, &options).unwrap()).collect();
    let alone = columns.len() == 1;
    let header: Vec<String> = schema.fields().iter().map(|field| csv_field(field.name())).collect();
    let mut document = header.join(",") + "\n";
    let mut text = String::new();
    for row in 0..batch.num_rows() {
        let fields = columns.iter_mut().map(|cells| match cells.read(row, &mut text) {
            true => csv_field(&text),
            false if alone => "\"\"".to_owned(),
            false => String::new(),
        });
        document += &(fields.collect::<Vec<_>>().join(",") + "\n");
    }
    document.into_bytes()
}

fn csv_field(text: &str) -> String {
    let outer = text.is_empty() || text.starts_with([' ', '\t']) || text.ends_with([' ', '\t']);
    match outer || text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

/// An XML document of at least one row.
pub(super) fn xml(batch: &RecordBatch) -> Vec<u8> {
    let batch = rewritten(batch);
    let mut writer = Writer::new(Vec::new());
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None))).unwrap();
    let mut root = BytesStart::new("records");
    root.push_attribute(("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"));
    writer.get_mut().push(b'\n');
    writer.write_event(Event::Start(root)).unwrap();
    writer.get_mut().push(b'\n');
    for row in 0..batch.num_rows() {
        writer.write_event(Event::Start(BytesStart::new("record"))).unwrap();
        for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
            xml_cell(field.name(), column, row, &mut writer);
        }
        writer.write_event(Event::End(BytesEnd::new("record"))).unwrap();
        writer.get_mut().push(b'\n');
    }
    writer.write_event(Event::End(BytesEnd::new("records"))).unwrap();
    writer.get_mut().push(b'\n');
    writer.into_inner()
}

fn xml_cell(name: &str, array: &ArrayRef, row: usize, writer: &mut Writer<Vec<u8>>) {
    let mut text = String::new();
    let null = array.logical_nulls().is_some_and(|nulls| nulls.is_null(row));
    if null || (!array.data_type().is_nested() && !PlainCells::try_new(array).unwrap().read(row, &mut text)) {
        let mut start = xml_element(name);
        start.push_attribute(("xsi:nil", "true"));
        writer.write_event(Event::Empty(start)).unwrap();
        return;
    }
    let start = xml_element(name);
    writer.write_event(Event::Start(start.borrow())).unwrap();
    match array.data_type() {
        DataType::List(_) => xml_items(&array.as_list::<i32>().value(row), writer),
        DataType::LargeList(_) => xml_items(&array.as_list::<i64>().value(row), writer),
        DataType::FixedSizeList(..) => xml_items(&array.as_fixed_size_list().value(row), writer),
        DataType::Struct(fields) => {
            for (field, column) in fields.iter().zip(array.as_struct().columns()) {
                xml_cell(field.name(), column, row, writer);
            }
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            for item in 0..entries.len() {
                writer.write_event(Event::Start(BytesStart::new("entry"))).unwrap();
                xml_cell("key", entries.column(0), item, writer);
                xml_cell("value", entries.column(1), item, writer);
                writer.write_event(Event::End(BytesEnd::new("entry"))).unwrap();
            }
        }
        data_type => {
            let text = match (text.as_str(), data_type.is_floating()) {
                ("inf", true) => "INF",
                ("-inf", true) => "-INF",
                (other, _) => other,
            };
            writer.write_event(Event::Text(BytesText::from_escaped(xml_escaped(text)))).unwrap();
        }
    }
    writer.write_event(Event::End(start.to_end())).unwrap();
}

fn xml_items(items: &ArrayRef, writer: &mut Writer<Vec<u8>>) {
    for item in 0..items.len() {
        xml_cell("item", items, item, writer);
    }
}

fn xml_element(name: &str) -> BytesStart<'static> {
    let named = |c: char| if c.is_ascii_alphanumeric() || "_-.".contains(c) { c } else { '_' };
    let mut spelt: String = name.chars().map(named).collect();
    if !spelt.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        spelt.insert(0, '_');
    }
    let same = spelt == name;
    let mut start = BytesStart::new(spelt);
    if !same {
        let name: String = name.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect();
        start.push_attribute(("name", name.as_str()));
    }
    start
}

/// The production `Char` of XML 1.0.
pub(super) fn is_allowed(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0x9 | 0xa | 0xd) || (code >= 0x20 && code != 0xfffe && code != 0xffff)
}

fn xml_escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '&' => escaped += "&amp;",
            '\r' => escaped += "&#13;",
            c if is_allowed(c) => escaped.push(c),
            _ => escaped.push('\u{fffd}'),
        }
    }
    escaped
}
