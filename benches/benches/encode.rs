//! The encoders of results on a view of time spent: rows per second, beside the text writers of Arrow itself.
//!
//! Arrow's writers leave out what ours promise (nulls that are not empty texts, members for nulls, no lists in CSV),
//! so that they are a mark to compare with and no replacement.

use std::hint::black_box;
use std::io::Write;
use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, TimestampSecondArray};
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use server::encode::{Format, Shape, Wrapping, document};

const ROWS: i64 = 200_000;
/// Rows per batch: what DataFusion gives.
const BATCH: i64 = 8192;

fn schema() -> Arc<Schema> {
    Arc::new(Schema::new(vec![
        Field::new("userid", DataType::Int64, false),
        Field::new("username", DataType::Utf8View, false),
        Field::new("courseid", DataType::Int64, false),
        Field::new("shortname", DataType::Utf8View, false),
        Field::new("elapsed", DataType::Int64, false),
        Field::new("events", DataType::Int64, false),
        Field::new("firsttime", DataType::Timestamp(TimeUnit::Second, Some("UTC".into())), true),
        Field::new("share", DataType::Float64, true),
    ]))
}

/// Users in courses with names of usual lengths; one share in 16 is null.
fn batch(start: i64) -> RecordBatch {
    let rows = start..(start + BATCH).min(ROWS);
    let ints = |of: fn(i64) -> i64| -> ArrayRef { Arc::new(Int64Array::from_iter_values(rows.clone().map(of))) };
    let texts =
        |of: fn(i64) -> String| -> ArrayRef { Arc::new(StringViewArray::from_iter_values(rows.clone().map(of))) };
    let times = TimestampSecondArray::from_iter_values(rows.clone().map(|row| 1_700_000_000 + row * 977 % 30_000_000));
    let share = |row: i64| (row % 16 > 0).then(|| (row * 31 % 8641) as f64 / 8641.0);
    let columns: Vec<ArrayRef> = vec![
        ints(|row| 100_000 + row / 7),
        texts(|row| format!("firstname.name{}@school.example", row / 7)),
        ints(|row| 2 + row * 13 % 900),
        texts(|row| format!("MATH-{}", row * 13 % 900)),
        ints(|row| row * 7919 % 86_400),
        ints(|row| row * 31 % 400),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(rows.clone().map(share).collect::<Float64Array>()),
    ];
    RecordBatch::try_new(schema(), columns).expect("the columns fit the schema")
}

fn write(format: Format, wrapping: &Wrapping, batches: &[RecordBatch], out: impl Write + Send) -> u64 {
    let mut encoder = document(format, &schema(), Box::new(out), wrapping).expect("the format holds the types");
    for batch in batches {
        encoder.write(batch).expect("the output takes everything");
    }
    encoder.finish().expect("the output takes everything");
    encoder.rows()
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Checked before anything is timed: the documents hold all rows.
fn check(batches: &[RecordBatch]) {
    for format in [Format::Ndjson, Format::Csv, Format::Xml] {
        let out = Shared::default();
        assert_eq!(write(format, &Wrapping::default(), batches, out.clone()), ROWS as u64);
        let bytes = out.0.lock().expect("no writer panics");
        let lines = bytes.iter().filter(|byte| **byte == b'\n').count() as i64;
        // The header of CSV; declaration, start and end of XML.
        assert!((ROWS..=ROWS + 3).contains(&lines), "{format:?}: {lines} lines");
    }
    for shape in Shape::ALL {
        let out = Shared::default();
        write(Format::Json, &Wrapping { shape, ..Wrapping::default() }, batches, out.clone());
        let value: serde_json::Value =
            serde_json::from_slice(&out.0.lock().expect("no writer panics")).expect("the document is JSON");
        let rows = [value.get("rows"), value.get("data"), Some(&value)].into_iter().flatten().next();
        assert_eq!(rows.and_then(serde_json::Value::as_array).map(Vec::len), Some(ROWS as usize), "{shape:?}");
    }
}

fn encode(c: &mut Criterion) {
    let batches: Vec<RecordBatch> = (0..ROWS).step_by(BATCH as usize).map(batch).collect();
    check(&batches);
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    for format in [Format::Ndjson, Format::Json, Format::Csv, Format::Xml, Format::Parquet, Format::Arrow] {
        group.bench_function(format.name(), |b| {
            b.iter(|| black_box(write(format, &Wrapping::default(), &batches, std::io::sink())));
        });
    }
    for shape in [Shape::Full, Shape::Columns] {
        let wrapping = Wrapping { shape, ..Wrapping::default() };
        group.bench_function(format!("json {}", shape.name()), |b| {
            b.iter(|| black_box(write(Format::Json, &wrapping, &batches, std::io::sink())));
        });
    }
    arrow_writers(&mut group, &batches);
    group.finish();
}

fn arrow_writers(group: &mut BenchmarkGroup<'_, WallTime>, batches: &[RecordBatch]) {
    group.bench_function("ndjson by arrow", |b| {
        b.iter(|| {
            let mut writer = arrow::json::LineDelimitedWriter::new(std::io::sink());
            batches.iter().for_each(|batch| writer.write(batch).expect("a sink takes everything"));
            writer.finish().expect("a sink takes everything");
        });
    });
    group.bench_function("json by arrow", |b| {
        b.iter(|| {
            let mut writer = arrow::json::ArrayWriter::new(std::io::sink());
            batches.iter().for_each(|batch| writer.write(batch).expect("a sink takes everything"));
            writer.finish().expect("a sink takes everything");
        });
    });
    group.bench_function("csv by arrow", |b| {
        b.iter(|| {
            let mut writer = arrow::csv::Writer::new(std::io::sink());
            batches.iter().for_each(|batch| writer.write(batch).expect("a sink takes everything"));
        });
    });
}

criterion_group!(benches, encode);
criterion_main!(benches);
