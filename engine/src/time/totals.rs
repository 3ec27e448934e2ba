//! [`Totals`]: what sessions add up to.

use super::policy::GapPolicy;
use super::seconds::Seconds;
use super::session::Session;

/// What the kept sessions of a policy add up to. Lengths include the credit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Totals {
    /// Number of kept sessions.
    pub sessions: u64,
    /// Start of the first kept session, in Unix seconds.
    pub first: Option<i64>,
    /// Start of the last kept session, in Unix seconds.
    pub last: Option<i64>,
    /// Shortest kept session.
    pub min: Option<Seconds>,
    /// Longest kept session.
    pub max: Option<Seconds>,
    /// Mean length of the kept sessions, in seconds.
    pub mean: Option<f64>,
    /// Sum of the lengths; at most [`Seconds::MAX`].
    pub elapsed: Seconds,
    /// Hits in the kept sessions; at most 2^63 − 1.
    pub events: u64,
}

impl Totals {
    /// The totals of those among `sessions` that the policy keeps. The sessions are ordered by time.
    pub fn of(policy: &GapPolicy, sessions: impl IntoIterator<Item = Session>) -> Self {
        let mut totals = Self::default();
        // The exact sum: the mean must not suffer where the sum in 64 bits would have to be cut.
        let mut sum: i128 = 0;
        for session in sessions.into_iter().filter(|session| policy.keeps(session)) {
            let elapsed = session.elapsed(policy);
            totals.sessions += 1;
            totals.first = totals.first.or(Some(session.start));
            totals.last = Some(session.start);
            totals.min = Some(totals.min.map_or(elapsed, |min| min.min(elapsed)));
            totals.max = Some(totals.max.map_or(elapsed, |max| max.max(elapsed)));
            totals.elapsed = totals.elapsed.saturating_add(elapsed);
            totals.events = totals.events.saturating_add(session.events).min(i64::MAX.unsigned_abs());
            sum += i128::from(elapsed.get());
        }
        totals.mean = (totals.sessions > 0).then(|| sum as f64 / totals.sessions as f64);
        totals
    }

    /// The mean in whole seconds, half a second rounded away from zero; `None` without sessions.
    pub fn mean_rounded(&self) -> Option<i64> {
        self.mean.map(|mean| mean.round() as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Credit, Minimum};

    #[test]
    fn totals_of_two_kept_sessions() {
        let policy = GapPolicy {
            credit: Credit::Fixed(Seconds::try_new(5).unwrap()),
            minimum: Minimum::LongerThan(Seconds::ZERO),
            ..GapPolicy::default()
        };
        let sessions = [
            Session { start: 0, end: 0, events: 3 },
            Session { start: 10_000, end: 10_100, events: 4 },
            Session { start: 20_000, end: 20_051, events: 2 },
        ];
        let totals = Totals::of(&policy, sessions);
        assert_eq!((totals.sessions, totals.events, totals.elapsed.get()), (2, 6, 161));
        assert_eq!((totals.first, totals.last), (Some(10_000), Some(20_000)));
        assert_eq!((totals.min.map(Seconds::get), totals.max.map(Seconds::get)), (Some(56), Some(105)));
        assert_eq!((totals.mean, totals.mean_rounded()), (Some(80.5), Some(81)));
    }

    #[test]
    fn without_sessions_there_is_no_first_and_no_mean() {
        let totals = Totals::of(&GapPolicy::default(), []);
        assert_eq!(totals, Totals::default());
        assert_eq!((totals.sessions, totals.first, totals.mean, totals.elapsed), (0, None, None, Seconds::ZERO));
    }

    #[test]
    fn sums_are_cut_and_the_mean_is_not() {
        let endless = Session { start: i64::MIN, end: i64::MAX, events: u64::MAX };
        let totals = Totals::of(&GapPolicy::default(), [endless, endless]);
        assert_eq!((totals.elapsed, totals.events), (Seconds::MAX, i64::MAX.unsigned_abs()));
        assert_eq!(totals.mean, Some(i64::MAX as f64));
    }
}
