//! Aggregates by user over a log that declares its clusters: no shuffle, no sort, one pass.

use std::any::Any;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::memory::DataSourceExec;
use datafusion::catalog::{
    CatalogProvider, MemoryCatalogProvider, MemorySchemaProvider, SchemaProvider, Session as Planning, TableProvider,
};
use datafusion::common::{ScalarValue, SplitPoint};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{LexOrdering, PhysicalSortExpr, RangePartitioning};
use datafusion::physical_plan::{ExecutionPlan, Partitioning};
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use rstest::rstest;
use tempfile::TempDir;

use crate::query::{Limits, Session};

/// Users of the log, from 0; each has [`HITS`] hits, 10 seconds apart, in courses 1 and 2 by turns.
const USERS: i64 = 64;
const HITS: i64 = 6;

fn schema() -> SchemaRef {
    let column = |name: &str| Field::new(name, DataType::Int64, false);
    Arc::new(Schema::new(vec![column("id"), column("userid"), column("courseid"), column("timecreated")]))
}

/// Hits of a range of users, sorted by user, time and id.
fn hits(first: i64, last: i64) -> RecordBatch {
    let (mut ids, mut users, mut courses, mut times) = (vec![], vec![], vec![], vec![]);
    for user in first..last {
        for hit in 0..HITS {
            ids.push(user * HITS + hit);
            users.push(user);
            courses.push(1 + hit % 2);
            times.push(1_700_000_000 + hit * 10);
        }
    }
    let columns = [ids, users, courses, times].map(|values| Arc::new(Int64Array::from(values)) as _).to_vec();
    RecordBatch::try_new(schema(), columns).unwrap()
}

fn write(path: &Path, batch: &RecordBatch) {
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

/// A log of one file group per range of users, which says so.
#[derive(Debug)]
struct Log {
    files: Vec<PartitionedFile>,
    split_points: Vec<i64>,
}

impl Log {
    fn new(folder: &Path, ranges: i64) -> Self {
        let bounds: Vec<i64> = (0..=ranges).map(|range| USERS * range / ranges).collect();
        let mut files = Vec::new();
        for pair in bounds.windows(2) {
            let path = folder.join(format!("{}.parquet", pair[0]));
            write(&path, &hits(pair[0], pair[1]));
            let size = std::fs::metadata(&path).unwrap().len();
            files.push(PartitionedFile::new(path.display().to_string(), size));
        }
        Self { files, split_points: bounds[1..bounds.len() - 1].to_vec() }
    }
}

#[async_trait]
impl TableProvider for Log {
    fn schema(&self) -> SchemaRef {
        schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _state: &dyn Planning,
        projection: Option<&Vec<usize>>,
        _filters: &[Expr],
        _limit: Option<usize>,
    ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
        let column = |name: &str| {
            let place = schema().index_of(name).unwrap();
            PhysicalSortExpr::new_default(Arc::new(Column::new(name, place)))
        };
        let ordering = LexOrdering::new(["userid", "timecreated", "id"].map(column)).unwrap();
        let user = LexOrdering::new([column("userid")]).unwrap();
        let points =
            self.split_points.iter().map(|point| SplitPoint::new(vec![ScalarValue::Int64(Some(*point))])).collect();
        let ranges = RangePartitioning::try_new(user, points)?;
        let source = Arc::new(ParquetSource::new(schema()));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
            .with_file_groups(self.files.iter().map(|file| FileGroup::new(vec![file.clone()])).collect())
            .with_projection_indices(projection.cloned())?
            .with_output_ordering(vec![ordering])
            .with_output_partitioning(Some(Partitioning::Range(ranges)))
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

struct Place {
    session: Session,
    _folder: TempDir,
}

impl Place {
    /// The same session, where even small joins are partitioned.
    fn partitioned_joins(&self) -> Session {
        self.session.with_options(|options| {
            options.optimizer.hash_join_single_partition_threshold = 0;
            options.optimizer.hash_join_single_partition_threshold_rows = 0;
        })
    }
}

/// A session over a log of some ranges and a table of users that declares nothing.
fn place(ranges: i64, threads: usize) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let schema = Arc::new(MemorySchemaProvider::new());
    schema.register_table("hits".to_owned(), Arc::new(Log::new(folder.path(), ranges))).unwrap();
    let users = hits(0, USERS).project(&[1]).unwrap();
    let users = datafusion::datasource::MemTable::try_new(users.schema(), vec![vec![users]]).unwrap();
    schema.register_table("users".to_owned(), Arc::new(users)).unwrap();
    let catalog = Arc::new(MemoryCatalogProvider::new());
    catalog.register_schema("campus", schema).unwrap();
    let limits = Limits { threads, ..Limits::default() };
    Place { session: Session::new(catalog, "campus", &limits, &|_| {}).unwrap(), _folder: folder }
}

async fn rows(session: &Session, sql: &str) -> Vec<Vec<i64>> {
    let batches: Vec<RecordBatch> = session.query(sql).await.unwrap().try_collect().await.unwrap();
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let value = |column: &arrow::array::ArrayRef| {
                let any: &dyn Any = column.as_any();
                any.downcast_ref::<Int64Array>().unwrap().value(row)
            };
            rows.push(batch.columns().iter().map(value).collect());
        }
    }
    rows
}

#[rstest]
#[case("SELECT userid, count(*) FROM hits GROUP BY userid", "ordering_mode=Sorted")]
#[case("SELECT userid, max(timecreated) - min(timecreated) FROM hits GROUP BY userid", "ordering_mode=Sorted")]
#[case("SELECT userid, courseid, count(*) FROM hits GROUP BY userid, courseid", "ordering_mode=PartiallySorted([0])")]
#[case("SELECT courseid, userid, count(*) FROM hits GROUP BY courseid, userid", "ordering_mode=PartiallySorted([1])")]
#[case("SELECT userid, array_agg(courseid ORDER BY timecreated) FROM hits GROUP BY userid", "ordering_mode=Sorted")]
#[case("SELECT userid, count(*) FROM hits WHERE courseid = 1 GROUP BY userid", "ordering_mode=Sorted")]
#[tokio::test]
async fn an_aggregate_by_user_is_one_pass(
    #[case] sql: &str,
    #[case] ordering: &str,
    #[values(1, 2, 8)] ranges: i64,
    #[values(1, 2, 8)] threads: usize,
) {
    let place = place(ranges, threads);
    let plan = place.session.plan(sql).await.unwrap();
    assert!(!plan.contains("RepartitionExec"), "{plan}");
    assert!(!plan.contains("SortExec"), "{plan}");
    let mode = match (ranges, threads) {
        (1, 1) => "mode=Single,",
        // With one thread DataFusion plans one partition above the aggregate; a log then declares one range.
        (_, 1) => "mode=Final,",
        _ => "mode=SinglePartitioned,",
    };
    assert!(plan.contains(mode), "{plan}");
    assert!(plan.contains(ordering), "{plan}");
}

#[rstest]
#[tokio::test]
async fn an_aggregate_by_user_has_the_same_answer_on_any_layout(
    #[values(1, 2, 8)] ranges: i64,
    #[values(1, 2, 8)] threads: usize,
) {
    let place = place(ranges, threads);
    let mut found = rows(&place.session, "SELECT userid, courseid, count(*) FROM hits GROUP BY userid, courseid").await;
    found.sort();
    let expected: Vec<Vec<i64>> =
        (0..USERS).flat_map(|user| [vec![user, 1, HITS / 2], vec![user, 2, HITS / 2]]).collect();
    assert_eq!(found, expected);
}

/// Ranges of users on one side of a join and hashes on the other would lose pairs; the answer shows that none is lost.
#[rstest]
#[case("SELECT count(*) FROM hits JOIN users ON hits.userid = users.userid")]
#[case("SELECT count(*) FROM users JOIN hits ON hits.userid = users.userid")]
#[case("SELECT sum(n) FROM (SELECT userid, count(*) AS n FROM hits GROUP BY userid) AS h JOIN users USING (userid)")]
#[case("SELECT count(*) FROM users LEFT JOIN hits ON hits.userid = users.userid")]
#[tokio::test]
async fn a_join_of_the_log_loses_nothing(
    #[case] sql: &str,
    #[values(1, 2, 8)] ranges: i64,
    #[values(1, 2, 8)] threads: usize,
) {
    let place = place(ranges, threads);
    // The table of users has one row per hit, so each hit meets HITS rows.
    assert_eq!(rows(&place.session, sql).await, [[USERS * HITS * HITS]], "{sql}");
    assert_eq!(rows(&place.partitioned_joins(), sql).await, [[USERS * HITS * HITS]], "{sql}");
}

#[tokio::test]
async fn a_window_by_user_needs_no_sort() {
    let place = place(8, 8);
    let sql = "SELECT userid, timecreated - lag(timecreated) OVER (PARTITION BY userid ORDER BY timecreated) FROM hits";
    let plan = place.session.plan(sql).await.unwrap();
    assert!(!plan.contains("SortExec") && !plan.contains("RepartitionExec"), "{plan}");
}
