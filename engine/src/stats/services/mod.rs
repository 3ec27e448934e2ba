//! The read functions of the web service of block_use_stats, as typed calls and answers.
//!
//! Under a policy of the exact arithmetic they answer like the plugin, defects included; otherwise as its documents
//! say. `docs/concepts/time-spent.md` lists the differences.

mod answer;
mod call;
mod distributed;
mod fault;
mod figures;
mod people;
mod site_user;
mod users;

pub use answer::{CourseData, CourseStats, QueryRange, Score, UserCourseStats, UserIdentity, UserStats};
pub use call::{Call, CourseSource, UserSource};
pub use distributed::{
    Breakdown, CallingUser, Capability, CourseTime, DistributedError, DistributedFault, DistributedResult,
    DistributedScores, DistributedStats, Hosts, ModuleTime, Person, ScoredCourse, ScoresCall, Stage, StatsCall,
    same_root, status,
};
pub use fault::{ServiceError, ServiceFault, ServiceResult};
pub use figures::SessionFigures;
pub use site_user::SiteUser;

/// The site course, which is the front page.
const SITE_COURSE: i64 = 1;
