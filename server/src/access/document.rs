//! [`Access`]: the document of all accounts and tokens.

use engine::store::Document;
use serde::{Deserialize, Serialize};

use super::{Account, Token};

/// All accounts and tokens, as they are stored.
///
/// Its operations on accounts and on tokens are pure: times are arguments, and so are secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Version of the form of the document.
    format: u32,
    /// Number of the next token.
    pub(super) next_id: u64,
    /// Accounts, in the order of their making.
    #[serde(default)]
    pub accounts: Vec<Account>,
    /// Tokens, in the order of their numbers.
    #[serde(default)]
    pub tokens: Vec<Token>,
}

impl Document for Access {
    const FORMAT: u32 = 1;
    const WHAT: (&'static str, &'static str) = ("accounts and tokens", "comptes et jetons");
}

impl Default for Access {
    /// Nobody may do anything.
    fn default() -> Self {
        Self { format: Self::FORMAT, next_id: 1, accounts: Vec::new(), tokens: Vec::new() }
    }
}
