//! Answers of SQL as values, and the data sets.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::AsArray;
use arrow::datatypes::{DataType, Int64Type};
use bytes::Bytes;
use engine::Engine;
use engine::load::{Format, LoadRequest, LoadSummary, Silent, Source};
use engine::query::Session;
use futures::TryStreamExt;
use serde_json::Value;

/// When the data sets are loaded and asked, in Unix seconds: after all of their events.
pub(super) const NOW: i64 = 1_900_000_000;

/// The rows that a query answers; numbers as integers, everything else as text.
pub(super) async fn table(session: &Session, sql: &str) -> Result<Vec<Vec<Value>>> {
    let batches: Vec<_> = session.query(sql).await?.try_collect().await?;
    let mut rows = Vec::new();
    for batch in &batches {
        let mut columns = Vec::new();
        for column in batch.columns() {
            let values: Vec<Value> = if column.data_type().is_integer() {
                let column = arrow::compute::cast(column, &DataType::Int64)?;
                column.as_primitive::<Int64Type>().iter().map(Value::from).collect()
            } else {
                let column = arrow::compute::cast(column, &DataType::Utf8)?;
                column.as_string::<i32>().iter().map(Value::from).collect()
            };
            columns.push(values);
        }
        rows.extend((0..batch.num_rows()).map(|row| columns.iter().map(|column| column[row].clone()).collect()));
    }
    Ok(rows)
}

/// A file of the data sets, as it is or compressed with gzip.
pub(super) fn dataset(data: &Path, name: &str) -> Result<PathBuf> {
    let plain = data.join(name);
    let packed = data.join(format!("{name}.gz"));
    let found = [plain, packed].into_iter().find(|path| path.exists());
    found.with_context(|| format!("{}: neither {name} nor {name}.gz", data.display()))
}

/// A store in memory.
pub(super) async fn engine() -> Result<Engine> {
    Ok(Engine::open("memory://", &[]).await?)
}

/// A load of events: pairs of a column of the log and one of the file.
pub(super) fn events(source: Source, map: &[(&str, &str)]) -> Result<LoadRequest> {
    let mut request = LoadRequest::new(vec![source], NOW);
    request.format = Some(Format::Events);
    request.timezone = Some("UTC".parse().map_err(|error| anyhow::anyhow!("{error}"))?);
    request.map = map.iter().map(|(to, from)| ((*to).to_owned(), (*from).to_owned())).collect();
    Ok(request)
}

/// Loads without showing progress.
pub(super) async fn load(engine: &Engine, request: &LoadRequest) -> Result<LoadSummary> {
    Ok(engine.load(request, Arc::new(Silent)).await?)
}

/// Bytes under a name.
pub(super) fn memory(name: &str, text: String) -> Source {
    Source::Memory { name: name.to_owned(), bytes: Bytes::from(text) }
}
