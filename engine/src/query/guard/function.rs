//! A function that is measured before it is called.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{ExprSchema, Result, ScalarValue};
use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::args::Args;
use super::rule::{Cost, Rule};
use crate::error::Error;
use crate::query::limits::Budget;

/// The guarded form of a function; `None` when it needs none or has one.
pub(super) fn guarded(function: &Arc<ScalarUDF>, budget: Budget) -> Option<ScalarUDF> {
    let inner: &dyn std::any::Any = function.inner().as_ref();
    if inner.is::<Guarded>() {
        return None;
    }
    let rule = Rule::of(function.name())?;
    Some(ScalarUDF::from(Guarded { inner: Arc::clone(function), rule, budget }))
}

/// A function, its measure and its budget.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Guarded {
    inner: Arc<ScalarUDF>,
    rule: Rule,
    budget: Budget,
}

impl Guarded {
    /// Measures all rows and cuts them into calls that each stay within the budget of a batch.
    fn plan(&self, args: &Args, rows: usize, weight: usize) -> Result<Vec<Range<usize>>, Error> {
        let rough = self.rule.is_rough();
        let mut calls = Vec::new();
        let (mut start, mut bytes) = (0, 0_usize);
        for row in 0..rows {
            let cost = self.rule.measure(args, row).map_err(Error::from)?;
            if !rough {
                cost.check(self.name(), &self.budget)?;
            }
            let cost = cost.bytes.saturating_mul(weight);
            bytes = bytes.saturating_add(cost);
            if bytes > self.budget.max_batch {
                if !rough || cost > self.budget.max_batch {
                    return Err(self.budget.batch_too_wide(self.name(), bytes));
                }
                calls.push(start..row);
                (start, bytes) = (row, cost);
            }
        }
        calls.push(start..rows);
        Ok(calls)
    }

    /// Makes the calls one after the other and looks at what they made.
    fn call_in_parts(&self, args: &ScalarFunctionArgs, calls: Vec<Range<usize>>) -> Result<ColumnarValue> {
        let mut parts = Vec::with_capacity(calls.len());
        let mut bytes = 0_usize;
        for call in calls {
            let part = ScalarFunctionArgs {
                args: args.args.iter().map(|arg| slice(arg, &call)).collect(),
                arg_fields: args.arg_fields.clone(),
                number_rows: call.len(),
                return_field: Arc::clone(&args.return_field),
                config_options: Arc::clone(&args.config_options),
            };
            let result = self.inner.invoke_with_args(part)?.into_array(call.len())?;
            bytes = bytes.saturating_add(self.made(&ColumnarValue::Array(Arc::clone(&result)), 1)?);
            if bytes > self.budget.max_batch {
                return Err(external(self.budget.batch_too_wide(self.name(), bytes)));
            }
            parts.push(result);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(arrow::compute::concat(&parts)?))
    }

    /// Bytes that a call made; a row beyond the limits is refused.
    fn made(&self, result: &ColumnarValue, weight: usize) -> Result<usize> {
        let result = Args::new(std::slice::from_ref(result))?;
        let Some(values) = result.get(0) else {
            return Ok(0);
        };
        let text = values.text(0).is_some() || values.data_type().is_string();
        let mut bytes = 0_usize;
        let rows = if result.all_constant() { 1 } else { values.at(0).0.len() };
        for row in 0..rows {
            let made = values.bytes(row);
            let cost = Cost { text: if text { made } else { 0 }, items: values.items(row), bytes: made };
            cost.check(self.name(), &self.budget).map_err(external)?;
            bytes = bytes.saturating_add(made.saturating_mul(weight));
        }
        Ok(bytes)
    }
}

/// The rows of an argument that a call takes.
fn slice(arg: &ColumnarValue, rows: &Range<usize>) -> ColumnarValue {
    match arg {
        ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(rows.start, rows.len())),
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
    }
}

fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl ScalarUDFImpl for Guarded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::from(Self { inner, rule: self.rule, budget: self.budget }))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    #[expect(deprecated, reason = "the wrapped function may still answer here")]
    fn is_nullable(&self, args: &[Expr], schema: &dyn ExprSchema) -> bool {
        self.inner.inner().is_nullable(args, schema)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let read = Args::new(&args.args)?;
        // A constant result is made once but may be spread over all rows.
        let constant = read.all_constant() && !args.args.is_empty();
        let (rows, weight) = if constant { (1, args.number_rows.max(1)) } else { (args.number_rows, 1) };
        let calls = self.plan(&read, rows, weight).map_err(external)?;
        if calls.len() > 1 {
            return self.call_in_parts(&args, calls);
        }
        let result = self.inner.invoke_with_args(args)?;
        if self.rule.is_rough() {
            let bytes = self.made(&result, weight)?;
            if bytes > self.budget.max_batch {
                return Err(external(self.budget.batch_too_wide(self.name(), bytes)));
            }
        }
        Ok(result)
    }

    // Simplification stays at the default, which changes nothing: the function's own could answer with an expression
    // that holds functions without a guard.

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(inputs)
    }

    fn propagate_constraints(&self, interval: &Interval, inputs: &[&Interval]) -> Result<Option<Vec<Interval>>> {
        self.inner.propagate_constraints(interval, inputs)
    }

    fn struct_field_mapping(
        &self,
        literal_args: &[Option<ScalarValue>],
    ) -> Option<datafusion::logical_expr::StructFieldMapping> {
        self.inner.inner().struct_field_mapping(literal_args)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.preserves_lex_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
