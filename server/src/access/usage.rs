//! [`Usage`]: when and from where each token was used last.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use engine::store::Document;

/// The last use of a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenUse {
    /// When it opened the gate last, in Unix seconds.
    #[serde(default)]
    pub last_use: Option<i64>,
    /// From where that was.
    #[serde(default)]
    pub last_address: Option<IpAddr>,
    /// Whether somebody was told that it has expired. From then on it is unknown, as if it had been deleted.
    #[serde(default)]
    pub expired_noticed: bool,
}

impl TokenUse {
    /// Adds what is known elsewhere: the later use counts, and what was noticed stays so.
    pub fn merge(&mut self, other: &Self) {
        if other.last_use > self.last_use {
            (self.last_use, self.last_address) = (other.last_use, other.last_address);
        }
        self.expired_noticed |= other.expired_noticed;
    }
}

/// The last uses of all tokens, as they are stored. A token that was never used is not there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Version of the form of the document.
    format: u32,
    /// When it was written last, in Unix seconds.
    #[serde(default)]
    pub(super) written: i64,
    /// By the numbers of the tokens.
    #[serde(default)]
    tokens: BTreeMap<u64, TokenUse>,
}

impl Document for Usage {
    const FORMAT: u32 = 1;
    const WHAT: (&'static str, &'static str) = ("last uses of tokens", "derniers usages des jetons");
}

impl Default for Usage {
    fn default() -> Self {
        Self { format: Self::FORMAT, written: 0, tokens: BTreeMap::new() }
    }
}

impl Usage {
    /// The uses of these tokens, written at this time.
    pub(super) fn new(tokens: BTreeMap<u64, TokenUse>, now: i64) -> Self {
        Self { written: now, tokens, ..Self::default() }
    }

    /// The last use of a token; all empty when it was never used.
    pub fn of(&self, token: u64) -> TokenUse {
        self.tokens.get(&token).copied().unwrap_or_default()
    }

    /// The tokens that were used, with their uses.
    pub fn iter(&self) -> impl Iterator<Item = (u64, TokenUse)> + '_ {
        self.tokens.iter().map(|(id, last)| (*id, *last))
    }

    /// Adds what is known elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.written = self.written.max(other.written);
        for (id, last) in &other.tokens {
            self.tokens.entry(*id).or_default().merge(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(at: i64, from: &str) -> TokenUse {
        TokenUse { last_use: Some(at), last_address: Some(from.parse().unwrap()), expired_noticed: false }
    }

    #[test]
    fn the_later_use_counts_in_any_order() {
        let expired = TokenUse { expired_noticed: true, ..TokenUse::default() };
        let one = Usage::new([(1, used(100, "192.0.2.1")), (2, used(50, "192.0.2.1"))].into(), 110);
        let other = Usage::new([(1, used(90, "192.0.2.2")), (2, expired), (3, used(60, "2001:db8::1"))].into(), 120);
        for (first, second) in [(&one, &other), (&other, &one)] {
            let mut merged = first.clone();
            merged.merge(second);
            assert_eq!((merged.of(1), merged.of(3)), (used(100, "192.0.2.1"), used(60, "2001:db8::1")));
            assert_eq!(merged.of(2), TokenUse { expired_noticed: true, ..used(50, "192.0.2.1") });
            assert_eq!((merged.of(4), merged.written), (TokenUse::default(), 120));
            let again = merged.clone();
            merged.merge(second);
            assert_eq!(merged, again);
        }
    }

    #[test]
    fn uses_come_back_from_json() {
        let usage = Usage::new([(7, used(100, "192.0.2.1"))].into(), 110);
        let json = serde_json::to_string(&usage).unwrap();
        assert_eq!(serde_json::from_str::<Usage>(&json).unwrap(), usage);
    }
}
