//! [`Dims`]: what the fold must know besides the log: activities, their types and sections, and enrolments.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use foldhash::fast::FixedState;
use hashbrown::HashMap;

use crate::error::Result;
use crate::store::{Snapshot, Store};
use crate::time::{ModuleId, Place};

/// Level of the contexts of activities.
const MODULE_LEVEL: i64 = 70;

/// An activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Its course.
    pub course: i64,
    /// Its type.
    pub module: ModuleId,
    /// Its section, 0 included; `None` when its row is gone.
    pub section: Option<i64>,
    /// Row in the table of the type.
    pub instance: i64,
}

/// Activities and enrolments of one site in one snapshot.
#[derive(Debug, Clone, Default)]
pub struct Dims {
    /// Names of the types of activities; the first has the number [`ModuleId::FIRST_TYPE`].
    pub types: Vec<String>,
    /// Activities by course-module id.
    pub activities: HashMap<i64, Activity, FixedState>,
    /// Course-module ids by context id; `None` when the site has no table of contexts.
    pub contexts: Option<HashMap<i64, i64, FixedState>>,
    /// The type of all activities of a site that has no table of course modules: they are known by their numbers alone.
    pub unknown: Option<ModuleId>,
    /// Starts of the active enrolments of each user, in any order.
    pub enrolments: HashMap<i64, Vec<i64>, FixedState>,
}

impl Dims {
    /// Reads the tables `modules`, `course_modules`, `context`, `enrol` and `user_enrolments` as far as they exist.
    pub(crate) async fn load(store: &Arc<Store>, snapshot: &Arc<Snapshot>, site: &str) -> Result<Self> {
        let mut dims = Self::default();
        let mut types: HashMap<i64, ModuleId, FixedState> = HashMap::default();
        for batch in table(store, snapshot, site, "modules").await?.iter().flatten() {
            let names = texts(batch, "name");
            for (row, id) in ints(batch, "id").iter().enumerate() {
                let module = number(dims.types.len());
                types.insert(id.unwrap_or(0), module);
                dims.types.push(names.get(row).cloned().unwrap_or_default());
            }
        }
        match table(store, snapshot, site, "course_modules").await? {
            Some(batches) => batches.iter().for_each(|batch| dims.add_activities(batch, &types)),
            None => {
                dims.unknown = Some(number(dims.types.len()));
                dims.types.push("activity".to_owned());
            }
        }
        if let Some(batches) = table(store, snapshot, site, "context").await? {
            dims.contexts = Some(batches.iter().flat_map(contexts).collect());
        }
        for batch in table(store, snapshot, site, "user_enrolments").await?.iter().flatten() {
            dims.add_enrolments(batch);
        }
        Ok(dims)
    }

    fn add_activities(&mut self, batch: &RecordBatch, types: &HashMap<i64, ModuleId, FixedState>) {
        let column = |name| ints(batch, name);
        let (id, course, module) = (column("id"), column("course"), column("module"));
        let (instance, section) = (column("instance"), column("section"));
        for row in 0..batch.num_rows() {
            let activity = Activity {
                course: value(&course, row),
                module: types.get(&value(&module, row)).copied().unwrap_or(ModuleId::DELETED),
                section: Some(value(&section, row)),
                instance: value(&instance, row),
            };
            self.activities.insert(value(&id, row), activity);
        }
    }

    fn add_enrolments(&mut self, batch: &RecordBatch) {
        let column = |name| ints(batch, name);
        let (user, status, start) = (column("userid"), column("status"), column("timestart"));
        for row in 0..batch.num_rows() {
            if value(&status, row) == 0 {
                self.enrolments.entry(value(&user, row)).or_default().push(value(&start, row));
            }
        }
    }

    /// The latest start of an active enrolment of the user before `to`, in any course.
    pub fn enrolled_since(&self, user: i64, to: i64) -> Option<i64> {
        self.enrolments.get(&user)?.iter().copied().filter(|start| *start < to).max()
    }

    /// The name of a module.
    pub fn module_name(&self, module: ModuleId) -> &str {
        let number = usize::from(module.0);
        match ModuleId::PSEUDO.get(number) {
            Some(name) => name,
            None => self.types.get(number - ModuleId::PSEUDO.len()).map_or("", String::as_str),
        }
    }

    /// The section of an activity.
    pub fn section(&self, cm: i64) -> Option<i64> {
        self.activities.get(&cm).and_then(|activity| activity.section)
    }

    /// Where a hit on an activity happened. An activity without row is deleted; with `keep_orphans` its id stays when
    /// its context is still there, as in block_use_stats.
    pub fn place(&self, contextid: i64, instance: i64, keep_orphans: bool) -> Place {
        let deleted = Place { module: ModuleId::DELETED, cm: 0 };
        let cm = match &self.contexts {
            Some(contexts) => match contexts.get(&contextid) {
                Some(cm) => *cm,
                None => return deleted,
            },
            None => instance,
        };
        if let Some(module) = self.unknown {
            return Place { module, cm };
        }
        match self.activities.get(&cm) {
            Some(activity) => Place { module: activity.module, cm },
            None if keep_orphans && self.contexts.is_some() => Place { module: ModuleId::DELETED, cm },
            None => deleted,
        }
    }
}

/// Number of the type at a position of the names.
fn number(position: usize) -> ModuleId {
    ModuleId(u16::try_from(position).unwrap_or(u16::MAX).saturating_add(ModuleId::FIRST_TYPE))
}

/// Pairs of context and course module.
fn contexts(batch: &RecordBatch) -> Vec<(i64, i64)> {
    let (id, level, instance) = (ints(batch, "id"), ints(batch, "contextlevel"), ints(batch, "instanceid"));
    let of_modules = (0..batch.num_rows()).filter(|row| value(&level, *row) == MODULE_LEVEL);
    of_modules.map(|row| (value(&id, row), value(&instance, row))).collect()
}

/// All rows of a table; `None` when the site does not have it.
async fn table(
    store: &Arc<Store>,
    snapshot: &Arc<Snapshot>,
    site: &str,
    name: &str,
) -> Result<Option<Vec<RecordBatch>>> {
    match snapshot.manifest().table(site, name) {
        Some(table) => store.read_table(table).await.map(Some),
        None => Ok(None),
    }
}

/// A column as integers; empty when there is none.
pub(super) fn ints(batch: &RecordBatch, name: &str) -> Int64Array {
    let cast = |column: &ArrayRef| arrow::compute::cast(column, &DataType::Int64).ok();
    let column = batch.column_by_name(name).and_then(cast);
    column.map_or_else(|| Int64Array::new_null(batch.num_rows()), |column| column.as_primitive::<Int64Type>().clone())
}

/// A column as texts; empty when there is none.
fn texts(batch: &RecordBatch, name: &str) -> Vec<String> {
    let cast = |column: &ArrayRef| arrow::compute::cast(column, &DataType::Utf8).ok();
    let Some(column) = batch.column_by_name(name).and_then(cast) else { return Vec::new() };
    column.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect()
}

/// A value, 0 for NULL.
pub(super) fn value(column: &Int64Array, row: usize) -> i64 {
    if column.is_valid(row) { column.value(row) } else { 0 }
}
