//! Assidu's engine: activity logs in, time spent out.

mod engine;
pub mod error;
pub mod fault;
pub mod functions;
pub mod load;
pub mod model;
pub mod query;
pub mod store;
mod text;
pub mod time;

pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use fault::Fault;
pub use text::{Lang, Text};
