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

mod block_table;
mod credit_time;
mod day;
mod duration;
mod gap_table;
mod grade;
mod policy;
mod rule;
mod runs;
mod scorm;
mod seconds;
mod session;
mod session_set;
mod totals;

#[cfg(test)]
pub(crate) mod naive;
#[cfg(test)]
pub(crate) mod properties;

pub use block_table::{BlockSettings, BlockTable, CourseFigures, CourseOrder, OtherTime, ReferenceTime, block_table};
pub use credit_time::{Adjusted, CreditDecision, CreditItem, CreditRule, TimeSource, decide, declare};
pub use day::{DayPart, DayRule, cut, day_of};
pub use duration::DurationForm;
pub use gap_table::{GapRow, gaps};
pub use grade::{Earned, GradeMode, GradeRange, GradeSource, GradeTimes, GradeUse, TimeGrade, with_bonus};
pub use policy::{Boundary, Credit, GapPolicy, Minimum};
pub use rule::GapRule;
pub(crate) use runs::Runs;
pub use scorm::{ScormElement, ScormValue, reported};
pub use seconds::Seconds;
pub use session::Session;
pub use session_set::SessionSet;
pub use totals::Totals;
