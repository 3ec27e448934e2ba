//! [`Figures`]: where the statistics functions have their figures from.

use engine::stats::Stats;
use engine::stats::services::{Call, ServiceResult, UserCourseStats, UserStats};
use futures::future::BoxFuture;

/// Answers the statistics functions: the engine, or in tests of the protocol recorded figures.
pub trait Figures: std::fmt::Debug + Send + Sync {
    /// Sessions and courses of users, in the order of the call.
    fn of_users<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserStats>>>;

    /// Time of users in the one course of the call, in its order.
    fn in_course<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserCourseStats>>>;
}

/// The figures of the engine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Computed;

impl Figures for Computed {
    fn of_users<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserStats>>> {
        Box::pin(stats.get_users_stats(call))
    }

    fn in_course<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserCourseStats>>> {
        Box::pin(stats.get_users_course_stats(call))
    }
}
