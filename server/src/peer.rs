//! Calls that are passed on to other sites, as web services of Moodle with a token.
//!
//! Only read functions are passed on, so a call may be repeated: after a failed connection, and when the other site
//! says that it cannot answer for the moment. The token goes into the body of a request over TLS, and nowhere else.

use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use engine::stats::services::same_root;
use engine::{Error, ErrorKind, Text, text};
use reqwest::{Certificate, Client, Response, StatusCode, redirect};
use serde_json::Value;
use tokio::time::{Instant, sleep, timeout_at};
use url::{Host, Url};

/// Where Moodle answers calls, below the root of the site.
const REST: &str = "webservice/rest/server.php";

/// Largest answer, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Longest wait for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// The first pause before a call is repeated; each one after it is three times as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// Longest part of a message of the other site that is told, in characters.
const MAX_MESSAGE: usize = 300;

/// Another site that answers calls.
#[derive(Clone)]
pub struct Peer {
    /// Name in the configuration, unique.
    pub name: String,
    /// Root of the site. HTTPS, unless the host is this machine itself.
    pub wwwroot: Url,
    /// Token for its web services; a secret.
    pub token: String,
    /// Longest time for a call, pauses and repetitions included.
    pub timeout: Duration,
    /// How often a call is repeated.
    pub retries: u32,
    /// Certificates (PEM) of authorities that are trusted beside those of the system.
    pub ca: Option<Vec<u8>>,
}

impl fmt::Debug for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peer")
            .field("name", &self.name)
            .field("wwwroot", &self.wwwroot.as_str())
            .field("token", &"•••")
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("ca", &self.ca.as_ref().map(Vec::len))
            .finish()
    }
}

impl Peer {
    /// The peer of a root; roots are compared as the distributed functions do.
    pub fn of_root<'a>(peers: &'a [Self], root: &str) -> Option<&'a Self> {
        peers.iter().find(|peer| same_root(peer.wwwroot.as_str(), root))
    }

    /// Where its web services answer.
    fn endpoint(&self) -> engine::Result<Url> {
        let (root, name) = (&self.wwwroot, &self.name);
        if !(root.scheme() == "https" || root.scheme() == "http" && is_loopback(root)) {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "the root of peer `{name}` must begin with `https://`: its token would go over the network in clear",
                    "la racine du pair `{name}` doit commencer par `https://` : son jeton passerait en clair sur le réseau"
                ),
            ));
        }
        let bare = root.username().is_empty() && root.password().is_none() && root.query().is_none();
        if !bare || root.fragment().is_some() {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "the root of peer `{name}` is a bare address, without user, query or fragment",
                    "la racine du pair `{name}` est une adresse seule, sans utilisateur, requête ni fragment"
                ),
            ));
        }
        let mut endpoint = root.clone();
        endpoint.set_path(&format!("{}/{REST}", root.path().trim_end_matches('/')));
        Ok(endpoint)
    }

    fn client(&self) -> engine::Result<Client> {
        let local = is_loopback(&self.wwwroot);
        let mut builder = Client::builder()
            .https_only(!local)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT.min(self.timeout))
            .timeout(self.timeout)
            .user_agent("assidu");
        if local {
            builder = builder.no_proxy();
        }
        let name = &self.name;
        let bad_ca = || {
            let message = text!(
                "the certificates of peer `{name}` are not in PEM form",
                "les certificats du pair `{name}` ne sont pas au format PEM"
            );
            Error::new(ErrorKind::Invalid, message)
        };
        if let Some(pem) = &self.ca {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|_| bad_ca())?;
            if certificates.is_empty() {
                return Err(bad_ca());
            }
            builder = certificates.into_iter().fold(builder, reqwest::ClientBuilder::add_root_certificate);
        }
        builder.build().map_err(|error| {
            Error::new(
                ErrorKind::Invalid,
                text!("peer `{name}` cannot be set up", "le pair `{name}` ne peut être préparé"),
            )
            .because(error.without_url())
        })
    }
}

/// Whether a host is this machine itself.
fn is_loopback(root: &Url) -> bool {
    match root.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What kind of failure a peer's is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerFailureKind {
    /// The peer is none of the configuration, or has a bad address.
    Configuration,
    /// No connection.
    Unreachable,
    /// No complete answer in time.
    TimedOut,
    /// The connection ended within the answer.
    Broken,
    /// This HTTP status instead of an answer.
    Status(u16),
    /// The answer is longer than 1 MiB.
    TooLarge,
    /// The answer is not JSON.
    NotJson,
    /// The other site answers an exception.
    Exception,
}

/// Why a peer has not answered. It never holds the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerFailure {
    /// The kind.
    pub kind: PeerFailureKind,
    /// What happened.
    pub message: Text,
}

impl PeerFailure {
    fn new(kind: PeerFailureKind, message: Text) -> Self {
        Self { kind, message }
    }

    /// Whether the same call may have an answer a moment later.
    fn passes(&self) -> bool {
        matches!(self.kind, PeerFailureKind::Unreachable | PeerFailureKind::Status(502..=504))
    }

    fn timed_out() -> Self {
        let message = text!("the other site did not answer in time", "l'autre site n'a pas répondu à temps");
        Self::new(PeerFailureKind::TimedOut, message)
    }

    fn not_json() -> Self {
        let message = text!("the answer of the other site is not JSON", "la réponse de l'autre site n'est pas du JSON");
        Self::new(PeerFailureKind::NotJson, message)
    }

    fn of_request(error: &reqwest::Error) -> Self {
        if error.is_connect() {
            let message = text!("the other site cannot be reached", "l'autre site est injoignable");
            return Self::new(PeerFailureKind::Unreachable, message);
        }
        if error.is_timeout() {
            return Self::timed_out();
        }
        let message =
            text!("the connection to the other site broke off", "la connexion à l'autre site s'est interrompue");
        Self::new(PeerFailureKind::Broken, message)
    }

    fn of_status(status: StatusCode) -> Self {
        let code = status.as_u16();
        let message = if status.is_redirection() {
            text!(
                "the other site redirects (HTTP {code}), which is not followed: give its final root",
                "l'autre site redirige (HTTP {code}), ce qui n'est pas suivi : donnez sa racine définitive"
            )
        } else {
            text!("the other site answers HTTP {code}", "l'autre site répond HTTP {code}")
        };
        Self::new(PeerFailureKind::Status(code), message)
    }
}

impl fmt::Display for PeerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message.en)
    }
}

impl std::error::Error for PeerFailure {}

/// Passes calls on: one client, with its own connections, for each peer.
#[derive(Debug, Clone, Default)]
pub struct Relay {
    clients: HashMap<String, Client>,
}

impl Relay {
    /// A relay to these peers.
    ///
    /// # Errors
    ///
    /// `Invalid` for a root without TLS on another machine, for a root that is more than an address, and for bad
    /// certificates.
    pub fn try_new(peers: &[Peer]) -> engine::Result<Self> {
        let mut clients = HashMap::new();
        for peer in peers {
            peer.endpoint()?;
            clients.insert(peer.name.clone(), peer.client()?);
        }
        Ok(Self { clients })
    }

    /// The answer of a peer to a function. Arguments have the flat names of Moodle's protocol, such as
    /// `callinguser[username]`. An answer that is a text holds JSON itself (`json_response`), and is read as that.
    ///
    /// # Errors
    ///
    /// A failure that may be told to the caller, at the latest after the peer's time.
    pub async fn call(
        &self,
        peer: &Peer,
        function: &str,
        arguments: &[(String, String)],
    ) -> Result<Value, PeerFailure> {
        let configuration = |message| PeerFailure::new(PeerFailureKind::Configuration, message);
        let client = self.clients.get(&peer.name).ok_or_else(|| {
            configuration(text!("the other site is not configured", "l'autre site n'est pas configuré"))
        })?;
        let endpoint = peer.endpoint().map_err(|_| {
            configuration(text!("the address of the other site is bad", "l'adresse de l'autre site est mauvaise"))
        })?;
        let own = [("wstoken", peer.token.as_str()), ("wsfunction", function), ("moodlewsrestformat", "json")];
        let given = arguments.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        // What the caller gives cannot replace our own: Moodle takes the last of two equal names.
        let given = given.filter(|(name, _)| !own.iter().any(|(ours, _)| ours == name));
        let form: Vec<(&str, &str)> = given.chain(own).collect();
        let deadline = Instant::now() + peer.timeout;
        let mut pause = FIRST_PAUSE;
        for left in (0..=peer.retries).rev() {
            let attempt = timeout_at(deadline, attempt(client, &endpoint, &form));
            let failure = match attempt.await.unwrap_or_else(|_| Err(PeerFailure::timed_out())) {
                Ok(body) => return answer(&body, &peer.token),
                Err(failure) => failure,
            };
            if left == 0 || !failure.passes() || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            tracing::debug!(peer = %peer.name, function, "{failure}; again in {} ms", pause.as_millis());
            sleep(pause).await;
            pause = pause.saturating_mul(3);
        }
        Err(PeerFailure::timed_out())
    }
}

/// One request, and the bytes of its answer.
async fn attempt(client: &Client, endpoint: &Url, form: &[(&str, &str)]) -> Result<Vec<u8>, PeerFailure> {
    let request = client.post(endpoint.clone()).form(form);
    let mut response: Response = request.send().await.map_err(|error| PeerFailure::of_request(&error))?;
    if response.status() != StatusCode::OK {
        return Err(PeerFailure::of_status(response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| PeerFailure::of_request(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            let message =
                text!("the answer of the other site is too long", "la réponse de l'autre site est trop longue");
            return Err(PeerFailure::new(PeerFailureKind::TooLarge, message));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What the bytes of an answer say.
fn answer(body: &[u8], token: &str) -> Result<Value, PeerFailure> {
    let parsed: Value = serde_json::from_slice(body).map_err(|_| PeerFailure::not_json())?;
    if let Some(message) = exception(&parsed) {
        let message = told(message, token);
        return Err(PeerFailure::new(PeerFailureKind::Exception, Text { fr: message.clone(), en: message }));
    }
    match parsed {
        Value::String(inner) => serde_json::from_str(&inner).map_err(|_| PeerFailure::not_json()),
        other => Ok(other),
    }
}

/// The message of an exception; `None` for an answer.
fn exception(answer: &Value) -> Option<&str> {
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    if answer.get("exception").is_none() && !(text("errorcode").is_some() && answer.get("status").is_none()) {
        return None;
    }
    Some(text("message").or_else(|| text("error")).or_else(|| text("errorcode")).unwrap_or("exception"))
}

/// A message of the other site as it may be told: on one line, not too long, and without our token.
fn told(message: &str, token: &str) -> String {
    let message = if token.is_empty() { message.to_owned() } else { message.replace(token, "•••") };
    let line = message.chars().map(|c| if c.is_control() { ' ' } else { c });
    line.take(MAX_MESSAGE).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
