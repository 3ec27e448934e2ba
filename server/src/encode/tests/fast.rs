//! The writers of columns against the generic way, and against where batches are cut.

use ::arrow::array::*;
use ::arrow::datatypes::*;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

/// The columns of a generated batch.
type Columns = Vec<(&'static str, ArrayRef)>;

/// Texts of all kinds, the dangerous ones more often than a random generator finds them.
pub(super) fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z0-9_.@ ]{0,20}",
        "[\u{0}-\u{1f}\"\\\\<>&',;\r\n\t \u{7f}\u{fffd}\u{fffe}\u{ffff}\u{efff}\u{f000}]{0,8}",
        Just("inf".to_owned()),
        Just("NaN".to_owned()),
    ]
}

fn any_f64() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits),
        (-1_000_000i64..1_000_000).prop_map(|n| n as f64 / 1000.0),
        (any::<u32>(), 1u32..1000).prop_map(|(part, whole)| f64::from(part) / f64::from(whole)),
        // A few bits behind the point: half of the last digit is often left.
        (0i64..1 << 52, 0i32..32, -30i32..30)
            .prop_map(|(bits, cut, exponent)| { (bits >> (20 + cut) << (20 + cut)) as f64 * 2f64.powi(exponent - 52) }),
        any::<i32>().prop_map(f64::from),
        (-20i32..20, 1u32..1000).prop_map(|(exponent, digits)| f64::from(digits) * 10f64.powi(exponent)),
        proptest::sample::select(vec![0.0, -0.0, 1e-4, 9.999_999e-5, 1e9, 999_999_999.5, 1e16, f64::MIN_POSITIVE]),
    ]
}

fn any_f32() -> impl Strategy<Value = f32> {
    prop_oneof![any::<u32>().prop_map(f32::from_bits), any_f64().prop_map(|number| number as f32)]
}

/// Counts of seconds or of their parts: near now, around the ends of the written years, anywhere.
fn any_count() -> impl Strategy<Value = i64> {
    let scale = proptest::sample::select(vec![1i64, 1_000, 1_000_000, 1_000_000_000]);
    prop_oneof![
        (0i64..2_000_000_000, scale.clone()).prop_map(|(seconds, scale)| seconds * scale + seconds % scale),
        (-62_167_400_000i64..-62_167_000_000, scale.clone()).prop_map(|(at, scale)| at.saturating_mul(scale)),
        (253_402_200_000i64..253_402_400_000, scale).prop_map(|(at, scale)| at.saturating_mul(scale)),
        any::<i64>(),
    ]
}

const ROWS: usize = 6;

fn cells<T: std::fmt::Debug + Clone>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<Option<T>>> {
    vec(option::weighted(0.8, value), ROWS)
}

fn any_integers() -> impl Strategy<Value = Columns> {
    let narrow = (cells(any::<i8>()), cells(any::<u8>()), cells(any::<i16>()), cells(any::<u16>()));
    let wide = (cells(any::<i32>()), cells(any::<u32>()), cells(any::<i64>()), cells(any::<u64>()));
    (narrow, wide).prop_map(|((i8s, u8s, i16s, u16s), (i32s, u32s, i64s, u64s))| -> Columns {
        vec![
            ("i8", Arc::new(Int8Array::from(i8s))),
            ("u8", Arc::new(UInt8Array::from(u8s))),
            ("i16", Arc::new(Int16Array::from(i16s))),
            ("u16", Arc::new(UInt16Array::from(u16s))),
            ("i32", Arc::new(Int32Array::from(i32s))),
            ("u32", Arc::new(UInt32Array::from(u32s))),
            ("i64", Arc::new(Int64Array::from(i64s))),
            ("u64", Arc::new(UInt64Array::from(u64s))),
        ]
    })
}

fn any_floats() -> impl Strategy<Value = Columns> {
    (cells(any_f64()), cells(any_f32()), cells(any_f32()), cells(any::<bool>())).prop_map(
        |(f64s, f32s, f16s, bools)| -> Columns {
            let halves = ::arrow::compute::cast(&Float32Array::from(f16s), &DataType::Float16).unwrap();
            vec![
                ("f64", Arc::new(Float64Array::from(f64s))),
                ("f32", Arc::new(Float32Array::from(f32s))),
                ("f16", halves),
                ("bool", Arc::new(BooleanArray::from(bools))),
            ]
        },
    )
}

fn any_texts() -> impl Strategy<Value = Columns> {
    (cells(any_text()), cells(any_text()), cells(any_text()), cells("[a-c<]{1,2}")).prop_map(
        |(plain, large, views, words)| -> Columns {
            let words = words.iter().map(Option::as_deref);
            vec![
                ("plain <text>", Arc::new(StringArray::from(plain))),
                ("large", Arc::new(LargeStringArray::from(large))),
                ("view\n\"x\"", Arc::new(StringViewArray::from_iter(views))),
                ("dictionary", Arc::new(words.collect::<DictionaryArray<Int32Type>>())),
                ("null", Arc::new(NullArray::new(ROWS))),
            ]
        },
    )
}

fn any_times() -> impl Strategy<Value = Columns> {
    let zones = ["UTC", "+00:00", "+05:30", "-03:00", "Europe/Paris", "America/New_York", "Asia/Kathmandu"];
    let zone = proptest::sample::select(zones.to_vec());
    let counts = (cells(any_count()), cells(any_count()), cells(any_count()), cells(any_count()));
    let days = prop_oneof![-800_000i32..3_000_000, any::<i32>()];
    (zone, counts, cells(days)).prop_map(|(zone, (s, ms, us, ns), days)| -> Columns {
        let dates = days.iter().map(|day| day.map(|day| i64::from(day) * 86_400_000));
        vec![
            ("bare", Arc::new(TimestampSecondArray::from(s.clone()))),
            ("bare_us", Arc::new(TimestampMicrosecondArray::from(us.clone()))),
            ("s", Arc::new(TimestampSecondArray::from(s).with_timezone(zone))),
            ("ms", Arc::new(TimestampMillisecondArray::from(ms).with_timezone(zone))),
            ("us", Arc::new(TimestampMicrosecondArray::from(us).with_timezone(zone))),
            ("ns", Arc::new(TimestampNanosecondArray::from(ns).with_timezone(zone))),
            ("date", Arc::new(Date32Array::from(days.clone()))),
            ("date64", Arc::new(Date64Array::from_iter(dates))),
        ]
    })
}

/// Types without a writer of their own, and those inside lists, structs and maps.
fn any_rare() -> impl Strategy<Value = Columns> {
    let bytes = cells(vec(any::<u8>(), 0..5));
    (bytes, cells(any::<i64>()), cells(any::<i32>()), cells(any_text()), cells(vec(option::of(any_f64()), 0..3)))
        .prop_map(|(bytes, longs, ints, texts, lists)| -> Columns {
            let seconds = longs.iter().map(|long| long.map(|long| long.rem_euclid(86_400) * 1_000_000));
            let times: ArrayRef = Arc::new(Time64MicrosecondArray::from_iter(seconds));
            let mut map = MapBuilder::new(None, StringBuilder::new(), Int64Builder::new());
            for (row, long) in longs.iter().enumerate() {
                for _ in 0..row % 3 {
                    map.keys().append_value(texts[row].as_deref().unwrap_or("<k>"));
                    map.values().append_option(*long);
                }
                map.append(long.is_some()).unwrap();
            }
            let texts: ArrayRef = Arc::new(StringArray::from(texts));
            let members = vec![
                (Arc::new(Field::new("a b", DataType::Utf8, true)), Arc::clone(&texts)),
                (Arc::new(Field::new("time", times.data_type().clone(), true)), Arc::clone(&times)),
            ];
            vec![
                ("bytes", Arc::new(BinaryArray::from_iter(bytes))),
                ("time", times),
                ("months", Arc::new(IntervalYearMonthArray::from(ints))),
                ("decimal", Arc::new(Decimal128Array::from_iter(longs.iter().map(|long| long.map(i128::from))))),
                ("list", Arc::new(ListArray::from_iter_primitive::<Float64Type, _, _>(lists))),
                ("struct", Arc::new(StructArray::from(members))),
                ("map", Arc::new(map.finish())),
            ]
        })
}

fn same_as_generic(columns: Columns) {
    let rows = batch(columns);
    let json = reference::json_objects(&rows);
    let expected = [b"[".to_vec(), json.join(&b",\n"[..]), b"]\n".to_vec()].concat();
    assert_same(&text_of(Format::Json, &rows), &expected);
    let lines: Vec<u8> = json.iter().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
    assert_same(&text_of(Format::Ndjson, &rows), &lines);
    assert_same(&text_of(Format::Csv, &rows), &reference::csv(&rows));
    assert_same(&text_of(Format::Xml, &rows), &reference::xml(&rows));
    // One column alone, where CSV tells nulls and empty texts apart by the schema of readers only.
    assert_same(&text_of(Format::Csv, &rows.project(&[0]).unwrap()), &reference::csv(&rows.project(&[0]).unwrap()));
    text_of(Format::Table, &rows);
}

fn assert_same(written: &str, expected: &[u8]) {
    assert_eq!(written, std::str::from_utf8(expected).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn integers_are_written_as_the_generic_way_does(columns in any_integers()) {
        same_as_generic(columns);
    }

    #[test]
    fn more_floats_are_written_as_the_generic_way_does(f64s in vec(any_f64(), 64), f32s in vec(any_f32(), 64)) {
        same_as_generic(vec![
            ("f64", Arc::new(Float64Array::from(f64s))),
            ("f32", Arc::new(Float32Array::from(f32s))),
        ]);
    }

    #[test]
    fn floats_are_written_as_the_generic_way_does(columns in any_floats()) {
        same_as_generic(columns);
    }

    #[test]
    fn texts_are_written_as_the_generic_way_does(columns in any_texts()) {
        same_as_generic(columns);
    }

    #[test]
    fn times_are_written_as_the_generic_way_does(columns in any_times()) {
        same_as_generic(columns);
    }

    #[test]
    fn rare_types_are_written_as_the_generic_way_does(columns in any_rare()) {
        same_as_generic(columns);
    }
}

/// 551848832 lies between 551848768 and 551848896; 551848800 is just as near to the first as to it. 0.50000762939453125
/// is just as near to the number of 16 digits above as to the one below.
#[test]
fn disputed_digits_are_those_that_each_format_gave() {
    let halves: ArrayRef = Arc::new(Float64Array::from(vec![0.5 + 2f64.powi(-17), 6e8 + 2f64.powi(-8), 0.1]));
    same_as_generic(vec![("f", halves)]);
    let rows = batch(vec![("f", Arc::new(Float32Array::from(vec![551_848_832.0, 16_777_216.0, 0.1])))]);
    same_as_generic(vec![("f", Arc::clone(rows.column(0)))]);
    assert_eq!(text_of(Format::Json, &rows), "[{\"f\":551848830.0},\n{\"f\":16777216.0},\n{\"f\":0.1}]\n");
    assert_eq!(text_of(Format::Csv, &rows), "f\n551848800.0\n16777216.0\n0.1\n");
}

/// Rows that differ, more than two of the largest batches below.
fn many_rows() -> RecordBatch {
    const COUNT: i64 = 2 * 8192 + 5;
    let every = |step: i64| move |row: i64| (row % step > 0).then_some(row);
    batch(vec![
        ("id", Arc::new(Int64Array::from_iter_values(0..COUNT))),
        (
            "name",
            Arc::new(StringViewArray::from_iter((0..COUNT).map(|row| every(3)(row).map(|row| format!("é<{row}\""))))),
        ),
        ("time", Arc::new(TimestampSecondArray::from_iter((0..COUNT).map(every(5))).with_timezone("UTC"))),
        ("share", Arc::new(Float64Array::from_iter((0..COUNT).map(|row| every(7)(row).map(|row| row as f64 / 8.0))))),
    ])
}

fn cut(rows: &RecordBatch, size: usize) -> Vec<RecordBatch> {
    let starts = (0..rows.num_rows()).step_by(size);
    starts.map(|start| rows.slice(start, size.min(rows.num_rows() - start))).collect()
}

#[test]
fn where_batches_are_cut_is_not_seen_in_a_document() {
    let rows = many_rows();
    let whole = Wrapping { footer: true, end_mark: true, ..Wrapping::default() };
    for shape in Shape::ALL {
        for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Xml] {
            let wrapping = Wrapping { shape, ..whole.clone() };
            let expected = wrapped(format, &rows.schema(), std::slice::from_ref(&rows), &wrapping).unwrap();
            for size in [1, 7, 8192] {
                let written = wrapped(format, &rows.schema(), &cut(&rows, size), &wrapping).unwrap();
                assert!(written == expected, "{format:?} {shape:?} in batches of {size}");
            }
        }
    }
}

#[test]
fn the_output_gets_bytes_every_64_kib() {
    /// The largest piece, and all of them.
    #[derive(Clone, Default)]
    struct Pieces(Arc<Mutex<(usize, usize)>>);
    impl Write for Pieces {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let mut pieces = self.0.lock().unwrap();
            *pieces = (pieces.0.max(bytes.len()), pieces.1 + bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let rows = many_rows();
    for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Xml] {
        let pieces = Pieces::default();
        let mut encoder =
            crate::encode::document(format, &rows.schema(), Box::new(pieces.clone()), &Wrapping::default()).unwrap();
        encoder.write(&rows).unwrap();
        let (largest, all) = *pieces.0.lock().unwrap();
        // A row has fewer than 256 bytes in every format.
        assert!((64 << 10..(64 << 10) + 256).contains(&largest), "{format:?}: {largest}");
        assert!(all > 400_000, "{format:?}: {all}");
    }
}

#[test]
fn no_byte_goes_out_before_the_first_row() {
    let rows = many_rows();
    for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Xml] {
        let out = Shared::default();
        let mut encoder =
            crate::encode::document(format, &rows.schema(), Box::new(out.clone()), &Wrapping::default()).unwrap();
        encoder.write(&rows.slice(0, 0)).unwrap();
        assert_eq!(out.0.lock().unwrap().len(), 0, "{format:?}");
        encoder.write(&rows.slice(0, 1)).unwrap();
        assert!(!out.0.lock().unwrap().is_empty(), "{format:?}");
        assert_eq!(encoder.rows(), 1);
    }
}
