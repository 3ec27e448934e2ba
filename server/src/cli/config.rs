//! The configuration file: policies of one's own, and defaults. `config check`, `config show`.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use engine::stats::Settings;
use engine::time::{PARAMETERS, Policies, Policy};
use engine::{Error, ErrorKind, text};
use serde::Serialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::args::{ConfigVerb, Globals};
use super::exit::{Exit, Failure};
use super::{Console, flags};

/// The file that is used when it lies in the current folder.
const DEFAULT_FILE: &str = "assidu.toml";

/// Keys of the file.
const KEYS: [&str; 3] = ["timezone", "stats", "policies"];

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File,
    /// The environment.
    Environment,
    /// The command line.
    Flag,
}

/// The configuration as the file gives it.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The file, if there is one.
    pub(crate) path: Option<PathBuf>,
    /// Policies: the presets, and those of the file.
    pub(crate) policies: Policies,
    /// Names of the policies of the file.
    pub(crate) own: Vec<String>,
    /// The policy where none is named.
    pub(crate) policy: (String, Origin),
    /// Time zone of dates and days.
    pub(crate) zone: (Tz, Origin),
}

impl Config {
    /// Reads the file that the flag, the environment or the current folder names.
    pub(crate) fn load(globals: &Globals) -> Result<Self, Failure> {
        let path = match &globals.config {
            Some(path) => Some(path.clone()),
            None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
        };
        let mut config = Self {
            path: path.clone(),
            policies: Policies::default(),
            own: Vec::new(),
            policy: ("use_stats".to_owned(), Origin::Default),
            zone: (Tz::UTC, Origin::Default),
        };
        if let Some(path) = path {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            File { path: &path, text: &text }.read(&mut config)?;
        }
        Ok(config)
    }

    /// What a session of SQL has to know.
    pub(crate) fn settings(&self, now: i64) -> Settings {
        Settings { policies: self.policies.clone(), policy: self.policy.0.clone(), zone: self.zone.0, now }
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        ErrorKind::Invalid,
        text!("the configuration {path} cannot be read: {error}", "la configuration {path} ne peut être lue : {error}"),
    )
}

/// The file while it is read.
struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn read(&self, config: &mut Config) -> Result<(), Error> {
        let table = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            let message = error.message().to_owned();
            self.fault(at, text!("{message}", "{message}"))
        })?;
        for (key, value) in table.get_ref() {
            let name = key.get_ref().as_ref();
            match name {
                "timezone" => {
                    let zone = self.string(value, name)?;
                    let zone = flags::timezone(&zone).map_err(|reason| self.fault(value.span().start, reason))?;
                    config.zone = (zone, Origin::File);
                }
                "stats" => self.stats(self.table(value, name)?, config)?,
                "policies" => {
                    for (own, definition) in self.table(value, name)? {
                        let policy = self.policy(own.get_ref(), definition, &config.policies)?;
                        config.own.push(policy.name.clone());
                        config.policies.define(policy);
                    }
                }
                _ => return Err(self.unknown(key.span().start, name, KEYS.iter().copied())),
            }
        }
        // Last, because the file may define it anywhere.
        config.policies.resolve(&config.policy.0).map(drop)
    }

    fn stats(&self, table: &DeTable<'_>, config: &mut Config) -> Result<(), Error> {
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "policy" => config.policy = (self.string(value, "policy")?, Origin::File),
                other => return Err(self.unknown(key.span().start, other, ["policy"].into_iter())),
            }
        }
        Ok(())
    }

    fn policy(&self, name: &str, definition: &Spanned<DeValue<'_>>, known: &Policies) -> Result<Policy, Error> {
        if name.contains([',', '=']) || name.trim() != name || name.is_empty() {
            let at = definition.span().start;
            return Err(self.fault(
                at,
                text!(
                    "a policy cannot be called \"{name}\": its name has no comma, no equals sign and no blank at its ends",
                    "une règle ne peut s'appeler « {name} » : son nom n'a ni virgule, ni signe égal, ni blanc à ses bouts"
                ),
            ));
        }
        let table = self.table(definition, name)?;
        let base = match table.get("base") {
            Some(base) => self.string(base, "base")?,
            None => "use_stats".to_owned(),
        };
        let start = definition.span().start;
        let mut policy = known.resolve(&base).map_err(|error| self.because(start, &error))?;
        name.clone_into(&mut policy.name);
        for (key, value) in table {
            let parameter = key.get_ref().as_ref();
            if parameter == "base" {
                continue;
            }
            if !PARAMETERS.iter().any(|known| known.name == parameter) {
                let names = PARAMETERS.iter().map(|known| known.name).chain(["base"]);
                return Err(self.unknown(key.span().start, parameter, names));
            }
            let text = self.scalar(value, parameter)?;
            policy.set(parameter, &text).map_err(|error| self.because(value.span().start, &error))?;
        }
        Ok(policy)
    }

    /// A value as the text that a parameter takes: lists become words.
    fn scalar(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Result<String, Error> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            DeValue::Array(items) => {
                let words: Result<Vec<String>, Error> = items.iter().map(|item| self.scalar(item, name)).collect();
                Ok(words?.join(" "))
            }
            _ => Err(self.fault(
                value.span().start,
                text!(
                    "`{name}` must be a number, a text, true or false, or a list",
                    "`{name}` doit être un nombre, un texte, true ou false, ou une liste"
                ),
            )),
        }
    }

    fn string(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Result<String, Error> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.fault(value.span().start, text!("`{name}` must be a text", "`{name}` doit être un texte"))),
        }
    }

    fn table<'v, 'd>(&self, value: &'v Spanned<DeValue<'d>>, name: &str) -> Result<&'v DeTable<'d>, Error> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.fault(
                value.span().start,
                text!("`{name}` must be a table: [{name}]", "`{name}` doit être une table : [{name}]"),
            )),
        }
    }

    fn unknown<'n>(&self, at: usize, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Error {
        let all = known.clone().collect::<Vec<_>>().join(", ");
        match engine::fault::nearest(name, known) {
            Some(near) => self.fault(
                at,
                text!(
                    "unknown key `{name}`; did you mean `{near}`?",
                    "clé inconnue `{name}` ; vouliez-vous dire `{near}` ?"
                ),
            ),
            None => {
                self.fault(at, text!("unknown key `{name}`; there are {all}", "clé inconnue `{name}` ; il y a {all}"))
            }
        }
    }

    fn because(&self, at: usize, error: &Error) -> Error {
        let (en, fr) = (error.message(engine::Lang::En).to_owned(), error.message(engine::Lang::Fr).to_owned());
        self.fault(at, text!("{en}", "{fr}"))
    }

    /// A fault with file, line and column.
    fn fault(&self, at: usize, reason: engine::Text) -> Error {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        let (path, engine::Text { en, fr }) = (self.path.display(), reason);
        Error::new(ErrorKind::Invalid, text!("{path}:{line}:{column}: {en}", "{path}:{line}:{column} : {fr}"))
    }
}

/// Runs `config`.
pub(crate) fn run(verb: &ConfigVerb, globals: &Globals, console: &mut Console) -> Result<Exit, Failure> {
    let config = Config::load(globals)?;
    let path = config.path.as_ref().map(|path| path.display().to_string());
    match verb {
        ConfigVerb::Check => {
            let sentence = match &path {
                Some(path) => text!("{path} is right", "{path} est correct"),
                None => text!("there is no configuration file", "il n'y a pas de fichier de configuration"),
            };
            console.say(&sentence);
        }
        ConfigVerb::Show { json } => {
            let given = |is_given: bool, from_environment: bool| match (is_given, from_environment) {
                (false, _) => Origin::Default,
                (true, true) => Origin::Environment,
                (true, false) => Origin::Flag,
            };
            let store = given(globals.store.is_some(), globals.store_from_environment);
            let file = given(globals.config.is_some(), globals.config_from_environment);
            let own = if config.own.is_empty() { Origin::Default } else { Origin::File };
            let values = [
                ("store", globals.store().to_owned(), store),
                ("config", path.unwrap_or_default(), file),
                ("timezone", config.zone.0.name().to_owned(), config.zone.1),
                ("stats.policy", config.policy.0.clone(), config.policy.1),
                ("policies", config.own.join(", "), own),
            ];
            show(&values, *json, console)?;
        }
    }
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: &'a str,
    source: Origin,
}

fn show(values: &[(&str, String, Origin)], json: bool, console: &mut Console) -> Result<(), Failure> {
    if json {
        let shown: Vec<Shown<'_>> =
            values.iter().map(|(key, value, source)| Shown { key, value, source: *source }).collect();
        return Ok(console.json(&shown)?);
    }
    for (key, value, source) in values {
        let source = match source {
            Origin::Default => text!("default", "valeur par défaut"),
            Origin::File => text!("file", "fichier"),
            Origin::Environment => text!("environment", "environnement"),
            Origin::Flag => text!("flag", "option"),
        };
        let line = format!("{key} = \"{value}\"  # {}\n", source.get(console.lang()));
        console.data(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        let mut config = Config {
            path: None,
            policies: Policies::default(),
            own: Vec::new(),
            policy: ("use_stats".to_owned(), Origin::Default),
            zone: (Tz::UTC, Origin::Default),
        };
        let file = File { path: Path::new("assidu.toml"), text };
        file.read(&mut config).map_err(|error| error.message(engine::Lang::En).to_owned())?;
        Ok(config)
    }

    #[test]
    fn policies_and_defaults_are_read() {
        let config = read(
            "timezone = \"Europe/Paris\"\n[stats]\npolicy = \"ours\"\n[policies.ours]\nbase = \"dedication\"\n\
             threshold = 1800\nignored = [\"forum\", \"quiz\"]\nminimum = \"> 59\"\nlogins = true\n",
        )
        .unwrap();
        assert_eq!(config.zone, (Tz::Europe__Paris, Origin::File));
        let ours = config.policies.resolve("ours").unwrap();
        assert_eq!((ours.gap.threshold.get(), ours.logins), (1800, true));
        assert_eq!(ours.ignored, ["forum", "quiz"]);
    }

    #[test]
    fn faults_have_their_line_and_column() {
        for (text, message) in [
            ("timezon = \"UTC\"\n", "assidu.toml:1:1: unknown key `timezon`; did you mean `timezone`?"),
            ("[stats]\npolicy = 5\n", "assidu.toml:2:10: `policy` must be a text"),
            (
                "[policies.a]\nbase = \"use_stats\"\nthresold = 5\n",
                "assidu.toml:3:1: unknown key `thresold`; did you mean `threshold`?",
            ),
            (
                "[policies.\"a, b\"]\nthreshold = 5\n",
                "assidu.toml:1:1: a policy cannot be called \"a, b\": its name has no comma, no equals sign and no blank at its ends",
            ),
            (
                "[policies.a]\nthreshold = -5\n",
                "assidu.toml:2:13: parameter `threshold` of a policy is \"-5\": it must be seconds, 0 or more",
            ),
            ("[stats]\npolicy = \"dedicatoin\"\n", "no policy `dedicatoin`; did you mean `dedication`?"),
        ] {
            assert_eq!(read(text).unwrap_err(), message);
        }
        assert!(read("a = \n").unwrap_err().starts_with("assidu.toml:1:"));
    }
}
