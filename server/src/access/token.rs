//! [`Token`]: what one client may do, from where, for how long.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{AddressList, Scope, SecretHash};

/// A token. Its secret is not in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its number, by which operators name it.
    pub id: u64,
    /// What it is for.
    pub label: String,
    /// Hash of its secret.
    pub hash: SecretHash,
    /// First characters of its secret.
    pub hint: String,
    /// User name of the account that it acts for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Short name of the Moodle service that it belongs to; `None` for every function that its scopes allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Sites that it sees, its home first; empty for all, at home in the default one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<String>,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// When it ends, in Unix seconds; `None` for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<i64>,
    /// From where it may be used.
    #[serde(default, skip_serializing_if = "AddressList::is_everywhere")]
    pub addresses: AddressList,
    /// When it was revoked, in Unix seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked: Option<i64>,
    /// Number of the token that this one replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u64>,
}

/// Whether a token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenState {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

impl Token {
    /// Whether it is good at a time.
    pub fn state(&self, now: i64) -> TokenState {
        if self.revoked.is_some() {
            TokenState::Revoked
        } else if self.expires.is_some_and(|end| end <= now) {
            TokenState::Expired
        } else {
            TokenState::Active
        }
    }
}

/// What a new token may do, before it has a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewToken {
    /// What it is for.
    pub label: String,
    /// The account that it acts for.
    pub account: Option<String>,
    /// The Moodle service that it belongs to.
    pub service: Option<String>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Sites that it sees.
    pub sites: Vec<String>,
    /// When it ends.
    pub expires: Option<i64>,
    /// From where it may be used.
    pub addresses: AddressList,
}
