//! `store optimize`: merges runs of clustered tables into one, and small files of the others.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;

use super::change::{Change, NewFile, TableChange, TableNeed};
use super::fileset::clusters;
use super::manifest::{DataFile, Table};
use super::{FILE_ROWS, OptimizeReport, Snapshot, Store, TableScan, WriteTarget, step};
use crate::error::{Error, Result};

/// When clusters are merged, and how large files become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OptimizeOptions {
    /// A cluster with more runs than this is merged, at least in part; a scan merges at most this many runs of a user
    /// range (read amplification). 1 merges everything.
    pub max_runs: usize,
    /// What is alike in size: runs are merged with larger ones only when those hold less than this many times their
    /// rows, so that many small loads beside a large run do not rewrite it again and again. When the runs beside the
    /// largest one together hold more than one part in `growth` of it, all are merged. A row is therefore rewritten
    /// when the runs around it have grown by a factor, and not once for so many loads (write amplification; the test
    /// below measures it).
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
        let context = self.context()?;
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
    let mut groups: Vec<Group<'_>> = Vec::new();
    for cluster in clusters(&table.files) {
        let sizes: Vec<u64> = cluster.chains.iter().map(|chain| chain.iter().map(|file| file.rows).sum()).collect();
        let chosen = runs_to_merge(&sizes, options);
        if !chosen.is_empty() && chosen.len() < sizes.len() {
            let files = chosen.iter().flat_map(|run| &cluster.chains[*run]).copied().collect();
            groups.push(Group { files, rows: u64::MAX, merges: true });
            continue;
        }
        let next = Group { files: cluster.files().collect(), rows: cluster.rows, merges: !chosen.is_empty() };
        match groups.last_mut() {
            Some(group) if group.takes(&next, options) => group.join(next),
            _ => groups.push(next),
        }
    }
    let worthwhile = |group: &Group<'_>| {
        group.merges || group.files.len() > options.max_runs.max(1) && group.rows <= options.file_rows
    };
    groups.into_iter().filter(worthwhile).map(|group| group.files).collect()
}

/// Files that may be rewritten together.
struct Group<'a> {
    files: Vec<&'a DataFile>,
    rows: u64,
    /// Some of the files overlap and are to be merged.
    merges: bool,
}

impl<'a> Group<'a> {
    /// Whether a neighbour may become part of the same file.
    fn takes(&self, next: &Self, options: OptimizeOptions) -> bool {
        let is_open = self.merges || self.rows < options.file_rows / 2;
        is_open && self.rows.saturating_add(next.rows) <= options.file_rows
    }

    fn join(&mut self, next: Self) {
        self.files.extend(next.files);
        self.rows += next.rows;
        self.merges |= next.merges;
    }
}

/// Which runs of a cluster are merged, by their rows; none when the cluster may stay as it is.
fn runs_to_merge(sizes: &[u64], options: OptimizeOptions) -> Vec<usize> {
    let largest = sizes.iter().copied().max().unwrap_or(0);
    let others = sizes.iter().sum::<u64>() - largest;
    if sizes.len() < 2 {
        return Vec::new();
    }
    if options.max_runs <= 1 || largest < options.growth.saturating_mul(others) {
        return (0..sizes.len()).collect();
    }
    if sizes.len() <= options.max_runs {
        return Vec::new();
    }
    let mut by_size: Vec<usize> = (0..sizes.len()).collect();
    by_size.sort_by_key(|run| sizes[*run]);
    let mut merged = 0;
    let is_alike = |(place, run): &(usize, usize)| {
        let alike = *place < 2 || sizes[*run] < options.growth.saturating_mul(merged);
        merged += sizes[*run];
        alike
    };
    by_size.into_iter().enumerate().take_while(is_alike).map(|(_, run)| run).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Loads of 1,000 rows into one user range: the greatest number of runs, and how often a row is written on average.
    fn amplification(base: u64, loads: u64) -> (usize, f64) {
        let options = OptimizeOptions::automatic();
        let mut runs = vec![base];
        let mut written = 0;
        let mut most = 0;
        for _ in 0..loads {
            runs.push(1000);
            written += 1000;
            let chosen = runs_to_merge(&runs, options);
            if !chosen.is_empty() {
                let merged: u64 = chosen.iter().map(|run| runs[*run]).sum();
                written += merged;
                runs =
                    runs.iter().enumerate().filter(|(run, _)| !chosen.contains(run)).map(|(_, rows)| *rows).collect();
                runs.push(merged);
            }
            most = most.max(runs.len());
        }
        assert_eq!(runs.iter().sum::<u64>(), base + loads * 1000);
        (most, written as f64 / (loads * 1000) as f64)
    }

    #[test]
    fn many_small_loads_are_neither_many_runs_nor_much_rewriting() {
        for (base, loads) in [(1_000, 1_000), (1_000_000, 1_000), (1_000_000, 10_000), (100_000_000, 10_000)] {
            let (most, times) = amplification(base, loads);
            assert!(most <= 8, "{base}: {most} runs");
            assert!(times < 16.0, "{base}, {loads} loads: each row was written {times} times");
        }
    }

    #[test]
    fn asked_for_everything_is_merged() {
        assert_eq!(runs_to_merge(&[1_000_000, 1], OptimizeOptions::default()), [0, 1]);
        assert!(runs_to_merge(&[1_000_000, 1], OptimizeOptions::automatic()).is_empty());
        assert!(runs_to_merge(&[5], OptimizeOptions::default()).is_empty());
    }
}
