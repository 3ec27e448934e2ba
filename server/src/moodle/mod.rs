//! The web service that clients of Moodle know: its protocol, its functions, and their answers to the letter.

mod distributed;
mod value;
mod xml_text;
pub mod xmlrpc;

pub use distributed::{DistributedAnswer, calling_user};
pub use value::Value;
