//! Wide rows: joins and `unnest` repeat them.
//!
//! A text of a megabyte is harmless in one row; a join with a table of a million rows writes it a million times. So
//! the rows that enter a join are measured, and batches that enter `unnest` are cut so that each part stays within
//! the budget. Texts that are views count for little: copies of a row share their bytes.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, internal_err};
use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, replace_children_if_necessary,
};
use futures::{StreamExt, stream};

use super::args::{bytes_at, leaves_at};
use crate::query::limits::Budget;
use crate::query::settings::BATCH_ROWS;

/// Puts [`RowGuard`] below joins and `unnest` where rows can be wide.
#[derive(Debug)]
pub(super) struct GuardRows {
    pub(super) budget: Budget,
}

impl PhysicalOptimizerRule for GuardRows {
    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _config: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let guarded = plan.transform_up(|node| {
            let Some(use_) = Use::of(&node) else {
                return Ok(Transformed::no(node));
            };
            let children: Vec<Arc<dyn ExecutionPlan>> =
                node.children().into_iter().map(|child| self.guard(child, &use_)).collect();
            Ok(Transformed::yes(replace_children_if_necessary(node, children)?))
        })?;
        Ok(guarded.data)
    }

    fn name(&self) -> &str {
        "guard_rows"
    }

    fn schema_check(&self) -> bool {
        true
    }
}

impl GuardRows {
    fn guard(&self, child: &Arc<dyn ExecutionPlan>, use_: &Use) -> Arc<dyn ExecutionPlan> {
        if !use_.can_be_wide(&child.schema()) {
            return Arc::clone(child);
        }
        Arc::new(RowGuard { input: Arc::clone(child), use_: use_.clone(), budget: self.budget })
    }
}

/// What the operator above does with rows.
#[derive(Debug, Clone)]
enum Use {
    /// It may repeat each row for a whole batch.
    Join,
    /// It repeats each row for every element of these columns.
    Unnest(Vec<usize>),
}

impl Use {
    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        let join = node.is::<HashJoinExec>()
            || node.is::<CrossJoinExec>()
            || node.is::<NestedLoopJoinExec>()
            || node.is::<SortMergeJoinExec>();
        if join {
            return Some(Self::Join);
        }
        let unnest = node.downcast_ref::<UnnestExec>()?;
        Some(Self::Unnest(unnest.list_column_indices().iter().map(|list| list.index_in_input_schema).collect()))
    }

    fn can_be_wide(&self, schema: &Schema) -> bool {
        match self {
            Self::Join => schema.fields().iter().any(|field| fixed_width(field.data_type()).is_none()),
            Self::Unnest(lists) => !lists.is_empty(),
        }
    }
}

/// Measures the rows that pass through it.
#[derive(Debug)]
struct RowGuard {
    input: Arc<dyn ExecutionPlan>,
    use_: Use,
    budget: Budget,
}

impl DisplayAs for RowGuard {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowGuard")
    }
}

impl ExecutionPlan for RowGuard {
    fn name(&self) -> &str {
        "RowGuard"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        match <[_; 1]>::try_from(children) {
            Ok([input]) => Ok(Arc::new(Self { input, use_: self.use_.clone(), budget: self.budget })),
            Err(_) => internal_err!("RowGuard has one input"),
        }
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let input = self.input.execute(partition, context)?;
        let schema = input.schema();
        let (use_, budget) = (self.use_.clone(), self.budget);
        let parts = input.flat_map(move |batch| {
            let parts = batch.and_then(|batch| match &use_ {
                Use::Join => narrow(batch, &budget),
                Use::Unnest(lists) => cut(&batch, lists, &budget),
            });
            stream::iter(match parts {
                Ok(parts) => parts.into_iter().map(Ok).collect::<VecDeque<_>>(),
                Err(error) => VecDeque::from([Err(error)]),
            })
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, parts)))
    }
}

/// Refuses a batch with a row that a join may not repeat.
fn narrow(batch: RecordBatch, budget: &Budget) -> Result<Vec<RecordBatch>> {
    let columns: Vec<&ArrayRef> =
        batch.columns().iter().filter(|column| fixed_width(column.data_type()).is_none()).collect();
    for row in 0..batch.num_rows() {
        let bytes: usize = columns.iter().map(|column| copied_bytes(column, row)).fold(0, usize::saturating_add);
        if bytes > budget.max_row() {
            return Err(too_wide("JOIN", bytes.saturating_mul(BATCH_ROWS), budget));
        }
    }
    Ok(vec![batch])
}

/// Cuts a batch so that no part makes more than a batch's budget when its lists become rows.
fn cut(batch: &RecordBatch, lists: &[usize], budget: &Budget) -> Result<Vec<RecordBatch>> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0_usize);
    for row in 0..batch.num_rows() {
        let width: usize = batch
            .columns()
            .iter()
            .enumerate()
            .filter(|(place, _)| !lists.contains(place))
            .map(|(_, column)| copied_bytes(column, row))
            .fold(0, usize::saturating_add);
        let elements =
            lists.iter().filter_map(|place| batch.columns().get(*place)).map(|list| leaves_at(list, row)).max();
        let made = width.saturating_mul(elements.unwrap_or(1).max(1));
        if made > budget.max_batch {
            return Err(too_wide("unnest", made, budget));
        }
        bytes = bytes.saturating_add(made);
        if bytes > budget.max_batch {
            parts.push(batch.slice(start, row - start));
            (start, bytes) = (row, made);
        }
    }
    parts.push(batch.slice(start, batch.num_rows() - start));
    Ok(parts)
}

fn too_wide(what: &str, bytes: usize, budget: &Budget) -> DataFusionError {
    DataFusionError::External(Box::new(budget.batch_too_wide(what, bytes)))
}

/// Bytes of a value when its row is copied; `None` when they depend on the value.
fn fixed_width(data_type: &DataType) -> Option<usize> {
    match data_type {
        DataType::Null => Some(0),
        DataType::Boolean => Some(1),
        // A copy of a view points to the same bytes.
        DataType::Utf8View | DataType::BinaryView => Some(size_of::<u128>()),
        DataType::Dictionary(key, _) => fixed_width(key),
        DataType::Struct(fields) => fields.iter().map(|field| fixed_width(field.data_type())).sum(),
        DataType::FixedSizeList(field, length) => {
            Some(fixed_width(field.data_type())?.saturating_mul(usize::try_from(*length).unwrap_or(0)))
        }
        DataType::FixedSizeBinary(length) => usize::try_from(*length).ok(),
        other => other.primitive_width(),
    }
}

/// Bytes of the value at a place when its row is copied.
fn copied_bytes(array: &ArrayRef, place: usize) -> usize {
    let element = match array.data_type() {
        DataType::List(field) | DataType::LargeList(field) => fixed_width(field.data_type()),
        other => match fixed_width(other) {
            Some(width) => return width,
            None => None,
        },
    };
    match element {
        Some(width) => width.saturating_mul(leaves_at(array, place)),
        None => bytes_at(array, place),
    }
}
