//! Parameters in the arguments of table functions, which DataFusion plans before it binds anything.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::common::{ParamValues, ScalarValue};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, TableFactor, Value, VisitMut, VisitorMut, visit_expressions_mut};

/// Puts the values of parameters into the arguments of table functions: as values in the parsed statement, never as
/// text. Answers the names of all parameters there (with `$`); those without a value stay.
pub(super) fn bind(statement: &mut Statement, params: Option<&ParamValues>) -> BTreeSet<String> {
    let mut binder = Binder { params, names: BTreeSet::new() };
    binder.statement(statement);
    binder.names
}

/// [`bind`] for a statement of our own, all of whose parameters have values.
pub(crate) fn bind_all(statement: &mut Statement, params: &ParamValues) {
    bind(statement, Some(params));
}

struct Binder<'a> {
    params: Option<&'a ParamValues>,
    names: BTreeSet<String>,
}

impl Binder<'_> {
    fn statement(&mut self, statement: &mut Statement) {
        match statement {
            Statement::Statement(statement) => {
                let _ = statement.visit(self);
            }
            Statement::Explain(explain) => self.statement(&mut explain.statement),
            Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
        }
    }

    fn expression(&mut self, expr: &mut Expr) {
        let Expr::Value(value) = expr else { return };
        let Value::Placeholder(name) = &value.value else { return };
        let name = name.clone();
        let known = self.params.and_then(|params| params.get_placeholders_with_values(&name).ok());
        if let Some(bound) = known.and_then(|known| literal(&known.value)) {
            value.value = bound;
        }
        self.names.insert(name);
    }
}

impl VisitorMut for Binder<'_> {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Table { args: Some(arguments), .. } = factor {
            let _ = visit_expressions_mut(&mut arguments.args, |expr| {
                self.expression(expr);
                ControlFlow::<()>::Continue(())
            });
        }
        ControlFlow::Continue(())
    }
}

/// A value as the parser would have read it; `None` for types that no argument has.
fn literal(value: &ScalarValue) -> Option<Value> {
    if value.is_null() {
        return Some(Value::Null);
    }
    let kind = value.data_type();
    if kind.is_integer() || kind.is_floating() {
        return Some(Value::Number(value.to_string(), false));
    }
    match value {
        ScalarValue::Boolean(Some(flag)) => Some(Value::Boolean(*flag)),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            Some(Value::SingleQuotedString(text.clone()))
        }
        value if value.data_type().is_temporal() => {
            use arrow::datatypes::{DataType, TimeUnit};
            let seconds = value.cast_to(&DataType::Timestamp(TimeUnit::Second, None)).ok()?;
            let seconds = seconds.cast_to(&DataType::Int64).ok()?;
            Some(Value::Number(seconds.to_string(), false))
        }
        _ => None,
    }
}
