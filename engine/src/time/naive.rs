//! The reference that tests compare with: sort all hits, cut at the gaps, in wide arithmetic.

use super::{Boundary, GapPolicy, Session};

/// The sessions of these hits, whatever the minimum.
pub(crate) fn sessions(policy: &GapPolicy, times: &[i64]) -> Vec<Session> {
    let mut times = times.to_vec();
    times.sort_unstable();
    let threshold = i128::from(policy.threshold.get());
    let mut sessions: Vec<Session> = Vec::new();
    for time in times {
        let breaks = |session: &Session| {
            let gap = i128::from(time) - i128::from(session.end);
            match policy.boundary {
                Boundary::Longer => gap > threshold,
                Boundary::LongerOrEqual => gap >= threshold,
            }
        };
        match sessions.last_mut() {
            Some(session) if !breaks(session) => {
                session.end = time;
                session.events += 1;
            }
            _ => sessions.push(Session { start: time, end: time, events: 1 }),
        }
    }
    sessions
}

/// The kept sessions of these hits.
pub(crate) fn kept(policy: &GapPolicy, times: &[i64]) -> Vec<Session> {
    sessions(policy, times).into_iter().filter(|session| policy.keeps(session)).collect()
}
