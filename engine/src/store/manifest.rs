//! The manifest: the whole state of a store after one commit, as one immutable JSON file.

use std::collections::BTreeMap;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// Version of the manifest's form; a greater one is refused with [`ErrorKind::Newer`].
pub const FORMAT: u32 = 1;

/// Folder of the manifests.
pub(crate) const FOLDER: &str = "manifests";

/// The state of all tables after one commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u32,
    /// Number of the commit, from 1; 0 is the empty store, which has no manifest.
    pub commit: u64,
    /// Unix seconds at which it was made.
    pub at: i64,
    /// What made it: `load`, `optimize`, `restore` …
    pub kind: String,
    /// One sentence for people.
    pub message: String,
    /// Rows added over all tables.
    pub rows_added: u64,
    /// Rows removed over all tables.
    pub rows_removed: u64,
    /// How often an older state was brought back; work that was computed before must not be committed after.
    #[serde(default)]
    pub restores: u64,
    /// The site whose tables need no prefix.
    pub default_site: String,
    /// The sites by name.
    pub sites: BTreeMap<String, Site>,
}

/// One Moodle instance: a schema in SQL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Site {
    /// Root URL, which is what `whereroot` names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<String>,
    /// Its tables by name, without prefix.
    pub tables: BTreeMap<String, Table>,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Columns in order.
    pub columns: Vec<Column>,
    /// Columns whose values identify a row; empty when rows have no key.
    #[serde(default)]
    pub key: Vec<String>,
    /// The greatest `id` ever seen; new ids go on from here.
    #[serde(default)]
    pub last_id: i64,
    /// Whether every file is sorted by (userid, timecreated, id).
    #[serde(default)]
    pub clustered: bool,
    /// Data files.
    pub files: Vec<DataFile>,
}

impl Table {
    /// Rows over all files.
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Name.
    pub name: String,
    /// Type of the values.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Whether a value may be missing.
    pub nullable: bool,
}

/// Type of the values of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// 64-bit integer.
    Int,
    /// 64-bit floating point.
    Float,
    /// UTF-8 text.
    Text,
    /// Bytes.
    Bytes,
}

/// One Parquet file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataFile {
    /// Path relative to the store.
    pub path: String,
    /// Rows.
    pub rows: u64,
    /// Size.
    pub bytes: u64,
    /// CRC-32 of all bytes.
    pub crc32: u32,
    /// The commit that brought all rows of this file; `None` when the file holds rows of several commits and says so
    /// in its own column `_commit`.
    #[serde(default)]
    pub commit: Option<u64>,
    /// Least and greatest values, and the number of nulls, per column.
    pub columns: BTreeMap<String, ColumnStats>,
}

impl DataFile {
    /// Least and greatest value of an integer column, when the file has any value there.
    pub fn int_range(&self, column: &str) -> Option<(i64, i64)> {
        match self.columns.get(column)? {
            ColumnStats { min: Some(Bound::Int(min)), max: Some(Bound::Int(max)), .. } => Some((*min, *max)),
            _ => None,
        }
    }

    /// The newest commit whose rows the file may hold.
    pub fn newest_commit(&self) -> u64 {
        self.commit.unwrap_or_else(|| self.int_range(COMMIT).map_or(u64::MAX, |(_, max)| max.unsigned_abs()))
    }

    pub(crate) fn object_path(&self) -> Path {
        Path::from(self.path.as_str())
    }
}

/// Name of the hidden column that holds the commit which brought the row in.
pub const COMMIT: &str = "_commit";

/// Statistics of one column of one file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ColumnStats {
    /// Least value, where known; texts may be cut (then it is a lower bound).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Bound>,
    /// Greatest value, where known; texts may be cut and raised (then it is an upper bound).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Bound>,
    /// Missing values.
    pub nulls: u64,
}

/// A least or greatest value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bound {
    /// Of an integer column.
    Int(i64),
    /// Of a floating-point column.
    Float(f64),
    /// Of a text column.
    Text(String),
}

impl Manifest {
    /// The state before the first commit.
    pub(crate) fn empty() -> Self {
        Self {
            format: FORMAT,
            commit: 0,
            at: 0,
            kind: "empty".to_owned(),
            message: String::new(),
            rows_added: 0,
            rows_removed: 0,
            restores: 0,
            default_site: super::DEFAULT_SITE.to_owned(),
            sites: BTreeMap::new(),
        }
    }

    pub(crate) fn path(commit: u64) -> Path {
        Path::from(format!("{FOLDER}/{commit:020}.json"))
    }

    /// The commit that a manifest's path names; `None` for other objects.
    pub(crate) fn commit_of(path: &Path) -> Option<u64> {
        path.filename()?.strip_suffix(".json")?.parse().ok()
    }

    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|error| Error::bug("a manifest cannot be written").because(error))
    }

    /// Reads a manifest; refuses newer forms before it looks at anything else.
    pub(crate) fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let damaged = |error: serde_json::Error| {
            Error::new(
                ErrorKind::Corrupt,
                crate::text!(
                    "the manifest `{path}` is damaged; restore the file from a copy of the store",
                    "le manifeste `{path}` est endommagé ; rétablissez ce fichier depuis une copie du magasin"
                ),
            )
            .because(error)
        };
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format > FORMAT {
            let format = head.format;
            return Err(Error::new(
                ErrorKind::Newer,
                crate::text!(
                    "the store has format {format} and this program reads up to format {FORMAT}; use a newer Assidu",
                    "le magasin est au format {format} et ce programme lit jusqu'au format {FORMAT} ; utilisez un Assidu plus récent"
                ),
            ));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// A table, when the site has it.
    pub fn table(&self, site: &str, table: &str) -> Option<&Table> {
        self.sites.get(site)?.tables.get(table)
    }
}
