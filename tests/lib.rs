//! What the tests share: small logs, and questions about a store's contents.

#[path = "conformance/mod.rs"]
pub mod conformance;

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use engine::Engine;
use engine::load::{LoadRequest, LoadSummary, Silent, Source};
use engine::query::Limits;
use futures::TryStreamExt;

/// Unix seconds at which the tests take place.
pub const NOW: i64 = 1_700_000_000;

/// Header of a full export of the log.
pub const LOG_HEADER: &str = "id,eventname,component,action,target,objecttable,objectid,crud,edulevel,contextid,\
contextlevel,contextinstanceid,userid,courseid,relateduserid,anonymous,other,timecreated,origin,ip,realuserid";

/// Files of the worked example in `golden/use-stats`, and the tables that they export.
pub const WORKED_EXAMPLE: [(&str, &str); 6] = [
    ("log", "logstore_standard_log"),
    ("contexts", "context"),
    ("course_modules", "course_modules"),
    ("courses", "course"),
    ("modules", "modules"),
    ("users", "user"),
];

/// A log of the rows with these ids: a fixed function of the id, so that two logs that share ids share rows.
pub fn log_csv(ids: impl IntoIterator<Item = i64>) -> String {
    let mut text = format!("{LOG_HEADER}\n");
    for id in ids {
        let (user, course) = (3 + id * 7 % 41, 2 + id % 5);
        let time = 1_600_000_000 + id * 37;
        let other = if id % 3 == 0 { r#""{""page"":""1,2""}""# } else { "N;" };
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{id},\\core\\event\\course_viewed,core,viewed,course,NULL,,r,2,{},50,{course},{user},{course},,0,{other},{time},web,10.0.0.{user},",
            100 + course
        );
    }
    text
}

/// A source in memory.
pub fn source(name: &str, bytes: impl Into<Vec<u8>>) -> Source {
    Source::Memory { name: name.to_owned(), bytes: Bytes::from(bytes.into()) }
}

/// Loads sources with the defaults.
pub async fn load(engine: &Engine, sources: Vec<Source>) -> engine::Result<LoadSummary> {
    engine.load(&LoadRequest::new(sources, NOW), Arc::new(Silent)).await
}

/// All rows that a query answers.
pub async fn rows(engine: &Engine, sql: &str) -> Result<Vec<RecordBatch>> {
    let session = engine.session(None, &Limits::default()).await?;
    let stream = session.query(sql).await?;
    Ok(stream.try_collect().await?)
}

/// The integers of the first row that a query answers; missing ones are 0.
pub async fn numbers(engine: &Engine, sql: &str) -> Result<Vec<i64>> {
    let batches = rows(engine, sql).await?;
    let batch = batches.iter().find(|batch| batch.num_rows() > 0).context("no row")?;
    let number = |column: &Arc<dyn arrow::array::Array>| {
        let column = arrow::compute::cast(column, &arrow::datatypes::DataType::Int64)?;
        let column = column.as_primitive::<Int64Type>();
        anyhow::Ok(if arrow::array::Array::is_null(column, 0) { 0 } else { column.value(0) })
    };
    batch.columns().iter().map(number).collect()
}

/// Rows, sum of ids and sum of times of the log: equal only for equal contents in these tests.
pub async fn log_contents(engine: &Engine) -> Result<Vec<i64>> {
    if engine.snapshot(None).await?.manifest().table("main", "logstore_standard_log").is_none() {
        return Ok(vec![0, 0, 0]);
    }
    numbers(engine, "SELECT count(*), sum(id), sum(timecreated) FROM logstore_standard_log").await
}
