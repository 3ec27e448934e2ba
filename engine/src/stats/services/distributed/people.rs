//! The calling user and the user who is asked about.

use datafusion::common::ScalarValue;

use super::call::{CallingUser, Capability};
use super::fault::{DistributedFault, DistributedResult, status};
use super::hosts::{HostTable, Hosts};
use crate::error::Result;
use crate::stats::Stats;
use crate::stats::lookup::{ints, texts};
use crate::time::Exactness;

/// The user that an answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Login name.
    pub username: String,
    /// First name.
    pub firstname: String,
    /// Last name; empty in the exact arithmetic, where the plugin prints a variable that does not exist.
    pub lastname: String,
    /// The identifier given by the institution; may be empty.
    pub idnumber: String,
}

/// An account with its number and its home.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) person: Person,
    home: i64,
}

impl Stats {
    /// Checks the caller of a distributed function, in the documented order. The calls that this site answers itself
    /// do so first; ask it before a call is passed on to another site.
    ///
    /// # Errors
    ///
    /// A refusal of [`Stage::Caller`](super::Stage::Caller): a missing key, an empty name, an unknown calling site, a
    /// user without account, a missing capability.
    pub async fn check_caller(
        &self,
        calling: &CallingUser,
        hosts: &Hosts,
        capability: Capability,
        exactness: Exactness,
    ) -> DistributedResult<()> {
        let refused = |status, text: &str| Err(DistributedFault::caller(status, text).into());
        let (Some(username), Some(userhost), Some(host)) = (&calling.username, &calling.userhost, &calling.host) else {
            return refused(status::USER, "Bad client user format.");
        };
        if username.is_empty() {
            return refused(status::USER, "Empty username.");
        }
        let table = self.host_table(hosts).await?;
        if !table.is_known(host) {
            return refused(status::FAILURE, "Calling host is not registered. Check MNET configuration");
        }
        let accounts = self.accounts(username).await?;
        if !accounts.iter().any(|account| table.is_home(account.home, userhost)) {
            return refused(status::USER, "Calling user has no local account. Register remote user first");
        }
        if capability == Capability::Missing && exactness == Exactness::Corrected {
            return refused(status::CAPABILITY, "Local user's identity has no capability to run");
        }
        Ok(())
    }

    /// The account of a user who is asked about: that of this site, or else the oldest one from elsewhere.
    pub(super) async fn target(&self, username: &str, hosts: &Hosts) -> DistributedResult<Account> {
        let table: HostTable<'_> = self.host_table(hosts).await?;
        let accounts = self.accounts(username).await?;
        let found = accounts.into_iter().min_by_key(|account| (!table.is_own(account.home), account.id));
        found.ok_or_else(|| DistributedFault::call(status::RECORD, "Target user does not exist.").into())
    }

    /// The accounts of a login name that are not deleted; each home site may have one.
    async fn accounts(&self, username: &str) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        if !self.has_table("user") {
            return Ok(accounts);
        }
        let sql = "SELECT id, username, firstname, lastname, idnumber, mnethostid FROM \"user\" \
             WHERE username IN ({}) AND coalesce(deleted, 0) <> 1";
        for batch in self.rows_of(sql, &[ScalarValue::Utf8(Some(username.to_owned()))]).await? {
            let (id, home) = (ints(&batch, "id"), ints(&batch, "mnethostid"));
            let [username, firstname, lastname, idnumber] =
                ["username", "firstname", "lastname", "idnumber"].map(|name| texts(&batch, name));
            for row in 0..batch.num_rows() {
                let text = |texts: &[Option<String>]| texts[row].clone().unwrap_or_default();
                let person = Person {
                    username: text(&username),
                    firstname: text(&firstname),
                    lastname: text(&lastname),
                    idnumber: text(&idnumber),
                };
                accounts.push(Account { id: id[row], person, home: home[row] });
            }
        }
        Ok(accounts)
    }
}
