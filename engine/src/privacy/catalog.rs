//! [`PrivateCatalog`]: all tables of all sites, read through pseudonyms.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::Result;

use super::key::PseudonymKey;
use super::pseudonyms::Pseudonyms;
use super::table::PrivateTable;

/// A catalog with one schema per site, in which every table is a [`PrivateTable`].
#[derive(Debug)]
pub(crate) struct PrivateCatalog {
    inner: Arc<dyn CatalogProvider>,
    key: PseudonymKey,
}

impl PrivateCatalog {
    pub(crate) fn new(inner: Arc<dyn CatalogProvider>, key: &PseudonymKey) -> Self {
        Self { inner, key: key.clone() }
    }
}

impl CatalogProvider for PrivateCatalog {
    fn schema_names(&self) -> Vec<String> {
        self.inner.schema_names()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let inner = self.inner.schema(name)?;
        Some(Arc::new(PrivateSchema { inner, pseudonyms: Arc::new(Pseudonyms::new(&self.key, name)) }))
    }
}

/// The tables of one site.
#[derive(Debug)]
struct PrivateSchema {
    inner: Arc<dyn SchemaProvider>,
    pseudonyms: Arc<Pseudonyms>,
}

#[async_trait]
impl SchemaProvider for PrivateSchema {
    fn table_names(&self) -> Vec<String> {
        self.inner.table_names()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        let table = self.inner.table(name).await?;
        let private = |inner| Arc::new(PrivateTable::of_table(name, inner, &self.pseudonyms)) as Arc<dyn TableProvider>;
        Ok(table.map(private))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.inner.table_exist(name)
    }
}
