//! The activity log out of a Parquet file.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Int64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::chunk::ChunkBuilder;
use super::clustered::ClusteredLoad;
use super::detect::{LOG_COLUMNS, invalid, no_rows, read_all};
use super::input::Input;
use super::value::MAX_TIME;
use crate::error::Result;
use crate::model::{Kind, TableSpec};
use crate::store::cast_exactly;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 128 << 10;

/// Reads the whole file; answers the number of rows.
pub(super) fn read(input: &Input, spec: &'static TableSpec, target: &ClusteredLoad, first_chunk: u64) -> Result<u64> {
    let name = &input.name;
    let damaged = || crate::text!("the Parquet file is damaged", "le fichier Parquet est endommagé");
    let reader = ParquetRecordBatchReaderBuilder::try_new(read_all(input)?)
        .map_err(|error| invalid(name, damaged()).because(error))?;
    for column in LOG_COLUMNS {
        if reader.schema().index_of(column).is_err() {
            return Err(invalid(name, crate::text!("no column `{column}`", "pas de colonne `{column}`")));
        }
    }
    let mut rows = 0;
    let mut builder = ChunkBuilder::new(spec);
    let reader = reader.with_batch_size(CHUNK_ROWS).build().map_err(|error| invalid(name, damaged()).because(error))?;
    for (number, batch) in (first_chunk..).zip(reader) {
        let batch = batch.map_err(|error| invalid(name, damaged()).because(error))?;
        rows += batch.num_rows() as u64;
        for (index, column) in spec.columns.iter().enumerate() {
            let array = match (batch.column_by_name(column.name), column.kind) {
                (Some(array), Kind::Int) => exactly(name, column.name, array, &DataType::Int64)?,
                (Some(array), _) => exactly(name, column.name, array, &DataType::Utf8)?,
                (None, Kind::Int) => arrow::array::new_null_array(&DataType::Int64, batch.num_rows()),
                (None, _) => arrow::array::new_null_array(&DataType::Utf8, batch.num_rows()),
            };
            check(name, column.name, &array)?;
            for row in 0..array.len() {
                let valid = array.is_valid(row);
                if column.kind == Kind::Int {
                    let value = valid.then(|| array.as_primitive::<Int64Type>().value(row));
                    builder.int(index, value.or(if column.nullable { None } else { Some(0) }));
                } else {
                    let value = valid.then(|| array.as_string::<i32>().value(row).as_bytes());
                    builder.text(index, value.or(if column.nullable { None } else { Some(b"") }));
                }
            }
        }
        (0..batch.num_rows()).for_each(|_| builder.end_row());
        target.add(number, builder.finish(spec)?)?;
    }
    if rows == 0 { Err(no_rows(name)) } else { Ok(rows) }
}

fn exactly(name: &str, column: &str, array: &ArrayRef, kind: &DataType) -> Result<ArrayRef> {
    cast_exactly(array, kind).map_err(|error| {
        let found = array.data_type();
        invalid(
            name,
            crate::text!(
                "column `{column}` has the type {found} and a value that the log cannot hold",
                "la colonne `{column}` a le type {found} et une valeur que le journal ne peut contenir"
            ),
        )
        .because(error)
    })
}

/// A Parquet file has types, so a bad value is a fault of the file and not of one row: it is refused whole.
fn check(name: &str, column: &str, array: &ArrayRef) -> Result<()> {
    if LOG_COLUMNS.contains(&column) && array.null_count() > 0 {
        let missing = array.null_count();
        return Err(invalid(
            name,
            crate::text!(
                "column `{column}` has no value in {missing} rows; the log needs one in every row",
                "la colonne `{column}` n'a pas de valeur dans {missing} lignes ; le journal en exige une partout"
            ),
        ));
    }
    let times = (column == "timecreated").then(|| array.as_primitive::<Int64Type>().values());
    match times.into_iter().flatten().find(|time| !(0..=MAX_TIME).contains(*time)) {
        Some(time) => Err(invalid(
            name,
            crate::text!(
                "column `timecreated` has the impossible time {time}; times are Unix seconds",
                "la colonne `timecreated` a la date impossible {time} ; les dates sont en secondes Unix"
            ),
        )),
        None => Ok(()),
    }
}
