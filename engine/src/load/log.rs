//! CSV of `logstore_standard_log`, the hot path: pieces of the file are parsed on several threads, each straight into
//! typed columns.

use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use csv::ByteRecord;

use super::chunk::ChunkBuilder;
use super::clustered::ClusteredLoad;
use super::dialect::{Dialect, Splitter, unescape};
use super::input::read_up_to;
use super::rejects::{HELD, Reject, Rejects};
use super::value::{self, FieldFault};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{Column, Fault, quoted};
use crate::model::{ColumnSpec, Kind, TableSpec};
use crate::store::step;

/// Longest record. A longer one is not a row of any Moodle table; it is a quote that was never closed, or no CSV.
pub(super) const MAX_RECORD: usize = 16 << 20;

/// Bytes read before the end of the last record is looked for.
const STEP: usize = 1 << 20;

/// Where the values of each column of the table stand in the file.
pub(super) struct ColumnPlan {
    /// Column of the file, from 0; `None` takes the default.
    file: Option<usize>,
    spec: &'static ColumnSpec,
}

impl ColumnPlan {
    /// Finds each column of the table in the header; `header` holds the names as they stand in the file.
    pub(super) fn of(spec: &'static TableSpec, header: &[Arc<str>]) -> Vec<Self> {
        let place = |column: &'static ColumnSpec| Self {
            file: header.iter().position(|name| value::is_column(name, column.name)),
            spec: column,
        };
        spec.columns.iter().map(place).collect()
    }

    /// Whether the file has the column.
    pub(super) fn is_present(&self) -> bool {
        self.file.is_some()
    }

    pub(super) fn name(&self) -> &'static str {
        self.spec.name
    }
}

/// One file on its way into the log.
pub(super) struct LogFile<'a> {
    pub(super) name: Arc<str>,
    pub(super) dialect: Dialect,
    pub(super) header: Vec<Arc<str>>,
    pub(super) plan: Vec<ColumnPlan>,
    pub(super) spec: &'static TableSpec,
    pub(super) rejects: &'a Rejects,
    pub(super) target: &'a ClusteredLoad,
    /// Number of the file's first chunk in the load.
    pub(super) first_chunk: u64,
    /// Bytes of text in one chunk.
    pub(super) chunk_bytes: usize,
    pub(super) threads: usize,
}

/// How the reading of a file ended.
pub(super) enum Outcome {
    /// Rows read, header excluded.
    Read(u64),
    /// The file is not UTF-8; everything must start again with another encoding.
    NotUtf8,
}

/// A piece of the file that holds whole records.
struct Piece {
    number: u64,
    /// Physical line on which it starts, from 1.
    line: u64,
    bytes: Vec<u8>,
}

impl LogFile<'_> {
    /// Reads everything; the reader stands at the start of the file.
    pub(super) fn read(&self, input: &mut dyn Read, failed: &dyn Fn(std::io::Error) -> Error) -> Result<Outcome> {
        step("load:read");
        let (send, receive) = sync_channel::<Piece>(1);
        let receive = Mutex::new(receive);
        let not_utf8 = AtomicBool::new(false);
        let stopped = AtomicBool::new(false);
        let rows = AtomicU64::new(0);
        let outcome = std::thread::scope(|scope| -> Result<()> {
            let work = || self.parse_pieces(&receive, (&not_utf8, &stopped), &rows);
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            let sent =
                self.send_pieces(input, failed, &|piece| !stopped.load(Ordering::Relaxed) && send.send(piece).is_ok());
            drop(send);
            let mut parsed = Ok(());
            for worker in workers {
                let result =
                    worker.join().map_err(|_| Error::bug("a parsing thread panicked")).and_then(|result| result);
                parsed = parsed.and(result);
            }
            // A failure of the workers is the cause, a closed channel only its effect.
            parsed.and(sent)
        });
        if not_utf8.load(Ordering::Relaxed) {
            return Ok(Outcome::NotUtf8);
        }
        outcome?;
        Ok(Outcome::Read(rows.load(Ordering::Relaxed)))
    }

    /// Cuts the input into pieces at ends of records, without the header record.
    fn send_pieces(
        &self,
        input: &mut dyn Read,
        failed: &dyn Fn(std::io::Error) -> Error,
        send: &dyn Fn(Piece) -> bool,
    ) -> Result<()> {
        let mut splitter = Splitter::new(self.dialect);
        let mut bytes: Vec<u8> = Vec::with_capacity(self.chunk_bytes + STEP);
        let mut last_end = 0;
        let mut piece = Piece { number: 0, line: 1, bytes: Vec::new() };
        loop {
            let start = bytes.len();
            bytes.resize(start + STEP, 0);
            let read = read_up_to(input, &mut bytes[start..]).map_err(failed)?;
            bytes.truncate(start + read);
            if let Some(end) = splitter.feed(&bytes[start..]) {
                last_end = start + end;
            }
            let ended = read < STEP;
            if ended {
                last_end = bytes.len();
            }
            if ended || (bytes.len() >= self.chunk_bytes && last_end > 0) {
                let rest = bytes.split_off(last_end);
                let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
                let full = Piece { bytes, ..piece };
                piece = Piece { number: full.number + 1, line: full.line + lines, bytes: Vec::new() };
                if !send(full) {
                    return Err(Error::new(
                        ErrorKind::Cancelled,
                        crate::text!("reading stopped", "lecture interrompue"),
                    ));
                }
                bytes = Vec::with_capacity(self.chunk_bytes + STEP);
                bytes.extend_from_slice(&rest);
                last_end = 0;
            }
            if ended {
                return Ok(());
            }
            if bytes.len() - last_end > MAX_RECORD {
                return Err(endless_record(
                    &self.name,
                    piece.line + memchr::memchr_iter(b'\n', &bytes[..last_end]).count() as u64,
                ));
            }
        }
    }

    fn parse_pieces(
        &self,
        pieces: &Mutex<Receiver<Piece>>,
        (not_utf8, stopped): (&AtomicBool, &AtomicBool),
        rows: &AtomicU64,
    ) -> Result<()> {
        let parsed = self.parse_all(pieces, not_utf8, rows);
        if parsed.is_err() || not_utf8.load(Ordering::Relaxed) {
            self.rejects.stop();
            stopped.store(true, Ordering::Relaxed);
            // The channel holds one piece: its sender must not wait for a receiver that is gone.
            while pieces.lock().unwrap_or_else(PoisonError::into_inner).recv().is_ok() {}
        }
        parsed
    }

    fn parse_all(&self, pieces: &Mutex<Receiver<Piece>>, not_utf8: &AtomicBool, rows: &AtomicU64) -> Result<()> {
        let mut builder = ChunkBuilder::new(self.spec);
        loop {
            let next = pieces.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(piece) = next else { return Ok(()) };
            if std::str::from_utf8(&piece.bytes).is_err() {
                not_utf8.store(true, Ordering::Relaxed);
                return Ok(());
            }
            let number = piece.number;
            let (read, rejects) = self.parse(&piece, &mut builder)?;
            rows.fetch_add(read, Ordering::Relaxed);
            self.rejects.report(number, rejects)?;
            if builder.rows() > 0 {
                self.target.add(self.first_chunk + number, builder.finish(self.spec)?)?;
            }
        }
    }

    fn parse(&self, piece: &Piece, builder: &mut ChunkBuilder) -> Result<(u64, Vec<Reject>)> {
        let mut reader = self.dialect.reader(piece.bytes.as_slice());
        let mut record = ByteRecord::new();
        let mut scratch = Vec::new();
        let mut rejects = Vec::new();
        let mut rows = 0;
        let mut is_header = piece.number == 0;
        loop {
            let more = reader
                .read_byte_record(&mut record)
                .map_err(|error| Error::bug("a piece of CSV cannot be read").because(error))?;
            if !more {
                return Ok((rows, rejects));
            }
            if std::mem::take(&mut is_header) {
                continue;
            }
            rows += 1;
            let filled = if record.len() == self.header.len() {
                self.fill(&record, builder, &mut scratch)
            } else {
                Err((None, value::field_count(record.len(), self.header.len(), self.dialect)))
            };
            match filled {
                Ok(()) => builder.end_row(),
                Err((column, fault)) => {
                    builder.drop_row();
                    let line = piece.line + record.position().map_or(0, |position| position.line() - 1);
                    rejects.push(Reject { fault: self.fault(line, column, &record, fault), record: record.clone() });
                    if rejects.len() >= HELD {
                        self.rejects.hand_over(piece.number, &mut rejects)?;
                    }
                }
            }
        }
    }

    /// Puts the values of one record into the builder.
    fn fill(
        &self,
        record: &ByteRecord,
        builder: &mut ChunkBuilder,
        scratch: &mut Vec<u8>,
    ) -> std::result::Result<(), (Option<usize>, FieldFault)> {
        for (index, plan) in self.plan.iter().enumerate() {
            let Some(file) = plan.file else {
                fill_default(plan.spec, index, builder);
                continue;
            };
            let mut field = record.get(file).unwrap_or_default();
            if self.dialect.escapes && memchr::memchr(b'\\', field).is_some() {
                scratch.clear();
                scratch.extend_from_slice(field);
                field = if unescape(scratch) { scratch } else { b"\\N" };
            }
            match plan.spec.kind {
                Kind::Int => {
                    let number = value::int(field, plan.spec).map_err(|fault| (Some(file), fault))?;
                    builder.int(index, number);
                }
                _ => builder.text(index, value::text(field, plan.spec)),
            }
        }
        Ok(())
    }

    fn fault(&self, line: u64, column: Option<usize>, record: &ByteRecord, fault: FieldFault) -> Fault {
        let named = column
            .and_then(|index| self.header.get(index).map(|name| Column { name: Arc::clone(name), number: index + 1 }));
        let value = column.and_then(|index| record.get(index)).map(|field| quoted(&String::from_utf8_lossy(field)));
        Fault {
            code: fault.code,
            file: Arc::clone(&self.name),
            line,
            column: named,
            value,
            reason: fault.reason,
            hint: fault.hint.map(|hint| *hint),
        }
    }
}

fn fill_default(spec: &ColumnSpec, index: usize, builder: &mut ChunkBuilder) {
    match spec.kind {
        Kind::Int => builder.int(index, if spec.nullable { None } else { Some(0) }),
        _ => builder.text(index, if spec.nullable { None } else { Some(b"") }),
    }
}

/// The failure of a record that does not end.
pub(super) fn endless_record(name: &str, line: u64) -> Error {
    let megabytes = MAX_RECORD >> 20;
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "`{name}`: the record that starts on line {line} is longer than {megabytes} MiB; a quote is not closed, or the file is no CSV",
            "`{name}` : l'enregistrement qui commence ligne {line} dépasse {megabytes} Mio ; un guillemet n'est pas fermé, ou le fichier n'est pas un CSV"
        ),
    )
}
