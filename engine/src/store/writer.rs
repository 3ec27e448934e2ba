//! Writing one Parquet data file, with the statistics that its manifest entry needs.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use object_store::path::Path;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{ParquetMetaData, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnPath;
use tokio::runtime::Handle;

use super::layout::{Location, Sink};
use super::manifest::{Bound, ColumnStats, DataFile};
use crate::error::Result;

/// Rows of a row group: small enough that one group of a column stays in the processor's caches while it is encoded.
pub(crate) const ROW_GROUP_ROWS: usize = 128 * 1024;

/// Rows that a file should hold: large enough for long scans, small enough that files are units of parallel work.
pub(crate) const FILE_ROWS: u64 = 1 << 20;

/// The order of a clustered file.
pub(crate) fn sort_columns() -> [&'static str; 3] {
    ["userid", "timecreated", "id"]
}

/// Where the files of one table go.
#[derive(Debug, Clone)]
pub(crate) struct WriteTarget {
    location: Location,
    handle: Handle,
    folder: String,
    clustered: bool,
}

impl WriteTarget {
    /// Files of `site.table`; the runtime of the handle uploads to object stores.
    pub(crate) fn new(handle: &Handle, location: &Location, site: &str, table: &str, clustered: bool) -> Self {
        Self { location: location.clone(), handle: handle.clone(), folder: format!("{site}/{table}"), clustered }
    }

    /// Opens a new file of this schema. Call it, and everything of the writer, from a blocking thread.
    pub(crate) fn open(&self, schema: &SchemaRef) -> Result<FileWriter> {
        // The one use of randomness: names that no two processes can choose alike. They carry no meaning.
        let path = Path::from(format!("{}/{}.parquet", self.folder, uuid::Uuid::new_v4().simple()));
        let sink = self.location.sink(&path, &self.handle)?;
        let options = ArrowWriterOptions::new()
            .with_properties(properties(schema, self.clustered))
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(sink, Arc::clone(schema), options)?;
        Ok(FileWriter { writer, path, rows: 0 })
    }
}

/// One data file while it is written.
pub(crate) struct FileWriter {
    writer: ArrowWriter<Sink>,
    path: Path,
    rows: u64,
}

impl FileWriter {
    /// Appends rows.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.rows += batch.num_rows() as u64;
        Ok(self.writer.write(batch)?)
    }

    /// Rows so far.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// Makes the file durable and describes it; it belongs to nothing until a commit names it.
    pub(crate) fn finish(mut self) -> Result<DataFile> {
        let metadata = self.writer.finish()?;
        let (bytes, crc32) = self.writer.inner_mut().finish()?;
        Ok(DataFile {
            path: self.path.to_string(),
            rows: self.rows,
            bytes,
            crc32,
            commit: None,
            columns: column_stats(&metadata),
        })
    }

    /// Gives up and removes what was written.
    pub(crate) fn abandon(mut self) {
        self.writer.inner_mut().abandon();
    }
}

/// Encodings by the nature of the column: delta for ids and times, dictionaries for everything that repeats.
fn properties(schema: &SchemaRef, clustered: bool) -> WriterProperties {
    let level = ZstdLevel::try_new(1).unwrap_or_default();
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by("assidu".to_owned())
        .set_compression(Compression::ZSTD(level))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        builder = column_properties(builder, field.name(), field.data_type());
    }
    if clustered {
        let sorting = sort_columns().into_iter().filter_map(|name| schema.index_of(name).ok());
        let sorting =
            sorting.map(|index| SortingColumn { column_idx: index as i32, descending: false, nulls_first: false });
        builder = builder.set_sorting_columns(Some(sorting.collect()));
    }
    builder.build()
}

fn column_properties(builder: WriterPropertiesBuilder, name: &str, kind: &DataType) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(name);
    let builder = match name {
        // Pages are pruned by these only: the index of the other columns would cost more than it saves.
        "userid" | "timecreated" | "id" | "courseid" | super::COMMIT => {
            builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::Page)
        }
        _ => builder,
    };
    let is_delta = matches!(kind, DataType::Int64 | DataType::Int32)
        && matches!(name, "id" | "timecreated" | "timemodified" | super::COMMIT);
    if !is_delta {
        return builder;
    }
    builder.set_column_dictionary_enabled(path.clone(), false).set_column_encoding(path, Encoding::DELTA_BINARY_PACKED)
}

/// Folds the statistics of all row groups.
fn column_stats(metadata: &ParquetMetaData) -> BTreeMap<String, ColumnStats> {
    let mut columns = BTreeMap::new();
    for group in metadata.row_groups() {
        for chunk in group.columns() {
            let Some(stats) = chunk.statistics() else { continue };
            let name = chunk.column_descr().name().to_owned();
            let nulls = stats.null_count_opt().unwrap_or(0);
            let (min, max) = bounds(stats);
            let all_null = nulls == chunk.num_values() as u64;
            match columns.get_mut(&name) {
                None => drop(columns.insert(name, Folded { min, max, nulls, unknown: false, all_null })),
                Some(folded) => folded.add(min, max, nulls, all_null),
            }
        }
    }
    columns.into_iter().map(|(name, folded)| (name, folded.into_stats())).collect()
}

struct Folded {
    min: Option<Bound>,
    max: Option<Bound>,
    nulls: u64,
    /// Some row group has values but no bound: then the file has none either.
    unknown: bool,
    all_null: bool,
}

impl Folded {
    fn add(&mut self, min: Option<Bound>, max: Option<Bound>, nulls: u64, all_null: bool) {
        self.nulls += nulls;
        self.unknown |= (min.is_none() && !all_null) || (self.min.is_none() && !self.all_null);
        self.all_null &= all_null;
        self.min = choose(self.min.take(), min, |a, b| a <= b);
        self.max = choose(self.max.take(), max, |a, b| a >= b);
    }

    fn into_stats(self) -> ColumnStats {
        let (min, max) = if self.unknown { (None, None) } else { (self.min, self.max) };
        ColumnStats { min, max, nulls: self.nulls }
    }
}

fn choose(a: Option<Bound>, b: Option<Bound>, keep_a: fn(&Bound, &Bound) -> bool) -> Option<Bound> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if keep_a(&a, &b) { a } else { b }),
        (a, b) => a.or(b),
    }
}

impl PartialOrd for Bound {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b)) => a.partial_cmp(b),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.partial_cmp(b),
            _ => None,
        }
    }
}

fn bounds(stats: &Statistics) -> (Option<Bound>, Option<Bound>) {
    let text = |bytes: Option<&[u8]>| {
        bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).map(|text| Bound::Text(text.to_owned()))
    };
    match stats {
        Statistics::Int32(stats) => {
            (stats.min_opt().map(|v| Bound::Int(i64::from(*v))), stats.max_opt().map(|v| Bound::Int(i64::from(*v))))
        }
        Statistics::Int64(stats) => (stats.min_opt().map(|v| Bound::Int(*v)), stats.max_opt().map(|v| Bound::Int(*v))),
        Statistics::Double(stats) => {
            (stats.min_opt().map(|v| Bound::Float(*v)), stats.max_opt().map(|v| Bound::Float(*v)))
        }
        // Parquet cuts long bounds: a cut minimum is a lower bound, a cut maximum is raised to stay an upper one.
        Statistics::ByteArray(_) => (text(stats.min_bytes_opt()), text(stats.max_bytes_opt())),
        _ => (None, None),
    }
}

impl std::fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileWriter").field("path", &self.path).field("rows", &self.rows).finish_non_exhaustive()
    }
}
