//! [`Session`]: a run of hits without a break.

use super::policy::GapPolicy;
use super::rule::GapRule;
use super::seconds::Seconds;

/// Most hits that one session counts; beyond it the count stays.
const MAX_EVENTS: u64 = i64::MAX.unsigned_abs();

/// A run of hits without a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Session {
    /// Time of the first hit, in Unix seconds.
    pub start: i64,
    /// Time of the last hit, in Unix seconds: equal to `start` when there is one hit, or all are in the same second.
    pub end: i64,
    /// Number of hits.
    pub events: u64,
}

impl Session {
    /// The session of a single hit.
    pub const fn hit(time: i64) -> Self {
        Self { start: time, end: time, events: 1 }
    }

    /// From the first to the last hit, without credit; at most [`Seconds::MAX`].
    pub fn length(&self) -> Seconds {
        Seconds::between(self.start, self.end)
    }

    /// The length and the credit of the policy; at most [`Seconds::MAX`].
    pub fn elapsed(&self, policy: &GapPolicy) -> Seconds {
        self.length().saturating_add(policy.credit_per_session())
    }

    /// Whether no break lies between the two, so that their hits form one session. Sessions that overlap touch.
    pub(super) fn touches(&self, rule: GapRule, other: &Self) -> bool {
        !rule.separates(self.end, other.start) && !rule.separates(other.end, self.start)
    }

    /// Takes in the hits of a session that [`touches`](Self::touches) this one.
    pub(super) fn absorb(&mut self, other: Self) {
        self.start = self.start.min(other.start);
        self.end = self.end.max(other.end);
        self.events = self.events.saturating_add(other.events).min(MAX_EVENTS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Boundary, Credit};

    #[test]
    fn sessions_touch_when_they_overlap_or_are_near() {
        let rule = GapRule::new(Seconds::try_new(10).unwrap(), Boundary::Longer);
        let session = Session { start: 100, end: 200, events: 50 };
        for (start, end, touches) in
            [(210, 300, true), (211, 300, false), (50, 90, true), (50, 89, false), (120, 130, true), (50, 300, true)]
        {
            let other = Session { start, end, events: 2 };
            assert_eq!(session.touches(rule, &other), touches, "{start} to {end}");
            assert_eq!(other.touches(rule, &session), touches, "{start} to {end}, the other way round");
        }
    }

    #[test]
    fn counts_and_lengths_do_not_overflow() {
        let mut session = Session { start: i64::MIN, end: 0, events: MAX_EVENTS };
        session.absorb(Session { start: 0, end: i64::MAX, events: MAX_EVENTS });
        assert_eq!(session, Session { start: i64::MIN, end: i64::MAX, events: MAX_EVENTS });
        let policy = GapPolicy { credit: Credit::Threshold, ..GapPolicy::default() };
        assert_eq!(session.elapsed(&policy), Seconds::MAX);
    }
}
