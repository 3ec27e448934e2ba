//! The store's own table of pulls: `assidu.pulls`, one row per pull.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};

use crate::store::{
    CATALOGUE_SITE, Change, Column, ColumnType, NewFile, PULLS, PULLS_KIND, Snapshot, Store, TableChange, TableNeed,
    WriteTarget,
};
use crate::{Error, ErrorKind, Result};

/// How often a record is numbered anew when other processes record at the same time.
const ATTEMPTS: usize = 20;

/// Columns with their types.
const COLUMNS: [(&str, ColumnType); 20] = [
    ("id", ColumnType::Int),
    ("time", ColumnType::Int),
    ("duration_ms", ColumnType::Int),
    ("kind", ColumnType::Text),
    ("site", ColumnType::Text),
    ("instance", ColumnType::Text),
    ("view", ColumnType::Text),
    ("format", ColumnType::Text),
    ("parameters", ColumnType::Text),
    ("after_commit", ColumnType::Int),
    ("upto_commit", ColumnType::Int),
    ("batch", ColumnType::Text),
    ("rows", ColumnType::Int),
    ("bytes", ColumnType::Int),
    ("outcome", ColumnType::Text),
    ("status", ColumnType::Int),
    ("error", ColumnType::Text),
    ("address", ColumnType::Text),
    ("caller", ColumnType::Text),
    ("request", ColumnType::Text),
];

/// What is noted of one pull.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRecord {
    /// Unix seconds of the request.
    pub time: i64,
    /// Milliseconds from the request to the last byte.
    pub duration_ms: i64,
    /// `full`, `incremental`, `replay`, `sample`, `sql` or `report_etl_get`.
    pub kind: String,
    /// The site.
    pub site: String,
    /// The instance that pulled, where it was one.
    pub instance: Option<String>,
    /// The view; `None` for SQL.
    pub view: Option<String>,
    /// The format.
    pub format: String,
    /// Values of the parameters as a JSON object; of SQL the statement.
    pub parameters: String,
    /// The window of commits.
    pub after_commit: Option<i64>,
    /// See `after_commit`; of other pulls the snapshot.
    pub upto_commit: Option<i64>,
    /// The batch.
    pub batch: Option<String>,
    /// Rows that were sent.
    pub rows: i64,
    /// Bytes that were made, before compression.
    pub bytes: i64,
    /// `complete`, `aborted` (an error or a client that left after the first byte), `failed` or `refused`.
    pub outcome: String,
    /// HTTP status.
    pub status: i64,
    /// Why it was not complete.
    pub error: Option<String>,
    /// Address of the caller.
    pub address: Option<String>,
    /// Token of the caller, by its number.
    pub caller: Option<String>,
    /// Number of the request in the log.
    pub request: Option<String>,
}

/// Notes pulls in one commit.
///
/// # Errors
///
/// `Conflict` when other processes record without a pause; failures of the store.
pub async fn record_pulls(store: &Arc<Store>, records: &[PullRecord], now: i64) -> Result<()> {
    for _ in 0..ATTEMPTS {
        let base = store.snapshot(None).await?;
        let change = {
            let (store, base, records) = (Arc::clone(store), Arc::clone(&base), records.to_vec());
            let handle = tokio::runtime::Handle::current();
            let written = tokio::task::spawn_blocking(move || change(&store, &handle, &base, &records));
            written.await.map_err(|error| Error::bug("the writing task ended early").because(error))??
        };
        let mut commit = Change::new(&base, now, PULLS_KIND, format!("{} pulls", records.len()));
        commit.tables.push(change);
        match store.commit(&commit).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {}
            other => return other.map(drop),
        }
    }
    Err(Error::new(
        ErrorKind::Conflict,
        crate::text!(
            "other processes record pulls without a pause",
            "d'autres processus enregistrent des tirages sans cesse"
        ),
    ))
}

fn change(
    store: &Store,
    handle: &tokio::runtime::Handle,
    base: &Snapshot,
    records: &[PullRecord],
) -> Result<TableChange> {
    let last = base.manifest().table(CATALOGUE_SITE, PULLS).map_or(0, |table| table.last_id);
    let ids: Vec<i64> = (last + 1..).take(records.len()).collect();
    let kind = |kind| if kind == ColumnType::Int { DataType::Int64 } else { DataType::Utf8 };
    let fields = COLUMNS.iter().map(|(name, column)| Field::new(*name, kind(*column), true)).collect::<Vec<_>>();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = WriteTarget::new(handle, store.location(), CATALOGUE_SITE, PULLS, false).open(&schema)?;
    writer.write(&RecordBatch::try_new(schema, arrays(&ids, records))?)?;
    Ok(TableChange {
        site: CATALOGUE_SITE.to_owned(),
        table: PULLS.to_owned(),
        columns: COLUMNS
            .iter()
            .map(|(name, kind)| Column { name: (*name).to_owned(), kind: *kind, nullable: true })
            .collect(),
        key: vec!["id".to_owned()],
        clustered: false,
        add: vec![NewFile { file: writer.finish()?, keeps_commits: false }],
        remove: std::collections::BTreeSet::new(),
        last_id: ids.last().copied().unwrap_or(last),
        need: TableNeed::NewIds,
    })
}

fn arrays(ids: &[i64], records: &[PullRecord]) -> Vec<ArrayRef> {
    let int = |value: &dyn Fn(&PullRecord) -> Option<i64>| -> ArrayRef {
        Arc::new(records.iter().map(value).collect::<Int64Array>())
    };
    let text = |value: &dyn Fn(&PullRecord) -> Option<&str>| -> ArrayRef {
        Arc::new(records.iter().map(value).collect::<StringArray>())
    };
    vec![
        Arc::new(Int64Array::from(ids.to_vec())),
        int(&|pull| Some(pull.time)),
        int(&|pull| Some(pull.duration_ms)),
        text(&|pull| Some(&pull.kind)),
        text(&|pull| Some(&pull.site)),
        text(&|pull| pull.instance.as_deref()),
        text(&|pull| pull.view.as_deref()),
        text(&|pull| Some(&pull.format)),
        text(&|pull| Some(&pull.parameters)),
        int(&|pull| pull.after_commit),
        int(&|pull| pull.upto_commit),
        text(&|pull| pull.batch.as_deref()),
        int(&|pull| Some(pull.rows)),
        int(&|pull| Some(pull.bytes)),
        text(&|pull| Some(&pull.outcome)),
        int(&|pull| Some(pull.status)),
        text(&|pull| pull.error.as_deref()),
        text(&|pull| pull.address.as_deref()),
        text(&|pull| pull.caller.as_deref()),
        text(&|pull| pull.request.as_deref()),
    ]
}
