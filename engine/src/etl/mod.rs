//! Incremental pulls: what each consumer has, to the row.
//!
//! Commits are numbered, and every row knows the commit that brought it in. A consumer of a view therefore needs one
//! number, its *mark*: it has all rows of the commits up to it. A pull is a *batch*: the rows of the commits after the
//! mark, up to the newest one. The batch stays open, and is the same whenever it is pulled again, until the consumer
//! acknowledges it; then its last commit becomes the mark. Nothing depends on the times that rows carry, so late rows
//! and equal times are neither lost nor repeated.
//!
//! [`Progress`] is that state of one consumer and one view, pure; [`Marks`] keeps it in the store; [`PullRecord`] is
//! what is noted of every pull, in the table `assidu.pulls`.

mod audit;
mod marks;
mod progress;

pub use audit::{PullRecord, record_pulls};
pub use marks::{Marks, pinned_commits};
pub use progress::{Acknowledged, Batch, NewBatch, Opened, Position, Progress, Reset};

/// Seconds for which acknowledged batches are kept for replay: a week.
pub const REPLAY_SECONDS: i64 = 7 * 86_400;
