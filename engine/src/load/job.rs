//! One load from its request to its commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use tokio::runtime::Handle;

use super::catalogue;
use super::clustered::{CHUNKS_PER_FILE, ClusteredLoad, Ids, Written, existing_ids, manifest_columns};
use super::detect::{Body, Detected, detect, fingerprint, no_rows};
use super::entities::Entities;
use super::input::{Charset, Input};
use super::keyless::KeylessFile;
use super::log::{ColumnPlan, LogFile, Outcome};
use super::rejects::{Rejects, reject_path};
use super::table::TableLoad;
use super::{Counts, FileSummary, Format, LoadRequest, LoadStep, LoadSummary, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::model::{self, TableSpec};
use crate::store::{CATALOGUE_SITE, Change, NewFile, Snapshot, Store, Table, TableChange, TableNeed, WriteTarget};
use crate::text::Text;

/// Loads files in one commit; answers the summary.
pub(crate) async fn load(
    store: &Arc<Store>,
    request: &LoadRequest,
    progress: Arc<dyn Progress>,
) -> Result<LoadSummary> {
    let snapshot = store.snapshot(None).await?;
    let site = site_of(request, &snapshot)?;
    let job = Job {
        store: Arc::clone(store),
        snapshot,
        request: request.clone(),
        site,
        progress: Arc::clone(&progress),
        handle: Handle::current(),
    };
    let (summary, change) = tokio::task::spawn_blocking(move || job.run())
        .await
        .map_err(|error| Error::bug("the loading thread ended early").because(error))??;
    let Some(change) = change else { return Ok(summary) };
    progress.step(LoadStep::Committing);
    let snapshot = store.commit(&change).await?;
    Ok(LoadSummary { commit: Some(snapshot.commit()), ..summary })
}

/// The site of the rows: letters, digits, `_` and `-`, and not a name that the store uses itself.
fn site_of(request: &LoadRequest, snapshot: &Snapshot) -> Result<String> {
    // SQL folds names to lower case.
    let site =
        request.site.as_ref().map_or_else(|| snapshot.manifest().default_site.clone(), |site| site.to_lowercase());
    let plain =
        site.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') && !site.is_empty() && site.len() <= 64;
    let reserved = [CATALOGUE_SITE, "information_schema", "manifests", "files", "tmp"];
    if plain && !reserved.contains(&site.as_str()) {
        return Ok(site);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "\"{site}\" cannot name a site; use up to 64 letters, digits, `_` and `-`, and none of the names of the store itself",
            "\"{site}\" ne peut pas nommer un site ; utilisez jusqu'à 64 lettres, chiffres, `_` et `-`, et aucun des noms du magasin lui-même"
        ),
    ))
}

struct Job {
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    request: LoadRequest,
    site: String,
    progress: Arc<dyn Progress>,
    handle: Handle,
}

/// A source that was opened and looked at.
struct Opened {
    input: Input,
    detected: Detected,
    rejects: Option<PathBuf>,
    /// Fingerprint of files whose rows have no key.
    sha256: Option<String>,
}

/// What is known about a file before its table is merged.
struct Done {
    counts: Counts,
    notes: Vec<Text>,
    rejected: super::rejects::Rejected,
}

impl Job {
    fn run(&self) -> Result<(LoadSummary, Option<Change>)> {
        let mut files = self.open_all()?;
        loop {
            match self.attempt(&files) {
                Err(Attempt::NotUtf8(index)) => files[index].detected.charset = Charset::Windows1252,
                Err(Attempt::Failed(error)) => return Err(error),
                Ok(done) => return Ok(done),
            }
        }
    }

    fn open_all(&self) -> Result<Vec<Opened>> {
        if self.request.sources.is_empty() {
            return Err(Error::new(ErrorKind::Invalid, crate::text!("no file to load", "aucun fichier à charger")));
        }
        let temporary = self.store.location().temporary_folder()?;
        let mut files = Vec::new();
        for source in &self.request.sources {
            let input = Input::open(source, temporary.as_deref())?;
            let mut detected = detect(&input, &self.request)?;
            let mut sha256 = None;
            // The log is checked while it is read; everything else is small enough to be read once before.
            if !matches!(detected.format(), Format::Log) {
                let known = fingerprint(&input, detected.charset)?;
                detected.charset = known.charset;
                sha256 = Some(known.sha256);
            }
            let rejects = reject_path(source, self.request.rejects_dir.as_deref());
            files.push(Opened { input, detected, rejects, sha256 });
        }
        Ok(files)
    }

    fn attempt(&self, files: &[Opened]) -> std::result::Result<(LoadSummary, Option<Change>), Attempt> {
        let temporary = self.store.location().temporary_folder()?;
        let log = model::table(model::LOG).ok_or_else(|| Error::bug("the log has no schema"))?;
        let mut work = Work {
            job: self,
            log,
            given: ClusteredLoad::new(log, temporary.clone(), self.request.memory_budget / 3)?,
            next: ClusteredLoad::new(log, temporary.clone(), self.request.memory_budget / 3)?,
            next_rows: 0,
            entities: Entities::default(),
            tables: BTreeMap::new(),
            table_budget: self.request.memory_budget / 3 / files.len().max(1),
            seen: HashSet::new(),
            temporary,
            done: Vec::new(),
        };
        self.progress.step(LoadStep::Reading);
        for (index, file) in files.iter().enumerate() {
            self.progress.file(&file.input.name, file.input.size);
            work.read(index, file)?;
        }
        self.progress.step(LoadStep::Writing);
        Ok(work.finish(files)?)
    }

    fn table(&self, name: &str) -> Option<&Table> {
        self.snapshot.manifest().table(&self.site, name)
    }
}

/// How an attempt failed.
enum Attempt {
    /// This file is not UTF-8.
    NotUtf8(usize),
    Failed(Error),
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What one attempt has read so far.
struct Work<'a> {
    job: &'a Job,
    log: &'static TableSpec,
    /// Rows of the log that bring their ids.
    given: ClusteredLoad,
    /// Rows of the log that get the next ids.
    next: ClusteredLoad,
    next_rows: i64,
    /// Users and courses that events name by text.
    entities: Entities,
    tables: BTreeMap<String, TableLoad>,
    /// Bytes that each table may hold in memory.
    table_budget: usize,
    /// Table and fingerprint of the files without keys that were read.
    seen: HashSet<(String, String)>,
    temporary: Option<PathBuf>,
    done: Vec<Done>,
}

impl Work<'_> {
    fn read(&mut self, index: usize, file: &Opened) -> std::result::Result<(), Attempt> {
        let header = match &file.detected.body {
            Body::Csv { header, .. } => header.clone(),
            Body::Parquet { .. } => Vec::new(),
        };
        let delimiter = match &file.detected.body {
            Body::Csv { dialect, .. } => dialect.delimiter,
            Body::Parquet { .. } => b',',
        };
        let rejects = Rejects::new(file.rejects.clone(), &header, delimiter);
        let (counts, notes) = match file.detected.format() {
            Format::Log => self.read_log(index, file, &rejects)?,
            Format::LogReport | Format::Events => self.read_keyless(index, file, &rejects)?,
            Format::Table(name) if model::bare_name(name) == model::LOG => self.read_log(index, file, &rejects)?,
            Format::Table(name) => self.read_table(&table_name(name)?, file, &rejects)?,
        };
        let rejected = rejects.finish()?;
        let counts = Counts { rejected: rejected.rows, loaded: counts.read - rejected.rows, ..counts };
        self.done.push(Done { counts, notes, rejected });
        Ok(())
    }

    fn read_log(
        &mut self,
        index: usize,
        file: &Opened,
        rejects: &Rejects,
    ) -> std::result::Result<(Counts, Vec<Text>), Attempt> {
        let first_chunk = index as u64 * CHUNKS_PER_FILE;
        let Body::Csv { dialect, header, .. } = &file.detected.body else {
            let read = super::parquet_log::read(&file.input, self.log, &self.given, first_chunk)?;
            return Ok((Counts { read, ..Counts::default() }, Vec::new()));
        };
        let request = &self.job.request;
        let log = LogFile {
            name: Arc::clone(&file.input.name),
            dialect: *dialect,
            header: header.clone(),
            plan: ColumnPlan::of(self.log, header),
            spec: self.log,
            rejects,
            target: &self.given,
            first_chunk,
            chunk_bytes: (request.memory_budget / 12).clamp(1 << 20, 64 << 20),
            threads: request.threads,
        };
        let notes = log_notes(&log.plan, header);
        let mut reader = file.input.text(file.detected.charset, Some(Arc::clone(&self.job.progress)))?;
        match log.read(&mut reader, &|source| file.input.failed(source))? {
            Outcome::NotUtf8 => Err(Attempt::NotUtf8(index)),
            Outcome::Read(0) => Err(no_rows(&file.input.name).into()),
            Outcome::Read(read) => Ok((Counts { read, ..Counts::default() }, notes)),
        }
    }

    fn read_keyless(&mut self, index: usize, file: &Opened, rejects: &Rejects) -> Result<(Counts, Vec<Text>)> {
        let job = self.job;
        self.refuse_repetition(file, model::LOG)?;
        let Body::Csv { dialect, header, format } = &file.detected.body else {
            return Err(super::detect::invalid(
                &file.input.name,
                crate::text!(
                    "a Parquet file holds a table; say which with `--format table:NAME`",
                    "un fichier Parquet contient une table ; indiquez-la avec `--format table:NOM`"
                ),
            ));
        };
        let source = KeylessFile {
            input: &file.input,
            charset: file.detected.charset,
            dialect: *dialect,
            header,
            request: &job.request,
            rejects,
            progress: &job.progress,
            spec: self.log,
            target: &self.next,
            first_chunk: index as u64 * CHUNKS_PER_FILE,
            first_id: self.next_rows,
        };
        self.entities.prepare(&job.store, &job.snapshot, &job.site, &job.handle)?;
        let mut read =
            if *format == Format::Events { source.read_events(&mut self.entities)? } else { source.read_report()? };
        self.next_rows += i64::try_from(read.counts.read).unwrap_or(i64::MAX);
        read.notes.push(crate::text!(
            "the rows have no key: another file with some of the same rows would add them again",
            "les lignes n'ont pas de clé : un autre fichier contenant une partie de ces lignes les ajouterait de nouveau"
        ));
        Ok((read.counts, read.notes))
    }

    fn refuse_repetition(&mut self, file: &Opened, table: &str) -> Result<()> {
        let job = self.job;
        if let Some(sha256) = &file.sha256
            && !job.request.again
            && !self.seen.insert((table.to_owned(), sha256.clone()))
        {
            return Err(super::detect::invalid(
                &file.input.name,
                crate::text!(
                    "the same contents stand twice in this load, and the rows have no key; name the file once, or add `--again`",
                    "le même contenu figure deux fois dans ce chargement, et les lignes n'ont pas de clé ; nommez le fichier une fois, ou ajoutez `--again`"
                ),
            ));
        }
        match &file.sha256 {
            Some(sha256) if !job.request.again => job.handle.block_on(catalogue::refuse_repetition(
                &job.store,
                &job.snapshot,
                &file.input.name,
                sha256,
                &job.site,
                table,
            )),
            _ => Ok(()),
        }
    }

    fn read_table(&mut self, name: &str, file: &Opened, rejects: &Rejects) -> Result<(Counts, Vec<Text>)> {
        let job = self.job;
        let fresh = || TableLoad::new(&job.site, name, job.table(name), self.temporary.clone(), self.table_budget);
        let load = self.tables.entry(name.to_owned()).or_insert_with(fresh);
        let rows = load.read(&file.input, &file.detected, rejects, &job.progress)?;
        let has_key = load.has_key();
        if !has_key {
            self.refuse_repetition(file, name)?;
        }
        Ok((rows.counts, rows.notes))
    }

    fn finish(self, files: &[Opened]) -> Result<(LoadSummary, Option<Change>)> {
        let Self { job, log, given, next, entities, tables, done, .. } = self;
        let empty = Table::default();
        let table = job.table(model::LOG).unwrap_or(&empty);
        let target = WriteTarget::new(&job.handle, job.store.location(), &job.site, model::LOG, true);
        let mut change = Change::new(&job.snapshot, job.request.now, "load", message(files));
        let mut results = Results::default();

        let existing = match given.id_range() {
            Some(range) => job.handle.block_on(existing_ids(&job.store, &job.snapshot, &job.site, range))?,
            None => roaring::RoaringTreemap::new(),
        };
        let given = given.write(table, &Ids::Given { existing }, &target, job.request.threads)?;
        results.log_skipped = given.skipped_of_file.clone();
        let last = table.last_id.max(given.last_id);
        let next = next.write(table, &Ids::Next { last }, &target, job.request.threads)?;
        push_log_change(&mut change, job, log, vec![given, next]);
        change.tables.extend(entities.changes(&job.store, &job.site, &job.handle)?);
        for (name, load) in tables {
            let merged = load.merge(&job.store, job.table(&name), &job.handle)?;
            results.tables.insert(name, (merged.replaced, merged.unchanged + merged.superseded));
            change.tables.extend(merged.change);
        }
        let files: Vec<FileSummary> = files
            .iter()
            .zip(done)
            .enumerate()
            .map(|(index, (file, done))| results.summary(job, index, file, done))
            .collect();
        let summary = LoadSummary { commit: None, files };
        if change.tables.is_empty() {
            return Ok((summary, None));
        }
        change.tables.push(job.catalogue_change(&summary)?);
        Ok((summary, Some(change)))
    }
}

impl Job {
    fn catalogue_change(&self, summary: &LoadSummary) -> Result<TableChange> {
        let entries: Vec<catalogue::Entry<'_>> = summary
            .files
            .iter()
            .map(|file| catalogue::Entry {
                summary: file,
                site: &self.site,
                table: file.table.rsplit('.').next().unwrap_or(&file.table),
                sha256: file.sha256.as_deref(),
            })
            .collect();
        catalogue::change(&self.store, &self.handle, &entries, self.request.now)
    }
}

/// Counts that are known when the tables are merged.
#[derive(Default)]
struct Results {
    /// Rows of the log that were skipped, by the number of the file.
    log_skipped: HashMap<u64, u64>,
    /// Per table: replaced, skipped. They belong to the files of the table in turn.
    tables: HashMap<String, (u64, u64)>,
}

impl Results {
    fn summary(&mut self, job: &Job, index: usize, file: &Opened, done: Done) -> FileSummary {
        let Done { mut counts, mut notes, rejected } = done;
        let table = match file.detected.format() {
            Format::Table(name) => model::bare_name(name).to_lowercase(),
            _ => model::LOG.to_owned(),
        };
        let (replaced, skipped) = match file.detected.format() {
            Format::Table(_) if table != model::LOG => {
                take_up_to(self.tables.entry(table.clone()).or_default(), counts.loaded)
            }
            _ => (0, self.log_skipped.get(&(index as u64)).copied().unwrap_or(0)),
        };
        counts.replaced = replaced;
        counts.skipped = skipped;
        counts.loaded -= replaced + skipped;
        notes.extend(rejected.notes);
        if file.detected.charset == Charset::Windows1252 {
            notes.push(crate::text!(
                "the file is not UTF-8; it was read as Windows-1252",
                "le fichier n'est pas en UTF-8 ; il a été lu comme Windows-1252"
            ));
        }
        let site = &job.site;
        FileSummary {
            name: Arc::clone(&file.input.name),
            table: format!("{site}.{table}"),
            format: file.detected.format().clone(),
            encoding: file.detected.charset.name(),
            counts,
            faults: rejected.faults,
            rejects: rejected.path,
            notes,
            sha256: file.sha256.clone(),
        }
    }
}

/// Several files of one table are merged together; their replaced and skipped rows are told in the order of the files.
fn take_up_to(rest: &mut (u64, u64), rows: u64) -> (u64, u64) {
    let replaced = rest.0.min(rows);
    let skipped = rest.1.min(rows - replaced);
    rest.0 -= replaced;
    rest.1 -= skipped;
    (replaced, skipped)
}

fn push_log_change(change: &mut Change, job: &Job, log: &TableSpec, written: Vec<Written>) {
    let last_id = written.iter().map(|part| part.last_id).max().unwrap_or(0);
    let add: Vec<NewFile> =
        written.into_iter().flat_map(|part| part.files).map(|file| NewFile { file, keeps_commits: false }).collect();
    if add.is_empty() {
        return;
    }
    change.tables.push(TableChange {
        site: job.site.clone(),
        table: log.name.to_owned(),
        columns: manifest_columns(log),
        key: log.key.iter().map(|column| (*column).to_owned()).collect(),
        clustered: true,
        add,
        remove: std::collections::BTreeSet::new(),
        last_id,
        need: TableNeed::NewIds,
    });
}

fn message(files: &[Opened]) -> String {
    let names: Vec<&str> = files.iter().take(3).map(|file| file.input.name.as_ref()).collect();
    let more = files.len().saturating_sub(names.len());
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

/// Names of tables are those of SQL: lower case letters, digits and `_`.
fn table_name(name: &str) -> Result<String> {
    let bare = model::bare_name(name).to_lowercase();
    let plain = bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !bare.is_empty() && bare.len() <= 64;
    if plain {
        return Ok(bare);
    }
    Err(Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "\"{name}\" cannot name a table; use up to 64 letters, digits and `_`",
            "\"{name}\" ne peut pas nommer une table ; utilisez jusqu'à 64 lettres, chiffres et `_`"
        ),
    ))
}

fn log_notes(plan: &[ColumnPlan], header: &[Arc<str>]) -> Vec<Text> {
    let mut notes = Vec::new();
    let absent: Vec<String> =
        plan.iter().filter(|column| !column.is_present()).map(|column| format!("`{}`", column.name())).collect();
    if !absent.is_empty() {
        let list = absent.join(", ");
        notes.push(crate::text!(
            "columns that the file does not have are empty, or 0 where the log requires a number: {list}",
            "colonnes absentes du fichier, laissées vides, ou à 0 là où le journal exige un nombre : {list}"
        ));
    }
    let known = |name: &Arc<str>| {
        name.starts_with('_') || plan.iter().any(|column| super::value::is_column(name, column.name()))
    };
    let extra: Vec<String> = header.iter().filter(|name| !known(name)).map(|name| format!("`{name}`")).collect();
    if !extra.is_empty() {
        let list = extra.join(", ");
        notes.push(crate::text!(
            "columns that the log does not have were left out: {list}",
            "colonnes que le journal n'a pas, laissées de côté : {list}"
        ));
    }
    notes
}
