//! Reading whole data files outside of queries.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use bytes::Bytes;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::prelude::{SessionConfig, SessionContext, col, lit};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::manifest::{DataFile, Table};
use super::scan::STORE_URL;
use super::scan::arrow_schema;
use super::{COMMIT, Snapshot, Store, TableScan};
use crate::error::Result;

impl Store {
    /// A context for the store's own reading: in order, on one thread.
    pub(super) fn context(&self) -> Result<SessionContext> {
        let context =
            SessionContext::new_with_config(SessionConfig::new().with_target_partitions(1).with_batch_size(16 << 10));
        context.register_object_store(ObjectStoreUrl::parse(STORE_URL)?.as_ref(), Arc::clone(self.objects()));
        Ok(context)
    }

    /// The ids of a table from `first` to `last`. Files are pruned by their statistics, and of the others only the
    /// column `id` is read. `None` when the snapshot does not have
    /// the table.
    pub(crate) async fn ids(
        self: &Arc<Self>,
        snapshot: &Arc<Snapshot>,
        site: &str,
        table: &str,
        (first, last): (i64, i64),
    ) -> Result<Option<SendableRecordBatchStream>> {
        let context = self.context()?;
        let Some(scan) = TableScan::try_new(self, snapshot, site, table, false) else {
            return Ok(None);
        };
        let ids = context.read_table(Arc::new(scan))?.filter(col("id").between(lit(first), lit(last)))?;
        Ok(Some(ids.select_columns(&["id"])?.execute_stream().await?))
    }
}

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

/// A cast that fails where a value does not fit; the plain one would make it null.
pub(crate) fn cast_exactly(
    column: &ArrayRef,
    kind: &DataType,
) -> std::result::Result<ArrayRef, arrow::error::ArrowError> {
    cast_with_options(column, kind, &CastOptions { safe: false, ..CastOptions::default() })
}

/// The columns of a schema out of a batch, by name and cast; missing ones are null.
pub(crate) fn aligned(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let column = |field: &Arc<Field>| -> Result<ArrayRef> {
        match batch.column_by_name(field.name()) {
            Some(column) => Ok(cast_exactly(column, field.data_type())?),
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
