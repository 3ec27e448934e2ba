//! `store optimize`: merges runs of clustered tables into one, and small files of the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;

use super::change::{Change, NewFile, TableChange, TableNeed};
use super::fileset::{Cluster, clusters};
use super::manifest::{DataFile, Table};
use super::{FILE_ROWS, OptimizeReport, STORE_URL, Snapshot, Store, TableScan, WriteTarget, step};
use crate::error::{Error, Result};

/// When clusters are merged, and how large files become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptimizeOptions {
    /// A cluster with more runs than this is merged. A scan therefore merges at most this many runs of a user range
    /// (read amplification). 1 merges everything.
    pub max_runs: usize,
    /// A cluster is merged, whatever its runs, when its largest run holds less than this many times the rows of the
    /// others together. Every row is therefore rewritten about once each time its range grows by this factor
    /// (write amplification is logarithmic).
    pub growth: u64,
    /// Rows of a file that is full; smaller neighbours are joined.
    pub file_rows: u64,
}

impl Default for OptimizeOptions {
    fn default() -> Self {
        Self { max_runs: 1, growth: 4, file_rows: FILE_ROWS }
    }
}

impl OptimizeOptions {
    /// What a load does by itself: only what has become too many or too large.
    pub fn automatic() -> Self {
        Self { max_runs: 8, ..Self::default() }
    }
}

impl Store {
    /// Rewrites what the options ask for, in one commit. Rows and their commits stay as they are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when another process rewrote the same files first.
    pub async fn optimize(self: &Arc<Self>, now: i64, options: OptimizeOptions) -> Result<OptimizeReport> {
        step("optimize:before");
        let snapshot = self.snapshot(None).await?;
        let mut change = Change::new(&snapshot, now, "optimize", String::new());
        let mut report = OptimizeReport::default();
        for (site, tables) in &snapshot.manifest().sites {
            for (name, table) in &tables.tables {
                for group in groups(table, options) {
                    let added = self.rewrite(&snapshot, (site, name), table, &group, options).await?;
                    report.files_before += group.len() as u64;
                    report.bytes_before += group.iter().map(|file| file.bytes).sum::<u64>();
                    report.files_after += added.len() as u64;
                    report.bytes_after += added.iter().map(|file| file.bytes).sum::<u64>();
                    change.tables.push(table_change((site, name), table, &group, added));
                }
            }
        }
        if change.tables.is_empty() {
            return Ok(report);
        }
        step("optimize:written");
        change.message = format!("{} files into {}", report.files_before, report.files_after);
        report.commit = Some(self.commit(&change).await?.commit());
        Ok(report)
    }

    /// Whether [`OptimizeOptions::automatic`] finds something to do.
    pub fn needs_optimize(snapshot: &Snapshot) -> bool {
        let tables = snapshot.manifest().sites.values().flat_map(|site| site.tables.values());
        tables.into_iter().any(|table| !groups(table, OptimizeOptions::automatic()).is_empty())
    }

    async fn rewrite(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        (site, name): (&str, &str),
        table: &Table,
        group: &[&DataFile],
        options: OptimizeOptions,
    ) -> Result<Vec<DataFile>> {
        let mut only = snapshot.manifest().clone();
        if let Some(table) = only.sites.get_mut(site).and_then(|site| site.tables.get_mut(name)) {
            table.files = group.iter().map(|file| (*file).clone()).collect();
        }
        let part = Arc::new(Snapshot { manifest: only });
        let scan =
            TableScan::try_new(self, &part, site, name, true).ok_or_else(|| Error::bug(format!("no table {name}")))?;
        let context =
            SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1).with_batch_size(16 << 10));
        context.register_object_store(ObjectStoreUrl::parse(STORE_URL)?.as_ref(), Arc::clone(self.objects()));
        let stream = context.read_table(Arc::new(scan))?.execute_stream().await?;
        let target = WriteTarget::new(&tokio::runtime::Handle::current(), self.location(), site, name, table.clustered);
        let clustered = table.clustered;
        let (send, receive) = tokio::sync::mpsc::channel(4);
        let writing = tokio::task::spawn_blocking(move || write_all(receive, &target, clustered, options.file_rows));
        let sent = send_all(stream, send).await;
        let written = writing.await.map_err(|error| Error::bug("the writing task ended early").because(error))?;
        sent.and(written)
    }
}

async fn send_all(mut stream: SendableRecordBatchStream, send: tokio::sync::mpsc::Sender<RecordBatch>) -> Result<()> {
    while let Some(batch) = stream.next().await {
        if send.send(batch?).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Writes batches into files of about `file_rows` rows; a clustered table changes files only where the user changes.
fn write_all(
    mut receive: tokio::sync::mpsc::Receiver<RecordBatch>,
    target: &WriteTarget,
    clustered: bool,
    file_rows: u64,
) -> Result<Vec<DataFile>> {
    let mut files = Vec::new();
    let mut open = None;
    let mut schema: Option<SchemaRef> = None;
    while let Some(batch) = receive.blocking_recv() {
        let schema = schema.get_or_insert_with(|| stored_schema(batch.schema_ref()));
        for (piece, starts_user) in pieces(&stored(&batch, schema)?, clustered)? {
            let full = open.as_ref().is_some_and(|writer: &super::FileWriter| writer.rows() >= file_rows);
            if full && (starts_user || !clustered) {
                files.extend(open.take().map(super::FileWriter::finish).transpose()?);
            }
            if open.is_none() {
                open = Some(target.open(schema)?);
            }
            if let Some(writer) = &mut open {
                writer.write(&piece)?;
            }
        }
    }
    files.extend(open.map(super::FileWriter::finish).transpose()?);
    Ok(files)
}

/// Parquet needs no views: the same texts, written from plain arrays.
fn stored_schema(schema: &Schema) -> SchemaRef {
    let kind = |kind: &DataType| match kind {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        other => other.clone(),
    };
    let field = |field: &Arc<Field>| Field::new(field.name(), kind(field.data_type()), field.is_nullable());
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

fn stored(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch.columns().iter().zip(schema.fields()).map(|(column, field)| cast(column, field.data_type()));
    let columns = columns.collect::<Result<Vec<_>, _>>()?;
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Cuts a clustered batch at its last change of user, where a file may end; answers each piece and whether a new user
/// starts with it.
fn pieces(batch: &RecordBatch, clustered: bool) -> Result<Vec<(RecordBatch, bool)>> {
    if !clustered {
        return Ok(vec![(batch.clone(), true)]);
    }
    let users = batch.column(batch.schema().index_of("userid")?);
    let users = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(users).values();
    let change = (1..users.len()).rev().find(|row| users[*row] != users[*row - 1]);
    Ok(match change {
        Some(row) => vec![(batch.slice(0, row), false), (batch.slice(row, users.len() - row), true)],
        None => vec![(batch.clone(), false)],
    })
}

/// Groups of files that are to be rewritten, each into files of its own.
fn groups(table: &Table, options: OptimizeOptions) -> Vec<Vec<&DataFile>> {
    if !table.clustered {
        let small: Vec<&DataFile> = table.files.iter().filter(|file| file.rows < options.file_rows / 2).collect();
        let many = small.len() > options.max_runs.max(1);
        return if many { vec![small] } else { Vec::new() };
    }
    let mut groups: Vec<Vec<&DataFile>> = Vec::new();
    let mut group_rows = 0;
    let mut joins_next = false;
    for cluster in clusters(&table.files) {
        let wanted = wants_merge(&cluster, options);
        let files: Vec<&DataFile> = cluster.files().collect();
        match groups.last_mut() {
            // Small neighbours become one file.
            Some(group) if joins_next && group_rows + cluster.rows <= options.file_rows => {
                group.extend(files);
                group_rows += cluster.rows;
            }
            _ => {
                groups.push(files);
                group_rows = cluster.rows;
            }
        }
        joins_next = wanted || cluster.rows < options.file_rows / 2;
        if !joins_next {
            group_rows = u64::MAX / 2;
        }
    }
    let worthwhile = |group: &Vec<&DataFile>| {
        let rows: u64 = group.iter().map(|file| file.rows).sum();
        let chains = clusters_of(group);
        let overlapping = chains.iter().any(|(runs, largest, rows)| wants(*runs, *largest, *rows, options));
        let small = group.len() > options.max_runs.max(1) && rows <= options.file_rows;
        overlapping || small
    };
    groups.into_iter().filter(worthwhile).collect()
}

fn clusters_of(group: &[&DataFile]) -> Vec<(usize, u64, u64)> {
    let owned: Vec<DataFile> = group.iter().map(|file| (*file).clone()).collect();
    clusters(&owned).iter().map(measure).collect()
}

/// Runs, rows of the largest run, rows.
fn measure(cluster: &Cluster<'_>) -> (usize, u64, u64) {
    let largest = cluster.chains.iter().map(|chain| chain.iter().map(|file| file.rows).sum()).max().unwrap_or(0);
    (cluster.chains.len(), largest, cluster.rows)
}

fn wants_merge(cluster: &Cluster<'_>, options: OptimizeOptions) -> bool {
    let (runs, largest, rows) = measure(cluster);
    wants(runs, largest, rows, options)
}

fn wants(runs: usize, largest: u64, rows: u64, options: OptimizeOptions) -> bool {
    runs > options.max_runs || (runs > 1 && largest < options.growth * (rows - largest))
}

fn table_change((site, name): (&str, &str), table: &Table, group: &[&DataFile], added: Vec<DataFile>) -> TableChange {
    TableChange {
        site: site.to_owned(),
        table: name.to_owned(),
        columns: table.columns.clone(),
        key: table.key.clone(),
        clustered: table.clustered,
        add: added.into_iter().map(|file| NewFile { file, keeps_commits: true }).collect(),
        remove: group.iter().map(|file| file.path.clone()).collect::<BTreeSet<_>>(),
        last_id: table.last_id,
        need: TableNeed::Rewrite,
    }
}
