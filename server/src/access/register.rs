//! [`AccessRegister`]: the document of accounts and tokens in the store, and when tokens were used.

use std::collections::BTreeMap;

use engine::store::Register;
use engine::{Engine, Error, ErrorKind, text};
use serde::{Deserialize, Serialize};

use super::Access;

/// How often a change is tried again when another process was faster.
const TRIES: usize = 50;

/// When a token was used last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct TokenUse {
    /// Unix seconds; 0 for never.
    pub last_use: i64,
    /// From where.
    pub last_address: String,
    /// Whether somebody tried it after its end: Moodle forgets such a token.
    #[serde(default)]
    pub was_refused: bool,
}

impl TokenUse {
    /// The later of two uses.
    pub(super) fn merge(&mut self, other: &Self) {
        let was_refused = self.was_refused || other.was_refused;
        if other.last_use > self.last_use {
            self.clone_from(other);
        }
        self.was_refused = was_refused;
    }
}

/// Accounts and tokens of a store.
#[derive(Debug, Clone)]
pub struct AccessRegister {
    document: Register,
    uses: Register,
}

impl AccessRegister {
    /// Those of a store.
    pub fn new(engine: &Engine) -> Self {
        Self { document: engine.register("access"), uses: engine.register("access/use") }
    }

    /// Number of the newest version.
    pub(super) async fn version(&self) -> Result<u64, Error> {
        self.document.version().await
    }

    /// The newest document and its version.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be read, `Corrupt` or `Newer` for a document that cannot be understood.
    pub async fn load(&self) -> Result<(u64, Access), Error> {
        match self.document.read().await? {
            Some(entry) => Ok((entry.version, Access::from_bytes(&entry.bytes)?)),
            None => Ok((0, Access::default())),
        }
    }

    /// Changes the document; when another process is faster, the change is made to what it wrote.
    ///
    /// # Errors
    ///
    /// Those of `change`, and those of the store.
    pub async fn update<T>(&self, mut change: impl FnMut(&mut Access) -> Result<T, Error>) -> Result<T, Error> {
        for _ in 0..TRIES {
            let (version, mut access) = self.load().await?;
            let answer = change(&mut access)?;
            if self.document.write(version, bytes(&access)?).await? {
                return Ok(answer);
            }
        }
        Err(Error::new(
            ErrorKind::Conflict,
            text!(
                "other processes change accounts and tokens all the time; nothing was changed, run it again",
                "d'autres processus changent sans cesse les comptes et jetons ; rien n'a été changé, recommencez"
            ),
        ))
    }

    /// Uses by number of the token.
    ///
    /// # Errors
    ///
    /// As [`AccessRegister::load`].
    pub async fn uses(&self) -> Result<BTreeMap<u64, TokenUse>, Error> {
        Ok(self.read_uses().await?.1)
    }

    async fn read_uses(&self) -> Result<(u64, BTreeMap<u64, TokenUse>), Error> {
        match self.uses.read().await? {
            // Uses are hints: one that cannot be read is no reason to stop.
            Some(entry) => Ok((entry.version, serde_json::from_slice(&entry.bytes).unwrap_or_default())),
            None => Ok((0, BTreeMap::new())),
        }
    }

    /// Adds uses to those that are known.
    pub(super) async fn add_uses(&self, new: &BTreeMap<u64, TokenUse>) -> Result<(), Error> {
        for _ in 0..TRIES {
            let (version, mut uses) = self.read_uses().await?;
            for (id, token_use) in new {
                uses.entry(*id).or_default().merge(token_use);
            }
            if self.uses.write(version, bytes(&uses)?).await? {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn bytes(value: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(value).map_err(|error| Error::bug("a register cannot be written").because(error))
}
