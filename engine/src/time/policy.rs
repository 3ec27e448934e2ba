//! [`GapPolicy`]: everything that decides what counts as a session and what it is worth.

use std::fmt;

use super::rule::GapRule;
use super::seconds::Seconds;
use super::session::Session;

/// Whether a gap of exactly the threshold opens a new session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Boundary {
    /// A gap longer than the threshold opens a session (`gap > threshold`).
    #[default]
    Longer,
    /// A gap as long as the threshold, or longer, opens a session (`gap >= threshold`).
    LongerOrEqual,
}

/// What a session is worth beyond its last hit, where the log is silent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Credit {
    /// Nothing: a session lasts from its first to its last hit.
    #[default]
    None,
    /// This many seconds.
    Fixed(Seconds),
    /// Half of the threshold. The half second of an odd threshold is dropped; the product known for this rule takes
    /// its threshold in minutes, whose half is always whole.
    HalfThreshold,
    /// The whole threshold, as session windows of stream processors do.
    Threshold,
}

/// What a session must have to be kept. Lengths are from the first to the last hit, before the credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Minimum {
    /// Every session is kept.
    #[default]
    None,
    /// Kept when longer than this.
    LongerThan(Seconds),
    /// Kept when this long, or longer.
    AtLeast(Seconds),
    /// Kept when it has this many hits, or more.
    Events(u64),
}

/// A gap policy: sessions end at long gaps, get a credit, and are kept when they reach a minimum.
///
/// The default is a gap longer than one hour, no credit, no minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GapPolicy {
    /// Longest gap within a session, in seconds. Zero is allowed.
    pub threshold: Seconds,
    /// Whether a gap of exactly the threshold still belongs to the session.
    pub boundary: Boundary,
    /// Seconds added after the last hit of each session.
    pub credit: Credit,
    /// Which sessions count.
    pub minimum: Minimum,
}

impl Default for GapPolicy {
    fn default() -> Self {
        Self {
            threshold: Seconds::HOUR,
            boundary: Boundary::default(),
            credit: Credit::default(),
            minimum: Minimum::default(),
        }
    }
}

impl GapPolicy {
    /// The part that decides where sessions begin and end.
    pub fn rule(&self) -> GapRule {
        GapRule::new(self.threshold, self.boundary)
    }

    /// Seconds added after the last hit of each session.
    pub fn credit_per_session(&self) -> Seconds {
        match self.credit {
            Credit::None => Seconds::ZERO,
            Credit::Fixed(seconds) => seconds,
            Credit::HalfThreshold => self.threshold.half(),
            Credit::Threshold => self.threshold,
        }
    }

    /// Whether the session counts.
    pub fn keeps(&self, session: &Session) -> bool {
        match self.minimum {
            Minimum::None => true,
            Minimum::LongerThan(least) => session.length() > least,
            Minimum::AtLeast(least) => session.length() >= least,
            Minimum::Events(least) => session.events >= least,
        }
    }
}

/// The four values in the order of the SQL functions' arguments: `3600 s, >, none, none`.
impl fmt::Display for GapPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let boundary = match self.boundary {
            Boundary::Longer => ">",
            Boundary::LongerOrEqual => ">=",
        };
        write!(f, "{}, {boundary}, ", self.threshold)?;
        match self.credit {
            Credit::None => f.write_str("none")?,
            Credit::Fixed(seconds) => write!(f, "{seconds}")?,
            Credit::HalfThreshold => f.write_str("half")?,
            Credit::Threshold => f.write_str("threshold")?,
        }
        match self.minimum {
            Minimum::None => f.write_str(", none"),
            Minimum::LongerThan(seconds) => write!(f, ", > {seconds}"),
            Minimum::AtLeast(seconds) => write!(f, ", >= {seconds}"),
            Minimum::Events(events) => write!(f, ", {events} events"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(length: i64, events: u64) -> Session {
        Session { start: 1_700_000_000, end: 1_700_000_000 + length, events }
    }

    #[test]
    fn the_minimum_looks_at_the_length_before_the_credit() {
        let minute = Seconds::try_new(60).unwrap();
        let policy = GapPolicy { credit: Credit::Threshold, ..GapPolicy::default() };
        let longer = GapPolicy { minimum: Minimum::LongerThan(minute), ..policy };
        assert!(!longer.keeps(&session(60, 9)) && longer.keeps(&session(61, 2)));
        let at_least = GapPolicy { minimum: Minimum::AtLeast(minute), ..policy };
        assert!(!at_least.keeps(&session(59, 9)) && at_least.keeps(&session(60, 2)));
        let two_events = GapPolicy { minimum: Minimum::Events(2), ..policy };
        assert!(!two_events.keeps(&session(0, 1)) && two_events.keeps(&session(0, 2)));
    }

    #[test]
    fn the_policy_reads_as_its_arguments() {
        let policy = GapPolicy {
            credit: Credit::HalfThreshold,
            minimum: Minimum::LongerThan(Seconds::try_new(59).unwrap()),
            ..GapPolicy::default()
        };
        assert_eq!(policy.to_string(), "3600 s, >, half, > 59 s");
    }
}
