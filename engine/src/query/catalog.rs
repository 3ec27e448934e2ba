//! What SQL sees of a snapshot: one schema per site, the tables of each with and without Moodle's prefix.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, SchemaProvider, TableProvider};
use datafusion::error::Result;

use crate::model;
use crate::store::{Snapshot, Store, TableScan};

/// The sites of one snapshot.
#[derive(Debug)]
pub(crate) struct SnapshotCatalog {
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    /// Whether tables show their hidden column `_commit`.
    with_commit: bool,
}

impl SnapshotCatalog {
    pub(crate) fn new(store: &Arc<Store>, snapshot: &Arc<Snapshot>, with_commit: bool) -> Self {
        Self { store: Arc::clone(store), snapshot: Arc::clone(snapshot), with_commit }
    }
}

impl CatalogProvider for SnapshotCatalog {
    fn schema_names(&self) -> Vec<String> {
        let manifest = self.snapshot.manifest();
        let mut names: Vec<String> = manifest.sites.keys().cloned().collect();
        // An empty store has its default site too: a query about it misses a table, not a site.
        if !manifest.sites.contains_key(&manifest.default_site) {
            names.push(manifest.default_site.clone());
        }
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        let known = self.schema_names().into_iter().find(|site| site == name)?;
        Some(Arc::new(SiteSchema {
            store: Arc::clone(&self.store),
            snapshot: Arc::clone(&self.snapshot),
            site: known,
            with_commit: self.with_commit,
        }))
    }
}

/// The tables of one site.
#[derive(Debug)]
struct SiteSchema {
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    site: String,
    with_commit: bool,
}

impl SiteSchema {
    fn scan(&self, name: &str) -> Option<TableScan> {
        let exact = |name: &str| TableScan::try_new(&self.store, &self.snapshot, &self.site, name, self.with_commit);
        exact(name).or_else(|| exact(&model::bare_name(name).to_lowercase()))
    }
}

#[async_trait]
impl SchemaProvider for SiteSchema {
    fn table_names(&self) -> Vec<String> {
        let site = self.snapshot.manifest().sites.get(&self.site);
        site.map(|site| site.tables.keys().cloned().collect()).unwrap_or_default()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        Ok(self.scan(name).map(|scan| Arc::new(scan) as Arc<dyn TableProvider>))
    }

    fn table_exist(&self, name: &str) -> bool {
        self.scan(name).is_some()
    }
}
