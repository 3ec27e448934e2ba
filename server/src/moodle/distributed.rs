//! Answers of the distributed functions: a status, errors, and a message that is a document of its own.
//!
//! The layout of the documents, tabs and line feeds included, is the one that callers know. The exact profile does not
//! escape values, like the plugin; otherwise the documents are well formed for any text.

use engine::stats::services::{
    Breakdown, CallingUser, CourseTime, DistributedError, DistributedFault, DistributedResult, DistributedScores,
    DistributedStats, ModuleTime, Stage, status,
};
use engine::time::Exactness;
use serde::Serialize;

use super::Value;
use super::xml_text::xml_text;
use crate::peer::PeerFailure;

/// An answer of a distributed function.
#[derive(Debug, Clone, PartialEq)]
pub struct DistributedAnswer {
    /// One of the numbers of [`status`]; 200 for success.
    pub status: i64,
    /// Texts of what is wrong; once the caller is accepted an empty list stands before them, also on success.
    pub errors: Vec<Value>,
    /// The document; `None` on failure.
    pub message: Option<String>,
}

impl DistributedAnswer {
    /// The answer to `use_stats_rpc_get_stats`; a refusal is an answer too.
    ///
    /// # Errors
    ///
    /// Those that are none for the caller of a distributed function: the exception of PHP, and a failed engine.
    pub fn of_stats(
        result: DistributedResult<Option<DistributedStats>>,
        exactness: Exactness,
    ) -> DistributedResult<Self> {
        Self::of(result.map(|stats| stats_document(stats.as_ref(), exactness)))
    }

    /// The answer to `use_stats_rpc_get_scores`.
    ///
    /// # Errors
    ///
    /// As [`Self::of_stats`].
    pub fn of_scores(result: DistributedResult<DistributedScores>, exactness: Exactness) -> DistributedResult<Self> {
        Self::of(result.map(|scores| scores_document(&scores, exactness)))
    }

    fn of(document: DistributedResult<String>) -> DistributedResult<Self> {
        match document {
            Ok(document) => Ok(Self::success(document)),
            Err(DistributedError::Refused(fault)) => Ok(Self::refused(&fault)),
            Err(other) => Err(other),
        }
    }

    /// An accepted call with its document.
    pub fn success(document: String) -> Self {
        Self { status: status::SUCCESS, errors: vec![Value::List(Vec::new())], message: Some(document) }
    }

    /// A refused call.
    pub fn refused(fault: &DistributedFault) -> Self {
        let text = Value::text(fault.text.as_str());
        let errors = match fault.stage {
            Stage::Caller => vec![text],
            Stage::Call => vec![Value::List(Vec::new()), text],
        };
        Self { status: fault.status, errors, message: None }
    }

    /// What to answer after the call was passed on to another site: its message as it is, or why there is none.
    pub fn relayed(outcome: Result<serde_json::Value, PeerFailure>) -> Self {
        let refused = |status, text: String| Self::refused(&DistributedFault::call(status, text));
        let answer = match outcome {
            Ok(answer) => answer,
            Err(failure) => return refused(status::FAILURE, format!("REMOTE : {failure}")),
        };
        let number = |value: &serde_json::Value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
        let message = answer["message"].as_str();
        match (answer.get("status").and_then(number), message) {
            (Some(status::SUCCESS), Some(document)) => Self::success(document.to_owned()),
            (Some(status::SUCCESS), None) => refused(status::FAILURE, "REMOTE : the answer has no message".to_owned()),
            (Some(status::TEST), _) => {
                let text = message.map_or_else(|| texts(&answer["errors"]).join(" "), str::to_owned);
                refused(status::TEST, format!("Remote Test Point : {text}"))
            }
            (Some(_), _) => {
                let errors = texts(&answer["errors"]).join(" ");
                refused(status::FAILURE, format!("Remote application error : {errors}"))
            }
            (None, _) => refused(status::FAILURE, "REMOTE : the answer has no status".to_owned()),
        }
    }

    /// The answer as JSON text, for `json_response`. Like PHP writes it, it is ASCII, and slashes are escaped.
    pub fn to_json(&self) -> String {
        #[derive(Serialize)]
        struct Wire<'a> {
            status: i64,
            errors: Vec<serde_json::Value>,
            #[serde(skip_serializing_if = "Option::is_none")]
            message: Option<&'a str>,
        }
        let error = |error: &Value| match error {
            Value::Text(text) => serde_json::Value::from(text.as_str()),
            _ => serde_json::Value::Array(Vec::new()),
        };
        let errors = self.errors.iter().map(error).collect();
        let wire = Wire { status: self.status, errors, message: self.message.as_deref() };
        // Numbers and texts always have a JSON form.
        ascii(&serde_json::to_string(&wire).unwrap_or_default())
    }

    /// The answer as a structure.
    pub fn to_value(&self) -> Value {
        let mut members =
            vec![("status".to_owned(), self.status.into()), ("errors".to_owned(), Value::List(self.errors.clone()))];
        members.extend(self.message.as_deref().map(|message| ("message".to_owned(), message.into())));
        Value::Struct(members)
    }
}

/// The argument `callinguser`. A key with another value than a text or a number is a missing key.
pub fn calling_user(argument: &Value) -> CallingUser {
    let text = |name| match argument.get(name)? {
        Value::Text(text) => Some(text.clone()),
        Value::Int(number) => Some(number.to_string()),
        _ => None,
    };
    CallingUser { username: text("username"), userhost: text("remoteuserhostroot"), host: text("remotehostroot") }
}

/// All texts of a JSON value, inner ones too.
fn texts(value: &serde_json::Value) -> Vec<&str> {
    match value {
        serde_json::Value::String(text) => vec![text],
        serde_json::Value::Array(items) => items.iter().flat_map(texts).collect(),
        serde_json::Value::Object(members) => members.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

/// JSON in which only texts hold slashes and characters beyond ASCII, with these escaped.
fn ascii(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '/' => escaped.push_str("\\/"),
            c if c.is_ascii() => escaped.push(c),
            c => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| escaped.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    escaped
}

/// Writes elements with the values as the profile has them.
struct Document(Exactness);

impl Document {
    /// An element with a value, on a line of its own.
    fn leaf(&self, name: &str, value: &str) -> String {
        match self.0 {
            Exactness::Exact => format!("\t<{name}>{value}</{name}>\n"),
            Exactness::Corrected => format!("\t<{name}>{}</{name}>\n", xml_text(value)),
        }
    }

    /// Time in whole minutes, rounded down.
    fn elapsed(&self, seconds: i64) -> String {
        self.leaf("ELAPSED", &seconds.div_euclid(60).to_string())
    }

    fn course(&self, course: &CourseTime) -> String {
        let leaves = self.leaf("NAME", &course.name)
            + &self.leaf("SHORTNAME", &course.shortname)
            + &self.leaf("IDNUMBER", &course.idnumber)
            + &self.elapsed(course.elapsed);
        branch("COURSE", &leaves) + "\n"
    }

    fn module(&self, module: &ModuleTime) -> String {
        let leaves = self.leaf("NAME", &module.name)
            + &self.leaf("TYPE", &module.kind)
            + &self.leaf("IDNUMBER", &module.idnumber)
            + &self.elapsed(module.elapsed);
        branch("MODULE", &leaves) + "\n"
    }
}

/// An element with other elements in it.
fn branch(name: &str, inside: &str) -> String {
    format!("<{name}>\n{inside}\n</{name}>")
}

/// The document of times; without rows, an empty set.
fn stats_document(stats: Option<&DistributedStats>, exactness: Exactness) -> String {
    let Some(stats) = stats else { return "<USE_STATS><EMPTYSET /></USE_STATS>".to_owned() };
    let document = Document(exactness);
    let user = document.leaf("USERNAME", &stats.user.username)
        + &document.leaf("FIRSTNAME", &stats.user.firstname)
        + &document.leaf("LASTNAME", &stats.user.lastname)
        + &document.leaf("FROM", &stats.from.to_string())
        + &document.elapsed(stats.elapsed);
    let parts = match &stats.breakdown {
        Breakdown::Site => String::new(),
        Breakdown::Courses(courses) => {
            let courses: String = courses.iter().map(|course| document.course(course)).collect();
            branch("COURSES", &courses) + "\n"
        }
        Breakdown::Modules(modules) => {
            let modules: String = modules.iter().map(|module| document.module(module)).collect();
            branch("MODULES", &modules) + "\n"
        }
    };
    branch("USE_STATS", &(branch("USER", &user) + &parts))
}

/// The document of scores. A score that does not exist is an empty element.
fn scores_document(scores: &DistributedScores, exactness: Exactness) -> String {
    let document = Document(exactness);
    let inside = match scores {
        DistributedScores::NotImplemented => "<ERROR>Not implemented</ERROR>".to_owned(),
        DistributedScores::Grade { user, course, score } => {
            let user = document.leaf("USERNAME", &user.username)
                + &document.leaf("FIRSTNAME", &user.firstname)
                + &document.leaf("LASTNAME", &user.lastname)
                + &document.leaf("IDNUMBER", &user.idnumber);
            let course = document.leaf("NAME", &course.name)
                + &document.leaf("SHORTNAME", &course.shortname)
                + &document.leaf("IDNUMBER", &course.idnumber);
            let score = score.map(|score| format!("{score:.5}")).unwrap_or_default();
            format!("{}\n{}\n<SCORE>{score}</SCORE>", branch("USER", &user), branch("COURSE", &course))
        }
    };
    branch("USER_SCORES", &inside)
}

#[cfg(test)]
mod tests {
    use engine::stats::services::{Person, ScoredCourse};
    use proptest::prelude::*;
    use quick_xml::Reader;
    use quick_xml::events::Event;
    use serde_json::json;

    use super::*;

    fn person(name: &str) -> Person {
        let name = || name.to_owned();
        Person { username: name(), firstname: name(), lastname: name(), idnumber: name() }
    }

    fn stats(name: &str, breakdown: Breakdown) -> DistributedStats {
        DistributedStats { user: person(name), from: 0, elapsed: 3719, breakdown }
    }

    /// Texts of the elements of this name; fails for a document that is not well formed.
    fn read(document: &str, element: &str) -> Vec<String> {
        let mut reader = Reader::from_str(document);
        let (mut inside, mut found) = (false, Vec::new());
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) if start.name().as_ref() == element => {
                    inside = true;
                    found.push(String::new());
                }
                Event::End(end) if end.name().as_ref() == element => inside = false,
                Event::Text(text) if inside => found.last_mut().unwrap().push_str(&text.xml10_content()),
                Event::GeneralRef(reference) if inside => {
                    let c = reference.resolve_char_ref().unwrap();
                    let text = match reference.xml10_content().as_ref() {
                        "lt" => "<".to_owned(),
                        "gt" => ">".to_owned(),
                        "amp" => "&".to_owned(),
                        _ => c.unwrap().to_string(),
                    };
                    found.last_mut().unwrap().push_str(&text);
                }
                Event::Eof => return found,
                _ => {}
            }
        }
    }

    #[test]
    fn modules_stand_beside_the_user() {
        let module =
            ModuleTime { name: "Test <1>".to_owned(), kind: "quiz".to_owned(), idnumber: String::new(), elapsed: 2810 };
        let document = stats_document(Some(&stats("a&b", Breakdown::Modules(vec![module]))), Exactness::Corrected);
        let expected = "<USE_STATS>\n<USER>\n\t<USERNAME>a&amp;b</USERNAME>\n\t<FIRSTNAME>a&amp;b</FIRSTNAME>\n\
            \t<LASTNAME>a&amp;b</LASTNAME>\n\t<FROM>0</FROM>\n\t<ELAPSED>61</ELAPSED>\n\n</USER><MODULES>\n<MODULE>\n\
            \t<NAME>Test &lt;1&gt;</NAME>\n\t<TYPE>quiz</TYPE>\n\t<IDNUMBER></IDNUMBER>\n\t<ELAPSED>46</ELAPSED>\n\n\
            </MODULE>\n\n</MODULES>\n\n</USE_STATS>";
        assert_eq!(document, expected);
    }

    #[test]
    fn the_exact_profile_escapes_nothing() {
        let document = stats_document(Some(&stats("a & <b>", Breakdown::Site)), Exactness::Exact);
        assert!(document.contains("<USERNAME>a & <b></USERNAME>"), "{document}");
    }

    #[test]
    fn a_score_has_five_decimals_or_nothing() {
        let course = ScoredCourse { name: "A".to_owned(), shortname: "B".to_owned(), idnumber: "C".to_owned() };
        let grade = |score| DistributedScores::Grade { user: person("u"), course: course.clone(), score };
        let document = scores_document(&grade(Some(72.5)), Exactness::Corrected);
        let expected = "<USER_SCORES>\n<USER>\n\t<USERNAME>u</USERNAME>\n\t<FIRSTNAME>u</FIRSTNAME>\n\
            \t<LASTNAME>u</LASTNAME>\n\t<IDNUMBER>u</IDNUMBER>\n\n</USER>\n<COURSE>\n\t<NAME>A</NAME>\n\
            \t<SHORTNAME>B</SHORTNAME>\n\t<IDNUMBER>C</IDNUMBER>\n\n</COURSE>\n<SCORE>72.50000</SCORE>\n</USER_SCORES>";
        assert_eq!(document, expected);
        assert_eq!(read(&scores_document(&grade(None), Exactness::Corrected), "SCORE"), [""]);
    }

    #[test]
    fn json_is_ascii_and_errors_tell_how_far_the_call_came() {
        let success = DistributedAnswer::success("<A>é😀</A>".to_owned());
        let expected = "{\"status\":200,\"errors\":[[]],\"message\":\"<A>\\u00e9\\ud83d\\ude00<\\/A>\"}";
        assert_eq!(success.to_json(), expected);
        let early = DistributedAnswer::refused(&DistributedFault::caller(501, "Empty username."));
        assert_eq!(early.to_json(), "{\"status\":501,\"errors\":[\"Empty username.\"]}");
        let late = DistributedAnswer::refused(&DistributedFault::call(520, "Unkown course."));
        assert_eq!(late.to_json(), "{\"status\":520,\"errors\":[[],\"Unkown course.\"]}");
        assert_eq!(late.to_value().get("status"), Some(&Value::Int(520)));
        assert_eq!(late.to_value().get("message"), None);
    }

    #[test]
    fn answers_of_another_site_keep_their_message_or_say_where_they_failed() {
        let relayed = |answer| DistributedAnswer::relayed(Ok(answer));
        let success = relayed(json!({"status": 200, "errors": [[]], "message": "<X/>"}));
        assert_eq!(success, DistributedAnswer::success("<X/>".to_owned()));
        let text = |answer: &DistributedAnswer| answer.errors[1].as_str().unwrap().to_owned();
        for (answer, status, expected) in [
            (json!({"status": 520, "errors": [[], "No user."]}), 500, "Remote application error : No user."),
            (json!({"status": "510", "errors": ["No", ["way"]]}), 500, "Remote application error : No way"),
            (json!({"status": 100, "message": "here"}), 100, "Remote Test Point : here"),
            (json!({"status": 200}), 500, "REMOTE : the answer has no message"),
            (json!([1, 2]), 500, "REMOTE : the answer has no status"),
            (json!(null), 500, "REMOTE : the answer has no status"),
        ] {
            let relayed = relayed(answer);
            assert_eq!((relayed.status, text(&relayed).as_str()), (status, expected));
            assert_eq!(relayed.errors[0], Value::List(Vec::new()));
        }
    }

    #[test]
    fn a_key_of_the_caller_may_be_missing() {
        let caller = calling_user(&Value::members([("username", "u".into()), ("remotehostroot", Value::Null)]));
        assert_eq!(caller, CallingUser { username: Some("u".to_owned()), userhost: None, host: None });
        assert_eq!(calling_user(&Value::Null), CallingUser::default());
    }

    proptest! {
        #[test]
        fn any_name_comes_back_out_of_a_corrected_document(name in "\\PC*|[\\x00-\\x1f<>&\\]\"']*") {
            let kept: String = name.chars().map(|c| if crate::moodle::xml_text::is_allowed(c) { c } else { '\u{fffd}' }).collect();
            let course = CourseTime { name: name.clone(), shortname: String::new(), idnumber: String::new(), elapsed: 300 };
            let document = stats_document(Some(&stats("u", Breakdown::Courses(vec![course]))), Exactness::Corrected);
            prop_assert_eq!(read(&document, "NAME"), [kept]);
        }
    }
}
