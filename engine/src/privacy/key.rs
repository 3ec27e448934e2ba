//! [`PseudonymKey`]: the secret that makes the pseudonyms of one consumer.

use std::fmt;

/// Bytes of a key.
const BYTES: usize = 32;

/// The secret of one consumer: with another key, everybody has another pseudonym.
///
/// Who has the key can compute the pseudonym of any number, and so find out whose it is. Nothing prints it: its
/// `Debug` form is a placeholder, and no plan, error or result carries it.
#[derive(Clone, PartialEq, Eq)]
pub struct PseudonymKey([u8; BYTES]);

impl PseudonymKey {
    /// The key of these bytes, which should come from a source of randomness for secrets.
    pub const fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the computation.
    pub(super) const fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }
}

impl fmt::Debug for PseudonymKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PseudonymKey(•••)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_printed() {
        let key = PseudonymKey::from_bytes([171; BYTES]);
        let printed = format!("{key:?} {key:#?} {:?}", Some(key.clone()));
        assert!(!printed.contains("171") && !printed.to_ascii_lowercase().contains("ab"), "{printed}");
    }
}
