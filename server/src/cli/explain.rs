//! `explain`: the sessions and laps behind a figure.

use std::collections::BTreeMap;

use engine::stats::{Dims, ExplainedSession, Explanation, UserTime, closing_name};
use engine::time::{Lap, Verdict};
use engine::{Lang, Text, text};
use serde::Serialize;

use super::args::{ExplainVerb, Globals};
use super::exit::{Exit, Failure};
use super::stats::{length, named};
use super::time_flags::{self, Asked};
use super::{Console, numbers};
use crate::answers::{Basis, ExplanationJson, explanation_json, lap_json};
use crate::encode::draw;

/// Runs `explain`.
pub(crate) async fn run(
    verb: &ExplainVerb,
    globals: &Globals,
    now: i64,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let ExplainVerb::User { user, course, course_by, sessions, time } = verb;
    let asked = Asked::new(time, globals, now).await?;
    let ids = asked.stats.user_ids(time.by.into(), std::slice::from_ref(user)).await?;
    let course = match course {
        Some(name) => Some(asked.stats.course_id((*course_by).into(), name).await?),
        None => None,
    };
    let mut parts = Vec::new();
    for policy in &asked.policies {
        let request = asked.request(policy, Some(ids.clone()));
        let users = asked.stats.users(&request, Explanation::keep()).await?;
        let nobody = || UserTime {
            userid: ids.first().copied().unwrap_or(0),
            laps: Vec::new(),
            sessions: Vec::new(),
            totals: Vec::new(),
        };
        let explanation = Explanation::of(&users.into_iter().next().unwrap_or_else(nobody), course)?;
        parts.push((policy.name.as_str(), explanation));
    }
    let names = asked.stats.user_names(&ids).await?;
    let page = Page { dims: asked.stats.dims(), names: &names, laps: !sessions };
    if time.json {
        let explanations = parts
            .iter()
            .map(|(policy, explanation)| explanation_json(policy, explanation, page.dims, page.laps))
            .collect();
        console.json(&Answer { basis: &asked.basis(), explanations })?;
        return Ok(Exit::Done);
    }
    time_flags::print_basis(&asked.basis(), console)?;
    for (policy, explanation) in &parts {
        page.print(policy, explanation, console)?;
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    basis: &'a Basis,
    explanations: Vec<ExplanationJson<'a>>,
}

/// What a page is made with.
struct Page<'a> {
    dims: &'a Dims,
    names: &'a BTreeMap<i64, String>,
    /// Whether laps are shown.
    laps: bool,
}

impl<'a> Page<'a> {
    fn print(&self, policy: &str, explanation: &Explanation, console: &mut Console) -> Result<(), Failure> {
        let lang = console.lang();
        let (name, total) = (named(explanation.userid, self.names), length(explanation.total));
        let seconds = explanation.total;
        let head = text!(
            "\nuser {name}, policy {policy}: {total} ({seconds} s)",
            "\nutilisateur {name}, règle {policy} : {total} ({seconds} s)"
        );
        let mut page = format!("{}\n", head.get(lang));
        for part in &explanation.sessions {
            page.push_str(&format!("\n{}\n", session_line(part).get(lang)));
            if self.laps && !part.laps.is_empty() {
                page.push_str(&self.laps_table(part, console));
            }
        }
        let worth = explanation.sessions.iter().filter(|part| part.elapsed != 0);
        let sum = worth.map(|part| part.elapsed.to_string()).collect::<Vec<_>>().join(" + ");
        let (sum, total) = (if sum.is_empty() { "0".to_owned() } else { sum }, explanation.total);
        page.push_str(&format!("\n{sum} = {total} s\n"));
        Ok(console.data(&page)?)
    }

    fn laps_table(&self, part: &ExplainedSession, console: &Console) -> String {
        let lang = console.lang();
        let head = match lang {
            Lang::En => ["row", "time", "course", "place", "gap", "why", "own", "carried", "counts"],
            Lang::Fr => ["ligne", "heure", "cours", "lieu", "écart", "raison", "propre", "reporté", "compte"],
        };
        let row = |lap: &Lap| {
            let json = lap_json(self.dims, part, lap);
            let place = match json.cmid {
                Some(cm) => format!("{} {cm}", json.module),
                None => json.module.to_owned(),
            };
            let counts = if json.outcome == "counted" {
                json.elapsed.to_string()
            } else {
                format!("0 ({})", outcome_text(json.outcome).get(lang))
            };
            vec![
                json.id.to_string(),
                numbers::instant(json.timecreated),
                json.courseid.to_string(),
                place,
                json.gap.map(|gap| gap.to_string()).unwrap_or_default(),
                rule_text(json.rule).get(lang).to_owned(),
                json.measured.to_string(),
                json.carried.to_string(),
                counts,
            ]
        };
        let rows: Vec<Vec<String>> = part.laps.iter().map(row).collect();
        let right = [true, false, true, false, true, false, true, true, true];
        draw(&head.map(str::to_owned), &right, &rows, console.width)
    }
}

fn session_line(part: &ExplainedSession) -> Text {
    let seconds = part.elapsed;
    let Some(found) = &part.session else {
        return text!("outside of sessions: {seconds} s", "hors session : {seconds} s");
    };
    let session = &found.session;
    let (start, end) = (numbers::instant(session.start), numbers::instant(session.end));
    let (number, events) = (session.number, session.events);
    let closed = match closing_name(session.closing) {
        "gap" => text!("closed by a gap over the threshold", "close par un écart au-delà du seuil"),
        "login" => text!("closed by the next login", "close par la connexion suivante"),
        "course" => text!("closed by a hit in another course", "close par un clic dans un autre cours"),
        _ => text!("open at the end of the range", "ouverte à la fin de la période"),
    };
    let verdict = match session.verdict {
        Verdict::Kept => text!("", ""),
        Verdict::LoginOnly => text!("; logins only, no session", " ; connexions seules, pas une session"),
        Verdict::BelowMinimum => text!("; below the minimum, does not count", " ; sous le minimum, ne compte pas"),
    };
    let (Text { en: closed_en, fr: closed_fr }, Text { en: verdict_en, fr: verdict_fr }) = (closed, verdict);
    text!(
        "session {number}: {start} to {end}, {seconds} s, {events} hits, {closed_en}{verdict_en}",
        "session {number} : du {start} au {end}, {seconds} s, {events} clics, {closed_fr}{verdict_fr}"
    )
}

fn rule_text(rule: &str) -> Text {
    match rule {
        "gap" => text!("gap", "écart"),
        "break" => text!("long gap: credit", "écart long : crédit"),
        "last" => text!("last hit: credit", "dernier clic : crédit"),
        _ => text!("no next row", "pas de ligne suivante"),
    }
}

fn outcome_text(outcome: &str) -> Text {
    match outcome {
        "logout" => text!("logout", "déconnexion"),
        "captured" => text!("captured", "capturé"),
        "ignored" => text!("ignored", "ignoré"),
        _ => text!("below the minimum", "sous le minimum"),
    }
}
