//! [`Gate`]: who comes in. It knows the document of accounts and tokens as it is, within a second.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::Error;
use subtle::ConstantTimeEq;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::document::{Access, LOGIN_LABEL};
use super::password::{derived_token, hash_password, verify};
use super::{AccessRegister, Account, AccountState, NewToken, Scope, Secret, SecretHash, Token, TokenState, TokenUse};

/// How old knowledge may be before the store is asked whether there is newer.
const FRESH: Duration = Duration::from_secs(1);

/// How long old knowledge counts while the store cannot be reached.
const STALE: Duration = Duration::from_secs(60);

/// Passwords that are checked at once: each takes memory and a processor, which is what makes guessing slow.
const LOGINS: usize = 2;

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none.
    Missing,
    /// Nobody knows it, or it was revoked.
    Unknown,
    /// Its time is over. Told once: afterwards it is unknown, because Moodle deletes it.
    Expired,
    /// It may not be used from this address.
    Address,
    /// The address was refused too often.
    TooMany,
    /// Accounts and tokens cannot be read.
    Unavailable,
}

impl Refusal {
    /// The reason as a label.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Address => "address",
            Self::TooMany => "too-many",
            Self::Unavailable => "unavailable",
        }
    }
}

/// Why a login is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginRefusal {
    /// Wrong name or password, or an account that may not log in: all alike.
    Wrong,
    /// The address was refused too often.
    TooMany,
    /// Accounts cannot be read.
    Unavailable,
}

/// Who calls.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token.
    pub token: Arc<Token>,
    /// The account that it acts for.
    pub account: Option<Arc<Account>>,
}

impl Caller {
    /// Anyone, where the operator asks for no token: everything but administration.
    pub fn anyone() -> Self {
        let scopes = [Scope::Statistics, Scope::Etl(None), Scope::Sql].into();
        let token = Token {
            id: 0,
            label: "anyone".to_owned(),
            hash: SecretHash::of(""),
            hint: String::new(),
            account: None,
            service: None,
            scopes,
            sites: Vec::new(),
            created: 0,
            expires: None,
            addresses: super::AddressList::default(),
            revoked: None,
            replaces: None,
        };
        Self { token: Arc::new(token), account: None }
    }

    /// Whether the caller may do this.
    pub fn may(&self, scope: &Scope) -> bool {
        self.token.scopes.iter().any(|own| own.covers(scope))
    }

    /// Whether the caller sees a site.
    pub fn sees(&self, site: &str) -> bool {
        self.token.sites.is_empty() || self.token.sites.iter().any(|own| own == site)
    }

    /// The site that the caller is at home in; `None` for the store's default one.
    pub fn home(&self) -> Option<&str> {
        let of_account = || self.account.as_ref().and_then(|account| account.site.as_deref());
        self.token.sites.first().map(String::as_str).or_else(of_account)
    }

    /// Whether the caller has a capability, as Moodle names them: that of its account, else of its token.
    pub fn has_capability(&self, name: &str) -> bool {
        match &self.account {
            Some(account) => account.has_capability(name),
            None => self.token.scopes.iter().any(|scope| scope.capability() == Some(name)),
        }
    }
}

/// What the gate knows.
#[derive(Debug)]
struct Known {
    version: u64,
    access: Arc<Access>,
    /// When the store was asked last, and answered.
    asked: Instant,
}

/// Who comes in.
#[derive(Debug)]
pub struct Gate {
    register: AccessRegister,
    fresh: Duration,
    known: AsyncMutex<Option<Known>>,
    /// Uses that are not written yet, and what is known of earlier ones.
    uses: Mutex<Uses>,
    logins: Semaphore,
    /// A hash that no password has: unknown names take as long as known ones.
    nobody: String,
}

#[derive(Debug, Default)]
struct Uses {
    /// Not written yet.
    new: BTreeMap<u64, TokenUse>,
    /// Tokens that were tried after their end.
    refused: std::collections::BTreeSet<u64>,
    /// Whether the refused ones of other processes were read.
    is_loaded: bool,
}

impl Gate {
    /// A gate over the accounts and tokens of a store.
    ///
    /// # Errors
    ///
    /// A bug, when passwords cannot be hashed at all.
    pub fn try_new(register: AccessRegister) -> Result<Self, Error> {
        Ok(Self {
            register,
            fresh: FRESH,
            known: AsyncMutex::new(None),
            uses: Mutex::default(),
            logins: Semaphore::new(LOGINS),
            nobody: hash_password(Secret::generate().expose())?,
        })
    }

    /// The same, with another time for which knowledge counts as fresh.
    #[must_use]
    pub fn fresh_for(self, fresh: Duration) -> Self {
        Self { fresh, ..self }
    }

    /// Accounts and tokens as they are, within a second.
    async fn access(&self) -> Result<Arc<Access>, Error> {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.asked.elapsed() < self.fresh) {
            return Ok(Arc::clone(&known.access));
        }
        match self.ask(known.as_ref()).await {
            Ok(newest) => {
                let access = Arc::clone(&newest.access);
                *known = Some(newest);
                Ok(access)
            }
            Err(error) => match known.as_ref().filter(|known| known.asked.elapsed() < STALE) {
                Some(known) => {
                    tracing::warn!(error = %error.describe(engine::Lang::En), "going on with the tokens known so far");
                    Ok(Arc::clone(&known.access))
                }
                None => Err(error),
            },
        }
    }

    async fn ask(&self, known: Option<&Known>) -> Result<Known, Error> {
        let asked = Instant::now();
        if let Some(known) = known
            && self.register.version().await? == known.version
        {
            return Ok(Known { version: known.version, access: Arc::clone(&known.access), asked });
        }
        let (version, access) = self.register.load().await?;
        Ok(Known { version, access: Arc::new(access), asked })
    }

    /// Who calls with this secret: it must be known, not expired, and allowed from the address, in this order.
    ///
    /// # Errors
    ///
    /// Why the token is refused.
    pub async fn authenticate(&self, secret: &str, address: IpAddr, now: i64) -> Result<Caller, Refusal> {
        let access = self.access().await.map_err(|error| {
            tracing::error!(error = %error.describe(engine::Lang::En), "accounts and tokens cannot be read");
            Refusal::Unavailable
        })?;
        let token = find(&access, secret).ok_or(Refusal::Unknown)?;
        match token.state(now) {
            TokenState::Revoked => return Err(Refusal::Unknown),
            TokenState::Expired if self.note_refused(token.id).await => return Err(Refusal::Expired),
            TokenState::Expired => return Err(Refusal::Unknown),
            TokenState::Active => {}
        }
        if !token.addresses.contains(address) {
            return Err(Refusal::Address);
        }
        let account = token.account.as_ref().and_then(|username| access.accounts.get(username)).cloned();
        self.note_use(token.id, address, now);
        Ok(Caller { token: Arc::new(token.clone()), account: account.map(Arc::new) })
    }

    /// Notes that an expired token was tried; whether it is the first time.
    async fn note_refused(&self, id: u64) -> bool {
        let is_loaded = self.uses().is_loaded;
        if !is_loaded && let Ok(known) = self.register.uses().await {
            let mut uses = self.uses();
            uses.refused.extend(known.iter().filter(|(_, token_use)| token_use.was_refused).map(|(id, _)| *id));
            uses.is_loaded = true;
        }
        let mut uses = self.uses();
        uses.new.entry(id).or_default().was_refused = true;
        uses.refused.insert(id)
    }

    fn note_use(&self, id: u64, address: IpAddr, now: i64) {
        let seen = TokenUse { last_use: now, last_address: address.to_string(), was_refused: false };
        self.uses().new.entry(id).or_default().merge(&seen);
    }

    fn uses(&self) -> std::sync::MutexGuard<'_, Uses> {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes when tokens were used, for `assidu token list`.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be written; the uses are kept for the next time.
    pub async fn flush_uses(&self) -> Result<(), Error> {
        let new = std::mem::take(&mut self.uses().new);
        if new.is_empty() {
            return Ok(());
        }
        let result = self.register.add_uses(&new).await;
        if result.is_err() {
            let mut uses = self.uses();
            for (id, token_use) in &new {
                uses.new.entry(*id).or_default().merge(token_use);
            }
        }
        result
    }

    /// Who logs in with this password. Names are in lower case.
    ///
    /// # Errors
    ///
    /// Why not; a wrong name, a wrong password and an account that may not log in are alike, also in time.
    pub async fn login(&self, username: &str, password: &str) -> Result<Arc<Account>, LoginRefusal> {
        let access = self.access().await.map_err(|error| {
            tracing::error!(error = %error.describe(engine::Lang::En), "accounts and tokens cannot be read");
            LoginRefusal::Unavailable
        })?;
        let account = access.accounts.get(username);
        let hash = account.and_then(|account| account.password.clone()).unwrap_or_else(|| self.nobody.clone());
        let password = password.to_owned();
        let is_right = self.costly(move || verify(&password, &hash)).await.ok_or(LoginRefusal::Unavailable)?;
        let good = account.filter(|account| is_right && account.state == AccountState::Active);
        good.map(|account| Arc::new(account.clone())).ok_or(LoginRefusal::Wrong)
    }

    /// The token that a login gives: the same again, until the password changes or the token ends.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn issue(
        &self,
        account: &Account,
        service: &str,
        password: &str,
        now: i64,
        life: i64,
    ) -> Result<Secret, Error> {
        let mut derivation = account.derivation.clone();
        loop {
            let (secret, derived) = (password.to_owned(), derivation.clone());
            let (username, name) = (account.username.clone(), service.to_owned());
            let made = self.costly(move || derived_token(&secret, &derived, &username, &name)).await;
            let secret = made.ok_or_else(|| Error::bug("a token was not derived"))??;
            let end = now.saturating_add(life);
            let keep = self.register.update(|access| keep(access, account, service, &secret, now, end)).await?;
            match keep {
                Kept::Good => {
                    *self.known.lock().await = None;
                    return Ok(secret);
                }
                Kept::Ended => derivation.generation += 1,
            }
        }
    }

    /// Runs something that takes much memory and time on another thread, a few at once.
    async fn costly<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.logins.acquire().await.ok()?;
        tokio::task::spawn_blocking(work).await.ok()
    }
}

/// Whether a derived token is good.
enum Kept {
    Good,
    Ended,
}

/// Finds or makes the token of a derived secret.
fn keep(
    access: &mut Access,
    account: &Account,
    service: &str,
    secret: &Secret,
    now: i64,
    end: i64,
) -> Result<Kept, Error> {
    if let Some(token) = find(access, secret.expose()) {
        return Ok(if token.state(now) == TokenState::Active { Kept::Good } else { Kept::Ended });
    }
    let new = NewToken {
        label: LOGIN_LABEL.to_owned(),
        account: Some(account.username.clone()),
        service: Some(service.to_owned()),
        scopes: account.scopes.clone(),
        sites: account.site.iter().cloned().collect(),
        expires: Some(end),
        ..NewToken::default()
    };
    // An account without any scope still has its site information.
    access.create_login_token(new, secret, now)?;
    Ok(Kept::Good)
}

/// The token of a secret. All of them are compared, whatever is found.
fn find<'a>(access: &'a Access, secret: &str) -> Option<&'a Token> {
    let hash = SecretHash::of(secret);
    let mut found = u64::MAX;
    for (at, token) in access.tokens.iter().enumerate() {
        let matches = token.hash.matches(&hash);
        subtle::ConditionallySelectable::conditional_assign(&mut found, &(at as u64), matches);
    }
    if bool::from(found.ct_eq(&u64::MAX)) { None } else { access.tokens.get(usize::try_from(found).ok()?) }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use engine::Engine;

    use super::super::AddressList;
    use super::super::password::new_derivation;
    use super::*;

    const HOME: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    async fn gate() -> (Engine, AccessRegister, Gate) {
        let engine = Engine::open("memory://", &[]).await.unwrap();
        let register = AccessRegister::new(&engine);
        let gate = Gate::try_new(AccessRegister::new(&engine)).unwrap().fresh_for(Duration::ZERO);
        (engine, register, gate)
    }

    async fn token(register: &AccessRegister, new: NewToken) -> (u64, Secret) {
        let secret = Secret::generate();
        let new = NewToken { scopes: [Scope::Statistics].into(), ..new };
        (register.update(|access| access.create_token(new.clone(), &secret, 100)).await.unwrap(), secret)
    }

    #[tokio::test]
    async fn a_token_is_good_until_it_ends_and_then_unknown() {
        let (_engine, register, gate) = gate().await;
        let (id, secret) = token(&register, NewToken { expires: Some(200), ..NewToken::default() }).await;
        let caller = gate.authenticate(secret.expose(), HOME, 150).await.unwrap();
        assert!(caller.may(&Scope::Statistics) && !caller.may(&Scope::Admin) && caller.token.id == id);
        let refused = async |secret: &str, now| gate.authenticate(secret, HOME, now).await.unwrap_err();
        assert_eq!(refused("asd_other", 150).await, Refusal::Unknown);
        assert_eq!(refused(secret.expose(), 200).await, Refusal::Expired);
        assert_eq!(refused(secret.expose(), 200).await, Refusal::Unknown);
        gate.flush_uses().await.unwrap();
        let uses = register.uses().await.unwrap();
        assert_eq!(
            (uses[&id].last_use, uses[&id].last_address.as_str(), uses[&id].was_refused),
            (150, "127.0.0.1", true)
        );
        // Another process knows it too.
        let other = Gate::try_new(register.clone()).unwrap();
        assert_eq!(other.authenticate(secret.expose(), HOME, 300).await.unwrap_err(), Refusal::Unknown);
    }

    #[tokio::test]
    async fn a_revoked_token_and_a_foreign_address_are_refused() {
        let (_engine, register, gate) = gate().await;
        let addresses = AddressList::parse("10.0.0.0/8").unwrap();
        let (id, secret) = token(&register, NewToken { addresses, ..NewToken::default() }).await;
        assert_eq!(gate.authenticate(secret.expose(), HOME, 150).await.unwrap_err(), Refusal::Address);
        let inside = IpAddr::from([10, 1, 2, 3]);
        assert!(gate.authenticate(secret.expose(), inside, 150).await.is_ok());
        register.update(|access| access.revoke(id, 160)).await.unwrap();
        assert_eq!(gate.authenticate(secret.expose(), inside, 170).await.unwrap_err(), Refusal::Unknown);
    }

    fn account(username: &str, password: &str) -> Account {
        Account {
            username: username.to_owned(),
            site: None,
            password: Some(hash_password(password).unwrap()),
            derivation: new_derivation(),
            state: AccountState::Active,
            scopes: [Scope::Statistics].into(),
            rest: true,
            create_tokens: true,
            firstname: String::new(),
            lastname: String::new(),
            email: String::new(),
            created: 0,
        }
    }

    #[tokio::test]
    async fn a_login_gives_the_same_token_again_and_another_after_its_end() {
        let (_engine, register, gate) = gate().await;
        register.update(|access| access.create_account(account("alice", "right"))).await.unwrap();
        for (name, password) in [("alice", "wrong"), ("bob", "right")] {
            assert_eq!(gate.login(name, password).await.unwrap_err(), LoginRefusal::Wrong);
        }
        let alice = gate.login("alice", "right").await.unwrap();
        let first = gate.issue(&alice, "svc", "right", 100, 50).await.unwrap();
        assert_eq!(gate.issue(&alice, "svc", "right", 120, 50).await.unwrap(), first);
        let caller = gate.authenticate(first.expose(), HOME, 130).await.unwrap();
        assert_eq!(
            (caller.token.service.as_deref(), caller.account.unwrap().username.as_str()),
            (Some("svc"), "alice")
        );
        let second = gate.issue(&alice, "svc", "right", 200, 50).await.unwrap();
        assert!(second != first && gate.authenticate(second.expose(), HOME, 210).await.is_ok());
        register
            .update(|access| access.change_account("alice", |account| account.state = AccountState::Suspended))
            .await
            .unwrap();
        assert_eq!(gate.login("alice", "right").await.unwrap_err(), LoginRefusal::Wrong);
    }

    #[tokio::test]
    async fn many_processes_make_tokens_at_once_and_lose_none() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap().to_owned();
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..8 {
            let engine = Engine::open(&url, &[]).await.unwrap();
            tasks.spawn(async move {
                let label = number.to_string();
                token(&AccessRegister::new(&engine), NewToken { label, ..NewToken::default() }).await.0
            });
        }
        let mut ids = tasks.join_all().await;
        ids.sort_unstable();
        assert_eq!(ids, (1..=8).collect::<Vec<u64>>());
    }
}
