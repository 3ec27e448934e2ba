//! [`Settings`]: what a session of SQL has to know about time spent.

use chrono_tz::Tz;

use crate::time::Policies;

/// Policies, clock and time zone of the table functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Policies by name: the presets, and those of the configuration.
    pub policies: Policies,
    /// The policy where a call names none.
    pub policy: String,
    /// Time zone of days, and of dates in arguments.
    pub zone: Tz,
    /// The clock, in Unix seconds: ranges end there when a call does not say, and no credit goes beyond it.
    pub now: i64,
}

impl Default for Settings {
    /// The presets, `use_stats`, UTC, and a clock that is after every hit.
    fn default() -> Self {
        Self { policies: Policies::default(), policy: "use_stats".to_owned(), zone: Tz::UTC, now: i64::MAX }
    }
}
