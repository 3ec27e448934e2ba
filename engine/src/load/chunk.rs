//! Rows of the activity log while they are parsed: plain vectors per column, texts interned, sorted chunk by chunk.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use foldhash::fast::FixedState;
use hashbrown::HashTable;
use roaring::RoaringTreemap;

use crate::error::{Error, Result};
use crate::model::{Kind, TableSpec};

/// Key of a missing text.
const NULL_KEY: u32 = u32::MAX;

/// Columns of the rows of one chunk.
pub(super) struct ChunkBuilder {
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

/// The values of one column.
enum ColumnBuilder {
    Int(IntBuilder),
    Text(Interner),
}

#[derive(Default)]
struct IntBuilder {
    values: Vec<i64>,
    /// Empty until the first null; then one flag per row.
    valid: Vec<bool>,
}

impl IntBuilder {
    fn push(&mut self, value: Option<i64>) {
        if value.is_none() && self.valid.is_empty() {
            self.valid = vec![true; self.values.len()];
        }
        if value.is_none() || !self.valid.is_empty() {
            self.valid.push(value.is_some());
        }
        self.values.push(value.unwrap_or(0));
    }

    fn truncate(&mut self, rows: usize) {
        self.values.truncate(rows);
        self.valid.truncate(rows);
    }
}

impl ChunkBuilder {
    pub(super) fn new(spec: &TableSpec) -> Self {
        let column = |column: &crate::model::ColumnSpec| match column.kind {
            Kind::Int => ColumnBuilder::Int(IntBuilder::default()),
            _ => ColumnBuilder::Text(Interner::new()),
        };
        Self { columns: spec.columns.iter().map(column).collect(), rows: 0 }
    }

    /// Rows finished so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Puts an integer into the row under construction.
    pub(super) fn int(&mut self, column: usize, value: Option<i64>) {
        if let ColumnBuilder::Int(builder) = &mut self.columns[column] {
            builder.push(value);
        }
    }

    /// Puts a text into the row under construction.
    pub(super) fn text(&mut self, column: usize, value: Option<&[u8]>) {
        if let ColumnBuilder::Text(interner) = &mut self.columns[column] {
            interner.push(value);
        }
    }

    /// Ends the row: every column has got its value.
    pub(super) fn end_row(&mut self) {
        self.rows += 1;
    }

    /// Forgets the row under construction.
    pub(super) fn drop_row(&mut self) {
        for column in &mut self.columns {
            match column {
                ColumnBuilder::Int(builder) => builder.truncate(self.rows),
                ColumnBuilder::Text(interner) => interner.keys.truncate(self.rows),
            }
        }
    }

    /// Sorts by (userid, timecreated, id), leaves out rows whose id stands twice, and empties the builder.
    pub(super) fn finish(&mut self, spec: &TableSpec) -> Result<Chunk> {
        let column = |name: &str| {
            spec.columns
                .iter()
                .position(|column| column.name == name)
                .ok_or_else(|| Error::bug(format!("no column {name}")))
        };
        let [id, user, time] = [column("id")?, column("userid")?, column("timecreated")?];
        let (order, ids, repeated) = self.order([user, time, id])?;
        let order = UInt32Array::from(order);
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut dictionaries = Vec::with_capacity(self.columns.len());
        for builder in &mut self.columns {
            let (array, dictionary) = match builder {
                ColumnBuilder::Int(builder) => (take(&std::mem::take(builder).into_array(), &order, None)?, None),
                ColumnBuilder::Text(interner) => interner.finish(&order)?,
            };
            arrays.push(array);
            dictionaries.push(dictionary);
        }
        self.rows = 0;
        Ok(Chunk { columns: arrays, dictionaries, ids, repeated, sort: [user, time, id] })
    }

    /// Row numbers in sorted order without repeated ids, the ids, and how many rows were repeated.
    fn order(&self, [user, time, id]: [usize; 3]) -> Result<(Vec<u32>, RoaringTreemap, u64)> {
        let (users, times, ids) = (self.ints(user)?, self.ints(time)?, self.ints(id)?);
        let mut seen = RoaringTreemap::new();
        let mut last = None;
        let mut repeated = 0;
        let mut keys = Vec::with_capacity(self.rows);
        for (row, ((user, time), id)) in users.iter().zip(times).zip(ids).enumerate() {
            // Appending to the set is much cheaper than inserting, and exports come in the order of their ids.
            let number = id_number(*id);
            let is_new = match last {
                Some(greatest) if number <= greatest => seen.insert(number),
                _ => {
                    last = Some(number);
                    seen.try_push(number).is_ok()
                }
            };
            if is_new {
                keys.push((*user, *time, *id, row as u32));
            } else {
                repeated += 1;
            }
        }
        keys.sort_unstable();
        Ok((keys.into_iter().map(|(.., row)| row).collect(), seen, repeated))
    }

    fn ints(&self, column: usize) -> Result<&[i64]> {
        match &self.columns[column] {
            ColumnBuilder::Int(builder) => Ok(&builder.values),
            ColumnBuilder::Text(_) => Err(Error::bug("a key column holds texts")),
        }
    }
}

/// Ids in an order-preserving unsigned form: provisional ids may be negative.
pub(super) fn id_number(id: i64) -> u64 {
    (id as u64) ^ (1 << 63)
}

/// The id of an [`id_number`].
pub(super) fn id_of(number: u64) -> i64 {
    (number ^ (1 << 63)) as i64
}

impl IntBuilder {
    fn into_array(self) -> ArrayRef {
        let nulls = (!self.valid.is_empty()).then(|| NullBuffer::from(self.valid));
        Arc::new(Int64Array::new(ScalarBuffer::from(self.values), nulls))
    }
}

/// Sorted rows, each text column as keys into a dictionary of its own.
pub(super) struct Chunk {
    columns: Vec<ArrayRef>,
    dictionaries: Vec<Option<StringArray>>,
    /// Ids of the rows, as [`id_number`] has them.
    pub(super) ids: RoaringTreemap,
    /// Rows left out because their id stood earlier in the chunk.
    pub(super) repeated: u64,
    /// Columns of the sort key: user, time, id.
    sort: [usize; 3],
}

impl Chunk {
    /// The users of the rows, ascending.
    pub(super) fn users(&self) -> Result<&[i64]> {
        let users = self.columns[self.sort[0]].as_any().downcast_ref::<Int64Array>();
        users.map(|users| users.values().as_ref()).ok_or_else(|| Error::bug("users are not integers"))
    }

    /// The rows with keys into the dictionaries of the whole load; a text column with too many different values
    /// becomes plain text.
    pub(super) fn into_batch(self, spec: &TableSpec, shared: &Dictionaries) -> Result<RecordBatch> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        for (index, (column, dictionary)) in self.columns.into_iter().zip(self.dictionaries).enumerate() {
            arrays.push(match dictionary {
                Some(dictionary) => shared.translate(index, &column, &dictionary)?,
                None => column,
            });
        }
        let fields = spec.columns.iter().zip(&arrays);
        let fields =
            fields.map(|(column, array)| Field::new(column.name, array.data_type().clone(), true)).collect::<Vec<_>>();
        let schema: SchemaRef = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new(schema, arrays)?)
    }
}

/// Numbers the different texts of one column in the order of their first appearance.
struct Interner {
    table: HashTable<u32>,
    hasher: FixedState,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    keys: Vec<u32>,
}

impl Interner {
    fn new() -> Self {
        Self {
            table: HashTable::new(),
            hasher: FixedState::default(),
            bytes: Vec::new(),
            ends: vec![0],
            keys: Vec::new(),
        }
    }

    fn push(&mut self, value: Option<&[u8]>) {
        let key = match value {
            None => NULL_KEY,
            Some(value) => match self.keys.last() {
                // Neighbours are alike more often than not.
                Some(last) if *last != NULL_KEY && get(&self.bytes, &self.ends, *last) == value => *last,
                _ => self.intern(value),
            },
        };
        self.keys.push(key);
    }

    fn intern(&mut self, value: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(value);
        let Self { table, hasher, bytes, ends, .. } = self;
        if let Some(known) = table.find(hash, |key| get(bytes, ends, *key) == value) {
            return *known;
        }
        let key = (ends.len() - 1) as u32;
        bytes.extend_from_slice(value);
        ends.push(bytes.len());
        table.insert_unique(hash, key, |key| hasher.hash_one(get(bytes, ends, *key)));
        key
    }

    /// Number of different texts.
    fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// The sorted keys and the dictionary; empties the interner.
    fn finish(&mut self, order: &UInt32Array) -> Result<(ArrayRef, Option<StringArray>)> {
        let done = std::mem::replace(self, Self::new());
        let dictionary = done.dictionary()?;
        let keys: Vec<u32> = order.values().iter().map(|row| done.keys[*row as usize]).collect();
        Ok((key_array(keys), Some(dictionary)))
    }

    fn dictionary(&self) -> Result<StringArray> {
        strings(&self.ends, Buffer::from(self.bytes.as_slice()))
    }
}

fn get<'a>(bytes: &'a [u8], ends: &[usize], key: u32) -> &'a [u8] {
    &bytes[ends[key as usize]..ends[key as usize + 1]]
}

fn strings(ends: &[usize], bytes: Buffer) -> Result<StringArray> {
    let offsets = ends.iter().map(|end| i32::try_from(*end)).collect::<std::result::Result<Vec<_>, _>>();
    let offsets = offsets.map_err(|error| Error::bug("a dictionary of texts is over 2 GiB").because(error))?;
    Ok(StringArray::try_new(OffsetBuffer::new(ScalarBuffer::from(offsets)), bytes, None)?)
}

fn key_array(keys: Vec<u32>) -> ArrayRef {
    let nulls = keys.contains(&NULL_KEY).then(|| NullBuffer::from_iter(keys.iter().map(|key| *key != NULL_KEY)));
    Arc::new(UInt32Array::new(ScalarBuffer::from(keys), nulls))
}

/// The dictionaries of all text columns over a whole load.
pub(super) struct Dictionaries {
    columns: Vec<std::sync::Mutex<Shared>>,
}

struct Shared {
    interner: Interner,
    /// Too many different values: later chunks keep plain texts.
    plain: bool,
}

/// Most different texts that one column may have before it is kept as plain text, and most bytes of them.
const MAX_SHARED: (usize, usize) = (1 << 19, 32 << 20);

impl Dictionaries {
    pub(super) fn new(spec: &TableSpec) -> Self {
        let shared = |_| std::sync::Mutex::new(Shared { interner: Interner::new(), plain: false });
        Self { columns: spec.columns.iter().map(shared).collect() }
    }

    /// Keys of a chunk as keys of the load, or as plain texts.
    fn translate(&self, column: usize, keys: &ArrayRef, dictionary: &StringArray) -> Result<ArrayRef> {
        let keys = keys.as_any().downcast_ref::<UInt32Array>().ok_or_else(|| Error::bug("keys are not UInt32"))?;
        let repeats = dictionary.len() * 4 <= keys.len() || dictionary.len() <= 4096;
        let mapped = {
            let mut shared = self.columns[column].lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let room = shared.interner.len() + dictionary.len() <= MAX_SHARED.0
                && shared.interner.bytes.len() + dictionary.value_data().len() <= MAX_SHARED.1;
            if !shared.plain && repeats && room {
                Some(
                    dictionary
                        .iter()
                        .map(|text| shared.interner.intern(text.unwrap_or_default().as_bytes()))
                        .collect::<Vec<_>>(),
                )
            } else {
                shared.plain = true;
                None
            }
        };
        match mapped {
            Some(mapped) => {
                let translate = |key: &u32| mapped.get(*key as usize).copied().unwrap_or(NULL_KEY);
                Ok(key_array(keys.values().iter().map(translate).collect()))
            }
            None => Ok(take(dictionary, keys, None)?),
        }
    }

    /// The texts of each column whose chunks all have keys; `None` for the other columns.
    pub(super) fn finish(&self, spec: &TableSpec) -> Result<Vec<Option<ArrayRef>>> {
        let mut finished = Vec::with_capacity(self.columns.len());
        for (column, shared) in spec.columns.iter().zip(&self.columns) {
            let shared = shared.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let is_text = !matches!(column.kind, Kind::Int);
            finished.push(if is_text { Some(Arc::new(shared.interner.dictionary()?) as ArrayRef) } else { None });
        }
        Ok(finished)
    }

    /// Whether some chunk keeps the column as plain text.
    pub(super) fn is_plain(&self, column: usize) -> bool {
        self.columns[column].lock().unwrap_or_else(std::sync::PoisonError::into_inner).plain
    }
}

/// Type of a text column in the files of a load.
pub(super) fn dictionary_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::UInt32), Box::new(DataType::Utf8))
}
