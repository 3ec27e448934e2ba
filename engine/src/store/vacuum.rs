//! `store vacuum`: deletes old manifests, and data files that no kept manifest names.

use std::collections::BTreeSet;

use object_store::path::Path;

use super::layout::delete_all;
use super::manifest::{self, Manifest};
use super::{Store, VacuumReport, step};
use crate::error::{Error, ErrorKind, Result};

/// Shortest time that a snapshot, and a file that no snapshot names yet, is kept. A running load has written files
/// before its commit, and a reader of another process holds its snapshot without telling anybody.
pub const MIN_KEEP_SECONDS: i64 = 3600;

impl Store {
    /// Deletes manifests older than `keep_seconds` and data files that no kept manifest names. The newest snapshot,
    /// those of the `pinned` commits and those in use in this process always stay. With `force`, times shorter than [`MIN_KEEP_SECONDS`] are accepted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for a shorter time without `force`.
    pub async fn vacuum(
        &self,
        now: i64,
        keep_seconds: i64,
        pinned: &BTreeSet<u64>,
        dry_run: bool,
        force: bool,
    ) -> Result<VacuumReport> {
        if keep_seconds < MIN_KEEP_SECONDS && !force {
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "{keep_seconds} s is less than {MIN_KEEP_SECONDS} s: loads and readers of other processes could lose files; stop them and add `--force`",
                    "{keep_seconds} s est inférieur à {MIN_KEEP_SECONDS} s : des chargements et lecteurs d'autres processus pourraient perdre des fichiers ; arrêtez-les et ajoutez `--force`"
                ),
            ));
        }
        step("vacuum:before");
        let (old, named) = self.sort_manifests(now - keep_seconds, pinned).await?;
        let mut report = VacuumReport { manifests: old.len() as u64, ..VacuumReport::default() };
        let garbage = self.garbage(&named, now - keep_seconds).await?;
        report.files = garbage.len() as u64;
        report.bytes = garbage.iter().map(|(_, bytes)| bytes).sum();
        if dry_run {
            return Ok(report);
        }
        // Manifests first: a file must never go while a manifest still names it.
        for commit in old {
            self.location().delete(&Manifest::path(commit)).await?;
            step("vacuum:manifest");
        }
        step("vacuum:file");
        delete_all(self.location(), garbage.into_iter().map(|(path, _)| path).collect()).await?;
        step("vacuum:after");
        Ok(report)
    }

    /// Commits whose manifests go, and the paths that the others name.
    async fn sort_manifests(&self, before: i64, pinned: &BTreeSet<u64>) -> Result<(Vec<u64>, BTreeSet<String>)> {
        let newest = self.snapshot(None).await?.commit();
        let in_use = self.commits_in_use();
        let mut old = Vec::new();
        let mut named = BTreeSet::new();
        for commit in self.kept_commits().await? {
            let snapshot = self.read_manifest(commit).await?;
            let manifest = snapshot.manifest();
            let needed = pinned.contains(&commit) || in_use.contains(&commit);
            if commit < newest && manifest.at < before && !needed {
                old.push(commit);
            } else {
                named.extend(manifest.files().map(|file| file.path.clone()));
            }
        }
        Ok((old, named))
    }

    /// Files that nothing names and that are old enough not to belong to a running load.
    async fn garbage(&self, named: &BTreeSet<String>, before: i64) -> Result<Vec<(Path, u64)>> {
        let mut garbage = Vec::new();
        for object in self.location().list(&Path::from(""), None).await? {
            let path = object.location.as_ref();
            let is_data = path.ends_with(".parquet") && !named.contains(path);
            let is_staged = path.starts_with(manifest::FOLDER) && Manifest::commit_of(&object.location).is_none();
            if (is_data || is_staged) && object.last_modified.timestamp() <= before {
                garbage.push((object.location, object.size));
            }
        }
        Ok(garbage)
    }
}
