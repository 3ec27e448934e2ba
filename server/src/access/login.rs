//! Passwords at the [`Gate`]: who logs in, and the tokens of `login/token.php`.

use std::sync::Arc;

use engine::{Error, ErrorKind, Result, text};

use super::password::TokenKey;
use super::tokens::check_service;
use super::{Access, Account, Gate, NewToken, Origin, Password, Secret};

/// Label of the tokens that [`Gate::issue`] makes.
pub const LOGIN_LABEL: &str = "login/token.php";

/// Why somebody is not logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginRefusal {
    /// The name is unknown, the password is wrong, or the account may not be used: nobody learns which.
    Invalid,
    /// The address was refused too often.
    TooMany,
    /// Accounts cannot be read at the moment.
    Unavailable,
}

/// Why somebody who has logged in gets no token.
#[derive(Debug)]
pub enum IssueRefusal {
    /// There is no token, and the account lacks the capability to create one.
    CannotCreate,
    /// The account was changed since the login: log in again.
    Changed,
    /// The store cannot be read or written.
    Failed(Error),
}

impl From<Error> for IssueRefusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// What a look at the document said about the token.
enum Found {
    Token(Secret),
    CannotCreate,
    Changed,
}

impl Gate {
    /// The account of who knows name and password. Letters of the name may have any case.
    ///
    /// An unknown name takes as long as a wrong password. Two passwords are computed at once, others wait.
    ///
    /// # Errors
    ///
    /// Why not.
    pub async fn login(&self, username: &str, password: &str) -> Result<Arc<Account>, LoginRefusal> {
        let people = self.people().await.ok_or(LoginRefusal::Unavailable)?;
        let account = people.account(&username.to_lowercase()).cloned();
        let stored = account.as_ref().and_then(|account| account.password.clone()).unwrap_or_else(Password::none);
        let password = Secret::new(password);
        let fits = self.compute(move || stored.verify(&password)).await.map_err(|error| {
            tracing::error!("a password cannot be checked: {error}");
            LoginRefusal::Unavailable
        })?;
        account.filter(|account| fits && account.is_active()).ok_or(LoginRefusal::Invalid)
    }

    /// The token of an account for a Moodle service, for who has just logged in with this password; the capability to
    /// create tokens is needed for the first one only.
    ///
    /// It is the same token at every login, as with Moodle, although its secret is stored nowhere: it is derived from the
    /// password. When it has expired or was revoked, and when the password is another, the next one is another too.
    /// `lifetime` is in seconds from `now`; 0 or less is without an end.
    ///
    /// # Errors
    ///
    /// Why there is none.
    pub async fn issue(
        &self,
        account: &Account,
        service: &str,
        password: &str,
        now: i64,
        lifetime: i64,
    ) -> Result<Secret, IssueRefusal> {
        check_service(service)?;
        let Some(stored) = account.password.clone() else { return Err(IssueRefusal::Changed) };
        let (checked, password) = (stored.clone(), Secret::new(password));
        let key = self.compute(move || checked.token_key(&password)).await??;
        let expires = (lifetime > 0).then(|| now.saturating_add(lifetime));
        let username = &account.username;
        let register = self.register();
        let found =
            register.update(|access| access.login_token(username, &stored, &key, service, expires, now)).await?;
        match found {
            Found::Token(secret) => {
                // Its owner uses it at once.
                self.look_soon();
                Ok(secret)
            }
            Found::CannotCreate => Err(IssueRefusal::CannotCreate),
            Found::Changed => Err(IssueRefusal::Changed),
        }
    }

    /// Runs a computation on a password, beside the tasks of the server. It runs to its end even when nobody waits for it
    /// any more, and keeps its place as long.
    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let failed =
            || Error::new(ErrorKind::Bug, text!("a password was not computed", "un mot de passe n'a pas été calculé"));
        let place = Arc::clone(self.passwords()).acquire_owned().await.map_err(|_| failed())?;
        let task = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(place);
            result
        });
        task.await.map_err(|error| failed().because(error))
    }
}

impl Access {
    /// The token of the newest generation that has not ended; it is stored when it is new.
    fn login_token(
        &mut self,
        username: &str,
        password: &Password,
        key: &TokenKey,
        service: &str,
        expires: Option<i64>,
        now: i64,
    ) -> Result<Found> {
        // Another password means another key: what was derived is no token of this account any more.
        let account = match self.account(username) {
            Ok(account) if account.is_active() && account.password.as_ref() == Some(password) => account.clone(),
            _ => return Ok(Found::Changed),
        };
        let mut generation = account.generations.get(service).copied().unwrap_or(0);
        let secret = loop {
            let secret = key.token(username, service, generation)?;
            match self.find_token(&secret.hash()) {
                Some(token) if token.is_alive(now) => return Ok(Found::Token(secret)),
                Some(_) => generation = generation.saturating_add(1),
                None => break secret,
            }
        };
        if !account.create_tokens {
            return Ok(Found::CannotCreate);
        }
        let new = NewToken {
            label: LOGIN_LABEL.to_owned(),
            account: Some(account.username),
            service: Some(service.to_owned()),
            scopes: account.scopes,
            sites: account.site.into_iter().collect(),
            expires,
            ..NewToken::default()
        };
        self.add_token(&new, Origin::Login, &secret, now)?;
        if generation > 0 {
            self.account_mut(username)?.generations.insert(service.to_owned(), generation);
        }
        Ok(Found::Token(secret))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use engine::Engine;

    use super::*;
    use crate::access::{AccessRegister, AccountState, GateSettings, NewAccount, Refusal, Scope};

    const PASSWORD: &str = "correct horse";

    fn password(text: &str) -> Password {
        Password::new(&Secret::new(text)).unwrap()
    }

    async fn gate() -> Gate {
        let engine = Engine::open("memory://", &[]).await.unwrap();
        let register = AccessRegister::new(&engine);
        let ada = NewAccount {
            password: Some(password(PASSWORD)),
            scopes: [Scope::Statistics].into(),
            site: Some("campus".to_owned()),
            ..NewAccount::new("ada")
        };
        let ben = NewAccount { password: None, ..NewAccount::new("ben") };
        for account in [ada, ben] {
            register.update(|access| access.create_account(&account, 5)).await.unwrap();
        }
        Gate::with_settings(register, GateSettings { refresh: Duration::ZERO, ..GateSettings::default() })
    }

    async fn change(gate: &Gate, change: impl Fn(&mut Access)) {
        let change = |access: &mut Access| {
            change(access);
            Ok(())
        };
        gate.register().update(change).await.unwrap();
    }

    async fn issue(gate: &Gate, service: &str, now: i64) -> Result<String, IssueRefusal> {
        let account = gate.login("ada", PASSWORD).await.unwrap();
        gate.issue(&account, service, PASSWORD, now, 1_000).await.map(|secret| secret.expose().to_owned())
    }

    #[tokio::test]
    async fn the_right_password_logs_in_and_all_else_is_alike() {
        let gate = gate().await;
        assert_eq!(gate.login("ADA", PASSWORD).await.unwrap().username, "ada");
        for (username, password) in
            [("ada", "wrong horse"), ("ada", ""), ("ben", ""), ("ben", PASSWORD), ("zoe", PASSWORD), ("", "")]
        {
            assert_eq!(gate.login(username, password).await.unwrap_err(), LoginRefusal::Invalid, "{username}");
        }
        let inactive = [
            AccountState::Suspended,
            AccountState::Deleted,
            AccountState::Unconfirmed,
            AccountState::PasswordExpired,
            AccountState::NoLogin,
        ];
        for state in inactive {
            change(&gate, |access| access.accounts[0].state = state).await;
            assert_eq!(gate.login("ada", PASSWORD).await.unwrap_err(), LoginRefusal::Invalid, "{state:?}");
        }
    }

    #[tokio::test]
    async fn a_login_gives_the_same_token_again_and_it_opens_the_gate() {
        let gate = gate().await;
        let token = issue(&gate, "stats", 100).await.unwrap();
        assert!(token.len() == 32 && token.bytes().all(|byte| byte.is_ascii_hexdigit()), "{token}");
        assert_eq!(issue(&gate, "stats", 900).await.unwrap(), token);
        let other = issue(&gate, "etl", 900).await.unwrap();
        assert_ne!(other, token);
        let caller = gate.authenticate(&token, [192, 0, 2, 1].into(), 1_100).await.unwrap();
        let stored = &caller.token;
        assert_eq!((stored.label.as_str(), stored.service.as_deref()), (LOGIN_LABEL, Some("stats")));
        assert_eq!((stored.origin, stored.created, stored.expires), (Origin::Login, 100, Some(1_100)));
        assert!(caller.may(&Scope::Statistics) && caller.sees("campus") && !caller.sees("north"));
        let access = gate.register().load().await.unwrap();
        assert_eq!(access.tokens.len(), 2);
        let json = serde_json::to_string(&access).unwrap();
        for secret in [token.as_str(), other.as_str(), PASSWORD] {
            assert!(!json.contains(secret));
        }
    }

    #[tokio::test]
    async fn an_ended_token_is_followed_by_another_one_of_its_service_only() {
        let gate = gate().await;
        let (first, etl) = (issue(&gate, "stats", 100).await.unwrap(), issue(&gate, "etl", 500).await.unwrap());
        let second = issue(&gate, "stats", 1_101).await.unwrap();
        assert_ne!(second, first);
        assert_eq!(issue(&gate, "stats", 1_101).await.unwrap(), second);
        assert_eq!(issue(&gate, "etl", 1_101).await.unwrap(), etl);
        let id = gate.register().load().await.unwrap().find_token(&Secret::new(&second).hash()).unwrap().id;
        gate.register().update(|access| access.revoke_token(id, 1_200)).await.unwrap();
        let third = issue(&gate, "stats", 1_200).await.unwrap();
        assert!(third != first && third != second);
        assert_eq!(gate.authenticate(&second, [192, 0, 2, 1].into(), 1_200).await.unwrap_err(), Refusal::Unknown);
        assert_eq!(gate.register().load().await.unwrap().accounts[0].generations["stats"], 2);
    }

    #[tokio::test]
    async fn another_password_is_another_token_even_when_it_is_the_same_again() {
        let gate = gate().await;
        let first = issue(&gate, "stats", 100).await.unwrap();
        let account = gate.login("ada", PASSWORD).await.unwrap();
        let again = password(PASSWORD);
        let ended = gate.register().update(|access| access.set_password("ada", &again, 200)).await.unwrap();
        assert_eq!(ended, 1);
        // The login came before the change.
        let refusal = gate.issue(&account, "stats", PASSWORD, 200, 1_000).await.unwrap_err();
        assert!(matches!(refusal, IssueRefusal::Changed), "{refusal:?}");
        assert_ne!(issue(&gate, "stats", 200).await.unwrap(), first);
        assert_eq!(gate.authenticate(&first, [192, 0, 2, 1].into(), 200).await.unwrap_err(), Refusal::Unknown);
    }

    #[tokio::test]
    async fn the_right_to_create_is_needed_for_the_first_token_only() {
        let gate = gate().await;
        let first = issue(&gate, "stats", 100).await.unwrap();
        change(&gate, |access| access.accounts[0].create_tokens = false).await;
        assert_eq!(issue(&gate, "stats", 200).await.unwrap(), first);
        assert!(matches!(issue(&gate, "etl", 200).await, Err(IssueRefusal::CannotCreate)));
        assert!(matches!(issue(&gate, "stats", 1_101).await, Err(IssueRefusal::CannotCreate)));
    }

    #[tokio::test]
    async fn a_token_without_an_end_has_none() {
        let gate = gate().await;
        let account = gate.login("ada", PASSWORD).await.unwrap();
        gate.issue(&account, "stats", PASSWORD, 100, 0).await.unwrap();
        assert_eq!(gate.register().load().await.unwrap().tokens[0].expires, None);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn many_logins_at_once_make_one_token() {
        let gate = gate().await;
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let gate = gate.clone();
            tasks.spawn(async move { issue(&gate, "stats", 100).await.unwrap() });
        }
        let tokens: std::collections::BTreeSet<String> = tasks.join_all().await.into_iter().collect();
        assert_eq!(tokens.len(), 1);
        assert_eq!(gate.register().load().await.unwrap().tokens.len(), 1);
    }
}
