//! Tests of the functions: the group-wise accumulator against the naive reference, SQL against plain window SQL,
//! the manual against the functions.

mod groups;
mod manual;
mod refusals;
mod sql;

use arrow::array::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use datafusion::prelude::{SessionConfig, SessionContext};

use crate::error::{Error, Result};

/// A session with our functions.
fn session(partitions: usize, batch_size: usize) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size);
    let ctx = SessionContext::new_with_config(config);
    super::register_all(&ctx);
    ctx
}

/// Runs a query.
async fn run(ctx: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    let frame = ctx.sql(sql).await.map_err(Error::from)?;
    frame.collect().await.map_err(Error::from)
}

/// Runs a query and prints its rows as the manual does.
async fn shown(ctx: &SessionContext, sql: &str) -> String {
    let batches = run(ctx, sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    pretty_format_batches(&batches).unwrap().to_string()
}

/// The single value of a query, as text.
async fn value(ctx: &SessionContext, sql: &str) -> String {
    let text = shown(ctx, sql).await;
    text.lines().nth(3).unwrap_or_default().trim_matches(['|', ' ']).to_owned()
}
