//! [`GapAggregate`]: what all gap functions have in common, towards DataFusion.

use std::fmt::Debug;
use std::hash::Hash;
use std::marker::PhantomData;
use std::mem::size_of_val;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::function::{AccumulatorArgs, AggregateFunctionSimplification, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, Documentation, Expr, GroupsAccumulator, Signature,
    Volatility, udaf_default_display_name, udaf_default_human_display, udaf_default_schema_name,
};

use super::args;
use super::groups::{GapGroups, hit_times};
use super::state::{self, States};
use crate::error::Result;
use crate::time::{GapPolicy, Runs};

/// What one function makes of the sessions of its groups.
pub(super) trait GapAnswer: Debug + Default + Clone + PartialEq + Eq + Hash + Send + Sync + 'static {
    /// Name in SQL.
    const NAME: &'static str;

    /// Type of the result, which is never NULL.
    fn data_type() -> DataType;

    /// The result of each group, whose sessions are tidied.
    fn answer(policy: &GapPolicy, groups: &[Runs]) -> DfResult<ArrayRef>;

    /// The manual's entry.
    fn documentation() -> &'static Documentation;
}

/// A gap function of SQL: `f(timecreated [, threshold [, boundary [, credit [, minimum]]]])`.
///
/// Planning checks the policy's arguments and puts them away in `policy`, so that no batch carries them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GapAggregate<A> {
    signature: Signature,
    /// The policy of the call; `None` as long as it is still in the arguments.
    policy: Option<GapPolicy>,
    answer: PhantomData<A>,
}

impl<A> Default for GapAggregate<A> {
    fn default() -> Self {
        let mut signature = Signature::user_defined(Volatility::Immutable);
        signature.parameter_names = Some(args::names());
        Self { signature, policy: None, answer: PhantomData }
    }
}

impl<A: GapAnswer> GapAggregate<A> {
    /// The policy of a call that is about to run.
    fn policy_of(&self, call: &AccumulatorArgs<'_>) -> DfResult<GapPolicy> {
        if call.is_distinct {
            return Err(args::external(args::no_distinct(A::NAME)));
        }
        if let Some(policy) = self.policy {
            return Ok(policy);
        }
        let empty = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let mut values = Vec::new();
        for (position, expression) in call.exprs.iter().enumerate().skip(1) {
            match expression.evaluate(&empty) {
                Ok(ColumnarValue::Scalar(value)) => values.push(value),
                _ => {
                    let error = args::not_constant(A::NAME, position, &expression.to_string());
                    return Err(args::external(error));
                }
            }
        }
        args::policy(A::NAME, &values).map_err(args::external)
    }

    /// The arguments as names and plans show them once the policy is put away.
    fn shown(&self, name: String) -> String {
        match self.policy {
            Some(policy) if policy != GapPolicy::default() => format!("{name} with ({policy})"),
            _ => name,
        }
    }
}

impl<A: GapAnswer> AggregateUDFImpl for GapAggregate<A> {
    fn name(&self) -> &str {
        A::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> DfResult<Vec<DataType>> {
        Ok(args::coerced(arg_types))
    }

    fn return_type(&self, arg_types: &[DataType]) -> DfResult<DataType> {
        args::check_types(A::NAME, arg_types).map_err(args::external)?;
        Ok(A::data_type())
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> DfResult<ScalarValue> {
        let policy = self.policy.unwrap_or_default();
        ScalarValue::try_from_array(&A::answer(&policy, &[Runs::default()])?, 0)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> DfResult<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, "sessions"), state::state_type(), false))])
    }

    fn accumulator(&self, acc_args: AccumulatorArgs<'_>) -> DfResult<Box<dyn Accumulator>> {
        let policy = self.policy_of(&acc_args)?;
        Ok(Box::new(GapAccumulator::<A> { policy, runs: Runs::default(), answer: PhantomData }))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        // A refused DISTINCT goes the other way, where the error is told.
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> DfResult<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(GapGroups::<A>::new(self.policy_of(&args)?)))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn simplify(&self) -> Option<AggregateFunctionSimplification> {
        if self.policy.is_some() {
            return None;
        }
        Some(Box::new(|call, _| fix_policy::<A>(call).map_err(args::external)))
    }

    fn schema_name(&self, params: &AggregateFunctionParams) -> DfResult<String> {
        udaf_default_schema_name(self, params).map(|name| self.shown(name))
    }

    fn human_display(&self, params: &AggregateFunctionParams) -> DfResult<String> {
        udaf_default_human_display(self, params).map(|name| self.shown(name))
    }

    fn display_name(&self, params: &AggregateFunctionParams) -> DfResult<String> {
        udaf_default_display_name(self, params).map(|name| self.shown(name))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(A::documentation())
    }
}

/// Moves the policy of a call from its arguments into its function. A call with unbound placeholders stays.
fn fix_policy<A: GapAnswer>(mut call: AggregateFunction) -> Result<Expr> {
    if call.params.distinct {
        return Err(args::no_distinct(A::NAME));
    }
    let mut values = Vec::new();
    for (position, argument) in call.params.args.iter().enumerate().skip(1) {
        match argument {
            Expr::Literal(value, _) => values.push(value.clone()),
            other if other.exists(|part| Ok(matches!(part, Expr::Placeholder(_)))).unwrap_or(false) => {
                return Ok(Expr::AggregateFunction(call));
            }
            other => return Err(args::not_constant(A::NAME, position, &other.to_string())),
        }
    }
    let policy = args::policy(A::NAME, &values)?;
    call.params.args.truncate(1);
    call.func = Arc::new(AggregateUDF::from(GapAggregate::<A> { policy: Some(policy), ..GapAggregate::default() }));
    Ok(Expr::AggregateFunction(call))
}

/// One group, or one window: the sessions so far. It can be asked again and again while hits arrive.
#[derive(Debug)]
struct GapAccumulator<A> {
    policy: GapPolicy,
    runs: Runs,
    answer: PhantomData<A>,
}

impl<A: GapAnswer> Accumulator for GapAccumulator<A> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> DfResult<()> {
        let (times, rule) = (hit_times(values)?, self.policy.rule());
        match times.nulls() {
            None => self.runs.fold(rule, times.values()),
            Some(nulls) => nulls.valid_slices().for_each(|(from, to)| self.runs.fold(rule, &times.values()[from..to])),
        }
        Ok(())
    }

    fn evaluate(&mut self) -> DfResult<ScalarValue> {
        self.runs.tidy(self.policy.rule());
        ScalarValue::try_from_array(&A::answer(&self.policy, std::slice::from_ref(&self.runs))?, 0)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.runs.heap_size()
    }

    fn state(&mut self) -> DfResult<Vec<ScalarValue>> {
        self.runs.tidy(self.policy.rule());
        Ok(vec![ScalarValue::try_from_array(&state::write(std::slice::from_ref(&self.runs))?, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> DfResult<()> {
        let (states, rule) = (States::try_new(states)?, self.policy.rule());
        (0..states.len()).for_each(|row| states.merge_into(row, rule, &mut self.runs));
        Ok(())
    }
}
