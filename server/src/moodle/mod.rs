//! The web service that clients of Moodle know: its protocol, its functions, and their answers to the letter.

pub(crate) mod ajax;
pub(crate) mod call;
mod distributed;
pub(crate) mod etl_document;
mod exception;
mod fields;
mod figures;
pub(crate) mod function;
pub(crate) mod functions;
pub(crate) mod json;
pub(crate) mod login;
pub(crate) mod param;
mod shape;
mod value;
pub(crate) mod xml;
mod xml_text;
pub mod xmlrpc;

pub use distributed::{DistributedAnswer, calling_user};
pub use exception::Exception;
pub use fields::{Field, Fields, FieldsError};
pub use figures::{Computed, Figures};
pub use param::Kind;
pub use shape::{Member, Shape};
pub use value::Value;
