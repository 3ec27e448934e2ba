//! Batches put aside until the whole file is read: in memory up to a budget, then in a temporary file.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, SeekFrom, Write};
use std::path::PathBuf;

use arrow::array::RecordBatch;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::input::temporary_file;
use crate::error::{Error, Result};

/// Batches in the order in which they came.
pub(super) struct Spool {
    folder: Option<PathBuf>,
    budget: usize,
    held: usize,
    entries: Vec<Entry>,
    file: Option<File>,
}

enum Entry {
    Memory(RecordBatch),
    /// Position in the file.
    File(u64),
}

impl Spool {
    pub(super) fn new(folder: Option<PathBuf>, budget: usize) -> Self {
        Self { folder, budget, held: 0, entries: Vec::new(), file: None }
    }

    pub(super) fn push(&mut self, batch: RecordBatch) -> Result<()> {
        let bytes = batch.get_array_memory_size();
        if self.held + bytes <= self.budget {
            self.held += bytes;
            self.entries.push(Entry::Memory(batch));
            return Ok(());
        }
        if self.file.is_none() {
            self.file = Some(temporary_file(self.folder.as_deref())?);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        let position = file.seek(SeekFrom::End(0))?;
        let mut writer = StreamWriter::try_new(BufWriter::new(&mut *file), batch.schema_ref())?;
        writer.write(&batch)?;
        writer.finish()?;
        writer.into_inner()?.flush()?;
        self.entries.push(Entry::File(position));
        Ok(())
    }

    /// Hands every batch over, in order; the spool can be replayed again.
    pub(super) fn replay(&mut self, take: &mut dyn FnMut(RecordBatch) -> Result<()>) -> Result<()> {
        for entry in &self.entries {
            let batch = match (entry, &mut self.file) {
                (Entry::Memory(batch), _) => batch.clone(),
                (Entry::File(position), Some(file)) => {
                    file.seek(SeekFrom::Start(*position))?;
                    let mut reader = StreamReader::try_new(BufReader::new(&mut *file), None)?;
                    reader.next().ok_or_else(|| Error::bug("a spooled batch is missing"))??
                }
                (Entry::File(_), None) => return Err(Error::bug("the spool has lost its file")),
            };
            take(batch)?;
        }
        Ok(())
    }
}
