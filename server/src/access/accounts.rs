//! What can be done with the accounts of [`Access`].

use std::collections::BTreeMap;

use engine::fault::{nearest, quoted};
use engine::{Error, ErrorKind, Result, Text, text};

use super::{Access, Account, AccountState, NewAccount, Origin, Password, Token};

/// Longest name of an account and longest text about one, in characters, as in Moodle's tables.
const MAX_LENGTH: usize = 100;

impl Access {
    /// The account of this name, in any case of letters. A deleted account is none.
    ///
    /// # Errors
    ///
    /// `NotFound`, with the nearest name.
    pub fn account(&self, username: &str) -> Result<&Account> {
        let idx = self.account_idx(username)?;
        self.accounts.get(idx).ok_or_else(|| Error::bug("an account has no place"))
    }

    pub(super) fn account_mut(&mut self, username: &str) -> Result<&mut Account> {
        let idx = self.account_idx(username)?;
        self.accounts.get_mut(idx).ok_or_else(|| Error::bug("an account has no place"))
    }

    fn account_idx(&self, username: &str) -> Result<usize> {
        let wanted = username.to_lowercase();
        let alive = |account: &Account| account.state != AccountState::Deleted;
        if let Some(idx) = self.accounts.iter().position(|account| account.username == wanted && alive(account)) {
            return Ok(idx);
        }
        let names = self.accounts.iter().filter(|account| alive(account)).map(|account| account.username.as_str());
        let wanted = quoted(&wanted);
        let message = match nearest(&wanted, names) {
            Some(near) => text!(
                "no account `{wanted}`; did you mean `{near}`?",
                "aucun compte `{wanted}` ; vouliez-vous dire `{near}` ?"
            ),
            None => text!(
                "no account `{wanted}`; `assidu account list` shows all",
                "aucun compte `{wanted}` ; `assidu account list` les montre tous"
            ),
        };
        Err(Error::new(ErrorKind::NotFound, message))
    }

    /// Makes an account, and answers its name as it is stored. The name of a deleted account can be used again.
    ///
    /// # Errors
    ///
    /// `Invalid` when the name or a text is none, or when the account exists.
    pub fn create_account(&mut self, new: &NewAccount, now: i64) -> Result<String> {
        let username = username(&new.username)?;
        for text in [&new.firstname, &new.lastname, &new.email] {
            check_text(text)?;
        }
        if let Some(site) = &new.site {
            check_site(site)?;
        }
        let account = Account {
            username: username.clone(),
            site: new.site.clone(),
            password: new.password.clone(),
            state: AccountState::Active,
            scopes: new.scopes.clone(),
            rest: new.rest,
            create_tokens: new.create_tokens,
            firstname: new.firstname.clone(),
            lastname: new.lastname.clone(),
            email: new.email.clone(),
            created: now,
            generations: BTreeMap::new(),
        };
        match self.accounts.iter_mut().find(|known| known.username == username) {
            Some(deleted) if deleted.state == AccountState::Deleted => *deleted = account,
            Some(_) => {
                return Err(invalid(text!(
                    "the account `{username}` exists; `assidu account password {username}` changes its password",
                    "le compte `{username}` existe déjà ; `assidu account password {username}` change son mot de passe"
                )));
            }
            None => self.accounts.push(account),
        }
        Ok(username)
    }

    /// Gives an account another password. Tokens that `login/token.php` gave for the old one are revoked; the answer is
    /// their number. Other tokens are left alone.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown account.
    pub fn set_password(&mut self, username: &str, password: &Password, now: i64) -> Result<usize> {
        let account = self.account_mut(username)?;
        account.password = Some(password.clone());
        if account.state == AccountState::PasswordExpired {
            account.state = AccountState::Active;
        }
        let username = account.username.clone();
        Ok(self.revoke_all(now, |token| token.origin == Origin::Login && belongs(token, &username)))
    }

    /// Suspends an account: its tokens and its password are refused until it is restored. `false` when it was suspended.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown account.
    pub fn suspend_account(&mut self, username: &str) -> Result<bool> {
        self.set_state(username, AccountState::Suspended)
    }

    /// Makes an account active, whatever kept it from being so. `false` when it was active.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown account, and for a deleted one: that has to be made anew.
    pub fn restore_account(&mut self, username: &str) -> Result<bool> {
        self.set_state(username, AccountState::Active)
    }

    fn set_state(&mut self, username: &str, state: AccountState) -> Result<bool> {
        let account = self.account_mut(username)?;
        let changed = account.state != state;
        account.state = state;
        Ok(changed)
    }

    /// Deletes an account: its password is forgotten, its tokens are revoked. The answer is the number of those that
    /// were alive.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown account.
    pub fn delete_account(&mut self, username: &str, now: i64) -> Result<usize> {
        let account = self.account_mut(username)?;
        account.state = AccountState::Deleted;
        account.password = None;
        let username = account.username.clone();
        Ok(self.revoke_all(now, |token| belongs(token, &username)))
    }

    /// Revokes tokens, expired ones too; the answer is the number of those that were alive.
    fn revoke_all(&mut self, now: i64, wanted: impl Fn(&Token) -> bool) -> usize {
        let mut alive = 0;
        for token in self.tokens.iter_mut().filter(|token| token.revoked.is_none() && wanted(token)) {
            alive += usize::from(token.is_alive(now));
            token.revoked = Some(now);
        }
        alive
    }
}

fn belongs(token: &Token, username: &str) -> bool {
    token.account.as_deref() == Some(username)
}

pub(super) fn invalid(message: Text) -> Error {
    Error::new(ErrorKind::Invalid, message)
}

/// A name in lower case, when it is one.
fn username(name: &str) -> Result<String> {
    let name = name.to_lowercase();
    let wrong = |c: char| c.is_whitespace() || c.is_control() || c == ',';
    if name.is_empty() || name.chars().count() > MAX_LENGTH || name.contains(wrong) || name.starts_with('-') {
        let name = quoted(&name);
        return Err(invalid(text!(
            "\"{name}\" is no name of an account: 1 to {MAX_LENGTH} characters without blanks and commas",
            "\"{name}\" n'est pas un nom de compte : de 1 à {MAX_LENGTH} caractères, sans espace ni virgule"
        )));
    }
    Ok(name)
}

/// Texts about accounts and tokens are shown in lists, so they have one line.
pub(super) fn check_text(value: &str) -> Result<()> {
    if value.chars().count() <= MAX_LENGTH && !value.contains(char::is_control) {
        return Ok(());
    }
    let value = quoted(value);
    Err(invalid(text!(
        "\"{value}\" is longer than {MAX_LENGTH} characters, or has more than one line",
        "\"{value}\" dépasse {MAX_LENGTH} caractères, ou tient sur plusieurs lignes"
    )))
}

/// A site may be named before anything was loaded into it, so only its form is checked.
pub(super) fn check_site(site: &str) -> Result<()> {
    let wrong = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | '.' | '/' | '"');
    if !site.is_empty() && site.chars().count() <= MAX_LENGTH && !site.contains(wrong) {
        return Ok(());
    }
    let site = quoted(site);
    Err(invalid(text!("\"{site}\" is no name of a site", "\"{site}\" n'est pas un nom de site")))
}

#[cfg(test)]
mod tests {
    use engine::Lang;

    use super::*;
    use crate::access::{NewToken, Scope, Secret, TokenState};

    fn password() -> Password {
        Password::new(&Secret::new("correct horse")).unwrap()
    }

    fn with_ada() -> Access {
        let mut access = Access::default();
        let ada =
            NewAccount { scopes: [Scope::Statistics].into(), password: Some(password()), ..NewAccount::new("Ada") };
        assert_eq!(access.create_account(&ada, 5).unwrap(), "ada");
        access
    }

    fn token(access: &mut Access, origin: Origin) -> u64 {
        let new = NewToken {
            label: "x".to_owned(),
            account: Some("ada".to_owned()),
            scopes: [Scope::Statistics].into(),
            ..NewToken::default()
        };
        let id = access.create_token(&new, &Secret::generate().unwrap(), 5).unwrap();
        access.tokens.last_mut().unwrap().origin = origin;
        id
    }

    #[test]
    fn names_are_lower_case_and_unique() {
        let mut access = with_ada();
        assert_eq!(access.account("ADA").unwrap().created, 5);
        let error = access.create_account(&NewAccount::new("aDa"), 6).unwrap_err();
        assert!(error.message(Lang::En).starts_with("the account `ada` exists"), "{error}");
        for wrong in ["", "a b", "a,b", "-a", "a\n", &"x".repeat(101)] {
            assert!(access.create_account(&NewAccount::new(wrong), 6).is_err(), "{wrong}");
        }
        for right in ["é.b-c_d@example.org", "o'neill", &"x".repeat(100)] {
            assert!(access.create_account(&NewAccount::new(right), 6).is_ok(), "{right}");
        }
        let bad = NewAccount { email: "a\nb".to_owned(), ..NewAccount::new("carl") };
        assert!(access.create_account(&bad, 6).is_err());
        let bad = NewAccount { site: Some("a.b".to_owned()), ..NewAccount::new("carl") };
        assert!(access.create_account(&bad, 6).is_err());
    }

    #[test]
    fn an_unknown_account_is_told_with_the_nearest() {
        let mut access = with_ada();
        let error = access.account("Adda").unwrap_err();
        assert_eq!(error.message(Lang::En), "no account `adda`; did you mean `ada`?");
        assert_eq!(error.message(Lang::Fr), "aucun compte `adda` ; vouliez-vous dire `ada` ?");
        assert_eq!(access.suspend_account("zoe").unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_suspended_account_keeps_its_tokens() {
        let mut access = with_ada();
        token(&mut access, Origin::Created);
        assert!(access.suspend_account("Ada").unwrap());
        assert!(!access.suspend_account("ada").unwrap());
        assert_eq!(access.account("ada").unwrap().state, AccountState::Suspended);
        assert!(access.tokens[0].is_alive(10));
        assert!(access.restore_account("ada").unwrap() && !access.restore_account("ada").unwrap());
        assert!(access.account("ada").unwrap().is_active());
    }

    #[test]
    fn a_new_password_ends_the_tokens_of_the_old_one() {
        let mut access = with_ada();
        token(&mut access, Origin::Created);
        token(&mut access, Origin::Login);
        assert_eq!(access.set_password("ADA", &password(), 50).unwrap(), 1);
        assert_eq!((access.tokens[0].revoked, access.tokens[1].revoked), (None, Some(50)));
        access.accounts[0].state = AccountState::PasswordExpired;
        access.set_password("ada", &password(), 60).unwrap();
        assert!(access.account("ada").unwrap().is_active());
        access.suspend_account("ada").unwrap();
        access.set_password("ada", &password(), 60).unwrap();
        assert!(!access.account("ada").unwrap().is_active());
    }

    #[test]
    fn a_deleted_account_has_no_password_and_no_tokens_and_leaves_its_name() {
        let mut access = with_ada();
        token(&mut access, Origin::Created);
        token(&mut access, Origin::Imported);
        access.tokens[1].expires = Some(40);
        assert_eq!(access.delete_account("ada", 50).unwrap(), 1);
        assert!(access.tokens.iter().all(|token| token.state(50) == TokenState::Revoked));
        assert_eq!((access.accounts[0].state, &access.accounts[0].password), (AccountState::Deleted, &None));
        assert!(access.account("ada").is_err() && access.restore_account("ada").is_err());
        assert!(access.delete_account("ada", 60).is_err() && access.set_password("ada", &password(), 60).is_err());
        access.create_account(&NewAccount::new("ada"), 70).unwrap();
        assert_eq!((access.accounts.len(), access.accounts[0].created), (1, 70));
        assert!(access.accounts[0].scopes.is_empty() && access.tokens.iter().all(|token| !token.is_alive(70)));
    }
}
