//! The sessions and laps behind a figure, as JSON.

use engine::stats::{Dims, ExplainedSession, Explanation, closing_name, outcome_name, rule_name};
use engine::time::{Lap, Verdict};
use serde::Serialize;

/// What is behind the total of a user.
#[derive(Debug, Serialize)]
pub(crate) struct ExplanationJson<'a> {
    policy: &'a str,
    userid: i64,
    total: i64,
    parts: Vec<PartJson<'a>>,
}

#[derive(Debug, Serialize)]
struct PartJson<'a> {
    session: Option<SessionJson<'a>>,
    elapsed: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    laps: Option<Vec<LapJson<'a>>>,
}

#[derive(Debug, Serialize)]
struct SessionJson<'a> {
    number: u32,
    start: i64,
    end: i64,
    elapsed: i64,
    events: u64,
    courses: &'a [i64],
    closed_by: &'static str,
    verdict: &'static str,
}

/// One lap.
#[derive(Debug, Serialize)]
pub(crate) struct LapJson<'a> {
    pub(crate) id: i64,
    pub(crate) timecreated: i64,
    pub(crate) courseid: i64,
    pub(crate) module: &'a str,
    pub(crate) cmid: Option<i64>,
    pub(crate) gap: Option<i64>,
    pub(crate) rule: &'static str,
    pub(crate) measured: i64,
    pub(crate) carried: i64,
    pub(crate) elapsed: i64,
    pub(crate) outcome: &'static str,
    pub(crate) in_session: bool,
}

/// What is behind the total of a user; with its laps, if they are wanted.
pub(crate) fn explanation_json<'a>(
    policy: &'a str,
    explanation: &'a Explanation,
    dims: &'a Dims,
    laps: bool,
) -> ExplanationJson<'a> {
    let part = |part: &'a ExplainedSession| PartJson {
        session: part.session.as_ref().map(|found| SessionJson {
            number: found.session.number,
            start: found.session.start,
            end: found.session.end,
            elapsed: found.session.elapsed,
            events: found.session.events,
            courses: &found.courses,
            closed_by: closing_name(found.session.closing),
            verdict: verdict_name(found.session.verdict),
        }),
        elapsed: part.elapsed,
        laps: laps.then(|| part.laps.iter().map(|lap| lap_json(dims, part, lap)).collect()),
    };
    ExplanationJson {
        policy,
        userid: explanation.userid,
        total: explanation.total,
        parts: explanation.sessions.iter().map(part).collect(),
    }
}

/// One lap of a part.
pub(crate) fn lap_json<'a>(dims: &'a Dims, part: &ExplainedSession, lap: &Lap) -> LapJson<'a> {
    let below = part.below_minimum();
    LapJson {
        id: lap.hit.id,
        timecreated: lap.hit.time,
        courseid: lap.hit.course,
        module: dims.module_name(lap.hit.place.module),
        cmid: (lap.hit.place.cm != 0).then_some(lap.hit.place.cm),
        gap: lap.gap,
        rule: rule_name(lap.rule),
        measured: lap.measured,
        carried: lap.carried,
        elapsed: if below { 0 } else { lap.elapsed() },
        outcome: if below && lap.counts() { "below_minimum" } else { outcome_name(lap.outcome) },
        in_session: lap.in_session,
    }
}

fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Kept => "kept",
        Verdict::LoginOnly => "login_only",
        Verdict::BelowMinimum => "below_minimum",
    }
}
