//! [`SpentExec`]: the fold as an operator of DataFusion, straight on the clustered log.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionMapping;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::TryStreamExt;

use super::dims::Dims;
use super::fold::Fold;
use super::output::{Output, Rows};
use super::reader::LogShape;
use super::request::Request;
use crate::query::BATCH_ROWS;

/// Folds the log, whose users come one after the other, into the rows of a table function.
///
/// It holds one user at a time, whatever the size of the log. It is a leaf for the optimizer: its input is the scan
/// of the clustered log, which no rule may shuffle.
#[derive(Debug)]
pub(super) struct SpentExec {
    input: Arc<dyn ExecutionPlan>,
    work: Arc<Work>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// What all partitions share.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) request: Arc<Request>,
    pub(super) dims: Arc<Dims>,
    pub(super) shape: LogShape,
    pub(super) output: Output,
    /// Columns of the output that are asked for.
    pub(super) projection: Vec<usize>,
    pub(super) schema: SchemaRef,
}

impl SpentExec {
    pub(super) fn try_new(input: Arc<dyn ExecutionPlan>, work: Work) -> Result<Self> {
        let mapping = by_user(&input.schema(), &work.schema);
        let of_log = input.properties().equivalence_properties();
        let equivalence = match &mapping {
            Some(mapping) => of_log.project(mapping, Arc::clone(&work.schema)),
            None => EquivalenceProperties::new(Arc::clone(&work.schema)),
        };
        let partitioning = input.properties().output_partitioning();
        let partitioning = match &mapping {
            Some(mapping) => partitioning.project(mapping, of_log),
            None => datafusion::physical_expr::Partitioning::UnknownPartitioning(partitioning.partition_count()),
        };
        let properties =
            PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded);
        Ok(Self {
            input,
            work: Arc::new(work),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// The user's column in the log and in the output; the only one that keeps its order.
fn by_user(log: &SchemaRef, output: &SchemaRef) -> Option<ProjectionMapping> {
    let (from, to) = (log.index_of("userid").ok()?, output.index_of("userid").ok()?);
    let source: Arc<dyn PhysicalExpr> = Arc::new(Column::new("userid", from));
    let target: Arc<dyn PhysicalExpr> = Arc::new(Column::new("userid", to));
    Some([(source, vec![(target, to)].into())].into_iter().collect())
}

impl DisplayAs for SpentExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Work { request, output, .. } = &*self.work;
        let partitions = self.input.properties().output_partitioning().partition_count();
        let name = Output::ALL.iter().find(|(_, known)| known == output).map_or("", |(name, _)| name);
        write!(f, "SpentExec: {name}, policy={}, partitions={partitions}, one pass", request.policy.name)
    }
}

impl ExecutionPlan for SpentExec {
    fn name(&self) -> &'static str {
        "SpentExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let Work { request, dims, shape, output, projection, schema } = &*self.work;
        let running = Running {
            fold: Some(Fold::new(request, dims, *shape, &input.schema(), output.keep())),
            rows: Rows::new(*output, projection, schema, dims),
            input,
            memory: MemoryConsumer::new("SpentExec").register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        let batches = futures::stream::try_unfold(running, Running::next);
        Ok(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(schema), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// One partition that is being read.
struct Running {
    input: SendableRecordBatchStream,
    /// `None` once the last user is done.
    fold: Option<Fold>,
    rows: Rows,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Running {
    /// Reads until there are rows enough for a batch, or the log ends.
    async fn next(mut self) -> Result<Option<(RecordBatch, Self)>> {
        while let Some(fold) = &mut self.fold {
            let batch = self.input.try_next().await?;
            let timer = self.metrics.elapsed_compute().timer();
            let rows = &mut self.rows;
            let mut done = |user, streams: &crate::time::Streams| rows.user(user, streams);
            match batch {
                Some(batch) => {
                    fold.push(&batch, &mut done)?;
                    self.memory.try_resize(fold.size())?;
                }
                None => {
                    fold.finish(&mut done);
                    self.fold = None;
                    self.memory.free();
                }
            }
            timer.done();
            if self.rows.len() >= BATCH_ROWS {
                break;
            }
        }
        if self.rows.len() == 0 {
            return Ok(None);
        }
        let batch = self.rows.finish()?;
        self.metrics.record_output(batch.num_rows());
        Ok(Some((batch, self)))
    }
}
