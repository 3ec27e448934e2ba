//! The store: immutable Parquet files, and one manifest per commit that names them.
//!
//! A commit is the creation of the next manifest, and nothing else is: readers see the state before it or after it,
//! over all tables and sites. Only this module writes or names Parquet paths.

mod change;
mod document;
mod fileset;
mod layout;
mod manifest;
mod merge;
mod optimize;
mod read;
mod register;
mod report;
mod scan;
mod step;
mod vacuum;
mod verify;
mod writer;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arrow::array::RecordBatch;
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::{Error, ErrorKind, Result};

pub use change::{Change, NewFile, TableChange, TableNeed};
pub use document::Document;
pub(crate) use fileset::clusters;
use layout::Location;
pub use manifest::{Bound, COMMIT, Column, ColumnStats, ColumnType, DataFile, FORMAT, Manifest, Site, Table};
pub use optimize::OptimizeOptions;
pub(crate) use read::{aligned, batches as file_batches, cast_exactly};
pub use register::{Register, RegisterEntry};
pub use report::{CommitInfo, OptimizeReport, TableStats, VacuumReport, VerifyReport};
pub use scan::TableScan;
pub(crate) use scan::{STORE_URL, arrow_type};
pub(crate) use step::step;
pub use step::{STEPS, observe};
pub use vacuum::MIN_KEEP_SECONDS;
pub(crate) use writer::{FILE_ROWS, FileWriter, ROW_GROUP_ROWS, WriteTarget, sort_columns};

/// Name of the site that needs no prefix, until an operator chooses another.
pub const DEFAULT_SITE: &str = "main";

/// Site of the store's own catalogue tables (loads …); no Moodle instance can have this name.
pub const CATALOGUE_SITE: &str = "assidu";

/// Kind of the commits that record pulls.
pub(crate) const PULLS_KIND: &str = "pulls";

/// Table of the records of pulls, in [`CATALOGUE_SITE`].
pub(crate) const PULLS: &str = "pulls";

/// How often a commit that loses the race is tried again on the winner's state.
const MAX_REBASES: usize = 20;

/// An open store.
#[derive(Debug)]
pub struct Store {
    location: Location,
    /// The newest snapshot seen, so that listing starts there.
    newest: Mutex<Arc<Snapshot>>,
    /// Snapshots in use in this process: vacuum spares their files.
    in_use: Mutex<Vec<Weak<Snapshot>>>,
}

impl Store {
    /// Opens the store at a folder or URL, and prepares an empty one when there is nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a place that cannot be a store, [`ErrorKind::Newer`] and [`ErrorKind::Corrupt`] for
    /// one that cannot be read.
    pub async fn open(url: &str, options: &[(String, String)]) -> Result<Self> {
        let mut location = Location::parse(url, options)?;
        location.prepare_folder(true)?;
        Self::of_location(location).await
    }

    /// Opens a store that must exist: one with at least one commit, or with a document in a register.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is none.
    pub async fn open_existing(url: &str, options: &[(String, String)]) -> Result<Self> {
        let mut location = Location::parse(url, options)?;
        location.prepare_folder(false)?;
        let store = Self::of_location(location).await?;
        if store.snapshot(None).await?.commit() == 0 && !register::is_any(&store.location).await? {
            return Err(layout::no_store(url));
        }
        Ok(store)
    }

    /// A store inside an object store that the caller made, such as one in memory.
    pub async fn of_objects(name: &str, objects: Arc<dyn ObjectStore>) -> Result<Self> {
        Self::of_location(Location::of_objects(name, objects)).await
    }

    async fn of_location(location: Location) -> Result<Self> {
        let empty = Arc::new(Snapshot { manifest: Manifest::empty() });
        let store = Self { location, newest: Mutex::new(empty), in_use: Mutex::default() };
        store.snapshot(None).await?;
        Ok(store)
    }

    /// The folder or URL as the operator gave it.
    pub fn name(&self) -> &str {
        self.location.name()
    }

    /// The object store that holds the files, with paths relative to the store.
    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        self.location.objects()
    }

    pub(crate) fn location(&self) -> &Location {
        &self.location
    }

    /// The newest snapshot, or the one of a commit.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] for a commit that never was or whose manifest is gone.
    pub async fn snapshot(&self, commit: Option<u64>) -> Result<Arc<Snapshot>> {
        let snapshot = match commit {
            None => self.refresh().await?,
            Some(commit) => self.snapshot_of(commit).await?,
        };
        let mut in_use = lock(&self.in_use);
        in_use.retain(|known| known.strong_count() > 0);
        if !in_use.iter().any(|known| known.as_ptr() == Arc::as_ptr(&snapshot)) {
            in_use.push(Arc::downgrade(&snapshot));
        }
        Ok(snapshot)
    }

    async fn refresh(&self) -> Result<Arc<Snapshot>> {
        let known = Arc::clone(&lock(&self.newest));
        let after = (known.commit() > 0).then(|| Manifest::path(known.commit()));
        let listed = self.location.list(&Path::from(manifest::FOLDER), after.as_ref()).await?;
        let newest = listed.iter().filter_map(|object| Manifest::commit_of(&object.location)).max();
        let snapshot = match newest {
            Some(commit) if commit > known.commit() => self.read_manifest(commit).await?,
            _ => return Ok(known),
        };
        let mut newest = lock(&self.newest);
        if snapshot.commit() > newest.commit() {
            *newest = Arc::clone(&snapshot);
        }
        Ok(snapshot)
    }

    async fn snapshot_of(&self, commit: u64) -> Result<Arc<Snapshot>> {
        let newest = self.refresh().await?;
        if commit == newest.commit() {
            return Ok(newest);
        }
        match self.read_manifest(commit).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let newest = newest.commit();
                Err(Error::new(
                    ErrorKind::NotFound,
                    crate::text!(
                        "the store has no snapshot {commit}; the newest is {newest}, `assidu store snapshots` lists them",
                        "le magasin n'a pas d'instantané {commit} ; le plus récent est {newest}, `assidu store snapshots` les liste"
                    ),
                ))
            }
            other => other,
        }
    }

    async fn read_manifest(&self, commit: u64) -> Result<Arc<Snapshot>> {
        let path = Manifest::path(commit);
        let bytes = self.location.read(&path).await?;
        Ok(Arc::new(Snapshot { manifest: Manifest::from_bytes(&path, &bytes)? }))
    }

    /// The commits whose manifests are still there, oldest first.
    pub async fn snapshots(&self) -> Result<Vec<CommitInfo>> {
        let mut infos = Vec::new();
        for commit in self.kept_commits().await? {
            infos.push(CommitInfo::of(&self.read_manifest(commit).await?.manifest));
        }
        Ok(infos)
    }

    /// Numbers of the commits whose manifests are still there, ascending.
    pub(crate) async fn kept_commits(&self) -> Result<Vec<u64>> {
        let listed = self.location.list(&Path::from(manifest::FOLDER), None).await?;
        let mut commits: Vec<u64> = listed.iter().filter_map(|object| Manifest::commit_of(&object.location)).collect();
        commits.sort_unstable();
        Ok(commits)
    }

    /// Makes a change visible, all of it at once; answers the new snapshot.
    ///
    /// When another process commits first, the change is checked against the winner's state and tried again there.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] when the change no longer fits what the other process did; nothing is changed then.
    pub async fn commit(&self, change: &Change) -> Result<Arc<Snapshot>> {
        for _ in 0..MAX_REBASES {
            // Always from the newest state: a gap left by `vacuum` must never be filled by an old writer.
            let base = self.refresh().await?;
            let next = change.apply(&base.manifest)?;
            step("commit:before");
            if self.location.create(&Manifest::path(next.commit), next.to_bytes()?).await? {
                step("commit:after");
                tracing::info!(commit = next.commit, kind = %next.kind, "committed");
                let snapshot = Arc::new(Snapshot { manifest: next });
                let mut newest = lock(&self.newest);
                if snapshot.commit() > newest.commit() {
                    *newest = Arc::clone(&snapshot);
                }
                return Ok(snapshot);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            crate::text!(
                "other processes committed {MAX_REBASES} times in a row first; nothing was changed, run it again",
                "d'autres processus ont validé {MAX_REBASES} fois de suite avant ; rien n'a été changé, recommencez"
            ),
        ))
    }

    /// Makes the contents of an older commit the newest ones, as a new commit; answers its number.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when that snapshot, or a file of it, is gone.
    pub async fn restore(&self, commit: u64, now: i64) -> Result<u64> {
        let wanted = self.snapshot(Some(commit)).await?;
        self.require_files(&wanted).await?;
        for _ in 0..MAX_REBASES {
            let base = self.snapshot(None).await?;
            let change = Change::restore(&base, &wanted.manifest, now);
            match self.commit(&change).await {
                Ok(snapshot) => return Ok(snapshot.commit()),
                // Records of pulls are kept by a restore, so nothing is lost by beginning again.
                Err(error) if error.kind() == ErrorKind::Conflict && self.only_recorded_since(&base).await? => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            crate::text!(
                "pulls are recorded without a pause; stop the server, and restore then",
                "des tirages sont enregistrés sans cesse ; arrêtez le serveur, puis rétablissez"
            ),
        ))
    }

    /// Whether all commits since a snapshot only recorded pulls.
    async fn only_recorded_since(&self, base: &Snapshot) -> Result<bool> {
        let newest = self.snapshot(None).await?.commit();
        for commit in base.commit() + 1..=newest {
            if self.read_manifest(commit).await?.manifest.kind != PULLS_KIND {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn require_files(&self, snapshot: &Snapshot) -> Result<()> {
        let present = self.present_files().await?;
        for file in snapshot.manifest.files() {
            if !present.contains_key(&file.path) {
                let (path, commit) = (&file.path, snapshot.commit());
                return Err(Error::new(
                    ErrorKind::NotFound,
                    crate::text!(
                        "snapshot {commit} needs `{path}`, which was vacuumed; choose a younger snapshot",
                        "l'instantané {commit} a besoin de `{path}`, qui a été purgé ; choisissez un instantané plus récent"
                    ),
                ));
            }
        }
        Ok(())
    }

    /// Data files that are there, with their sizes.
    pub(crate) async fn present_files(&self) -> Result<BTreeMap<String, u64>> {
        let listed = self.location.list(&Path::from(""), None).await?;
        let data = listed.into_iter().filter(|object| object.location.as_ref().ends_with(".parquet"));
        Ok(data.map(|object| (object.location.to_string(), object.size)).collect())
    }

    /// The bytes of a data file, checked against its checksum.
    pub(crate) async fn read_file(&self, file: &DataFile) -> Result<bytes::Bytes> {
        let bytes = self.location.read(&file.object_path()).await?;
        if crc32fast::hash(&bytes) == file.crc32 {
            return Ok(bytes);
        }
        let path = &file.path;
        Err(Error::new(
            ErrorKind::Corrupt,
            crate::text!(
                "`{path}` is damaged; run `assidu store verify` and restore the file from a copy",
                "`{path}` est endommagé ; lancez `assidu store verify` et rétablissez le fichier depuis une copie"
            ),
        ))
    }

    /// All rows of a small table, in the types that queries see, with the column `_commit` behind.
    pub(crate) async fn read_table(&self, table: &Table) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        for file in &table.files {
            batches.extend(read::batches(table, file, self.read_file(file).await?)?);
        }
        Ok(batches)
    }

    /// Commits of snapshots that somebody in this process still holds.
    pub(crate) fn commits_in_use(&self) -> Vec<u64> {
        lock(&self.in_use).iter().filter_map(Weak::upgrade).map(|snapshot| snapshot.commit()).collect()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The immutable state of all tables after one commit.
#[derive(Debug)]
pub struct Snapshot {
    manifest: Manifest,
}

impl Snapshot {
    /// The commit; 0 is the empty store.
    pub fn commit(&self) -> u64 {
        self.manifest.commit
    }

    /// The whole state.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Figures of every table, ordered by site and name.
    pub fn table_stats(&self) -> Vec<TableStats> {
        let sites = self.manifest.sites.iter();
        sites
            .flat_map(|(site, tables)| tables.tables.iter().map(|(name, table)| TableStats::of(site, name, table)))
            .collect()
    }
}
