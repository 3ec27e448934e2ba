//! [`UserSummary`]: the figures of one user that people ask for.

use crate::time::{Grain, Keep, Verdict};

use super::source::UserTime;

/// The figures of a user in one course.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CourseSummary {
    /// Course; 0 outside of courses, 1 for the site course.
    pub courseid: i64,
    /// Seconds in the course.
    pub total: i64,
    /// Those of them on activities.
    pub activity: i64,
    /// Those of them on pages of the course.
    pub course: i64,
    /// Hits.
    pub events: u64,
    /// Sessions that cross the course.
    pub sessions: u64,
    /// Unix seconds of the first and the last hit.
    pub first: i64,
    /// See `first`.
    pub last: i64,
}

impl CourseSummary {
    /// Seconds that are neither on activities nor on pages of the course.
    pub fn other(&self) -> i64 {
        self.total - self.activity - self.course
    }
}

/// The figures of a user.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct UserSummary {
    /// The user.
    pub userid: i64,
    /// Seconds in all courses, those outside of courses included.
    pub total: i64,
    /// Hits.
    pub events: u64,
    /// Unix seconds of the first and the last hit; `None` without hits.
    pub first: Option<i64>,
    /// See `first`.
    pub last: Option<i64>,
    /// Lengths of the sessions that count, in seconds, in the order of their starts.
    pub lengths: Vec<i64>,
    /// Starts of the first and the last session, in Unix seconds.
    pub first_session: Option<i64>,
    /// See `first_session`.
    pub last_session: Option<i64>,
    /// Its courses, by number.
    pub courses: Vec<CourseSummary>,
}

impl UserSummary {
    /// What must be kept of users for their summary.
    pub fn keep() -> Keep {
        Keep { laps: false, sessions: true, totals: Some(Grain { course: true, ..Grain::default() }) }
    }

    /// The summary of a user of whom [`UserSummary::keep`] was kept.
    pub fn of(user: &UserTime) -> Self {
        let mut summary = Self { userid: user.userid, ..Self::default() };
        for (key, counter) in &user.totals {
            summary.total = summary.total.saturating_add(counter.elapsed);
            summary.events += counter.events;
            summary.first = Some(summary.first.map_or(counter.first, |first| first.min(counter.first)));
            summary.last = Some(summary.last.map_or(counter.last, |last| last.max(counter.last)));
            summary.courses.push(CourseSummary {
                courseid: key.course,
                total: counter.elapsed,
                activity: counter.activity,
                course: counter.course,
                events: counter.events,
                sessions: 0,
                first: counter.first,
                last: counter.last,
            });
        }
        summary.courses.sort_by_key(|course| course.courseid);
        let mut kept: Vec<_> = user.sessions.iter().filter(|found| found.session.verdict == Verdict::Kept).collect();
        kept.sort_by_key(|found| (found.session.start, found.session.number));
        for found in &kept {
            summary.lengths.push(found.session.elapsed);
            for course in &mut summary.courses {
                course.sessions += u64::from(found.courses.contains(&course.courseid));
            }
        }
        summary.first_session = kept.first().map(|found| found.session.start);
        summary.last_session = kept.last().map(|found| found.session.start);
        summary
    }

    /// Mean length of the sessions in whole seconds, half a second rounded away from zero; `None` without sessions.
    pub fn mean_session(&self) -> Option<i64> {
        let sum: i128 = self.lengths.iter().map(|length| i128::from(*length)).sum();
        let count = i128::try_from(self.lengths.len()).unwrap_or(i128::MAX);
        (count > 0).then(|| i64::try_from((2 * sum + count * sum.signum()) / (2 * count)).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_rounds_half_away_from_zero() {
        let of = |lengths: &[i64]| UserSummary { lengths: lengths.to_vec(), ..UserSummary::default() }.mean_session();
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[1, 2]), Some(2));
        assert_eq!(of(&[1, 1, 2]), Some(1));
        assert_eq!(of(&[-1, -2]), Some(-2));
    }
}
