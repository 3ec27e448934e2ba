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
mod session_stats;
mod sessions;
mod state;
mod time_spent;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use datafusion::logical_expr::AggregateUDF;
use datafusion::prelude::SessionContext;

use aggregate::GapAggregate;
pub use manual::markdown;

/// All aggregate functions, in the order of the manual.
pub fn all() -> Vec<Arc<AggregateUDF>> {
    vec![
        Arc::new(AggregateUDF::from(GapAggregate::<sessions::Sessions>::default())),
        Arc::new(AggregateUDF::from(GapAggregate::<session_stats::SessionStats>::default())),
        Arc::new(AggregateUDF::from(GapAggregate::<time_spent::TimeSpent>::default())),
    ]
}

/// Makes all functions known to a session, where they replace functions of the same name.
pub fn register_all(ctx: &SessionContext) {
    for function in all() {
        ctx.register_udaf(Arc::unwrap_or_clone(function));
    }
}
