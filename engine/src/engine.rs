//! The façade: open a store, load files, query.

use std::sync::Arc;

use datafusion::catalog::CatalogProvider;
use datafusion::execution::object_store::ObjectStoreUrl;

use crate::error::Result;
use crate::etl;
use crate::functions;
use crate::load::{LoadRequest, LoadSummary, Progress};
use crate::privacy::{PrivateCatalog, PseudonymKey};
use crate::query::{KnownCatalog, Limits, Session, SnapshotCatalog};
use crate::stats::{Library, LogCache, Settings, Stats};
use crate::store::{OptimizeOptions, OptimizeReport, Register, STORE_URL, Snapshot, Store, VacuumReport, VerifyReport};

/// An open store with everything that works on it.
#[derive(Debug, Clone)]
pub struct Engine {
    store: Arc<Store>,
    logs: Arc<LogCache>,
}

/// What a session is over, and for whom.
///
/// ```
/// # tokio::runtime::Runtime::new()?.block_on(async {
/// use engine::privacy::PseudonymKey;
/// use engine::{Engine, SessionRequest};
///
/// let engine = Engine::open("memory://", &[]).await?;
/// let request = SessionRequest {
///     pseudonyms: Some(PseudonymKey::from_bytes([7; 32])),
///     known_tables: true,
///     ..SessionRequest::default()
/// };
/// let session = engine.session_for(&request).await?;
/// // Nothing is loaded, but the table is known.
/// session.query("SELECT id, username FROM user").await?;
/// # Ok::<(), engine::Error>(()) })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct SessionRequest {
    /// The commit whose snapshot is asked; `None` for the newest one.
    pub commit: Option<u64>,
    /// The site whose tables need no prefix; `None` for the store's default one.
    pub site: Option<String>,
    /// What a statement may cost.
    pub limits: Limits,
    /// Policies, clock and time zone of the table functions of time spent.
    pub settings: Settings,
    /// The key of a consumer who may not see who somebody is: all tables and table functions, those of other sites
    /// too, then speak of users by pseudonyms. `None` for everything as it is.
    pub pseudonyms: Option<PseudonymKey>,
    /// Whether known tables of Moodle that a site has not loaded are empty tables; without it, they do not exist.
    pub known_tables: bool,
}

impl SessionRequest {
    /// A session over the newest snapshot with these limits.
    pub fn new(limits: Limits) -> Self {
        Self { limits, ..Self::default() }
    }
}

impl Engine {
    /// Opens the store at a folder or URL, and prepares an empty one when the place is empty.
    ///
    /// Options of object stores (keys, region, endpoint) are pairs with the names of `object_store`, such as
    /// `aws_endpoint`; a folder needs none.
    pub async fn open(url: &str, options: &[(String, String)]) -> Result<Self> {
        Ok(Self::on(Arc::new(Store::open(url, options).await?)))
    }

    /// Opens a store that must exist.
    pub async fn open_existing(url: &str, options: &[(String, String)]) -> Result<Self> {
        Ok(Self::on(Arc::new(Store::open_existing(url, options).await?)))
    }

    /// Works on a store that the caller opened.
    pub fn on(store: Arc<Store>) -> Self {
        Self { store, logs: Arc::default() }
    }

    /// The store itself.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// A small document beside the data, such as the accounts of a server: lower-case letters, digits, dashes, and
    /// slashes for groups.
    pub fn register(&self, name: &str) -> Register {
        Register::new(&self.store, name)
    }

    /// The newest snapshot, or the one of a commit.
    pub async fn snapshot(&self, commit: Option<u64>) -> Result<Arc<Snapshot>> {
        self.store.snapshot(commit).await
    }

    /// A session for SQL over the newest snapshot, or over the one of a commit.
    ///
    /// Its clock is after every hit; see [`Engine::session_with`].
    pub async fn session(&self, commit: Option<u64>, limits: &Limits) -> Result<Session> {
        self.session_with(commit, limits, &Settings::default()).await
    }

    /// [`Engine::session`] with policies, a clock and a time zone for the table functions of time spent.
    pub async fn session_with(&self, commit: Option<u64>, limits: &Limits, settings: &Settings) -> Result<Session> {
        let (limits, settings) = (limits.clone(), settings.clone());
        self.session_for(&SessionRequest { commit, limits, settings, ..SessionRequest::default() }).await
    }

    /// A session for SQL as it is asked for.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown commit or site.
    pub async fn session_for(&self, request: &SessionRequest) -> Result<Session> {
        let snapshot = self.store.snapshot(request.commit).await?;
        self.session_of(&snapshot, request)
    }

    /// A session over a snapshot that the caller has already; the commit of the request plays no part.
    fn session_of(&self, snapshot: &Arc<Snapshot>, request: &SessionRequest) -> Result<Session> {
        let SessionRequest { site, limits, settings, pseudonyms, .. } = request;
        let site = site.as_ref().unwrap_or(&snapshot.manifest().default_site);
        let catalog = |with_commit| self.catalog(snapshot, request, with_commit);
        let url = ObjectStoreUrl::parse(STORE_URL)?;
        let library = Library::new(&self.store, snapshot, site, settings, &self.logs);
        let library = Arc::new(library.with_pseudonyms(pseudonyms.as_ref()));
        let mut builder = Session::builder(catalog(false), site).limits(limits).commit_catalog(catalog(true));
        if let Some(folder) = self.store.location().temporary_folder()? {
            builder = builder.spill_folder(folder);
        }
        builder.build(&|context| {
            context.register_object_store(url.as_ref(), Arc::clone(self.store.objects()));
            functions::register_all(context);
            library.register(context);
        })
    }

    /// The tables of a session, with or without their hidden column `_commit`.
    fn catalog(
        &self,
        snapshot: &Arc<Snapshot>,
        request: &SessionRequest,
        with_commit: bool,
    ) -> Arc<dyn CatalogProvider> {
        let mut catalog: Arc<dyn CatalogProvider> = Arc::new(SnapshotCatalog::new(&self.store, snapshot, with_commit));
        if request.known_tables {
            catalog = Arc::new(KnownCatalog::new(catalog, with_commit));
        }
        match &request.pseudonyms {
            Some(key) => Arc::new(PrivateCatalog::new(catalog, key)),
            None => catalog,
        }
    }

    /// The time spent of the users of a site (`None`: the default one), over the newest snapshot or the one of a commit.
    ///
    /// ```
    /// # tokio::runtime::Runtime::new()?.block_on(async {
    /// use engine::stats::Request;
    /// use engine::time::{Grain, Keep, Policy};
    /// use engine::{Engine, query::Limits};
    ///
    /// let engine = Engine::open("memory://", &[]).await?;
    /// let stats = engine.stats(None, None, &Limits::default()).await?;
    /// let request = Request::new(Policy::use_stats(), 1_700_000_000);
    /// let keep = Keep { totals: Some(Grain::default()), ..Keep::default() };
    /// assert!(stats.users(&request, keep).await?.is_empty());
    /// # Ok::<(), engine::Error>(()) })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown commit or site.
    pub async fn stats(&self, site: Option<&str>, commit: Option<u64>, limits: &Limits) -> Result<Stats> {
        let snapshot = self.store.snapshot(commit).await?;
        let site = site.unwrap_or(&snapshot.manifest().default_site);
        let log = self.logs.get(&self.store, &snapshot, site).await?;
        let site = Some(site.to_owned());
        let request = SessionRequest { site, limits: limits.clone(), ..SessionRequest::default() };
        Ok(Stats::new(log, self.session_of(&snapshot, &request)?))
    }

    /// Loads files in one commit.
    ///
    /// Afterwards runs of the log are merged where they have become many (see [`OptimizeOptions::automatic`]).
    pub async fn load(&self, request: &LoadRequest, progress: Arc<dyn Progress>) -> Result<LoadSummary> {
        let summary = crate::load::load(&self.store, request, progress).await?;
        if summary.commit.is_some() && Store::needs_optimize(&*self.snapshot(None).await?) {
            // The load is committed; that another process optimizes at the same time is no failure of it.
            match self.store.optimize(request.now, OptimizeOptions::automatic()).await {
                Err(error) if error.kind() == crate::ErrorKind::Conflict => {}
                other => {
                    other?;
                }
            }
        }
        Ok(summary)
    }

    /// Checks every file that the newest snapshot names: presence, size, checksum, order, counts, statistics.
    pub async fn verify(&self) -> Result<VerifyReport> {
        self.store.verify().await
    }

    /// Merges runs of the activity log and small files of other tables. `now` is in Unix seconds.
    pub async fn optimize(&self, now: i64) -> Result<OptimizeReport> {
        self.store.optimize(now, OptimizeOptions::default()).await
    }

    /// Deletes manifests older than `keep_seconds` and data files that no kept manifest names; see [`Store::vacuum`].
    ///
    /// Snapshots that a consumer's batch needs stay: the open ones always, acknowledged ones as long as they are kept
    /// for replay ([`etl::REPLAY_SECONDS`]).
    pub async fn vacuum(&self, now: i64, keep_seconds: i64, dry_run: bool, force: bool) -> Result<VacuumReport> {
        let pinned = etl::pinned_commits(&self.store, now, etl::REPLAY_SECONDS).await?;
        self.store.vacuum(now, keep_seconds, &pinned, dry_run, force).await
    }

    /// Makes the contents of an older commit the newest ones, as a new commit; answers its number.
    pub async fn restore(&self, commit: u64, now: i64) -> Result<u64> {
        self.store.restore(commit, now).await
    }
}
