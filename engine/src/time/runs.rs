//! [`Runs`]: the mergeable summary behind every set of sessions.

use std::mem::size_of;

use super::rule::GapRule;
use super::session::Session;

/// Runs of hits under a gap rule that the caller holds: 48 bytes for a set with one session, and no allocation.
///
/// The set of maximal runs of some hits is unique, so it does not matter when two runs are joined, only that they are
/// joined before somebody looks. While hits come in ascending order, `last` is the open session and `others` are the
/// closed ones, in order. A late hit makes no search: it extends `last` or takes its place, and [`tidy`](Self::tidy)
/// sorts and joins. That also happens whenever `others` would have to grow, and growing is allowed only when more than
/// half of it is left: so the memory stays within a constant factor of the number of sessions, and a hit costs
/// constant time when hits ascend or descend, and at most a logarithm of the number of sessions otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Runs {
    /// The run that took the latest arrival; it has no events as long as nothing arrived.
    last: Session,
    /// All other runs. They may touch each other, and lie in any order, until the next `tidy`.
    others: Vec<Session>,
}

impl Runs {
    /// Adds one hit.
    #[inline]
    pub(crate) fn push(&mut self, rule: GapRule, time: i64) {
        self.fold(rule, &[time]);
    }

    /// Adds hits; fastest when they ascend, exact in any order.
    #[inline]
    pub(crate) fn fold(&mut self, rule: GapRule, times: &[i64]) {
        // A copy of the open session, which the compiler keeps in registers.
        let mut last = self.last;
        let mut rest = times;
        if last.events == 0 {
            let Some((&first, others)) = times.split_first() else { return };
            last = Session::hit(first);
            rest = others;
        }
        for &time in rest {
            if rule.continues(last.end, time) {
                last.end = time;
                last.events += 1;
            } else {
                last = self.turn(rule, last, Session::hit(time));
            }
        }
        self.last = last;
    }

    /// Adds a run of hits whose inner gaps are no breaks, such as a session of another set under the same rule.
    pub(crate) fn add(&mut self, rule: GapRule, run: Session) {
        if run.events == 0 {
            return;
        }
        self.last = if self.last.events == 0 { run } else { self.turn(rule, self.last, run) };
    }

    /// Adds all hits of another set under the same rule.
    pub(crate) fn merge(&mut self, rule: GapRule, other: &Self) {
        for run in other.iter() {
            self.add(rule, *run);
        }
    }

    /// Sorts the runs and joins those that touch: afterwards they are the sessions, ordered by time.
    pub(crate) fn tidy(&mut self, rule: GapRule) {
        let before_last = self.others.last().is_none_or(|run| rule.separates(run.end, self.last.start));
        if before_last && is_tidy(&self.others, rule) {
            return;
        }
        self.others.push(self.last);
        join(&mut self.others, rule);
        self.last = self.others.pop().unwrap_or_default();
    }

    /// The runs; the sessions in order of time when [`tidy`](Self::tidy) was called after the last arrival.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.others.iter().chain((self.last.events > 0).then_some(&self.last))
    }

    /// Number of runs; see [`iter`](Self::iter).
    pub(crate) fn len(&self) -> usize {
        self.others.len() + usize::from(self.last.events > 0)
    }

    /// Bytes allocated beside the value itself.
    pub(crate) fn heap_size(&self) -> usize {
        self.others.capacity() * size_of::<Session>()
    }

    /// What is open after `run` arrived while `last` was open; `last` is put away when the two do not touch.
    fn turn(&mut self, rule: GapRule, mut last: Session, run: Session) -> Session {
        if last.touches(rule, &run) {
            last.absorb(run);
            return last;
        }
        if self.others.len() == self.others.capacity() {
            self.make_room(rule);
        }
        self.others.push(last);
        run
    }

    /// Joins what touches, and lets the list grow only when that left it more than half full.
    fn make_room(&mut self, rule: GapRule) {
        if !is_tidy(&self.others, rule) {
            join(&mut self.others, rule);
        }
        if self.others.len() > self.others.capacity() / 2 {
            self.others.reserve(self.others.len());
        }
    }
}

/// Whether the runs are in order with a break between any two.
fn is_tidy(runs: &[Session], rule: GapRule) -> bool {
    runs.windows(2).all(|pair| rule.separates(pair[0].end, pair[1].start))
}

/// Sorts runs and joins those that touch.
fn join(runs: &mut Vec<Session>, rule: GapRule) {
    runs.sort_unstable_by_key(|run| run.start);
    runs.dedup_by(|later, earlier| {
        let joined = !rule.separates(earlier.end, later.start);
        if joined {
            earlier.absorb(*later);
        }
        joined
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Boundary, Seconds};

    fn rule(threshold: i64) -> GapRule {
        GapRule::new(Seconds::try_new(threshold).unwrap(), Boundary::Longer)
    }

    #[test]
    fn one_session_needs_no_allocation() {
        let mut runs = Runs::default();
        runs.fold(rule(10), &[0, 5, 9, 19, 12]);
        runs.tidy(rule(10));
        assert_eq!(runs.iter().copied().collect::<Vec<_>>(), [Session { start: 0, end: 19, events: 5 }]);
        assert_eq!(runs.heap_size(), 0);
        assert_eq!(size_of::<Runs>(), 48);
    }

    #[test]
    fn hits_that_bridge_runs_keep_the_list_short() {
        // 10,000 distant hits, then, from the last to the first, all the hits between them: one session in the end.
        let rule = rule(60);
        let mut runs = Runs::default();
        (0..10_000).for_each(|i| runs.push(rule, i * 100));
        (0..10_000).rev().for_each(|i| runs.push(rule, i * 100 + 50));
        assert!(runs.heap_size() < 3 * 10_000 * size_of::<Session>(), "{}", runs.heap_size());
        runs.tidy(rule);
        assert_eq!(runs.iter().copied().collect::<Vec<_>>(), [Session { start: 0, end: 999_950, events: 20_000 }]);
    }

    #[test]
    fn newest_first_and_shuffled_hits_stay_cheap() {
        // A quadratic insertion would need minutes for this. The step is coprime to the length, so every hit comes once.
        let rule = rule(10);
        for step in [299_999_u64, 123_457] {
            let mut runs = Runs::default();
            for i in 0..300_000_u64 {
                runs.push(rule, i64::try_from(i * step % 300_000).unwrap() * 100);
            }
            runs.tidy(rule);
            assert_eq!(runs.len(), 300_000);
            assert!(runs.heap_size() <= 4 * 300_000 * size_of::<Session>());
        }
    }
}
