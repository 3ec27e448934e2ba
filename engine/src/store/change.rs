//! A change of a store, and what must still hold for it when another process committed first.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Snapshot;
use super::manifest::{Column, DataFile, Manifest, Table};
use crate::error::{Error, ErrorKind, Result};

/// Everything that one commit does.
#[derive(Debug, Clone)]
pub struct Change {
    /// The snapshot from which the change was computed.
    pub base: Arc<Snapshot>,
    /// Unix seconds.
    pub at: i64,
    /// `load`, `optimize`, `restore` …
    pub kind: &'static str,
    /// One sentence for people.
    pub message: String,
    /// The tables touched.
    pub tables: Vec<TableChange>,
    /// The whole new state, for `restore`; `tables` is empty then.
    replacement: Option<Box<Manifest>>,
}

/// What a commit does to one table.
#[derive(Debug, Clone)]
pub struct TableChange {
    /// The site; created when it is new.
    pub site: String,
    /// The table; created when it is new.
    pub table: String,
    /// Columns after the commit: the old ones in their order, new ones behind.
    pub columns: Vec<Column>,
    /// Key columns, for a new table.
    pub key: Vec<String>,
    /// Whether the table is clustered, for a new table.
    pub clustered: bool,
    /// Files to add. Those without a commit and without a column `_commit` get the number of this commit.
    pub add: Vec<NewFile>,
    /// Paths of files to take out.
    pub remove: BTreeSet<String>,
    /// The greatest `id` used; the table keeps the greater of this and its own.
    pub last_id: i64,
    /// What the change supposes of the table.
    pub need: TableNeed,
}

/// A file to add.
#[derive(Debug, Clone)]
pub struct NewFile {
    /// The file; its `commit` is filled in when the commit has a number.
    pub file: DataFile,
    /// Whether the rows bring their own column `_commit` (rewritten rows).
    pub keeps_commits: bool,
}

/// What a change supposes of its table, checked against the state on which it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TableNeed {
    /// Nothing but that the removed files are still there: rewriting the same rows.
    Rewrite,
    /// The ids added are new: no row that came since the base has an id in the range of the added files.
    NewIds,
    /// The table is as it was in the base: keys were compared with all its rows.
    Unchanged,
}

impl Change {
    /// A change without any table yet.
    pub fn new(base: &Arc<Snapshot>, at: i64, kind: &'static str, message: String) -> Self {
        Self { base: Arc::clone(base), at, kind, message, tables: Vec::new(), replacement: None }
    }

    /// The change that brings an older state back.
    pub(super) fn restore(base: &Arc<Snapshot>, wanted: &Manifest, now: i64) -> Self {
        let message = format!("contents of commit {}", wanted.commit);
        Self { replacement: Some(Box::new(wanted.clone())), ..Self::new(base, now, "restore", message) }
    }

    /// The state after the change when it is made on `current`.
    pub(super) fn apply(&self, current: &Manifest) -> Result<Manifest> {
        let base = &self.base.manifest;
        // A restore would silently drop what was committed meanwhile; what was computed before one counts on rows that
        // may be gone.
        if base.restores != current.restores || (self.replacement.is_some() && base.commit != current.commit) {
            return Err(restored(current));
        }
        let mut next = match &self.replacement {
            Some(wanted) => Manifest { sites: keep_last_ids(wanted, current), ..(**wanted).clone() },
            None => current.clone(),
        };
        next.commit = current.commit + 1;
        next.at = self.at;
        next.kind = self.kind.to_owned();
        next.message.clone_from(&self.message);
        (next.rows_added, next.rows_removed) = (0, 0);
        if self.replacement.is_some() {
            (next.rows_added, next.rows_removed) = (next.all_rows(), current.all_rows());
            next.restores = current.restores + 1;
            return Ok(next);
        }
        for change in &self.tables {
            change.check(base, current)?;
            change.apply(&mut next)?;
        }
        Ok(next)
    }
}

fn restored(current: &Manifest) -> Error {
    let commit = current.commit;
    Error::new(
        ErrorKind::Conflict,
        crate::text!(
            "another process changed the store (commit {commit}) while an older state was brought back; nothing of this run was changed, run it again",
            "un autre processus a changé le magasin (validation {commit}) pendant le rétablissement d'un état antérieur ; rien n'a été changé ici, recommencez"
        ),
    )
}

/// Ids stay used when an older state comes back: a new row must never get the id of a row that once was.
///
/// Who pulled what stays told: an older state of the data is none of its record.
fn keep_last_ids(wanted: &Manifest, current: &Manifest) -> std::collections::BTreeMap<String, super::Site> {
    let mut sites = wanted.sites.clone();
    if let Some(pulls) = current.table(super::CATALOGUE_SITE, super::PULLS) {
        let own = sites.entry(super::CATALOGUE_SITE.to_owned()).or_default();
        own.tables.insert(super::PULLS.to_owned(), pulls.clone());
    }
    for (site, tables) in &current.sites {
        for (name, table) in &tables.tables {
            // A table that the older state did not have stays as an empty one.
            let site = sites.entry(site.clone()).or_default();
            site.tables.entry(name.clone()).or_insert_with(|| Table { files: Vec::new(), ..table.clone() });
        }
    }
    for (site, tables) in &mut sites {
        for (name, table) in &mut tables.tables {
            let known = current.table(site, name).map_or(0, |table| table.last_id);
            table.last_id = table.last_id.max(known);
        }
    }
    sites
}

impl TableChange {
    fn check(&self, base: &Manifest, current: &Manifest) -> Result<()> {
        if base.commit == current.commit {
            return Ok(());
        }
        let empty = Table::default();
        let before = base.table(&self.site, &self.table).unwrap_or(&empty);
        let now = current.table(&self.site, &self.table).unwrap_or(&empty);
        let same =
            before.files.len() == now.files.len() && before.files.iter().zip(&now.files).all(|(a, b)| a.path == b.path);
        let fits = same
            || match self.need {
                TableNeed::Rewrite => true,
                TableNeed::NewIds => now
                    .files
                    .iter()
                    .filter(|file| file.newest_commit() > base.commit)
                    .all(|file| self.has_other_ids(file)),
                TableNeed::Unchanged => false,
            };
        if fits { Ok(()) } else { Err(self.conflict(current)) }
    }

    fn has_other_ids(&self, other: &DataFile) -> bool {
        let Some((first, last)) = other.int_range("id") else { return false };
        self.add.iter().all(|new| new.file.int_range("id").is_some_and(|(min, max)| max < first || last < min))
    }

    fn apply(&self, next: &mut Manifest) -> Result<()> {
        let commit = next.commit;
        let site = next.sites.entry(self.site.clone()).or_default();
        let table = site.tables.entry(self.table.clone()).or_insert_with(|| Table {
            key: self.key.clone(),
            clustered: self.clustered,
            ..Table::default()
        });
        let (kept, removed): (Vec<_>, Vec<_>) =
            table.files.drain(..).partition(|file| !self.remove.contains(&file.path));
        let lost = self.remove.len() != removed.len();
        table.files = kept;
        table.columns = merge_columns(&table.columns, &self.columns);
        table.last_id = table.last_id.max(self.last_id);
        table.files.extend(
            self.add.iter().map(|new| DataFile {
                commit: if new.keeps_commits { None } else { Some(commit) },
                ..new.file.clone()
            }),
        );
        if self.site == super::CATALOGUE_SITE {
            // What the store notes about itself is no row of anybody's data.
            return if lost { Err(self.conflict(next)) } else { Ok(()) };
        }
        next.rows_added += self.add.iter().map(|new| new.file.rows).sum::<u64>();
        next.rows_removed += removed.iter().map(|file| file.rows).sum::<u64>();
        if lost { Err(self.conflict(next)) } else { Ok(()) }
    }

    fn conflict(&self, current: &Manifest) -> Error {
        let (table, commit) = (&self.table, current.commit);
        Error::new(
            ErrorKind::Conflict,
            crate::text!(
                "another process changed the same rows of `{table}` (commit {commit}) meanwhile; nothing of this run was changed, run it again",
                "un autre processus a changé entre-temps les mêmes lignes de `{table}` (validation {commit}) ; rien n'a été changé ici, recommencez"
            ),
        )
        .with("site", &self.site)
    }
}

/// The old columns in their order, then the new ones; a column that one side may leave empty may be empty.
fn merge_columns(old: &[Column], new: &[Column]) -> Vec<Column> {
    let mut merged = old.to_vec();
    for column in new {
        match merged.iter_mut().find(|known| known.name == column.name) {
            Some(known) => known.nullable |= column.nullable,
            None => merged.push(Column { nullable: column.nullable || !old.is_empty(), ..column.clone() }),
        }
    }
    merged
}

impl Manifest {
    /// Every file of every table.
    pub fn files(&self) -> impl Iterator<Item = &DataFile> {
        self.sites.values().flat_map(|site| site.tables.values()).flat_map(|table| &table.files)
    }

    fn all_rows(&self) -> u64 {
        self.files().map(|file| file.rows).sum()
    }
}
