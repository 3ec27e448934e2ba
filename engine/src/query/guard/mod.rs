//! Guards for what the memory pool does not see.
//!
//! DataFusion's pool counts what sorts, joins and aggregates keep, not what an expression makes:
//! `repeat('x', 900000000)` passes it. Here functions whose result can be larger than their arguments are wrapped:
//! their result is measured from the arguments, row by row, before it is made.
//!
//! * [`function`] wraps functions by name, [`rule`] says how each is measured, [`args`] reads the arguments.
//! * [`concat`] does the same for the operator `||`.
//! * [`constant`] keeps long constants from being repeated over a batch.
//! * [`joins`] makes joins ask whether their query is still wanted.
//! * [`rows`] keeps wide rows from being repeated by joins and by `unnest`.

mod args;
mod concat;
mod constant;
mod function;
mod joins;
mod rewrite;
mod rows;
mod rule;

use std::sync::Arc;

use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::prelude::SessionContext;

use crate::query::limits::Budget;

pub(super) use joins::watch_joins;

/// Puts the guards into a session, around the functions that it has now.
pub(super) fn install(context: &SessionContext, budget: Budget) {
    // Once in the registry, for functions that planning itself calls, such as those in arguments of table functions.
    for function in context.state().scalar_functions().values() {
        if let Some(guarded) = function::guarded(function, budget) {
            context.register_udf(guarded);
        }
    }
    // And once in every plan: planners and views bring functions that were never looked up.
    context.add_analyzer_rule(Arc::new(rewrite::GuardFunctions { budget }));
    context.add_optimizer_rule(Arc::new(constant::HoldConstants { budget }));
}

/// The physical rule that guards rows; it must be the last one.
pub(super) fn row_rule(budget: Budget) -> Arc<dyn PhysicalOptimizerRule + Send + Sync> {
    Arc::new(rows::GuardRows { budget })
}
