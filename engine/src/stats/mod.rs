//! Time spent of the users of a store: the log of a snapshot, folded by a policy.
//!
//! [`Stats`] answers for the library and the services; the table functions of SQL fold in the same way.

mod dims;
mod fold;
mod reader;
mod request;
mod source;

pub use dims::{Activity, Dims};
pub use reader::LogShape;
pub use request::{Request, Target};
pub use source::{Stats, UserTime};
