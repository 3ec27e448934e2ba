//! Refuses what DataFusion would answer wrongly: keys of groups that `unnest` has repeated.
//!
//! DataFusion 55.2 goes on taking the keys of a GROUP BY for unique when an `unnest` above it has made several rows of
//! each group. It then drops DISTINCT, drops later keys of ORDER BY, and adds columns to the keys of another GROUP BY
//! (`datafusion-expr`, `Unnest::try_new`, keeps the functional dependencies of its input). A number that may be wrong
//! is worse than none, and an expression around the key ends the belief; the message says so. This check can go when
//! DataFusion forgets the dependency itself: the test `unnested_sessions_…` of the whole product will tell.

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::logical_expr::{Distinct, LogicalPlan};

use crate::error::Error;
use crate::{ErrorKind, Result, text};

/// Looks at every operator that would use the uniqueness of a key.
pub(super) fn check(plan: &LogicalPlan) -> Result<()> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        found |= relies_on_keys(node);
        Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if found { Err(repeated_key()) } else { Ok(()) }
}

fn relies_on_keys(node: &LogicalPlan) -> bool {
    let input = match node {
        LogicalPlan::Aggregate(aggregate) if !aggregate.group_expr.is_empty() => &aggregate.input,
        // A single key has no later one to lose.
        LogicalPlan::Sort(sort) if sort.expr.len() > 1 => &sort.input,
        LogicalPlan::Distinct(Distinct::All(input)) => input,
        LogicalPlan::Distinct(Distinct::On(on)) => &on.input,
        _ => return false,
    };
    !input.schema().functional_dependencies().is_empty() && repeats(input)
}

/// Whether an `unnest` lies below, with no grouping between that would make keys of its own.
fn repeats(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Unnest(_) => true,
        LogicalPlan::Aggregate(_) | LogicalPlan::Distinct(_) => false,
        other => other.inputs().into_iter().any(repeats),
    }
}

fn repeated_key() -> Error {
    Error::new(
        ErrorKind::Invalid,
        text!(
            "DISTINCT, GROUP BY or ORDER BY above `unnest` would take the key of the inner GROUP BY for unique and answer wrongly; pass the key through an expression there, such as `userid + 0 AS who`, and use `who`",
            "DISTINCT, GROUP BY ou ORDER BY au-dessus de `unnest` prendrait la clé du GROUP BY interne pour unique et répondrait faux ; faites-y passer la clé par une expression, par exemple `userid + 0 AS who`, et utilisez `who`"
        ),
    )
}
