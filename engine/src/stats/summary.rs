//! [`UserSummary`]: the figures of one user that people ask for.

use crate::time::{Grain, Keep, Verdict};

use super::services::SessionFigures;
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
    /// Sessions that count, in the order of their starts: start in Unix seconds, length in seconds, courses.
    pub sessions: Vec<(i64, i64, Vec<i64>)>,
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
            summary.sessions.push((found.session.start, found.session.elapsed, found.courses.clone()));
            for course in &mut summary.courses {
                course.sessions += u64::from(found.courses.contains(&course.courseid));
            }
        }
        summary
    }

    /// Leaves what belongs to one course: its time, and the sessions that cross it, whole. `None` without a hit there.
    #[must_use]
    pub fn within(mut self, course: i64) -> Option<Self> {
        self.courses.retain(|known| known.courseid == course);
        self.sessions.retain(|(_, _, courses)| courses.contains(&course));
        let only = self.courses.first()?;
        (self.total, self.events) = (only.total, only.events);
        (self.first, self.last) = (Some(only.first), Some(only.last));
        Some(self)
    }

    /// The figures of the sessions; `None` without any.
    pub fn figures(&self) -> Option<SessionFigures> {
        let pairs: Vec<(i64, i64)> = self.sessions.iter().map(|(start, length, _)| (*start, *length)).collect();
        SessionFigures::of_lengths(&pairs, false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_course_there_are_its_time_and_the_sessions_that_cross_it() {
        let course = |courseid, total| CourseSummary { courseid, total, events: 2, ..CourseSummary::default() };
        let user = UserSummary {
            total: 50,
            events: 4,
            sessions: vec![(0, 10, vec![2, 3]), (100, 40, vec![3])],
            courses: vec![course(2, 8), course(3, 42)],
            ..UserSummary::default()
        };
        let within = user.clone().within(2).unwrap();
        let figures = within.figures().unwrap();
        assert_eq!((within.total, within.events, figures.sessions, figures.sessionmax), (8, 2, 1, 10));
        assert_eq!(user.clone().within(3).unwrap().sessions.len(), 2);
        assert_eq!(user.within(4), None);
    }
}
