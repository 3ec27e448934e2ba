//! Everything of the program `assidu` around the engine: the command line and the encoders of results.
//!
//! The program is [`cli::main_with`]; a test or another program can run any command with its own arguments and its
//! own output through [`cli::run`]. Results of queries become bytes in [`encode`], whoever asked for them.

pub mod access;
mod answers;
pub mod cli;
pub mod encode;
pub mod etl;
pub mod http;
pub mod moodle;
pub mod peer;
mod routes;
pub mod settings;
mod values;

pub use routes::{functions_markdown, http_markdown, router};
