//! The numbers in a description.
//!
//! Moodle's events describe themselves in English, whatever the language of the site or of the reader: by the rules of
//! its developers a description is not translated. So `The user with id '12' viewed the course with id '7'.` stands in
//! a French or Polish report as well, and one reader serves every language.

/// Numbers that a description names, in the order of the sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The sentence in ASCII lower case, which keeps every byte position.
    lower: String,
    mentions: Vec<Mention>,
}

/// `… noun [with] [the] id 'value'`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mention {
    /// End of the noun in the sentence.
    noun_end: usize,
    value: i64,
}

impl Description {
    /// Reads a description. Quotation marks around a number may be straight, curly, HTML entities or missing; a number
    /// may be negative.
    pub fn read(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let mut mentions = Vec::new();
        let mut from = 0;
        while let Some(at) = lower[from..].find("id") {
            let start = from + at;
            from = start + 2;
            // `id` is a word of its own, or the end of `userid`.
            let before = &lower[..start];
            let joined = before.ends_with("user");
            if !(joined || before.ends_with(char::is_whitespace)) {
                continue;
            }
            if let Some(value) = number(&lower[from..]) {
                mentions.push(Mention { noun_end: noun_end(before), value });
            }
        }
        Self { lower, mentions }
    }

    /// Number of the user who acted: the first one named, or the one of `by the user with id` in a passive sentence.
    /// 0 is nobody (not logged in), −1 Moodle itself.
    ///
    /// A failed login with a name that Moodle does not know is logged for user 0; its description gives the name alone.
    pub fn user(&self) -> Option<i64> {
        let users = || self.users();
        users()
            .find(|(noun, _)| noun.ends_with(" by the user"))
            .or_else(|| users().next())
            .map(|(_, value)| value)
            .or_else(|| self.lower.starts_with("login failed for the username").then_some(0))
    }

    /// Number of the user whom the action affected: the other user named, `None` when there is one user only.
    pub fn related(&self) -> Option<i64> {
        let passive = self.users().any(|(noun, _)| noun.ends_with(" by the user"));
        let mut users = self.users().filter(|(noun, _)| !(passive && noun.ends_with(" by the user")));
        if passive { users.next() } else { users.nth(1) }.map(|(_, value)| value)
    }

    /// Number of the course; of the new one where a restoration names the old one first.
    pub fn course(&self) -> Option<i64> {
        self.last_of("new course").or_else(|| self.number_of("course"))
    }

    /// Number of the course module.
    pub fn module(&self) -> Option<i64> {
        self.number_of("course module")
    }

    /// The number with this noun, such as `grade item` in `a grade item with id '5'`; the first of several.
    pub fn number_of(&self, noun: &str) -> Option<i64> {
        self.all_of(noun).next()
    }

    /// The number that the sentence names last, whatever it is.
    pub fn last(&self) -> Option<i64> {
        self.mentions.last().map(|mention| mention.value)
    }

    /// Name of the plugin that a description quotes: `resource` in `viewed the 'resource' activity` and `assign` in
    /// `the instance list for the module 'assign'`.
    pub fn module_name(&self) -> Option<&str> {
        let quoted = match self.lower.find("' activity") {
            Some(end) => &self.lower[self.lower[..end].rfind('\'')? + 1..end],
            None => {
                let start = self.lower.find(" the module '")? + " the module '".len();
                self.lower[start..].split('\'').next()?
            }
        };
        let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (!quoted.is_empty() && quoted.chars().all(name)).then_some(quoted)
    }

    /// Whether the sentence has this phrase, which starts a word; `*` in it stands for any text.
    pub(super) fn says(&self, phrase: &str) -> bool {
        let (head, tail) = phrase.split_once('*').unwrap_or((phrase, ""));
        let mut from = 0;
        while let Some(at) = self.lower[from..].find(head) {
            let start = from + at;
            let begins_word = !self.lower[..start].ends_with(|c: char| c.is_ascii_alphanumeric());
            if begins_word && self.lower[start + head.len()..].contains(tail) {
                return true;
            }
            // A phrase of the table is never empty; one character is skipped all the same.
            from = start + self.lower[start..].chars().next().map_or(1, char::len_utf8);
            if from >= self.lower.len() {
                break;
            }
        }
        false
    }

    fn users(&self) -> impl Iterator<Item = (&str, i64)> {
        self.mentions
            .iter()
            .map(|mention| (&self.lower[..mention.noun_end], mention.value))
            .filter(|(before, _)| ends_with_word(before, "user"))
    }

    fn all_of(&self, noun: &str) -> impl Iterator<Item = i64> {
        self.mentions
            .iter()
            .filter(move |mention| ends_with_word(&self.lower[..mention.noun_end], noun))
            .map(|mention| mention.value)
    }

    fn last_of(&self, noun: &str) -> Option<i64> {
        self.all_of(noun).last()
    }
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|rest| !rest.ends_with(|c: char| c.is_ascii_alphanumeric()))
}

/// End of the noun before `id`: without `with` and `the`.
fn noun_end(before: &str) -> usize {
    let mut text = before.trim_end();
    for word in ["the", "with"] {
        if ends_with_word(text, word) {
            text = text[..text.len() - word.len()].trim_end();
        }
    }
    text.len()
}

/// The number at the start of a text, after spaces and a quotation mark.
fn number(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let text = ["'", "\"", "’", "‘", "&#039;", "&#39;", "&apos;", "&quot;"]
        .iter()
        .find_map(|quote| text.strip_prefix(quote))
        .unwrap_or(text);
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value: i64 = digits[..length].parse().ok()?;
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_real_descriptions() {
        // Description, user, related, course, course module.
        type Case = (&'static str, Option<i64>, Option<i64>, Option<i64>, Option<i64>);
        let cases: [Case; 20] = [
            ("The user with id '4' viewed the course with id '111'.", Some(4), None, Some(111), None),
            (
                "The user with id '4' viewed the section number '3' of the course with id '111'.",
                Some(4),
                None,
                Some(111),
                None,
            ),
            (
                "The user with id '5121' viewed the 'resource' activity with course module id '2427'.",
                Some(5121),
                None,
                None,
                Some(2427),
            ),
            (
                "The user with id '12' updated the completion state for the course module with id '34' for the user with id '56'.",
                Some(12),
                Some(56),
                None,
                Some(34),
            ),
            (
                "The user with id '-1' updated the grade with id '68346' for the user with id '1013' for the grade item with id '2411'.",
                Some(-1),
                Some(1013),
                None,
                None,
            ),
            ("The user with id '0' viewed the course with id '1'.", Some(0), None, Some(1), None),
            ("The user with id '2' created a backup of the course with the id '111'.", Some(2), None, Some(111), None),
            (
                "The user with id '47' updated a grade item with id '9' of type 'mod' and name 'Quiz' in the course with the id '148'.",
                Some(47),
                None,
                Some(148),
                None,
            ),
            (
                "The user with id '3' enrolled the user with id '8' using the enrolment method 'manual' in the course with id '111'.",
                Some(3),
                Some(8),
                Some(111),
                None,
            ),
            (
                "The user with id '3' restored old course with id '5' to a new course with id '9'.",
                Some(3),
                None,
                Some(9),
                None,
            ),
            (
                "The user with id '7' has had their attempt with id '5' reviewed by the user with id '3' for the quiz with course module id '4'.",
                Some(3),
                Some(7),
                None,
                Some(4),
            ),
            ("The user with id '2' has logged in.", Some(2), None, None, None),
            ("Login failed for user with id '5' for the reason with id '3'.", Some(5), None, None, None),
            ("Login failed for the username 'bob' for the reason with id '1'.", Some(0), None, None, None),
            ("The user with the id 12 viewed the course with id 7", Some(12), None, Some(7), None),
            ("The user with id &#039;12&#039; viewed the course with id &quot;7&quot;", Some(12), None, Some(7), None),
            ("User viewed their submission inbox at course: 113", None, None, None, None),
            ("User added submission 'Assignment 1'", None, None, None, None),
            ("", None, None, None, None),
            ("The user with id '' viewed the course with id 'x'.", None, None, None, None),
        ];
        for (text, user, related, course, module) in cases {
            let read = Description::read(text);
            assert_eq!(
                (read.user(), read.related(), read.course(), read.module()),
                (user, related, course, module),
                "{text}"
            );
        }
    }

    #[test]
    fn objects_by_noun_and_by_place() {
        let grade = Description::read(
            "The user with id '47' updated the grade with id '5' for the user with id '6' for the grade item with id '7'.",
        );
        assert_eq!(
            (grade.number_of("grade"), grade.number_of("grade item"), grade.number_of("item")),
            (Some(5), Some(7), Some(7))
        );
        assert_eq!(grade.number_of("rade"), None);
        let event =
            Description::read("The user with id '47' created the event 'meet the user with id '9'' with id '7322'.");
        assert_eq!(event.last(), Some(7322));
        assert_eq!(event.user(), Some(47));
    }

    #[test]
    fn plugins_quoted_by_name() {
        for (text, name) in [
            ("The user with id '1' viewed the 'hvp' activity with course module id '2'.", Some("hvp")),
            (
                "The user with id '1' viewed the instance list for the module 'assign' in the course with id '2'.",
                Some("assign"),
            ),
            ("The user with id '1' viewed the 'a b' activity with course module id '2'.", None),
            ("' activity", None),
            ("the module '", None),
            ("The user with id '1' viewed the course with id '2'.", None),
        ] {
            assert_eq!(Description::read(text).module_name(), name, "{text}");
        }
    }

    #[test]
    fn phrases_start_a_word() {
        let read = Description::read("The user with id '1' unenrolled the user with id '2'.");
        assert!(!read.says("enrolled the user with id"));
        assert!(read.says("unenrolled the user with id"));
        let viewed = Description::read(
            "The user with id '1' viewed the report 'overview' for the quiz with course module id '2'.",
        );
        assert!(viewed.says("viewed the report '*' for the quiz"));
        assert!(!viewed.says("viewed the report '*' for the survey"));
    }

    #[test]
    fn no_text_makes_it_panic() {
        let seed = "The user with id '-1' updated the 'quiz' activity with course module id '99999999999999999999' é user id '5' id";
        let cuts: Vec<usize> = seed.char_indices().map(|(at, _)| at).chain([seed.len()]).collect();
        for &from in &cuts {
            for &to in cuts.iter().filter(|to| **to >= from) {
                for piece in ["", "id", "'", "-", "é", "\u{130}", " by the user with id '"] {
                    let read = Description::read(&format!("{}{piece}{}", &seed[..from], &seed[to..]));
                    let _ =
                        (read.user(), read.related(), read.course(), read.module(), read.module_name(), read.last());
                    let _ = (read.says("viewed the '*' activity"), read.says("é*é"));
                }
            }
        }
    }
}
