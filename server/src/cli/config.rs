//! `config check` and `config show`.

use std::path::PathBuf;

use engine::{Error, text};
use serde::Serialize;

use super::args::{ConfigVerb, Globals};
use super::console::Console;
use super::exit::{Exit, Failure};
use crate::settings::{Config, Origin, SETTINGS, ServerSettings};

/// The file that is used when it lies in the current folder.
const DEFAULT_FILE: &str = "assidu.toml";

/// The configuration that the flag, the environment or the current folder names.
pub(crate) fn load(globals: &Globals) -> Result<Config, Error> {
    let path = match &globals.config {
        Some(path) => Some(path.clone()),
        None => Some(PathBuf::from(DEFAULT_FILE)).filter(|path| path.exists()),
    };
    let mut config = Config::read(path)?;
    config.given.note_environment(|name| std::env::var(name).ok());
    Ok(config)
}

/// Runs `config`.
pub(crate) fn run(verb: &ConfigVerb, globals: &Globals, console: &mut Console) -> Result<Exit, Failure> {
    let config = load(globals)?;
    match verb {
        ConfigVerb::Check => {
            // What only the server reads is checked too.
            ServerSettings::try_new(&config, 1)?;
            let sentence = match &config.path {
                Some(path) => {
                    let path = path.display();
                    text!("{path} is right", "{path} est correct")
                }
                None => text!("there is no configuration file", "il n'y a pas de fichier de configuration"),
            };
            console.say(&sentence);
        }
        ConfigVerb::Show { json } => show(&values(&config, globals), *json, console)?,
    }
    Ok(Exit::Done)
}

/// Every value that the program uses, with its source.
fn values(config: &Config, globals: &Globals) -> Vec<(String, String, Origin)> {
    let given = |is_given: bool, from_environment: bool| match (is_given, from_environment) {
        (false, _) => Origin::Default,
        (true, true) => Origin::Environment,
        (true, false) => Origin::Flag,
    };
    let store = given(globals.store.is_some(), globals.store_from_environment);
    let file = given(globals.config.is_some(), globals.config_from_environment);
    let path = config.path.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
    let mut values = vec![
        ("store".to_owned(), globals.store().to_owned(), store),
        ("config".to_owned(), path, file),
        ("timezone".to_owned(), config.zone.0.name().to_owned(), config.zone.1),
        ("stats.policy".to_owned(), config.policy.0.clone(), config.policy.1),
    ];
    for setting in SETTINGS {
        let value = config.given.get(setting.key);
        values.push((setting.key.to_owned(), value.text, value.origin));
    }
    let names = |keys: Vec<&String>| keys.into_iter().cloned().collect::<Vec<_>>().join(", ");
    for (key, names) in [
        ("policies", names(config.own.iter().collect())),
        ("sites", names(config.sites.keys().collect())),
        ("instances", names(config.instances.keys().collect())),
        ("peers", names(config.peers.keys().collect())),
        ("moodle.services", names(config.services.keys().collect())),
        ("moodle.hosts", config.hosts.join(", ")),
    ] {
        let origin = if names.is_empty() { Origin::Default } else { Origin::File };
        values.push((key.to_owned(), names, origin));
    }
    values
}

#[derive(Debug, Serialize)]
struct Shown<'a> {
    key: &'a str,
    value: &'a str,
    source: Origin,
}

fn show(values: &[(String, String, Origin)], json: bool, console: &mut Console) -> Result<(), Failure> {
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
