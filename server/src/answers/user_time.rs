//! Time of a user with its courses, as JSON.

use std::collections::BTreeMap;

use engine::stats::{CourseSummary, UserSummary};
use serde::Serialize;

/// Names by id.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names {
    /// User names.
    pub(crate) users: BTreeMap<i64, String>,
    /// Short names of courses.
    pub(crate) courses: BTreeMap<i64, String>,
}

/// The time of a user.
#[derive(Debug, Serialize)]
pub(crate) struct UserJson<'a> {
    userid: i64,
    username: Option<&'a str>,
    total: i64,
    hits: u64,
    firstaccess: Option<i64>,
    lastaccess: Option<i64>,
    sessions: SessionsJson,
    courses: Vec<CourseJson<'a>>,
}

#[derive(Debug, Serialize)]
struct SessionsJson {
    sessions: usize,
    firstsession: Option<i64>,
    lastsession: Option<i64>,
    sessionmin: Option<i64>,
    sessionmax: Option<i64>,
    meansession: Option<i64>,
}

#[derive(Debug, Serialize)]
struct CourseJson<'a> {
    courseid: i64,
    shortname: Option<&'a str>,
    coursetotal: i64,
    activitytime: i64,
    coursetime: i64,
    othertime: i64,
    hits: u64,
    sessions: u64,
    firstaccess: i64,
    lastaccess: i64,
}

/// The time of a user.
pub(crate) fn user_json<'a>(user: &UserSummary, names: &'a Names) -> UserJson<'a> {
    let course = |course: &CourseSummary| CourseJson {
        courseid: course.courseid,
        shortname: names.courses.get(&course.courseid).map(String::as_str),
        coursetotal: course.total,
        activitytime: course.activity,
        coursetime: course.course,
        othertime: course.other(),
        hits: course.events,
        sessions: course.sessions,
        firstaccess: course.first,
        lastaccess: course.last,
    };
    let figures = user.figures();
    UserJson {
        userid: user.userid,
        username: names.users.get(&user.userid).map(String::as_str),
        total: user.total,
        hits: user.events,
        firstaccess: user.first,
        lastaccess: user.last,
        sessions: SessionsJson {
            sessions: user.sessions.len(),
            firstsession: figures.map(|figures| figures.firstsession),
            lastsession: figures.and_then(|figures| figures.lastsession),
            sessionmin: figures.map(|figures| figures.sessionmin),
            sessionmax: figures.map(|figures| figures.sessionmax),
            meansession: figures.map(|figures| figures.meansession),
        },
        courses: user.courses.iter().map(course).collect(),
    }
}
