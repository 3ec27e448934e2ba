//! The read functions of block_use_stats.

use engine::stats::services::{
    Call, CourseSource, CourseStats, Score, UserCourseStats, UserIdentity, UserSource, UserStats,
};
use futures::FutureExt;

use crate::access::Scope;
use crate::moodle::exception::Exception;
use crate::moodle::function::{Context, Function};
use crate::moodle::param::{Decl, Kind, Missing, Param};
use crate::moodle::shape::{Member, Shape, member};
use crate::moodle::value::Value;

const fn param(name: &'static str, kind: Kind, missing: Missing, doc: &'static str) -> Param {
    Param { name, decl: Decl::Scalar(kind), missing, doc }
}

const UIDSOURCE: Param =
    param("uidsource", Kind::Alpha, Missing::Refused, "what identifies users: id, idnumber, username or email");
const UID: Param = param("uid", Kind::Text, Missing::Refused, "identifier of the user");
const UIDS: Param = Param {
    name: "uids",
    decl: Decl::List(&Decl::Scalar(Kind::Text)),
    missing: Missing::Refused,
    doc: "identifiers of the users",
};
const CIDSOURCE: Param = param(
    "cidsource",
    Kind::Alpha,
    Missing::Text("idnumber"),
    "what identifies the course: id, idnumber or shortname; empty for all courses",
);
const CID: Param = param("cid", Kind::Text, Missing::Text("0"), "identifier of the course; empty or 0 for all courses");
const FROM: Param = param("from", Kind::Int, Missing::Int(0), "start of the range, in Unix seconds");
const TO: Param = param("to", Kind::Int, Missing::Int(0), "end of the range, in Unix seconds; 0 for now");
const SCORE: &str = "whether to add the grade of each course";
const SCORE_INT: Param = param("score", Kind::Int, Missing::Int(1), SCORE);
const SCORE_BOOL: Param = param("score", Kind::Bool, Missing::Bool(true), SCORE);

const OF_ONE: &[Param] = &[UIDSOURCE, UID, CIDSOURCE, CID, FROM, TO, SCORE_INT];
const OF_MANY: &[Param] = &[UIDSOURCE, UIDS, CIDSOURCE, CID, FROM, TO, SCORE_BOOL];

const USER: Member = Member {
    name: "user",
    shape: Shape::Struct(&[member("id", Kind::Int), member("idnumber", Kind::Text), member("username", Kind::Text)]),
};
const QUERY: Member =
    Member { name: "query", shape: Shape::Struct(&[member("from", Kind::Int), member("to", Kind::Int)]) };
const SESSIONS: Member = Member {
    name: "sessions",
    shape: Shape::Struct(&[
        member("sessions", Kind::Int),
        member("firstsession", Kind::Int),
        member("lastsession", Kind::Int),
        member("sessionmin", Kind::Int),
        member("sessionmax", Kind::Int),
        member("meansession", Kind::Int),
    ]),
};
const ID: Member = member("id", Kind::Int);
const IDNUMBER: Member = member("idnumber", Kind::Text);
const SHORTNAME: Member = member("shortname", Kind::Text);
const FULLNAME: Member = member("fullname", Kind::Text);
const ACTIVITY: Member = member("activitytime", Kind::Int);
const PAGES: Member = member("coursetime", Kind::Int);
const TOTAL: Member = member("coursetotal", Kind::Int);
const OTHER: Member = member("othertime", Kind::Int);
const SITE: Member = member("sitecoursetime", Kind::Int);
const SCORE_MEMBER: Member = member("score", Kind::Text);
const USER_STATS: Shape = Shape::Struct(&[
    USER,
    QUERY,
    SESSIONS,
    Member {
        name: "courses",
        shape: Shape::List(&Shape::Struct(&[
            ID,
            IDNUMBER,
            SHORTNAME,
            FULLNAME,
            ACTIVITY,
            PAGES,
            TOTAL,
            OTHER,
            SITE,
            SCORE_MEMBER,
        ])),
    },
]);
const COURSE_STATS: Shape = Shape::Struct(&[
    USER,
    Member {
        name: "coursedata",
        shape: Shape::Struct(&[
            ID,
            IDNUMBER,
            SHORTNAME,
            FULLNAME,
            ACTIVITY,
            PAGES,
            TOTAL,
            OTHER,
            SITE,
            member("firstsession", Kind::Int),
            member("lastsession", Kind::Int),
            SCORE_MEMBER,
        ]),
    },
]);

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: "block_use_stats_get_user_stats",
        params: OF_ONE,
        returns: USER_STATS,
        scope: Some(Scope::Statistics),
        doc: "Sessions of one user, and time in all courses or in one.",
        handler: |context, arguments| {
            async move {
                let answers = users(&context, &arguments).await?;
                Ok(answers.iter().map(user_stats).next().unwrap_or(Value::Null))
            }
            .boxed()
        },
    },
    Function {
        name: "block_use_stats_get_users_stats",
        params: OF_MANY,
        returns: Shape::List(&USER_STATS),
        scope: Some(Scope::Statistics),
        doc: "The same of several users, in their order.",
        handler: |context, arguments| {
            async move { Ok(Value::List(users(&context, &arguments).await?.iter().map(user_stats).collect())) }.boxed()
        },
    },
    Function {
        name: "block_use_stats_get_users_course_stats",
        params: OF_MANY,
        returns: Shape::List(&COURSE_STATS),
        scope: Some(Scope::Statistics),
        doc: "Time of several users in one course, in their order.",
        handler: |context, arguments| {
            async move {
                let call = call(&context, &arguments)?;
                let _turn = context.app.turn().await?;
                let stats = context.stats().await?;
                let answers = context.app.figures.in_course(&stats, &call).await?;
                Ok(Value::List(answers.iter().map(course_stats).collect()))
            }
            .boxed()
        },
    },
];

async fn users(context: &Context, arguments: &Value) -> Result<Vec<UserStats>, Exception> {
    let call = call(context, arguments)?;
    let _turn = context.app.turn().await?;
    let stats = context.stats().await?;
    Ok(context.app.figures.of_users(&stats, &call).await?)
}

/// The call that the arguments mean.
fn call(context: &Context, arguments: &Value) -> Result<Call, Exception> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    let number = |name: &str| match arguments.get(name) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    };
    let uids = match (arguments.get("uid"), arguments.get("uids")) {
        (Some(uid), _) => uid.as_str().map(str::to_owned).into_iter().collect(),
        (None, Some(Value::List(uids))) => uids.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    };
    let limit = context.app.settings.limits.list;
    if uids.len() > limit {
        return Err(Exception::invalid_parameter(format!("uids => at most {limit} users in one call")));
    }
    let policy = context.app.settings.moodle_policy.clone();
    let exactness = policy.exactness;
    let score = match arguments.get("score") {
        Some(Value::Bool(score)) => *score,
        Some(Value::Int(score)) => *score != 0,
        _ => true,
    };
    Ok(Call {
        uidsource: UserSource::parse(text("uidsource"), exactness)?,
        uids,
        cidsource: CourseSource::parse(text("cidsource"), exactness)?,
        cid: text("cid").to_owned(),
        from: number("from"),
        to: number("to"),
        score,
        ..Call::new(policy, context.now, [])
    })
}

fn user(user: &UserIdentity) -> Value {
    Value::members([
        ("id", user.id.into()),
        ("idnumber", user.idnumber.as_str().into()),
        ("username", user.username.as_str().into()),
    ])
}

fn user_stats(stats: &UserStats) -> Value {
    let sessions = stats.sessions.map_or(Value::Struct(Vec::new()), |figures| {
        Value::members([
            ("sessions", i64::try_from(figures.sessions).unwrap_or(i64::MAX).into()),
            ("firstsession", figures.firstsession.into()),
            ("lastsession", figures.lastsession.into()),
            ("sessionmin", figures.sessionmin.into()),
            ("sessionmax", figures.sessionmax.into()),
            ("meansession", figures.meansession.into()),
        ])
    });
    Value::members([
        ("user", user(&stats.user)),
        ("query", Value::members([("from", stats.query.from.into()), ("to", stats.query.to.into())])),
        ("sessions", sessions),
        ("courses", Value::List(stats.courses.iter().map(|stats| course(stats, &[])).collect())),
    ])
}

fn course_stats(stats: &UserCourseStats) -> Value {
    let data = &stats.coursedata;
    let sessions = [("firstsession", Some(data.firstsession)), ("lastsession", data.lastsession)];
    Value::members([("user", user(&stats.user)), ("coursedata", course(&data.course, &sessions))])
}

/// A course; `more` stands before its score.
fn course(stats: &CourseStats, more: &[(&str, Option<i64>)]) -> Value {
    let mut members: Vec<(String, Value)> = vec![
        ("id".to_owned(), stats.id.into()),
        ("idnumber".to_owned(), stats.idnumber.as_str().into()),
        ("shortname".to_owned(), stats.shortname.as_str().into()),
        ("fullname".to_owned(), stats.fullname.as_str().into()),
        ("activitytime".to_owned(), stats.activitytime.into()),
        ("coursetime".to_owned(), stats.coursetime.into()),
        ("coursetotal".to_owned(), stats.coursetotal.into()),
        ("othertime".to_owned(), stats.othertime.into()),
        ("sitecoursetime".to_owned(), stats.sitecoursetime.into()),
    ];
    members.extend(more.iter().map(|(name, value)| ((*name).to_owned(), Value::from(*value))));
    match &stats.score {
        Score::NotAsked => {}
        Score::Null => members.push(("score".to_owned(), Value::Null)),
        Score::Text(score) => members.push(("score".to_owned(), Value::text(score))),
    }
    Value::Struct(members)
}
