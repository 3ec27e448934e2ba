//! Time spent of the users of a store: the log of a snapshot, folded by a policy.
//!
//! [`Stats`] answers for the library and the services; the table functions of SQL fold in the same way.

mod aggregate;
mod aggregates;
mod dims;
mod fold;
mod lookup;
mod reader;
mod request;
pub mod services;
mod shared_sessions;
mod source;

pub use aggregate::{ActivityTime, Addresses, Aggregate, SectionFault, SessionTime};
pub use aggregates::Extras;
pub use dims::{Activity, Dims};
pub use reader::LogShape;
pub use request::{Request, Target};
pub use source::{Stats, UserTime};
