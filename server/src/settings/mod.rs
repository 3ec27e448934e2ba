//! What the operator says: the configuration file, the environment, the flags; and the typed settings they make.

mod file;
mod given;
mod parts;
mod serve;
mod table;

use std::collections::BTreeMap;
use std::path::PathBuf;

use chrono_tz::Tz;
use engine::time::Policies;

use crate::etl::InstanceSettings;

pub use given::{Given, GivenValue, Origin};
pub use parts::{PeerSettings, Service, ServiceUser, SiteSettings};
pub use serve::{Authentication, EtlSettings, Limits, MoodleSettings, ServerSettings, TlsSettings};
pub use table::{SETTINGS, Setting, markdown};

/// The configuration: the file, and what environment and flags say about single values.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file, if there is one.
    pub path: Option<PathBuf>,
    /// Policies: the presets, and those of the file.
    pub policies: Policies,
    /// Names of the policies of the file.
    pub own: Vec<String>,
    /// The policy where none is named.
    pub policy: (String, Origin),
    /// Time zone of dates and days.
    pub zone: (Tz, Origin),
    /// Values of [`SETTINGS`].
    pub given: Given,
    /// What the web service tells of the sites of the store.
    pub sites: BTreeMap<String, SiteSettings>,
    /// Other servers that distributed functions are relayed to.
    pub peers: BTreeMap<String, PeerSettings>,
    /// Services of the Moodle-compatible web service, by short name.
    pub services: BTreeMap<String, Service>,
    /// Roots of other hosts whose users may call the distributed functions.
    pub hosts: Vec<String>,
    /// Consumers of views.
    pub instances: BTreeMap<String, InstanceSettings>,
}

impl Config {
    /// Folder of the operator's own views: `etl.views`, else `sql/views` beside the file.
    pub fn views(&self) -> Option<PathBuf> {
        let given = self.given.get("etl.views").text;
        let beside = || Some(self.path.as_deref()?.parent()?.join("sql/views"));
        Some(given).filter(|given| !given.is_empty()).map(PathBuf::from).or_else(beside)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            path: None,
            policies: Policies::default(),
            own: Vec::new(),
            policy: ("use_stats".to_owned(), Origin::Default),
            zone: (Tz::UTC, Origin::Default),
            given: Given::default(),
            sites: BTreeMap::new(),
            peers: BTreeMap::new(),
            services: BTreeMap::new(),
            hosts: Vec::new(),
            instances: BTreeMap::new(),
        }
    }
}

#[cfg(test)]
mod tests;
