//! How large a plan's expressions become when the optimizer puts one into another.
//!
//! A filter moves down through the queries below it, and each column in it is replaced by what it stands for. With
//! `SELECT x + x AS x` thirty times over, the filter `x > 0` would end as a sum of a billion terms, and planning
//! would neither end nor be stopped. So the sizes are computed first, from the tables upwards.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion, TreeNodeVisitor};
use datafusion::common::{DFSchema, Result as DfResult};
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::error::Error;
use crate::{ErrorKind, Result, text};

/// Most parts that the expressions of one operator may have when all columns are written out.
const MAX_PARTS: usize = 50_000;

/// Refuses a plan whose expressions would become too large.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    let mut sizes = Sizes { stack: Vec::new(), largest: 0 };
    plan.visit_with_subqueries(&mut sizes)?;
    if sizes.largest <= MAX_PARTS {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Limit,
        text!(
            "the expressions of the statement have more than {MAX_PARTS} parts when each column is replaced by what it stands for: use a computed column fewer times in the next one",
            "les expressions de l'instruction ont plus de {MAX_PARTS} parties quand chaque colonne est remplacée par ce qu'elle désigne : employez moins souvent une colonne calculée dans la suivante"
        ),
    ))
}

/// Sizes of the output columns of each operator whose parent has not been seen yet.
struct Sizes {
    stack: Vec<Vec<usize>>,
    largest: usize,
}

impl<'n> TreeNodeVisitor<'n> for Sizes {
    type Node = LogicalPlan;

    fn f_up(&mut self, node: &'n LogicalPlan) -> DfResult<TreeNodeRecursion> {
        let inputs = self.stack.split_off(self.stack.len().saturating_sub(node.inputs().len()));
        // Queries within the node's expressions came before its inputs; they answer values, not columns.
        let mut subqueries = 0;
        node.apply_subqueries(|_| {
            subqueries += 1;
            Ok(TreeNodeRecursion::Continue)
        })?;
        self.stack.truncate(self.stack.len().saturating_sub(subqueries));
        let mut total = 0_usize;
        let mut own = Vec::new();
        for expr in node.expressions() {
            let size = size(&expr, node, &inputs)?;
            total = total.saturating_add(size);
            own.push(size);
        }
        self.largest = self.largest.max(total);
        self.stack.push(outputs(node, inputs, own));
        let stop = self.largest > MAX_PARTS;
        Ok(if stop { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    }
}

/// Parts of an expression with its columns written out. Constants count for nothing: they are never multiplied by
/// themselves, and a list of them may be long.
fn size(expr: &Expr, node: &LogicalPlan, inputs: &[Vec<usize>]) -> DfResult<usize> {
    let mut size = 0_usize;
    expr.apply(|part| {
        size = size.saturating_add(match part {
            Expr::Literal(..) => 0,
            Expr::Column(column) => {
                let find = |schema: &DFSchema| schema.maybe_index_of_column(column);
                let found = node
                    .inputs()
                    .iter()
                    .zip(inputs)
                    .find_map(|(input, sizes)| find(input.schema()).and_then(|place| sizes.get(place).copied()));
                found.unwrap_or(1)
            }
            _ => 1,
        });
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(size)
}

/// Sizes of a node's output columns, from those of its inputs and of its own expressions.
fn outputs(node: &LogicalPlan, mut inputs: Vec<Vec<usize>>, own: Vec<usize>) -> Vec<usize> {
    let columns = node.schema().fields().len();
    let sizes = match node {
        LogicalPlan::Projection(_) => own,
        LogicalPlan::Aggregate(aggregate) => {
            let groups = own.into_iter().take(aggregate.group_expr.len());
            groups.chain(std::iter::repeat_n(1, aggregate.aggr_expr.len())).collect()
        }
        LogicalPlan::Window(window) => {
            let mut sizes = inputs.pop().unwrap_or_default();
            sizes.extend(std::iter::repeat_n(1, window.window_expr.len()));
            sizes
        }
        LogicalPlan::Join(_) if inputs.iter().map(Vec::len).sum::<usize>() == columns => inputs.concat(),
        _ => widest(&inputs),
    };
    match sizes.len() == columns {
        true => sizes,
        // Columns that cannot be told apart all count as the largest.
        false => vec![sizes.into_iter().max().unwrap_or(1); columns],
    }
}

/// Column by column the largest of the inputs, such as those of a UNION.
fn widest(inputs: &[Vec<usize>]) -> Vec<usize> {
    let columns = inputs.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns).map(|place| inputs.iter().filter_map(|sizes| sizes.get(place)).copied().max().unwrap_or(1)).collect()
}
