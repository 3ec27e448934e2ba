//! Documents as independent readers see them: any text, any name, any number of rows.

use ::arrow::array::*;
use ::arrow::datatypes::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::json;

use super::fast::any_text;
use super::*;

/// What a reader should find.
#[derive(Debug, Clone)]
struct Grid {
    names: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

impl Grid {
    fn batch(&self) -> RecordBatch {
        let fields: Vec<Field> = self.names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
        let column = |idx: usize| -> ArrayRef {
            Arc::new(self.rows.iter().map(|row| row[idx].as_deref()).collect::<StringArray>())
        };
        let columns = (0..self.names.len()).map(column).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    }

    fn written(&self, format: Format, wrapping: &Wrapping) -> Vec<u8> {
        let rows = self.batch();
        let batches =
            [rows.slice(0, rows.num_rows() / 2), rows.slice(rows.num_rows() / 2, rows.num_rows().div_ceil(2))];
        wrapped(format, &rows.schema(), &batches, wrapping).unwrap()
    }

    /// The rows as JSON objects.
    fn objects(&self) -> Vec<Value> {
        let object = |row: &Vec<Option<String>>| -> Value {
            Value::Object(self.names.iter().cloned().zip(row.iter().map(|cell| json!(cell))).collect())
        };
        self.rows.iter().map(object).collect()
    }
}

/// Names that are awkward in some format, all different.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::sample::select(vec![
            "", " ", "a b", "a\"b", "'", "<", "<a>&amp;", "a\nb", "1st", "-x", ".x", "xml:id", "xmlns", "é", "\u{0}",
            "\u{ffff}", "]]>", "?>", "_end", "columns", "rows", "=1+1", "\r", "a,b", "\u{202e}",
        ])
        .prop_map(str::to_owned),
        Just("x".repeat(1000)),
        any_text(),
    ]
}

fn any_grid() -> impl Strategy<Value = Grid> {
    vec(any_name(), 1..6).prop_flat_map(|mut names| {
        names.sort();
        names.dedup();
        let row = vec(option::weighted(0.8, any_text()), names.len());
        vec(row, 0..5).prop_map(move |rows| Grid { names: names.clone(), rows })
    })
}

/// The text as XML 1.0 can hold it.
fn in_xml(text: &str) -> String {
    text.chars().map(|c| if reference::is_allowed(c) { c } else { '\u{fffd}' }).collect()
}

fn with_everything() -> Wrapping {
    let meta = vec![("view".to_owned(), json!("v <&\"?> \u{1}")), ("n".to_owned(), json!(3))];
    Wrapping { footer: true, end_mark: true, meta, ..Wrapping::default() }
}

/// The records of a document as (real name, text or null) pairs, read by a strict reader.
fn read_xml(bytes: &[u8]) -> Vec<Vec<(String, Option<String>)>> {
    let root = parse_xml(std::str::from_utf8(bytes).unwrap());
    let cell = |cell: &Value| {
        let name = cell.get("@name").unwrap_or_else(|| &cell["element"]).as_str().unwrap().to_owned();
        let null = cell.get("@xsi:nil").is_some();
        (name, (!null).then(|| cell["content"].as_str().unwrap().to_owned()))
    };
    let records = root["content"].as_array().cloned().unwrap_or_default();
    records.iter().map(|record| record["content"].as_array().unwrap().iter().map(cell).collect()).collect()
}

/// The columns of all batches, one after another.
fn read_grid(batches: &[RecordBatch]) -> Vec<Vec<Option<String>>> {
    let cell = |column: &ArrayRef, row: usize| {
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    let row = |batch: &RecordBatch, row: usize| batch.columns().iter().map(|column| cell(column, row)).collect();
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |idx| row(batch, idx))).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn json_is_read_as_it_was(grid in any_grid()) {
        let rows: Vec<Value> = serde_json::from_slice(&grid.written(Format::Json, &with_everything())).unwrap();
        prop_assert_eq!(&rows, &grid.objects());

        let full = Wrapping { shape: Shape::Full, ..with_everything() };
        let document: Value = serde_json::from_slice(&grid.written(Format::Json, &full)).unwrap();
        prop_assert_eq!(&document["rows"], &json!(grid.objects()));
        prop_assert_eq!(&document["row_count"], &json!(grid.rows.len()));
        prop_assert_eq!(&document["complete"], &json!(true));
        prop_assert_eq!(&document["view"], &full.meta[0].1);
        let names: Vec<&Value> = document["columns"].as_array().unwrap().iter().map(|column| &column["name"]).collect();
        prop_assert_eq!(json!(names), json!(grid.names));

        let columns = Wrapping { shape: Shape::Columns, ..with_everything() };
        let document: Value = serde_json::from_slice(&grid.written(Format::Json, &columns)).unwrap();
        prop_assert_eq!(document, json!({"columns": grid.names, "data": grid.rows}));
    }

    #[test]
    fn every_line_of_ndjson_is_read_as_it_was(grid in any_grid()) {
        let text = String::from_utf8(grid.written(Format::Ndjson, &with_everything())).unwrap();
        let mut lines: Vec<Value> = text.split_terminator('\n').map(|line| serde_json::from_str(line).unwrap()).collect();
        let meta = with_everything().meta;
        let end = json!({"rows": grid.rows.len(), "complete": true, "view": meta[0].1, "n": 3});
        prop_assert_eq!(lines.pop(), Some(json!({"_end": end})));
        prop_assert_eq!(lines, grid.objects());
    }

    #[test]
    fn xml_is_read_as_it_was(grid in any_grid()) {
        for wrapping in [Wrapping::default(), with_everything()] {
            let read = read_xml(&grid.written(Format::Xml, &wrapping));
            let record = |row: &Vec<Option<String>>| -> Vec<(String, Option<String>)> {
                let cells = row.iter().map(|cell| cell.as_deref().map(in_xml));
                grid.names.iter().map(|name| in_xml(name)).zip(cells).collect()
            };
            prop_assert_eq!(read, grid.rows.iter().map(record).collect::<Vec<_>>());
        }
    }

    #[test]
    fn names_of_roots_and_rows_are_always_names(root in any_name(), row in any_name()) {
        let grid = Grid { names: vec!["a".to_owned()], rows: vec![vec![Some("x".to_owned())]] };
        let wrapping = Wrapping { xml_root: root, xml_row: row, ..with_everything() };
        let read = read_xml(&grid.written(Format::Xml, &wrapping));
        prop_assert_eq!(read, vec![vec![("a".to_owned(), Some("x".to_owned()))]]);
    }

    #[test]
    fn csv_is_read_as_it_was(grid in any_grid()) {
        let bytes = grid.written(Format::Csv, &with_everything());
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
        let mut read: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        prop_assert_eq!(read.remove(0), grid.names.clone());
        let texts = |row: &Vec<Option<String>>| row.iter().map(|cell| cell.clone().unwrap_or_default()).collect();
        prop_assert_eq!(read, grid.rows.iter().map(texts).collect::<Vec<Vec<String>>>());
    }

    #[test]
    fn parquet_and_arrow_are_read_as_they_were(grid in any_grid()) {
        let bytes = bytes::Bytes::from(grid.written(Format::Parquet, &with_everything()));
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        prop_assert_eq!(&names, &grid.names);
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(|batch| batch.unwrap()).collect();
        prop_assert_eq!(read_grid(&batches), grid.rows.clone());

        let bytes = grid.written(Format::Arrow, &with_everything());
        let reader = StreamReader::try_new(&bytes[..], None).unwrap();
        let names: Vec<String> = reader.schema().fields().iter().map(|field| field.name().clone()).collect();
        prop_assert_eq!(&names, &grid.names);
        let batches: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
        prop_assert_eq!(read_grid(&batches), grid.rows.clone());
    }
}

#[test]
fn a_part_of_a_marked_document_is_not_taken_for_the_whole() {
    let grid = Grid { names: vec!["a".to_owned()], rows: vec![vec![Some("x".to_owned())]; 3] };
    for shape in Shape::ALL {
        let bytes = grid.written(Format::Json, &Wrapping { shape, ..with_everything() });
        // The line end behind the last bracket may be missing.
        for end in 0..bytes.len() - 1 {
            assert!(serde_json::from_slice::<Value>(&bytes[..end]).is_err(), "{shape:?} at {end}");
        }
    }
    let bytes = grid.written(Format::Ndjson, &with_everything());
    for end in 0..bytes.len() - 1 {
        let last = bytes[..end].split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap_or_default();
        let footer = serde_json::from_slice::<Value>(last).is_ok_and(|line| line.get("_end").is_some());
        assert!(!footer, "at {end}");
    }
}

#[test]
fn a_row_group_has_at_most_64k_rows_or_16_mib() {
    let of = |rows: &RecordBatch| {
        let bytes = wrapped(Format::Parquet, &rows.schema(), std::slice::from_ref(rows), &Wrapping::default()).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        let groups = reader.metadata().row_groups();
        groups.iter().map(|group| (group.num_rows(), group.total_byte_size())).collect::<Vec<_>>()
    };
    let many = of(&batch(vec![("n", Arc::new(Int64Array::from_iter_values(0..100_000)))]));
    assert_eq!(many.iter().map(|(rows, _)| *rows).collect::<Vec<_>>(), [65_536, 100_000 - 65_536]);
    // 32 MiB of texts that do not become shorter: 2048 of 16 KiB, four random bits a byte.
    let mut state = 1u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + (state >> 60) as u8)
    };
    let long: Vec<String> = (0..2048).map(|_| (0..16 << 10).map(|_| letter()).collect()).collect();
    let long = of(&batch(vec![("t", Arc::new(StringArray::from(long)))]));
    assert_eq!(long.iter().map(|(rows, _)| rows).sum::<i64>(), 2048);
    // Half a byte of each letter is left in memory, and a step of rows may pass the limit.
    assert!(long.len() >= 2, "{long:?}");
}

#[test]
fn finished_row_groups_are_given_to_the_output() {
    let rows = batch(vec![("n", Arc::new(Int64Array::from_iter_values(0..65_536)))]);
    let out = Shared::default();
    let mut encoder =
        crate::encode::document(Format::Parquet, &rows.schema(), Box::new(out.clone()), &Wrapping::default()).unwrap();
    encoder.write(&rows).unwrap();
    let before_the_end = out.0.lock().unwrap().len();
    encoder.finish().unwrap();
    let all = out.0.lock().unwrap().len();
    // What is left is the footer with its schema and statistics.
    assert!(before_the_end > 65_536 && all - before_the_end < 4096, "{before_the_end} of {all}");
}

#[test]
fn every_batch_of_arrow_is_given_to_the_output() {
    let rows = batch(vec![("n", ints(&[1, 2, 3]))]);
    let out = Shared::default();
    let mut encoder =
        crate::encode::document(Format::Arrow, &rows.schema(), Box::new(out.clone()), &Wrapping::default()).unwrap();
    encoder.write(&rows).unwrap();
    let bytes = out.0.lock().unwrap().clone();
    let first = StreamReader::try_new(&bytes[..], None).unwrap().next().unwrap().unwrap();
    assert_eq!(first, rows);
}
