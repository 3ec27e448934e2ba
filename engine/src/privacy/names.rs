//! Columns that no declaration knows, judged by their names: tables of plugins, columns of other releases.

use arrow::datatypes::{DataType, Schema};

use crate::model::{Mark, Personal, bare_name};

/// Names of columns that hold the number of a user, besides all that contain `userid` or `user_id`.
pub const USER_NAMES: &[&str] = &[
    "actorid",
    "approvedby",
    "approverid",
    "assigneeid",
    "author",
    "authorid",
    "createdby",
    "creator",
    "creatorid",
    "grader",
    "graderid",
    "learner",
    "learnerid",
    "marker",
    "markerid",
    "modifiedby",
    "modifierid",
    "owner",
    "ownerid",
    "recipientid",
    "reviewer",
    "reviewerid",
    "senderid",
    "student",
    "studentid",
    "teacher",
    "teacherid",
    "tutor",
    "tutorid",
    "uid",
    "user",
    "usercreated",
    "userfrom",
    "usermodified",
    "userto",
];

/// Names of columns whose values are left out: they tell who somebody is, or are what somebody wrote. So are all that
/// begin with `phone`, contain `email`, or begin or end with `username` without being a handle.
pub const TEXT_NAMES: &[&str] = &[
    "address",
    "aim",
    "alternatename",
    "answer",
    "answertext",
    "avatar",
    "birthdate",
    "birthday",
    "body",
    "comment",
    "comments",
    "commenttext",
    "content",
    "contexturl",
    "contexturlname",
    "custom",
    "customdata",
    "data",
    "dateofbirth",
    "displayname",
    "feedback",
    "feedbacktext",
    "firstname",
    "firstnamephonetic",
    "fullmessage",
    "fullmessagehtml",
    "fullname",
    "gender",
    "icq",
    "imagealt",
    "info",
    "ip",
    "ip_address",
    "ipaddress",
    "lastip",
    "lastname",
    "lastnamephonetic",
    "login",
    "mail",
    "message",
    "messagetext",
    "middlename",
    "mobile",
    "moodlenetprofile",
    "msn",
    "nickname",
    "note",
    "notes",
    "onlinetext",
    "other",
    "password",
    "pathnamehash",
    "remoteaddr",
    "reply",
    "response",
    "responses",
    "responsesummary",
    "secret",
    "sesskey",
    "sid",
    "signature",
    "skype",
    "smallmessage",
    "street",
    "subject",
    "submissioncomment",
    "text",
    "token",
    "user_agent",
    "useragent",
    "yahoo",
];

/// Further names in tables about persons.
const TEXT_NAMES_OF_PERSONS: &[&str] = &["city", "description", "idnumber", "name", "url", "zip"];

/// Names that only a table about persons has.
const NAMES_OF_PERSONS: &[&str] = &["email", "firstname", "lastname", "username"];

/// What the columns of a table tell together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// It is the table `user`, or one that looks like it: each row is a person.
    pub(super) of_persons: bool,
    /// A column `userid` says whose a row is.
    pub(super) has_owner: bool,
    /// A context in it may be that of a user.
    contexts: bool,
}

impl Shape {
    pub(super) fn of(table: &str, schema: &Schema) -> Self {
        let table = bare_name(table).to_ascii_lowercase();
        let has = |wanted: &[&str]| schema.fields().iter().any(|field| is_one_of(field.name(), wanted));
        let users = schema.fields().iter().any(|field| is_user(&field.name().to_ascii_lowercase()));
        let has_owner = has(&["userid"]);
        let of_persons = matches!(table.as_str(), "user" | "users") || (has(NAMES_OF_PERSONS) && !has_owner);
        Self { of_persons, has_owner, contexts: users || has(&["itemtype"]) }
    }
}

/// What a column is, by its name and the shape of its table, and in which rows.
pub(super) fn judge(shape: Shape, schema: &Schema, name: &str, data_type: &DataType) -> (Personal, Option<Mark>) {
    let name = name.to_ascii_lowercase();
    let has = |wanted: &str| schema.fields().iter().any(|field| field.name().eq_ignore_ascii_case(wanted));
    match name.as_str() {
        "id" if shape.of_persons => (Personal::UserId, None),
        "objectid" if has("objecttable") => (Personal::UserId, Some(Mark::user_table("objecttable"))),
        "itemid" if has("itemtype") => (Personal::UserId, Some(Mark::user_table("itemtype"))),
        "instanceid" | "contextinstanceid" if has("contextlevel") => (Personal::UserId, Some(Mark::USER_LEVEL)),
        "contextid" if has("contextlevel") => (Personal::ContextId, Some(Mark::USER_LEVEL)),
        "contextid" if shape.contexts => (Personal::ContextId, None),
        "username" => (Personal::Handle, None),
        "value" => (Personal::Measure, None),
        name if is_user(name) => (Personal::UserId, None),
        name if is_text(name) => (Personal::Text, None),
        name if shape.of_persons && (is_one_of(name, TEXT_NAMES_OF_PERSONS) || is_any_text(data_type)) => {
            (Personal::Text, None)
        }
        _ => (Personal::No, None),
    }
}

fn is_user(name: &str) -> bool {
    name.contains("userid") || name.contains("user_id") || USER_NAMES.binary_search(&name).is_ok()
}

fn is_text(name: &str) -> bool {
    TEXT_NAMES.binary_search(&name).is_ok()
        || name.starts_with("phone")
        || name.contains("email")
        || name.starts_with("username")
        || name.ends_with("username")
}

fn is_one_of(name: &str, wanted: &[&str]) -> bool {
    wanted.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_any_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

#[cfg(test)]
mod tests {
    use arrow::datatypes::Field;
    use rstest::rstest;

    use super::*;

    fn schema(columns: &str) -> Schema {
        let field = |name: &str| match name.split_once(':') {
            Some((name, _)) => Field::new(name, DataType::Utf8View, true),
            None => Field::new(name, DataType::Int64, true),
        };
        Schema::new(columns.split(' ').map(field).collect::<Vec<_>>())
    }

    #[test]
    fn names_are_sorted_for_the_search() {
        assert!(USER_NAMES.is_sorted_by(|a, b| a < b));
        assert!(TEXT_NAMES.is_sorted_by(|a, b| a < b));
    }

    /// Columns whose texts have a `:t` behind them; what is not named in `expected` stays.
    #[rstest]
    #[case("quiz_attempts", "id quiz userid attempt state:t", "userid=UserId")]
    #[case("assign_grades", "id assignment userid grader grade", "userid=UserId grader=UserId")]
    #[case("assign_submission_text", "id onlinetext:t", "onlinetext=Text")]
    #[case("x", "id USER_ID AffectedUserId author", "USER_ID=UserId AffectedUserId=UserId author=UserId")]
    #[case("mdl_user", "id skype:t hobby:t picture newphone:t", "id=UserId skype=Text hobby=Text newphone=Text")]
    #[case(
        "people",
        "id username:t contactemail:t phone3:t kind:t",
        "id=UserId username=Handle contactemail=Text phone3=Text kind=Text"
    )]
    #[case("scorm_scoes_track", "id userid scoid element:t value:t", "userid=UserId value=Measure")]
    #[case("tag_instance", "id tagid itemtype:t itemid contextid", "itemid=UserId? contextid=ContextId")]
    #[case(
        "files",
        "id contextid userid pathnamehash:t author:t",
        "contextid=ContextId userid=UserId pathnamehash=Text author=UserId"
    )]
    #[case("events", "id contextid contextlevel contextinstanceid", "contextid=ContextId? contextinstanceid=UserId?")]
    #[case("grading_areas", "id contextid areaname:t", "")]
    #[case("lti_types", "id name:t description:t course", "")]
    fn tables_of_plugins_are_judged_by_names(#[case] table: &str, #[case] columns: &str, #[case] expected: &str) {
        let schema = schema(columns);
        let shape = Shape::of(table, &schema);
        let mut found = Vec::new();
        for field in schema.fields() {
            let (personal, mark) = judge(shape, &schema, field.name(), field.data_type());
            if personal != Personal::No {
                found.push(format!("{}={personal:?}{}", field.name(), if mark.is_some() { "?" } else { "" }));
            }
        }
        assert_eq!(found.join(" "), expected);
    }
}
