//! [`Explanation`]: the sessions and laps behind a total, which add up to it.

use crate::error::{Error, Result};
use crate::time::{Keep, Lap, UserSession, Verdict};

use super::source::UserTime;

/// A session with its laps; or the rows that are in no session.
#[derive(Debug, Clone)]
pub struct ExplainedSession {
    /// The session; `None` for rows outside of sessions.
    pub session: Option<UserSession>,
    /// Its rows, in order of time.
    pub laps: Vec<Lap>,
    /// Seconds that its rows add to the total.
    pub elapsed: i64,
}

impl ExplainedSession {
    /// Whether the session does not reach the minimum, so that nothing of it counts.
    pub fn below_minimum(&self) -> bool {
        self.session.as_ref().is_some_and(|found| found.session.verdict == Verdict::BelowMinimum)
    }
}

/// Everything behind the total of one user.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The user.
    pub userid: i64,
    /// Sessions in the order of their starts, then what is outside of sessions.
    pub sessions: Vec<ExplainedSession>,
    /// Seconds: the sum of the parts, and the total of the user or of the course that was asked for.
    pub total: i64,
}

impl Explanation {
    /// What must be kept of a user for an explanation.
    pub fn keep() -> Keep {
        Keep { laps: true, sessions: true, totals: Some(crate::time::Grain { course: true, ..Default::default() }) }
    }

    /// Explains the total of a user, or of one course of theirs.
    ///
    /// # Errors
    ///
    /// `Bug` when the parts do not add up to the total, which is computed apart from them.
    pub fn of(user: &UserTime, course: Option<i64>) -> Result<Self> {
        let wanted = |of: i64| course.is_none_or(|course| course == of);
        let mut sessions: Vec<ExplainedSession> = user
            .sessions
            .iter()
            .map(|found| ExplainedSession { session: Some(found.clone()), laps: Vec::new(), elapsed: 0 })
            .collect();
        sessions.sort_by_key(|part| part.session.as_ref().map(|found| (found.session.start, found.session.number)));
        let at = |number: u32| {
            sessions.iter().position(|part| part.session.as_ref().is_some_and(|found| found.session.number == number))
        };
        let places: Vec<Option<usize>> = user.laps.iter().map(|lap| lap.session.and_then(at)).collect();
        let mut outside = ExplainedSession { session: None, laps: Vec::new(), elapsed: 0 };
        for (lap, place) in user.laps.iter().zip(places) {
            if !wanted(lap.hit.course) {
                continue;
            }
            let part = place.and_then(|at| sessions.get_mut(at)).unwrap_or(&mut outside);
            part.laps.push(*lap);
            if !part.below_minimum() {
                part.elapsed = part.elapsed.saturating_add(lap.elapsed());
            }
        }
        if !outside.laps.is_empty() {
            sessions.push(outside);
        }
        if course.is_some() {
            sessions.retain(|part| !part.laps.is_empty());
        }
        sessions.iter_mut().for_each(|part| part.laps.sort_by_key(|lap| (lap.hit.time, lap.hit.id)));
        let of_course = |key: &crate::time::Key| wanted(key.course);
        let total = user.totals.iter().filter(|(key, _)| of_course(key)).map(|(_, counter)| counter.elapsed).sum();
        let sum: i64 = sessions.iter().map(|part| part.elapsed).sum();
        if sum != total {
            return Err(Error::bug(format!(
                "the parts of user {} add up to {sum} s, and the total is {total} s",
                user.userid
            )));
        }
        Ok(Self { userid: user.userid, sessions, total })
    }
}
