//! What the distributed functions are asked.

use super::hosts::Hosts;
use crate::time::{Exactness, Policy};

/// Who calls, as the calling site tells it. `None` stands for a key that the call does not have.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallingUser {
    /// Login name (`username`).
    pub username: Option<String>,
    /// Root of the site that has the user's account (`remoteuserhostroot`).
    pub userhost: Option<String>,
    /// Root of the site that calls (`remotehostroot`).
    pub host: Option<String>,
}

/// Whether the caller may see the time of others. Whoever knows the rights decides; the plugin means to check this and
/// never does, so the exact arithmetic does not look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Capability {
    /// The caller may.
    #[default]
    Granted,
    /// The caller may not.
    Missing,
}

/// A call of `use_stats_rpc_get_stats` that this site answers itself.
#[derive(Debug, Clone, PartialEq)]
pub struct StatsCall {
    /// Who calls.
    pub calling: CallingUser,
    /// The sites that may call.
    pub hosts: Hosts,
    /// What the caller may.
    pub capability: Capability,
    /// Login name of the user who is asked about.
    pub target: String,
    /// 1 for the whole site, 2 for courses, 3 for modules.
    pub scope: i64,
    /// Start of the range, in Unix seconds; it ends at `now`.
    pub from: i64,
    /// The clock, in Unix seconds.
    pub now: i64,
    /// Which rows count, and how long a gap may be.
    pub policy: Policy,
}

/// A call of `use_stats_rpc_get_scores` that this site answers itself.
#[derive(Debug, Clone, PartialEq)]
pub struct ScoresCall {
    /// Who calls.
    pub calling: CallingUser,
    /// The sites that may call.
    pub hosts: Hosts,
    /// What the caller may.
    pub capability: Capability,
    /// Login name of the user who is asked about.
    pub target: String,
    /// Which score: `notes/global` is the grade of the course.
    pub scope: String,
    /// What identifies the course: `id`, `shortname` or `idnumber`.
    pub field: String,
    /// Identifier of the course.
    pub identifier: String,
    /// Corrected or exact; nothing else of the policy decides here.
    pub exactness: Exactness,
}
