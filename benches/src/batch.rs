//! A log as Arrow record batches: the 21 columns of `logstore_standard_log`, Int64 and Utf8.

use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::error::ArrowError;

use crate::csv::HEADER;
use crate::hit::Hit;

/// The text columns; all others are Int64.
const TEXTS: [&str; 9] = ["eventname", "component", "action", "target", "objecttable", "crud", "other", "origin", "ip"];

/// The columns that Moodle allows to be NULL.
const NULLABLE: [&str; 8] =
    ["objecttable", "objectid", "courseid", "relateduserid", "other", "origin", "ip", "realuserid"];

/// The schema of the batches.
pub fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let field = |name: &str| {
            let kind = if TEXTS.contains(&name) { DataType::Utf8 } else { DataType::Int64 };
            Field::new(name, kind, NULLABLE.contains(&name))
        };
        Arc::new(Schema::new(HEADER.split(',').map(field).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// The rows in batches of `rows`; the last one may be shorter.
pub fn batches(
    mut hits: impl Iterator<Item = Hit>,
    rows: usize,
) -> impl Iterator<Item = Result<RecordBatch, ArrowError>> {
    std::iter::from_fn(move || {
        let mut columns = Columns::default();
        hits.by_ref().take(rows).for_each(|hit| columns.push(&hit));
        (columns.rows > 0).then(|| columns.finish())
    })
}

/// The builders, in the order of the columns within each type.
#[derive(Default)]
struct Columns {
    rows: usize,
    ints: [Int64Builder; 12],
    texts: [StringBuilder; 9],
    text: String,
}

impl Columns {
    fn push(&mut self, hit: &Hit) {
        self.rows += 1;
        let event = hit.event;
        let ints = [
            Some(hit.id as i64),
            hit.objectid.map(i64::from),
            Some(event.level),
            Some(i64::from(hit.contextid)),
            Some(event.scope.level()),
            Some(i64::from(hit.instanceid)),
            Some(i64::from(hit.userid)),
            Some(i64::from(hit.courseid)),
            hit.relateduserid.map(i64::from),
            Some(0),
            Some(hit.time),
            hit.realuserid.map(i64::from),
        ];
        self.ints.iter_mut().zip(ints).for_each(|(column, value)| column.append_option(value));
        self.text.clear();
        hit.other.write(hit.userid, hit.serialized, &mut self.text);
        let other = self.text.len();
        if let Some(ip) = hit.ip {
            let _ = write!(self.text, "{ip}");
        }
        let (other, ip) = self.text.split_at(other);
        let texts = [
            Some(event.name),
            Some(event.component),
            Some(event.action),
            Some(event.target),
            Some(event.table).filter(|table| !table.is_empty()),
            Some(event.crud),
            Some(other),
            Some(hit.origin.name()),
            hit.ip.map(|_| ip),
        ];
        self.texts.iter_mut().zip(texts).for_each(|(column, value)| column.append_option(value));
    }

    fn finish(mut self) -> Result<RecordBatch, ArrowError> {
        let schema = schema();
        let (mut ints, mut texts) = (self.ints.iter_mut(), self.texts.iter_mut());
        let columns = schema.fields().iter().filter_map(|field| -> Option<ArrayRef> {
            match field.data_type() {
                DataType::Int64 => Some(Arc::new(ints.next()?.finish())),
                _ => Some(Arc::new(texts.next()?.finish())),
            }
        });
        RecordBatch::try_new(Arc::clone(&schema), columns.collect())
    }
}
