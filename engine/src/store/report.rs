//! What the store tells about itself.

use super::fileset;
use super::manifest::{Manifest, Table};
use crate::text::Text;

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
    /// Rows added over all tables.
    pub rows_added: u64,
    /// Rows removed over all tables.
    pub rows_removed: u64,
}

impl CommitInfo {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            commit: manifest.commit,
            at: manifest.at,
            kind: manifest.kind.clone(),
            message: manifest.message.clone(),
            rows_added: manifest.rows_added,
            rows_removed: manifest.rows_removed,
        }
    }
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

impl TableStats {
    pub(super) fn of(site: &str, name: &str, table: &Table) -> Self {
        let clusters = if table.clustered { fileset::clusters(&table.files) } else { Vec::new() };
        Self {
            site: site.to_owned(),
            table: name.to_owned(),
            rows: table.rows(),
            files: table.files.len() as u64,
            bytes: table.files.iter().map(|file| file.bytes).sum(),
            runs: clusters.iter().map(|cluster| cluster.chains.len() as u64).max().unwrap_or(0),
        }
    }
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
    /// Files before, over the tables that changed.
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
