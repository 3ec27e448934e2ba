//! [`Marks`]: the progress of consumers, kept beside the data.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::progress::{Acknowledged, NewBatch, Opened, Position, Progress};
use crate::store::{Register, Snapshot, Store};
use crate::{ErrorKind, Result};

/// Folder of the registers of all consumers.
const FOLDER: &str = "etl-marks";

/// The progress of one consumer with one view. Processes that share the store agree on it.
#[derive(Debug, Clone)]
pub struct Marks {
    register: Register,
}

impl Marks {
    /// The progress of an instance with a view: both names have small letters, digits, `-` and `_`.
    pub fn new(store: &Arc<Store>, instance: &str, view: &str) -> Self {
        Self { register: Register::new(store, &format!("{FOLDER}/{instance}/{view}")) }
    }

    /// The progress now.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached, `Newer` or `Corrupt` when the document cannot be read.
    pub async fn load(&self) -> Result<Progress> {
        Ok(self.register.read_document().await?.1)
    }

    /// [`Progress::open`], kept.
    ///
    /// # Errors
    ///
    /// Those of [`Progress::open`] and of [`Marks::load`].
    pub async fn open(&self, at: Position, new: &NewBatch<'_>) -> Result<Opened> {
        self.register.update_document(pause, |progress: &mut Progress| progress.open(at, new.clone())).await
    }

    /// [`Progress::acknowledge`], kept.
    ///
    /// # Errors
    ///
    /// Those of [`Progress::acknowledge`] and of [`Marks::load`].
    pub async fn acknowledge(&self, id: &str, now: i64, replay: i64) -> Result<Acknowledged> {
        self.register.update_document(pause, |progress: &mut Progress| progress.acknowledge(id, now, replay)).await
    }

    /// [`Progress::reset`], kept.
    ///
    /// # Errors
    ///
    /// Those of [`Marks::load`].
    pub async fn reset(&self, to: u64, reason: &str, now: i64, restores: u64) -> Result<Progress> {
        let reset = |progress: &mut Progress| {
            progress.reset(to, reason, now, restores);
            Ok(progress.clone())
        };
        self.register.update_document(pause, reset).await
    }

    /// Forgets everything that is known of an instance.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached.
    pub async fn forget(store: &Arc<Store>, instance: &str) -> Result<()> {
        for view in Self::views(store, instance).await? {
            Register::new(store, &format!("{FOLDER}/{instance}/{view}")).delete().await?;
        }
        Ok(())
    }

    /// The views that an instance has ever pulled incrementally, sorted.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached.
    pub async fn views(store: &Arc<Store>, instance: &str) -> Result<Vec<String>> {
        let folder = format!("{FOLDER}/{instance}/");
        let names = Register::names(store, FOLDER).await?;
        Ok(names.iter().filter_map(|name| name.strip_prefix(&folder)).map(str::to_owned).collect())
    }
}

impl Position {
    /// Where a snapshot is, seen from a table.
    pub fn of(snapshot: &Snapshot, site: &str, table: &str) -> Self {
        let files = snapshot.manifest().table(site, table).map(|table| table.files.as_slice()).unwrap_or_default();
        let changed = files.iter().map(|file| file.newest_commit()).max().unwrap_or(0).min(snapshot.commit());
        Self { commit: snapshot.commit(), changed, restores: snapshot.manifest().restores }
    }
}

/// Commits whose snapshots a consumer may still pull from.
///
/// # Errors
///
/// `Io` when the store cannot be reached; a document that cannot be read is an error too, because what it pins is not
/// known.
pub async fn pinned_commits(store: &Arc<Store>, now: i64, replay: i64) -> Result<BTreeSet<u64>> {
    let mut pinned = BTreeSet::new();
    for name in Register::names(store, FOLDER).await? {
        let progress: Progress = match Register::new(store, &name).read_document().await {
            Ok((_, progress)) => progress,
            // It was deleted since the look.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        pinned.extend(progress.pinned(now, replay));
    }
    Ok(pinned)
}

/// A little longer each time.
fn pause(attempt: u32) -> Duration {
    Duration::from_millis(u64::from(attempt.min(10)) * 3)
}
