//! Failures of planning: what was misspelt, and what was probably meant.

use std::ops::ControlFlow;

use datafusion::common::{Column, SchemaError, TableReference};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, TableFactor, Visit, Visitor};

use crate::error::Error;
use crate::fault::nearest;
use crate::query::columns::{FunctionKind, TableInfo};
use crate::query::session::{function_names, table_names};
use crate::{ErrorKind, Text, text};

/// Most valid names that a message lists when none is near.
const LISTED: usize = 12;

/// Tells a failure of planning in our words: unknown table, function or column, else DataFusion's.
///
/// Tables and functions are looked up by the names in the statement; DataFusion's errors do not tell them apart.
pub(super) fn explain(source: DataFusionError, statement: &Statement, state: &SessionState) -> Error {
    match source.find_root() {
        DataFusionError::SchemaError(schema, _) => match column(schema) {
            Some(error) => error,
            None => Error::from(source),
        },
        DataFusionError::Plan(_) | DataFusionError::Execution(_) => {
            table(statement, state).or_else(|| function(statement, state)).unwrap_or_else(|| Error::from(source))
        }
        _ => Error::from(source),
    }
}

/// The failure of a table that does not exist.
pub(super) fn no_table(name: &str, state: &SessionState) -> Error {
    let tables = table_names(state);
    let default = &state.config_options().catalog.default_schema;
    let names: Vec<String> = tables.iter().flat_map(|table| spellings(table, default)).collect();
    let hint = did_you_mean(name, names.iter().map(String::as_str), Text { en: String::new(), fr: String::new() });
    let Text { en, fr } = hint;
    Error::new(ErrorKind::NotFound, text!("no table `{name}`{en}", "aucune table `{name}`{fr}"))
}

/// How SQL can write a table: with its schema, and without it in the default schema.
fn spellings(table: &TableInfo, default: &str) -> Vec<String> {
    let full = format!("{}.{}", table.schema, table.name);
    if table.schema == default { vec![table.name.clone(), full] } else { vec![full] }
}

/// The first table of the statement that the catalog does not have.
fn table(statement: &Statement, state: &SessionState) -> Option<Error> {
    let references = state.resolve_table_references(statement).ok()?;
    let called = Calls::of(statement).tables;
    references
        .into_iter()
        .find(|reference| !exists(reference, state) && !called.contains(&reference.to_string()))
        .map(|reference| no_table(&reference.to_string(), state))
}

fn exists(reference: &TableReference, state: &SessionState) -> bool {
    if reference.schema() == Some("information_schema") {
        return true;
    }
    state.schema_for_ref(reference.clone()).is_ok_and(|schema| schema.table_exist(reference.table()))
}

/// The first function of the statement that the session does not have.
fn function(statement: &Statement, state: &SessionState) -> Option<Error> {
    let functions = function_names(state);
    let calls = Calls::of(statement);
    let unknown = |names: &[String], in_from: bool| {
        let known = |name: &str| {
            functions.iter().any(|function| function.name == name && (function.kind == FunctionKind::Table) == in_from)
        };
        names.iter().find(|name| !known(name)).cloned()
    };
    let (name, in_from) = match unknown(&calls.functions, false) {
        Some(name) => (name, false),
        None => (unknown(&calls.tables, true)?, true),
    };
    let candidates = functions
        .iter()
        .filter(|function| (function.kind == FunctionKind::Table) == in_from)
        .map(|function| function.name.as_str());
    let Text { en, fr } = did_you_mean(&name, candidates, Text { en: String::new(), fr: String::new() });
    Some(Error::new(
        ErrorKind::Invalid,
        if in_from {
            text!("no table function `{name}`{en}", "aucune fonction de table `{name}`{fr}")
        } else {
            text!("no function `{name}`{en}", "aucune fonction `{name}`{fr}")
        },
    ))
}

/// Names that a statement calls as functions, in lower case.
struct Calls {
    functions: Vec<String>,
    tables: Vec<String>,
}

impl Calls {
    fn of(statement: &Statement) -> Self {
        let mut calls = Self { functions: Vec::new(), tables: Vec::new() };
        calls.collect(statement);
        calls
    }

    fn collect(&mut self, statement: &Statement) {
        match statement {
            Statement::Statement(statement) => {
                let _ = statement.visit(self);
            }
            Statement::Explain(explain) => self.collect(&explain.statement),
            Statement::CreateExternalTable(_) | Statement::CopyTo(_) | Statement::Reset(_) => {}
        }
    }
}

impl Visitor for Calls {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if let Expr::Function(function) = expr
            && let Some(name) = called(&function.name)
            && name != "unnest"
        {
            self.functions.push(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        let name = match factor {
            TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } => called(name),
            _ => None,
        };
        self.tables.extend(name.filter(|name| name != "unnest"));
        ControlFlow::Continue(())
    }
}

fn called(name: &ObjectName) -> Option<String> {
    name.0.last().and_then(|part| part.as_ident()).map(|ident| ident.value.to_lowercase())
}

/// An unknown column, or one that two tables have.
fn column(source: &SchemaError) -> Option<Error> {
    match source {
        SchemaError::FieldNotFound { field, valid_fields } => Some(no_column(field, valid_fields)),
        SchemaError::AmbiguousReference { field } => {
            let name = &field.name;
            Some(Error::new(
                ErrorKind::Invalid,
                text!(
                    "column `{name}` is in more than one table: write it as `table.{name}`",
                    "la colonne `{name}` est dans plusieurs tables : écrivez `table.{name}`"
                ),
            ))
        }
        SchemaError::DuplicateQualifiedField { .. } | SchemaError::DuplicateUnqualifiedField { .. } => None,
    }
}

fn no_column(field: &Column, valid: &[Column]) -> Error {
    let name = match &field.relation {
        Some(relation) => format!("{}.{}", relation.table(), field.name),
        None => field.name.clone(),
    };
    let mut names: Vec<&str> = Vec::new();
    for column in valid {
        if !names.contains(&column.name.as_str()) {
            names.push(&column.name);
        }
    }
    let Text { en, fr } = did_you_mean(&field.name, names.iter().copied(), listed(&names));
    Error::new(ErrorKind::Invalid, text!("no column `{name}`{en}", "aucune colonne `{name}`{fr}"))
}

/// The names themselves, when they are few.
fn listed(names: &[&str]) -> Text {
    if names.is_empty() || names.len() > LISTED {
        return Text { en: String::new(), fr: String::new() };
    }
    let list = names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    text!("; there are {list}", " ; il y a {list}")
}

/// The nearest name as a question, or `otherwise`.
fn did_you_mean<'a>(name: &str, candidates: impl Iterator<Item = &'a str>, otherwise: Text) -> Text {
    match nearest(name, candidates) {
        Some(near) => text!("; did you mean `{near}`?", " ; vouliez-vous dire `{near}` ?"),
        None => otherwise,
    }
}
