//! The functions in SQL against the numbers of other products, on their own cases and on a real course.
//!
//! The expectations lie in `tests/golden/peers`; the peers computed them, not we.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "peers/course.rs"]
mod course;
#[path = "peers/streams.rs"]
mod streams;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use chrono::NaiveDateTime;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use serde_json::Value;

/// A hit: whose, and when.
type Hit = (String, Option<i64>);

/// A row of an answer: the key, where there is one, and the numbers.
type Row = (Option<String>, Vec<i64>);

/// A file of the repository.
fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(file)
}

/// The cases of a peer.
fn golden(name: &str) -> Value {
    let text = std::fs::read_to_string(path(&format!("tests/golden/peers/{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A moment such as `2019-10-26 09:37:12`, UTC, in Unix seconds.
fn unix(text: &str) -> i64 {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap().and_utc().timestamp()
}

/// The number at a name of an object.
fn int(value: &Value, name: &str) -> i64 {
    value[name].as_i64().unwrap_or_else(|| panic!("no number `{name}` in {value}"))
}

/// The items of a list.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The numbers of a list.
fn ints(value: &Value) -> Vec<i64> {
    items(value).iter().filter_map(Value::as_i64).collect()
}

/// A session with our functions and a table `hits(userid, timecreated)` in these partitions.
fn context(hits: &[Hit], partitions: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(1024);
    let ctx = SessionContext::new_with_config(config);
    engine::functions::register_all(&ctx);
    let batch = |hits: &[Hit]| {
        let users = Arc::new(hits.iter().map(|hit| Some(hit.0.as_str())).collect::<StringArray>()) as ArrayRef;
        let times = Arc::new(hits.iter().map(|hit| hit.1).collect::<Int64Array>()) as ArrayRef;
        RecordBatch::try_from_iter_with_nullable([("userid", users, false), ("timecreated", times, true)]).unwrap()
    };
    let schema = batch(&[]).schema();
    let part = hits.len().div_ceil(partitions).max(1);
    let parts: Vec<Vec<RecordBatch>> = hits.chunks(part).map(|hits| hits.chunks(1000).map(batch).collect()).collect();
    let table = MemTable::try_new(schema, if parts.is_empty() { vec![vec![]] } else { parts }).unwrap();
    ctx.register_table("hits", Arc::new(table)).unwrap();
    ctx
}

/// Runs a query whose columns are an optional key (text) and numbers.
async fn rows(ctx: &SessionContext, sql: &str) -> Vec<Row> {
    let batches = ctx.sql(sql).await.unwrap().collect().await.unwrap();
    let row = |batch: &RecordBatch, at: usize| -> Row {
        let mut row = (None, Vec::new());
        for column in batch.columns() {
            match column.as_string_opt::<i32>() {
                Some(keys) => row.0 = Some(keys.value(at).to_owned()),
                None => row.1.push(column.as_primitive::<Int64Type>().value(at)),
            }
        }
        row
    };
    batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |at| row(batch, at))).collect()
}

/// The numbers of a query's only row.
async fn numbers(ctx: &SessionContext, sql: &str) -> Vec<i64> {
    let mut rows = rows(ctx, sql).await;
    assert_eq!(rows.len(), 1, "{sql}");
    rows.remove(0).1
}
