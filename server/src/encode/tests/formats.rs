//! Names of formats, media types, words for types.

use ::arrow::datatypes::{DataType, Field, IntervalUnit, TimeUnit};
use clap::ValueEnum;
use rstest::rstest;

use super::*;

#[test]
fn names_of_formats_are_their_suffixes() {
    for format in Format::ALL {
        assert_eq!(Format::from_name(format.name()), Some(format));
        let clap_name = format.to_possible_value().unwrap();
        assert_eq!(clap_name.get_name(), format.name());
    }
    assert_eq!(Format::of_path(Path::new("a/b.tar.XML")), Some(Format::Xml));
    assert_eq!(Format::of_path(Path::new("xml")), None);
}

#[test]
fn the_media_type_of_a_format_asks_for_it() {
    for format in Format::ALL {
        assert_eq!(Format::from_media_type(format.media_type()), Some(format));
    }
}

#[rstest]
#[case("text/csv", Some(Format::Csv))]
#[case("TEXT/CSV ;q=0.5", Some(Format::Csv))]
#[case(" application/json; charset=utf-8", Some(Format::Json))]
#[case("application/jsonl", Some(Format::Ndjson))]
#[case("application/x-jsonlines", Some(Format::Ndjson))]
#[case("text/xml", Some(Format::Xml))]
#[case("text/json", None)]
#[case("text/*", None)]
#[case("*/*", None)]
#[case("application/vnd.apache.arrow.file", None)]
#[case("", None)]
fn media_types_ask_for_formats(#[case] media_type: &str, #[case] expected: Option<Format>) {
    assert_eq!(Format::from_media_type(media_type), expected);
}

#[test]
fn names_of_shapes_lead_back() {
    for shape in Shape::ALL {
        assert_eq!(Shape::from_name(shape.name()), Some(shape));
    }
    assert_eq!(Shape::from_name("split"), None);
}

#[rstest]
#[case(DataType::Null, "null")]
#[case(DataType::Boolean, "bool")]
#[case(DataType::Int8, "int")]
#[case(DataType::UInt64, "int")]
#[case(DataType::Float16, "float")]
#[case(DataType::Float64, "float")]
#[case(DataType::Decimal128(10, 2), "decimal")]
#[case(DataType::Utf8View, "text")]
#[case(DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)), "text")]
#[case(DataType::FixedSizeBinary(16), "bytes")]
#[case(DataType::Date32, "date")]
#[case(DataType::Date64, "date")]
#[case(DataType::Timestamp(TimeUnit::Second, Some("UTC".into())), "timestamp")]
#[case(DataType::Timestamp(TimeUnit::Nanosecond, None), "timestamp")]
#[case(DataType::Time64(TimeUnit::Microsecond), "time")]
#[case(DataType::Duration(TimeUnit::Second), "interval")]
#[case(DataType::Interval(IntervalUnit::MonthDayNano), "interval")]
#[case(DataType::List(Arc::new(Field::new("item", DataType::Int64, true))), "list")]
#[case(DataType::Struct(vec![Field::new("a", DataType::Int64, true)].into()), "struct")]
fn types_have_words(#[case] data_type: DataType, #[case] expected: &str) {
    assert_eq!(type_word(&data_type), expected);
}

#[test]
fn every_type_of_a_result_has_one_of_few_words() {
    let few = [
        "int",
        "float",
        "decimal",
        "bool",
        "text",
        "bytes",
        "date",
        "timestamp",
        "time",
        "interval",
        "list",
        "struct",
        "map",
        "null",
    ];
    for field in every_type().schema().fields() {
        assert!(few.contains(&type_word(field.data_type())), "{field}");
    }
}
