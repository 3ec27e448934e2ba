//! [`Desk`]: what all pulls of a server share: consumers, views, records, and who pulls now.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Instance, InstanceSettings, Instances, Recorder, Shelf};
use crate::settings::EtlSettings;

/// What pulls share.
#[derive(Debug)]
pub struct Desk {
    /// Consumers.
    pub instances: Instances,
    /// Views.
    pub shelf: Shelf,
    /// The table of pulls.
    pub recorder: Recorder,
    permits: Arc<Semaphore>,
    running: Arc<Mutex<Running>>,
    rates: Mutex<HashMap<String, (u32, DefaultDirectRateLimiter)>>,
}

/// Who pulls now.
#[derive(Debug, Default)]
struct Running {
    /// Pulls per instance.
    pulls: HashMap<String, u32>,
    /// Instances with the view that they pull incrementally.
    batches: HashSet<(String, String)>,
}

/// Why a pull has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Crowded {
    /// The server has no room for more.
    Server,
    /// The instance pulls as often at once as it may.
    Instance,
    /// The instance pulled more often in a minute than it may; seconds until it may again.
    Rate(u64),
    /// The instance pulls this view already.
    View,
}

/// A place at the desk; dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: OwnedSemaphorePermit,
    running: Arc<Mutex<Running>>,
    instance: Option<String>,
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(instance) = &self.instance else { return };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pulls) = running.pulls.get_mut(instance) {
            *pulls = pulls.saturating_sub(1);
            if *pulls == 0 {
                running.pulls.remove(instance);
            }
        }
    }
}

/// The one incremental pull of an instance and a view; dropping it lets the next one in.
#[derive(Debug)]
pub(crate) struct OnlyPull {
    running: Arc<Mutex<Running>>,
    key: (String, String),
}

impl Drop for OnlyPull {
    fn drop(&mut self) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).batches.remove(&self.key);
    }
}

impl Desk {
    /// The desk of a server.
    pub fn new(engine: &Engine, settings: &EtlSettings, declared: BTreeMap<String, InstanceSettings>) -> Self {
        Self {
            instances: Instances::new(engine, declared),
            shelf: Shelf::new(settings.views.clone(), settings.refresh),
            recorder: Recorder::new(engine),
            permits: Arc::new(Semaphore::new(settings.pulls)),
            running: Arc::default(),
            rates: Mutex::default(),
        }
    }

    /// Takes a place for a pull.
    pub(crate) fn enter(&self, instance: Option<&Instance>) -> Result<Place, Crowded> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().map_err(|_| Crowded::Server)?;
        let Some(instance) = instance else {
            return Ok(Place { _permit: permit, running: Arc::clone(&self.running), instance: None });
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let pulls = running.pulls.get(&instance.name).copied().unwrap_or(0);
        if instance.settings.concurrency.is_some_and(|most| pulls >= most) {
            return Err(Crowded::Instance);
        }
        self.check_rate(instance)?;
        *running.pulls.entry(instance.name.clone()).or_default() += 1;
        Ok(Place { _permit: permit, running: Arc::clone(&self.running), instance: Some(instance.name.clone()) })
    }

    /// Takes the incremental pull of an instance and a view, unless it runs.
    pub(crate) fn only_pull(&self, instance: &str, view: &str) -> Result<OnlyPull, Crowded> {
        let key = (instance.to_owned(), view.to_owned());
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if !running.batches.insert(key.clone()) {
            return Err(Crowded::View);
        }
        Ok(OnlyPull { running: Arc::clone(&self.running), key })
    }

    fn check_rate(&self, instance: &Instance) -> Result<(), Crowded> {
        use governor::clock::{Clock, DefaultClock};
        let Some(rate) = instance.settings.rate.and_then(NonZeroU32::new) else { return Ok(()) };
        let mut rates = self.rates.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = || (rate.get(), RateLimiter::direct(Quota::per_minute(rate)));
        let known = rates.entry(instance.name.clone()).or_insert_with(fresh);
        if known.0 != rate.get() {
            *known = fresh();
        }
        known.1.check().map_err(|not_until| {
            Crowded::Rate(not_until.wait_time_from(DefaultClock::default().now()).as_secs().max(1))
        })
    }
}
