//! `core_webservice_get_site_info`: usually the first call of a client.

use futures::FutureExt;

use super::all;
use crate::moodle::call;
use crate::moodle::exception::Exception;
use crate::moodle::function::{Context, Function};
use crate::moodle::param::{Decl, Kind, Missing, Param};
use crate::moodle::shape::{Member, Shape, member};
use crate::moodle::value::Value;

pub(crate) static FUNCTION: Function = Function {
    name: "core_webservice_get_site_info",
    params: &[Param {
        name: "serviceshortnames",
        decl: Decl::List(&Decl::Scalar(Kind::AlphanumExt)),
        missing: Missing::Absent,
        doc: "ignored, as Moodle does",
    }],
    returns: Shape::Struct(MEMBERS),
    scope: None,
    doc: "The site, the caller, and the functions that the token may call.",
    handler: |context, _| answer(context).boxed(),
};

const MEMBERS: &[Member] = &[
    member("sitename", Kind::Raw),
    member("username", Kind::Raw),
    member("firstname", Kind::Raw),
    member("lastname", Kind::Raw),
    member("fullname", Kind::Raw),
    member("lang", Kind::Raw),
    member("userid", Kind::Int),
    member("siteurl", Kind::Raw),
    member("userpictureurl", Kind::Raw),
    Member {
        name: "functions",
        shape: Shape::List(&Shape::Struct(&[member("name", Kind::Raw), member("version", Kind::Raw)])),
    },
    member("downloadfiles", Kind::Int),
    member("uploadfiles", Kind::Int),
    member("release", Kind::Raw),
    member("version", Kind::Raw),
    member("mobilecssurl", Kind::Raw),
    Member {
        name: "advancedfeatures",
        shape: Shape::List(&Shape::Struct(&[member("name", Kind::Raw), member("value", Kind::Int)])),
    },
    member("usercanmanageownfiles", Kind::Bool),
    member("userquota", Kind::Int),
    member("usermaxuploadfilesize", Kind::Int),
    member("userhomepage", Kind::Int),
    member("userprivateaccesskey", Kind::Raw),
    member("siteid", Kind::Int),
    member("sitecalendartype", Kind::Raw),
    member("usercalendartype", Kind::Raw),
    member("userissiteadmin", Kind::Bool),
    member("theme", Kind::Raw),
    member("limitconcurrentlogins", Kind::Int),
    member("usersessionscount", Kind::Int),
];

/// Quota of files and page after login as a new Moodle has them: there are no files here, and clients want numbers.
const QUOTA: i64 = 104_857_600;
const HOME_PAGE: i64 = 1;

async fn answer(context: Context) -> Result<Value, Exception> {
    let settings = &context.app.settings.moodle;
    let site = context.app.site(&context).await?;
    let account = context.caller.account.as_deref();
    let username = account.map_or("", |account| account.username.as_str());
    let person = context.app.person(context.home(), username).await?;
    let person = person.as_ref();
    let text =
        |of_person: Option<&str>, of_account: Option<&str>| of_person.or(of_account).unwrap_or_default().to_owned();
    let firstname =
        text(person.map(|person| person.firstname.as_str()), account.map(|account| account.firstname.as_str()));
    let lastname =
        text(person.map(|person| person.lastname.as_str()), account.map(|account| account.lastname.as_str()));
    let fullname = format!("{firstname} {lastname}").trim().to_owned();
    let lang = person.map(|person| person.lang.clone()).filter(|lang| !lang.is_empty()).unwrap_or(site.lang);
    let version = Value::text(&settings.version);
    let functions = all().filter(|function| call::allows(&context, function).is_ok());
    let functions =
        functions.map(|function| Value::members([("name", function.name.into()), ("version", version.clone())]));
    Ok(Value::members([
        ("sitename", Value::text(site.fullname)),
        ("username", username.into()),
        ("firstname", Value::text(firstname)),
        ("lastname", Value::text(lastname)),
        ("fullname", Value::text(fullname)),
        ("lang", Value::text(lang)),
        ("userid", person.map_or(0, |person| person.id).into()),
        ("userpictureurl", Value::text(format!("{}/pix/u/f1.png", site.wwwroot))),
        ("siteurl", Value::text(site.wwwroot)),
        ("functions", Value::List(functions.collect())),
        ("downloadfiles", 0.into()),
        ("uploadfiles", 0.into()),
        ("release", Value::text(&settings.release)),
        ("version", version),
        ("mobilecssurl", "".into()),
        ("advancedfeatures", Value::List(Vec::new())),
        ("usercanmanageownfiles", true.into()),
        ("userquota", QUOTA.into()),
        ("usermaxuploadfilesize", i64::try_from(context.app.settings.limits.body).unwrap_or(i64::MAX).into()),
        ("userhomepage", HOME_PAGE.into()),
        ("siteid", 1.into()),
        ("sitecalendartype", "gregorian".into()),
        ("usercalendartype", "gregorian".into()),
        ("userissiteadmin", false.into()),
        ("theme", "boost".into()),
        ("limitconcurrentlogins", 0.into()),
    ]))
}
