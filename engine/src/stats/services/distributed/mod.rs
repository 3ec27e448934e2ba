//! The distributed functions of block_use_stats, by which one site asks another about a user: typed, without any
//! transport or format.
//!
//! Under a policy of the exact arithmetic they answer like the plugin on PHP 7, defects included; otherwise as its
//! documents say. `docs/concepts/time-spent.md` lists the differences.

mod call;
mod fault;
mod hosts;
mod people;
mod scores;
mod stats;

pub use call::{CallingUser, Capability, ScoresCall, StatsCall};
pub use fault::{DistributedError, DistributedFault, DistributedResult, Stage, status};
pub use hosts::{Hosts, same_root};
pub use people::Person;
pub use scores::{DistributedScores, ScoredCourse};
pub use stats::{Breakdown, CourseTime, DistributedStats, ModuleTime};
