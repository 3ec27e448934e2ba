//! Merging the sorted runs of one user range: the physical operator of a clustered table with several runs.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::sorts::streaming_merge::StreamingMergeBuilder;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::{StreamExt, TryStreamExt};

use super::scan::ordering;

/// Inputs that are merged; one input is passed through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    /// Partitions of the input plan, each sorted.
    pub(super) inputs: Vec<usize>,
}

/// Reads the segments of each partition one after the other, and merges the inputs of each segment.
///
/// It is a leaf for the optimizer: its input's partitions are the runs of user ranges, which no rule may move.
#[derive(Debug)]
pub(super) struct ClusterMergeExec {
    input: Arc<dyn ExecutionPlan>,
    partitions: Arc<Vec<Vec<Segment>>>,
    /// The first so many columns of the input are the output; the others are read for the comparison.
    columns: usize,
    /// Rows of all files, before any filter.
    rows: usize,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ClusterMergeExec {
    /// `partitioning` and the order are expressed over `file_schema`, of which the output shows `projection`.
    pub(super) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        partitions: Vec<Vec<Segment>>,
        columns: usize,
        partitioning: Option<&Partitioning>,
        file_schema: &SchemaRef,
        projection: &[usize],
        rows: usize,
    ) -> Result<Self> {
        let schema: SchemaRef = Arc::new(input.schema().project(&(0..columns).collect::<Vec<_>>())?);
        let mapping = mapping(file_schema, projection, &schema)?;
        let of_files = EquivalenceProperties::new_with_orderings(Arc::clone(file_schema), [ordering(file_schema)]);
        let equivalence = of_files.project(&mapping, schema);
        let count = partitions.len();
        let partitioning =
            partitioning.map_or(Partitioning::UnknownPartitioning(count), |known| known.project(&mapping, &of_files));
        let properties =
            PlanProperties::new(equivalence, partitioning, EmissionType::Incremental, Boundedness::Bounded);
        Ok(Self {
            input,
            partitions: Arc::new(partitions),
            columns,
            rows,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

/// How the columns of the files appear in the output. Columns beyond the files' own (partition values) carry no order.
fn mapping(
    file_schema: &Schema,
    projection: &[usize],
    output: &Schema,
) -> Result<datafusion::physical_expr::projection::ProjectionMapping> {
    use datafusion::physical_expr::expressions::Column;
    let known = projection.iter().enumerate().filter(|(_, index)| **index < file_schema.fields().len());
    let pairs = known.map(|(position, index)| {
        let source: Arc<dyn PhysicalExpr> = Arc::new(Column::new(file_schema.field(*index).name(), *index));
        let target: Arc<dyn PhysicalExpr> = Arc::new(Column::new(output.field(position).name(), position));
        (source, vec![(target, position)].into())
    });
    Ok(pairs.collect())
}

impl DisplayAs for ClusterMergeExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let merged = self.partitions.iter().flatten().filter(|segment| segment.inputs.len() > 1).count();
        let runs = self.partitions.iter().flatten().map(|segment| segment.inputs.len()).max().unwrap_or(0);
        write!(f, "ClusterMergeExec: partitions={}, merged_ranges={merged}, runs={runs}", self.partitions.len())
    }
}

impl ExecutionPlan for ClusterMergeExec {
    fn name(&self) -> &'static str {
        "ClusterMergeExec"
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
        let segments = self
            .partitions
            .get(partition)
            .cloned()
            .ok_or_else(|| DataFusionError::Internal(format!("no partition {partition}")))?;
        let input = Arc::clone(&self.input);
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let indices: Vec<usize> = (0..self.columns).collect();
        let streams = futures::stream::iter(segments).map(move |segment| merged(&input, &segment, &context, &metrics));
        let batches = streams.try_flatten().map(move |batch| Ok(batch?.project(&indices)?));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn partition_statistics(&self, _partition: Option<usize>) -> Result<Arc<Statistics>> {
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Inexact(self.rows);
        Ok(Arc::new(statistics))
    }
}

fn merged(
    input: &Arc<dyn ExecutionPlan>,
    segment: &Segment,
    context: &Arc<TaskContext>,
    metrics: &BaselineMetrics,
) -> Result<SendableRecordBatchStream> {
    let mut streams = Vec::with_capacity(segment.inputs.len());
    for index in &segment.inputs {
        streams.push(input.execute(*index, Arc::clone(context))?);
    }
    if streams.len() == 1 {
        return streams.pop().ok_or_else(|| DataFusionError::Internal("no stream".to_owned()));
    }
    let schema = input.schema();
    let order = ordering(&schema);
    StreamingMergeBuilder::new()
        .with_streams(streams)
        .with_schema(schema)
        .with_expressions(&order)
        .with_metrics(metrics.clone())
        .with_batch_size(context.session_config().batch_size())
        .with_reservation(MemoryConsumer::new("ClusterMergeExec").register(context.memory_pool()))
        .build()
}
