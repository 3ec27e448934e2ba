//! Views: SQL with a name, a description and typed parameters, published to those who pull.
//!
//! A view is one file: a leading comment with its description in TOML, then exactly one SELECT. [`ViewFile::read`] reads
//! it and tells everything that is wrong at once, [`View::check`] compares it with a session, and [`Views`] keeps those
//! of the product together with the operator's own. [`Pull`] turns a view and values into rows.

mod check;
mod column;
mod file;
mod library;
mod manual;
mod param;
mod pull;
mod spec;

pub use column::type_name;
pub use file::ViewFile;
pub use library::{BUNDLED, Views, ViewsReport};
pub use manual::markdown;
pub use param::{ParamKind, ParamSpec, ParamValue};
pub use pull::{Bound, Given, Pull, Window};
pub use spec::{ColumnNote, Incremental, IncrementalMode, Personal, View, ViewLimits, XmlNames};
