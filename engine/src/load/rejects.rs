//! Rows that could not be loaded: counted, reported in the order of the file, and written to a file that can be
//! corrected and loaded again.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use csv::ByteRecord;

use super::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::Fault;
use crate::text::Text;

/// Faults of one code that are kept in full; the others are counted.
const SHOWN_PER_CODE: u64 = 10;

/// Columns that a reject file has behind those of its input. A load ignores columns with a leading underscore.
const EXTRA_COLUMNS: [&str; 2] = ["_line", "_reason"];

/// A row that was rejected.
pub(super) struct Reject {
    pub(super) record: ByteRecord,
    pub(super) fault: Fault,
}

/// Rejects that a piece holds before it hands them over: a file in which every row is bad must not fill the memory.
pub(super) const HELD: usize = 512;

/// The rejects of one file. Pieces of the file may report in any order; the result is in the order of the file.
pub(super) struct Rejects {
    path: Option<PathBuf>,
    header: Vec<Arc<str>>,
    delimiter: u8,
    state: Mutex<State>,
    /// The turn went to the next piece, or reading stopped.
    turn: Condvar,
}

#[derive(Default)]
struct State {
    /// Reading stopped early; nobody may wait for a turn that never comes.
    stopped: bool,
    next: u64,
    pending: BTreeMap<u64, Vec<Reject>>,
    writer: Option<csv::Writer<File>>,
    faults: Vec<Fault>,
    counts: HashMap<&'static str, u64>,
}

/// What became of the rejects of one file.
pub(super) struct Rejected {
    pub(super) rows: u64,
    pub(super) faults: Vec<Fault>,
    /// Counts of the faults that are not listed.
    pub(super) notes: Vec<Text>,
    pub(super) path: Option<PathBuf>,
}

impl Rejects {
    pub(super) fn new(path: Option<PathBuf>, header: &[Arc<str>], delimiter: u8) -> Self {
        Self { path, header: header.to_vec(), delimiter, state: Mutex::default(), turn: Condvar::new() }
    }

    /// Takes some of the rejects of a piece when there are many, and empties the list. It waits until all pieces before
    /// have reported; the earliest piece never waits.
    pub(super) fn hand_over(&self, piece: u64, rejects: &mut Vec<Reject>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.next != piece && !state.stopped {
            state = self.turn.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        rejects.drain(..).try_for_each(|reject| self.take(&mut state, &reject))
    }

    /// Frees those who wait: a piece will never report.
    pub(super) fn stop(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).stopped = true;
        self.turn.notify_all();
    }

    /// Takes the (last) rejects of a piece; every piece reports once, also without rejects.
    pub(super) fn report(&self, piece: u64, rejects: Vec<Reject>) -> Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.pending.insert(piece, rejects);
        while let Some(next) = {
            let next = state.next;
            state.pending.remove(&next)
        } {
            state.next += 1;
            for reject in next {
                self.take(&mut state, &reject)?;
            }
        }
        self.turn.notify_all();
        Ok(())
    }

    fn take(&self, state: &mut State, reject: &Reject) -> Result<()> {
        let count = state.counts.entry(reject.fault.code).or_default();
        *count += 1;
        if *count <= SHOWN_PER_CODE {
            state.faults.push(reject.fault.clone());
        }
        let Some(path) = &self.path else { return Ok(()) };
        let failed = |error: csv::Error| cannot_write(path, error);
        if state.writer.is_none() {
            let mut writer =
                csv::WriterBuilder::new().flexible(true).delimiter(self.delimiter).from_path(path).map_err(failed)?;
            writer.write_record(self.header.iter().map(AsRef::as_ref).chain(EXTRA_COLUMNS)).map_err(failed)?;
            state.writer = Some(writer);
        }
        let Some(writer) = &mut state.writer else { return Ok(()) };
        let line = reject.fault.line.to_string();
        let reason = reason(&reject.fault);
        // Short rows are filled up, so that the two extra columns stand below their names.
        let missing = self.header.len().saturating_sub(reject.record.len());
        let fields = reject.record.iter().chain(std::iter::repeat_n(&b""[..], missing));
        writer.write_record(fields.chain([line.as_bytes(), reason.as_bytes()])).map_err(failed)
    }

    pub(super) fn finish(self) -> Result<Rejected> {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut path = None;
        if let (Some(writer), Some(target)) = (&mut state.writer, self.path) {
            writer.flush().map_err(|error| cannot_write(&target, error.into()))?;
            path = Some(target);
        }
        let mut codes: Vec<_> = state.counts.iter().filter(|(_, count)| **count > SHOWN_PER_CODE).collect();
        codes.sort_unstable();
        let notes = codes.into_iter().map(|(code, count)| {
            let more = count - SHOWN_PER_CODE;
            crate::text!("{more} more rows with [{code}]", "{more} autres lignes avec [{code}]")
        });
        Ok(Rejected { rows: state.counts.values().sum(), notes: notes.collect(), faults: state.faults, path })
    }
}

/// The reason as it stands beside the row: both languages would only double it, and the code tells the rest.
fn reason(fault: &Fault) -> String {
    let column = fault.column.as_ref().map(|column| format!("{}: ", column.name)).unwrap_or_default();
    format!("{column}{} [{}]", fault.reason.en, fault.code)
}

fn cannot_write(path: &Path, error: csv::Error) -> Error {
    let path = path.display();
    Error::new(
        ErrorKind::Io,
        crate::text!(
            "the reject file `{path}` cannot be written; nothing was loaded. Give a writable folder with `--rejects-dir`",
            "le fichier de rejets `{path}` ne peut pas être écrit ; rien n'a été chargé. Donnez un dossier accessible avec `--rejects-dir`"
        ),
    )
    .because(error)
}

/// Where the rejects of a source go: beside the file, or into the folder that was asked for.
pub(super) fn reject_path(source: &Source, folder: Option<&Path>) -> Option<PathBuf> {
    let (beside, name) = match source {
        Source::File(path) => (path.parent().map(Path::to_owned), path.file_name()?.to_string_lossy().into_owned()),
        Source::Stdin => (Some(PathBuf::new()), "stdin".to_owned()),
        Source::Memory { name, .. } => (None, name.clone()),
    };
    let folder = folder.map(Path::to_owned).or(beside)?;
    Some(folder.join(format!("{name}.rejected.csv")))
}
