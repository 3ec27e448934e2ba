//! [`AccessRegister`]: the documents of accounts and of last uses in a store, and how processes change them together.

use std::time::Duration;

use engine::store::Register;
use engine::{Engine, Result};

use super::secret::random;
use super::{Access, Usage};

/// The registers of accounts, tokens and last uses of one store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct AccessRegister {
    access: Register,
    usage: Register,
}

impl AccessRegister {
    /// The registers of the store behind this engine.
    pub fn new(engine: &Engine) -> Self {
        Self { access: engine.register("access"), usage: engine.register("access/use") }
    }

    /// Accounts and tokens as they are now; none when nobody has written any.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached, `Newer` or `Corrupt` when the document cannot be read.
    pub async fn load(&self) -> Result<Access> {
        Ok(self.access.read_document().await?.1)
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
        self.access.read_document().await
    }

    /// Changes accounts and tokens. When another process writes at the same time, the change is made anew on what that
    /// one wrote, so nothing is lost. A change that changes nothing writes nothing.
    ///
    /// # Errors
    ///
    /// The error of the change, after which nothing is written; those of [`AccessRegister::load`]; `Conflict` when
    /// others write without a pause.
    pub async fn update<T>(&self, change: impl FnMut(&mut Access) -> Result<T>) -> Result<T> {
        self.access.update_document(pause, change).await
    }

    /// Last uses of the tokens.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::load`].
    pub async fn usage(&self) -> Result<Usage> {
        Ok(self.usage.read_document().await?.1)
    }

    /// Adds last uses to those that are stored; the later one of each token counts.
    ///
    /// # Errors
    ///
    /// Those of [`AccessRegister::update`].
    pub async fn merge_usage(&self, usage: &Usage) -> Result<()> {
        let merge = |stored: &mut Usage| {
            stored.merge(usage);
            Ok(())
        };
        self.usage.update_document(pause, merge).await
    }
}

/// Up to 50 milliseconds, by chance, so that those who met do not meet again.
fn pause(attempt: u32) -> Duration {
    let [chance] = random().unwrap_or_default();
    Duration::from_millis(u64::from(chance) % u64::from((attempt + 1) * 5).min(50))
}

#[cfg(test)]
mod tests {
    use engine::ErrorKind;

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
