//! [`SessionSet`]: the sessions of any set of hits.

use super::policy::GapPolicy;
use super::runs::Runs;
use super::session::Session;
use super::totals::Totals;
use crate::error::{Error, ErrorKind, Result};

/// The sessions of a set of hits under a policy.
///
/// A mergeable summary: its size follows the number of sessions, not of hits, and it is exact for hits in any order,
/// split over any number of sets. A hit that arrives late extends, joins or opens sessions as if it had come in time.
///
/// ```
/// use engine::time::{GapPolicy, Session, SessionSet};
///
/// let mut set = SessionSet::new(GapPolicy::default());
/// set.push(0);
/// set.push(7000);
/// assert_eq!(set.sessions().count(), 2);
/// set.push(3500);
/// assert_eq!(set.sessions().collect::<Vec<_>>(), [Session { start: 0, end: 7000, events: 3 }]);
/// ```
#[derive(Debug, Clone)]
pub struct SessionSet {
    policy: GapPolicy,
    runs: Runs,
}

impl SessionSet {
    /// A set without hits.
    pub fn new(policy: GapPolicy) -> Self {
        Self { policy, runs: Runs::default() }
    }

    /// The policy of the set.
    pub fn policy(&self) -> &GapPolicy {
        &self.policy
    }

    /// Adds a hit, in Unix seconds. Constant time on average when hits ascend or descend.
    pub fn push(&mut self, time: i64) {
        self.runs.push(self.policy.rule(), time);
    }

    /// Adds all hits of another set.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the other set ends its sessions by another rule: its sessions would not be exact.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        if self.policy.rule() != other.policy.rule() {
            let (ours, theirs) = (self.policy, other.policy);
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "sessions of the policy \"{theirs}\" cannot be added to those of \"{ours}\"",
                    "les sessions de la règle « {theirs} » ne peuvent s'ajouter à celles de « {ours} »"
                ),
            ));
        }
        self.runs.merge(self.policy.rule(), &other.runs);
        Ok(())
    }

    /// All sessions, ordered by time, whatever the minimum.
    pub fn sessions(&mut self) -> impl Iterator<Item = Session> {
        self.runs.tidy(self.policy.rule());
        self.runs.iter().copied()
    }

    /// The sessions that reach the minimum, ordered by time.
    pub fn kept(&mut self) -> impl Iterator<Item = Session> {
        let policy = self.policy;
        self.sessions().filter(move |session| policy.keeps(session))
    }

    /// What the kept sessions add up to.
    pub fn totals(&mut self) -> Totals {
        let policy = self.policy;
        Totals::of(&policy, self.sessions())
    }
}

impl Extend<i64> for SessionSet {
    fn extend<T: IntoIterator<Item = i64>>(&mut self, times: T) {
        times.into_iter().for_each(|time| self.push(time));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Boundary, Minimum, Seconds};

    fn policy(threshold: i64) -> GapPolicy {
        GapPolicy { threshold: Seconds::try_new(threshold).unwrap(), ..GapPolicy::default() }
    }

    fn set(policy: GapPolicy, times: &[i64]) -> SessionSet {
        let mut set = SessionSet::new(policy);
        set.extend(times.iter().copied());
        set
    }

    fn session(start: i64, end: i64, events: u64) -> Session {
        Session { start, end, events }
    }

    #[test]
    fn a_session_inside_another_and_one_that_bridges_several() {
        let mut outer = set(policy(10), &[0, 10, 20, 30, 100, 200]);
        outer.merge(&set(policy(10), &[12, 14])).unwrap();
        assert_eq!(
            outer.sessions().collect::<Vec<_>>(),
            [session(0, 30, 6), session(100, 100, 1), session(200, 200, 1)]
        );

        let bridge: Vec<i64> = (38..=195).step_by(7).collect();
        assert_eq!(bridge.last(), Some(&192));
        outer.merge(&set(policy(10), &bridge)).unwrap();
        assert_eq!(outer.sessions().collect::<Vec<_>>(), [session(0, 200, 31)]);
    }

    #[test]
    fn sets_of_different_rules_do_not_mix() {
        let mut set = SessionSet::new(policy(899));
        assert!(set.merge(&SessionSet::new(policy(900))).is_err());
        let same = GapPolicy { boundary: Boundary::LongerOrEqual, ..policy(900) };
        assert!(set.merge(&SessionSet::new(same)).is_ok(), "`> 899` and `>= 900` are the same rule");
    }

    #[test]
    fn every_hit_is_a_session_of_its_own_at_threshold_zero_or_equal() {
        let zero = GapPolicy { boundary: Boundary::LongerOrEqual, ..policy(0) };
        let mut all = set(zero, &[5, 3, 5]);
        all.merge(&set(zero, &[5, 4])).unwrap();
        let times: Vec<i64> = all.sessions().map(|session| session.start).collect();
        assert_eq!(times, [3, 4, 5, 5, 5]);
    }

    #[test]
    fn kept_sessions_reach_the_minimum_and_the_others_stay_in_the_set() {
        let two = GapPolicy { minimum: Minimum::Events(2), ..policy(10) };
        let mut all = set(two, &[0, 100, 105]);
        assert_eq!(all.kept().collect::<Vec<_>>(), [session(100, 105, 2)]);
        all.push(3);
        assert_eq!(all.kept().count(), 2, "a late hit makes the first session long enough");
    }

    #[test]
    fn the_ends_of_time() {
        let mut all = set(policy(i64::MAX), &[i64::MIN, i64::MAX, 0, -1]);
        assert_eq!(all.sessions().collect::<Vec<_>>(), [session(i64::MIN, i64::MAX, 4)]);
        let mut apart = set(policy(i64::MAX), &[i64::MIN, i64::MAX]);
        assert_eq!(apart.sessions().count(), 2, "the gap is longer than the longest threshold");
        assert_eq!(SessionSet::new(policy(0)).sessions().count(), 0);
    }
}
