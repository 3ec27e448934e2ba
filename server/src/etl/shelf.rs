//! [`Shelf`]: the views of a server, re-read when their files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use engine::query::Limits;
use engine::view::{Views, ViewsReport};
use engine::{Engine, Lang, Result, SessionRequest};
use tokio::sync::Mutex;

/// What tells whether files have changed: name, size and time of each.
type Fingerprint = Vec<(PathBuf, u64, Option<SystemTime>)>;

/// What the last look saw.
#[derive(Debug, Default)]
struct Look {
    at: Option<Instant>,
    files: Fingerprint,
    commit: u64,
}

/// The views of a server.
#[derive(Debug)]
pub struct Shelf {
    folder: Option<PathBuf>,
    refresh: Duration,
    views: RwLock<Arc<Views>>,
    look: Mutex<Look>,
}

impl Shelf {
    /// The views of the product and those of a folder, which is looked at again after `refresh`.
    pub fn new(folder: Option<PathBuf>, refresh: Duration) -> Self {
        Self { folder, refresh, views: RwLock::default(), look: Mutex::default() }
    }

    /// The folder of the operator's own views.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The views now. A file that has become wrong leaves its last good version.
    ///
    /// # Errors
    ///
    /// Failures of the store; bad files are none.
    pub async fn views(&self, engine: &Engine) -> Result<Arc<Views>> {
        self.look(engine, false).await?;
        Ok(Arc::clone(&self.views.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Looks at the files, also when the last look was just now; answers what changed and all that is wrong.
    ///
    /// # Errors
    ///
    /// Failures of the store.
    pub async fn reload(&self, engine: &Engine) -> Result<ViewsReport> {
        self.look(engine, true).await.map(Option::unwrap_or_default)
    }

    async fn look(&self, engine: &Engine, now: bool) -> Result<Option<ViewsReport>> {
        let mut look = self.look.lock().await;
        if !now && look.at.is_some_and(|at| at.elapsed() < self.refresh) {
            return Ok(None);
        }
        let files = self.fingerprint();
        let snapshot = engine.snapshot(None).await?;
        let before = Arc::clone(&self.views.read().unwrap_or_else(PoisonError::into_inner));
        // A view that missed a table may find it after a load.
        let may_heal = look.commit != snapshot.commit() && before.faults().next().is_some();
        if !now && look.at.is_some() && files == look.files && !may_heal {
            look.at = Some(Instant::now());
            return Ok(None);
        }
        let request = SessionRequest { known_tables: true, ..SessionRequest::new(Limits::default()) };
        let session = engine.session_for(&request).await?;
        let (views, report) = Views::load(self.folder.as_deref(), &session, &before).await;
        // What was told before is not told again.
        for fault in report.faults.iter().filter(|fault| before.faults().all(|known| known != *fault)) {
            tracing::error!(target: "server::views", "{}", fault.render(Lang::En));
        }
        if look.at.is_some() && !(report.published.is_empty() && report.removed.is_empty()) {
            tracing::info!(target: "server::views", published = ?report.published, removed = ?report.removed, "views changed");
        }
        *self.views.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(views);
        *look = Look { at: Some(Instant::now()), files, commit: snapshot.commit() };
        Ok(Some(report))
    }

    fn fingerprint(&self) -> Fingerprint {
        let listed = self.folder.as_deref().and_then(|folder| std::fs::read_dir(folder).ok());
        let mut files: Fingerprint = listed
            .into_iter()
            .flatten()
            .filter_map(|entry| {
                let entry = entry.ok()?;
                let data = entry.metadata().ok()?;
                Some((entry.path(), data.len(), data.modified().ok()))
            })
            .collect();
        files.sort();
        files
    }
}
