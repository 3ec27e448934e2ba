//! Where the demo goes, and the care not to delete what is not its own.
//!
//! A folder that the demo made holds a mark with the last commit that the demo made. Only such a folder is replaced,
//! and only while nobody else has committed to it.

use std::io;
use std::path::{Path, PathBuf};

use engine::{Error, ErrorKind, Result, text};
use serde::{Deserialize, Serialize};

use crate::cli::open;

/// File that says that the folder is a demo.
const MARK: &str = "assidu-demo.json";

/// Commits that change nothing that anybody made by hand.
const HARMLESS: &[&str] = &["optimize", "vacuum"];

/// Contents of the mark.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    /// Last commit of the demo; absent while it is being made.
    commit: Option<u64>,
}

/// The place of a demo.
#[derive(Debug)]
pub(super) struct Place<'a> {
    url: &'a str,
    /// The folder, when the place is a local one.
    folder: Option<PathBuf>,
}

impl<'a> Place<'a> {
    /// A folder, or the URL of a place that is used only when it is empty.
    pub(super) fn of(url: &'a str) -> Self {
        Self { url, folder: (!url.contains("://")).then(|| PathBuf::from(url)) }
    }

    /// Makes the place empty, when that destroys nothing but an earlier demo.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when something else is there.
    pub(super) async fn clear(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return self.require_empty_store().await };
        if !folder.exists() || (folder.is_dir() && folder.read_dir()?.next().is_none()) {
            return Ok(());
        }
        let Some(mark) = read_mark(folder) else { return Err(self.not_a_demo()) };
        if let Some(commit) = mark.commit {
            self.require_untouched(commit).await?;
        }
        Ok(std::fs::remove_dir_all(folder)?)
    }

    /// Says that the place is a demo, made up to this commit.
    pub(super) fn mark(&self, commit: Option<u64>) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let text = serde_json::to_string(&Mark { commit }).map_err(|error| Error::bug("a mark").because(error))?;
        std::fs::create_dir_all(folder)?;
        // Renamed into place: a half-written mark would make the folder a stranger.
        let part = folder.join(format!("{MARK}.part"));
        std::fs::write(&part, text)?;
        Ok(std::fs::rename(&part, folder.join(MARK))?)
    }

    /// The folder of rejected rows, which goes with the demo.
    pub(super) fn rejects(&self) -> io::Result<Option<PathBuf>> {
        let folder = match &self.folder {
            Some(folder) => folder.join("files").join("rejected"),
            None => std::env::temp_dir().join("assidu-demo-rejected"),
        };
        std::fs::create_dir_all(&folder)?;
        Ok(Some(folder))
    }

    async fn require_empty_store(&self) -> Result<()> {
        let engine = open::open(self.url).await?;
        if engine.snapshot(None).await?.commit() == 0 { Ok(()) } else { Err(self.not_a_demo()) }
    }

    async fn require_untouched(&self, commit: u64) -> Result<()> {
        let engine = open::open_existing(self.url).await?;
        let later = engine.store().snapshots().await?.into_iter().filter(|info| info.commit > commit);
        let mut foreign = later.filter(|info| !HARMLESS.contains(&info.kind.as_str()));
        let Some(info) = foreign.next() else { return Ok(()) };
        let (url, commit) = (self.url, info.commit);
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "the demo in `{url}` was changed by commit {commit}; delete the folder yourself, or name another with `--store`",
                "la démo dans `{url}` a été modifiée par le commit {commit} ; supprimez le dossier vous-même, ou nommez-en un autre avec `--store`"
            ),
        ))
    }

    fn not_a_demo(&self) -> Error {
        let url = self.url;
        Error::new(
            ErrorKind::Invalid,
            text!(
                "`{url}` holds something that is no demo; name an empty place with `--store`",
                "`{url}` contient autre chose qu'une démo ; nommez un endroit vide avec `--store`"
            ),
        )
    }
}

fn read_mark(folder: &Path) -> Option<Mark> {
    serde_json::from_slice(&std::fs::read(folder.join(MARK)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn clear(folder: &Path) -> Result<()> {
        Place::of(folder.to_str().unwrap()).clear().await
    }

    #[tokio::test]
    async fn an_empty_place_is_free() {
        let folder = tempfile::tempdir().unwrap();
        clear(folder.path()).await.unwrap();
        clear(&folder.path().join("new")).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_no_demo_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let thesis = folder.path().join("thesis.txt");
        std::fs::write(&thesis, "years of work").unwrap();
        assert_eq!(clear(folder.path()).await.unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(clear(&thesis).await.unwrap_err().kind(), ErrorKind::Invalid);
        std::fs::write(folder.path().join(MARK), "not a mark").unwrap();
        assert_eq!(clear(folder.path()).await.unwrap_err().kind(), ErrorKind::Invalid);
        assert!(thesis.exists());
    }

    #[tokio::test]
    async fn a_demo_that_was_never_finished_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path().to_str().unwrap());
        place.mark(None).unwrap();
        std::fs::create_dir(folder.path().join("campus")).unwrap();
        place.clear().await.unwrap();
        assert!(!folder.path().exists());
    }

    #[test]
    fn rejected_rows_go_with_the_demo() {
        let folder = tempfile::tempdir().unwrap();
        let rejects = Place::of(folder.path().to_str().unwrap()).rejects().unwrap().unwrap();
        assert!(rejects.starts_with(folder.path()) && rejects.is_dir());
    }
}
