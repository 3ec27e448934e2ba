//! Parts of the configuration with a name each: sites, peers, services.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use engine::{Error, text};
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};
use url::Url;

use super::file::File;
use crate::access::AddressList;
use crate::etl::{InstanceSettings, check_name};
use crate::values;

/// What the web service tells of a site of the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SiteSettings {
    /// Address of the Moodle instance; what calls name as `whereroot`.
    pub wwwroot: String,
    /// Its name [default: that of its site course].
    pub fullname: Option<String>,
    /// Language of its users.
    pub lang: Option<String>,
}

/// Another server that answers for its own site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSettings {
    /// Address of its Moodle instance, or of its Assidu.
    pub wwwroot: Url,
    /// File that holds the token.
    pub token_file: Option<PathBuf>,
    /// Variable of the environment that holds the token.
    pub token_env: Option<String>,
    /// Certificates of authorities in PEM, besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Longest time for a call, repetitions included.
    pub timeout: Duration,
    /// How often a call is repeated when the peer cannot be reached.
    pub retries: u32,
}

/// A user of a service that is open to some only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceUser {
    /// User name.
    pub username: String,
    /// End of the permission, in Unix seconds; `None` for no end.
    pub valid_until: Option<i64>,
    /// Addresses that the user may call from.
    pub addresses: AddressList,
}

/// A service: a set of functions that tokens are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// Whether it answers.
    pub enabled: bool,
    /// Its functions; `None` for all.
    pub functions: Option<Vec<String>>,
    /// Capability that its callers need.
    pub required_capability: Option<String>,
    /// The users that may use it; `None` for all.
    pub users: Option<Vec<ServiceUser>>,
}

impl Default for Service {
    fn default() -> Self {
        Self { enabled: true, functions: None, required_capability: None, users: None }
    }
}

type Item<'v, 'd> = (&'v str, &'v Spanned<DeValue<'d>>);

/// Goes through the keys of a part; `set` answers whether it knows the key.
fn each<'v, 'd: 'v>(
    file: &File<'_>,
    table: &'v DeTable<'d>,
    known: &[&str],
    mut set: impl FnMut(Item<'v, 'd>) -> Result<(), Error>,
) -> Result<(), Error> {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        if !known.contains(&name) {
            return Err(file.unknown(key.span().start, name, known.iter().copied()));
        }
        set((name, value))?;
    }
    Ok(())
}

/// `[sites.NAME]`.
pub(super) fn sites(file: &File<'_>, table: &DeTable<'_>) -> Result<BTreeMap<String, SiteSettings>, Error> {
    let mut sites = BTreeMap::new();
    for (name, value) in table {
        let mut site = SiteSettings::default();
        each(file, file.table(value, name.get_ref())?, &["wwwroot", "fullname", "lang"], |(key, value)| {
            let text = file.string(value, key)?;
            match key {
                "wwwroot" => site.wwwroot = root(file, value, &text)?,
                "fullname" => site.fullname = Some(text),
                _ => site.lang = Some(text),
            }
            Ok(())
        })?;
        sites.insert(name.get_ref().to_string(), site);
    }
    Ok(sites)
}

/// `[instances.NAME]`.
pub(super) fn instances(file: &File<'_>, table: &DeTable<'_>) -> Result<BTreeMap<String, InstanceSettings>, Error> {
    let mut instances = BTreeMap::new();
    for (name, value) in table {
        let at = value.span().start;
        let reader = ValueDeserializer::from(value.clone());
        let settings = InstanceSettings::deserialize(reader).map_err(|error| {
            let at = error.span().map_or(at, |span| span.start);
            let message = error.message().to_owned();
            file.fault(at, text!("{message}", "{message}"))
        })?;
        check_name(name.get_ref()).map_err(|error| file.because(name.span().start, &error))?;
        settings.check().map_err(|error| file.because(at, &error))?;
        instances.insert(name.get_ref().to_string(), settings);
    }
    Ok(instances)
}

/// A root as calls name it: an address without a slash at its end.
fn root(file: &File<'_>, value: &Spanned<DeValue<'_>>, text: &str) -> Result<String, Error> {
    url(file, value, text)?;
    Ok(text.trim_end_matches('/').to_owned())
}

fn url(file: &File<'_>, value: &Spanned<DeValue<'_>>, text: &str) -> Result<Url, Error> {
    let parsed = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    parsed.ok_or_else(|| {
        let text = engine::fault::quoted(text);
        let reason = text!(
            "\"{text}\" is no address such as https://moodle.example.org",
            "« {text} » n'est pas une adresse telle que https://moodle.example.org"
        );
        file.fault(value.span().start, reason)
    })
}

const PEER_KEYS: [&str; 6] = ["wwwroot", "token_file", "token_env", "ca_file", "timeout", "retries"];

/// `[peers.NAME]`.
pub(super) fn peers(file: &File<'_>, table: &DeTable<'_>) -> Result<BTreeMap<String, PeerSettings>, Error> {
    let mut peers = BTreeMap::new();
    for (name, value) in table {
        let at = value.span().start;
        let (mut wwwroot, mut token_file, mut token_env, mut ca_file) = (None, None, None, None);
        let (mut timeout, mut retries) = (Duration::from_secs(10), 2);
        each(file, file.table(value, name.get_ref())?, &PEER_KEYS, |(key, value)| {
            let text = file.scalar(value, key, ", ")?;
            match key {
                "wwwroot" => wwwroot = Some(url(file, value, text.trim_end_matches('/'))?),
                "token_file" => token_file = Some(PathBuf::from(text)),
                "token_env" => token_env = Some(text),
                "ca_file" => ca_file = Some(PathBuf::from(text)),
                "timeout" => timeout = duration(file, value, &text)?,
                _ => retries = number(file, value, &text)?,
            }
            Ok(())
        })?;
        let name = name.get_ref().to_string();
        let Some(wwwroot) = wwwroot else {
            let reason = text!("peer `{name}` needs `wwwroot`", "le pair `{name}` a besoin de `wwwroot`");
            return Err(file.fault(at, reason));
        };
        if token_file.is_some() == token_env.is_some() {
            let reason = text!(
                "peer `{name}` needs its token either in `token_file` or in `token_env`",
                "le pair `{name}` a besoin de son jeton soit dans `token_file`, soit dans `token_env`"
            );
            return Err(file.fault(at, reason));
        }
        peers.insert(name, PeerSettings { wwwroot, token_file, token_env, ca_file, timeout, retries });
    }
    Ok(peers)
}

fn duration(file: &File<'_>, value: &Spanned<DeValue<'_>>, text: &str) -> Result<Duration, Error> {
    let seconds = values::duration(text).map_err(|reason| file.fault(value.span().start, reason))?;
    Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn number(file: &File<'_>, value: &Spanned<DeValue<'_>>, text: &str) -> Result<u32, Error> {
    text.parse().map_err(|_| {
        let text = engine::fault::quoted(text);
        let reason = text!("\"{text}\" is no number, 0 or more", "« {text} » n'est pas un nombre positif ou nul");
        file.fault(value.span().start, reason)
    })
}

const SERVICE_KEYS: [&str; 4] = ["enabled", "functions", "required_capability", "users"];

/// `[moodle.services.NAME]`.
pub(super) fn services(file: &File<'_>, table: &DeTable<'_>) -> Result<BTreeMap<String, Service>, Error> {
    let mut services = BTreeMap::new();
    for (name, value) in table {
        let mut service = Service::default();
        each(file, file.table(value, name.get_ref())?, &SERVICE_KEYS, |(key, value)| {
            match key {
                "enabled" => {
                    let text = file.scalar(value, key, ", ")?;
                    let truth = super::given::truth(&text);
                    service.enabled = truth.map_err(|reason| file.fault(value.span().start, reason))?;
                }
                "functions" => service.functions = Some(file.words(value, key)?),
                "required_capability" => service.required_capability = Some(file.string(value, key)?),
                _ => service.users = Some(users(file, value)?),
            }
            Ok(())
        })?;
        services.insert(name.get_ref().to_string(), service);
    }
    Ok(services)
}

/// Users of a service: names, or tables of `username`, `valid_until`, `addresses`.
fn users(file: &File<'_>, value: &Spanned<DeValue<'_>>) -> Result<Vec<ServiceUser>, Error> {
    let DeValue::Array(items) = value.get_ref() else {
        let reason = text!("`users` must be a list", "`users` doit être une liste");
        return Err(file.fault(value.span().start, reason));
    };
    items.iter().map(|item| user(file, item)).collect()
}

fn user(file: &File<'_>, item: &Spanned<DeValue<'_>>) -> Result<ServiceUser, Error> {
    let mut user = ServiceUser { username: String::new(), valid_until: None, addresses: AddressList::default() };
    let DeValue::Table(table) = item.get_ref() else {
        user.username = file.string(item, "users")?.to_lowercase();
        return Ok(user);
    };
    each(file, table, &["username", "valid_until", "addresses"], |(key, value)| {
        let text = file.scalar(value, key, ", ")?;
        let at = value.span().start;
        match key {
            "username" => user.username = text.to_lowercase(),
            "addresses" => {
                user.addresses = text.parse::<AddressList>().map_err(|error| file.because(at, &error))?;
            }
            _ => {
                let moment = engine::time::moment(&text, chrono_tz::Tz::UTC, engine::time::DayEdge::Last);
                user.valid_until = Some(moment.ok_or_else(|| {
                    let text = engine::fault::quoted(&text);
                    let reason = text!(
                        "\"{text}\" is no date such as 2027-01-31",
                        "« {text} » n'est pas une date telle que 2027-01-31"
                    );
                    file.fault(at, reason)
                })?);
            }
        }
        Ok(())
    })?;
    if user.username.is_empty() {
        let reason =
            text!("a user of a service needs `username`", "un utilisateur d'un service a besoin de `username`");
        return Err(file.fault(item.span().start, reason));
    }
    Ok(user)
}
