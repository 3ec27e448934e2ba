//! A session as its callers see it.

mod clustered;
mod functions;
mod limits;
mod reading;

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::{CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider};
use datafusion::common::ParamValues;
use datafusion::datasource::MemTable;
use futures::TryStreamExt;

use crate::query::{Limits, Session};
use crate::{Error, Result};

fn table(columns: Vec<(&str, ArrayRef)>) -> Arc<MemTable> {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    Arc::new(MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap())
}

fn int(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Two sites: `campus` with `hits` and `user`, and `other` with `user`.
fn catalog() -> Arc<dyn CatalogProvider> {
    let names: ArrayRef = Arc::new(StringArray::from(vec!["Ada", "Blaise", "Émilie"]));
    let campus = MemorySchemaProvider::new();
    let hits = table(vec![
        ("id", int(&[1, 2, 3, 4])),
        ("userid", int(&[7, 7, 8, 9])),
        ("courseid", int(&[1, 2, 1, 1])),
        ("timecreated", int(&[100, 110, 120, 130])),
    ]);
    campus.register_table("hits".to_owned(), hits).unwrap();
    let user = table(vec![("id", int(&[7, 8, 9])), ("lastname", names)]);
    campus.register_table("user".to_owned(), user).unwrap();
    let other = MemorySchemaProvider::new();
    other.register_table("user".to_owned(), table(vec![("id", int(&[1]))])).unwrap();
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("campus", Arc::new(campus)).unwrap();
    catalog.register_schema("other", Arc::new(other)).unwrap();
    Arc::new(catalog)
}

fn session_with(limits: &Limits) -> Session {
    Session::new(catalog(), "campus", limits, &|_| {}).unwrap()
}

fn session() -> Session {
    session_with(&Limits::default())
}

/// All rows as texts; NULL is empty.
async fn ask_with(session: &Session, sql: &str, params: impl Into<ParamValues>) -> Result<Vec<Vec<String>>> {
    let batches: Vec<RecordBatch> = session.query_with(sql, params).await?.try_collect().await.map_err(Error::from)?;
    let options = FormatOptions::default();
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        rows.extend(
            (0..batch.num_rows()).map(|row| columns.iter().map(|column| column.value(row).to_string()).collect()),
        );
    }
    Ok(rows)
}

async fn ask(session: &Session, sql: &str) -> Result<Vec<Vec<String>>> {
    ask_with(session, sql, ParamValues::List(Vec::new())).await
}
