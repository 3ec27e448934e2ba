//! Long constants: they are fine once, not once per row of a batch.
//!
//! The optimizer computes `repeat('x', 1000000)` once, and the plan holds a constant. A projection then writes it
//! into every row. A constant that is too long for that is replaced by a function without arguments that knows the
//! constant and refuses to be spread over too many rows.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Result, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::query::limits::Budget;

/// The last rule of the optimizer: constants are computed.
#[derive(Debug)]
pub(super) struct HoldConstants {
    pub(super) budget: Budget,
}

impl OptimizerRule for HoldConstants {
    fn name(&self) -> &str {
        "hold_constants"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        // Each row of VALUES is written out anyway.
        if matches!(plan, LogicalPlan::Values(_)) {
            return Ok(Transformed::no(plan));
        }
        let names = NamePreserver::new(&plan);
        plan.map_expressions(|expr| {
            let name = names.save(&expr);
            let held = match self.hold(expr) {
                held if held.transformed => held,
                held => held.data.transform_down(|part| self.hold_parts(part))?,
            };
            Ok(held.update_data(|expr| name.restore(expr)))
        })
    }
}

impl HoldConstants {
    /// Replaces an expression that is itself a long constant.
    fn hold(&self, expr: Expr) -> Transformed<Expr> {
        match expr {
            Expr::Literal(value, metadata) => match value.size() > self.budget.max_row() {
                true => {
                    let held = Held { value, budget: self.budget, signature: Signature::nullary(Volatility::Volatile) };
                    let func = Arc::new(ScalarUDF::from(held));
                    Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: Vec::new() }))
                }
                false => Transformed::no(Expr::Literal(value, metadata)),
            },
            other => Transformed::no(other),
        }
    }

    /// Replaces long constants directly below an expression, unless it reads constants without spreading them.
    fn hold_parts(&self, expr: Expr) -> Result<Transformed<Expr>> {
        match &expr {
            Expr::AggregateFunction(call) => {
                for value in call.params.args.iter().filter_map(literal) {
                    if value.size() > self.budget.max_row() {
                        let error = self.budget.batch_too_wide(call.func.name(), value.size());
                        return Err(DataFusionError::External(Box::new(error)));
                    }
                }
                Ok(Transformed::no(expr))
            }
            expr_ if reads_constants(expr_) => Ok(Transformed::no(expr)),
            _ => expr.map_children(|child| Ok(self.hold(child))),
        }
    }
}

fn literal(expr: &Expr) -> Option<&ScalarValue> {
    match expr {
        Expr::Literal(value, _) => Some(value),
        _ => None,
    }
}

/// Comparisons, patterns and membership take a constant as it is.
fn reads_constants(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => binary.op != Operator::StringConcat,
        Expr::Like(_) | Expr::SimilarTo(_) | Expr::InList(_) => true,
        Expr::ScalarFunction(call) => call.func.name() == "array_has",
        _ => false,
    }
}

/// A function without arguments that answers a constant.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Held {
    value: ScalarValue,
    budget: Budget,
    signature: Signature,
}

impl ScalarUDFImpl for Held {
    fn name(&self) -> &str {
        "constant"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(self.value.data_type())
    }

    fn return_field_from_args(&self, _args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), self.value.data_type(), self.value.is_null())))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let bytes = self.value.size().saturating_mul(args.number_rows);
        if bytes > self.budget.max_batch {
            return Err(DataFusionError::External(Box::new(self.budget.batch_too_wide("constant", bytes))));
        }
        Ok(ColumnarValue::Scalar(self.value.clone()))
    }
}
