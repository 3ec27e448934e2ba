//! The session algebra: hit times in, sessions and totals out, in whole seconds.
//!
//! Pure: no Arrow, no clock, no input or output. A policy is a value ([`GapPolicy`]); the sessions of a set of hits
//! ([`SessionSet`]) depend on the hits and the policy alone, never on the order or the pieces in which hits arrive.
//!
//! ```
//! use engine::time::{Credit, GapPolicy, SessionSet};
//!
//! let policy = GapPolicy { credit: Credit::HalfThreshold, ..GapPolicy::default() };
//! let mut set = SessionSet::new(policy);
//! set.extend([1_700_000_000, 1_700_000_300, 1_700_004_000]);
//! let totals = set.totals();
//! assert_eq!(totals.sessions, 2);
//! assert_eq!(totals.elapsed.get(), 300 + 1800 + 1800);
//! ```

mod backward;
mod block_table;
mod buckets;
mod credit_time;
mod day;
mod day_clock;
mod duration;
mod gap_table;
mod grade;
mod hit;
mod moment;
mod policy;
mod policy_text;
mod rule;
mod runs;
mod scorm;
mod seconds;
mod session;
mod session_set;
mod spent_policy;
mod streams;
mod totals;
mod track;
mod track_rules;

#[cfg(test)]
pub(crate) mod naive;
#[cfg(test)]
pub(crate) mod properties;

pub use backward::BackwardTime;
pub use block_table::{BlockSettings, BlockTable, CourseFigures, CourseOrder, OtherTime, ReferenceTime, block_table};
pub use buckets::{Buckets, Counter, Grain, Key};
pub use credit_time::{Adjusted, CreditDecision, CreditItem, CreditRule, TimeSource, decide, declare};
pub use day::{DayPart, DayRule, cut, day_of};
pub use day_clock::DayClock;
pub use duration::DurationForm;
pub use gap_table::{GapRow, gaps};
pub use grade::{Earned, GradeMode, GradeRange, GradeSource, GradeTimes, GradeUse, TimeGrade, with_bonus};
pub use hit::{Action, Hit, ModuleId, ModuleRole, Place};
pub use moment::{DayEdge, is_date, moment};
pub use policy::{Boundary, Credit, GapPolicy, Minimum};
pub use policy_text::{PARAMETERS, Parameter, Policies, plugin_list, policies_markdown};
pub use rule::GapRule;
pub(crate) use runs::Runs;
pub use scorm::{ScormElement, ScormValue, reported};
pub use seconds::Seconds;
pub use session::Session;
pub use session_set::SessionSet;
pub use spent_policy::{EnrolmentFilter, Exclusions, Outside, PRESETS, Policy, RangeEnd, Scope};
pub use streams::{Keep, Streams, UserSession};
pub use totals::Totals;
pub use track::{Closing, Lap, LapRule, Outcome, Track, TrackSession, TrackSink, Verdict};
pub use track_rules::{Attribution, Carry, Exactness, SessionRule, TrackRules};
