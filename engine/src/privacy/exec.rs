//! [`PseudonymExec`]: a scan that answers with pseudonyms, as an operator of DataFusion.

use std::fmt;
use std::sync::Arc;

use datafusion::common::Statistics;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties};
use futures::StreamExt;

use super::pseudonyms::Pseudonyms;
use super::replace::{Recipe, Replacer};

/// Reads a scan and replaces what tells who somebody is.
///
/// It is a leaf for the optimizer and for EXPLAIN: what is below knows the least and the greatest number of a user,
/// the numbers at which partitions begin, and the order of users, and shows them. Counts and bounds of columns that
/// stay are passed on.
#[derive(Debug)]
pub(super) struct PseudonymExec {
    input: Arc<dyn ExecutionPlan>,
    recipe: Arc<Recipe>,
    pseudonyms: Arc<Pseudonyms>,
    statistics: Arc<Statistics>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PseudonymExec {
    /// `input` has the columns that the recipe reads, in its order.
    pub(super) fn try_new(
        input: Arc<dyn ExecutionPlan>,
        recipe: Arc<Recipe>,
        pseudonyms: Arc<Pseudonyms>,
    ) -> Result<Self> {
        let statistics = StatisticsContext::new().compute(input.as_ref(), &StatisticsArgs::new())?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&recipe.schema)),
            Partitioning::UnknownPartitioning(input.properties().partitioning.partition_count()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            statistics: Arc::new(visible(&statistics, &recipe)),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            input,
            recipe,
            pseudonyms,
        })
    }
}

/// What may be known of the answer without reading it.
fn visible(of_input: &Statistics, recipe: &Recipe) -> Statistics {
    let mut statistics = Statistics::new_unknown(&recipe.schema);
    statistics.num_rows = of_input.num_rows;
    statistics.total_byte_size = Precision::Absent;
    for (at, source) in recipe.kept() {
        if let (Some(to), Some(from)) =
            (statistics.column_statistics.get_mut(at), of_input.column_statistics.get(source))
        {
            *to = from.clone();
        }
    }
    statistics
}

impl DisplayAs for PseudonymExec {
    fn fmt_as(&self, _kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns: Vec<&str> = self.recipe.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let replaced: Vec<&str> = self.recipe.replaced().collect();
        let partitions = self.properties.partitioning.partition_count();
        write!(f, "PseudonymExec: columns=[{}], replaced=[{}], ", columns.join(", "), replaced.join(", "))?;
        write!(f, "read={}, partitions={partitions}", self.recipe.read.len())
    }
}

impl ExecutionPlan for PseudonymExec {
    fn name(&self) -> &'static str {
        "PseudonymExec"
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

    fn repartitioned(&self, target: usize, config: &ConfigOptions) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(input) = self.input.repartitioned(target, config)? else { return Ok(None) };
        let exec = Self::try_new(input, Arc::clone(&self.recipe), Arc::clone(&self.pseudonyms))?;
        Ok(Some(Arc::new(exec)))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let mut replacer = Replacer::new(&self.recipe, &self.pseudonyms);
        let batches = input.map(move |batch| {
            let batch = batch?;
            let timer = metrics.elapsed_compute().timer();
            let batch = replacer.apply(&batch)?;
            timer.done();
            metrics.record_output(batch.num_rows());
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _input_stats: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(match args.partition() {
            None => Arc::clone(&self.statistics),
            Some(_) => Arc::new(Statistics::new_unknown(&self.recipe.schema)),
        })
    }
}
