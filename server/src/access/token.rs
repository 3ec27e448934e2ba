//! [`Token`]: a secret that may do something, without the secret.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AddressList, Scope, SecretHash};

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its number, by which commands name it; never used again.
    pub id: u64,
    /// What it is for, in the words of who made it.
    pub label: String,
    /// Where its secret comes from.
    #[serde(default)]
    pub origin: Origin,
    /// SHA-256 of the secret.
    pub hash: SecretHash,
    /// The first characters of the secret, such as `asd_Ab3…`.
    pub hint: String,
    /// The account on whose behalf it acts.
    #[serde(default)]
    pub account: Option<String>,
    /// Short name of the Moodle service whose functions it may call; every function that its scopes allow when there is
    /// none.
    #[serde(default)]
    pub service: Option<String>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Sites that it sees, the first is its home; all when empty.
    #[serde(default)]
    pub sites: Vec<String>,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// The last second in which it may be used; no end when there is none.
    #[serde(default)]
    pub expires: Option<i64>,
    /// From where it may be used.
    #[serde(default)]
    pub addresses: AddressList,
    /// When it was revoked.
    #[serde(default)]
    pub revoked: Option<i64>,
    /// The token that it replaces.
    #[serde(default)]
    pub replaces: Option<u64>,
}

/// Where the secret of a token comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was made here, from random bytes.
    #[default]
    Created,
    /// It existed before, such as the token of a Moodle.
    Imported,
    /// `login/token.php` gave it to somebody who knew the password.
    Login,
}

/// Whether a token may be used at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// It may.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody has revoked it; that counts even when its time is over too.
    Revoked,
}

impl Token {
    /// What stands in the place of a token where none is asked for. Its number is no token's.
    pub(super) fn of_nobody(scopes: BTreeSet<Scope>) -> Self {
        Self {
            id: 0,
            label: "anyone".to_owned(),
            origin: Origin::Created,
            hash: SecretHash::of(""),
            hint: String::new(),
            account: None,
            service: None,
            scopes,
            sites: Vec::new(),
            created: 0,
            expires: None,
            addresses: AddressList::default(),
            revoked: None,
            replaces: None,
        }
    }

    /// Whether it may be used at this time, in Unix seconds. In its last second it may.
    pub fn state(&self, now: i64) -> TokenState {
        if self.revoked.is_some() {
            TokenState::Revoked
        } else if self.expires.is_some_and(|last| last < now) {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }

    /// Whether it may be used at this time.
    pub fn is_alive(&self, now: i64) -> bool {
        self.state(now) == TokenState::Active
    }

    /// Whether one of its scopes covers this one.
    pub fn may(&self, scope: &Scope) -> bool {
        self.scopes.iter().any(|own| own.covers(scope))
    }
}

/// What is said when a token is made; the names of the fields are those of [`Token`].
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// What it is for.
    pub label: String,
    /// The account on whose behalf it acts.
    pub account: Option<String>,
    /// Short name of the Moodle service that bounds it.
    pub service: Option<String>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Sites that it sees.
    pub sites: Vec<String>,
    /// The last second in which it may be used.
    pub expires: Option<i64>,
    /// From where it may be used.
    pub addresses: AddressList,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_lives_through_its_last_second_or_until_it_is_revoked() {
        let json = format!(
            r#"{{"id": 1, "label": "x", "hash": "{}", "hint": "x", "scopes": ["sql"], "created": 5}}"#,
            "0".repeat(64)
        );
        let mut token: Token = serde_json::from_str(&json).unwrap();
        assert!(token.is_alive(i64::MAX));
        token.expires = Some(100);
        assert_eq!([99, 100, 101].map(|now| token.is_alive(now)), [true, true, false]);
        assert_eq!(token.state(101), TokenState::Expired);
        token.revoked = Some(50);
        assert_eq!((token.state(60), token.state(101)), (TokenState::Revoked, TokenState::Revoked));
    }
}
