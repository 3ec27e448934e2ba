//! Consumers of views: who they are, what they may pull, and how a pull becomes an answer.
//!
//! An [`Instance`] is one consumer. [`Instances`] are all of them: those that the configuration declares and those that
//! were created while servers run. [`Shelf`] holds the views and looks at their files. [`Recorder`] notes every pull in
//! the table `assidu.pulls`. A pull itself is planned in `pull`, and `body` turns its rows into bytes as they are asked
//! for.

mod body;
mod case;
mod cursor;
mod desk;
mod format;
mod instance;
mod instances;
pub(crate) mod pull;
mod record;
mod shelf;

pub(crate) use body::{Ending, Rows, body, whole};
pub(crate) use case::cases;
pub(crate) use cursor::Cursor;
pub use desk::Desk;
pub(crate) use format::{DATA_FORMATS, NoFormat, negotiate, split_suffix};
pub use instance::{Instance, InstanceSettings, Pause};
pub(crate) use instance::{check_name, set_member};
pub use instances::Instances;
pub use record::Recorder;
pub use shelf::Shelf;
