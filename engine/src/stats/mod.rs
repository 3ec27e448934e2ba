//! Time spent of the users of a store: the log of a snapshot, folded by a policy.
//!
//! [`Stats`] answers for the library and the services; the table functions of SQL fold in the same way.

mod cache;
mod dims;
mod exec;
mod fold;
mod library_view;
mod manual;
mod output;
mod reader;
mod request;
mod settings;
mod source;
mod table_function;

pub(crate) use cache::LogCache;
pub use dims::{Activity, Dims};
pub use manual::markdown;
pub use output::{Output, OutputColumn, closing_name, outcome_name, rule_name};
pub use reader::LogShape;
pub use request::{Request, Target};
pub use settings::Settings;
pub use source::{Stats, UserTime};
pub(crate) use table_function::Library;
