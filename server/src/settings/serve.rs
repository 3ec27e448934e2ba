//! [`ServerSettings`]: the settings of the server as types, one struct per concern.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use chrono_tz::Tz;
use engine::time::{Policies, Policy};
use engine::{Error, ErrorKind, Lang, Text, text};
use url::Url;

use super::given::Given;
use super::{Config, PeerSettings, Service, SiteSettings};
use crate::access::AddressList;
use crate::etl::InstanceSettings;
use crate::values;

/// Whether callers need a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// They do.
    Required,
    /// They do not; the server listens on loopback only.
    None,
}

/// Files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificate chain in PEM.
    pub certificate: PathBuf,
    /// Private key in PEM.
    pub key: PathBuf,
}

/// What requests may cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Greatest body, in bytes.
    pub body: usize,
    /// Greatest number of arguments of a call.
    pub fields: usize,
    /// Greatest number of users in one call.
    pub list: usize,
    /// Requests at once.
    pub requests: usize,
    /// Computations at once.
    pub work: usize,
    /// Longest time for a request.
    pub time: Duration,
    /// Longest time for the head of a request to arrive.
    pub header_time: Duration,
    /// Requests per second and token; 0 for no limit.
    pub rate: u32,
    /// Refused tokens and passwords per minute and address; 0 for no limit.
    pub refusals: u32,
    /// Bytes of memory that one computation may take.
    pub memory: usize,
}

/// The Moodle-compatible web services.
#[derive(Debug, Clone)]
pub struct MoodleSettings {
    /// Whether any answers.
    pub enabled: bool,
    /// Whether REST answers.
    pub rest: bool,
    /// Whether XML-RPC answers.
    pub xmlrpc: bool,
    /// Whether errors tell callers what exactly is wrong.
    pub debug: bool,
    /// Whether the site is in maintenance.
    pub maintenance: bool,
    /// Whether passwords are taken from URLs.
    pub login_by_url: bool,
    /// How long tokens of `login/token.php` live, in seconds.
    pub token_life: i64,
    /// Release that the site tells.
    pub release: String,
    /// Version that the site tells.
    pub version: String,
    /// Services by short name.
    pub services: BTreeMap<String, Service>,
    /// Roots of other hosts whose users may call the distributed functions.
    pub hosts: Vec<String>,
    /// Sites of the store.
    pub sites: BTreeMap<String, SiteSettings>,
    /// Other servers.
    pub peers: BTreeMap<String, PeerSettings>,
}

/// Pulls of views.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EtlSettings {
    /// Folder of the operator's own views.
    pub views: Option<PathBuf>,
    /// How often it is looked at.
    pub refresh: Duration,
    /// Longest time for a pull.
    pub time: Duration,
    /// Pulls at once.
    pub pulls: usize,
    /// Most rows of a page.
    pub page: usize,
    /// Greatest document inside an answer of the web service, in bytes.
    pub document: u64,
}

/// Everything that the server was told.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether callers need a token.
    pub authentication: Authentication,
    /// Address under which callers reach it.
    pub public_url: Option<Url>,
    /// Proxies that tell the caller's address.
    pub trusted_proxies: Option<AddressList>,
    /// Who may read the metrics without a token.
    pub metrics_from: Option<AddressList>,
    /// Origins of web pages that may call the native routes.
    pub cors_origins: Vec<String>,
    /// Certificate, for HTTPS.
    pub tls: Option<TlsSettings>,
    /// How long it goes on accepting after a signal to stop.
    pub drain_delay: Duration,
    /// How long running requests may take then.
    pub drain_timeout: Duration,
    /// What requests may cost.
    pub limits: Limits,
    /// Pulls of views.
    pub etl: EtlSettings,
    /// Consumers that the configuration declares.
    pub instances: BTreeMap<String, InstanceSettings>,
    /// The Moodle-compatible web services.
    pub moodle: MoodleSettings,
    /// All policies.
    pub policies: Policies,
    /// The policy of the native routes.
    pub policy: Policy,
    /// The policy of the web services of Moodle.
    pub moodle_policy: Policy,
    /// Time zone of dates and days.
    pub zone: Tz,
}

impl ServerSettings {
    /// Reads all values; `processors` is the number of processors.
    ///
    /// # Errors
    ///
    /// `Invalid` for the first value that is wrong, with who said it; also for values that do not go together.
    pub fn try_new(config: &Config, processors: usize) -> Result<Self, Error> {
        let given = &config.given;
        let policy = config.policies.resolve(&config.policy.0)?;
        let settings = Self {
            listen: given.parse("server.listen", address)?,
            authentication: given.parse("server.authentication", authentication)?,
            public_url: optional(given, "server.public_url")?.map(|text| url(given, &text)).transpose()?,
            trusted_proxies: addresses(given, "server.trusted_proxies")?,
            metrics_from: addresses(given, "server.metrics_from")?,
            cors_origins: words(&given.get("server.cors_origins").text),
            tls: tls(given)?,
            drain_delay: time(given, "server.drain_delay")?,
            drain_timeout: time(given, "server.drain_timeout")?,
            limits: limits(given, processors)?,
            etl: etl(config)?,
            instances: config.instances.clone(),
            moodle: moodle(config)?,
            moodle_policy: match given.truth("compat.exact")? {
                true => Policy { exactness: engine::time::Exactness::Exact, ..Policy::use_stats_compat() },
                false => policy.clone(),
            },
            policies: config.policies.clone(),
            policy,
            zone: config.zone.0,
        };
        settings.refuse_open_door()?;
        Ok(settings)
    }

    /// Nobody outside of this machine is served without a token.
    fn refuse_open_door(&self) -> Result<(), Error> {
        if self.authentication == Authentication::Required || self.listen.ip().is_loopback() {
            return Ok(());
        }
        let listen = self.listen;
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "`server.listen` is {listen}, which others can reach, and `server.authentication` is none; listen on 127.0.0.1, or require tokens",
                "`server.listen` vaut {listen}, que d'autres peuvent atteindre, et `server.authentication` vaut none ; écoutez sur 127.0.0.1, ou exigez des jetons"
            ),
        ))
    }
}

fn limits(given: &Given, processors: usize) -> Result<Limits, Error> {
    let work: usize = given.number("limits.work")?;
    let at_least_one = |key: &str| -> Result<usize, Error> { Ok(given.number::<usize>(key)?.max(1)) };
    Ok(Limits {
        body: given.parse("limits.body", values::size)?,
        fields: at_least_one("limits.fields")?,
        list: at_least_one("limits.list")?,
        requests: at_least_one("limits.requests")?,
        work: if work == 0 { processors.max(1) * 2 } else { work },
        time: time(given, "limits.time")?,
        header_time: time(given, "limits.header_time")?,
        rate: given.number("limits.rate")?,
        refusals: given.number("limits.refusals")?,
        memory: given.parse("limits.memory", values::size)?,
    })
}

fn etl(config: &Config) -> Result<EtlSettings, Error> {
    let given = &config.given;
    Ok(EtlSettings {
        views: config.views(),
        refresh: time(given, "etl.refresh")?,
        time: time(given, "etl.time")?,
        pulls: given.number::<usize>("etl.pulls")?.max(1),
        page: given.number::<usize>("etl.page")?.max(1),
        document: given.parse("etl.document", values::size)? as u64,
    })
}

fn moodle(config: &Config) -> Result<MoodleSettings, Error> {
    let given = &config.given;
    Ok(MoodleSettings {
        enabled: given.truth("moodle.enabled")?,
        rest: given.truth("moodle.rest")?,
        xmlrpc: given.truth("moodle.xmlrpc")?,
        debug: given.truth("moodle.debug")?,
        maintenance: given.truth("moodle.maintenance")?,
        login_by_url: given.truth("moodle.login_by_url")?,
        token_life: given.parse("moodle.token_life", values::duration)?,
        release: given.get("moodle.release").text,
        version: given.get("moodle.version").text,
        services: config.services.clone(),
        hosts: config.hosts.clone(),
        sites: config.sites.clone(),
        peers: config.peers.clone(),
    })
}

fn tls(given: &Given) -> Result<Option<TlsSettings>, Error> {
    let (certificate, key) = (optional(given, "server.tls_certificate")?, optional(given, "server.tls_key")?);
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsSettings { certificate: certificate.into(), key: key.into() })),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "`server.tls_certificate` and `server.tls_key` go together, and one of them is missing",
                "`server.tls_certificate` et `server.tls_key` vont ensemble, et l'un des deux manque"
            ),
        )),
    }
}

/// A text, `None` when it is empty.
fn optional(given: &Given, key: &str) -> Result<Option<String>, Error> {
    given.parse(key, |text| Ok(Some(text.to_owned()).filter(|text| !text.is_empty())))
}

fn url(given: &Given, text: &str) -> Result<Url, Error> {
    given.parse("server.public_url", |_| {
        Url::parse(text)
            .map_err(|error| text!("\"{text}\" is no address: {error}", "« {text} » n'est pas une adresse : {error}"))
    })
}

fn time(given: &Given, key: &str) -> Result<Duration, Error> {
    let seconds = given.parse(key, values::duration)?;
    Ok(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
}

fn address(text: &str) -> Result<SocketAddr, Text> {
    text.parse().map_err(|_| {
        let text = engine::fault::quoted(text);
        text!(
            "\"{text}\" is no address with a port, such as 127.0.0.1:8080 or [::1]:8080",
            "« {text} » n'est pas une adresse avec un port, telle que 127.0.0.1:8080 ou [::1]:8080"
        )
    })
}

fn authentication(text: &str) -> Result<Authentication, Text> {
    match text {
        "required" => Ok(Authentication::Required),
        "none" => Ok(Authentication::None),
        other => {
            let other = engine::fault::quoted(other);
            Err(text!("\"{other}\" is neither required nor none", "« {other} » n'est ni required ni none"))
        }
    }
}

/// A list of addresses; `None` for an empty one, which names nobody.
fn addresses(given: &Given, key: &str) -> Result<Option<AddressList>, Error> {
    let Some(text) = optional(given, key)? else { return Ok(None) };
    text.parse::<AddressList>().map(Some).map_err(|error| {
        let message = |lang| error.message(lang).to_owned();
        let (place, en, fr) = (given.get(key).place, message(Lang::En), message(Lang::Fr));
        Error::new(ErrorKind::Invalid, text!("{place}: `{key}`: {en}", "{place} : `{key}` : {fr}"))
    })
}

fn words(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}
