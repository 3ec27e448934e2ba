//! [`LogCache`]: what the fold must know of a site, kept for the next query over the same snapshot.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use super::source::Log;
use crate::error::Result;
use crate::store::{Snapshot, Store};

/// Sites of snapshots that are kept; the one that was not used for longest goes first.
const KEPT: usize = 4;

/// Activities and enrolments of recent snapshots. A snapshot never changes, so neither does what is kept of it.
#[derive(Debug, Default)]
pub(crate) struct LogCache {
    entries: Mutex<VecDeque<Arc<Log>>>,
}

impl LogCache {
    /// The log of a site, read when it is not kept.
    pub(crate) async fn get(&self, store: &Arc<Store>, snapshot: &Arc<Snapshot>, site: &str) -> Result<Arc<Log>> {
        let known = |log: &Arc<Log>| log.snapshot.commit() == snapshot.commit() && log.site == site;
        {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = entries.iter().position(known)
                && let Some(log) = entries.remove(at)
            {
                entries.push_front(Arc::clone(&log));
                return Ok(log);
            }
        }
        let log = Arc::new(Log::load(store, snapshot, site).await?);
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if !entries.iter().any(known) {
            entries.push_front(Arc::clone(&log));
            entries.truncate(KEPT);
        }
        Ok(log)
    }
}
