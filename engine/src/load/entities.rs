//! Users and courses that events name by text: each name gets a number, and a row in its table.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use tokio::runtime::Handle;

use crate::error::{Error, Result};
use crate::model;
use crate::store::{Column, NewFile, Snapshot, Store, TableChange, TableNeed, WriteTarget};

/// Number of Moodle's own user (the guest account) and course (the site course); names are numbered above it.
const RESERVED: i64 = 1;

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Entity {
    /// Table `user`, by `username`, without regard to case.
    User,
    /// Table `course`, by `shortname`.
    Course,
}

impl Entity {
    const ALL: [Self; 2] = [Self::User, Self::Course];

    fn table(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Course => "course",
        }
    }

    fn name_column(self) -> &'static str {
        match self {
            Self::User => "username",
            Self::Course => "shortname",
        }
    }

    fn fold(self, name: &str) -> String {
        match self {
            Self::User => name.trim().to_lowercase(),
            Self::Course => name.trim().to_owned(),
        }
    }
}

/// Names and their numbers: those of the store, and the new ones of this load.
#[derive(Default)]
pub(super) struct Entities {
    known: HashMap<(Entity, String), i64>,
    new: HashMap<Entity, Vec<(i64, String)>>,
    last: HashMap<Entity, i64>,
    prepared: bool,
}

impl Entities {
    /// Reads the names of the store, once.
    pub(super) fn prepare(
        &mut self,
        store: &Arc<Store>,
        snapshot: &Arc<Snapshot>,
        site: &str,
        handle: &Handle,
    ) -> Result<()> {
        if std::mem::replace(&mut self.prepared, true) {
            return Ok(());
        }
        for entity in Entity::ALL {
            let table = snapshot.manifest().table(site, entity.table());
            self.last.insert(entity, table.map_or(0, |table| table.last_id).max(RESERVED));
            let Some(table) = table else { continue };
            for batch in handle.block_on(store.read_table(table))? {
                let ids = batch.column_by_name("id").map(|ids| ids.as_primitive::<Int64Type>().clone());
                let names = batch.column_by_name(entity.name_column()).map(|names| names.as_string_view().clone());
                let (Some(ids), Some(names)) = (ids, names) else { continue };
                for (id, name) in ids.values().iter().zip(names.iter()) {
                    if let Some(name) = name {
                        self.known.entry((entity, entity.fold(name))).or_insert(*id);
                    }
                }
            }
        }
        Ok(())
    }

    /// The number of a name; a new name gets the next number.
    pub(super) fn number(&mut self, entity: Entity, name: &str) -> i64 {
        let key = (entity, entity.fold(name));
        if let Some(number) = self.known.get(&key) {
            return *number;
        }
        let last = self.last.entry(entity).or_insert(RESERVED);
        *last += 1;
        self.known.insert(key, *last);
        self.new.entry(entity).or_default().push((*last, name.trim().to_owned()));
        *last
    }

    /// Rows of the new names. Call it from a blocking thread.
    pub(super) fn changes(&self, store: &Arc<Store>, site: &str, handle: &Handle) -> Result<Vec<TableChange>> {
        let with_rows = Entity::ALL.into_iter().filter_map(|entity| self.new.get(&entity).map(|rows| (entity, rows)));
        with_rows.map(|(entity, rows)| change(entity, rows, store, site, handle)).collect()
    }
}

fn change(
    entity: Entity,
    rows: &[(i64, String)],
    store: &Arc<Store>,
    site: &str,
    handle: &Handle,
) -> Result<TableChange> {
    let spec = model::table(entity.table()).ok_or_else(|| Error::bug("a table of entities has no schema"))?;
    let ids: ArrayRef = Arc::new(rows.iter().map(|(id, _)| *id).collect::<Int64Array>());
    let names: ArrayRef = Arc::new(rows.iter().map(|(_, name)| Some(name)).collect::<StringArray>());
    let fields = vec![Field::new("id", DataType::Int64, false), Field::new(entity.name_column(), DataType::Utf8, true)];
    let schema = Arc::new(Schema::new(fields));
    let mut writer = WriteTarget::new(handle, store.location(), site, entity.table(), false).open(&schema)?;
    writer.write(&RecordBatch::try_new(schema, vec![ids, names])?)?;
    let column = |column: &model::ColumnSpec| Column {
        name: column.name.to_owned(),
        kind: column.kind.into(),
        nullable: !spec.key.contains(&column.name),
    };
    Ok(TableChange {
        site: site.to_owned(),
        table: entity.table().to_owned(),
        columns: spec.columns.iter().map(column).collect(),
        key: spec.key.iter().map(|column| (*column).to_owned()).collect(),
        clustered: false,
        add: vec![NewFile { file: writer.finish()?, keeps_commits: false }],
        remove: BTreeSet::new(),
        last_id: rows.iter().map(|(id, _)| *id).max().unwrap_or(0),
        need: TableNeed::Unchanged,
    })
}
