//! [`Request`]: of whom, of when, by which policy.

use chrono_tz::Tz;

use crate::error::{Error, ErrorKind, Result};
use crate::time::{Policy, RangeEnd};

/// In which courses activities keep their identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Target {
    /// In all of them.
    #[default]
    All,
    /// In this course; hits on activities of other courses count in the other time of their own course, as in a
    /// report that block_use_stats makes for one course.
    Course(i64),
}

/// What to compute.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// What counts as time spent.
    pub policy: Policy,
    /// Start of the range, in Unix seconds, inclusive.
    pub from: i64,
    /// End of the range, in Unix seconds; whether it belongs to the range is the policy's choice.
    pub to: i64,
    /// The clock, in Unix seconds.
    pub now: i64,
    /// Time zone of days.
    pub zone: Tz,
    /// Where activities keep their identity.
    pub target: Target,
    /// The only users; `None` for all.
    pub users: Option<Vec<i64>>,
}

impl Request {
    /// All users, all times up to `now`, days of UTC.
    pub fn new(policy: Policy, now: i64) -> Self {
        Self { policy, from: 0, to: now, now, zone: Tz::UTC, target: Target::All, users: None }
    }

    /// Sets the range.
    ///
    /// # Errors
    ///
    /// `Invalid` when it ends before it begins.
    pub fn between(mut self, from: i64, to: i64) -> Result<Self> {
        if to < from {
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "the range ends at {to}, before it begins at {from}: exchange `from` and `to`",
                    "la période finit à {to}, avant de commencer à {from} : échangez `from` et `to`"
                ),
            ));
        }
        (self.from, self.to) = (from, to);
        Ok(self)
    }

    /// The last second of the range.
    pub(super) fn last(&self) -> i64 {
        match self.policy.range {
            RangeEnd::Inclusive => self.to,
            RangeEnd::HalfOpen => self.to.saturating_sub(1),
        }
    }
}
