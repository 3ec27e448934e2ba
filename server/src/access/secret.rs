//! [`Secret`]: the text of a token or password; [`SecretHash`]: what is stored of a token.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::{Error, ErrorKind, Result, text};
use rand::TryRng;
use rand::rngs::SysRng;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};

/// What tokens of ours begin with, so that people and scanners recognise them in files where they should not be.
pub const PREFIX: &str = "asd_";

/// Shortest secret that can be imported, in characters.
pub const MIN_IMPORTED: usize = 16;

/// Longest secret that can be imported, in characters.
pub const MAX_IMPORTED: usize = 256;

/// The text of a token or of a password. It is shown by [`Secret::expose`] and by nothing else.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Any text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new token: [`PREFIX`], and 32 random bytes as 43 characters of base64url.
    ///
    /// # Errors
    ///
    /// `Io` when the operating system gives no random numbers.
    pub fn generate() -> Result<Self> {
        let bytes: [u8; 32] = random()?;
        Ok(Self(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))))
    }

    /// A secret that exists elsewhere, such as the token of a Moodle whose clients shall keep it.
    ///
    /// # Errors
    ///
    /// `Invalid` when the text is not [`MIN_IMPORTED`] to [`MAX_IMPORTED`] visible ASCII characters.
    pub fn import(text: &str) -> Result<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (MIN_IMPORTED..=MAX_IMPORTED).contains(&text.len()) {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "the imported secret must be {MIN_IMPORTED} to {MAX_IMPORTED} visible ASCII characters without a blank",
                "le secret importé doit avoir de {MIN_IMPORTED} à {MAX_IMPORTED} caractères ASCII visibles, sans espace"
            ),
        ))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }

    /// The first characters, by which people tell tokens apart: the prefix and three more, else four.
    pub fn hint(&self) -> String {
        let shown = if self.0.starts_with(PREFIX) { PREFIX.len() + 3 } else { 4 };
        self.0.chars().take(shown).chain(['…']).collect()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(•••)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| {
        let message = text!(
            "the operating system gives no random numbers",
            "le système d'exploitation ne fournit pas de nombres aléatoires"
        );
        Error::new(ErrorKind::Io, message).because(error)
    })?;
    Ok(bytes)
}

/// SHA-256 of a secret; stored as 64 hexadecimal characters.
///
/// A fast hash is enough for secrets of 128 random bits and more. Passwords are not hashed like this: see
/// [`Password`](super::Password).
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// The hash of a text.
    pub fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The place of this hash among others. The time that takes depends on their number alone: every one is compared.
    pub fn position<'a>(&self, hashes: impl IntoIterator<Item = &'a Self>) -> Option<usize> {
        let (mut found, mut place) = (Choice::from(0), 0u64);
        for (idx, hash) in (0u64..).zip(hashes) {
            let equal = self.0.ct_eq(&hash.0);
            place.conditional_assign(&idx, equal);
            found |= equal;
        }
        if bool::from(found) { usize::try_from(place).ok() } else { None }
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl Serialize for SecretHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for SecretHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = from_hex(&text).and_then(|bytes| bytes.try_into().ok());
        bytes.map(Self).ok_or_else(|| D::Error::custom("a hash is 64 hexadecimal characters"))
    }
}

/// Bytes as lower-case hexadecimal characters.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes of hexadecimal characters; `None` when the text is anything else.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_secrets_have_prefix_and_length_and_differ() {
        let (one, two) = (Secret::generate().unwrap(), Secret::generate().unwrap());
        assert_eq!((one.expose().len(), &one.expose()[..4]), (47, "asd_"));
        assert!(one.expose()[4..].bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        assert_ne!(one.expose(), two.expose());
        assert!(Secret::import(one.expose()).is_ok());
    }

    #[test]
    fn nothing_shows_a_secret_but_expose() {
        let secret = Secret::new("correct horse");
        assert_eq!(format!("{secret} {secret:?} {:?}", secret.hash()), "••• Secret(•••) SecretHash(…)");
        assert_eq!(secret.expose(), "correct horse");
    }

    #[test]
    fn hints_are_short() {
        assert_eq!(Secret::new("asd_Ab3defghijk").hint(), "asd_Ab3…");
        assert_eq!(Secret::new("0123456789abcdef0123456789abcdef").hint(), "0123…");
    }

    #[test]
    fn imported_secrets_are_visible_ascii_of_some_length() {
        assert!(Secret::import(&"a".repeat(15)).is_err());
        assert!(Secret::import(&"~".repeat(16)).is_ok());
        assert!(Secret::import(&"a".repeat(256)).is_ok());
        assert!(Secret::import(&"a".repeat(257)).is_err());
        for wrong in ["0123456789 abcdef", "0123456789abcdé0", "0123456789abcde\n", ""] {
            assert!(Secret::import(wrong).is_err(), "{wrong}");
        }
    }

    /// The digest of "abc" is that of the standard, FIPS 180-2, B.1.
    #[test]
    fn hashes_are_sha_256_in_hexadecimal() {
        let json = serde_json::to_string(&SecretHash::of("abc")).unwrap();
        assert_eq!(json, "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"");
        assert_eq!(serde_json::from_str::<SecretHash>(&json).unwrap(), SecretHash::of("abc"));
        for wrong in ["\"ba78\"", "\"zz\"", "1", "\"é\""] {
            assert!(serde_json::from_str::<SecretHash>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hash_is_found_wherever_it_stands() {
        let hashes: Vec<SecretHash> = ["a", "b", "c"].into_iter().map(SecretHash::of).collect();
        let find = |text: &str| SecretHash::of(text).position(&hashes);
        assert_eq!([find("a"), find("b"), find("c"), find("d")], [Some(0), Some(1), Some(2), None]);
        assert_eq!(SecretHash::of("a").position([]), None);
    }
}
