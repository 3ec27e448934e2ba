//! The session functions of the engine on rows in memory: clustered by user, and in the order of time.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use benches::{Generator, Hit, Shape};
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime};
use datafusion::datasource::MemTable;
use datafusion::logical_expr::SortExpr;
use datafusion::prelude::{SessionConfig, SessionContext, col};
use tokio::runtime::Runtime;

const ROWS: u64 = 1_000_000;
const THRESHOLD: i64 = 1800;
/// Rows per batch: what a Parquet scan of DataFusion gives.
const BATCH: usize = 8192;

/// What is measured. The totals over all users are checked before.
const STATEMENTS: [(&str, &str); 4] = [
    ("count, the floor", "SELECT userid, count(timecreated) FROM log GROUP BY userid"),
    ("session_stats", "SELECT userid, session_stats(timecreated, 1800) FROM log GROUP BY userid"),
    ("sessions", "SELECT userid, sessions(timecreated, 1800) FROM log GROUP BY userid"),
    ("time_spent", "SELECT userid, time_spent(timecreated, 1800) FROM log GROUP BY userid"),
];

const TOTALS: &str = "SELECT sum(s['sessions']), sum(s['elapsed']), sum(s['events']) \
    FROM (SELECT session_stats(timecreated, 1800) AS s FROM log GROUP BY userid)";

fn batches(hits: &[Hit]) -> Vec<RecordBatch> {
    let fields = ["userid", "timecreated", "id"].map(|name| Field::new(name, DataType::Int64, false));
    let schema = Arc::new(Schema::new(fields.to_vec()));
    let batch = |hits: &[Hit]| {
        let column = |of: fn(&Hit) -> i64| Arc::new(Int64Array::from_iter_values(hits.iter().map(of))) as _;
        let columns = vec![column(|hit| i64::from(hit.userid)), column(|hit| hit.time), column(|hit| hit.id as i64)];
        RecordBatch::try_new(Arc::clone(&schema), columns).expect("the columns fit the schema")
    };
    hits.chunks(BATCH).map(batch).collect()
}

/// One partition, so that the work of the functions is measured and not that of an exchange.
fn context(hits: &[Hit], sorted: bool) -> SessionContext {
    let batches = batches(hits);
    let schema = batches[0].schema();
    let mut table = MemTable::try_new(schema, vec![batches]).expect("the batches fit the schema");
    if sorted {
        let order: Vec<SortExpr> = ["userid", "timecreated", "id"].map(|name| col(name).sort(true, false)).to_vec();
        table = table.with_sort_order(vec![order]);
    }
    let context = SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1));
    engine::functions::register_all(&context);
    context.register_table("log", Arc::new(table)).expect("the table registers");
    context
}

async fn collect(context: &SessionContext, sql: &str) -> Vec<RecordBatch> {
    let frame = context.sql(sql).await.expect("the statement plans");
    frame.collect().await.expect("the statement runs")
}

/// Sessions, seconds and events over all users, from the definition: a gap over the threshold opens a session.
fn expected(hits: &[Hit]) -> [i64; 3] {
    let mut last: BTreeMap<u32, i64> = BTreeMap::new();
    let (mut sessions, mut elapsed) = (0, 0);
    for hit in hits {
        match last.insert(hit.userid, hit.time) {
            Some(before) if hit.time - before <= THRESHOLD => elapsed += hit.time - before,
            _ => sessions += 1,
        }
    }
    [sessions, elapsed, hits.len() as i64]
}

fn check(runtime: &Runtime, context: &SessionContext, expected: [i64; 3]) {
    let batches = runtime.block_on(collect(context, TOTALS));
    let row = |column: usize| -> i64 {
        let values = batches[0].column(column).as_any().downcast_ref::<Int64Array>();
        values.expect("the totals are Int64").value(0)
    };
    assert_eq!([0, 1, 2].map(row), expected);
}

fn measure(group: &mut BenchmarkGroup<'_, WallTime>, runtime: &Runtime, context: &SessionContext, order: &str) {
    for (name, sql) in STATEMENTS {
        group.bench_function(format!("{name}, {order}"), |b| {
            b.iter(|| black_box(runtime.block_on(collect(context, sql))));
        });
    }
}

fn functions(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime starts");
    let generator = Generator::new(Shape::sized(ROWS, 1)).expect("the default shape is valid");
    let by_time: Vec<Hit> = generator.by_time().collect();
    let by_user: Vec<Hit> = generator.by_user().collect();
    let expected = expected(&by_time);

    let mut group = c.benchmark_group("functions");
    group.throughput(Throughput::Elements(ROWS)).sample_size(10);
    for (order, hits, sorted) in [("clustered", &by_user, true), ("by time", &by_time, false)] {
        let context = context(hits, sorted);
        check(&runtime, &context, expected);
        measure(&mut group, &runtime, &context, order);
    }
    group.finish();
}

criterion_group!(benches, functions);
criterion_main!(benches);
