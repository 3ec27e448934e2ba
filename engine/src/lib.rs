//! Assidu's engine: activity logs in, time spent out.
//!
//! Open a store, load a log, ask it:
//!
//! ```
//! # let runtime = tokio::runtime::Runtime::new()?;
//! # runtime.block_on(async {
//! use std::sync::Arc;
//!
//! use arrow::array::AsArray;
//! use arrow::datatypes::Int64Type;
//! use engine::load::{LoadRequest, Silent, Source};
//! use engine::{Engine, query::Limits};
//! use futures::TryStreamExt;
//!
//! let engine = Engine::open("memory://", &[]).await?;
//! let log = "id,userid,courseid,action,timecreated\n1,3,2,viewed,1600000000\n2,3,2,viewed,1600000060\n";
//! let source = Source::Memory { name: "log.csv".to_owned(), bytes: log.into() };
//! engine.load(&LoadRequest::new(vec![source], 1_700_000_000), Arc::new(Silent)).await?;
//!
//! let session = engine.session(None, &Limits::default()).await?;
//! let stream = session.query("SELECT time_spent(timecreated, 1800) FROM logstore_standard_log").await?;
//! let batches: Vec<_> = stream.try_collect().await?;
//! assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().value(0), 60);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Engine`] is the façade. Below it lie [`load`] (files to rows), [`store`] (rows to Parquet, commits, snapshots),
//! [`query`] (SQL that only reads), [`functions`] (sessions in SQL) and [`time`] (the algebra of sessions, pure).

mod engine;
pub mod error;
pub mod fault;
pub mod functions;
pub mod load;
pub mod model;
pub mod privacy;
pub mod query;
pub mod stats;
pub mod store;
mod text;
pub mod time;

pub use engine::{Engine, SessionRequest};
pub use error::{Error, ErrorKind, Result};
pub use fault::Fault;
pub use text::{Lang, Text};
