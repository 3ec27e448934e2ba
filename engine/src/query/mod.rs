//! SQL, read-only by construction.

use datafusion::physical_plan::SendableRecordBatchStream;

use crate::error::{Error, Result};

/// Limits of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of DataFusion's memory pool.
    pub memory: usize,
    /// Threads (partitions) of a query.
    pub threads: usize,
    /// Longest text, in bytes, that one call of a function such as `repeat` may make.
    pub max_text: usize,
    /// Longest list that one call of a function such as `range` may make.
    pub max_list: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 1 << 30, threads: 2, max_text: 1 << 20, max_list: 1 << 20 }
    }
}

/// A session over one snapshot.
#[derive(Debug)]
pub struct Session {}

impl Session {
    /// Plans and runs one SELECT (or EXPLAIN, SHOW, DESCRIBE, VALUES) and streams its batches.
    ///
    /// Dropping the stream stops the work.
    pub async fn query(&self, _sql: &str) -> Result<SendableRecordBatchStream> {
        Err(Error::bug("to be wired"))
    }
}
