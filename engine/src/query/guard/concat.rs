//! The operator `||` on texts as a function that is measured.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{BinaryExpr, Column};

use super::args::Args;
use super::rule::Rule;
use crate::query::limits::Budget;

/// The function that stands for `||`.
pub(super) fn concat(budget: Budget) -> ScalarUDF {
    ScalarUDF::from(Concat { signature: Signature::any(2, Volatility::Immutable), budget })
}

/// `left || right` of two texts of one type: NULL when either is, unlike the function `concat`.
#[derive(Debug)]
struct Concat {
    signature: Signature,
    budget: Budget,
}

impl PartialEq for Concat {
    fn eq(&self, other: &Self) -> bool {
        self.budget == other.budget
    }
}

impl Eq for Concat {}

impl Hash for Concat {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.budget.hash(state);
    }
}

impl Concat {
    fn check(&self, args: &Args, rows: usize, weight: usize) -> Result<()> {
        let mut bytes = 0_usize;
        for row in 0..rows {
            let cost = Rule::Texts.measure(args, row)?;
            cost.check("||", &self.budget).map_err(|error| DataFusionError::External(Box::new(error)))?;
            bytes = bytes.saturating_add(cost.bytes.saturating_mul(weight));
        }
        if bytes > self.budget.max_batch {
            return Err(DataFusionError::External(Box::new(self.budget.batch_too_wide("||", bytes))));
        }
        Ok(())
    }
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &str {
        "||"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        match args {
            [left, right] => Ok(format!("{} || {}", left.schema_name(), right.schema_name())),
            _ => internal_err!("`||` takes two arguments"),
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [left, right] => BinaryTypeCoercer::new(left, &Operator::StringConcat, right).get_result_type(),
            _ => plan_err!("`||` takes two arguments"),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let types: Vec<DataType> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let read = Args::new(&args.args)?;
        let constant = read.all_constant();
        let (rows, weight) = if constant { (1, args.number_rows.max(1)) } else { (args.number_rows, 1) };
        self.check(&read, rows, weight)?;
        // DataFusion's own operator does the work, on a batch of the two arguments.
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let fields: Vec<Field> = columns
            .iter()
            .zip(["left", "right"])
            .map(|(column, name)| Field::new(name, column.data_type().clone(), true))
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let column = |name: &str, place| -> Arc<dyn PhysicalExpr> { Arc::new(Column::new(name, place)) };
        let operator = BinaryExpr::new(column("left", 0), Operator::StringConcat, column("right", 1));
        let result = operator.evaluate(&batch)?;
        if constant {
            let result = result.into_array(rows)?;
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(result)
    }
}
