//! Sorted runs of a load, in memory or in temporary files, and the merge of a user range over all of them.

use std::fs::File;
use std::io::{Cursor, Read, Seek, SeekFrom, Write};
use std::sync::{Mutex, PoisonError};

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, RecordBatch, UInt32Array};
use arrow::compute::{concat, filter_record_batch, take};
use arrow::datatypes::{DataType, Int64Type, SchemaRef, UInt32Type};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;
use roaring::RoaringTreemap;

use super::chunk::id_number;
use super::input::temporary_file;
use crate::error::{Error, Result};
use crate::store::{ROW_GROUP_ROWS, step};

/// Rows of one block: what a merge holds of each run.
const BLOCK_ROWS: usize = 4096;

/// Positions of the sort key in a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct SortKey {
    pub(super) user: usize,
    pub(super) time: usize,
    pub(super) id: usize,
}

type Key = (i64, i64, i64);

impl SortKey {
    fn columns<'a>(&self, batch: &'a RecordBatch) -> [&'a [i64]; 3] {
        let column = |index: usize| batch.column(index).as_primitive::<Int64Type>().values().as_ref();
        [column(self.user), column(self.time), column(self.id)]
    }

    fn at(&self, batch: &RecordBatch, row: usize) -> Key {
        let [users, times, ids] = self.columns(batch);
        (users[row], times[row], ids[row])
    }
}

/// One sorted run.
pub(super) struct Run {
    blocks: Vec<Block>,
    place: Place,
    /// Ids of the rows, as [`id_number`] has them; emptied once duplicates are known.
    pub(super) ids: RoaringTreemap,
    /// Ids of rows that must not be written: the store or an earlier run has them.
    pub(super) drop: RoaringTreemap,
}

struct Block {
    first_user: i64,
    last_user: i64,
    /// Rows in memory, or bytes in the file.
    start: u64,
    length: u64,
}

enum Place {
    Memory(RecordBatch),
    File(Mutex<File>),
}

impl Run {
    /// Keeps a sorted batch in memory.
    pub(super) fn in_memory(batch: RecordBatch, key: SortKey, ids: RoaringTreemap) -> Self {
        let blocks = blocks(&batch, key).collect();
        Self { blocks, place: Place::Memory(batch), ids, drop: RoaringTreemap::new() }
    }

    /// Writes a sorted batch to an unnamed temporary file.
    pub(super) fn spill(
        batch: &RecordBatch,
        key: SortKey,
        ids: RoaringTreemap,
        folder: Option<&std::path::Path>,
    ) -> Result<Self> {
        step("load:spill");
        let mut file = temporary_file(folder)?;
        let mut spilled = Vec::new();
        let mut position = 0;
        for block in blocks(batch, key) {
            let rows = batch.slice(block.start as usize, block.length as usize);
            let mut writer =
                StreamWriter::try_new(Vec::with_capacity(rows.get_array_memory_size()), rows.schema_ref())?;
            writer.write(&rows)?;
            let bytes = writer.into_inner()?;
            file.write_all(&bytes)?;
            spilled.push(Block { start: position, length: bytes.len() as u64, ..block });
            position += bytes.len() as u64;
        }
        Ok(Self { blocks: spilled, place: Place::File(Mutex::new(file)), ids, drop: RoaringTreemap::new() })
    }

    fn read(&self, block: &Block) -> Result<RecordBatch> {
        match &self.place {
            Place::Memory(batch) => Ok(batch.slice(block.start as usize, block.length as usize)),
            Place::File(file) => {
                let mut bytes = vec![0; block.length as usize];
                {
                    let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
                    file.seek(SeekFrom::Start(block.start))?;
                    file.read_exact(&mut bytes)?;
                }
                let mut reader = StreamReader::try_new(Cursor::new(bytes), None)?;
                reader.next().ok_or_else(|| Error::bug("a spilled block is empty"))?.map_err(Error::from)
            }
        }
    }
}

fn blocks(batch: &RecordBatch, key: SortKey) -> impl Iterator<Item = Block> + '_ {
    let rows = batch.num_rows();
    (0..rows).step_by(BLOCK_ROWS).map(move |start| {
        let length = BLOCK_ROWS.min(rows - start);
        let [users, ..] = key.columns(batch);
        Block {
            first_user: users[start],
            last_user: users[start + length - 1],
            start: start as u64,
            length: length as u64,
        }
    })
}

/// Users `first..=last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct UserRange {
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What a merge writes: the schema of the file, and the dictionary of each text column that has one.
pub(super) struct Output {
    pub(super) schema: SchemaRef,
    pub(super) dictionaries: Vec<Option<ArrayRef>>,
    /// Added to every id: provisional ids become the table's next ones.
    pub(super) id_offset: i64,
}

/// Merges the rows of a user range over all runs, and emits them in order, about a row group at a time.
///
/// Rows are not compared one by one. In each round every run gives the rows up to the least of the greatest keys that
/// the runs hold; what was gathered is sorted when it fills a row group. Each round uses up one block at least, and
/// memory holds one block of each run and one row group.
pub(super) fn merge(
    runs: &[Run],
    key: SortKey,
    range: UserRange,
    output: &Output,
    emit: &mut dyn FnMut(&RecordBatch) -> Result<()>,
) -> Result<()> {
    let mut cursors = Vec::new();
    for run in runs {
        let mut cursor = RunCursor { run, next: 0, batch: None, position: 0, range, key };
        if cursor.advance()? {
            cursors.push(cursor);
        }
    }
    let mut gathered = Vec::new();
    let mut rows = 0;
    while !cursors.is_empty() {
        let Some(bound) = cursors.iter().map(|cursor| cursor.greatest()).min() else { break };
        let mut open = Vec::with_capacity(cursors.len());
        for mut cursor in cursors {
            if let Some(slice) = cursor.take_to(bound)? {
                rows += slice.num_rows();
                gathered.push(slice);
            }
            if !cursor.is_used_up() || cursor.advance()? {
                open.push(cursor);
            }
        }
        cursors = open;
        if rows >= ROW_GROUP_ROWS {
            emit(&assemble(&gathered, key, output)?)?;
            gathered.clear();
            rows = 0;
        }
    }
    if rows > 0 {
        emit(&assemble(&gathered, key, output)?)?;
    }
    Ok(())
}

/// Position in one run.
struct RunCursor<'a> {
    run: &'a Run,
    next: usize,
    batch: Option<RecordBatch>,
    position: usize,
    range: UserRange,
    key: SortKey,
}

impl RunCursor<'_> {
    /// Loads the next block with rows of the range; `false` at the end.
    fn advance(&mut self) -> Result<bool> {
        self.batch = None;
        while let Some(block) = self.run.blocks.get(self.next) {
            self.next += 1;
            if block.last_user < self.range.first {
                continue;
            }
            if block.first_user > self.range.last {
                break;
            }
            let batch = self.run.read(block)?;
            let [users, ..] = self.key.columns(&batch);
            let start = users.partition_point(|user| *user < self.range.first);
            let end = users.partition_point(|user| *user <= self.range.last);
            if start < end {
                self.batch = Some(batch.slice(start, end - start));
                self.position = 0;
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn greatest(&self) -> Key {
        self.batch.as_ref().map_or((i64::MAX, i64::MAX, i64::MAX), |batch| self.key.at(batch, batch.num_rows() - 1))
    }

    fn is_used_up(&self) -> bool {
        self.batch.as_ref().is_none_or(|batch| self.position >= batch.num_rows())
    }

    /// The rows up to the bound, without those to drop.
    fn take_to(&mut self, bound: Key) -> Result<Option<RecordBatch>> {
        let Some(batch) = &self.batch else { return Ok(None) };
        let [users, times, ids] = self.key.columns(batch);
        let mut low = self.position;
        let mut high = batch.num_rows();
        while low < high {
            let middle = usize::midpoint(low, high);
            if (users[middle], times[middle], ids[middle]) <= bound { low = middle + 1 } else { high = middle }
        }
        if low == self.position {
            return Ok(None);
        }
        let slice = batch.slice(self.position, low - self.position);
        self.position = low;
        if self.run.drop.is_empty() {
            return Ok(Some(slice));
        }
        let ids = slice.column(self.key.id).as_primitive::<Int64Type>();
        let keep = BooleanArray::from_iter(ids.values().iter().map(|id| Some(!self.run.drop.contains(id_number(*id)))));
        let kept = filter_record_batch(&slice, &keep)?;
        Ok((kept.num_rows() > 0).then_some(kept))
    }
}

/// Sorts the gathered slices into one batch of the output's schema.
fn assemble(slices: &[RecordBatch], key: SortKey, output: &Output) -> Result<RecordBatch> {
    let order = order(slices, key);
    let mut arrays = Vec::with_capacity(output.schema.fields().len());
    for (index, field) in output.schema.fields().iter().enumerate() {
        let pieces: Vec<&dyn Array> = slices.iter().map(|slice| slice.column(index).as_ref()).collect();
        let dictionary = output.dictionaries[index].as_ref();
        let column = match (field.data_type(), dictionary) {
            (DataType::Dictionary(..), Some(dictionary)) => {
                let keys = take(&concat(&pieces)?, &order, None)?;
                let keys = keys.as_primitive::<UInt32Type>().clone();
                std::sync::Arc::new(DictionaryArray::<UInt32Type>::try_new(keys, std::sync::Arc::clone(dictionary))?)
                    as ArrayRef
            }
            (DataType::Utf8, _) => take(&concat_texts(&pieces, dictionary)?, &order, None)?,
            _ => take(&concat(&pieces)?, &order, None)?,
        };
        arrays.push(if index == key.id && output.id_offset != 0 { shifted(&column, output.id_offset) } else { column });
    }
    Ok(RecordBatch::try_new(std::sync::Arc::clone(&output.schema), arrays)?)
}

fn shifted(ids: &ArrayRef, offset: i64) -> ArrayRef {
    let ids: Int64Array = ids.as_primitive::<Int64Type>().unary(|id| id.saturating_add(offset));
    std::sync::Arc::new(ids)
}

fn order(slices: &[RecordBatch], key: SortKey) -> UInt32Array {
    let mut keys = Vec::with_capacity(slices.iter().map(RecordBatch::num_rows).sum());
    for slice in slices {
        let [users, times, ids] = key.columns(slice);
        let start = keys.len() as u32;
        keys.extend(
            users.iter().zip(times).zip(ids).zip(start..).map(|(((user, time), id), row)| (*user, *time, *id, row)),
        );
    }
    keys.sort_unstable();
    UInt32Array::from_iter_values(keys.into_iter().map(|(.., row)| row))
}

/// Joins pieces of which some are keys and some are texts.
fn concat_texts(pieces: &[&dyn Array], dictionary: Option<&ArrayRef>) -> Result<ArrayRef> {
    let mut texts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        texts.push(match (piece.data_type(), dictionary) {
            (DataType::UInt32, Some(dictionary)) => take(dictionary, piece.as_primitive::<UInt32Type>(), None)?,
            _ => arrow::array::make_array(piece.to_data()),
        });
    }
    let texts: Vec<&dyn Array> = texts.iter().map(AsRef::as_ref).collect();
    Ok(concat(&texts)?)
}
