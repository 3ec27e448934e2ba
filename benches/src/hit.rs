//! One row of a generated log.

use std::fmt::Write;
use std::net::IpAddr;

use crate::event::{Event, KINDS};

/// One row, without its texts: those come from the event and from [`Other::write`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// Number of the row, from 1, ascending with time.
    pub id: u64,
    /// Unix seconds.
    pub time: i64,
    /// The person; 0 is a visitor.
    pub userid: u32,
    /// What happened.
    pub event: &'static Event,
    /// Context.
    pub contextid: u32,
    /// Instance of the context: 0, user, course or course module.
    pub instanceid: u32,
    /// Course; 0 outside any, 1 the front page.
    pub courseid: u32,
    /// Object.
    pub objectid: Option<u32>,
    /// Related user.
    pub relateduserid: Option<u32>,
    /// Where the request came from.
    pub origin: Origin,
    /// Address; NULL for `cli`.
    pub ip: Option<IpAddr>,
    /// The administrator who is logged in as the user.
    pub realuserid: Option<u32>,
    /// The pairs of `other`.
    pub other: Other,
    /// Whether `other` is PHP-serialised instead of JSON.
    pub serialized: bool,
}

/// Values of `origin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A browser.
    Web,
    /// The mobile app.
    Ws,
    /// A scheduled task.
    Cli,
    /// A restored course.
    Restore,
}

impl Origin {
    /// As the column holds it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Web => "web",
            Origin::Ws => "ws",
            Origin::Cli => "cli",
            Origin::Restore => "restore",
        }
    }
}

/// The values of `other`, whose names are Moodle's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Other {
    /// None.
    Nothing,
    /// The name that logged in.
    Login,
    /// The session closed.
    Logout(u64),
    /// Section of the course page.
    Section(u32),
    /// State of completion.
    Completion(bool),
    /// Discussion and forum.
    Post(u32, u32),
    /// Forum and discussion.
    Subscription(u32, u32),
    /// Whether a submission can be changed.
    Submission(bool),
    /// Quiz.
    Quiz(u32),
    /// Attempt and score.
    Score(u32, u32),
    /// Index of the kind, and the instance created.
    Created(u8, u32),
    /// By hand, or by oneself.
    Enrolment(bool),
}

impl Other {
    /// Appends the column's text for a user: JSON, or PHP's serialisation.
    pub fn write(&self, userid: u32, serialized: bool, out: &mut String) {
        let count = match self {
            Other::Nothing => return out.push_str(if serialized { "N;" } else { "null" }),
            Other::Completion(_) | Other::Post(..) | Other::Created(..) => 3,
            Other::Subscription(..) | Other::Score(..) => 2,
            _ => 1,
        };
        let mut pairs = Pairs::open(out, serialized, count);
        match *self {
            Other::Nothing => {}
            Other::Login => pairs.text("username", format_args!("u{userid:06}")),
            Other::Logout(session) => pairs.text("sessionid", format_args!("{:026x}", u128::from(session) << 24)),
            Other::Section(section) => pairs.int("coursesectionnumber", section),
            Other::Completion(done) => {
                pairs.int("relateduserid", userid);
                pairs.null("overrideby");
                pairs.int("completionstate", u32::from(done));
            }
            Other::Post(discussion, forum) => {
                pairs.text("discussionid", format_args!("{discussion}"));
                pairs.text("forumid", format_args!("{forum}"));
                pairs.text("forumtype", format_args!("general"));
            }
            Other::Subscription(forum, discussion) => {
                pairs.text("forumid", format_args!("{forum}"));
                pairs.text("discussion", format_args!("{discussion}"));
            }
            Other::Submission(editable) => pairs.bool("submission_editable", editable),
            Other::Quiz(quiz) => pairs.text("quizid", format_args!("{quiz}")),
            Other::Score(attempt, score) => {
                pairs.int("attemptid", attempt);
                pairs.text("cmivalue", format_args!("{score}"));
            }
            Other::Created(kind, instance) => {
                let kind = KINDS[usize::from(kind)].name;
                pairs.text("modulename", format_args!("{kind}"));
                pairs.int("instanceid", instance);
                pairs.text("name", format_args!("{kind} {instance}, \u{e9}t\u{e9}"));
            }
            Other::Enrolment(manual) => pairs.text("enrol", format_args!("{}", if manual { "manual" } else { "self" })),
        }
        pairs.close();
    }
}

/// Writes pairs in one of the two spellings.
struct Pairs<'a> {
    out: &'a mut String,
    serialized: bool,
    first: bool,
}

impl<'a> Pairs<'a> {
    fn open(out: &'a mut String, serialized: bool, count: usize) -> Self {
        if serialized {
            put(out, format_args!("a:{count}:{{"))
        } else {
            out.push('{')
        }
        Self { out, serialized, first: true }
    }

    fn key(&mut self, key: &str) {
        if self.serialized {
            put(self.out, format_args!("s:{}:\"{key}\";", key.len()));
        } else {
            put(self.out, format_args!("{}\"{key}\":", if self.first { "" } else { "," }));
        }
        self.first = false;
    }

    fn int(&mut self, key: &str, value: u32) {
        self.key(key);
        if self.serialized { put(self.out, format_args!("i:{value};")) } else { put(self.out, format_args!("{value}")) }
    }

    fn bool(&mut self, key: &str, value: bool) {
        self.key(key);
        if self.serialized {
            put(self.out, format_args!("b:{};", u8::from(value)));
        } else {
            put(self.out, format_args!("{value}"));
        }
    }

    fn null(&mut self, key: &str) {
        self.key(key);
        self.out.push_str(if self.serialized { "N;" } else { "null" });
    }

    fn text(&mut self, key: &str, value: std::fmt::Arguments<'_>) {
        self.key(key);
        if self.serialized {
            // PHP counts bytes and writes the characters as they are.
            let text = value.to_string();
            put(self.out, format_args!("s:{}:\"{text}\";", text.len()));
        } else {
            // PHP's JSON escapes everything outside ASCII; no value here holds quotes or backslashes.
            self.out.push('"');
            let start = self.out.len();
            put(self.out, value);
            if !self.out[start..].is_ascii() {
                let text = self.out.split_off(start);
                text.chars().for_each(|c| match c.is_ascii() {
                    true => self.out.push(c),
                    false => put(self.out, format_args!("\\u{:04x}", u32::from(c))),
                });
            }
            self.out.push('"');
        }
    }

    fn close(self) {
        self.out.push('}');
    }
}

/// Writing to a `String` cannot fail.
fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(other: Other, serialized: bool) -> String {
        let mut out = String::new();
        other.write(42, serialized, &mut out);
        out
    }

    #[test]
    fn both_spellings() {
        assert_eq!([written(Other::Nothing, false), written(Other::Nothing, true)], ["null", "N;"]);
        assert_eq!(written(Other::Login, false), r#"{"username":"u000042"}"#);
        assert_eq!(written(Other::Login, true), r#"a:1:{s:8:"username";s:7:"u000042";}"#);
        assert_eq!(
            written(Other::Completion(true), false),
            r#"{"relateduserid":42,"overrideby":null,"completionstate":1}"#
        );
        assert_eq!(
            written(Other::Completion(true), true),
            r#"a:3:{s:13:"relateduserid";i:42;s:10:"overrideby";N;s:15:"completionstate";i:1;}"#
        );
        assert_eq!(written(Other::Submission(false), true), r#"a:1:{s:19:"submission_editable";b:0;}"#);
    }

    #[test]
    fn letters_outside_ascii_are_escaped_in_json_and_counted_in_bytes_by_php() {
        assert_eq!(
            written(Other::Created(0, 7), false),
            "{\"modulename\":\"forum\",\"instanceid\":7,\"name\":\"forum 7, \\u00e9t\\u00e9\"}"
        );
        assert!(written(Other::Created(0, 7), true).ends_with("s:4:\"name\";s:14:\"forum 7, \u{e9}t\u{e9}\";}"));
    }

    #[test]
    fn json_is_json() {
        let all = [Other::Logout(9), Other::Section(3), Other::Post(1, 2), Other::Subscription(1, 2), Other::Quiz(5)];
        let more = [Other::Score(1, 80), Other::Created(3, 4), Other::Enrolment(true), Other::Submission(true)];
        for other in all.into_iter().chain(more) {
            let text = written(other, false);
            let value: serde_json::Value =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"));
            let php = written(other, true);
            let pairs = value.as_object().unwrap().len();
            assert!(php.starts_with(&format!("a:{pairs}:{{")) && php.ends_with('}'), "{php}");
        }
    }
}
