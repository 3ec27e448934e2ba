//! Rows as they are stored become rows that may be shown.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray,
    new_null_array,
};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::error::Result;

use super::measure::is_measure;
use super::pseudonyms::{Domain, Memo, Pseudonyms, handle};
use super::rules::{Decider, Rule, Treatment};
use crate::model::{MarkValue, bare_name};

/// How the columns of an answer are made from what is read.
#[derive(Debug)]
pub(super) struct Recipe {
    /// Columns of the table that are read.
    pub(super) read: Vec<usize>,
    /// What is answered.
    pub(super) schema: SchemaRef,
    outputs: Vec<Output>,
}

#[derive(Debug)]
struct Output {
    treatment: Treatment,
    /// Where the values are among the columns that are read; `None` when none is needed.
    source: Option<usize>,
    /// Where the deciding values are.
    only: Option<Decider>,
}

impl Recipe {
    /// The recipe for some columns of a table. What is left out is not read.
    pub(super) fn try_new(schema: &Schema, rules: &[Rule], wanted: &[usize]) -> Result<Self> {
        let mut read = Vec::new();
        let mut place = |column: usize| {
            read.iter().position(|known| *known == column).unwrap_or_else(|| {
                read.push(column);
                read.len() - 1
            })
        };
        let outputs = wanted.iter().map(|column| {
            let rule = rules.get(*column).unwrap_or(&Rule::KEEP);
            let source = match (rule.treatment, rule.only) {
                (Treatment::Handle { user }, _) => Some(place(user)),
                (Treatment::Drop, None) => None,
                _ => Some(place(*column)),
            };
            let only = rule.only.map(|only| Decider { column: place(only.column), ..only });
            Output { treatment: rule.treatment, source, only }
        });
        let outputs = outputs.collect();
        Ok(Self { read, schema: Arc::new(schema.project(wanted)?), outputs })
    }

    /// Columns of the answer that are as they are stored, with their places among those that are read.
    pub(super) fn kept(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let kept = self.outputs.iter().enumerate().filter(|(_, output)| output.treatment == Treatment::Keep);
        kept.filter_map(|(at, output)| output.source.map(|source| (at, source)))
    }

    /// Names of the columns of the answer that are replaced.
    pub(super) fn replaced(&self) -> impl Iterator<Item = &str> + '_ {
        let pairs = self.schema.fields().iter().zip(&self.outputs);
        pairs.filter(|(_, output)| output.treatment != Treatment::Keep).map(|(field, _)| field.name().as_str())
    }
}

/// Follows a recipe, batch after batch.
#[derive(Debug)]
pub(super) struct Replacer {
    recipe: Arc<Recipe>,
    users: Memo,
    contexts: Memo,
}

impl Replacer {
    pub(super) fn new(recipe: &Arc<Recipe>, pseudonyms: &Arc<Pseudonyms>) -> Self {
        let memo = |domain| Memo::new(pseudonyms, domain);
        Self { recipe: Arc::clone(recipe), users: memo(Domain::Users), contexts: memo(Domain::Contexts) }
    }

    /// The rows of a batch, to be shown.
    pub(super) fn apply(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let recipe = Arc::clone(&self.recipe);
        let columns = recipe.schema.fields().iter().zip(&recipe.outputs);
        let columns = columns.map(|(field, output)| self.column(field, output, batch)).collect::<Result<Vec<_>>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::clone(&recipe.schema), columns, &options)?)
    }

    fn column(&mut self, field: &Field, output: &Output, batch: &RecordBatch) -> Result<ArrayRef> {
        let Some(source) = output.source.map(|at| batch.column(at)) else {
            return blank(field, batch.num_rows());
        };
        if output.treatment == Treatment::Keep {
            return Ok(Arc::clone(source));
        }
        let persons = output.only.map(|only| persons(batch.column(only.column), only.value)).transpose()?;
        if persons.as_ref().is_some_and(|persons| persons.true_count() == 0) {
            return Ok(Arc::clone(source));
        }
        let replaced = match output.treatment {
            Treatment::Number(domain) => self.numbers(field, domain, source)?,
            Treatment::Handle { .. } => self.handles(field, source)?,
            Treatment::Measure => measures(field, source)?,
            Treatment::Drop | Treatment::Keep => blank(field, source.len())?,
        };
        match persons {
            Some(persons) => Ok(zip(&persons, &replaced, source)?),
            None => Ok(replaced),
        }
    }

    /// Numbers without a pseudonym become NULL, or nobody's 0 where a column is never NULL.
    fn numbers(&mut self, field: &Field, domain: Domain, source: &ArrayRef) -> Result<ArrayRef> {
        let memo = match domain {
            Domain::Users => &mut self.users,
            Domain::Contexts => &mut self.contexts,
        };
        let absent = (!field.is_nullable()).then_some(0);
        let ids = cast(source, &DataType::Int64)?;
        let numbers = ids.as_primitive::<Int64Type>().iter();
        let numbers: Int64Array = numbers.map(|id| id.and_then(|id| memo.number(id)).or(absent)).collect();
        Ok(Arc::new(numbers))
    }

    fn handles(&mut self, field: &Field, users: &ArrayRef) -> Result<ArrayRef> {
        let users = cast(users, &DataType::Int64)?;
        let texts = users.as_primitive::<Int64Type>().iter();
        let texts = texts.map(|id| handle(id.and_then(|id| self.users.number(id))));
        texts_of(field, texts)
    }
}

/// Rows that are about a person: the deciding value is the one of persons, or missing.
fn persons(decider: &ArrayRef, value: MarkValue) -> Result<BooleanArray> {
    Ok(match value {
        MarkValue::Int(value) => {
            let values = cast(decider, &DataType::Int64)?;
            let values = values.as_primitive::<Int64Type>().iter();
            values.map(|found| Some(found.is_none_or(|found| found == value))).collect()
        }
        MarkValue::Text(value) => {
            let values = cast(decider, &DataType::Utf8View)?;
            let is_person =
                |found: &str| found.trim().is_empty() || bare_name(found.trim()).eq_ignore_ascii_case(value);
            values.as_string_view().iter().map(|found| Some(found.is_none_or(is_person))).collect()
        }
    })
}

fn measures(field: &Field, source: &ArrayRef) -> Result<ArrayRef> {
    let values = cast(source, &DataType::Utf8View)?;
    let values = values.as_string_view();
    texts_of(field, values.iter().map(|value| value.filter(|value| is_measure(value))))
}

/// Texts as a column of this type; missing ones are the empty text where the column is never NULL.
fn texts_of<T: AsRef<str>>(field: &Field, texts: impl Iterator<Item = Option<T>>) -> Result<ArrayRef> {
    let absent = (!field.is_nullable()).then_some("");
    let mut builder = arrow::array::StringViewBuilder::new();
    texts.for_each(|text| builder.append_option(text.as_ref().map(AsRef::as_ref).or(absent)));
    let texts: StringViewArray = builder.finish();
    Ok(cast(&texts, field.data_type())?)
}

/// A column without values.
fn blank(field: &Field, rows: usize) -> Result<ArrayRef> {
    if field.is_nullable() {
        return Ok(new_null_array(field.data_type(), rows));
    }
    ScalarValue::new_default(field.data_type())?.to_array_of_size(rows)
}
