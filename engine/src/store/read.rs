//! Reading whole data files outside of queries.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::COMMIT;
use super::manifest::{DataFile, Table};
use super::scan::arrow_schema;
use crate::error::Result;

/// The rows of a file in the table's types, with the column `_commit` behind.
pub(crate) fn batches(table: &Table, file: &DataFile, bytes: Bytes) -> Result<Vec<RecordBatch>> {
    let visible = arrow_schema(table);
    let fields = visible.fields().iter().cloned().chain([Arc::new(Field::new(COMMIT, DataType::Int64, true))]);
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)?.with_batch_size(64 << 10).build()?;
    reader.map(|batch| with_commit(&batch?, file, &schema)).collect()
}

fn with_commit(batch: &RecordBatch, file: &DataFile, schema: &SchemaRef) -> Result<RecordBatch> {
    let Some(commit) = file.commit else { return aligned(batch, schema) };
    let commits: ArrayRef =
        Arc::new(Int64Array::from(vec![i64::try_from(commit).unwrap_or(i64::MAX); batch.num_rows()]));
    let mut columns = aligned(batch, schema)?.columns().to_vec();
    if let Some(last) = columns.last_mut() {
        *last = commits;
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// The columns of a schema out of a batch, by name and cast; missing ones are null.
pub(crate) fn aligned(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        match batch.column_by_name(field.name()) {
            Some(column) => Ok(cast(column, field.data_type())?),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>>>()?;
    // Nullability of the target may be stricter than a file that lacks the column; it describes tables, not files.
    let fields = schema.fields().iter().zip(&columns).map(|(field, column)| {
        let nullable = field.is_nullable() || column.null_count() > 0;
        Field::new(field.name(), field.data_type().clone(), nullable)
    });
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns)?)
}
