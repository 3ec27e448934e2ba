//! The classic generation: sessions that a long gap ends.

use anyhow::Result;
use engine::stats::{Aggregate, Request, UserTime};
use engine::time::{Action, Carry, Exactness, Grain, Keep, LapRule, Outcome, Outside, SessionRule, Verdict};
use serde_json::{Value, json};

use super::aggregate::{by_key, short};
use super::case::Case;
use super::diff::Report;

impl Case {
    /// Compares the recorded results of the classic release, except for tracks on which it is degenerate.
    pub(super) async fn classic(&self, expected: &Value, report: &mut Report) -> Result<()> {
        for (at, result) in expected["results"].as_array().into_iter().flatten().enumerate() {
            let place = format!("{} classic #{at}", self.name);
            if !self.policy()?.captured.is_empty() {
                report.note(format!("{place}: excepted, capturemodules lists the modules that count there"));
                continue;
            }
            let asked = self.classic_request(&result["request"])?;
            let grain = Grain { course: true, place: true, ..Grain::default() };
            let keep = Keep { laps: true, sessions: true, totals: Some(grain) };
            let time = self.stats.users(&asked, keep).await?.pop();
            if let Some(why) = time.as_ref().and_then(|time| excepted(time, &asked)) {
                report.note(format!("{place}: excepted, {why}"));
                continue;
            }
            let carried = time.as_ref().is_some_and(break_after_carried);
            let sums = time.map(|time| Aggregate::new(&time, self.stats.dims())).unwrap_or_default();
            let mut recorded = result.clone();
            if let Some(recorded) = recorded.as_object_mut() {
                recorded.remove("request");
                recorded.remove("selected_ids_count");
                for session in recorded.get_mut("sessions").and_then(Value::as_array_mut).into_iter().flatten() {
                    // The classic list of courses names the course after a session, too.
                    session.as_object_mut().map(|session| session.remove("courses"));
                }
            }
            let mut ours = ours(&sums);
            if carried {
                report.note(format!("{place}: sessions excepted, a long gap after a hit of an ignored module"));
                for sums in [&mut recorded, &mut ours] {
                    sums.as_object_mut().map(|sums| sums.remove("sessions"));
                }
            }
            report.compare(&place, &recorded, &ours);
        }
        Ok(())
    }

    /// The rules of the classic release: all rows outside of courses count, bounds are exclusive, carried time is used
    /// up, sessions have their true end.
    fn classic_request(&self, request: &Value) -> Result<Request> {
        let mut asked = self.request(request)?;
        let policy = &mut asked.policy;
        policy.sessions = SessionRule::Gap;
        policy.carry = Carry::Once;
        // Of ignored modules it carries the time, too.
        policy.captured = std::mem::take(&mut policy.ignored);
        policy.exactness = Exactness::Corrected;
        policy.exclude.outside = Outside::Keep;
        asked.from = asked.from.saturating_add(i64::from(asked.from != 0));
        asked.to = asked.to.saturating_sub(1);
        Ok(asked)
    }
}

fn ours(sums: &Aggregate) -> Value {
    let session = |session: &engine::stats::SessionTime| json!({"sessionstart": session.start, "sessionend": session.end, "elapsed": session.elapsed});
    json!({
        "coursetotal": by_key(&sums.coursetotal, short),
        "course": by_key(&sums.course, short),
        "activities": by_key(&sums.activities, short),
        "other": by_key(&sums.other, short),
        "sessions": sums.sessions.iter().map(session).collect::<Vec<_>>(),
    })
}

/// Why the simple statement of the classic rule does not hold for a track.
fn excepted(time: &UserTime, asked: &Request) -> Option<&'static str> {
    if asked.policy.session_per_course {
        return Some("one session per course");
    }
    if time.laps.first().is_some_and(|lap| lap.hit.action == Action::Logout) {
        return Some("a logout before any hit");
    }
    if time.sessions.iter().any(|session| session.session.verdict == Verdict::LoginOnly) {
        return Some("a login that another login or nothing follows");
    }
    let threshold = asked.policy.gap.threshold.get();
    let far = |pair: &[engine::time::Lap]| {
        pair[1].hit.action == Action::Logout && pair[1].hit.time.saturating_sub(pair[0].hit.time) > threshold
    };
    time.laps.windows(2).any(far).then_some("a logout further away than the threshold")
}

/// Whether a long gap follows a hit whose time is carried. The classic release does not end the session there, and adds
/// the credit twice to a session that ends with such a hit; sums by course and activity are not concerned.
fn break_after_carried(time: &UserTime) -> bool {
    time.laps.iter().any(|lap| lap.outcome == Outcome::Captured && lap.rule == LapRule::Break)
}
