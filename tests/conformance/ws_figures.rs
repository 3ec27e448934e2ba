//! The figures of the fixture in place of computed ones. Users and courses are looked up as always.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use engine::stats::Stats;
use engine::stats::services::{
    Call, CourseData, CourseStats, Score, ServiceResult, SessionFigures, UserCourseStats, UserStats,
};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;
use server::moodle::Figures;

/// Recorded figures by user name.
#[derive(Debug)]
pub(super) struct Recorded(BTreeMap<String, Value>);

impl Recorded {
    pub(super) fn new(results: &Value) -> Result<Self> {
        let results = results.as_object().context("`use_stats_results`")?;
        Ok(Self(results.iter().map(|(name, result)| (name.clone(), result.clone())).collect()))
    }

    fn sessions(&self, username: &str) -> Option<SessionFigures> {
        let sessions = &self.0.get(username)?["sessions"];
        let number = |name: &str| sessions[name].as_i64();
        Some(SessionFigures {
            sessions: usize::try_from(number("sessions")?).ok()?,
            firstsession: number("firstsession")?,
            lastsession: number("lastsession"),
            sessionmin: number("sessionmin")?,
            sessionmax: number("sessionmax")?,
            meansession: number("meansession")?,
        })
    }

    fn courses(&self, username: &str, score: bool) -> Vec<CourseStats> {
        let courses = self.0.get(username).and_then(|result| result["courses"].as_array());
        courses.into_iter().flatten().map(|course| course_stats(course, score)).collect()
    }
}

fn course_stats(course: &Value, score: bool) -> CourseStats {
    let number = |name: &str| course[name].as_i64();
    let text = |name: &str| course[name].as_str().unwrap_or_default().to_owned();
    CourseStats {
        id: number("id").unwrap_or_default(),
        idnumber: text("idnumber"),
        shortname: text("shortname"),
        fullname: text("fullname"),
        activitytime: number("activitytime").unwrap_or_default(),
        coursetime: number("coursetime"),
        coursetotal: number("coursetotal"),
        othertime: number("othertime").unwrap_or_default(),
        sitecoursetime: number("sitecoursetime").unwrap_or_default(),
        score: match (score, course["score"].as_str()) {
            (false, _) => Score::NotAsked,
            (true, Some(score)) => Score::Text(score.to_owned()),
            (true, None) => Score::Null,
        },
    }
}

impl Figures for Recorded {
    fn of_users<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserStats>>> {
        async move {
            let mut answers = stats.get_users_stats(call).await?;
            let only = match (call.cidsource, call.cid.as_str()) {
                (None, _) | (_, "" | "0") => None,
                (Some(source), cid) => Some(stats.course_id(source, cid).await?),
            };
            for answer in &mut answers {
                answer.sessions = self.sessions(&answer.user.username);
                answer.courses = self.courses(&answer.user.username, call.score);
                answer.courses.retain(|course| only.is_none_or(|only| course.id == only));
            }
            Ok(answers)
        }
        .boxed()
    }

    fn in_course<'a>(&'a self, stats: &'a Stats, call: &'a Call) -> BoxFuture<'a, ServiceResult<Vec<UserCourseStats>>> {
        async move {
            let answers = stats.get_users_course_stats(call).await?;
            let source = call.cidsource.unwrap_or(engine::stats::services::CourseSource::Id);
            let only = stats.course_id(source, &call.cid).await?;
            let data = |username: &str| {
                let sessions = self.sessions(username);
                let course = self.courses(username, call.score).into_iter().find(|course| course.id == only);
                CourseData {
                    course: course.unwrap_or_default(),
                    firstsession: sessions.map_or(0, |sessions| sessions.firstsession),
                    lastsession: sessions.map_or(Some(0), |sessions| sessions.lastsession),
                }
            };
            let answer =
                |answer: UserCourseStats| UserCourseStats { coursedata: data(&answer.user.username), ..answer };
            Ok(answers.into_iter().map(answer).collect())
        }
        .boxed()
    }
}
