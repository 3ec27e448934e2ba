//! `/v1/stats` and `/v1/explain`: time spent of users and courses, and what is behind it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use chrono_tz::Tz;
use engine::fault::{nearest, quoted};
use engine::stats::services::{CourseSource, UserSource};
use engine::stats::{Explanation, Request as TimeRequest, Stats, UserSummary, UserTime};
use engine::time::{DayEdge, Policy, RangeEnd, is_date};
use engine::{Text, text};
use serde::Serialize;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::native;
use super::parameters::Parameters;
use crate::access::{Caller, Scope};
use crate::answers::{Basis, ExplanationJson, Names, UserJson, explanation_json, user_json};
use crate::http::{App, Problem};
use crate::moodle::call::Trace;
use crate::values;

/// What is asked, besides of whom.
struct Asked {
    policies: Vec<Policy>,
    from: Option<i64>,
    to: Option<i64>,
    to_is_day: bool,
    zone: Tz,
    site: Option<String>,
    at: Option<u64>,
}

impl Asked {
    /// Reads the parameters that all routes of time have.
    fn read(app: &App, caller: &Caller, parameters: &mut Parameters) -> Self {
        let settings = &app.settings;
        let zone = parameters.parse("timezone", values::timezone).unwrap_or(settings.zone);
        let to = parameters.text("to");
        let site = parameters.text("site");
        if let Some(site) = site.as_deref().filter(|site| !caller.sees(site)) {
            let site = quoted(site);
            parameters.fault("site", text!("the token does not see \"{site}\"", "le jeton ne voit pas « {site} »"));
        }
        let policies = parameters.text("policy").map(|names| policies(app, &names));
        let policies = match policies {
            None => vec![settings.policy.clone()],
            Some(Ok(policies)) => policies,
            Some(Err(reason)) => {
                parameters.fault("policy", reason);
                Vec::new()
            }
        };
        Self {
            policies,
            from: parameters.parse("from", |text| values::moment(text, zone, DayEdge::First)),
            to: parameters.parse("to", |text| values::moment(text, zone, DayEdge::Last)),
            to_is_day: to.is_some_and(|to| is_date(&to)),
            zone,
            site: site.or_else(|| caller.home().map(str::to_owned)),
            at: parameters.parse("at", |value| {
                value.parse().map_err(|_| {
                    let value = quoted(value);
                    text!("\"{value}\" is no number of a commit", "« {value} » n'est pas le numéro d'une validation")
                })
            }),
        }
    }

    /// The request of one policy for these users.
    fn request(&self, policy: &Policy, now: i64, users: Option<Vec<i64>>) -> Result<TimeRequest, Problem> {
        let to = self.to.unwrap_or(now);
        let request = TimeRequest { zone: self.zone, ..TimeRequest::new(policy.clone(), now) };
        let request = request.between(self.from.unwrap_or(0), to)?;
        // A range that ends with a day holds its last second by either rule.
        let more = i64::from(self.to_is_day && policy.range == RangeEnd::HalfOpen);
        Ok(TimeRequest { users, to: request.to.saturating_add(more), ..request })
    }

    fn policy(&self) -> Policy {
        self.policies.first().cloned().unwrap_or_else(Policy::use_stats)
    }
}

/// Policies of their names, with changes behind commas; several are separated by `|`.
fn policies(app: &App, names: &str) -> Result<Vec<Policy>, Text> {
    let resolve = |name: &str| {
        app.settings.policies.resolve(name.trim()).map_err(|error| {
            let of = |lang| error.message(lang).to_owned();
            Text { en: of(engine::Lang::En), fr: of(engine::Lang::Fr) }
        })
    };
    names.split('|').map(resolve).collect()
}

/// One of the names of an identifier.
fn source<T: Copy>(value: &str, known: &[(&'static str, T)]) -> Result<T, Text> {
    if let Some((_, source)) = known.iter().find(|(name, _)| *name == value) {
        return Ok(*source);
    }
    let all = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let value_shown = quoted(value);
    Err(match nearest(value, known.iter().map(|(name, _)| *name)) {
        Some(near) => text!(
            "\"{value_shown}\" is none of {all}; did you mean `{near}`?",
            "« {value_shown} » n'est pas dans {all} ; vouliez-vous dire `{near}` ?"
        ),
        None => text!("\"{value_shown}\" is none of {all}", "« {value_shown} » n'est pas dans {all}"),
    })
}

fn user_source(value: &str) -> Result<UserSource, Text> {
    use UserSource::{Email, Id, Idnumber, Username};
    source(value, &[("id", Id), ("username", Username), ("idnumber", Idnumber), ("email", Email)])
}

fn course_source(value: &str) -> Result<CourseSource, Text> {
    use CourseSource::{Id, Idnumber, Shortname};
    source(value, &[("id", Id), ("shortname", Shortname), ("idnumber", Idnumber)])
}

#[derive(Serialize)]
struct StatsReply<'a> {
    #[serde(flatten)]
    basis: Basis,
    users: Vec<UserJson<'a>>,
}

#[derive(Serialize)]
struct ExplainReply<'a> {
    #[serde(flatten)]
    basis: Basis,
    explanations: Vec<ExplanationJson<'a>>,
}

/// A request that was let in, with its parameters while they are read.
struct Entered {
    caller: Caller,
    parts: Parts,
    /// What the path names.
    id: String,
    parameters: Parameters,
}

impl Entered {
    async fn new(app: &Arc<App>, request: Request, path: Result<Path<String>, PathRejection>) -> Result<Self, Problem> {
        let (parts, _) = request.into_parts();
        let caller = native::admit(app, &parts, &Scope::Statistics).await?;
        let parameters = Parameters::of_query(parts.uri.query().unwrap_or_default());
        Ok(Self { caller, id: native::identifier(path)?, parameters, parts })
    }

    /// Ends the reading of parameters, waits for a turn, and opens the statistics of the site that is asked for.
    async fn open(mut self, app: &App) -> Result<Opened, Problem> {
        let asked = Asked::read(app, &self.caller, &mut self.parameters);
        self.parameters.finish()?;
        let turn = app.turn().await?;
        let stats = app.stats(asked.site.as_deref(), asked.at).await?;
        // The default site has a name that a token may not have.
        if !self.caller.sees(stats.site()) {
            let reason = text!("the token does not see this site", "le jeton ne voit pas ce site");
            return Err(Problem::forbidden(reason));
        }
        Ok(Opened { caller: self.caller, parts: self.parts, id: self.id, asked, now: app.now(), stats, _turn: turn })
    }
}

/// A request whose answer is computed.
struct Opened {
    caller: Caller,
    parts: Parts,
    id: String,
    asked: Asked,
    now: i64,
    stats: Stats,
    _turn: OwnedSemaphorePermit,
}

/// `GET /v1/stats/users/{id}`: the time of one user.
pub(crate) async fn user(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let mut entered = Entered::new(&app, request, path).await?;
    let by = entered.parameters.parse("by", user_source).unwrap_or(UserSource::Id);
    let opened = entered.open(&app).await?;
    let ids = opened.stats.user_ids(by, std::slice::from_ref(&opened.id)).await?;
    let time = opened.asked.request(&opened.asked.policy(), opened.now, Some(ids.clone()))?;
    let mut users = opened.stats.each_user(&time, UserSummary::keep(), UserSummary::of).await?;
    if users.is_empty() {
        users.extend(ids.first().map(|id| UserSummary { userid: *id, ..UserSummary::default() }));
    }
    opened.answer_users(&time, &users).await
}

/// `GET /v1/stats/courses/{id}`: the time of all users of a course, in that course.
pub(crate) async fn course(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let mut entered = Entered::new(&app, request, path).await?;
    let by = entered.parameters.parse("by", course_source).unwrap_or(CourseSource::Id);
    let opened = entered.open(&app).await?;
    let course = opened.stats.course_id(by, &opened.id).await?;
    let time = opened.asked.request(&opened.asked.policy(), opened.now, None)?;
    let users = opened.stats.each_user(&time, UserSummary::keep(), UserSummary::of).await?;
    let users: Vec<UserSummary> = users.into_iter().filter_map(|user| user.within(course)).collect();
    opened.answer_users(&time, &users).await
}

/// `GET /v1/explain/users/{id}`: the sessions and laps behind the total of a user, or of one of their courses.
pub(crate) async fn explain(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let mut entered = Entered::new(&app, request, path).await?;
    let parameters = &mut entered.parameters;
    let by = parameters.parse("by", user_source).unwrap_or(UserSource::Id);
    let course_by = parameters.parse("course_by", course_source).unwrap_or(CourseSource::Id);
    let course = parameters.text("course");
    let laps = parameters.parse("laps", |value| match value {
        "1" | "true" => Ok(true),
        "0" | "false" => Ok(false),
        _ => Err(text!("write 0 or 1", "écrivez 0 ou 1")),
    });
    let Opened { caller, parts, id, asked, now, stats, _turn } = entered.open(&app).await?;
    let ids = stats.user_ids(by, &[id]).await?;
    let course = match course {
        Some(course) => Some(stats.course_id(course_by, &course).await?),
        None => None,
    };
    let mut explained = Vec::new();
    for policy in &asked.policies {
        let time = asked.request(policy, now, Some(ids.clone()))?;
        let users = stats.users(&time, Explanation::keep()).await?;
        let userid = ids.first().copied().unwrap_or(0);
        let nobody = UserTime { userid, laps: Vec::new(), sessions: Vec::new(), totals: Vec::new() };
        explained.push((policy.name.as_str(), Explanation::of(&users.into_iter().next().unwrap_or(nobody), course)?));
    }
    let time = asked.request(&asked.policy(), now, None)?;
    let json = |(policy, explanation)| explanation_json(policy, explanation, stats.dims(), laps.unwrap_or(true));
    let explanations = explained.iter().map(|(policy, explanation)| json((*policy, explanation))).collect();
    let reply = ExplainReply { basis: Basis::new(&stats, &time, &asked.policies), explanations };
    respond(&reply, &caller, &parts.headers)
}

impl Opened {
    async fn answer_users(&self, time: &TimeRequest, users: &[UserSummary]) -> Result<Response, Problem> {
        let user_ids: Vec<i64> = users.iter().map(|user| user.userid).collect();
        let courses = users.iter().flat_map(|user| &user.courses).map(|course| course.courseid);
        let courses: Vec<i64> = courses.collect::<BTreeSet<i64>>().into_iter().collect();
        let names =
            Names { users: self.stats.user_names(&user_ids).await?, courses: self.stats.course_names(&courses).await? };
        let basis = Basis::new(&self.stats, time, std::slice::from_ref(&time.policy));
        let users = users.iter().map(|user| user_json(user, &names)).collect();
        respond(&StatsReply { basis, users }, &self.caller, &self.parts.headers)
    }
}

/// The reply with its tag; 304 without a body when the caller has it already.
fn respond(reply: &impl Serialize, caller: &Caller, headers: &HeaderMap) -> Result<Response, Problem> {
    let body = serde_json::to_vec(reply).map_err(|error| engine::Error::bug("a reply has no JSON").because(error))?;
    let digest = Sha256::digest(&body);
    let tag = format!("\"{}\"", digest[..16].iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // Proxies that compress weaken tags.
    let mut known = known.flat_map(|value| value.split(',')).map(|known| known.trim().trim_start_matches("W/"));
    let is_known = known.any(|known| known == tag || known == "*");
    let mut response = Response::new(if is_known { Body::empty() } else { Body::from(body) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.extensions_mut().insert(Trace { function: None, token: Some(caller.token.id) });
    Ok(response)
}
