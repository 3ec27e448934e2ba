//! [`Gate`]: who comes with which token, and what they may do.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use engine::{Error, ErrorKind, Result, text};
use tokio::sync::Semaphore;

use super::{Access, AccessRegister, Account, Scope, SecretHash, Token, TokenState, TokenUse, Usage};

/// How many passwords are computed at once: each takes 19 MiB and a core.
const PASSWORDS_AT_ONCE: usize = 2;

/// How long a gate remembers, and how long it waits.
#[derive(Debug, Clone, Copy)]
pub struct GateSettings {
    /// How often it looks for a newer version of accounts and tokens: a revoked token is refused after that time.
    pub refresh: Duration,
    /// How long it goes on with what it knows while the store cannot be reached.
    pub grace: Duration,
    /// How long one look may take.
    pub patience: Duration,
}

impl Default for GateSettings {
    /// A look per second, five seconds for it, a minute without the store.
    fn default() -> Self {
        Self { refresh: Duration::from_secs(1), grace: Duration::from_secs(60), patience: Duration::from_secs(5) }
    }
}

/// Why a token does not open the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// There is none.
    Missing,
    /// No token has this secret, or it was revoked, or somebody was told before that it has expired.
    Unknown,
    /// Its time is over. That is said once; afterwards it is unknown.
    Expired,
    /// It may not be used from this address.
    Address,
    /// Its address was refused too often: nothing of it is looked at for a while.
    TooMany,
    /// Accounts and tokens cannot be read at the moment.
    Unavailable,
}

impl Refusal {
    /// The reason as a word, for counters.
    pub fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Address => "address",
            Self::TooMany => "too_many",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Who came through the gate.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token.
    pub token: Arc<Token>,
    /// The account on whose behalf it acts, in whatever state it is.
    pub account: Option<Arc<Account>>,
}

impl Caller {
    /// Anyone, where the operator asks for no token: everything but administration.
    pub fn anyone() -> Self {
        let scopes = [Scope::Statistics, Scope::Etl(None), Scope::Sql].into();
        Self { token: Arc::new(Token::of_nobody(scopes)), account: None }
    }

    /// Whether the caller has a capability, as Moodle names them: its account, or else its token.
    pub fn has_capability(&self, name: &str) -> bool {
        match &self.account {
            Some(account) => account.has_capability(name),
            None => self.token.scopes.iter().any(|scope| scope.capability() == Some(name)),
        }
    }

    /// Whether the account, if there is one, may be used.
    pub fn is_active(&self) -> bool {
        self.account.as_ref().is_none_or(|account| account.is_active())
    }

    /// Whether the caller may do what needs this scope: the token must have it, and its account too, and be active.
    pub fn may(&self, scope: &Scope) -> bool {
        self.token.may(scope) && self.is_active() && self.account.as_ref().is_none_or(|account| account.may(scope))
    }

    /// Whether the caller sees a site.
    pub fn sees(&self, site: &str) -> bool {
        let own = self.account.as_ref().and_then(|account| account.site.as_deref());
        let listed = self.token.sites.is_empty() || self.token.sites.iter().any(|known| known == site);
        listed && own.is_none_or(|own| own == site)
    }

    /// The site that is meant when the caller names none: the first of the token, else that of the account.
    pub fn home(&self) -> Option<&str> {
        let of_account = || self.account.as_ref().and_then(|account| account.site.as_deref());
        self.token.sites.first().map(String::as_str).or_else(of_account)
    }
}

/// Checks tokens and passwords for a server. Cheap to clone; all clones are one gate.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    register: AccessRegister,
    settings: GateSettings,
    known: RwLock<Known>,
    /// Held by who looks for a newer version.
    looking: tokio::sync::Mutex<()>,
    uses: Mutex<Uses>,
    passwords: Arc<Semaphore>,
}

/// What the last look has found.
#[derive(Debug, Default)]
struct Known {
    people: Option<Arc<People>>,
    version: u64,
    /// When somebody looked last, with or without success.
    tried: Option<Instant>,
    /// When somebody looked last with success.
    reached: Option<Instant>,
}

/// Accounts and tokens, shared with callers.
#[derive(Debug)]
pub(super) struct People {
    hashes: Vec<SecretHash>,
    tokens: Vec<Arc<Token>>,
    accounts: HashMap<String, Arc<Account>>,
}

impl From<Access> for People {
    fn from(access: Access) -> Self {
        Self {
            hashes: access.tokens.iter().map(|token| token.hash).collect(),
            tokens: access.tokens.into_iter().map(Arc::new).collect(),
            accounts: access
                .accounts
                .into_iter()
                .map(|account| (account.username.clone(), Arc::new(account)))
                .collect(),
        }
    }
}

impl People {
    pub(super) fn account(&self, username: &str) -> Option<&Arc<Account>> {
        self.accounts.get(username)
    }
}

/// Last uses since the last flush.
#[derive(Debug, Default)]
struct Uses {
    pending: BTreeMap<u64, TokenUse>,
    /// Tokens of which somebody was told that they have expired.
    noticed: HashSet<u64>,
    /// Whether `noticed` holds what was stored before this gate was made.
    loaded: bool,
}

impl Gate {
    /// A gate with the usual settings.
    pub fn new(register: AccessRegister) -> Self {
        Self::with_settings(register, GateSettings::default())
    }

    /// A gate with other settings.
    pub fn with_settings(register: AccessRegister, settings: GateSettings) -> Self {
        Self(Arc::new(Inner {
            register,
            settings,
            known: RwLock::default(),
            looking: tokio::sync::Mutex::default(),
            uses: Mutex::default(),
            passwords: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
        }))
    }

    /// The registers behind this gate.
    pub fn register(&self) -> &AccessRegister {
        &self.0.register
    }

    pub(super) fn passwords(&self) -> &Arc<Semaphore> {
        &self.0.passwords
    }

    /// Who comes with this secret from this address, at a time in Unix seconds.
    ///
    /// The account may be in any state: Moodle's protocol tells each apart, see [`Caller::account`].
    ///
    /// # Errors
    ///
    /// The first refusal that applies, in the order of [`Refusal`].
    pub async fn authenticate(&self, secret: &str, address: IpAddr, now: i64) -> Result<Caller, Refusal> {
        if secret.is_empty() {
            return Err(Refusal::Missing);
        }
        let people = self.people().await.ok_or(Refusal::Unavailable)?;
        let found = SecretHash::of(secret).position(&people.hashes).and_then(|idx| people.tokens.get(idx));
        let token = found.ok_or(Refusal::Unknown)?;
        match token.state(now) {
            TokenState::Active => {}
            TokenState::Revoked => return Err(Refusal::Unknown),
            TokenState::Expired if self.notice_expired(token.id).await => return Err(Refusal::Expired),
            TokenState::Expired => return Err(Refusal::Unknown),
        }
        if !token.addresses.contains(address) {
            return Err(Refusal::Address);
        }
        let account = match &token.account {
            // Without its account, nothing would bound the token.
            Some(name) => Some(Arc::clone(people.account(name).ok_or(Refusal::Unknown)?)),
            None => None,
        };
        let used = TokenUse { last_use: Some(now), last_address: Some(address.to_canonical()), expired_noticed: false };
        self.uses().pending.entry(token.id).or_default().merge(&used);
        Ok(Caller { token: Arc::clone(token), account })
    }

    /// Remembers that somebody was told that a token has expired; `false` when somebody was told before.
    async fn notice_expired(&self, id: u64) -> bool {
        if !self.uses().loaded {
            // When the store cannot be reached it is said twice, which harms nobody.
            if let Ok(stored) = self.0.register.usage().await {
                let mut uses = self.uses();
                uses.noticed.extend(stored.iter().filter(|(_, last)| last.expired_noticed).map(|(id, _)| id));
                uses.loaded = true;
            }
        }
        let mut uses = self.uses();
        let is_first = uses.noticed.insert(id);
        if is_first {
            uses.pending.entry(id).or_default().expired_noticed = true;
        }
        is_first
    }

    /// Writes the last uses since the last call into the store, where those of other processes are too. Nothing to write
    /// is no write. Call it every minute or so, and when the server ends.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::merge_usage`]; what could not be written is kept for the next call.
    pub async fn flush_use(&self, now: i64) -> Result<()> {
        let pending = self.uses().pending.clone();
        if pending.is_empty() {
            return Ok(());
        }
        self.0.register.merge_usage(&Usage::new(pending.clone(), now)).await?;
        // What was used meanwhile is another value, and stays.
        self.uses().pending.retain(|id, last| pending.get(id) != Some(last));
        Ok(())
    }

    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.0.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accounts and tokens, at most as old as the settings say; `None` when the store cannot be reached for too long.
    pub(super) async fn people(&self) -> Option<Arc<People>> {
        let GateSettings { refresh, grace, .. } = self.0.settings;
        if self.looked_within(refresh) {
            return self.found_within(refresh.saturating_add(grace));
        }
        let looking = match self.0.looking.try_lock() {
            Ok(looking) => looking,
            // Somebody is looking; what is known is good enough meanwhile, if it is not too old.
            Err(_) => match self.found_within(grace) {
                Some(people) => return Some(people),
                None => self.0.looking.lock().await,
            },
        };
        if !self.looked_within(refresh) {
            let looked = tokio::time::timeout(self.0.settings.patience, self.look()).await;
            let failure = match looked {
                Ok(Ok(())) => None,
                Ok(Err(error)) => Some(error),
                Err(_) => Some(slow()),
            };
            if let Some(error) = failure {
                let mut known = self.known_mut();
                known.tried = Some(Instant::now());
                drop(known);
                tracing::warn!("accounts and tokens cannot be read: {error}");
            }
        }
        drop(looking);
        self.found_within(grace)
    }

    /// Reads accounts and tokens when there is a newer version.
    async fn look(&self) -> Result<()> {
        let (version, is_known) = {
            let known = self.known();
            (known.version, known.people.is_some())
        };
        let newest = self.0.register.version().await?;
        if newest < version {
            return Err(gone_back());
        }
        let read = if is_known && newest == version { None } else { Some(self.0.register.load_version().await?) };
        let mut known = self.known_mut();
        if let Some((version, access)) = read {
            known.version = version;
            known.people = Some(Arc::new(access.into()));
        }
        let now = Instant::now();
        (known.tried, known.reached) = (Some(now), Some(now));
        Ok(())
    }

    /// Looks anew at the next question, because this process has changed something.
    pub(super) fn look_soon(&self) {
        self.known_mut().tried = None;
    }

    fn looked_within(&self, time: Duration) -> bool {
        self.known().tried.is_some_and(|tried| tried.elapsed() < time)
    }

    /// What the last look found, if it was the last try or is not older.
    fn found_within(&self, time: Duration) -> Option<Arc<People>> {
        let known = self.known();
        let reached = known.reached?;
        let is_young = reached.elapsed() <= time;
        // A look that has just ended counts, however short the time.
        let is_last =
            known.tried == Some(reached) && reached.elapsed() <= time.saturating_add(self.0.settings.patience);
        if is_young || is_last { known.people.clone() } else { None }
    }

    fn known(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_mut(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

fn slow() -> Error {
    Error::new(ErrorKind::Io, text!("the store does not answer", "le magasin ne répond pas"))
}

/// Numbers of versions never go back in one store: this is another one, or a folder that was not mounted.
fn gone_back() -> Error {
    Error::new(
        ErrorKind::Corrupt,
        text!(
            "the accounts in the store are older than those that are known; if an older store was put back, start the server again",
            "les comptes du magasin sont plus anciens que ceux déjà connus ; si un ancien magasin a été remis en place, redémarrez le serveur"
        ),
    )
}

#[cfg(test)]
mod tests {
    use engine::Engine;

    use super::*;
    use crate::access::{NewAccount, NewToken, Secret};

    const HERE: &str = "192.0.2.1";

    struct Place {
        gate: Gate,
        register: AccessRegister,
        folder: tempfile::TempDir,
    }

    async fn register_on(folder: &std::path::Path) -> AccessRegister {
        AccessRegister::new(&Engine::open(folder.to_str().unwrap(), &[]).await.unwrap())
    }

    /// A gate that looks at every question, and remembers for so many seconds.
    async fn place(grace: u64) -> Place {
        let folder = tempfile::tempdir().unwrap();
        let register = register_on(folder.path()).await;
        let settings =
            GateSettings { refresh: Duration::ZERO, grace: Duration::from_secs(grace), ..GateSettings::default() };
        Place { gate: Gate::with_settings(register.clone(), settings), register, folder }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    impl Place {
        async fn token(&self, new: &NewToken) -> (u64, Secret) {
            let secret = Secret::generate().unwrap();
            let id = self.register.update(|access| access.create_token(new, &secret, 100)).await.unwrap();
            (id, secret)
        }

        async fn ask(&self, secret: &Secret, from: &str, now: i64) -> Result<u64, Refusal> {
            self.gate.authenticate(secret.expose(), address(from), now).await.map(|caller| caller.token.id)
        }
    }

    fn statistics() -> NewToken {
        NewToken { label: "x".to_owned(), scopes: [Scope::Statistics].into(), ..NewToken::default() }
    }

    #[tokio::test]
    async fn tokens_are_known_or_refused_in_the_order_of_the_protocol() {
        let place = place(60).await;
        assert_eq!(place.ask(&Secret::new(""), HERE, 200).await, Err(Refusal::Missing));
        assert_eq!(place.ask(&Secret::new("nobody"), HERE, 200).await, Err(Refusal::Unknown));
        let bounded = NewToken { addresses: "10.1.".parse().unwrap(), expires: Some(300), ..statistics() };
        let (id, secret) = place.token(&bounded).await;
        assert_eq!(place.ask(&secret, "10.1.2.3", 300).await, Ok(id));
        assert_eq!(place.ask(&secret, "::ffff:10.1.2.3", 300).await, Ok(id));
        assert_eq!(place.ask(&secret, HERE, 300).await, Err(Refusal::Address));
        // Expired comes before the address, and is said once.
        assert_eq!(place.ask(&secret, HERE, 301).await, Err(Refusal::Expired));
        assert_eq!(place.ask(&secret, "10.1.2.3", 302).await, Err(Refusal::Unknown));
        let (id, secret) = place.token(&statistics()).await;
        assert_eq!(place.ask(&secret, HERE, 300).await, Ok(id));
        place.register.update(|access| access.revoke_token(id, 300)).await.unwrap();
        assert_eq!(place.ask(&secret, HERE, 300).await, Err(Refusal::Unknown));
    }

    #[tokio::test]
    async fn an_expired_token_is_noticed_by_all_processes_together() {
        let place = place(60).await;
        let (id, secret) = place.token(&NewToken { expires: Some(300), ..statistics() }).await;
        assert_eq!(place.ask(&secret, HERE, 301).await, Err(Refusal::Expired));
        place.gate.flush_use(302).await.unwrap();
        assert!(place.register.usage().await.unwrap().of(id).expired_noticed);
        let other = Gate::new(register_on(place.folder.path()).await);
        let refusal = other.authenticate(secret.expose(), address(HERE), 303).await.unwrap_err();
        assert_eq!(refusal, Refusal::Unknown);
    }

    #[tokio::test]
    async fn a_caller_may_what_token_and_account_may() {
        let place = place(60).await;
        let ada = NewAccount {
            scopes: [Scope::Statistics, Scope::Sql].into(),
            site: Some("campus".to_owned()),
            ..NewAccount::new("ada")
        };
        place.register.update(|access| access.create_account(&ada, 100)).await.unwrap();
        let (_, secret) = place.token(&NewToken { account: Some("ada".to_owned()), ..statistics() }).await;
        let ask = || async { place.gate.authenticate(secret.expose(), address(HERE), 200).await.unwrap() };
        let caller = ask().await;
        assert!(caller.may(&Scope::Statistics) && !caller.may(&Scope::Sql) && !caller.may(&Scope::Admin));
        assert!(caller.sees("campus") && !caller.sees("north"));
        assert_eq!(caller.home(), Some("campus"));
        place.register.update(|access| access.suspend_account("ada")).await.unwrap();
        let caller = ask().await;
        assert!(!caller.is_active() && !caller.may(&Scope::Statistics), "its state is told, and it may nothing");
        let withdraw = |access: &mut Access| {
            access.accounts[0].state = crate::access::AccountState::Active;
            access.accounts[0].scopes.remove(&Scope::Statistics);
            Ok(())
        };
        place.register.update(withdraw).await.unwrap();
        assert!(!ask().await.may(&Scope::Statistics));
        let forget = |access: &mut Access| {
            access.accounts.clear();
            Ok(())
        };
        place.register.update(forget).await.unwrap();
        assert_eq!(place.ask(&secret, HERE, 200).await, Err(Refusal::Unknown));
    }

    #[tokio::test]
    async fn sites_of_a_token_bound_it() {
        let place = place(60).await;
        let sites = vec!["north".to_owned(), "south".to_owned()];
        let (_, secret) = place.token(&NewToken { sites, ..statistics() }).await;
        let caller = place.gate.authenticate(secret.expose(), address(HERE), 200).await.unwrap();
        assert_eq!(["north", "south", "west"].map(|site| caller.sees(site)), [true, true, false]);
        assert_eq!(caller.home(), Some("north"));
        let (_, secret) = place.token(&statistics()).await;
        let caller = place.gate.authenticate(secret.expose(), address(HERE), 200).await.unwrap();
        assert!(caller.sees("anything") && caller.home().is_none() && caller.is_active());
    }

    #[tokio::test]
    async fn last_uses_are_merged_by_the_latest() {
        let place = place(60).await;
        let (id, secret) = place.token(&statistics()).await;
        place.gate.flush_use(100).await.unwrap();
        assert_eq!(place.register.usage().await.unwrap(), Usage::default(), "nothing to write is no write");
        let other = Gate::new(register_on(place.folder.path()).await);
        place.ask(&secret, HERE, 500).await.unwrap();
        place.ask(&secret, "192.0.2.9", 400).await.unwrap();
        other.authenticate(secret.expose(), address("::ffff:192.0.2.7"), 450).await.unwrap();
        place.gate.flush_use(600).await.unwrap();
        other.flush_use(600).await.unwrap();
        let last = place.register.usage().await.unwrap().of(id);
        assert_eq!((last.last_use, last.last_address), (Some(500), Some(address(HERE))));
        other.authenticate(secret.expose(), address("::ffff:192.0.2.7"), 700).await.unwrap();
        other.flush_use(700).await.unwrap();
        let last = place.register.usage().await.unwrap().of(id);
        assert_eq!((last.last_use, last.last_address), (Some(700), Some(address("192.0.2.7"))));
    }

    #[tokio::test]
    async fn a_lost_store_is_forgiven_for_a_while() {
        for (grace, answer) in [(60, Ok(1)), (0, Err(Refusal::Unavailable))] {
            let place = place(grace).await;
            let (_, secret) = place.token(&statistics()).await;
            assert_eq!(place.ask(&secret, HERE, 200).await, Ok(1));
            std::fs::remove_dir_all(place.folder.path().join("registers")).unwrap();
            assert_eq!(place.ask(&secret, HERE, 200).await, answer);
            assert!(place.ask(&Secret::new("nobody"), HERE, 200).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_gate_looks_as_often_as_it_is_told() {
        let place = place(60).await;
        let settings = GateSettings { refresh: Duration::from_secs(3600), ..GateSettings::default() };
        let lazy = Gate::with_settings(place.register.clone(), settings);
        let (id, secret) = place.token(&statistics()).await;
        assert!(lazy.authenticate(secret.expose(), address(HERE), 200).await.is_ok());
        place.register.update(|access| access.revoke_token(id, 200)).await.unwrap();
        assert!(lazy.authenticate(secret.expose(), address(HERE), 200).await.is_ok());
        lazy.look_soon();
        assert_eq!(lazy.authenticate(secret.expose(), address(HERE), 200).await.unwrap_err(), Refusal::Unknown);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_questions_at_once_have_one_answer() {
        let place = place(60).await;
        let (id, secret) = place.token(&statistics()).await;
        let mut tasks = tokio::task::JoinSet::new();
        for at in 0..50 {
            let (gate, secret) = (place.gate.clone(), secret.clone());
            tasks.spawn(async move {
                gate.authenticate(secret.expose(), address(HERE), at).await.map(|caller| caller.token.id)
            });
        }
        assert!(tasks.join_all().await.into_iter().all(|answer| answer == Ok(id)));
        place.gate.flush_use(60).await.unwrap();
        assert_eq!(place.register.usage().await.unwrap().of(id).last_use, Some(49));
    }
}
