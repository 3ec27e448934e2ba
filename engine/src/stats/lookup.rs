//! What the log alone does not tell: rows of small tables, and addresses, asked in SQL.

use arrow::array::{ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use futures::TryStreamExt;

use super::source::Stats;
use crate::error::Result;

/// Number of values that one statement names.
const CHUNK: usize = 500;

impl Stats {
    /// Whether the site has a table.
    pub(super) fn has_table(&self, name: &str) -> bool {
        self.snapshot().manifest().table(self.site(), name).is_some()
    }

    /// The rows of `sql` for all of the values, of which it takes some at a time as the list `{}`.
    pub(super) async fn rows_of(&self, sql: &str, values: &[ScalarValue]) -> Result<Vec<RecordBatch>> {
        self.rows_with(sql, None, values).await
    }

    /// [`Self::rows_of`] with one more value, which `sql` names as `$1`.
    pub(super) async fn rows_with(
        &self,
        sql: &str,
        first: Option<ScalarValue>,
        values: &[ScalarValue],
    ) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for chunk in values.chunks(CHUNK) {
            let bound: Vec<ScalarValue> = first.iter().chain(chunk).cloned().collect();
            let names: Vec<String> =
                (bound.len() - chunk.len() + 1..=bound.len()).map(|number| format!("${number}")).collect();
            let sql = sql.replace("{}", &names.join(", "));
            let stream = self.session().query_with(&sql, ParamValues::from(bound)).await?;
            batches.extend(stream.try_collect::<Vec<_>>().await?);
        }
        Ok(batches)
    }
}

/// Integers as parameters.
pub(super) fn numbers(ids: impl IntoIterator<Item = i64>) -> Vec<ScalarValue> {
    ids.into_iter().map(|id| ScalarValue::Int64(Some(id))).collect()
}

/// The texts of a column.
pub(super) fn texts(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    let cast = |column: &ArrayRef| arrow::compute::cast(column, &DataType::Utf8).ok();
    match batch.column_by_name(name).and_then(cast) {
        Some(column) => column.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect(),
        None => vec![None; batch.num_rows()],
    }
}

/// The numbers of a column.
pub(super) fn floats(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    let cast = |column: &ArrayRef| arrow::compute::cast(column, &DataType::Float64).ok();
    match batch.column_by_name(name).and_then(cast) {
        Some(column) => column.as_primitive::<arrow::datatypes::Float64Type>().iter().collect(),
        None => vec![None; batch.num_rows()],
    }
}

/// The integers of a column, 0 for NULL.
pub(super) fn ints(batch: &RecordBatch, name: &str) -> Vec<i64> {
    let column = super::dims::ints(batch, name);
    (0..column.len()).map(|row| super::dims::value(&column, row)).collect()
}
