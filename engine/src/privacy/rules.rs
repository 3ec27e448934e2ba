//! What happens to each column of a table.

use arrow::datatypes::{DataType, Field, Schema};

use super::names::{self, Shape};
use super::pseudonyms::Domain;
use crate::model::{self, Mark, MarkValue, Personal};

/// What happens to one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) treatment: Treatment,
    /// The rows in which it happens; `None` for all.
    pub(super) only: Option<Decider>,
}

/// What stands in the place of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Treatment {
    /// The value itself.
    Keep,
    /// Another number.
    Number(Domain),
    /// A text made of the pseudonym of the number in this column.
    Handle { user: usize },
    /// The value, when it is a figure.
    Measure,
    /// Nothing: NULL, or the empty value of the type where the column is never NULL.
    Drop,
}

/// Rows in which a column has this value, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Decider {
    pub(super) column: usize,
    pub(super) value: MarkValue,
}

impl Rule {
    pub(super) const KEEP: Self = Self { treatment: Treatment::Keep, only: None };

    /// Whether some value is replaced.
    pub(super) fn replaces(&self) -> bool {
        self.treatment != Treatment::Keep
    }
}

/// The rules of a table with these columns.
pub(super) fn of_table(table: &str, schema: &Schema) -> Vec<Rule> {
    let known = model::table(table);
    let shape = Shape::of(table, schema);
    let judged = schema.fields().iter().map(|field| {
        let declared = known.and_then(|known| known.column(field.name()));
        declared
            .map(|column| (column.personal, column.personal_where))
            .unwrap_or_else(|| names::judge(shape, schema, field.name(), field.data_type()))
    });
    let owner = if known.is_none() && shape.has_owner { "userid" } else { "id" };
    let judged: Vec<_> = judged.collect();
    let user = index_of(schema, owner).filter(|at| matches!(judged.get(*at), Some((Personal::UserId, None))));
    of_columns(schema, &judged, user)
}

/// The rules of columns of which is known what they are. `user` has the numbers from which handles are made.
pub(super) fn of_columns(schema: &Schema, personal: &[(Personal, Option<Mark>)], user: Option<usize>) -> Vec<Rule> {
    let user = user.filter(|at| is_int(schema.field(*at)));
    let rule = |(field, (personal, mark)): (_, &(Personal, Option<Mark>))| {
        let only = mark.and_then(|mark| decider(schema, mark));
        Rule { treatment: treatment(field, *personal, user), only }
    };
    schema.fields().iter().map(AsRef::as_ref).zip(personal).map(rule).collect()
}

fn treatment(field: &Field, personal: Personal, user: Option<usize>) -> Treatment {
    match (personal, user) {
        (Personal::No, _) => Treatment::Keep,
        (Personal::UserId, _) if is_int(field) => Treatment::Number(Domain::Users),
        (Personal::ContextId, _) if is_int(field) => Treatment::Number(Domain::Contexts),
        (Personal::Handle, Some(user)) if is_text(field) => Treatment::Handle { user },
        (Personal::Measure, _) if is_text(field) => Treatment::Measure,
        // A number among floating point numbers or texts is no number that we could replace.
        _ => Treatment::Drop,
    }
}

/// Where the deciding column is; `None` when the table has none of that name and type, so that all rows count.
fn decider(schema: &Schema, mark: Mark) -> Option<Decider> {
    let column = index_of(schema, mark.column)?;
    let fits = match mark.value {
        MarkValue::Int(_) => is_int(schema.field(column)),
        MarkValue::Text(_) => is_text(schema.field(column)),
    };
    fits.then_some(Decider { column, value: mark.value })
}

fn index_of(schema: &Schema, name: &str) -> Option<usize> {
    schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name))
}

fn is_int(field: &Field) -> bool {
    *field.data_type() == DataType::Int64
}

fn is_text(field: &Field) -> bool {
    matches!(field.data_type(), DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}
