//! `serve`: the HTTP server.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, FromArgMatches};
use engine::{Engine, Error, ErrorKind, text};

use super::args::Globals;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::{config, open};
use crate::access::{AccessRegister, Gate};
use crate::http::{App, Clock, Server, Signals};
use crate::peer::Peer;
use crate::settings::{Authentication, Given, GivenValue, Origin, SETTINGS, ServerSettings};

/// Flags of `serve`: one per setting.
#[derive(Debug, Default)]
pub(crate) struct ServeArgs {
    given: Given,
}

impl FromArgMatches for ServeArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for setting in SETTINGS {
            let Some(text) = matches.get_one::<String>(setting.flag).cloned() else { continue };
            // What the environment says is noted with the file, so that `config show` knows it too.
            if matches.value_source(setting.flag) == Some(ValueSource::CommandLine) {
                let place = format!("--{}", setting.flag);
                self.given.note(setting.key, GivenValue { text, origin: Origin::Flag, place });
            }
        }
        Ok(())
    }
}

impl clap::Args for ServeArgs {
    fn augment_args(command: Command) -> Command {
        SETTINGS.iter().fold(command, |command, setting| {
            let heading = setting.key.split_once('.').map_or("server", |(table, _)| table);
            let default =
                if setting.default.is_empty() { String::new() } else { format!(" [default: {}]", setting.default) };
            command.arg(
                Arg::new(setting.flag)
                    .long(setting.flag)
                    .env(setting.env)
                    .hide_env_values(true)
                    .value_name(setting.value)
                    .help_heading(format!("[{heading}]"))
                    .help(format!("{}{default}", setting.doc)),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Runs `serve`, until a signal says to stop.
pub(crate) async fn run(args: &ServeArgs, globals: &Globals, console: &mut Console) -> Result<Exit, Failure> {
    let mut config = config::load(globals)?;
    for setting in SETTINGS {
        let value = args.given.get(setting.key);
        if value.origin == Origin::Flag {
            config.given.note(setting.key, value);
        }
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let settings = ServerSettings::try_new(&config, processors)?;
    let engine = open::open_existing(globals.store()).await?;
    let gate = Gate::new(AccessRegister::new(&engine));
    let open_door = settings.authentication == Authentication::None;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let in_clear = settings.tls.is_none() && !settings.listen.ip().is_loopback();
    warn_of_sites(&engine, &settings, console).await?;
    let peers = peers(&settings)?;
    let app = Arc::new(App::new(engine, settings, gate, Clock::new(now)).with_peers(peers)?);
    // Before listening, so that no signal is missed.
    let mut signals = Signals::receive()?;
    let server = Server::start(Arc::clone(&app)).await?;
    let (address, store) = (server.address, globals.store().to_owned());
    console.say(&text!(
        "serving {store} on {scheme}://{address}; Ctrl-C stops it",
        "{store} est servi sur {scheme}://{address} ; Ctrl-C l'arrête"
    ));
    if open_door {
        console.say(&text!(
            "callers need no token, because authentication is none",
            "les appelants n'ont pas besoin de jeton, car authentication vaut none"
        ));
    }
    if in_clear {
        console.say(&text!(
            "others can reach it and it does not speak HTTPS: tokens travel in the clear, unless a proxy in front of it encrypts",
            "d'autres peuvent l'atteindre et il ne parle pas HTTPS : les jetons voyagent en clair, sauf si un mandataire devant lui chiffre"
        ));
    }
    let at_once = server.stopper();
    let stop = async move {
        signals.next().await;
        // Who asks twice does not want to wait.
        tokio::spawn(async move {
            signals.next().await;
            at_once();
        });
    };
    server.run(stop).await?;
    Ok(Exit::Done)
}

/// A site of the configuration that the store does not have is mostly a slip of the pen; it may also be loaded later.
async fn warn_of_sites(engine: &Engine, settings: &ServerSettings, console: &mut Console) -> Result<(), Error> {
    let snapshot = engine.snapshot(None).await?;
    let manifest = snapshot.manifest();
    for name in settings.moodle.sites.keys().filter(|name| **name != manifest.default_site) {
        if !manifest.sites.contains_key(name) {
            console.say(&text!(
                "[sites.{name}] is configured, and the store has no site of that name",
                "[sites.{name}] est configuré, et le magasin n'a pas de site de ce nom"
            ));
        }
    }
    Ok(())
}

/// Other servers with their tokens, which lie in files or in the environment.
fn peers(settings: &ServerSettings) -> Result<Vec<Peer>, Error> {
    let mut peers = Vec::new();
    for (name, peer) in &settings.moodle.peers {
        let token = match (&peer.token_file, &peer.token_env) {
            (Some(path), _) => std::fs::read_to_string(path).map_err(|error| no_token(name, &path.display(), error))?,
            (None, variable) => {
                let variable = variable.as_deref().unwrap_or_default();
                std::env::var(variable).map_err(|error| no_token(name, &variable, error))?
            }
        };
        let ca = match &peer.ca_file {
            Some(path) => Some(std::fs::read(path).map_err(|error| no_token(name, &path.display(), error))?),
            None => None,
        };
        peers.push(Peer {
            name: name.clone(),
            wwwroot: peer.wwwroot.clone(),
            token: token.trim().to_owned(),
            timeout: peer.timeout,
            retries: peer.retries,
            ca,
        });
    }
    Ok(peers)
}

fn no_token(name: &str, place: &dyn std::fmt::Display, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    let message = text!("peer `{name}`: {place} cannot be read", "pair `{name}` : {place} ne peut être lu");
    Error::new(ErrorKind::Invalid, message).because(error)
}

/// The clock of the calendar. A server outlives the moment at which its command began, so it is the one command that
/// reads the clock itself.
fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    i64::try_from(now).unwrap_or(i64::MAX)
}
