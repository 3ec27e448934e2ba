//! Every format on hand-made batches: all types, hostile texts, zero rows.

use std::path::Path;
use std::sync::{Arc, Mutex};

use ::arrow::array::*;
use ::arrow::buffer::OffsetBuffer;
use ::arrow::datatypes::*;
use ::arrow::ipc::reader::StreamReader;
use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use quick_xml::events::Event;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;

mod fast;
mod formats;
mod readers;
mod reference;
mod shapes;

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The document of these batches.
fn document(format: Format, schema: &SchemaRef, batches: &[RecordBatch], options: &TableOptions) -> Result<Vec<u8>> {
    let out = Shared::default();
    let mut encoder = encoder(format, schema, Box::new(out.clone()), options)?;
    for batch in batches {
        encoder.write(batch)?;
    }
    encoder.finish()?;
    drop(encoder);
    let bytes = out.0.lock().unwrap().clone();
    Ok(bytes)
}

/// The document of these batches with what stands around the rows.
fn wrapped(format: Format, schema: &SchemaRef, batches: &[RecordBatch], wrapping: &Wrapping) -> Result<Vec<u8>> {
    let out = Shared::default();
    let mut encoder = super::document(format, schema, Box::new(out.clone()), wrapping)?;
    for batch in batches {
        encoder.write(batch)?;
    }
    encoder.finish()?;
    assert_eq!(encoder.rows(), batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    drop(encoder);
    let bytes = out.0.lock().unwrap().clone();
    Ok(bytes)
}

fn text_of(format: Format, batch: &RecordBatch) -> String {
    let batches = std::slice::from_ref(batch);
    String::from_utf8(document(format, &batch.schema(), batches, &TableOptions::default()).unwrap()).unwrap()
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

fn texts(name: &str, values: &[Option<&str>]) -> RecordBatch {
    batch(vec![(name, Arc::new(StringArray::from(values.to_vec())))])
}

fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// One value of every type that queries return, then a null of each; columns are named after their type.
fn every_type() -> RecordBatch {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None, Some(3)]), None]);
    let large = LargeListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![]), None]);
    let fixed = FixedSizeListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(7), Some(8)]), None], 2);
    let session = StructArray::new(
        vec![
            Arc::new(Field::new("start", DataType::Timestamp(TimeUnit::Second, None), true)),
            Arc::new(Field::new("events", DataType::Int64, true)),
        ]
        .into(),
        vec![
            Arc::new(TimestampSecondArray::from(vec![Some(0), None])),
            Arc::new(Int64Array::from(vec![Some(2), None])),
        ],
        Some(vec![true, false].into()),
    );
    let sessions = ListArray::new(
        Arc::new(Field::new_list_field(session.data_type().clone(), true)),
        OffsetBuffer::new(vec![0, 2, 2].into()),
        Arc::new(session.clone()),
        Some(vec![true, false].into()),
    );
    let mut map = MapBuilder::new(None, Int32Builder::new(), StringBuilder::new());
    map.keys().append_value(5);
    map.values().append_value("five");
    map.append(true).unwrap();
    map.append(false).unwrap();
    batch(vec![
        ("null", Arc::new(NullArray::new(2))),
        ("bool", Arc::new(BooleanArray::from(vec![Some(true), None]))),
        ("i8", Arc::new(Int8Array::from(vec![Some(-8), None]))),
        ("u32", Arc::new(UInt32Array::from(vec![Some(4_294_967_295), None]))),
        ("i64", Arc::new(Int64Array::from(vec![Some(9_007_199_254_740_993), None]))),
        ("u64", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None]))),
        ("f32", Arc::new(Float32Array::from(vec![Some(0.1), None]))),
        ("f64", Arc::new(Float64Array::from(vec![Some(-2.5), None]))),
        ("dec", Arc::new(Decimal128Array::from(vec![Some(12345), None]).with_precision_and_scale(10, 2).unwrap())),
        ("utf8", Arc::new(StringArray::from(vec![Some("é"), None]))),
        ("large", Arc::new(LargeStringArray::from(vec![Some("l"), None]))),
        ("view", Arc::new(StringViewArray::from(vec![Some("v"), None]))),
        ("bin", Arc::new(BinaryArray::from(vec![Some(&b"\x00\xff"[..]), None]))),
        ("binview", Arc::new(BinaryViewArray::from(vec![Some(&b"\x0a"[..]), None]))),
        ("date", Arc::new(Date32Array::from(vec![Some(19_723), None]))),
        ("date64", Arc::new(Date64Array::from(vec![Some(86_400_000), None]))),
        ("time", Arc::new(Time64MicrosecondArray::from(vec![Some(3_661_000_000), None]))),
        ("ts", Arc::new(TimestampSecondArray::from(vec![Some(1_700_000_000), None]))),
        ("tsz", Arc::new(TimestampMillisecondArray::from(vec![Some(1_500), None]).with_timezone("+02:00"))),
        ("dict", Arc::new(DictionaryArray::<Int32Type>::from_iter([Some("d"), None]))),
        ("dur", Arc::new(DurationSecondArray::from(vec![Some(90), None]))),
        ("interval", Arc::new(IntervalYearMonthArray::from(vec![Some(14), None]))),
        ("list", Arc::new(list)),
        ("large_list", Arc::new(large)),
        ("fixed", Arc::new(fixed)),
        ("struct", Arc::new(session)),
        ("sessions", Arc::new(sessions)),
        ("map", Arc::new(map.finish())),
    ])
}

#[test]
fn json_holds_every_type() {
    let rows: Value = serde_json::from_str(&text_of(Format::Json, &every_type())).unwrap();
    let row = &rows[0];
    for (name, expected) in [
        ("null", Value::Null),
        ("bool", json!(true)),
        ("i8", json!(-8)),
        ("u32", json!(4_294_967_295u32)),
        ("i64", json!(9_007_199_254_740_993i64)),
        ("u64", json!(u64::MAX)),
        ("f32", json!(0.1)),
        ("f64", json!(-2.5)),
        ("dec", json!(123.45)),
        ("utf8", json!("é")),
        ("large", json!("l")),
        ("view", json!("v")),
        ("bin", json!("00ff")),
        ("binview", json!("0a")),
        ("date", json!("2024-01-01")),
        ("date64", json!("1970-01-02")),
        ("time", json!("01:01:01")),
        ("ts", json!("2023-11-14T22:13:20Z")),
        ("tsz", json!("1970-01-01T02:00:01.500+02:00")),
        ("dict", json!("d")),
        ("list", json!([1, null, 3])),
        ("large_list", json!([])),
        ("fixed", json!([7, 8])),
        ("struct", json!({"start": "1970-01-01T00:00:00Z", "events": 2})),
        ("sessions", json!([{"start": "1970-01-01T00:00:00Z", "events": 2}, null])),
        ("map", json!({"5": "five"})),
    ] {
        assert_eq!(row[name], expected, "{name}");
    }
    assert!(rows[1].as_object().unwrap().values().all(Value::is_null), "{}", rows[1]);
    assert_eq!(rows[1].as_object().unwrap().len(), every_type().num_columns());
}

#[test]
fn ndjson_holds_the_rows_of_json() {
    let lines = text_of(Format::Ndjson, &every_type());
    let rows: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let json: Vec<Value> = serde_json::from_str(&text_of(Format::Json, &every_type())).unwrap();
    assert_eq!(rows, json);
    assert!(lines.ends_with("}\n"));
}

#[test]
fn csv_holds_every_type() {
    let text = text_of(Format::Csv, &every_type());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1]
            .starts_with(",true,-8,4294967295,9007199254740993,18446744073709551615,0.1,-2.5,123.45,é,l,v,00ff,0a,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].contains(",2024-01-01,1970-01-02,01:01:01,2023-11-14T22:13:20Z,1970-01-01T02:00:01.500+02:00,d,"),
        "{}",
        lines[1]
    );
    assert!(
        lines[1].contains(r#","[1,null,3]",[],"[7,8]","{""start"":""1970-01-01T00:00:00Z"",""events"":2}","#),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with(r#",null]","{""5"":""five""}""#), "{}", lines[1]);
    assert_eq!(lines[2], ",".repeat(every_type().num_columns() - 1));
}

#[test]
fn csv_quotes_what_a_reader_would_misread_and_nothing_else() {
    let rows = batch(vec![
        (
            "a,b",
            Arc::new(StringArray::from(vec![
                Some("plain é"),
                Some(""),
                None,
                Some("a\"b"),
                Some(" x"),
                Some("1\r\n2"),
            ])),
        ),
        ("n", ints(&[1, 2, 3, 4, 5, 6])),
    ]);
    let expected = "\"a,b\",n\nplain é,1\n\"\",2\n,3\n\"a\"\"b\",4\n\" x\",5\n\"1\r\n2\",6\n";
    assert_eq!(text_of(Format::Csv, &rows), expected);
    assert_eq!(text_of(Format::Csv, &texts("x", &[None, Some("")])), "x\n\"\"\n\"\"\n");
}

#[test]
fn numbers_that_are_none_are_null_in_json() {
    let rows = batch(vec![
        ("f", Arc::new(Float64Array::from(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300]))),
        ("g", Arc::new(Float32Array::from(vec![f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]))),
    ]);
    let json: Value = serde_json::from_str(&text_of(Format::Json, &rows)).unwrap();
    assert_eq!(json[0], json!({"f": null, "g": null}));
    assert_eq!(json[2], json!({"f": null, "g": null}));
    assert_eq!(json[3], json!({"f": 1e300, "g": 1.0}));
    assert_eq!(text_of(Format::Csv, &rows), "f,g\nNaN,NaN\ninf,inf\n-inf,-inf\n1e300,1.0\n");
    assert!(text_of(Format::Xml, &rows).contains("<f>INF</f><g>INF</g>"));
}

#[test]
fn a_text_that_looks_like_a_number_stays_what_it_is() {
    let rows = texts("x", &[Some("inf"), Some("-inf"), Some("NaN")]);
    let xml = text_of(Format::Xml, &rows);
    assert!(xml.contains("<x>inf</x>") && xml.contains("<x>-inf</x>") && xml.contains("<x>NaN</x>"), "{xml}");
    assert_eq!(text_of(Format::Json, &rows), "[{\"x\":\"inf\"},\n{\"x\":\"-inf\"},\n{\"x\":\"NaN\"}]\n");
}

#[test]
fn times_out_of_every_calendar_are_null() {
    let rows = batch(vec![
        ("s", Arc::new(TimestampSecondArray::from(vec![i64::MAX, i64::MIN, 253_402_300_800, 253_402_300_799]))),
        ("d", Arc::new(Date32Array::from(vec![i32::MAX, i32::MIN, 2_932_897, 2_932_896]))),
    ]);
    let json: Value = serde_json::from_str(&text_of(Format::Json, &rows)).unwrap();
    for row in 0..3 {
        assert_eq!(json[row], json!({"s": null, "d": null}), "{row}");
    }
    assert_eq!(json[3], json!({"s": "9999-12-31T23:59:59Z", "d": "9999-12-31"}));
    assert!(text_of(Format::Csv, &rows).starts_with("s,d\n,\n,\n,\n9999-12-31T23:59:59Z,9999-12-31\n"));
}

/// The elements of a document as JSON: text, or a list of (name, attributes, content).
fn parse_xml(document: &str) -> Value {
    let mut reader = quick_xml::Reader::from_str(document);
    reader.config_mut().expand_empty_elements = true;
    let mut stack: Vec<(Value, Vec<Value>, String)> = vec![(Value::Null, Vec::new(), String::new())];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let mut head = serde_json::Map::new();
                head.insert("element".to_owned(), json!(AsRef::<str>::as_ref(&start.name())));
                for attribute in start.attributes() {
                    let attribute = attribute.unwrap();
                    let value = quick_xml::escape::unescape(&attribute.value).unwrap().into_owned();
                    head.insert(format!("@{}", AsRef::<str>::as_ref(&attribute.key)), json!(value));
                }
                stack.push((Value::Object(head), Vec::new(), String::new()));
            }
            Event::End(_) => {
                let (mut head, children, text) = stack.pop().unwrap();
                head["content"] = if children.is_empty() { json!(text) } else { json!(children) };
                stack.last_mut().unwrap().1.push(head);
            }
            Event::Text(text) => stack.last_mut().unwrap().2.push_str(&text),
            Event::GeneralRef(entity) => {
                let entity = format!("&{};", &*entity);
                stack.last_mut().unwrap().2.push_str(&quick_xml::escape::unescape(&entity).unwrap());
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(stack.len(), 1, "an element is not closed");
    let mut roots = stack.pop().unwrap().1;
    assert_eq!(roots.len(), 1, "a document has one root");
    roots.remove(0)
}

fn cell(record: &Value, idx: usize) -> &Value {
    &record["content"][idx]
}

#[test]
fn xml_holds_every_type() {
    let root = parse_xml(&text_of(Format::Xml, &every_type()));
    assert_eq!(root["element"], "records");
    let schema = every_type().schema();
    let of = |row: usize, name: &str| cell(&root["content"][row], schema.index_of(name).unwrap()).clone();
    assert_eq!(root["content"][0]["element"], "record");
    for (name, expected) in [
        ("bool", "true"),
        ("i64", "9007199254740993"),
        ("u64", "18446744073709551615"),
        ("f32", "0.1"),
        ("dec", "123.45"),
        ("utf8", "é"),
        ("bin", "00ff"),
        ("date", "2024-01-01"),
        ("ts", "2023-11-14T22:13:20Z"),
        ("dict", "d"),
        ("large_list", ""),
    ] {
        assert_eq!(of(0, name), json!({"element": name, "content": expected}), "{name}");
    }
    let nil = json!({"element": "item", "@xsi:nil": "true", "content": ""});
    let item = |content: Value| json!({"element": "item", "content": content});
    assert_eq!(of(0, "list")["content"], json!([item(json!("1")), nil, item(json!("3"))]));
    assert_eq!(of(0, "fixed")["content"], json!([item(json!("7")), item(json!("8"))]));
    let session = json!([
        {"element": "start", "content": "1970-01-01T00:00:00Z"},
        {"element": "events", "content": "2"},
    ]);
    assert_eq!(of(0, "struct")["content"], session);
    assert_eq!(of(0, "sessions")["content"], json!([item(session), nil]));
    let entry = json!([{"element": "key", "content": "5"}, {"element": "value", "content": "five"}]);
    assert_eq!(of(0, "map")["content"], json!([{"element": "entry", "content": entry}]));
    for field in schema.fields() {
        assert_eq!(of(1, field.name())["@xsi:nil"], "true", "{}", field.name());
    }
}

#[rstest]
#[case("a & b < c > d ]]> \"e\" 'f'", "a & b < c > d ]]> \"e\" 'f'")]
#[case("\u{0}\u{8}\u{b}\u{1f}\u{fffe}\u{ffff}", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}")]
#[case("line\r\nline\ttab", "line\r\nline\ttab")]
#[case("<script>alert(1)</script><!-- -- --><![CDATA[x]]>", "<script>alert(1)</script><!-- -- --><![CDATA[x]]>")]
#[case("&amp;&#0;", "&amp;&#0;")]
#[case("\u{1f600}\u{10ffff}", "\u{1f600}\u{10ffff}")]
#[case("", "")]
fn xml_gives_back_any_text(#[case] text: &str, #[case] expected: &str) {
    let root = parse_xml(&text_of(Format::Xml, &texts("x", &[Some(text)])));
    assert_eq!(cell(&root["content"][0], 0), &json!({"element": "x", "content": expected}));
}

#[rstest]
#[case("userid", "userid", None)]
#[case("count(*)", "count___", Some("count(*)"))]
#[case("1st", "_1st", Some("1st"))]
#[case("", "_", Some(""))]
#[case("été", "_t_", Some("été"))]
#[case("a\"<&\u{1}", "a____", Some("a\"<&\u{fffd}"))]
#[case("xsi:nil", "xsi_nil", Some("xsi:nil"))]
fn xml_names_are_names(#[case] name: &str, #[case] element: &str, #[case] real: Option<&str>) {
    let root = parse_xml(&text_of(Format::Xml, &texts(name, &[Some("v")])));
    let cell = cell(&root["content"][0], 0);
    assert_eq!(cell["element"], element);
    assert_eq!(cell["@name"].as_str(), real);
}

#[rstest]
#[case(Format::Csv, "id,name\n")]
#[case(Format::Json, "[]\n")]
#[case(Format::Ndjson, "")]
#[case(
    Format::Xml,
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<records xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\"/>\n"
)]
fn zero_rows_are_a_complete_document(#[case] format: Format, #[case] expected: &str) {
    let rows = batch(vec![("id", ints(&[])), ("name", Arc::new(StringArray::from(Vec::<&str>::new())))]);
    for batches in [&[][..], std::slice::from_ref(&rows), &[rows.clone(), rows.clone()]] {
        let bytes = document(format, &rows.schema(), batches, &TableOptions::default()).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    }
}

#[test]
fn parquet_gives_back_the_rows() {
    let names = ["bool", "i64", "f64", "dec", "view", "bin", "date", "ts", "tsz", "list", "struct", "sessions", "map"];
    let all = every_type();
    let columns = names.map(|name| (name, Arc::clone(all.column_by_name(name).unwrap()))).to_vec();
    let rows = batch(columns);
    let bytes =
        document(Format::Parquet, &rows.schema(), &[rows.clone(), rows.clone()], &TableOptions::default()).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 4);
    let read: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    let read = ::arrow::compute::concat_batches(&read[0].schema(), &read).unwrap();
    assert_eq!(read.slice(0, 2).columns(), rows.columns());
}

#[test]
fn every_type_or_its_text_goes_into_parquet() {
    let all = every_type();
    let bytes = document(Format::Parquet, &all.schema(), std::slice::from_ref(&all), &TableOptions::default()).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let read: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
    let interval = read[0].column_by_name("interval").unwrap();
    assert_eq!(interval.as_string::<i32>().value(0), "1 years 2 mons");
}

#[test]
fn arrow_gives_back_the_rows() {
    let rows = every_type();
    let bytes = document(Format::Arrow, &rows.schema(), std::slice::from_ref(&rows), &TableOptions::default()).unwrap();
    let read: Vec<RecordBatch> = StreamReader::try_new(&bytes[..], None).unwrap().map(|batch| batch.unwrap()).collect();
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].columns(), rows.columns());
}

#[test]
fn binary_formats_of_zero_rows_hold_the_schema() {
    let schema: SchemaRef = Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]));
    let bytes = document(Format::Parquet, &schema, &[], &TableOptions::default()).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    assert_eq!(reader.schema().field(0).name(), "id");
    let bytes = document(Format::Arrow, &schema, &[], &TableOptions::default()).unwrap();
    assert_eq!(StreamReader::try_new(&bytes[..], None).unwrap().schema().field(0).data_type(), &DataType::Int64);
}

#[test]
fn columns_of_the_same_name_are_told_apart() {
    let rows = batch(vec![("id", ints(&[1])), ("id", ints(&[2])), ("id_2", ints(&[3])), ("id", ints(&[4]))]);
    assert_eq!(text_of(Format::Csv, &rows), "id,id_3,id_2,id_4\n1,2,3,4\n");
    let json: Value = serde_json::from_str(&text_of(Format::Json, &rows)).unwrap();
    assert_eq!(json, json!([{"id": 1, "id_3": 2, "id_2": 3, "id_4": 4}]));
}

#[test]
fn slices_show_their_own_rows() {
    let rows = every_type();
    let doubled = ::arrow::compute::concat_batches(&rows.schema(), [&rows, &rows]).unwrap();
    for format in [Format::Json, Format::Csv, Format::Xml] {
        assert_eq!(text_of(format, &doubled.slice(2, 2)), text_of(format, &rows), "{format:?}");
    }
}

#[test]
fn several_batches_make_one_document() {
    let rows = texts("x", &[Some("a")]);
    let of = |format| {
        let batches = [rows.clone(), rows.clone()];
        String::from_utf8(document(format, &rows.schema(), &batches, &TableOptions::default()).unwrap()).unwrap()
    };
    assert_eq!(of(Format::Json), "[{\"x\":\"a\"},\n{\"x\":\"a\"}]\n");
    assert_eq!(of(Format::Ndjson), "{\"x\":\"a\"}\n{\"x\":\"a\"}\n");
    assert_eq!(of(Format::Csv), "x\na\na\n");
    assert_eq!(parse_xml(&of(Format::Xml))["content"].as_array().unwrap().len(), 2);
}

#[test]
fn a_table_shows_some_rows_and_counts_the_rest() {
    let rows = batch(vec![("n", ints(&[1, 2, 3])), ("t", Arc::new(StringArray::from(vec!["a", "b", "c"])))]);
    let out = Shared::default();
    let options = TableOptions { max_rows: 4, ..TableOptions::default() };
    let mut encoder = encoder(Format::Table, &rows.schema(), Box::new(out.clone()), &options).unwrap();
    encoder.write(&rows).unwrap();
    encoder.write(&rows).unwrap();
    encoder.finish().unwrap();
    assert_eq!(encoder.remark().unwrap().en, "… 2 more rows");
    drop(encoder);
    let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().filter(|line| line.contains('│') || line.contains('┆')).count(), 5, "{text}");
}

#[test]
fn a_table_of_zero_rows_shows_its_head() {
    let text = text_of(Format::Table, &batch(vec![("name", ints(&[]))]));
    assert!(text.contains("name"), "{text}");
}

#[test]
fn a_table_cannot_move_the_cursor() {
    let text = text_of(Format::Table, &texts("x\u{1b}[2J", &[Some("\u{1b}]0;title\u{7}\u{202e}abc\n"), None]));
    assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text}");
    assert!(text.contains("\\n") && text.contains('∅'), "{text}");
}

#[test]
fn an_expanded_table_has_one_line_per_cell() {
    let rows = batch(vec![("n", ints(&[1])), ("name", Arc::new(StringArray::from(vec!["a"])))]);
    let options = TableOptions { expanded: true, ..TableOptions::default() };
    let bytes = document(Format::Table, &rows.schema(), std::slice::from_ref(&rows), &options).unwrap();
    assert_eq!(String::from_utf8(bytes).unwrap(), "─── 1 ───\nn    │ 1\nname │ a\n");
}

#[test]
fn too_many_columns_for_the_terminal_are_expanded() {
    let names: Vec<String> = (0..12).map(|idx| format!("column_{idx}")).collect();
    let rows = batch(names.iter().map(|name| (name.as_str(), ints(&[1]))).collect());
    let of = |width| {
        let options = TableOptions { width: Some(width), ..TableOptions::default() };
        let bytes = document(Format::Table, &rows.schema(), std::slice::from_ref(&rows), &options).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    // Twelve names of 8 or 9 characters need 12 × 11 + 1 columns.
    assert!(of(133).starts_with('┌'));
    assert_eq!(of(132).lines().next(), Some("─── 1 ───"));
}

#[test]
fn an_output_that_fails_is_an_error() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
    }
    let rows = every_type();
    for format in Format::ALL {
        let whole = || -> Result<()> {
            let mut encoder = encoder(format, &rows.schema(), Box::new(Full), &TableOptions::default())?;
            encoder.write(&rows)?;
            encoder.finish()
        };
        assert!(whole().is_err(), "{format:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn any_text_survives(text in any::<String>(), name in any::<String>()) {
        let rows = texts(&name, &[Some(&text)]);
        let json: Value = serde_json::from_str(&text_of(Format::Json, &rows)).unwrap();
        prop_assert_eq!(json[0].get(&name).and_then(Value::as_str), Some(text.as_str()));
        let root = parse_xml(&text_of(Format::Xml, &rows));
        let written = cell(&root["content"][0], 0)["content"].as_str().unwrap().to_owned();
        prop_assert_eq!(written.chars().count(), text.chars().count());
        text_of(Format::Table, &rows);
    }
}
