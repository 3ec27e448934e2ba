//! [`AccessRegister`]: the documents of accounts and of last uses in a store, and how processes change them together.

use std::time::Duration;

use engine::store::Register;
use engine::{Engine, Error, ErrorKind, Result, text};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::secret::random;
use super::{Access, Usage};

/// How often a change is tried while others write; a hundred writers at once need fewer.
const ATTEMPTS: u32 = 200;

/// A document of a register.
pub(super) trait Document: Default + Clone + PartialEq + Serialize + DeserializeOwned {
    /// The form that this version writes, and the newest that it reads.
    const FORMAT: u32;
    /// The register that holds it.
    const REGISTER: &'static str;
}

/// The registers of accounts, tokens and last uses of one store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessRegister {
    access: Register,
    usage: Register,
}

impl AccessRegister {
    /// The registers of the store behind this engine.
    pub fn new(engine: &Engine) -> Self {
        Self { access: engine.register(Access::REGISTER), usage: engine.register(Usage::REGISTER) }
    }

    /// Accounts and tokens as they are now; none when nobody has written any.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached, `Newer` or `Corrupt` when the document cannot be read.
    pub async fn load(&self) -> Result<Access> {
        Ok(read(&self.access).await?.1)
    }

    /// Number of the newest version of accounts and tokens; 0 when there is none. Cheaper than [`AccessRegister::load`].
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached.
    pub async fn version(&self) -> Result<u64> {
        self.access.version().await
    }

    /// Accounts and tokens with the number of their version.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::load`].
    pub async fn load_version(&self) -> Result<(u64, Access)> {
        read(&self.access).await
    }

    /// Changes accounts and tokens. When another process writes at the same time, the change is made anew on what that
    /// one wrote, so nothing is lost. A change that changes nothing writes nothing.
    ///
    /// # Errors
    ///
    /// The error of the change, after which nothing is written; those of [`AccessRegister::load`]; `Conflict` when
    /// others write without a pause.
    pub async fn update<T>(&self, change: impl FnMut(&mut Access) -> Result<T>) -> Result<T> {
        update(&self.access, change).await
    }

    /// Last uses of the tokens.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::load`].
    pub async fn usage(&self) -> Result<Usage> {
        Ok(read(&self.usage).await?.1)
    }

    /// Adds last uses to those that are stored; the later one of each token counts.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::update`].
    pub async fn merge_usage(&self, usage: &Usage) -> Result<()> {
        update(&self.usage, |stored: &mut Usage| {
            stored.merge(usage);
            Ok(())
        })
        .await
    }
}

async fn read<D: Document>(register: &Register) -> Result<(u64, D)> {
    match register.read().await? {
        Some(entry) => Ok((entry.version, parse(&entry.bytes)?)),
        None => Ok((0, D::default())),
    }
}

async fn update<D: Document, T>(register: &Register, mut change: impl FnMut(&mut D) -> Result<T>) -> Result<T> {
    for attempt in 0..ATTEMPTS {
        let (version, before) = read::<D>(register).await?;
        let mut after = before.clone();
        let result = change(&mut after)?;
        if after == before {
            return Ok(result);
        }
        let bytes = serde_json::to_vec(&after).map_err(|error| Error::bug("a register is no JSON").because(error))?;
        if register.write(version, bytes).await? {
            return Ok(result);
        }
        tokio::time::sleep(pause(attempt)?).await;
    }
    Err(Error::new(
        ErrorKind::Conflict,
        text!(
            "accounts and tokens are being changed by others without a pause; repeat the command",
            "les comptes et les jetons sont modifiés sans cesse par d'autres ; recommencez"
        ),
    ))
}

/// Up to 50 milliseconds, by chance, so that those who met do not meet again.
fn pause(attempt: u32) -> Result<Duration> {
    let [chance] = random()?;
    Ok(Duration::from_millis(u64::from(chance) % u64::from((attempt + 1) * 5).min(50)))
}

/// The form of a document, which is read before the rest.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

fn parse<D: Document>(bytes: &[u8]) -> Result<D> {
    let damaged = |error: serde_json::Error| {
        let name = D::REGISTER;
        let message = text!("the register `{name}` is damaged", "le registre `{name}` est endommagé");
        Error::new(ErrorKind::Corrupt, message).because(error)
    };
    let Head { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format > D::FORMAT {
        return Err(Error::new(
            ErrorKind::Newer,
            text!(
                "accounts and tokens were written by a newer version of the program",
                "les comptes et les jetons ont été écrits par une version plus récente du programme"
            ),
        ));
    }
    serde_json::from_slice(bytes).map_err(damaged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{NewAccount, NewToken, Scope, Secret};

    async fn registers(url: &str) -> (AccessRegister, Engine) {
        let engine = Engine::open(url, &[]).await.unwrap();
        (AccessRegister::new(&engine), engine)
    }

    #[tokio::test]
    async fn a_change_is_there_for_others_and_a_failed_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap();
        let (ours, _) = registers(url).await;
        let (theirs, _) = registers(url).await;
        assert_eq!(theirs.load().await.unwrap(), Access::default());
        ours.update(|access| access.create_account(&NewAccount::new("ada"), 5)).await.unwrap();
        assert_eq!(theirs.load().await.unwrap().accounts[0].username, "ada");
        let again = theirs.update(|access| access.create_account(&NewAccount::new("ada"), 5)).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::Invalid);
        theirs.update(|_| Ok(())).await.unwrap();
        assert_eq!(ours.version().await.unwrap(), 1, "what changes nothing writes nothing");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn two_registers_on_one_folder_lose_no_token() {
        let folder = tempfile::tempdir().unwrap();
        let url = folder.path().to_str().unwrap().to_owned();
        let mut writers = tokio::task::JoinSet::new();
        for writer in 0..2 {
            let (register, engine) = registers(&url).await;
            writers.spawn(async move {
                for nth in 0..15 {
                    let secret = Secret::generate().unwrap();
                    let new = NewToken {
                        label: format!("{writer}-{nth}"),
                        scopes: [Scope::Statistics].into(),
                        ..NewToken::default()
                    };
                    register.update(|access| access.create_token(&new, &secret, 5)).await.unwrap();
                }
                drop(engine);
            });
        }
        writers.join_all().await;
        let access = registers(&url).await.0.load().await.unwrap();
        let ids: Vec<u64> = access.tokens.iter().map(|token| token.id).collect();
        assert_eq!(ids, (1..=30).collect::<Vec<u64>>());
        let labels: std::collections::BTreeSet<&str> = access.tokens.iter().map(|token| token.label.as_str()).collect();
        assert_eq!(labels.len(), 30);
    }

    #[tokio::test]
    async fn documents_of_newer_versions_and_damaged_ones_are_refused() {
        let (register, engine) = registers("memory://").await;
        let raw = engine.register("access");
        raw.write(0, b"{\"format\": 2, \"people\": []}".to_vec()).await.unwrap();
        assert_eq!(register.load().await.unwrap_err().kind(), ErrorKind::Newer);
        assert_eq!(register.update(|_| Ok(())).await.unwrap_err().kind(), ErrorKind::Newer);
        raw.write(1, b"{\"format\": 1}".to_vec()).await.unwrap();
        assert_eq!(register.load().await.unwrap_err().kind(), ErrorKind::Corrupt);
        raw.write(2, b"nothing".to_vec()).await.unwrap();
        assert_eq!(register.load().await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
