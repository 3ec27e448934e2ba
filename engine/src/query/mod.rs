//! SQL, read-only by construction.
//!
//! A [`Session`] answers one statement at a time over one catalog: SELECT, VALUES, EXPLAIN, SHOW and DESCRIBE.
//! Nothing else is planned, so nothing else can run; the session knows no file, no URL and no table but the
//! catalog's. [`Limits`] bound what one statement may cost.

mod call_arguments;
mod catalog;
mod columns;
mod expansion;
mod guard;
mod known;
mod limits;
mod names;
mod repeated;
mod runtime;
mod session;
mod settings;
mod shape;
mod statement;
mod stream;

pub(crate) use call_arguments::bind_all as bind_calls;
pub(crate) use catalog::SnapshotCatalog;
pub use columns::{ColumnInfo, FunctionInfo, FunctionKind, TableInfo};
pub(crate) use known::KnownCatalog;
pub use limits::Limits;
pub use runtime::Runtime;
pub use session::{Session, SessionBuilder};
pub use settings::{BATCH_ROWS, CATALOG};
pub use shape::MAX_SQL_BYTES;
pub(crate) use statement::{parse, select_relations};

#[cfg(test)]
mod tests;
