//! What figures look like in JSON, on the command line and over HTTP alike.

mod basis;
mod explanation;
mod user_time;

pub(crate) use basis::Basis;
pub(crate) use explanation::{ExplanationJson, explanation_json, lap_json};
pub(crate) use user_time::{Names, UserJson, user_json};
