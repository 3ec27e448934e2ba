//! [`Given`]: what was said about the settings, by whom, and the reading of values.

use std::collections::BTreeMap;
use std::str::FromStr;

use engine::{Error, ErrorKind, Text, text};
use serde::Serialize;

use super::table::{SETTINGS, of_key};

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

/// A value and who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GivenValue {
    /// The value as text.
    pub text: String,
    /// Who said it.
    pub origin: Origin,
    /// Where, for messages: a place in the file, a variable, a flag.
    pub place: String,
}

/// Values of settings by key.
#[derive(Debug, Clone, Default)]
pub struct Given(BTreeMap<&'static str, GivenValue>);

impl Given {
    /// Notes a value, unless somebody who counts more said another.
    pub fn note(&mut self, key: &'static str, value: GivenValue) {
        let weight = |origin: Origin| origin as u8;
        if self.0.get(key).is_none_or(|known| weight(known.origin) <= weight(value.origin)) {
            self.0.insert(key, value);
        }
    }

    /// Notes what the environment says.
    pub fn note_environment(&mut self, variable: impl Fn(&str) -> Option<String>) {
        for setting in SETTINGS {
            if let Some(text) = variable(setting.env) {
                let place = setting.env.to_owned();
                self.note(setting.key, GivenValue { text, origin: Origin::Environment, place });
            }
        }
    }

    /// The value of a setting.
    pub fn get(&self, key: &str) -> GivenValue {
        let default = || GivenValue {
            text: of_key(key).map_or("", |setting| setting.default).to_owned(),
            origin: Origin::Default,
            place: "default".to_owned(),
        };
        self.0.get(key).cloned().unwrap_or_else(default)
    }

    /// The value of a setting, read by `parse`.
    pub(super) fn parse<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, Text>) -> Result<T, Error> {
        let value = self.get(key);
        parse(value.text.trim()).map_err(|reason| {
            let (place, Text { en, fr }) = (&value.place, reason);
            Error::new(ErrorKind::Invalid, text!("{place}: `{key}`: {en}", "{place} : `{key}` : {fr}"))
        })
    }

    /// A truth.
    pub(super) fn truth(&self, key: &str) -> Result<bool, Error> {
        self.parse(key, truth)
    }

    /// A number.
    pub(super) fn number<T: FromStr>(&self, key: &str) -> Result<T, Error> {
        self.parse(key, |value| {
            let value_shown = engine::fault::quoted(value);
            value.parse().map_err(|_| {
                text!(
                    "\"{value_shown}\" is no number, 0 or more",
                    "« {value_shown} » n'est pas un nombre positif ou nul"
                )
            })
        })
    }
}

/// A truth of `true`, `false`, `1`, `0`.
pub(super) fn truth(value: &str) -> Result<bool, Text> {
    match value {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        other => {
            let other = engine::fault::quoted(other);
            Err(text!("\"{other}\" is neither true nor false", "« {other} » n'est ni true ni false"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, origin: Origin) -> GivenValue {
        GivenValue { text: text.to_owned(), origin, place: "there".to_owned() }
    }

    #[test]
    fn flags_win_over_variables_and_those_over_the_file() {
        let mut given = Given::default();
        assert_eq!(given.get("server.listen").origin, Origin::Default);
        given.note("server.listen", value("a", Origin::Flag));
        given.note("server.listen", value("b", Origin::File));
        given.note_environment(|name| (name == "ASSIDU_LISTEN").then(|| "c".to_owned()));
        assert_eq!(given.get("server.listen").text, "a");
        given.note("limits.work", value("1", Origin::File));
        given.note_environment(|name| (name == "ASSIDU_LIMIT_WORK").then(|| "2".to_owned()));
        assert_eq!(
            (given.get("limits.work").text, given.get("limits.work").origin),
            ("2".to_owned(), Origin::Environment)
        );
    }

    #[test]
    fn a_value_that_cannot_be_read_says_who_said_it() {
        let mut given = Given::default();
        given.note_environment(|name| (name == "ASSIDU_MOODLE_DEBUG").then(|| "yes".to_owned()));
        let error = given.truth("moodle.debug").unwrap_err();
        assert_eq!(error.to_string(), "ASSIDU_MOODLE_DEBUG: `moodle.debug`: \"yes\" is neither true nor false");
    }
}
