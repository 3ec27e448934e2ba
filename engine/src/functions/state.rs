//! The state that travels between the phases of an aggregation: the sessions of each group, before the minimum.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, ListArray, StructArray};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Int64Type};
use datafusion::common::Result as DfResult;

use super::args::external;
use crate::error::{Error, ErrorKind};
use crate::time::{GapRule, Runs, Session};

/// Non-null Int64 fields of these names.
pub(super) fn int_fields(names: &[&str]) -> Fields {
    names.iter().map(|name| Field::new(*name, DataType::Int64, false)).collect()
}

/// A list of structs with these fields. Items are declared nullable, as DataFusion's own lists are.
pub(super) fn list_of(fields: Fields) -> DataType {
    DataType::List(item(fields))
}

/// Type of the state.
pub(super) fn state_type() -> DataType {
    list_of(int_fields(&["start", "end", "events"]))
}

/// One list per group; `ends` holds, per group, the number of items up to and including its own.
pub(super) fn list_array(ends: &[usize], fields: Fields, columns: Vec<Vec<i64>>) -> DfResult<ArrayRef> {
    let mut offsets = Vec::with_capacity(ends.len() + 1);
    offsets.push(0_i32);
    for end in ends {
        offsets.push(i32::try_from(*end).map_err(|_| external(too_many()))?);
    }
    let columns = columns.into_iter().map(|column| Arc::new(Int64Array::from(column)) as ArrayRef).collect();
    let items = StructArray::try_new(fields.clone(), columns, None)?;
    let offsets = OffsetBuffer::new(ScalarBuffer::from(offsets));
    Ok(Arc::new(ListArray::try_new(item(fields), offsets, Arc::new(items), None)?))
}

/// The state of each group.
pub(super) fn write(groups: &[Runs]) -> DfResult<ArrayRef> {
    let sessions = groups.iter().map(Runs::len).sum();
    let mut ends = Vec::with_capacity(groups.len());
    let [mut start, mut end, mut events] = [(); 3].map(|()| Vec::with_capacity(sessions));
    for group in groups {
        for run in group.iter() {
            start.push(run.start);
            end.push(run.end);
            events.push(count(run.events));
        }
        ends.push(start.len());
    }
    list_array(&ends, int_fields(&["start", "end", "events"]), vec![start, end, events])
}

/// The state of rows that are groups of their own: one session of one hit, or none where the row is not valid.
pub(super) fn write_rows(times: &[i64], valid: Option<&NullBuffer>) -> DfResult<ArrayRef> {
    let is_valid = |row: usize| valid.is_none_or(|valid| valid.is_valid(row));
    let mut ends = Vec::with_capacity(times.len());
    let mut hits = Vec::with_capacity(times.len());
    for (row, time) in times.iter().enumerate() {
        if is_valid(row) {
            hits.push(*time);
        }
        ends.push(hits.len());
    }
    let ones = vec![1; hits.len()];
    list_array(&ends, int_fields(&["start", "end", "events"]), vec![hits.clone(), hits, ones])
}

/// States as they arrive for merging.
pub(super) struct States<'a> {
    lists: &'a ListArray,
    start: &'a Int64Array,
    end: &'a Int64Array,
    events: &'a Int64Array,
}

impl<'a> States<'a> {
    /// Opens the array that [`write()`] or [`write_rows`] made.
    pub(super) fn try_new(states: &'a [ArrayRef]) -> DfResult<Self> {
        let opened = || {
            let lists = states.first()?.as_list_opt::<i32>()?;
            let items = lists.values().as_struct_opt()?;
            let [start, end, events] = items.columns() else { return None };
            Some(Self {
                lists,
                start: start.as_primitive_opt::<Int64Type>()?,
                end: end.as_primitive_opt::<Int64Type>()?,
                events: events.as_primitive_opt::<Int64Type>()?,
            })
        };
        opened().ok_or_else(|| external(Error::bug("a state that is no list of sessions")))
    }

    /// Number of states.
    pub(super) fn len(&self) -> usize {
        self.lists.len()
    }

    /// Adds the sessions of one state to a group.
    pub(super) fn merge_into(&self, row: usize, rule: GapRule, group: &mut Runs) {
        if self.lists.is_null(row) {
            return;
        }
        let offsets = self.lists.value_offsets();
        let index = |offset: i32| usize::try_from(offset).unwrap_or(0);
        for item in index(offsets[row])..index(offsets[row + 1]) {
            let events = u64::try_from(self.events.value(item)).unwrap_or(0);
            group.add(rule, Session { start: self.start.value(item), end: self.end.value(item), events });
        }
    }
}

/// A number of hits or sessions as SQL shows it.
pub(super) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn item(fields: Fields) -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(fields), true))
}

fn too_many() -> Error {
    let most = i32::MAX;
    Error::new(
        ErrorKind::Limit,
        crate::text!(
            "more than {most} sessions in one batch of groups: use a longer threshold or fewer groups at a time",
            "plus de {most} sessions dans un même lot de groupes : prenez un seuil plus long ou moins de groupes à la fois"
        ),
    )
}
