//! [`SessionFigures`]: the sessions of a user in six numbers.

use crate::stats::SessionTime;

/// Where the plugin starts to look for the shortest session, in seconds.
const SHORTEST: i64 = 1_000_000;

/// Number, ends and lengths of sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionFigures {
    /// Number of sessions.
    pub sessions: usize,
    /// Start of the first one, in Unix seconds.
    pub firstsession: i64,
    /// Start of the last one; `None` only in the exact arithmetic, for a single session.
    pub lastsession: Option<i64>,
    /// Seconds of the shortest one; in the exact arithmetic at most 1 000 000.
    pub sessionmin: i64,
    /// Seconds of the longest one, at least 0.
    pub sessionmax: i64,
    /// Mean seconds, rounded half away from zero.
    pub meansession: i64,
}

impl SessionFigures {
    /// The figures of sessions in their order; `None` without any.
    pub fn of(sessions: &[SessionTime], exact: bool) -> Option<Self> {
        let pairs: Vec<(i64, i64)> = sessions.iter().map(|session| (session.start, session.elapsed)).collect();
        Self::of_lengths(&pairs, exact)
    }

    /// [`Self::of`] for pairs of start, in Unix seconds, and length in seconds.
    pub fn of_lengths(sessions: &[(i64, i64)], exact: bool) -> Option<Self> {
        let ((first, _), (last, _)) = (sessions.first()?, sessions.last()?);
        let lengths = || sessions.iter().map(|(_, elapsed)| *elapsed);
        let shortest = lengths().min().unwrap_or(0);
        Some(Self {
            sessions: sessions.len(),
            firstsession: *first,
            lastsession: (!exact || sessions.len() > 1).then_some(*last),
            sessionmin: if exact { shortest.min(SHORTEST) } else { shortest },
            sessionmax: lengths().max().unwrap_or(0).max(0),
            meansession: mean(lengths().map(i128::from).sum(), sessions.len()),
        })
    }
}

/// A quotient rounded half away from zero.
fn mean(sum: i128, count: usize) -> i64 {
    let count = i128::try_from(count).unwrap_or(i128::MAX).max(1);
    let rounded = (2 * sum.abs() + count) / (2 * count);
    i64::try_from(sum.signum() * rounded).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions(lengths: &[i64]) -> Vec<SessionTime> {
        let session =
            |(start, elapsed): (i64, &i64)| SessionTime { start, elapsed: *elapsed, ..SessionTime::default() };
        (100..).zip(lengths).map(session).collect()
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        assert_eq!((mean(3, 2), mean(-3, 2), mean(1, 3), mean(-2, 3), mean(0, 5)), (2, -2, 0, -1, 0));
    }

    #[test]
    fn the_only_session_is_the_last_one_too_except_in_the_plugin() {
        assert_eq!(SessionFigures::of(&sessions(&[60]), false).unwrap().lastsession, Some(100));
        assert_eq!(SessionFigures::of(&sessions(&[60]), true).unwrap().lastsession, None);
        assert_eq!(SessionFigures::of(&sessions(&[60, 30]), true).unwrap().lastsession, Some(101));
        assert_eq!(SessionFigures::of(&[], true), None);
    }

    #[test]
    fn the_shortest_session_may_be_long_except_in_the_plugin() {
        let long = sessions(&[1_234_567, 2_000_000]);
        assert_eq!(SessionFigures::of(&long, false).unwrap().sessionmin, 1_234_567);
        assert_eq!(SessionFigures::of(&long, true).unwrap().sessionmin, 1_000_000);
    }
}
