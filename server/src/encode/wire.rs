//! Schemas as documents can hold them: names that differ, times with a zone, no types that a format lacks.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    ArrowTimestampType, DataType, Field, Fields, Schema, SchemaRef, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use engine::{Error, ErrorKind, Result, text};

/// Zone of times that name none.
const UTC: &str = "+00:00";

/// Whom the batches are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    /// Text formats: times get a zone, keys of maps become text.
    Text,
    /// Parquet: intervals become text.
    Parquet,
    /// Arrow: every type as it is.
    Arrow,
}

/// Rewrites batches of one schema for a medium.
#[derive(Debug)]
pub(super) struct Wire {
    schema: SchemaRef,
}

impl Wire {
    /// Plans the rewriting.
    pub(super) fn try_new(schema: &Schema, medium: Medium) -> Result<Self> {
        let mut taken: HashSet<String> = HashSet::new();
        let mut fields = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let data_type = rewrite(field.data_type(), medium, field.name())?;
            let name = free_name(field.name(), schema, &taken);
            taken.insert(name.clone());
            // Metadata may name the old type (Arrow extension types), so it does not go out.
            fields.push(Field::new(name, data_type, field.is_nullable()));
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)) })
    }

    /// The rewritten schema.
    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Rewrites a batch; columns that need nothing are shared.
    pub(super) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        if batch.num_columns() != self.schema.fields().len() {
            return Err(Error::bug("a batch does not have the columns of its stream"));
        }
        // Values that the target cannot hold become null: only times out of every calendar do.
        let options = CastOptions { safe: true, ..CastOptions::default() };
        let pairs = batch.columns().iter().zip(self.schema.fields());
        let columns = pairs
            .map(|(column, field)| match column.data_type() == field.data_type() {
                true => Ok(Arc::clone(column)),
                false => in_utc(column, field.data_type())
                    .map_or_else(|| Ok(cast_with_options(column, field.data_type(), &options)?), Ok),
            })
            .collect::<Result<Vec<ArrayRef>>>()?;
        // A cast can make nulls in a column that had none, and a source may have promised too much.
        let fields: Fields = self
            .schema
            .fields()
            .iter()
            .zip(&columns)
            .map(|(field, column)| match column.null_count() > 0 && !field.is_nullable() {
                true => Arc::new(field.as_ref().clone().with_nullable(true)),
                false => Arc::clone(field),
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?)
    }
}

/// The times of a column without a zone as times in UTC: the same counts. Arrow's cast would look each one up.
///
/// `None` when the change is another.
fn in_utc(column: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    fn of<T: ArrowTimestampType>(column: &ArrayRef) -> ArrayRef {
        Arc::new(column.as_primitive::<T>().clone().with_timezone(UTC))
    }
    match (column.data_type(), wanted) {
        (DataType::Timestamp(unit, None), DataType::Timestamp(_, Some(_))) => Some(match unit {
            TimeUnit::Second => of::<TimestampSecondType>(column),
            TimeUnit::Millisecond => of::<TimestampMillisecondType>(column),
            TimeUnit::Microsecond => of::<TimestampMicrosecondType>(column),
            TimeUnit::Nanosecond => of::<TimestampNanosecondType>(column),
        }),
        _ => None,
    }
}

/// The name itself, or the name with the first number that makes it unique.
fn free_name(name: &str, schema: &Schema, taken: &HashSet<String>) -> String {
    if !taken.contains(name) {
        return name.to_owned();
    }
    let mut number = 2u64;
    loop {
        let candidate = format!("{name}_{number}");
        let other = schema.fields().iter().any(|field| *field.name() == candidate);
        if !other && !taken.contains(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

fn rewrite(data_type: &DataType, medium: Medium, column: &str) -> Result<DataType> {
    let inner = |field: &Arc<Field>| -> Result<Arc<Field>> {
        let data_type = rewrite(field.data_type(), medium, column)?;
        Ok(match data_type == *field.data_type() {
            true => Arc::clone(field),
            false => Arc::new(field.as_ref().clone().with_data_type(data_type)),
        })
    };
    Ok(match (data_type, medium) {
        (DataType::Union(..), Medium::Text | Medium::Parquet) => {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "column `{column}` holds values of several types, which this format cannot hold; cast it in the query",
                    "la colonne `{column}` contient des valeurs de plusieurs types, impossibles dans ce format ; convertissez-la dans la requête"
                ),
            ));
        }
        (DataType::Timestamp(unit, None), Medium::Text) => DataType::Timestamp(*unit, Some(UTC.into())),
        (DataType::Date64, Medium::Text) => DataType::Date32,
        (DataType::Interval(_), Medium::Parquet) => DataType::Utf8,
        (DataType::List(field), _) => DataType::List(inner(field)?),
        (DataType::LargeList(field), _) => DataType::LargeList(inner(field)?),
        // Views of lists are an encoding of memory; readers of documents know lists.
        (DataType::ListView(field), Medium::Text | Medium::Parquet) => DataType::List(inner(field)?),
        (DataType::LargeListView(field), Medium::Text | Medium::Parquet) => DataType::LargeList(inner(field)?),
        (DataType::FixedSizeList(field, size), _) => DataType::FixedSizeList(inner(field)?, *size),
        (DataType::Struct(fields), _) => DataType::Struct(fields.iter().map(inner).collect::<Result<_>>()?),
        (DataType::Map(entries, sorted), _) => DataType::Map(map_entries(entries, medium, column)?, *sorted),
        (DataType::Dictionary(_, values), Medium::Text) => rewrite(values, medium, column)?,
        (DataType::RunEndEncoded(_, values), Medium::Text) => rewrite(values.data_type(), medium, column)?,
        (other, _) => other.clone(),
    })
}

/// JSON knows keys that are text and no others, so all text formats get such keys.
fn map_entries(entries: &Arc<Field>, medium: Medium, column: &str) -> Result<Arc<Field>> {
    let DataType::Struct(fields) = entries.data_type() else {
        return Err(Error::bug("the entries of a map are no structs"));
    };
    let rewritten = fields
        .iter()
        .enumerate()
        .map(|(idx, field)| {
            let data_type = match (idx, medium) {
                (0, Medium::Text) => DataType::Utf8,
                _ => rewrite(field.data_type(), medium, column)?,
            };
            Ok(Arc::new(field.as_ref().clone().with_data_type(data_type)))
        })
        .collect::<Result<Fields>>()?;
    Ok(Arc::new(entries.as_ref().clone().with_data_type(DataType::Struct(rewritten))))
}
