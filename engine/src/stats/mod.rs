//! Time spent of the users of a store: the log of a snapshot, folded by a policy.
//!
//! [`Stats`] answers for the library and the services; the table functions of SQL fold in the same way.

mod aggregate;
mod aggregates;
mod cache;
mod dims;
mod exec;
mod explain;
mod fold;
mod identify;
mod library_view;
mod lookup;
mod manual;
mod output;
mod reader;
mod request;
pub mod services;
mod settings;
mod shared_sessions;
mod source;
mod summary;
mod table_function;

pub use aggregate::{ActivityTime, Addresses, Aggregate, SectionFault, SessionTime};
pub use aggregates::Extras;
pub(crate) use cache::LogCache;
pub use dims::{Activity, Dims};
pub use explain::{ExplainedSession, Explanation};
pub use manual::markdown;
pub use output::{Output, OutputColumn, closing_name, outcome_name, rule_name};
pub use reader::LogShape;
pub use request::{Request, Target};
pub use settings::Settings;
pub use source::{Stats, UserTime};
pub use summary::{CourseSummary, UserSummary};
pub(crate) use table_function::Library;
