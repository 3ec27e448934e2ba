//! `stats`: time spent of users and courses, under one policy or several.

use std::collections::BTreeMap;

use engine::stats::{CourseSummary, UserSummary};
use engine::time::{DurationForm, Policy};
use engine::{Lang, text};
use serde::Serialize;

use super::args::{Globals, StatsVerb, TimeArgs};
use super::exit::{Exit, Failure};
use super::time_flags::{self, Asked};
use super::{Console, numbers};
use crate::answers::{Basis, Names, user_json};
use crate::encode::draw;

/// Runs `stats`.
pub(crate) async fn run(verb: &StatsVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    match verb {
        StatsVerb::User { users, time } => {
            let (asked, figures) = figures(Some(users), None, time, globals, now).await?;
            if asked.policies.len() > 1 {
                compare(&asked, &figures, time, console)
            } else {
                people(&asked, &figures, time, console)
            }
        }
        StatsVerb::Users { users, time } => {
            let some = (!users.is_empty()).then_some(users.as_slice());
            let (asked, figures) = figures(some, None, time, globals, now).await?;
            if asked.policies.len() > 1 {
                compare(&asked, &figures, time, console)
            } else {
                list(&asked, &figures, time, console)
            }
        }
        StatsVerb::Course { course, course_by, time } => {
            let of = Some((course.as_str(), (*course_by).into()));
            let (asked, figures) = figures(None, of, time, globals, now).await?;
            if asked.policies.len() > 1 {
                compare(&asked, &figures, time, console)
            } else {
                list(&asked, &figures, time, console)
            }
        }
    }
}

/// The figures of all policies, and the names that go with them.
struct Figures {
    /// Per policy, the users; a user without a hit has zeros.
    by_policy: Vec<Vec<UserSummary>>,
    names: Names,
}

async fn figures(
    users: Option<&[String]>,
    course: Option<(&str, engine::stats::services::CourseSource)>,
    time: &TimeArgs,
    globals: &Globals,
    now: i64,
) -> Result<(Asked, Figures), Failure> {
    let asked = Asked::new(time, globals, now).await?;
    let ids = match users {
        Some(names) => Some(asked.stats.user_ids(time.by.into(), names).await?),
        None => None,
    };
    let course = match course {
        Some((name, by)) => Some(asked.stats.course_id(by, name).await?),
        None => None,
    };
    let mut by_policy = Vec::new();
    for policy in &asked.policies {
        by_policy.push(of_policy(&asked, policy, ids.as_deref(), course).await?);
    }
    let all = by_policy.iter().flatten();
    let user_ids: Vec<i64> = all.clone().map(|user| user.userid).collect();
    let mut course_ids: Vec<i64> = all.flat_map(|user| user.courses.iter().map(|course| course.courseid)).collect();
    course_ids.sort_unstable();
    course_ids.dedup();
    let users = asked.stats.user_names(&user_ids).await?;
    let courses = asked.stats.course_names(&course_ids).await?;
    Ok((asked, Figures { by_policy, names: Names { users, courses } }))
}

async fn of_policy(
    asked: &Asked,
    policy: &Policy,
    ids: Option<&[i64]>,
    course: Option<i64>,
) -> Result<Vec<UserSummary>, Failure> {
    let request = asked.request(policy, ids.map(<[i64]>::to_vec));
    let all = asked.stats.each_user(&request, UserSummary::keep(), UserSummary::of).await?;
    let summaries: Vec<UserSummary> = match course {
        Some(course) => all.into_iter().filter_map(|user| user.within(course)).collect(),
        None => all,
    };
    let Some(ids) = ids else { return Ok(summaries) };
    // In the order in which they were asked for; those without a hit too.
    let found = |id: &i64| summaries.iter().find(|user| user.userid == *id).cloned();
    Ok(ids
        .iter()
        .map(|id| found(id).unwrap_or_else(|| UserSummary { userid: *id, ..UserSummary::default() }))
        .collect())
}

#[derive(Serialize)]
struct Answer<'a, T> {
    #[serde(flatten)]
    basis: &'a Basis,
    users: Vec<T>,
}

fn print_json(asked: &Asked, figures: &Figures, users: &[UserSummary], console: &mut Console) -> Result<Exit, Failure> {
    let users = users.iter().map(|user| user_json(user, &figures.names)).collect();
    console.json(&Answer { basis: &asked.basis(), users })?;
    Ok(Exit::Done)
}

/// Everything about a few people.
fn people(asked: &Asked, figures: &Figures, time: &TimeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let users = figures.by_policy.first().map_or(&[][..], Vec::as_slice);
    if time.json {
        return print_json(asked, figures, users, console);
    }
    time_flags::print_basis(&asked.basis(), console)?;
    for user in users {
        let lang = console.lang();
        let name = named(user.userid, &figures.names.users);
        let (total, hits) = (length(user.total), numbers::count(user.events, lang));
        let line = text!("\nuser {name}: {total}, {hits} hits", "\nutilisateur {name} : {total}, {hits} clics");
        let mut page = format!("{}\n", line.get(lang));
        if !user.courses.is_empty() {
            page.push_str(&courses_table(user, figures, console));
            page.push_str(&sessions_line(user, lang));
        }
        console.data(&page)?;
    }
    Ok(Exit::Done)
}

fn courses_table(user: &UserSummary, figures: &Figures, console: &Console) -> String {
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["course", "total", "activities", "course pages", "other", "hits", "sessions", "first", "last"],
        Lang::Fr => {
            ["cours", "total", "activités", "pages du cours", "autre", "clics", "sessions", "premier", "dernier"]
        }
    };
    let row = |course: &CourseSummary| {
        vec![
            named(course.courseid, &figures.names.courses),
            length(course.total),
            length(course.activity),
            length(course.course),
            length(course.other()),
            numbers::count(course.events, lang),
            numbers::count(course.sessions, lang),
            numbers::instant(course.first),
            numbers::instant(course.last),
        ]
    };
    let rows: Vec<Vec<String>> = user.courses.iter().map(row).collect();
    let right = [false, true, true, true, true, true, true, false, false];
    draw(&head.map(str::to_owned), &right, &rows, console.width)
}

fn sessions_line(user: &UserSummary, lang: Lang) -> String {
    let Some(figures) = user.figures() else {
        return format!("{}\n", text!("no sessions", "aucune session").get(lang));
    };
    let count = numbers::count(u64::try_from(figures.sessions).unwrap_or(u64::MAX), lang);
    let (min, max, mean) = (length(figures.sessionmin), length(figures.sessionmax), length(figures.meansession));
    let first = numbers::instant(figures.firstsession);
    let last = numbers::instant(figures.lastsession.unwrap_or(figures.firstsession));
    let line = text!(
        "{count} sessions from {first} to {last}; shortest {min}, longest {max}, mean {mean}",
        "{count} sessions du {first} au {last} ; plus courte {min}, plus longue {max}, moyenne {mean}"
    );
    format!("{}\n", line.get(lang))
}

/// One line per user.
fn list(asked: &Asked, figures: &Figures, time: &TimeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let users = figures.by_policy.first().map_or(&[][..], Vec::as_slice);
    if time.json {
        return print_json(asked, figures, users, console);
    }
    let lang = console.lang();
    time_flags::print_basis(&asked.basis(), console)?;
    let head = match lang {
        Lang::En => ["user", "total", "courses", "sessions", "hits", "first", "last"],
        Lang::Fr => ["utilisateur", "total", "cours", "sessions", "clics", "premier", "dernier"],
    };
    let row = |user: &UserSummary| {
        let courses = user.courses.iter().filter(|course| course.courseid > 1).count();
        let sessions = u64::try_from(user.sessions.len()).unwrap_or(u64::MAX);
        vec![
            named(user.userid, &figures.names.users),
            length(user.total),
            courses.to_string(),
            numbers::count(sessions, lang),
            numbers::count(user.events, lang),
            user.first.map(numbers::instant).unwrap_or_default(),
            user.last.map(numbers::instant).unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = users.iter().map(row).collect();
    let right = [false, true, true, true, true, false, false];
    let table = draw(&head.map(str::to_owned), &right, &rows, console.width);
    console.data(&table)?;
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct ComparedJson<'a> {
    userid: i64,
    username: Option<&'a str>,
    policies: Vec<OfPolicyJson<'a>>,
}

#[derive(Serialize)]
struct OfPolicyJson<'a> {
    policy: &'a str,
    total: i64,
    sessions: usize,
    /// Total by this policy divided by the total by the first one; absent when that is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<f64>,
}

/// The same people under several policies, side by side.
fn compare(asked: &Asked, figures: &Figures, time: &TimeArgs, console: &mut Console) -> Result<Exit, Failure> {
    let mut ids: Vec<i64> = Vec::new();
    for user in figures.by_policy.iter().flatten() {
        if !ids.contains(&user.userid) {
            ids.push(user.userid);
        }
    }
    let figures_of = |id: i64| -> Vec<(i64, usize)> {
        let of = |users: &Vec<UserSummary>| {
            let user = users.iter().find(|user| user.userid == id);
            user.map_or((0, 0), |user| (user.total, user.sessions.len()))
        };
        figures.by_policy.iter().map(of).collect()
    };
    let compared: Vec<ComparedJson<'_>> = ids
        .iter()
        .map(|id| {
            let values = figures_of(*id);
            let base = values.first().map_or(0, |value| value.0);
            let each = asked.policies.iter().zip(&values).map(|(policy, (total, sessions))| OfPolicyJson {
                policy: &policy.name,
                total: *total,
                sessions: *sessions,
                ratio: (base != 0).then(|| *total as f64 / base as f64),
            });
            ComparedJson {
                userid: *id,
                username: figures.names.users.get(id).map(String::as_str),
                policies: each.collect(),
            }
        })
        .collect();
    if time.json {
        console.json(&Answer { basis: &asked.basis(), users: compared })?;
        return Ok(Exit::Done);
    }
    compared_table(asked, figures, &compared, console)
}

fn compared_table(
    asked: &Asked,
    figures: &Figures,
    compared: &[ComparedJson<'_>],
    console: &mut Console,
) -> Result<Exit, Failure> {
    let lang = console.lang();
    time_flags::print_basis(&asked.basis(), console)?;
    let mut head = vec![text!("user", "utilisateur").get(lang).to_owned()];
    let mut right = vec![false];
    for policy in &asked.policies {
        head.extend([policy.name.clone(), text!("sessions", "sessions").get(lang).to_owned(), "×".to_owned()]);
        right.extend([true, true, true]);
    }
    let row = |user: &ComparedJson<'_>| {
        let mut row = vec![named(user.userid, &figures.names.users)];
        for value in &user.policies {
            let ratio = value.ratio.map(|ratio| numbers::decimal(ratio, 2, lang)).unwrap_or_default();
            row.extend([length(value.total), value.sessions.to_string(), ratio]);
        }
        row
    };
    let rows: Vec<Vec<String>> = compared.iter().map(row).collect();
    let table = draw(&head, &right, &rows, console.width);
    console.data(&table)?;
    Ok(Exit::Done)
}

/// A number with its name, where it has one.
pub(super) fn named(id: i64, names: &BTreeMap<i64, String>) -> String {
    names.get(&id).map_or_else(|| id.to_string(), |name| format!("{name} ({id})"))
}

/// Seconds for people.
pub(super) fn length(seconds: i64) -> String {
    DurationForm::Block.format(seconds)
}
