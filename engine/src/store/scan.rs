//! Reading a table of a snapshot in DataFusion: the scan declares what is true of the files, so that plans over the
//! clustered log need no sort and no repartition.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::stats::Precision;
use datafusion::common::{Column, ColumnStatistics, ScalarValue, SplitPoint, Statistics, ToDFSchema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::Result as DfResult;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::{Column as PhysicalColumn, case, is_null};
use datafusion::physical_expr::{LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr, RangePartitioning};
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;

use super::manifest::{Bound, ColumnType, DataFile, Table};
use super::merge::{ClusterMergeExec, Segment};
use super::{COMMIT, Snapshot, Store, fileset, sort_columns};

/// Column of every scan that holds the commit of a file whose rows all came with one commit.
const FILE_COMMIT: &str = "_file_commit";

/// URL under which a session registers the store's files.
pub(crate) const STORE_URL: &str = "assidu://store";

/// One table of one snapshot, as DataFusion sees it.
#[derive(Debug)]
pub struct TableScan {
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    site: String,
    table: String,
    /// What the query sees.
    schema: SchemaRef,
    /// Columns of the files: those of the table, and `_commit` where rows of several commits share a file.
    file_schema: SchemaRef,
}

impl TableScan {
    /// The scan of a table; `None` when the snapshot has none of this name. `with_commit` shows the hidden column
    /// `_commit` as the last one.
    pub fn try_new(
        store: &Arc<Store>,
        snapshot: &Arc<Snapshot>,
        site: &str,
        table: &str,
        with_commit: bool,
    ) -> Option<Self> {
        let described = snapshot.manifest().table(site, table)?;
        let visible = arrow_schema(described);
        let stored = with_field(&visible, COMMIT);
        Some(Self {
            store: Arc::clone(store),
            snapshot: Arc::clone(snapshot),
            site: site.to_owned(),
            table: table.to_owned(),
            schema: if with_commit { Arc::clone(&stored) } else { visible },
            file_schema: stored,
        })
    }

    fn described(&self) -> DfResult<&Table> {
        let table = self.snapshot.manifest().table(&self.site, &self.table);
        table.ok_or_else(|| datafusion::error::DataFusionError::Internal(format!("no table {}", self.table)))
    }

    /// The predicate of all filters over the columns of the files.
    fn predicate(&self, state: &dyn Session, filters: &[Expr]) -> DfResult<Option<Arc<dyn PhysicalExpr>>> {
        // `_commit` is computed above the scan, so a filter on it cannot be used below.
        let usable =
            filters.iter().filter(|filter| filter.column_refs().iter().all(|column| column.name != COMMIT)).cloned();
        let Some(filter) = conjunction(usable) else { return Ok(None) };
        let schema = Arc::clone(&self.file_schema).to_dfschema()?;
        state.create_physical_expr(filter, &schema).map(Some)
    }

    /// Files that may hold rows of the predicate, by the statistics of the manifest.
    fn surviving(&self, predicate: Option<&Arc<dyn PhysicalExpr>>) -> DfResult<Vec<DataFile>> {
        let files = &self.described()?.files;
        let Some(predicate) = predicate else { return Ok(files.clone()) };
        let schema = Arc::clone(&self.file_schema);
        let pruning = PruningPredicateBuilder::new().with_file_schema(schema).try_build(Arc::clone(predicate))?;
        if pruning.always_true() {
            return Ok(files.clone());
        }
        let keep = pruning.prune(&FileStats { files, schema: &self.file_schema })?;
        Ok(files.iter().zip(keep).filter(|(_, keep)| *keep).map(|(file, _)| file.clone()).collect())
    }

    fn scan_files(&self, state: &dyn Session, files: &[DataFile], scan: Scan) -> DfResult<Arc<dyn ExecutionPlan>> {
        let target = state.config().target_partitions().max(1);
        if !self.described()?.clustered {
            let groups = spread(files, target).into_iter().map(|group| self.file_group(&group)).collect();
            return Ok(DataSourceExec::from_data_source(self.config(state, scan, groups, None)?));
        }
        let clusters = fileset::clusters(files);
        let partitions = balance(&clusters, target);
        let ordering = ordering(&self.file_schema);
        let partitioning = range_partitioning(&ordering, &partitions);
        if clusters.iter().all(|cluster| cluster.chains.len() == 1) {
            let of_partition = |clusters: &&[fileset::Cluster<'_>]| {
                self.file_group(&clusters.iter().flat_map(fileset::Cluster::files).collect::<Vec<_>>())
            };
            let groups = partitions.iter().map(of_partition).collect();
            return Ok(DataSourceExec::from_data_source(self.config(state, scan, groups, partitioning)?));
        }
        self.merge_scan(state, &scan, &partitions, partitioning.as_ref())
    }

    /// Clusters of several runs: a sort-preserving merge of those clusters only.
    fn merge_scan(
        &self,
        state: &dyn Session,
        scan: &Scan,
        partitions: &[&[fileset::Cluster<'_>]],
        partitioning: Option<&Partitioning>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let mut groups = Vec::new();
        let mut segments = Vec::new();
        for clusters in partitions {
            let mut of_partition: Vec<Segment> = Vec::new();
            let mut single: Vec<&DataFile> = Vec::new();
            for cluster in *clusters {
                if let [chain] = cluster.chains.as_slice() {
                    single.extend(chain);
                    continue;
                }
                self.flush_single(&mut single, &mut groups, &mut of_partition);
                let first = groups.len();
                groups.extend(cluster.chains.iter().map(|chain| self.file_group(chain)));
                of_partition.push(Segment { inputs: (first..groups.len()).collect() });
            }
            self.flush_single(&mut single, &mut groups, &mut of_partition);
            segments.push(of_partition);
        }
        // The merge compares the sort columns, so they are read even when the query does not ask for them.
        let wanted = scan.projection.clone();
        let sorted = sort_columns().into_iter().filter_map(|name| self.file_schema.index_of(name).ok());
        let missing: Vec<usize> = sorted.filter(|index| !wanted.contains(index)).collect();
        let all = wanted.iter().copied().chain(missing).collect();
        let config =
            self.config(state, Scan { projection: all, limit: None, predicate: scan.predicate.clone() }, groups, None)?;
        let input = DataSourceExec::from_data_source(config);
        let rows = partitions.iter().flat_map(|clusters| clusters.iter()).map(|cluster| cluster.rows).sum::<u64>();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let merge =
            ClusterMergeExec::try_new(input, segments, wanted.len(), partitioning, &self.file_schema, &wanted, rows)?;
        Ok(Arc::new(merge))
    }

    fn flush_single(&self, single: &mut Vec<&DataFile>, groups: &mut Vec<FileGroup>, segments: &mut Vec<Segment>) {
        if !single.is_empty() {
            segments.push(Segment { inputs: vec![groups.len()] });
            groups.push(self.file_group(single));
            single.clear();
        }
    }

    fn config(
        &self,
        state: &dyn Session,
        scan: Scan,
        groups: Vec<FileGroup>,
        partitioning: Option<Partitioning>,
    ) -> DfResult<FileScanConfig> {
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let schema = TableSchema::builder(Arc::clone(&self.file_schema))
            .with_table_partition_cols(vec![Arc::new(Field::new(FILE_COMMIT, DataType::Int64, true))])
            .build();
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..TableParquetOptions::default()
        };
        let cache = state.runtime_env().cache_manager.get_file_metadata_cache();
        let reader = CachedParquetFileReaderFactory::new(Arc::clone(self.store.objects()), cache);
        let mut source = ParquetSource::new(schema)
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(reader));
        if let Some(predicate) = &scan.predicate {
            source = source.with_predicate(Arc::clone(predicate));
        }
        let statistics = self.statistics(groups.iter().flat_map(FileGroup::iter));
        let clustered = self.described()?.clustered;
        Ok(FileScanConfigBuilder::new(url, Arc::new(source))
            .with_file_groups(groups)
            .with_statistics(statistics)
            .with_projection_indices(Some(scan.projection))?
            .with_limit(scan.limit)
            .with_output_ordering(if clustered { vec![ordering(&self.file_schema)] } else { Vec::new() })
            .with_output_partitioning(partitioning)
            .build())
    }

    fn file_group(&self, files: &[&DataFile]) -> FileGroup {
        FileGroup::new(files.iter().map(|file| self.partitioned_file(file)).collect())
    }

    fn partitioned_file(&self, file: &DataFile) -> PartitionedFile {
        let mut part = PartitionedFile::new(file.path.clone(), file.bytes);
        part.partition_values = vec![ScalarValue::Int64(file.commit.and_then(|commit| i64::try_from(commit).ok()))];
        part.with_statistics(Arc::new(file_statistics(file, &self.file_schema)))
    }

    /// Exact counts and bounds over files; they answer `count(*)` and `max(timecreated)` without reading.
    fn statistics<'a>(&self, files: impl Iterator<Item = &'a PartitionedFile>) -> Statistics {
        let columns = self.file_schema.fields().len() + 1;
        let mut total = Statistics {
            num_rows: Precision::Exact(0),
            total_byte_size: Precision::Absent,
            column_statistics: vec![ColumnStatistics::new_unknown(); columns],
        };
        for (index, file) in files.enumerate() {
            let Some(stats) = &file.statistics else { continue };
            total.num_rows = total.num_rows.add(&stats.num_rows);
            for (sum, column) in total.column_statistics.iter_mut().zip(&stats.column_statistics) {
                if index == 0 {
                    *sum = column.clone();
                } else {
                    sum.null_count = sum.null_count.add(&column.null_count);
                    sum.min_value = sum.min_value.min(&column.min_value);
                    sum.max_value = sum.max_value.max(&column.max_value);
                }
            }
        }
        total
    }

    /// Puts `_commit` together from the two places where it may stand, and drops what the query did not ask for.
    fn with_commit(&self, plan: Arc<dyn ExecutionPlan>, wanted: &[usize]) -> DfResult<Arc<dyn ExecutionPlan>> {
        let schema = plan.schema();
        let column = |name: &str| -> DfResult<Arc<dyn PhysicalExpr>> {
            Ok(Arc::new(PhysicalColumn::new_with_schema(name, &schema)?))
        };
        let mut outputs = Vec::new();
        for index in wanted {
            let name = self.file_schema.field(*index).name();
            let expr = if name == COMMIT {
                case(None, vec![(is_null(column(COMMIT)?)?, column(FILE_COMMIT)?)], Some(column(COMMIT)?))?
            } else {
                column(name)?
            };
            outputs.push((expr, name.clone()));
        }
        Ok(Arc::new(ProjectionExec::try_new(outputs, plan)?))
    }
}

/// What is read of the files.
#[derive(Clone)]
struct Scan {
    /// Columns of the table schema (those of the files, then [`FILE_COMMIT`]).
    projection: Vec<usize>,
    predicate: Option<Arc<dyn PhysicalExpr>>,
    limit: Option<usize>,
}

#[async_trait]
impl TableProvider for TableScan {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let wanted: Vec<usize> = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let predicate = self.predicate(state, filters)?;
        let mut files = self.surviving(predicate.as_ref())?;
        if let Some(after) = newer_than(filters) {
            files.retain(|file| file.newest_commit() > after);
        }
        // A limit may stop the scan early only when every row it yields is an answer.
        let limit = if filters.is_empty() { limit } else { None };
        let commit = self.file_schema.fields().len() - 1;
        let asks_commit = wanted.contains(&commit);
        let mut read = wanted.clone();
        if asks_commit {
            read.push(commit + 1);
        }
        let plan = self.scan_files(state, &files, Scan { projection: read, predicate, limit })?;
        if asks_commit { self.with_commit(plan, &wanted) } else { Ok(plan) }
    }
}

/// The commit after which all rows of the filters came in: what incremental pulls ask for.
fn newer_than(filters: &[Expr]) -> Option<u64> {
    let after = |filter: &Expr| match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Gt => match (&*binary.left, &*binary.right) {
            (Expr::Column(column), Expr::Literal(ScalarValue::Int64(Some(commit)), _)) if column.name == COMMIT => {
                u64::try_from(*commit).ok()
            }
            _ => None,
        },
        _ => None,
    };
    filters.iter().filter_map(after).max()
}

/// Arrow schema of a table's columns.
pub(crate) fn arrow_schema(table: &Table) -> SchemaRef {
    let field = |column: &super::Column| Field::new(&column.name, arrow_type(column.kind), column.nullable);
    Arc::new(Schema::new(table.columns.iter().map(field).collect::<Vec<_>>()))
}

/// Arrow type in which queries see a column.
pub(crate) fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Text => DataType::Utf8View,
        ColumnType::Bytes => DataType::BinaryView,
    }
}

fn with_field(schema: &Schema, name: &str) -> SchemaRef {
    let fields = schema.fields().iter().cloned().chain([Arc::new(Field::new(name, DataType::Int64, true))]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// (userid, timecreated, id) over a schema that has them.
pub(crate) fn ordering(schema: &Schema) -> LexOrdering {
    let columns = sort_columns().into_iter().filter_map(|name| PhysicalColumn::new_with_schema(name, schema).ok());
    let exprs = columns.map(|column| PhysicalSortExpr::new_default(Arc::new(column)));
    LexOrdering::new(exprs).unwrap_or_else(|| unreachable!("a clustered table has its sort columns"))
}

/// Contiguous groups of clusters with about the same number of rows, at most `target`.
fn balance<'a, 'b>(clusters: &'a [fileset::Cluster<'b>], target: usize) -> Vec<&'a [fileset::Cluster<'b>]> {
    let total: u64 = clusters.iter().map(|cluster| cluster.rows).sum();
    let mut groups = Vec::new();
    let mut start = 0;
    let mut rows = 0;
    for (index, cluster) in clusters.iter().enumerate() {
        rows += cluster.rows;
        let full = rows as u128 * target as u128 >= total as u128 * (groups.len() as u128 + 1);
        if full && groups.len() + 1 < target {
            groups.push(&clusters[start..=index]);
            start = index + 1;
        }
    }
    if start < clusters.len() || groups.is_empty() {
        groups.push(&clusters[start..]);
    }
    groups
}

fn range_partitioning(ordering: &LexOrdering, partitions: &[&[fileset::Cluster<'_>]]) -> Option<Partitioning> {
    let by_user = LexOrdering::new([ordering.first().clone()])?;
    let firsts = partitions.iter().skip(1).filter_map(|clusters| clusters.first());
    let splits = firsts.map(|cluster| SplitPoint::new(vec![ScalarValue::Int64(Some(cluster.first_user))])).collect();
    RangePartitioning::try_new(by_user, splits).ok().map(Partitioning::Range)
}

/// Files in at most `target` groups of about the same size.
fn spread(files: &[DataFile], target: usize) -> Vec<Vec<&DataFile>> {
    let count = target.min(files.len()).max(1);
    let mut groups: Vec<(u64, Vec<&DataFile>)> = vec![(0, Vec::new()); count];
    for file in files {
        if let Some((bytes, group)) = groups.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += file.bytes;
            group.push(file);
        }
    }
    groups.into_iter().map(|(_, group)| group).collect()
}

fn file_statistics(file: &DataFile, schema: &Schema) -> Statistics {
    let column = |field: &Arc<Field>| {
        let unknown = ColumnStatistics::new_unknown();
        let (Some(stats), DataType::Int64) = (file.columns.get(field.name()), field.data_type()) else {
            return unknown;
        };
        let exact = |bound: &Option<Bound>| match bound {
            Some(Bound::Int(value)) => Precision::Exact(ScalarValue::Int64(Some(*value))),
            _ => Precision::Absent,
        };
        ColumnStatistics {
            null_count: Precision::Exact(usize::try_from(stats.nulls).unwrap_or(usize::MAX)),
            min_value: exact(&stats.min),
            max_value: exact(&stats.max),
            ..unknown
        }
    };
    Statistics {
        num_rows: Precision::Exact(usize::try_from(file.rows).unwrap_or(usize::MAX)),
        total_byte_size: Precision::Absent,
        column_statistics: schema.fields().iter().map(column).collect(),
    }
}

/// The manifest's bounds as DataFusion's pruning reads them.
struct FileStats<'a> {
    files: &'a [DataFile],
    schema: &'a Schema,
}

impl FileStats<'_> {
    fn bounds(&self, column: &Column, side: fn(&super::ColumnStats) -> &Option<Bound>) -> Option<ArrayRef> {
        let field = self.schema.field_with_name(column.name()).ok()?;
        let value = |file: &DataFile| match file.columns.get(column.name()).map(side) {
            Some(Some(Bound::Int(value))) => ScalarValue::Int64(Some(*value)),
            Some(Some(Bound::Float(value))) => ScalarValue::Float64(Some(*value)),
            Some(Some(Bound::Text(value))) => ScalarValue::Utf8View(Some(value.clone())),
            _ => ScalarValue::Null,
        };
        let typed = |value: ScalarValue| value.cast_to(field.data_type()).ok();
        let values = self.files.iter().map(|file| typed(value(file))).collect::<Option<Vec<_>>>()?;
        ScalarValue::iter_to_array(values).ok()
    }
}

impl PruningStatistics for FileStats<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |stats| &stats.min)
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column, |stats| &stats.max)
    }

    fn num_containers(&self) -> usize {
        self.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        // A column that a file does not have is null in all its rows.
        let nulls = |file: &DataFile| file.columns.get(column.name()).map_or(file.rows, |stats| stats.nulls);
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(nulls))))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::new(UInt64Array::from_iter_values(self.files.iter().map(|file| file.rows))))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
