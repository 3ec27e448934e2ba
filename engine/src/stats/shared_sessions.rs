//! [`SharedSessions`]: sessions that leak from one user to the next, as in one process of block_use_stats.

use std::collections::HashSet;

use super::aggregate::SessionTime;
use crate::time::{Action, Lap};

/// The sessions of all users so far, under the login rule of the exact arithmetic.
#[derive(Debug, Clone, Default)]
pub(super) struct SharedSessions {
    per_course: bool,
    sessions: Vec<SessionTime>,
    starts: HashSet<i64>,
}

impl SharedSessions {
    pub(super) fn new(per_course: bool) -> Self {
        Self { per_course, ..Self::default() }
    }

    /// Adds what the rows of the next user are worth: those before the first login go into the last session of the
    /// user before.
    pub(super) fn take(&mut self, laps: &[Lap]) {
        for lap in laps.iter().filter(|lap| lap.counts()) {
            let (time, course) = (lap.hit.time, lap.hit.course);
            if lap.hit.action == Action::Login {
                self.open(time, course);
                continue;
            }
            let of = self.sessions.last().and_then(|last| last.courses.first().copied());
            if of.is_none() || (self.per_course && of != Some(course)) {
                self.open(time, course);
            }
            let Some(last) = self.sessions.last_mut() else { continue };
            if self.per_course {
                last.end = last.end.max(time);
            } else if !last.courses.contains(&course) {
                last.courses.push(course);
            }
            last.events += 1;
            last.elapsed = last.elapsed.saturating_add(lap.elapsed());
        }
    }

    /// The sessions of all users so far, in the order in which they were opened.
    pub(super) fn sessions(&self) -> &[SessionTime] {
        &self.sessions
    }

    /// Opens a session, unless one of any user begins in the same second.
    fn open(&mut self, time: i64, course: i64) {
        if self.starts.insert(time) {
            let courses = vec![course];
            self.sessions.push(SessionTime { start: time, end: time, elapsed: 0, events: 1, courses });
        }
    }
}
