//! What stands around the rows: whole documents, written out by hand.

use ::arrow::array::*;
use ::arrow::datatypes::*;
use serde_json::json;

use super::*;

/// Two rows; the first column is never null.
fn two_rows() -> RecordBatch {
    let schema = Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("name", DataType::Utf8, true),
        Field::new("since", DataType::Timestamp(TimeUnit::Second, None), true),
    ]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![1, 2])),
        Arc::new(StringArray::from(vec![Some("a"), None])),
        Arc::new(TimestampSecondArray::from(vec![Some(0), None])),
    ];
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn meta() -> Vec<(String, Value)> {
    [
        ("view", json!("time_spent")),
        ("batch", json!(7)),
        ("final", json!(true)),
        ("next_cursor", Value::Null),
        ("window", json!({"from": 1})),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn text(format: Format, batches: &[RecordBatch], wrapping: &Wrapping) -> String {
    String::from_utf8(wrapped(format, &two_rows().schema(), batches, wrapping).unwrap()).unwrap()
}

#[test]
fn json_in_full_describes_itself_and_ends_with_a_mark() {
    let note = ColumnNote { name: "id".to_owned(), unit: Some("€".to_owned()), doc: Some("The \"key\".".to_owned()) };
    let other = ColumnNote { name: "since".to_owned(), unit: None, doc: Some("First time.".to_owned()) };
    let wrapping = Wrapping { shape: Shape::Full, notes: vec![note, other], meta: meta(), ..Wrapping::default() };
    let head = concat!(
        r#"{"columns":[{"name":"id","type":"int","nullable":false,"unit":"€","doc":"The \"key\"."},"#,
        r#"{"name":"name","type":"text","nullable":true},"#,
        r#"{"name":"since","type":"timestamp","nullable":true,"doc":"First time."}],"#,
        r#""view":"time_spent","batch":7,"final":true,"next_cursor":null,"window":{"from":1},"rows":["#,
    );
    let rows = concat!(
        r#"{"id":1,"name":"a","since":"1970-01-01T00:00:00Z"},"#,
        "\n",
        r#"{"id":2,"name":null,"since":null}"#,
    );
    let expected = format!("{head}{rows}],\"row_count\":2,\"complete\":true}}\n");
    assert_eq!(text(Format::Json, &[two_rows()], &wrapping), expected);
    let expected = format!("{head}],\"row_count\":0,\"complete\":true}}\n");
    assert_eq!(text(Format::Json, &[], &wrapping), expected);
}

#[test]
fn json_in_columns_is_what_pandas_reads() {
    let wrapping = Wrapping { shape: Shape::Columns, meta: meta(), ..Wrapping::default() };
    let expected = concat!(
        r#"{"columns":["id","name","since"],"data":[[1,"a","1970-01-01T00:00:00Z"],"#,
        "\n",
        r#"[2,null,null]]}"#,
        "\n",
    );
    assert_eq!(text(Format::Json, &[two_rows()], &wrapping), expected);
    assert_eq!(text(Format::Json, &[], &wrapping), "{\"columns\":[\"id\",\"name\",\"since\"],\"data\":[]}\n");
}

#[test]
fn a_footer_of_ndjson_is_its_last_line() {
    let wrapping = Wrapping { footer: true, meta: meta(), ..Wrapping::default() };
    let footer = |rows: u64| {
        let values = r#""view":"time_spent","batch":7,"final":true,"next_cursor":null,"window":{"from":1}"#;
        format!("{{\"_end\":{{\"rows\":{rows},\"complete\":true,{values}}}}}\n")
    };
    let rows = concat!(
        r#"{"id":1,"name":"a","since":"1970-01-01T00:00:00Z"}"#,
        "\n",
        r#"{"id":2,"name":null,"since":null}"#,
        "\n",
    );
    assert_eq!(text(Format::Ndjson, &[two_rows()], &wrapping), format!("{rows}{}", footer(2)));
    assert_eq!(text(Format::Ndjson, &[], &wrapping), footer(0));
    let bare = Wrapping { footer: true, ..Wrapping::default() };
    assert_eq!(text(Format::Ndjson, &[], &bare), "{\"_end\":{\"rows\":0,\"complete\":true}}\n");
}

#[test]
fn an_end_mark_of_xml_is_the_last_node_of_its_root() {
    let wrapping = Wrapping {
        end_mark: true,
        xml_root: "time_spent".to_owned(),
        xml_row: "2nd row".to_owned(),
        meta: meta(),
        ..Wrapping::default()
    };
    let head = concat!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n",
        "<time_spent xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n",
    );
    let rows = concat!(
        "<_2nd_row name=\"2nd row\"><id>1</id><name>a</name><since>1970-01-01T00:00:00Z</since></_2nd_row>\n",
        "<_2nd_row name=\"2nd row\"><id>2</id><name xsi:nil=\"true\"/><since xsi:nil=\"true\"/></_2nd_row>\n",
    );
    let tail = |rows: u64| {
        format!("<?assidu-end rows=\"{rows}\" view=\"time_spent\" batch=\"7\" final=\"true\"?>\n</time_spent>\n")
    };
    assert_eq!(text(Format::Xml, &[two_rows()], &wrapping), format!("{head}{rows}{}", tail(2)));
    assert_eq!(text(Format::Xml, &[], &wrapping), format!("{head}{}", tail(0)));
}

#[test]
fn no_value_ends_the_mark_of_xml() {
    let meta = vec![("?> x".to_owned(), json!("?><b \"&'\n\u{1}"))];
    let wrapping = Wrapping { end_mark: true, meta, ..Wrapping::default() };
    let document = text(Format::Xml, &[two_rows()], &wrapping);
    let expected = "<?assidu-end rows=\"2\" ___x=\"?&gt;&lt;b &quot;&amp;&apos;&#10;\u{fffd}\"?>\n</records>\n";
    assert!(document.ends_with(expected), "{document}");
    assert_eq!(parse_xml(&document)["content"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_format_does_not_know_changes_nothing() {
    let all = Wrapping { shape: Shape::Full, footer: true, end_mark: true, meta: meta(), ..Wrapping::default() };
    assert_eq!(text(Format::Csv, &[two_rows()], &all), "id,name,since\n1,a,1970-01-01T00:00:00Z\n2,,\n");
    for format in [Format::Table, Format::Parquet, Format::Arrow] {
        let bare = wrapped(format, &two_rows().schema(), &[two_rows()], &Wrapping::default()).unwrap();
        assert!(wrapped(format, &two_rows().schema(), &[two_rows()], &all).unwrap() == bare, "{format:?}");
    }
}

#[test]
fn meta_values_stand_once() {
    for name in ["rows", "row_count", "complete", "columns", "view"] {
        let mut meta = meta();
        meta.push((name.to_owned(), json!(1)));
        let wrapping = Wrapping { meta, ..Wrapping::default() };
        let error = wrapped(Format::Json, &two_rows().schema(), &[], &wrapping).unwrap_err();
        assert_eq!(error.kind(), engine::ErrorKind::Bug, "{name}");
    }
}

#[test]
fn rows_of_no_column_are_counted() {
    let rows = RecordBatch::try_new_with_options(
        Arc::new(Schema::empty()),
        Vec::new(),
        &RecordBatchOptions::new().with_row_count(Some(2)),
    )
    .unwrap();
    let of = |format, shape| {
        let wrapping = Wrapping { shape, footer: true, ..Wrapping::default() };
        let bytes = wrapped(format, &rows.schema(), std::slice::from_ref(&rows), &wrapping).unwrap();
        String::from_utf8(bytes).unwrap()
    };
    assert_eq!(of(Format::Json, Shape::Rows), "[{},\n{}]\n");
    assert_eq!(of(Format::Json, Shape::Columns), "{\"columns\":[],\"data\":[[],\n[]]}\n");
    assert_eq!(
        of(Format::Json, Shape::Full),
        "{\"columns\":[],\"rows\":[{},\n{}],\"row_count\":2,\"complete\":true}\n"
    );
    assert_eq!(of(Format::Ndjson, Shape::Rows), "{}\n{}\n{\"_end\":{\"rows\":2,\"complete\":true}}\n");
}
