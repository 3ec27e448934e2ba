//! SQL functions over [`crate::time`]: one file per function, one list.
//!
//! ```
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! use datafusion::prelude::SessionContext;
//!
//! let ctx = SessionContext::new();
//! engine::functions::register_all(&ctx);
//! let sql = "SELECT time_spent(t, 900) FROM (VALUES (0), (60), (5000)) AS hits(t)";
//! let batches = ctx.sql(sql).await.unwrap().collect().await.unwrap();
//! assert_eq!(format!("{:?}", batches[0].column(0)), "PrimitiveArray<Int64>\n[\n  60,\n]");
//! # });
//! ```

mod aggregate;
mod args;
mod groups;
mod manual;
mod scorm_seconds;
mod session_stats;
mod sessions;
mod state;
mod time_grade;
mod time_spent;
mod use_stats;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

use crate::time::Policies;
use aggregate::GapAggregate;
pub use manual::markdown;

/// All aggregate functions, in the order of the manual.
pub fn all() -> Vec<Arc<AggregateUDF>> {
    vec![
        Arc::new(AggregateUDF::from(GapAggregate::<sessions::Sessions>::default())),
        Arc::new(AggregateUDF::from(GapAggregate::<session_stats::SessionStats>::default())),
        Arc::new(AggregateUDF::from(GapAggregate::<time_spent::TimeSpent>::default())),
        Arc::new(use_stats(Policies::default(), "use_stats", i64::MAX)),
    ]
}

/// The function `use_stats` with the policies of a configuration, the one that it takes when a call names none, and
/// the clock in Unix seconds.
pub fn use_stats(policies: Policies, default: &str, now: i64) -> AggregateUDF {
    AggregateUDF::from(use_stats::UseStats::new(policies, default, now))
}

/// The scalar functions, in the order of the manual.
pub fn scalars() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(time_grade::TimeGradeFunction::default())),
        Arc::new(ScalarUDF::from(scorm_seconds::ScormSeconds::default())),
    ]
}

/// Makes all functions known to a session, where they replace functions of the same name.
pub fn register_all(ctx: &SessionContext) {
    for function in all() {
        ctx.register_udaf(Arc::unwrap_or_clone(function));
    }
    for function in scalars() {
        ctx.register_udf(Arc::unwrap_or_clone(function));
    }
}
