//! [`Account`]: a person or program that has a name, and usually a password.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Password, Scope};

/// An account. Tokens may belong to one; then they may do no more than it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The name, in lower case.
    pub username: String,
    /// The only site that it sees; all of them when none is named.
    #[serde(default)]
    pub site: Option<String>,
    /// What its password is checked against; without one nobody logs in.
    #[serde(default)]
    pub password: Option<Password>,
    /// Whether it may be used.
    #[serde(default)]
    pub state: AccountState,
    /// What it may do.
    #[serde(default)]
    pub scopes: BTreeSet<Scope>,
    /// Whether it may call the web service (`webservice/rest:use`).
    #[serde(default = "yes")]
    pub rest: bool,
    /// Whether it gets tokens from `login/token.php` (`moodle/webservice:createtoken`).
    #[serde(default = "yes")]
    pub create_tokens: bool,
    /// First name, for `core_webservice_get_site_info`.
    #[serde(default)]
    pub firstname: String,
    /// Last name, likewise.
    #[serde(default)]
    pub lastname: String,
    /// Address of electronic mail.
    #[serde(default)]
    pub email: String,
    /// When it was made, in Unix seconds.
    pub created: i64,
    /// How often a token of `login/token.php` has ended, by service: the next one is another.
    #[serde(default)]
    pub(super) generations: BTreeMap<String, u64>,
}

fn yes() -> bool {
    true
}

/// Whether an account may be used, in the cases that Moodle tells apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// It may.
    #[default]
    Active,
    /// Somebody has suspended it; its tokens work again when it is restored.
    Suspended,
    /// It was deleted; its name stays in the list, its tokens are revoked.
    Deleted,
    /// Its address was never confirmed.
    Unconfirmed,
    /// Its password has to be changed first.
    PasswordExpired,
    /// Nobody may log in with it.
    NoLogin,
}

impl AccountState {
    /// The word in lists.
    pub fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
            Self::Unconfirmed => "unconfirmed",
            Self::PasswordExpired => "password_expired",
            Self::NoLogin => "no_login",
        }
    }
}

impl Account {
    /// Whether it may be used at all.
    pub fn is_active(&self) -> bool {
        self.state == AccountState::Active
    }

    /// Whether one of its scopes covers this one.
    pub fn may(&self, scope: &Scope) -> bool {
        self.scopes.iter().any(|own| own.covers(scope))
    }

    /// Whether it has a capability, by Moodle's name. A name that nobody knows is one that nobody has.
    pub fn has_capability(&self, name: &str) -> bool {
        match name {
            "webservice/rest:use" => self.rest,
            "moodle/webservice:createtoken" => self.create_tokens,
            _ => self.scopes.iter().any(|scope| scope.capability() == Some(name)),
        }
    }
}

/// What is said when an account is made; the names of the fields are those of [`Account`].
#[derive(Debug, Clone)]
pub struct NewAccount {
    /// The name; it becomes lower case.
    pub username: String,
    /// The only site that it sees.
    pub site: Option<String>,
    /// Its password.
    pub password: Option<Password>,
    /// What it may do.
    pub scopes: BTreeSet<Scope>,
    /// Whether it may call the web service.
    pub rest: bool,
    /// Whether it gets tokens from `login/token.php`.
    pub create_tokens: bool,
    /// First name.
    pub firstname: String,
    /// Last name.
    pub lastname: String,
    /// Address of electronic mail.
    pub email: String,
}

impl NewAccount {
    /// An account with this name that may call the web service and nothing in it.
    pub fn new(username: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            site: None,
            password: None,
            scopes: BTreeSet::new(),
            rest: true,
            create_tokens: true,
            firstname: String::new(),
            lastname: String::new(),
            email: String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(json: &str) -> Account {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn capabilities_come_from_flags_and_scopes() {
        let ada = account(r#"{"username": "ada", "scopes": ["statistics"], "create_tokens": false, "created": 5}"#);
        assert!(ada.has_capability("webservice/rest:use") && ada.has_capability("block/use_stats:export"));
        for missing in ["moodle/webservice:createtoken", "report/etl:export", "moodle/site:config", ""] {
            assert!(!ada.has_capability(missing), "{missing}");
        }
        let ben = account(r#"{"username": "ben", "scopes": ["etl:crm"], "rest": false, "created": 5}"#);
        assert!(!ben.has_capability("webservice/rest:use") && ben.has_capability("report/etl:export"));
        assert!(ben.has_capability("moodle/webservice:createtoken"));
    }

    #[test]
    fn states_are_stored_as_their_words() {
        let all = [
            AccountState::Active,
            AccountState::Suspended,
            AccountState::Deleted,
            AccountState::Unconfirmed,
            AccountState::PasswordExpired,
            AccountState::NoLogin,
        ];
        for state in all {
            assert_eq!(serde_json::to_value(state).unwrap(), state.word());
            let json = format!(r#"{{"username": "x", "created": 0, "state": "{}"}}"#, state.word());
            assert_eq!((account(&json).state, account(&json).is_active()), (state, state == AccountState::Active));
        }
    }
}
