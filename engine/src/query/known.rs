//! Known tables that a site has not loaded, as empty tables: what is asked of any site can be asked of this one.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, MemorySchemaProvider, SchemaProvider, TableProvider};
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::Result;

use crate::model;
use crate::store::{CATALOGUE_SITE, COMMIT};

/// A catalog in which known tables that a site does not have are empty. They are found by name and not listed.
#[derive(Debug)]
pub(crate) struct KnownCatalog {
    inner: Arc<dyn CatalogProvider>,
    with_commit: bool,
}

impl KnownCatalog {
    /// `with_commit`: whether tables show their hidden column `_commit`.
    pub(crate) fn new(inner: Arc<dyn CatalogProvider>, with_commit: bool) -> Self {
        Self { inner, with_commit }
    }
}

impl CatalogProvider for KnownCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.inner.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let own = name == CATALOGUE_SITE;
        // A store without loads and pulls has no records of them yet.
        let none = || own.then(|| Arc::new(MemorySchemaProvider::new()) as Arc<dyn SchemaProvider>);
        let inner = self.inner.schema(name).or_else(none)?;
        let find = if own { model::catalogue_table } else { model::table };
        Some(Arc::new(KnownSchema { inner, find, with_commit: self.with_commit }))
    }
}

#[derive(Debug)]
struct KnownSchema {
    inner: Arc<dyn SchemaProvider>,
    find: fn(&str) -> Option<&'static model::TableSpec>,
    with_commit: bool,
}

#[async_trait]
impl SchemaProvider for KnownSchema {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(table) = self.inner.table(name).await? {
            return Ok(Some(table));
        }
        let empty = |known: &model::TableSpec| EmptyTable::new(schema(known, self.with_commit));
        Ok((self.find)(name).map(|known| Arc::new(empty(known)) as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name) || (self.find)(name).is_some()
    }
}

fn schema(known: &model::TableSpec, with_commit: bool) -> SchemaRef {
    let schema = known.schema();
    if !with_commit {
        return schema;
    }
    let commit = Arc::new(Field::new(COMMIT, DataType::Int64, true));
    Arc::new(Schema::new(schema.fields().iter().cloned().chain([commit]).collect::<Vec<_>>()))
}
