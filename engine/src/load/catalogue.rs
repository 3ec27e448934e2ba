//! The store's own table of loads: `assidu.loads`, one row per file of each load.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};

use super::{FileSummary, Format};
use crate::error::{Error, ErrorKind, Result};
use crate::store::{CATALOGUE_SITE, Column, ColumnType, NewFile, Snapshot, Store, TableChange, TableNeed, WriteTarget};

/// Name of the table.
pub(super) const LOADS: &str = "loads";

/// Columns with their types; all integers are counts but `at`, which is in Unix seconds.
const COLUMNS: [(&str, ColumnType); 13] = [
    ("at", ColumnType::Int),
    ("file", ColumnType::Text),
    ("sha256", ColumnType::Text),
    ("site", ColumnType::Text),
    ("table_name", ColumnType::Text),
    ("format", ColumnType::Text),
    ("encoding", ColumnType::Text),
    ("rows_read", ColumnType::Int),
    ("loaded", ColumnType::Int),
    ("replaced", ColumnType::Int),
    ("skipped", ColumnType::Int),
    ("rejected", ColumnType::Int),
    ("rejects", ColumnType::Text),
];

/// One file of a load, for the catalogue.
pub(super) struct Entry<'a> {
    pub(super) summary: &'a FileSummary,
    pub(super) site: &'a str,
    pub(super) table: &'a str,
    /// Fingerprint of files whose rows have no key.
    pub(super) sha256: Option<&'a str>,
}

/// The rows of a load as a change of the catalogue; it is committed with the rows of the load.
pub(super) fn change(
    store: &Store,
    handle: &tokio::runtime::Handle,
    entries: &[Entry<'_>],
    now: i64,
) -> Result<TableChange> {
    let text = |value: &dyn Fn(&Entry<'_>) -> Option<String>| -> ArrayRef {
        Arc::new(entries.iter().map(value).collect::<StringArray>())
    };
    let count = |value: &dyn Fn(&Entry<'_>) -> u64| -> ArrayRef {
        Arc::new(entries.iter().map(|entry| i64::try_from(value(entry)).ok()).collect::<Int64Array>())
    };
    let arrays = vec![
        Arc::new(Int64Array::from(vec![now; entries.len()])) as ArrayRef,
        text(&|entry| Some(entry.summary.name.to_string())),
        text(&|entry| entry.sha256.map(str::to_owned)),
        text(&|entry| Some(entry.site.to_owned())),
        text(&|entry| Some(entry.table.to_owned())),
        text(&|entry| Some(format_name(&entry.summary.format))),
        text(&|entry| Some(entry.summary.encoding.to_owned())),
        count(&|entry| entry.summary.counts.read),
        count(&|entry| entry.summary.counts.loaded),
        count(&|entry| entry.summary.counts.replaced),
        count(&|entry| entry.summary.counts.skipped),
        count(&|entry| entry.summary.counts.rejected),
        text(&|entry| entry.summary.rejects.as_ref().map(|path| path.display().to_string())),
    ];
    let kind = |kind| if kind == ColumnType::Int { DataType::Int64 } else { DataType::Utf8 };
    let fields = COLUMNS.iter().map(|(name, column)| Field::new(*name, kind(*column), true)).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = WriteTarget::new(handle, store.location(), CATALOGUE_SITE, LOADS, false).open(&schema)?;
    writer.write(&RecordBatch::try_new(schema, arrays)?)?;
    Ok(TableChange {
        site: CATALOGUE_SITE.to_owned(),
        table: LOADS.to_owned(),
        columns: COLUMNS
            .iter()
            .map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind, nullable: true })
            .collect(),
        key: Vec::new(),
        clustered: false,
        add: vec![NewFile { file: writer.finish()?, keeps_commits: false }],
        remove: std::collections::BTreeSet::new(),
        last_id: 0,
        need: TableNeed::Rewrite,
    })
}

/// Refuses a file without keys whose bytes were loaded into the same table before.
pub(super) async fn refuse_repetition(
    store: &Store,
    snapshot: &Snapshot,
    name: &str,
    sha256: &str,
    site: &str,
    table: &str,
) -> Result<()> {
    let Some(loads) = snapshot.manifest().table(CATALOGUE_SITE, LOADS) else { return Ok(()) };
    for batch in store.read_table(loads).await? {
        let text = |column: &str| batch.column_by_name(column).map(|column| column.as_string_view().clone());
        let number =
            |column: &str| batch.column_by_name(column).map(|column| column.as_primitive::<Int64Type>().clone());
        let (Some(hashes), Some(sites), Some(tables), Some(loaded)) =
            (text("sha256"), text("site"), text("table_name"), number("loaded"))
        else {
            return Err(Error::bug("the catalogue of loads lacks columns"));
        };
        let commits = number(crate::store::COMMIT);
        for row in 0..batch.num_rows() {
            let same = hashes.is_valid(row)
                && hashes.value(row) == sha256
                && sites.value(row) == site
                && tables.value(row) == table;
            if same && loaded.value(row) > 0 {
                let commit = commits.as_ref().map_or(0, |commits| commits.value(row));
                return Err(already_loaded(name, commit));
            }
        }
    }
    Ok(())
}

fn already_loaded(name: &str, commit: i64) -> Error {
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "`{name}` was already loaded by commit {commit}, and its rows have no key that would show which are new; nothing was changed. `--again` adds them once more",
            "`{name}` a déjà été chargé par la validation {commit}, et ses lignes n'ont pas de clé qui dirait lesquelles sont nouvelles ; rien n'a été changé. `--again` les ajoute une fois de plus"
        ),
    )
}

/// The format as the command line spells it.
pub(super) fn format_name(format: &Format) -> String {
    match format {
        Format::Table(name) => format!("table:{name}"),
        Format::Log => "log".to_owned(),
        Format::LogReport => "log-report".to_owned(),
        Format::Events => "events".to_owned(),
    }
}
