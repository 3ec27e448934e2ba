//! The store: Parquet files and one manifest per commit.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::text::Text;

/// An open store.
#[derive(Debug)]
pub struct Store {}

impl Store {
    /// Opens or creates.
    pub async fn open(_url: &str) -> Result<Self> {
        Err(Error::bug("to be wired"))
    }
    /// Opens a store that must exist.
    pub async fn open_existing(_url: &str) -> Result<Self> {
        Err(Error::bug("to be wired"))
    }
    /// A snapshot.
    pub async fn snapshot(&self, _commit: Option<u64>) -> Result<Arc<Snapshot>> {
        Err(Error::bug("to be wired"))
    }
    /// The commits whose manifests are still there, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<CommitInfo>> {
        Err(Error::bug("to be wired"))
    }
}

/// The immutable state of all tables after one commit.
#[derive(Debug)]
pub struct Snapshot {}

impl Snapshot {
    /// The commit; 0 is the empty store.
    pub fn commit(&self) -> u64 {
        0
    }
    /// Figures of every table, ordered by site and name.
    pub fn table_stats(&self) -> Vec<TableStats> {
        Vec::new()
    }
}

/// Who and what made a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// Number of the commit.
    pub commit: u64,
    /// Unix seconds.
    pub at: i64,
    /// `load`, `optimize`, `restore` …
    pub kind: String,
    /// One sentence for people, such as the files loaded.
    pub message: String,
    /// Rows added and removed over all tables.
    pub rows_added: u64,
    /// Rows removed.
    pub rows_removed: u64,
}

/// Figures of one table in one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableStats {
    /// The site.
    pub site: String,
    /// Name without prefix.
    pub table: String,
    /// Rows.
    pub rows: u64,
    /// Data files.
    pub files: u64,
    /// Bytes of the data files.
    pub bytes: u64,
    /// Sorted runs that a scan has to merge at most (1 = fully clustered); 0 for tables that are not clustered.
    pub runs: u64,
}

/// Result of `store verify`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// The commit that was checked.
    pub commit: u64,
    /// Data files read.
    pub files: u64,
    /// Rows read.
    pub rows: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Objects that no manifest names (left by a killed process; `vacuum` removes them).
    pub orphans: u64,
    /// What is wrong; empty when the store is clean.
    pub problems: Vec<Text>,
}

/// Result of `store optimize`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptimizeReport {
    /// The new commit; `None` when there was nothing to do.
    pub commit: Option<u64>,
    /// Files before and after, over the tables that changed.
    pub files_before: u64,
    /// Files after.
    pub files_after: u64,
    /// Bytes before.
    pub bytes_before: u64,
    /// Bytes after.
    pub bytes_after: u64,
}

/// Result of `store vacuum`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VacuumReport {
    /// Manifests deleted (or that would be).
    pub manifests: u64,
    /// Data files deleted (or that would be).
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}
