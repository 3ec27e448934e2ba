//! [`App`]: what all requests share.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::query::Limits as QueryLimits;
use engine::stats::Stats;
use engine::stats::services::{Hosts, SiteUser, same_root};
use engine::{Engine, Error, ErrorKind, text};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::metrics::Metrics;
use super::rate::Rates;
use crate::access::{Account, Caller, Gate, LoginRefusal, Refusal};
use crate::etl::Desk;
use crate::moodle::function::Context;
use crate::moodle::{Computed, Figures};
use crate::peer::{Peer, Relay};
use crate::settings::{Authentication, ServerSettings};

/// Most people that are remembered; beyond, the memory begins anew.
const MAX_PEOPLE: usize = 10_000;

/// Tells the time in Unix seconds.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> i64 + Send + Sync>);

impl Clock {
    /// A clock that shows what the function tells.
    pub fn new(tell: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// A clock that stands still.
    pub fn fixed(now: i64) -> Self {
        Self::new(move || now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// What the web service tells of a site.
#[derive(Debug, Clone)]
pub(crate) struct SiteIdentity {
    /// Address of the Moodle instance.
    pub(crate) wwwroot: String,
    /// Its name.
    pub(crate) fullname: String,
    /// Language of its users.
    pub(crate) lang: String,
}

/// People of sites by site and user name, as of a commit.
#[derive(Debug, Default)]
struct People {
    commit: u64,
    known: HashMap<(String, String), Option<SiteUser>>,
}

/// What all requests share.
#[derive(Debug)]
pub struct App {
    /// The store and what works on it.
    pub engine: Engine,
    /// What the operator said.
    pub settings: ServerSettings,
    /// Who may come in.
    pub gate: Gate,
    /// Where statistics come from.
    pub figures: Arc<dyn Figures>,
    /// Consumers of views, and what pulls share.
    pub desk: Desk,
    /// What /metrics tells.
    pub metrics: Metrics,
    /// Other servers.
    pub(crate) peers: Vec<Peer>,
    /// What passes calls on to them.
    pub(crate) relay: Relay,
    /// Rates of callers.
    pub(crate) rates: Rates,
    clock: Clock,
    requests: Semaphore,
    work: Arc<Semaphore>,
    draining: AtomicBool,
    people: Mutex<People>,
}

impl App {
    /// A server over a store.
    pub fn new(engine: Engine, settings: ServerSettings, gate: Gate, clock: Clock) -> Self {
        Self {
            requests: Semaphore::new(settings.limits.requests),
            work: Arc::new(Semaphore::new(settings.limits.work)),
            rates: Rates::new(&settings.limits),
            desk: Desk::new(&engine, &settings.etl, settings.instances.clone()),
            metrics: Metrics::new(),
            figures: Arc::new(Computed),
            draining: AtomicBool::new(false),
            peers: Vec::new(),
            relay: Relay::default(),
            people: Mutex::default(),
            engine,
            settings,
            gate,
            clock,
        }
    }

    /// The same with other figures.
    #[must_use]
    pub fn with_figures(self, figures: Arc<dyn Figures>) -> Self {
        Self { figures, ..self }
    }

    /// The same with peers that calls are passed on to.
    ///
    /// # Errors
    ///
    /// `Invalid` for a peer that cannot be called safely.
    pub fn with_peers(self, peers: Vec<Peer>) -> Result<Self, Error> {
        Ok(Self { relay: Relay::try_new(&peers)?, peers, ..self })
    }

    /// The time, in Unix seconds.
    pub fn now(&self) -> i64 {
        (self.clock.0)()
    }

    /// Begins to drain: the server is no longer ready for new work.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Whether the server drains.
    pub fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Notes that a request begins; `None` when as many run as may.
    pub(crate) fn enter(&self) -> Option<tokio::sync::SemaphorePermit<'_>> {
        self.requests.try_acquire().ok()
    }

    /// Waits for a turn to compute; the turn ends when the answer is dropped.
    pub(crate) async fn turn(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.work).acquire_owned().await;
        permit.map_err(|_| Error::new(ErrorKind::Cancelled, text!("the server stops", "le serveur s'arrête")))
    }

    /// Turns that are free, and all turns.
    pub(crate) fn turns(&self) -> (usize, usize) {
        (self.work.available_permits(), self.settings.limits.work)
    }

    /// What one computation may cost.
    pub(crate) fn query_limits(&self) -> QueryLimits {
        let limits = &self.settings.limits;
        QueryLimits { memory: limits.memory, timeout: Some(limits.time), ..QueryLimits::default() }
    }

    /// The statistics of a site (`None`: the default one), over the newest snapshot or the one of a commit.
    pub(crate) async fn stats(&self, site: Option<&str>, commit: Option<u64>) -> Result<Stats, Error> {
        self.engine.stats(site, commit, &self.query_limits()).await
    }

    /// Who calls with this secret.
    pub(crate) async fn authenticate(&self, secret: &str, address: IpAddr) -> Result<Caller, Refusal> {
        if secret.is_empty() && self.settings.authentication == Authentication::None {
            return Ok(Caller::anyone());
        }
        if secret.is_empty() {
            self.metrics.refused(Refusal::Missing.word());
            return Err(Refusal::Missing);
        }
        if self.rates.is_refused_too_often(address) {
            self.metrics.refused("too_many");
            return Err(Refusal::TooMany);
        }
        let result = self.gate.authenticate(secret, address, self.now()).await;
        if let Err(refusal) = &result {
            self.metrics.refused(refusal.word());
            if *refusal != Refusal::Unavailable {
                self.rates.note_refusal(address);
            }
        }
        result
    }

    /// Who logs in with this password.
    pub(crate) async fn login(
        &self,
        username: &str,
        password: &str,
        address: IpAddr,
    ) -> Result<Arc<Account>, LoginRefusal> {
        if self.rates.is_refused_too_often(address) {
            self.metrics.refused("too_many");
            return Err(LoginRefusal::TooMany);
        }
        let result = self.gate.login(username, password).await;
        if matches!(result, Err(LoginRefusal::Invalid)) {
            self.metrics.refused("password");
            self.rates.note_refusal(address);
        }
        result
    }

    /// The site of the store that has this root.
    pub(crate) fn site_of_root(&self, root: &str) -> Option<String> {
        let sites = self.settings.moodle.sites.iter();
        sites.filter(|(_, site)| same_root(&site.wwwroot, root)).map(|(name, _)| name.clone()).next()
    }

    /// The sites that the home site of a caller knows.
    pub(crate) async fn hosts(&self, context: &Context) -> Result<Hosts, Error> {
        let snapshot = self.engine.snapshot(None).await?;
        let name = context.home().unwrap_or(&snapshot.manifest().default_site).to_owned();
        let mut hosts = self.hosts_of(&name);
        // A site whose address nobody configured has the address that the caller uses.
        if hosts.own.is_empty() {
            hosts.own.extend(context.origin.clone());
        }
        Ok(hosts)
    }

    /// The sites that a site knows: the other ones of the store, and those of the configuration.
    pub(crate) fn hosts_of(&self, name: &str) -> Hosts {
        let mut hosts = Hosts { own: Vec::new(), known: self.settings.moodle.hosts.clone() };
        for (other, site) in self.settings.moodle.sites.iter().filter(|(_, site)| !site.wwwroot.is_empty()) {
            if other == name { &mut hosts.own } else { &mut hosts.known }.push(site.wwwroot.clone());
        }
        hosts
    }

    /// What is told of the home site of a caller.
    pub(crate) async fn site(&self, context: &Context) -> Result<SiteIdentity, Error> {
        self.site_of(context.home(), context.origin.as_deref()).await
    }

    /// What is told of a site (`None`: the default one). `origin` is the address that the caller used.
    pub(crate) async fn site_of(&self, name: Option<&str>, origin: Option<&str>) -> Result<SiteIdentity, Error> {
        let snapshot = self.engine.snapshot(None).await?;
        let name = name.unwrap_or(&snapshot.manifest().default_site);
        let settings = self.settings.moodle.sites.get(name).cloned().unwrap_or_default();
        let fullname = match settings.fullname {
            Some(fullname) => fullname,
            None => self.stats(Some(name), None).await?.site_name().await?.unwrap_or_else(|| name.to_owned()),
        };
        let wwwroot = match settings.wwwroot.is_empty() {
            true => origin.unwrap_or_default().to_owned(),
            false => settings.wwwroot,
        };
        Ok(SiteIdentity { wwwroot, fullname, lang: settings.lang.unwrap_or_else(|| "en".to_owned()) })
    }

    /// The account of a user in a site, as its table tells; remembered until the store changes.
    pub(crate) async fn person(&self, site: Option<&str>, username: &str) -> Result<Option<SiteUser>, Error> {
        if username.is_empty() {
            return Ok(None);
        }
        let snapshot = self.engine.snapshot(None).await?;
        let site = site.unwrap_or(&snapshot.manifest().default_site);
        let key = (site.to_owned(), username.to_owned());
        let commit = snapshot.commit();
        {
            let people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(person) = people.known.get(&key).filter(|_| people.commit == commit) {
                return Ok(person.clone());
            }
        }
        let person = self.stats(Some(site), Some(commit)).await?.site_user(username).await?;
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if people.commit != commit || people.known.len() >= MAX_PEOPLE {
            *people = People { commit, known: HashMap::new() };
        }
        people.known.insert(key, person.clone());
        Ok(person)
    }
}
