//! Puts the guarded functions into a plan.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{Expr, LogicalPlan, Operator};
use datafusion::optimizer::AnalyzerRule;

use super::concat::concat;
use super::function::guarded;
use crate::error::Error;
use crate::query::limits::Budget;
use crate::{ErrorKind, text};

/// The last rule of the analyzer: types are settled, nothing has been computed yet.
#[derive(Debug)]
pub(super) struct GuardFunctions {
    pub(super) budget: Budget,
}

impl AnalyzerRule for GuardFunctions {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let rewritten = plan.transform_up_with_subqueries(|node| {
            let names = NamePreserver::new(&node);
            node.map_expressions(|expr| {
                let name = names.save(&expr);
                Ok(expr.transform_up(|part| self.guard(part))?.update_data(|expr| name.restore(expr)))
            })
        })?;
        Ok(rewritten.data)
    }

    fn name(&self) -> &str {
        "guard_functions"
    }
}

impl GuardFunctions {
    fn guard(&self, expr: Expr) -> Result<Transformed<Expr>> {
        match expr {
            Expr::ScalarFunction(call) => {
                fixed_size(&call)?;
                match guarded(&call.func, self.budget) {
                    Some(func) => {
                        let call = ScalarFunction { func: Arc::new(func), args: call.args };
                        Ok(Transformed::yes(Expr::ScalarFunction(call)))
                    }
                    None => Ok(Transformed::no(Expr::ScalarFunction(call))),
                }
            }
            Expr::BinaryExpr(binary) if binary.op == Operator::StringConcat => {
                let args = vec![*binary.left, *binary.right];
                let call = ScalarFunction { func: Arc::new(concat(self.budget)), args };
                Ok(Transformed::yes(Expr::ScalarFunction(call)))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}

/// Refuses types that give every value a size of the caller's choice: `arrow_cast(x, 'FixedSizeBinary(2000000000)')`.
fn fixed_size(call: &ScalarFunction) -> Result<()> {
    if !matches!(call.func.name(), "arrow_cast" | "arrow_try_cast") {
        return Ok(());
    }
    let fixed = match call.args.get(1) {
        Some(Expr::Literal(value, _)) => value.try_as_str().flatten().is_some_and(|name| name.contains("FixedSize")),
        _ => false,
    };
    if !fixed {
        return Ok(());
    }
    Err(DataFusionError::External(Box::new(Error::new(
        ErrorKind::Invalid,
        text!(
            "`arrow_cast` does not make values of a fixed size here",
            "`arrow_cast` ne produit pas de valeurs de taille fixe ici"
        ),
    ))))
}
