//! `tool_sync_check_course`: whether a course exists.

use engine::stats::services::CourseSource;
use engine::time::Exactness;
use futures::FutureExt;

use crate::access::Scope;
use crate::moodle::exception::Exception;
use crate::moodle::function::{Context, Function};
use crate::moodle::param::{Decl, Kind, Missing, Param};
use crate::moodle::shape::Shape;
use crate::moodle::value::Value;

pub(crate) static FUNCTION: Function = Function {
    name: "tool_sync_check_course",
    params: &[
        Param {
            name: "courseidsource",
            decl: Decl::Scalar(Kind::Alpha),
            missing: Missing::Refused,
            doc: "what identifies the course: id, idnumber or shortname",
        },
        Param { name: "courseid", decl: Decl::Scalar(Kind::Text), missing: Missing::Refused, doc: "its identifier" },
    ],
    returns: Shape::Scalar(Kind::Bool),
    scope: Some(Scope::Statistics),
    doc: "Whether a course exists.",
    handler: |context, arguments| answer(context, arguments).boxed(),
};

async fn answer(context: Context, arguments: Value) -> Result<Value, Exception> {
    let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
    let Some(source) = CourseSource::parse(text("courseidsource"), Exactness::Corrected)? else {
        return Err(Exception::invalid_parameter("courseidsource must be id, idnumber or shortname"));
    };
    let _turn = context.app.turn().await?;
    Ok(Value::Bool(context.stats().await?.has_course(source, text("courseid")).await?))
}
