//! [`Account`]: somebody with a name and a password, whom tokens act for.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Scope;

/// State of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// It is good.
    #[default]
    Active,
    /// It was suspended.
    Suspended,
    /// It was deleted; its name stays, so that old reports can be read.
    Deleted,
    /// Nobody confirmed it.
    Unconfirmed,
    /// Its password must be changed.
    PasswordExpired,
    /// It may not log in at all.
    NoLogin,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Login name, in lower case.
    pub username: String,
    /// Site of the store that the user belongs to; `None` for the default one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Argon2id of the password; `None` when nobody can log in with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Salt and number that the tokens of logins are derived with.
    #[serde(default)]
    pub derivation: Derivation,
    /// Its state.
    #[serde(default)]
    pub state: AccountState,
    /// What its tokens of logins may do.
    pub scopes: BTreeSet<Scope>,
    /// Whether it may use the web service (`webservice/rest:use`).
    pub rest: bool,
    /// Whether a login gives it a token (`moodle/webservice:createtoken`).
    pub create_tokens: bool,
    /// First name, where the site does not tell it.
    #[serde(default)]
    pub firstname: String,
    /// Last name, where the site does not tell it.
    #[serde(default)]
    pub lastname: String,
    /// Mail address, where the site does not tell it.
    #[serde(default)]
    pub email: String,
    /// When it was made, in Unix seconds.
    pub created: i64,
}

/// What tokens of logins are derived with, besides the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Derivation {
    /// Random bytes in hexadecimal digits.
    pub salt: String,
    /// A greater number makes other tokens.
    pub generation: u64,
}

impl Account {
    /// Whether it has a capability, as Moodle names them.
    pub fn has_capability(&self, name: &str) -> bool {
        match name {
            "webservice/rest:use" | "webservice/xmlrpc:use" => self.rest,
            "moodle/webservice:createtoken" => self.create_tokens,
            name => self.scopes.iter().any(|scope| scope.capability() == Some(name)),
        }
    }
}
