//! [`Basis`]: what a figure was made from, so that anybody can make it again.

use engine::stats::{Request, Stats};
use engine::time::Policy;
use serde::Serialize;

/// What a figure was made from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Basis {
    /// Names of the policies, in the order of the figures.
    pub(crate) policies: Vec<String>,
    /// Start of the range, in Unix seconds.
    pub(crate) from: i64,
    /// Its end.
    pub(crate) to: i64,
    /// Time zone of dates and days.
    pub(crate) timezone: &'static str,
    /// Site of the store.
    pub(crate) site: String,
    /// Number of the commit.
    pub(crate) snapshot: u64,
    /// Version of the program.
    pub(crate) engine: &'static str,
}

impl Basis {
    /// The basis of a request under these policies.
    pub(crate) fn new(stats: &Stats, request: &Request, policies: &[Policy]) -> Self {
        Self {
            policies: policies.iter().map(|policy| policy.name.clone()).collect(),
            from: request.from,
            to: request.to,
            timezone: request.zone.name(),
            site: stats.site().to_owned(),
            snapshot: stats.snapshot().commit(),
            engine: env!("CARGO_PKG_VERSION"),
        }
    }
}
