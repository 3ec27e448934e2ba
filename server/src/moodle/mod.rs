//! The web service that clients of Moodle know: its protocol, its functions, and their answers to the letter.

mod value;

pub use value::Value;
