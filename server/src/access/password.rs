//! [`Password`]: what is stored of a password, and what is derived from one.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use engine::{Error, ErrorKind, Result, text};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::Secret;
use super::secret::{from_hex, random, to_hex};

/// Shortest password, in characters.
const MIN_LENGTH: usize = 8;

/// Longest password, in bytes: nobody types more.
const MAX_LENGTH: usize = 1024;

/// Characters of a token of `login/token.php`, as Moodle's have.
const LOGIN_TOKEN_LENGTH: usize = 32;

/// What a password is checked against, and a second salt from which tokens are derived.
///
/// The hash is Argon2id with the recommended parameters of its library: 19 MiB, two passes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Password {
    /// The hash, in PHC notation.
    hash: String,
    /// Salt of the key behind the tokens of `login/token.php`, in hexadecimal characters.
    token_salt: String,
}

impl Password {
    /// Hashes a password with new salts. That takes tens of milliseconds of computation.
    ///
    /// # Errors
    ///
    /// `Invalid` when it is too short or too long; `Io` when the operating system gives no random numbers.
    pub fn new(password: &Secret) -> Result<Self> {
        let text = password.expose();
        if text.chars().count() < MIN_LENGTH || text.len() > MAX_LENGTH {
            return Err(Error::new(
                ErrorKind::Invalid,
                text!(
                    "the password must have at least {MIN_LENGTH} characters and at most {MAX_LENGTH} bytes",
                    "le mot de passe doit avoir au moins {MIN_LENGTH} caractères et au plus {MAX_LENGTH} octets"
                ),
            ));
        }
        let hash: PasswordHash = argon2()
            .hash_password_with_salt(text.as_bytes(), &random::<16>()?)
            .map_err(|error| Error::bug("a password cannot be hashed").because(error))?;
        Ok(Self { hash: hash.to_string(), token_salt: to_hex(&random::<16>()?) })
    }

    /// What is checked where there is no password: as much work as any, and nothing fits it.
    pub(super) fn none() -> Self {
        let cost = cost();
        let (memory, passes, lanes) = (cost.m_cost(), cost.t_cost(), cost.p_cost());
        // 16 bytes of salt and 32 bytes of hash, all zero, in base64.
        let (salt, hash) = ("A".repeat(22), "A".repeat(43));
        Self {
            hash: format!("$argon2id$v=19$m={memory},t={passes},p={lanes}${salt}${hash}"),
            token_salt: String::new(),
        }
    }

    /// Whether this is the password. That takes as long as [`Password::new`], whatever the answer.
    pub fn verify(&self, password: &Secret) -> bool {
        let Ok(hash) = PasswordHash::new(&self.hash) else { return false };
        let text = password.expose().as_bytes();
        // A text that is too long cannot be right, and is not worth more work than another one.
        let tried = if text.len() > MAX_LENGTH { &[] } else { text };
        let fits = argon2().verify_password(tried, &hash).is_ok();
        fits && tried.len() == text.len()
    }

    /// The key from which the tokens of who knows the password are derived. It takes as long as [`Password::new`].
    pub(super) fn token_key(&self, password: &Secret) -> Result<TokenKey> {
        let salt = from_hex(&self.token_salt).unwrap_or_default();
        let mut key = [0; 32];
        argon2()
            .hash_password_into(password.expose().as_bytes(), &salt, &mut key)
            .map_err(|error| Error::bug("a token cannot be derived").because(error))?;
        Ok(TokenKey(key))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The key behind the tokens of `login/token.php`; it is never stored.
pub(super) struct TokenKey([u8; 32]);

impl TokenKey {
    /// The token of this account for a service: the same one every time, until the generation is another.
    ///
    /// # Errors
    ///
    /// Only when an invariant of ours is broken.
    pub(super) fn token(&self, username: &str, service: &str, generation: u64) -> Result<Secret> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0)
            .map_err(|error| Error::bug("a token cannot be derived").because(error))?;
        // Neither names of accounts nor of services hold a zero byte, so no two lists of parts are one text.
        mac.update(format!("token\0{username}\0{service}\0{generation}").as_bytes());
        let mut token = to_hex(&mac.finalize().into_bytes());
        token.truncate(LOGIN_TOKEN_LENGTH);
        Ok(Secret::new(token))
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, cost())
}

/// The recommended parameters; tests of this package, which are not optimised, take the cheapest.
fn cost() -> Params {
    if cfg!(test) { Params::new(Params::MIN_M_COST, 1, 1, None).unwrap_or_default() } else { Params::DEFAULT }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::new(&Secret::new(text)).unwrap()
    }

    #[test]
    fn a_password_fits_itself_only() {
        let stored = password("correct horse");
        assert!(stored.verify(&Secret::new("correct horse")));
        for wrong in ["correct horse ", "Correct horse", "", &"x".repeat(5000)] {
            assert!(!stored.verify(&Secret::new(wrong)), "{wrong}");
        }
        assert_ne!(stored, password("correct horse"), "salts differ");
        let json = serde_json::to_string(&stored).unwrap();
        assert!(json.contains("$argon2id$v=19$") && !json.contains("horse"), "{json}");
        assert_eq!(serde_json::from_str::<Password>(&json).unwrap(), stored);
        assert_eq!(format!("{stored:?}"), "Password(…)");
    }

    #[test]
    fn passwords_have_a_least_and_a_greatest_length() {
        let fits = |text: &str| Password::new(&Secret::new(text)).is_ok();
        assert_eq!([fits("1234567"), fits("12345678"), fits("éééééééé")], [false, true, true]);
        assert_eq!([fits(&"x".repeat(1024)), fits(&"x".repeat(1025))], [true, false]);
    }

    #[test]
    fn no_password_costs_as_much_as_one_and_fits_nothing() {
        let none = Password::none();
        let (parsed, real) = (PasswordHash::new(&none.hash).unwrap(), password("correct horse"));
        let real = PasswordHash::new(&real.hash).unwrap();
        assert_eq!((parsed.algorithm, parsed.version, &parsed.params), (real.algorithm, real.version, &real.params));
        let lengths = |hash: &PasswordHash| (hash.salt.map(|salt| salt.len()), hash.hash.map(|hash| hash.len()));
        assert_eq!(lengths(&parsed), lengths(&real));
        assert!(!none.verify(&Secret::new("")) && !none.verify(&Secret::new("correct horse")));
    }

    #[test]
    fn derived_tokens_depend_on_all_their_parts() {
        let stored = password("correct horse");
        let key = |stored: &Password, text: &str| stored.token_key(&Secret::new(text)).unwrap();
        let token = |key: &TokenKey, parts: (&str, &str, u64)| {
            key.token(parts.0, parts.1, parts.2).unwrap().expose().to_owned()
        };
        let own = key(&stored, "correct horse");
        let first = token(&own, ("ada", "stats", 0));
        assert!(first.len() == 32 && first.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{first}");
        assert_eq!(first, token(&key(&stored, "correct horse"), ("ada", "stats", 0)));
        let others = [
            token(&own, ("ada", "stats", 1)),
            token(&own, ("ada", "etl", 0)),
            token(&own, ("ben", "stats", 0)),
            token(&key(&stored, "wrong horse"), ("ada", "stats", 0)),
            token(&key(&password("correct horse"), "correct horse"), ("ada", "stats", 0)),
        ];
        for other in others {
            assert_ne!(first, other);
        }
    }
}
