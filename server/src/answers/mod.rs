//! What figures look like in JSON, on the command line and over HTTP alike.

mod basis;
mod explanation;
mod instance;
mod progress;
mod user_time;
mod view;

pub(crate) use basis::Basis;
pub(crate) use explanation::{ExplanationJson, explanation_json, lap_json};
pub(crate) use instance::instance_json;
pub(crate) use progress::progress_json;
pub(crate) use user_time::{Names, UserJson, user_json};
pub(crate) use view::view_json;

/// Unix seconds as `2024-01-31T12:00:00Z`; the bare number when the calendar has no such day.
pub(crate) fn instant(seconds: i64) -> String {
    chrono::DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| seconds.to_string(), |time| time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
}
