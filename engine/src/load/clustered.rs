//! The way of rows into the clustered activity log: sorted chunks, duplicate ids, and one sorted run of files.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use futures::StreamExt;
use roaring::RoaringTreemap;

use super::chunk::{Chunk, Dictionaries, dictionary_type, id_number, id_of};
use super::run::{Output, Run, SortKey, UserRange, merge};
use crate::error::{Error, Result};
use crate::model::{self, Kind, TableSpec};
use crate::store::{Column, ColumnType, DataFile, FILE_ROWS, Snapshot, Store, Table, WriteTarget, clusters, step};

/// Numbers of chunks that one file may use: chunk n of file f has the number `f × CHUNKS_PER_FILE + n`.
pub(super) const CHUNKS_PER_FILE: u64 = 1 << 32;

/// Collects sorted chunks and turns them into files.
pub(super) struct ClusteredLoad {
    spec: &'static TableSpec,
    key: SortKey,
    dictionaries: Dictionaries,
    temporary: Option<PathBuf>,
    /// Bytes of runs that may stay in memory.
    budget: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Runs by the number of their chunk.
    runs: BTreeMap<u64, Run>,
    in_memory: usize,
    rows_of_user: HashMap<i64, u64, foldhash::fast::FixedState>,
    /// Rows whose id stood twice in one chunk, by the number of the file.
    repeated: HashMap<u64, u64>,
}

/// Where the ids of the rows come from.
pub(super) enum Ids {
    /// From the file; those that the store has already are given, as [`id_number`] has them.
    Given {
        /// Ids of the store's rows.
        existing: RoaringTreemap,
    },
    /// The rows have provisional ids from 1; they become the table's next ones.
    Next {
        /// The greatest id that the table ever had.
        last: i64,
    },
}

/// The files of one load.
pub(super) struct Written {
    pub(super) files: Vec<DataFile>,
    /// Rows whose id stood twice or was in the store, by the number of the file.
    pub(super) skipped_of_file: HashMap<u64, u64>,
    /// The greatest id written; 0 when none was.
    pub(super) last_id: i64,
}

impl ClusteredLoad {
    pub(super) fn new(spec: &'static TableSpec, temporary: Option<PathBuf>, budget: usize) -> Result<Self> {
        let column = |name: &str| {
            spec.columns
                .iter()
                .position(|column| column.name == name)
                .ok_or_else(|| Error::bug(format!("no column {name}")))
        };
        let key = SortKey { user: column("userid")?, time: column("timecreated")?, id: column("id")? };
        Ok(Self { spec, key, dictionaries: Dictionaries::new(spec), temporary, budget, state: Mutex::default() })
    }

    /// Takes a sorted chunk; callable from several threads. `number` orders chunks: of two rows with the same id the
    /// one in the earlier chunk stays.
    pub(super) fn add(&self, number: u64, mut chunk: Chunk) -> Result<()> {
        let counts = count_users(chunk.users()?);
        let ids = std::mem::take(&mut chunk.ids);
        let repeated = chunk.repeated;
        let batch = chunk.into_batch(self.spec, &self.dictionaries)?;
        let bytes = batch.get_array_memory_size();
        let stays = {
            let mut state = lock(&self.state);
            let stays = state.in_memory + bytes <= self.budget;
            if stays {
                state.in_memory += bytes;
            }
            stays
        };
        let run = if stays {
            Run::in_memory(batch, self.key, ids)
        } else {
            Run::spill(&batch, self.key, ids, self.temporary.as_deref())?
        };
        let mut state = lock(&self.state);
        *state.repeated.entry(number / CHUNKS_PER_FILE).or_default() += repeated;
        for (user, rows) in counts {
            *state.rows_of_user.entry(user).or_default() += rows;
        }
        state.runs.insert(number, run);
        Ok(())
    }

    /// The least and the greatest id of the rows.
    pub(super) fn id_range(&self) -> Option<(i64, i64)> {
        let state = lock(&self.state);
        let first = state.runs.values().filter_map(|run| run.ids.min()).min()?;
        let last = state.runs.values().filter_map(|run| run.ids.max()).max()?;
        Some((id_of(first), id_of(last)))
    }

    /// Writes everything as one sorted run of files beside those of `table`. Call it from a blocking thread.
    ///
    /// Call it once, after the last [`ClusteredLoad::add`].
    pub(super) fn write(self, table: &Table, ids: &Ids, target: &WriteTarget, threads: usize) -> Result<Written> {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut skipped_of_file = state.repeated;
        let (numbers, mut runs): (Vec<u64>, Vec<Run>) = state.runs.into_iter().unzip();
        let id_offset = match ids {
            Ids::Given { existing } => {
                for (number, skipped) in numbers.iter().zip(mark_duplicates(&mut runs, existing)) {
                    *skipped_of_file.entry(number / CHUNKS_PER_FILE).or_default() += skipped;
                }
                0
            }
            Ids::Next { last } => *last,
        };
        let output = Output {
            schema: file_schema(self.spec, &self.dictionaries),
            dictionaries: self.dictionaries.finish(self.spec)?,
            id_offset,
        };
        let ranges = user_ranges(state.rows_of_user.into_iter().collect(), table);
        let files = write_ranges(&runs, self.key, &ranges, &output, target, threads)?;
        let last_id = files.iter().filter_map(|file| file.int_range("id")).map(|(_, max)| max).max().unwrap_or(0);
        Ok(Written { files, skipped_of_file, last_id })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn count_users(users: &[i64]) -> Vec<(i64, u64)> {
    users.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
}

/// Finds the rows whose id an earlier run or the store has; answers how many in each run.
fn mark_duplicates(runs: &mut [Run], existing: &RoaringTreemap) -> Vec<u64> {
    let mut seen = existing.clone();
    let mut skipped = Vec::with_capacity(runs.len());
    for run in runs {
        let ids = std::mem::take(&mut run.ids);
        run.drop = &ids & &seen;
        skipped.push(run.drop.len());
        seen |= ids;
    }
    skipped
}

/// Ids of the store's rows that lie between the least and the greatest id of a load, as [`id_number`] has them.
pub(super) async fn existing_ids(
    store: &Arc<Store>,
    snapshot: &Arc<Snapshot>,
    site: &str,
    range: (i64, i64),
) -> Result<RoaringTreemap> {
    let mut ids = RoaringTreemap::new();
    let Some(mut batches) = store.ids(snapshot, site, model::LOG, range).await? else { return Ok(ids) };
    while let Some(batch) = batches.next().await {
        let column = batch?;
        let column = column.column(0).as_primitive::<Int64Type>();
        let mut numbers: Vec<u64> = column.values().iter().map(|id| id_number(*id)).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let group = RoaringTreemap::from_sorted_iter(numbers);
        ids |= group.map_err(|error| Error::bug("ids are not sorted").because(error))?;
    }
    Ok(ids)
}

impl From<Kind> for ColumnType {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Int => Self::Int,
            Kind::Float => Self::Float,
            Kind::Text | Kind::LongText => Self::Text,
            Kind::Bytes => Self::Bytes,
        }
    }
}

/// Columns of the log in the manifest.
pub(super) fn manifest_columns(spec: &TableSpec) -> Vec<Column> {
    let column = |column: &model::ColumnSpec| Column {
        name: column.name.to_owned(),
        kind: column.kind.into(),
        nullable: column.nullable,
    };
    spec.columns.iter().map(column).collect()
}

fn file_schema(spec: &TableSpec, dictionaries: &Dictionaries) -> SchemaRef {
    let field = |(index, column): (usize, &model::ColumnSpec)| {
        let kind = match column.kind {
            Kind::Int => DataType::Int64,
            _ if dictionaries.is_plain(index) => DataType::Utf8,
            _ => dictionary_type(),
        };
        Field::new(column.name, kind, column.nullable)
    };
    Arc::new(Schema::new(spec.columns.iter().enumerate().map(field).collect::<Vec<_>>()))
}

/// Cuts the users of a load into ranges of about [`FILE_ROWS`] rows, and where the store's own ranges begin, so that
/// the new run overlaps as few files as possible.
fn user_ranges(mut rows_of_user: Vec<(i64, u64)>, table: &Table) -> Vec<UserRange> {
    rows_of_user.sort_unstable();
    let borders: Vec<i64> = clusters(&table.files).iter().skip(1).map(|cluster| cluster.first_user).collect();
    let mut ranges: Vec<UserRange> = Vec::new();
    let mut rows = u64::MAX;
    for (user, count) in rows_of_user {
        let crosses = ranges.last().is_some_and(|range| {
            borders.iter().any(|border| range.first < *border && *border <= user && *border > range.last)
        });
        if rows >= FILE_ROWS || crosses {
            ranges.push(UserRange { first: user, last: user });
            rows = 0;
        }
        if let Some(range) = ranges.last_mut() {
            range.last = user;
        }
        rows += count;
    }
    ranges
}

/// Writes the ranges on several threads; each range is one file.
fn write_ranges(
    runs: &[Run],
    key: SortKey,
    ranges: &[UserRange],
    output: &Output,
    target: &WriteTarget,
    threads: usize,
) -> Result<Vec<DataFile>> {
    step("load:write");
    let next = AtomicUsize::new(0);
    let written = Mutex::new(Vec::new());
    let work = || -> Result<()> {
        while let Some((index, range)) = {
            let index = next.fetch_add(1, Ordering::Relaxed);
            ranges.get(index).map(|range| (index, range))
        } {
            let file = write_range(runs, key, *range, output, target)?;
            lock(&written).extend(file.map(|file| (index, file)));
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.clamp(1, ranges.len().max(1))).map(|_| scope.spawn(work)).collect();
        workers.into_iter().try_for_each(|worker| worker.join().map_err(|_| Error::bug("a writing thread panicked"))?)
    })?;
    let mut written = written.into_inner().unwrap_or_else(PoisonError::into_inner);
    written.sort_by_key(|(index, _)| *index);
    Ok(written.into_iter().map(|(_, file)| file).collect())
}

fn write_range(
    runs: &[Run],
    key: SortKey,
    range: UserRange,
    output: &Output,
    target: &WriteTarget,
) -> Result<Option<DataFile>> {
    let mut writer = target.open(&output.schema)?;
    match merge(runs, key, range, output, &mut |batch| writer.write(batch)) {
        Ok(()) if writer.rows() == 0 => {
            writer.abandon();
            Ok(None)
        }
        Ok(()) => writer.finish().map(Some),
        Err(error) => {
            writer.abandon();
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_about_the_wanted_rows_and_never_split_a_user() {
        let rows = vec![(3, FILE_ROWS / 2), (1, FILE_ROWS / 2), (2, FILE_ROWS * 3), (9, 1)];
        let ranges = user_ranges(rows, &Table::default());
        let pairs: Vec<(i64, i64)> = ranges.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(pairs, [(1, 2), (3, 9)]);
    }

    #[test]
    fn ranges_follow_the_borders_of_the_store() {
        let file = |first: i64, last: i64| DataFile {
            path: format!("{first}"),
            rows: 1,
            bytes: 1,
            crc32: 0,
            commit: Some(1),
            columns: [(
                "userid".to_owned(),
                crate::store::ColumnStats {
                    min: Some(crate::store::Bound::Int(first)),
                    max: Some(crate::store::Bound::Int(last)),
                    nulls: 0,
                },
            )]
            .into(),
        };
        let table = Table { clustered: true, files: vec![file(10, 19), file(20, 29)], ..Table::default() };
        let ranges = user_ranges(vec![(5, 1), (12, 1), (19, 1), (20, 1), (35, 1)], &table);
        let pairs: Vec<(i64, i64)> = ranges.iter().map(|range| (range.first, range.last)).collect();
        assert_eq!(pairs, [(5, 19), (20, 35)]);
    }
}
