//! `ws` requests: the read functions of the web service.

use anyhow::Result;
use engine::stats::services::{
    Call, CourseSource, CourseStats, Score, ServiceError, ServiceResult, UserIdentity, UserSource, UserStats,
};
use serde_json::{Map, Value, json};

use super::aggregate::target;
use super::case::{Case, integer};

impl Case {
    /// The answer to a `ws` request.
    pub(super) async fn service(&self, request: &Value) -> Result<Value> {
        match self.call(request).await {
            Ok(response) => Ok(json!({"response": response})),
            Err(ServiceError::Fault(fault)) => {
                Ok(json!({"error": {"class": fault.exception, "message": fault.to_string()}}))
            }
            Err(ServiceError::Engine(error)) => Err(error.into()),
        }
    }

    async fn call(&self, request: &Value) -> ServiceResult<Value> {
        let args = &request["args"];
        let policy = self.policy().map_err(|error| engine::Error::bug(error.to_string()))?;
        let exactness = policy.exactness;
        let uids = match &args["uids"] {
            Value::Array(uids) => uids.iter().map(text).collect(),
            _ => vec![text(&args["uid"])],
        };
        let call = Call {
            page: target(&request["course"]),
            uidsource: UserSource::parse(args["uidsource"].as_str().unwrap_or(""), exactness)?,
            uids,
            cidsource: CourseSource::parse(args["cidsource"].as_str().unwrap_or("idnumber"), exactness)?,
            cid: args.get("cid").map_or_else(|| "0".to_owned(), text),
            from: integer(&args["from"]).unwrap_or(0),
            to: integer(&args["to"]).unwrap_or(0),
            score: integer(&args["score"]).unwrap_or(1) != 0,
            ..Call::new(policy, self.now, [])
        };
        match request["function"].as_str().unwrap_or("") {
            "get_user_stats" => Ok(user_stats(&self.stats.get_user_stats(&call).await?)),
            "get_users_stats" => Ok(self.stats.get_users_stats(&call).await?.iter().map(user_stats).collect()),
            "get_users_course_stats" => {
                let answer = self.stats.get_users_course_stats(&call).await?;
                let item = |item: &engine::stats::services::UserCourseStats| {
                    let data = &item.coursedata;
                    let mut course = course(&data.course);
                    course["firstsession"] = json!(data.firstsession);
                    course["lastsession"] = json!(data.lastsession);
                    json!({"user": user(&item.user), "coursedata": course})
                };
                Ok(answer.iter().map(item).collect())
            }
            other => Err(engine::Error::bug(format!("no function `{other}`")).into()),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn user(user: &UserIdentity) -> Value {
    json!({"id": user.id, "username": user.username, "idnumber": user.idnumber})
}

fn user_stats(stats: &UserStats) -> Value {
    let sessions = stats.sessions.map_or_else(
        || Value::Object(Map::new()),
        |figures| {
            json!({
                "sessions": figures.sessions,
                "firstsession": figures.firstsession,
                "lastsession": figures.lastsession,
                "sessionmax": figures.sessionmax,
                "sessionmin": figures.sessionmin,
                "meansession": figures.meansession,
            })
        },
    );
    json!({
        "user": user(&stats.user),
        "query": {"from": stats.query.from, "to": stats.query.to},
        "sessions": sessions,
        "courses": stats.courses.iter().map(course).collect::<Vec<_>>(),
    })
}

fn course(course: &CourseStats) -> Value {
    let mut answer = json!({
        "id": course.id,
        "shortname": course.shortname,
        "idnumber": course.idnumber,
        "fullname": course.fullname,
        "activitytime": course.activitytime,
        "coursetime": course.coursetime,
        "coursetotal": course.coursetotal,
        "othertime": course.othertime,
        "sitecoursetime": course.sitecoursetime,
    });
    match &course.score {
        Score::NotAsked => {}
        Score::Null => answer["score"] = Value::Null,
        Score::Text(score) => answer["score"] = json!(score),
    }
    answer
}
