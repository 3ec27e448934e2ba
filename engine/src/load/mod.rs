//! Loading files into a store: what is asked ([`LoadRequest`]) and what is answered ([`LoadSummary`]).

mod catalogue;
mod chunk;
mod clustered;
mod detect;
mod dialect;
mod entities;
mod events;
mod input;
mod job;
mod keyless;
mod log;
mod parquet_log;
mod rejects;
pub mod report;
mod run;
mod spool;
mod table;
mod value;

use std::path::PathBuf;
use std::sync::Arc;

use crate::fault::Fault;
use crate::text::Text;

pub(crate) use job::load;

/// Where the bytes of one input come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A file on this machine.
    File(PathBuf),
    /// The standard input of the process, written `-`.
    Stdin,
    /// Bytes in memory under a name, for the bundled data and for tests.
    Memory {
        /// Name shown in faults and in the summary; its extension tells the compression.
        name: String,
        /// The bytes of the file.
        bytes: bytes::Bytes,
    },
}

/// What the rows of a file are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Rows of a Moodle table, named without prefix; `table:<name>` on the command line.
    Table(String),
    /// Rows of `logstore_standard_log`, read at full speed; `log`.
    Log,
    /// The CSV of Moodle's "Logs" report; `log-report`.
    LogReport,
    /// Any CSV with a mapping of its columns; `events`.
    Events,
}

/// Order of day and month in numeric dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateOrder {
    /// `31/12/2024`.
    DayFirst,
    /// `12/31/2024`.
    MonthFirst,
    /// `2024/12/31`.
    YearFirst,
}

/// One load: any number of sources of one format, committed together.
#[derive(Debug, Clone)]
pub struct LoadRequest {
    /// The inputs, in the order in which they are read.
    pub sources: Vec<Source>,
    /// The site (schema) that receives the rows; `None` is the store's default site.
    pub site: Option<String>,
    /// The format; `None` detects it from the header, file by file.
    pub format: Option<Format>,
    /// Time zone of local times (log reports, patterns without a zone).
    pub timezone: Option<chrono_tz::Tz>,
    /// Order of numeric dates, where the file does not prove it.
    pub date_order: Option<DateOrder>,
    /// For [`Format::Events`]: pairs (column of the log, column of the file).
    pub map: Vec<(String, String)>,
    /// For [`Format::Events`]: a `strftime` pattern of the time column; `None` accepts Unix seconds and RFC 3339.
    pub time_pattern: Option<String>,
    /// Field separator; `None` detects `,` `;` tab and `|`.
    pub delimiter: Option<u8>,
    /// Directory for `<file>.rejected.csv`; `None` writes beside each file, and in the working directory for stdin.
    pub rejects_dir: Option<PathBuf>,
    /// Loads a file whose rows have no key although the same bytes were loaded before.
    pub again: bool,
    /// Bytes that sorting may hold in memory before it spills to temporary files.
    pub memory_budget: usize,
    /// Threads that parse and sort.
    pub threads: usize,
    /// Unix seconds of the load, for the catalogue.
    pub now: i64,
}

/// Default of [`LoadRequest::memory_budget`]: 384 MiB, which keeps a load of any size under 1 GiB of resident memory.
pub const DEFAULT_MEMORY_BUDGET: usize = 384 << 20;

impl LoadRequest {
    /// A request for these sources with the defaults: everything detected, two threads.
    pub fn new(sources: Vec<Source>, now: i64) -> Self {
        Self {
            sources,
            site: None,
            format: None,
            timezone: None,
            date_order: None,
            map: Vec::new(),
            time_pattern: None,
            delimiter: None,
            rejects_dir: None,
            again: false,
            memory_budget: DEFAULT_MEMORY_BUDGET,
            threads: 2,
            now,
        }
    }
}

/// Receives the progress of a load; called from the loading threads.
pub trait Progress: Send + Sync {
    /// A source was opened; `bytes` is its size as stored, where known.
    fn file(&self, name: &str, bytes: Option<u64>);
    /// So many bytes of the source, as stored, were read since the last call.
    fn read(&self, bytes: u64);
    /// The step changed: reading, sorting, writing, committing.
    fn step(&self, step: LoadStep);
}

/// Steps of a load, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadStep {
    /// Reading and parsing.
    Reading,
    /// Merging sorted runs and writing Parquet.
    Writing,
    /// Creating the commit.
    Committing,
}

/// A [`Progress`] that shows nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn file(&self, _name: &str, _bytes: Option<u64>) {}
    fn read(&self, _bytes: u64) {}
    fn step(&self, _step: LoadStep) {}
}

/// What a load did, in total and per file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadSummary {
    /// The commit that holds the rows; `None` when nothing changed.
    pub commit: Option<u64>,
    /// One entry per source, in order.
    pub files: Vec<FileSummary>,
}

impl LoadSummary {
    /// The counts of all files.
    pub fn total(&self) -> Counts {
        self.files.iter().fold(Counts::default(), |mut total, file| {
            total.read += file.counts.read;
            total.loaded += file.counts.loaded;
            total.replaced += file.counts.replaced;
            total.skipped += file.counts.skipped;
            total.rejected += file.counts.rejected;
            total
        })
    }
}

/// Numbers of rows: `read = loaded + replaced + skipped + rejected`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Data rows of the file, header excluded.
    pub read: u64,
    /// New rows in the table.
    pub loaded: u64,
    /// Rows whose key existed with other contents.
    pub replaced: u64,
    /// Rows that the table already had, or that the format leaves out by rule.
    pub skipped: u64,
    /// Rows in the reject file.
    pub rejected: u64,
}

/// What happened to one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSummary {
    /// Name of the source.
    pub name: Arc<str>,
    /// `site.table` that received the rows.
    pub table: String,
    /// The format, detected or forced.
    pub format: Format,
    /// Encoding of the bytes: `UTF-8` or `windows-1252`.
    pub encoding: &'static str,
    /// Numbers of rows.
    pub counts: Counts,
    /// The first faults, in file order; identical ones are counted after the tenth in [`FileSummary::notes`].
    pub faults: Vec<Fault>,
    /// The reject file, when one was written.
    pub rejects: Option<PathBuf>,
    /// What the operator should know: encoding assumed, columns ignored, no key, types inferred.
    pub notes: Vec<Text>,
    /// SHA-256 of the decompressed bytes, for files that were read twice; the log is not.
    pub sha256: Option<String>,
}
