//! Passwords: argon2id, and the tokens that a password gives again and again although only hashes are kept.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use engine::Error;
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::Sha256;

use super::account::Derivation;
use super::secret::{Secret, hex, unhex};

/// Bytes of the salt of derivations.
const SALT: usize = 16;

/// Characters of a token of Moodle.
const TOKEN_LENGTH: usize = 32;

/// Argon2id of a password, with the parameters that the library recommends, as PHC string.
///
/// # Errors
///
/// A bug, when the library refuses the password.
pub fn hash_password(password: &str) -> Result<String, Error> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string()).map_err(|error| Error::bug(format!("a password cannot be hashed: {error}")))
}

/// Whether a password is that of a hash.
pub(super) fn verify(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok())
}

/// A new salt for the tokens of an account.
pub fn new_derivation() -> Derivation {
    let mut salt = [0; SALT];
    rand::rng().fill_bytes(&mut salt);
    Derivation { salt: hex(&salt), generation: 0 }
}

/// The token that a login gives: who knows the password can make it again, and nobody else, because the key is made
/// from the password and is kept nowhere.
pub(super) fn derived_token(
    password: &str,
    derivation: &Derivation,
    username: &str,
    service: &str,
) -> Result<Secret, Error> {
    let salt = unhex(&derivation.salt).filter(|salt| salt.len() == SALT).unwrap_or_else(|| vec![0; SALT]);
    let mut key = [0; 32];
    Argon2::default()
        .hash_password_into(password.as_bytes(), &salt, &mut key)
        .map_err(|error| Error::bug(format!("a token cannot be derived: {error}")))?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|error| Error::bug(error.to_string()))?;
    // Lengths keep apart what would otherwise be the same text.
    for part in ["token", username, service, &derivation.generation.to_string()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    let token = hex(&mac.finalize().into_bytes());
    Ok(Secret::from_text(&token[..TOKEN_LENGTH]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_by_its_hash() {
        let hash = hash_password("Passw0rd!x").unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("Passw0rd!x", &hash) && !verify("passw0rd!x", &hash) && !verify("x", "no hash"));
    }

    #[test]
    fn a_login_gives_the_same_token_until_something_changes() {
        let derivation = new_derivation();
        let token = |password: &str, derivation: &Derivation, service: &str| {
            derived_token(password, derivation, "alice", service).unwrap()
        };
        let first = token("secret", &derivation, "analytics");
        assert_eq!(first.expose().len(), 32);
        assert!(first.expose().bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(first, token("secret", &derivation, "analytics"));
        let next = Derivation { generation: 1, ..derivation.clone() };
        let others = [
            token("Secret", &derivation, "analytics"),
            token("secret", &derivation, "other"),
            token("secret", &next, "analytics"),
            token("secret", &new_derivation(), "analytics"),
        ];
        assert!(others.iter().all(|other| *other != first));
    }
}
