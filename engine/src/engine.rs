//! The façade: open a store, load files, query.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::load::{LoadRequest, LoadSummary, Progress};
use crate::query::{Limits, Session};
use crate::store::{OptimizeReport, Snapshot, Store, VacuumReport, VerifyReport};

/// An open store with everything that works on it.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Arc<Store>,
}

impl Engine {
    /// Opens the store at a folder or URL, and creates an empty one when the place is empty.
    pub async fn open(url: &str) -> Result<Self> {
        Ok(Self { store: Arc::new(Store::open(url).await?) })
    }

    /// Opens a store that must exist.
    pub async fn open_existing(url: &str) -> Result<Self> {
        Ok(Self { store: Arc::new(Store::open_existing(url).await?) })
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// The newest snapshot, or the one of a commit.
    pub async fn snapshot(&self, commit: Option<u64>) -> Result<Arc<Snapshot>> {
        self.store.snapshot(commit).await
    }

    /// A session for SQL over the newest snapshot, or over the one of a commit.
    pub async fn session(&self, commit: Option<u64>, limits: &Limits) -> Result<Session> {
        let _ = (commit, limits);
        Err(Error::bug("session: to be wired"))
    }

    /// Loads files in one commit.
    pub async fn load(&self, request: &LoadRequest, progress: Arc<dyn Progress>) -> Result<LoadSummary> {
        let _ = (request, progress);
        Err(Error::bug("load: to be wired"))
    }

    /// Checks every file that the newest snapshot names: presence, size, checksum, order, counts, statistics.
    pub async fn verify(&self) -> Result<VerifyReport> {
        Err(Error::bug("verify: to be wired"))
    }

    /// Merges runs of the activity log and small files of other tables. `now` is in Unix seconds.
    pub async fn optimize(&self, now: i64) -> Result<OptimizeReport> {
        let _ = now;
        Err(Error::bug("optimize: to be wired"))
    }

    /// Deletes manifests older than `keep_seconds` and data files that no kept manifest names.
    pub async fn vacuum(&self, now: i64, keep_seconds: i64, dry_run: bool) -> Result<VacuumReport> {
        let _ = (now, keep_seconds, dry_run);
        Err(Error::bug("vacuum: to be wired"))
    }

    /// Makes the contents of an older commit the newest ones, as a new commit; answers its number.
    pub async fn restore(&self, commit: u64, now: i64) -> Result<u64> {
        let _ = (commit, now);
        Err(Error::bug("restore: to be wired"))
    }
}
