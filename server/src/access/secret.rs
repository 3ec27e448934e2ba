//! [`Secret`]: a token or a password. It is shown once, to whom it is for, and kept as a hash alone.

use std::fmt;

use base64::Engine as _;
use rand::Rng;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

/// Beginning of our own tokens, so that scanners for leaked secrets find them.
const PREFIX: &str = "asd_";

/// Random bytes of a token.
const BYTES: usize = 32;

/// A token or a password; neither its debug form nor an error shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new token: a recognisable beginning and 32 random bytes.
    pub fn generate() -> Self {
        let mut bytes = [0; BYTES];
        rand::rng().fill_bytes(&mut bytes);
        Self(format!("{PREFIX}{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)))
    }

    /// A secret that somebody else made.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its first characters, by which people recognise it; too few to be of use to anybody else.
    pub fn hint(&self) -> String {
        let length = if self.0.starts_with(PREFIX) { PREFIX.len() + 4 } else { 4 };
        format!("{}…", self.0.chars().take(length).collect::<String>())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

/// SHA-256 of a secret. Tokens are random, so that a fast hash is enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a secret.
    pub fn of(secret: &str) -> Self {
        Self(Sha256::digest(secret.as_bytes()).into())
    }

    /// Whether two hashes are equal, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

/// Bytes as hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal digits; `None` for any other text.
pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || text.len() % 2 != 0 {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = unhex(&text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
        bytes.map(Self).ok_or_else(|| serde::de::Error::custom("a hash must have 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_recognisable_and_never_the_same() {
        let (one, two) = (Secret::generate(), Secret::generate());
        assert!(one != two && one.expose().len() == 47 && one.expose().starts_with("asd_"));
        assert_eq!(one.hint().chars().count(), 9);
        assert_eq!(Secret::from_text("0123456789abcdef").hint(), "0123…");
    }

    #[test]
    fn nothing_shows_a_secret() {
        assert_eq!(format!("{:?}", Secret::from_text("hush")), "Secret(•••)");
    }

    #[test]
    fn hashes_are_those_of_sha_256_and_survive_json() {
        // The example of FIPS 180: SHA-256 of "abc".
        let hash = SecretHash::of("abc");
        let text = serde_json::to_string(&hash).unwrap();
        assert_eq!(text, "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        assert_eq!(serde_json::from_str::<SecretHash>(&text).unwrap(), hash);
        assert!(bool::from(hash.matches(&SecretHash::of("abc"))) && !bool::from(hash.matches(&SecretHash::of("abd"))));
        assert!(serde_json::from_str::<SecretHash>("\"zz\"").is_err());
    }
}
