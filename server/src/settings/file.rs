//! [`File`]: the configuration file while it is read. Every fault has its line and column.

use std::path::{Path, PathBuf};

use engine::stats::Settings as StatsSettings;
use engine::time::{PARAMETERS, Policies, Policy};
use engine::{Error, ErrorKind, Text, text};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::{GivenValue, Origin};
use super::table::SETTINGS;
use super::{Config, parts};
use crate::values;

/// Keys of the file that are no tables of [`SETTINGS`].
const KEYS: [&str; 7] = ["timezone", "stats", "policies", "sites", "peers", "instances", "moodle"];

/// The file while it is read.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl File<'_> {
    /// Reads the whole file.
    pub(super) fn read(&self, config: &mut Config) -> Result<(), Error> {
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
                    let zone = values::timezone(&zone).map_err(|reason| self.fault(value.span().start, reason))?;
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
                "sites" => config.sites = parts::sites(self, self.table(value, name)?)?,
                "peers" => config.peers = parts::peers(self, self.table(value, name)?)?,
                "instances" => config.instances = parts::instances(self, self.table(value, name)?)?,
                of if is_table(of) => self.settings(of, self.table(value, name)?, config)?,
                _ => return Err(self.unknown(key.span().start, name, tables())),
            }
        }
        // Last, because the file may define it anywhere.
        config.policies.resolve(&config.policy.0).map(drop)
    }

    /// Values of one table of [`SETTINGS`].
    fn settings(&self, of: &str, table: &DeTable<'_>, config: &mut Config) -> Result<(), Error> {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            if (of, name) == ("moodle", "services") {
                config.services = parts::services(self, self.table(value, name)?)?;
                continue;
            }
            if (of, name) == ("moodle", "hosts") {
                config.hosts = self.words(value, name)?;
                continue;
            }
            let Some(setting) = SETTINGS.iter().find(|setting| setting.key.split_once('.') == Some((of, name))) else {
                let names = SETTINGS.iter().filter_map(|setting| setting.key.split_once('.'));
                let names = names.filter(|(table, _)| *table == of).map(|(_, name)| name);
                let more: &[&str] = if of == "moodle" { &["services", "hosts"] } else { &[] };
                return Err(self.unknown(key.span().start, name, names.chain(more.iter().copied())));
            };
            let text = self.scalar(value, name, ", ")?;
            let place = self.place(value.span().start);
            config.given.note(setting.key, GivenValue { text, origin: Origin::File, place });
        }
        Ok(())
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
            let text = self.scalar(value, parameter, " ")?;
            policy.set(parameter, &text).map_err(|error| self.because(value.span().start, &error))?;
        }
        Ok(policy)
    }

    /// A value as text; the items of a list are joined by `separator`.
    pub(super) fn scalar(&self, value: &Spanned<DeValue<'_>>, name: &str, separator: &str) -> Result<String, Error> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => Ok(number.to_string()),
            DeValue::Boolean(flag) => Ok(flag.to_string()),
            DeValue::Datetime(moment) => Ok(moment.to_string()),
            DeValue::Array(items) => {
                let words = items.iter().map(|item| self.scalar(item, name, separator));
                Ok(words.collect::<Result<Vec<String>, Error>>()?.join(separator))
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

    /// A list of texts, or one text.
    pub(super) fn words(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Result<Vec<String>, Error> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| self.string(item, name)).collect(),
            _ => Ok(vec![self.string(value, name)?]),
        }
    }

    pub(super) fn string(&self, value: &Spanned<DeValue<'_>>, name: &str) -> Result<String, Error> {
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.fault(value.span().start, text!("`{name}` must be a text", "`{name}` doit être un texte"))),
        }
    }

    pub(super) fn table<'v, 'd>(&self, value: &'v Spanned<DeValue<'d>>, name: &str) -> Result<&'v DeTable<'d>, Error> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.fault(
                value.span().start,
                text!("`{name}` must be a table: [{name}]", "`{name}` doit être une table : [{name}]"),
            )),
        }
    }

    pub(super) fn unknown<'n>(&self, at: usize, name: &str, known: impl Iterator<Item = &'n str> + Clone) -> Error {
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

    pub(super) fn because(&self, at: usize, error: &Error) -> Error {
        let (en, fr) = (error.message(engine::Lang::En).to_owned(), error.message(engine::Lang::Fr).to_owned());
        self.fault(at, text!("{en}", "{fr}"))
    }

    /// File, line and column of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
        format!("{}:{line}:{column}", self.path.display())
    }

    /// A fault with file, line and column.
    pub(super) fn fault(&self, at: usize, reason: Text) -> Error {
        let (place, Text { en, fr }) = (self.place(at), reason);
        Error::new(ErrorKind::Invalid, text!("{place}: {en}", "{place} : {fr}"))
    }
}

fn is_table(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.key.split_once('.').is_some_and(|(table, _)| table == name))
}

/// Names that may stand at the top of the file.
fn tables() -> impl Iterator<Item = &'static str> + Clone {
    let mut names: Vec<&str> = KEYS.to_vec();
    for setting in SETTINGS {
        let table = setting.key.split_once('.').map_or(setting.key, |(table, _)| table);
        if !names.contains(&table) {
            names.push(table);
        }
    }
    names.into_iter()
}

/// The failure of a file that cannot be read.
pub(super) fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    let path = path.display();
    Error::new(
        ErrorKind::Invalid,
        text!("the configuration {path} cannot be read: {error}", "la configuration {path} ne peut être lue : {error}"),
    )
}

impl Config {
    /// Reads the file, if there is one.
    ///
    /// # Errors
    ///
    /// `Invalid` for a file that cannot be read, and for the first key or value in it that is wrong.
    pub fn read(path: Option<PathBuf>) -> Result<Self, Error> {
        let mut config = Self { path: path.clone(), ..Self::default() };
        if let Some(path) = path {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            File { path: &path, text: &text }.read(&mut config)?;
        }
        Ok(config)
    }

    /// What a session of SQL has to know.
    pub fn stats(&self, now: i64) -> StatsSettings {
        StatsSettings { policies: self.policies.clone(), policy: self.policy.0.clone(), zone: self.zone.0, now }
    }
}
