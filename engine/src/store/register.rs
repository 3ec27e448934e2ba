//! [`Register`]: a small document beside the data, with versions: what the processes that share a store agree on.
//!
//! Accounts, tokens and marks are no rows that anybody queries, and they change while readers keep their snapshots.
//! So they are not in manifests: each document has its own sequence of numbered versions, and the newest one counts.
//! As with manifests, a version is created if and only if its number is free, on a disk and on an object store alike.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;

use super::Store;
use super::layout::Location;
use crate::error::{Error, ErrorKind, Result};

/// Folder of all registers.
const FOLDER: &str = "registers";

/// Versions that stay behind the newest one. A writer always starts from the newest version, so it could only fill the
/// gap of a deleted one if this many were written between its look and its write.
const KEPT: u64 = 200;

/// How many more may lie there before they are deleted, so that not every write lists and deletes.
const SLACK: usize = 100;

/// Whether a place has a document in any register.
pub(super) async fn is_any(location: &Location) -> Result<bool> {
    Ok(!location.list(&Path::from(FOLDER), None).await?.is_empty())
}

/// A document with versions.
#[derive(Debug, Clone)]
pub struct Register {
    store: Arc<Store>,
    folder: Path,
}

/// One version of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterEntry {
    /// Its number, from 1.
    pub version: u64,
    /// The document.
    pub bytes: Bytes,
}

impl Register {
    /// The register of this name: lower-case letters, digits, dashes, and slashes for groups of registers.
    pub(crate) fn new(store: &Arc<Store>, name: &str) -> Self {
        Self { store: Arc::clone(store), folder: Path::from(format!("{FOLDER}/{name}")) }
    }

    /// Number of the newest version; 0 when nothing was written yet.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached.
    pub async fn version(&self) -> Result<u64> {
        Ok(self.versions().await?.last().copied().unwrap_or(0))
    }

    /// The newest version; `None` when nothing was written yet.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached.
    pub async fn read(&self) -> Result<Option<RegisterEntry>> {
        loop {
            let version = self.version().await?;
            if version == 0 {
                return Ok(None);
            }
            match self.store.location().read(&self.path(version)).await {
                Ok(bytes) => return Ok(Some(RegisterEntry { version, bytes })),
                // Many others wrote since the look, and this one was cleared away.
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes the version that follows `after`, the version that was read (0 for none).
    ///
    /// Answers `false`, and writes nothing, when another process wrote it first: read again and decide anew.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be written.
    pub async fn write(&self, after: u64, bytes: Vec<u8>) -> Result<bool> {
        let versions = self.versions().await?;
        if versions.last().copied().unwrap_or(0) != after {
            return Ok(false);
        }
        let version = after.checked_add(1).ok_or_else(|| Error::bug("a register has no more numbers"))?;
        if !self.store.location().create(&self.path(version), bytes).await? {
            return Ok(false);
        }
        let old: Vec<u64> = versions.into_iter().filter(|old| old.saturating_add(KEPT) < version).collect();
        if old.len() >= SLACK {
            let paths = old.into_iter().map(|old| self.path(old)).collect();
            super::layout::delete_all(self.store.location(), paths).await?;
        }
        Ok(true)
    }

    /// Deletes all versions.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be written.
    pub async fn delete(&self) -> Result<()> {
        let paths = self.versions().await?.into_iter().map(|version| self.path(version)).collect();
        super::layout::delete_all(self.store.location(), paths).await
    }

    /// Names of the registers below a folder of registers, sorted.
    pub(crate) async fn names(store: &Store, folder: &str) -> Result<Vec<String>> {
        let listed = store.location().list(&Path::from(format!("{FOLDER}/{folder}")), None).await?;
        let prefix = format!("{FOLDER}/");
        let name = |path: &str| Some(path.strip_prefix(&prefix)?.rsplit_once('/')?.0.to_owned());
        let names: BTreeSet<String> = listed.iter().filter_map(|object| name(object.location.as_ref())).collect();
        Ok(names.into_iter().collect())
    }

    /// Numbers of the versions that are there, ascending.
    async fn versions(&self) -> Result<Vec<u64>> {
        let listed = self.store.location().list(&self.folder, None).await?;
        let number = |path: &Path| path.filename()?.strip_suffix(".json")?.parse::<u64>().ok();
        let mut versions: Vec<u64> = listed
            .iter()
            // Registers of a group lie in folders below this one.
            .filter(|object| object.location.parts_count() == self.folder.parts_count() + 1)
            .filter_map(|object| number(&object.location))
            .collect();
        versions.sort_unstable();
        Ok(versions)
    }

    fn path(&self, version: u64) -> Path {
        self.folder.clone().join(format!("{version:020}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn registers(url: &str) -> (Register, Register) {
        let store = Arc::new(Store::open(url, &[]).await.unwrap());
        (Register::new(&store, "accounts"), Register::new(&store, "accounts/use"))
    }

    #[tokio::test]
    async fn the_newest_version_counts_and_nobody_overwrites_it() {
        let folder = tempfile::tempdir().unwrap();
        for url in ["memory://", folder.path().to_str().unwrap()] {
            let (accounts, usage) = registers(url).await;
            assert_eq!(accounts.read().await.unwrap(), None);
            assert!(accounts.write(0, b"one".to_vec()).await.unwrap());
            assert!(!accounts.write(0, b"other".to_vec()).await.unwrap(), "somebody was first");
            assert!(accounts.write(1, b"two".to_vec()).await.unwrap());
            let newest = accounts.read().await.unwrap().unwrap();
            assert_eq!((newest.version, newest.bytes.as_ref()), (2, b"two".as_slice()));
            assert_eq!(usage.version().await.unwrap(), 0, "a register below another is another");
        }
    }

    #[tokio::test]
    async fn writers_at_once_lose_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap().to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..4u8 {
            let (accounts, _) = registers(&url).await;
            tasks.spawn(async move {
                for item in 0..20u8 {
                    loop {
                        let entry = accounts.read().await.unwrap();
                        let (version, mut bytes) =
                            entry.map_or((0, Vec::new()), |entry| (entry.version, entry.bytes.to_vec()));
                        bytes.push(writer * 20 + item);
                        if accounts.write(version, bytes).await.unwrap() {
                            break;
                        }
                    }
                }
            });
        }
        tasks.join_all().await;
        let (accounts, _) = registers(&url).await;
        let mut items = accounts.read().await.unwrap().unwrap().bytes.to_vec();
        items.sort_unstable();
        assert_eq!(items, (0..80).collect::<Vec<u8>>());
    }

    #[tokio::test]
    async fn old_versions_are_cleared_away() {
        let (accounts, _) = registers("memory://").await;
        for version in 0..KEPT + 150 {
            assert!(accounts.write(version, version.to_string().into_bytes()).await.unwrap());
        }
        let versions = accounts.versions().await.unwrap();
        assert_eq!(versions.last(), Some(&(KEPT + 150)));
        assert!(versions.len() <= usize::try_from(KEPT).unwrap() + SLACK + 1, "{}", versions.len());
        assert!(!accounts.write(0, Vec::new()).await.unwrap(), "a gap is never filled");
    }
}
