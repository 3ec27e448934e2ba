//! [`Access`]: all accounts and tokens, as one document; what operators do with them, without files and clocks.

use std::collections::BTreeMap;

use engine::fault::{nearest, quoted};
use engine::{Error, ErrorKind, Text, text};
use serde::{Deserialize, Serialize};

use super::{Account, AccountState, NewToken, Secret, SecretHash, Token, TokenState};

/// Form of the document.
const FORMAT: u32 = 1;

/// Label of the tokens that logins give.
pub(super) const LOGIN_LABEL: &str = "login/token.php";

/// Shortest and longest secret that can be imported, in characters.
const IMPORTED: std::ops::RangeInclusive<usize> = 16..=256;

/// All accounts and tokens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Form of the document.
    format: u32,
    /// Number of the next token.
    next_id: u64,
    /// Accounts by user name.
    pub accounts: BTreeMap<String, Account>,
    /// Tokens in the order in which they were made.
    pub tokens: Vec<Token>,
}

impl Default for Access {
    fn default() -> Self {
        Self { format: FORMAT, next_id: 1, accounts: BTreeMap::new(), tokens: Vec::new() }
    }
}

impl Access {
    /// Reads the document.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_slice(bytes).map_err(damaged)?;
        if head.format > FORMAT {
            return Err(Error::new(
                ErrorKind::Newer,
                text!(
                    "accounts and tokens were written by a newer version of assidu; use that one",
                    "les comptes et jetons ont été écrits par une version plus récente d'assidu ; utilisez-la"
                ),
            ));
        }
        serde_json::from_slice(bytes).map_err(damaged)
    }

    /// Makes a token for a secret.
    ///
    /// # Errors
    ///
    /// `Invalid` for a token that may do nothing, `NotFound` for an unknown account, `Conflict` for a secret that
    /// another token has.
    pub fn create_token(&mut self, new: NewToken, secret: &Secret, now: i64) -> Result<u64, Error> {
        if new.scopes.is_empty() {
            let names = super::Scope::NAMES;
            return Err(Error::new(
                ErrorKind::Invalid,
                text!("a token needs at least one scope: {names}", "un jeton a besoin d'au moins un droit : {names}"),
            ));
        }
        self.create_login_token(new, secret, now)
    }

    /// As [`Access::create_token`]; the token of a login may be one that may do nothing but ask for the site.
    pub(super) fn create_login_token(&mut self, new: NewToken, secret: &Secret, now: i64) -> Result<u64, Error> {
        if let Some(username) = &new.account {
            self.account(username)?;
        }
        let hash = SecretHash::of(secret.expose());
        if self.tokens.iter().any(|token| bool::from(token.hash.matches(&hash))) {
            return Err(Error::new(
                ErrorKind::Conflict,
                text!("there is a token with this secret already", "il y a déjà un jeton avec ce secret"),
            ));
        }
        let id = self.next_id;
        self.next_id += 1;
        self.tokens.push(Token {
            id,
            label: new.label,
            hash,
            hint: secret.hint(),
            account: new.account,
            service: new.service,
            scopes: new.scopes,
            sites: new.sites,
            created: now,
            expires: new.expires,
            addresses: new.addresses,
            revoked: None,
            replaces: None,
        });
        Ok(id)
    }

    /// Makes a new token with the same rights; the old one ends after `overlap` seconds, and the one before it at once.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown number, `Invalid` for a token that is no longer good.
    pub fn rotate(&mut self, id: u64, secret: &Secret, overlap: i64, now: i64) -> Result<u64, Error> {
        let old = self.token(id)?.clone();
        if old.state(now) != TokenState::Active {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "token {id} is no longer good, and cannot be replaced; create a new one",
                    "le jeton {id} n'est plus valable et ne peut être remplacé ; créez-en un nouveau"
                ),
            ));
        }
        let new = NewToken {
            label: old.label.clone(),
            account: old.account.clone(),
            service: old.service.clone(),
            scopes: old.scopes.clone(),
            sites: old.sites.clone(),
            // A token that was made for some time has that time again.
            expires: old.expires.map(|end| now.saturating_add(end.saturating_sub(old.created))),
            addresses: old.addresses.clone(),
        };
        let replacement = self.create_token(new, secret, now)?;
        let end = now.saturating_add(overlap.max(0));
        for token in &mut self.tokens {
            if token.id == id {
                token.expires = Some(token.expires.map_or(end, |known| known.min(end)));
            } else if Some(token.id) == old.replaces && token.revoked.is_none() {
                token.revoked = Some(now);
            } else if token.id == replacement {
                token.replaces = Some(id);
            }
        }
        Ok(replacement)
    }

    /// Ends a token; a second time changes nothing.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown number.
    pub fn revoke(&mut self, id: u64, now: i64) -> Result<(), Error> {
        self.token(id)?;
        for token in self.tokens.iter_mut().filter(|token| token.id == id) {
            token.revoked.get_or_insert(now);
        }
        Ok(())
    }

    /// Adds an account.
    ///
    /// # Errors
    ///
    /// `Invalid` for an empty name, `Conflict` for one that is taken.
    pub fn create_account(&mut self, account: Account) -> Result<(), Error> {
        let name = quoted(&account.username);
        if account.username.is_empty() || account.username != account.username.trim().to_lowercase() {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "\"{name}\" cannot be a user name: write lower-case letters, without blanks at its ends",
                    "« {name} » ne peut être un nom d'utilisateur : écrivez des minuscules, sans blanc à ses bouts"
                ),
            ));
        }
        match self.accounts.get(&account.username) {
            Some(known) if known.state != AccountState::Deleted => Err(Error::new(
                ErrorKind::Conflict,
                text!("there is an account \"{name}\" already", "il y a déjà un compte « {name} »"),
            )),
            _ => {
                self.accounts.insert(account.username.clone(), account);
                Ok(())
            }
        }
    }

    /// Changes an account.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, with the nearest one.
    pub fn change_account(&mut self, username: &str, change: impl FnOnce(&mut Account)) -> Result<(), Error> {
        self.account(username)?;
        self.accounts.entry(username.to_owned()).and_modify(change);
        Ok(())
    }

    /// Deletes an account: nobody can log in, and its tokens end.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name.
    pub fn delete_account(&mut self, username: &str, now: i64) -> Result<(), Error> {
        self.change_account(username, |account| {
            account.state = AccountState::Deleted;
            account.password = None;
        })?;
        self.end_tokens_of(username, now);
        Ok(())
    }

    /// Ends all tokens of an account.
    pub fn end_tokens_of(&mut self, username: &str, now: i64) {
        for token in self.tokens.iter_mut().filter(|token| token.account.as_deref() == Some(username)) {
            token.revoked.get_or_insert(now);
        }
    }

    /// Ends the tokens that logins of an account gave.
    pub fn end_login_tokens_of(&mut self, username: &str, now: i64) {
        let given = |token: &&mut Token| token.account.as_deref() == Some(username) && token.label == LOGIN_LABEL;
        for token in self.tokens.iter_mut().filter(given) {
            token.revoked.get_or_insert(now);
        }
    }

    /// The account of that name.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, with the nearest one.
    pub fn account(&self, username: &str) -> Result<&Account, Error> {
        self.accounts.get(username).ok_or_else(|| {
            let names = self.accounts.keys().map(String::as_str);
            let Text { en, fr } = match nearest(username, names) {
                Some(near) => text!("; did you mean `{near}`?", " ; vouliez-vous dire `{near}` ?"),
                None => text!("", ""),
            };
            let name = quoted(username);
            Error::new(ErrorKind::NotFound, text!("no account \"{name}\"{en}", "aucun compte « {name} »{fr}"))
        })
    }

    /// The token of that number.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown number.
    pub fn token(&self, id: u64) -> Result<&Token, Error> {
        self.tokens.iter().find(|token| token.id == id).ok_or_else(|| {
            Error::new(
                ErrorKind::NotFound,
                text!(
                    "no token {id}; `assidu token list --all` shows them",
                    "aucun jeton {id} ; `assidu token list --all` les montre"
                ),
            )
        })
    }
}

fn damaged(error: serde_json::Error) -> Error {
    let message = text!("accounts and tokens cannot be read", "les comptes et jetons ne peuvent être lus");
    Error::new(ErrorKind::Corrupt, message).because(error)
}

/// A secret that comes from elsewhere, such as the token of a client that moves here from Moodle.
///
/// # Errors
///
/// `Invalid` for one that is too short to be safe, too long, or no visible ASCII.
pub fn imported(text: &str) -> Result<Secret, Error> {
    let text = text.trim();
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && IMPORTED.contains(&text.len()) {
        return Ok(Secret::from_text(text));
    }
    let (least, most) = (IMPORTED.start(), IMPORTED.end());
    Err(Error::new(
        ErrorKind::Invalid,
        text!(
            "a token must have {least} to {most} visible ASCII characters",
            "un jeton doit avoir de {least} à {most} caractères ASCII visibles"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::super::Scope;
    use super::*;

    fn new_token(label: &str) -> NewToken {
        NewToken { label: label.to_owned(), scopes: [Scope::Statistics].into(), ..NewToken::default() }
    }

    #[test]
    fn a_token_is_replaced_while_both_work() {
        let mut access = Access::default();
        let secrets: Vec<Secret> = (0..3).map(|_| Secret::generate()).collect();
        let mut new = new_token("erp");
        new.expires = Some(1_000);
        let first = access.create_token(new, &secrets[0], 0).unwrap();
        let second = access.rotate(first, &secrets[1], 60, 100).unwrap();
        let state = |access: &Access, id: u64, now: i64| access.token(id).unwrap().state(now);
        assert_eq!(state(&access, first, 159), TokenState::Active);
        assert_eq!(state(&access, first, 160), TokenState::Expired);
        assert_eq!(access.token(second).unwrap().expires, Some(1_100), "the same time again");
        // At most two of a chain are good.
        let third = access.rotate(second, &secrets[2], 60, 120).unwrap();
        assert_eq!(state(&access, first, 121), TokenState::Revoked);
        assert_eq!((state(&access, second, 121), state(&access, third, 121)), (TokenState::Active, TokenState::Active));
        assert!(access.rotate(first, &Secret::generate(), 60, 130).is_err());
    }

    #[test]
    fn numbers_and_secrets_are_never_used_twice() {
        let mut access = Access::default();
        let secret = Secret::generate();
        let id = access.create_token(new_token("a"), &secret, 0).unwrap();
        access.revoke(id, 1).unwrap();
        access.revoke(id, 2).unwrap();
        assert_eq!(access.token(id).unwrap().revoked, Some(1));
        assert_eq!(access.create_token(new_token("b"), &secret, 3).unwrap_err().kind(), ErrorKind::Conflict);
        assert_eq!(access.create_token(new_token("b"), &Secret::generate(), 3).unwrap(), id + 1);
        let nothing = NewToken { scopes: Default::default(), ..new_token("c") };
        assert_eq!(access.create_token(nothing, &Secret::generate(), 3).unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn secrets_of_others_must_be_long_and_visible() {
        assert!(imported(" 0123456789abcdef0123456789abcdef\n").is_ok());
        for bad in ["short", "0123456789 abcdef0123", "0123456789abcdé0123"] {
            assert!(imported(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_newer_document_is_refused_before_anything_else_of_it_is_read() {
        let error = Access::from_bytes(b"{\"format\":2,\"what\":[]}").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Newer);
        assert_eq!(Access::from_bytes(b"{").unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
