//! Throughput of the generator: rows per second as hits, CSV and Arrow batches.

use std::hint::black_box;

use benches::csv::CsvWriter;
use benches::{Generator, Shape, batch};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: u64 = 200_000;

fn generator(c: &mut Criterion) {
    let generator = Generator::new(Shape::sized(ROWS, 1)).expect("the default shape is valid");
    // Checked before anything is timed: both orders are complete and hold the same ids.
    assert_eq!(generator.by_time().count() as u64, ROWS);
    assert_eq!(generator.by_user().map(|hit| u128::from(hit.id)).sum::<u128>(), u128::from(ROWS * (ROWS + 1) / 2));

    let mut group = c.benchmark_group("generator");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    group.bench_function("hits by time", |b| b.iter(|| generator.by_time().for_each(|hit| _ = black_box(hit))));
    group.bench_function("hits by user", |b| b.iter(|| generator.by_user().for_each(|hit| _ = black_box(hit))));
    group.bench_function("csv by time", |b| {
        b.iter(|| {
            let mut writer = CsvWriter::new(std::io::sink(), "").expect("a sink takes everything");
            generator.by_time().for_each(|hit| writer.write(&hit).expect("a sink takes everything"));
        });
    });
    group.bench_function("batches by user", |b| {
        b.iter(|| batch::batches(generator.by_user(), 1 << 17).for_each(|batch| _ = black_box(batch)));
    });
    group.finish();
}

criterion_group!(benches, generator);
criterion_main!(benches);
