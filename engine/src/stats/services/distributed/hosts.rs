//! [`Hosts`]: the sites that know each other, by their roots.

use arrow::array::RecordBatch;
use futures::TryStreamExt;

use crate::error::Result;
use crate::stats::Stats;
use crate::stats::lookup::{ints, texts};

/// Number of a site's own row in its table of hosts.
const OWN: i64 = 1;

/// Sites known by configuration; those of the site's table `mnet_host` are known besides, where it is loaded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hosts {
    /// Roots of this site itself.
    pub own: Vec<String>,
    /// Roots of other sites that may call. Accounts of such a site are found only where `mnet_host` has a row for it.
    pub known: Vec<String>,
}

impl Hosts {
    /// Whether a root is that of this site.
    pub fn is_own(&self, root: &str) -> bool {
        self.own.iter().any(|own| same_root(own, root))
    }
}

/// Whether two roots are those of one site: without regard to a slash at the end, blanks around, and the case of
/// scheme and host. The empty root is nobody's.
pub fn same_root(one: &str, other: &str) -> bool {
    let (one, other) = (root(one), root(other));
    !one.is_empty() && one == other
}

/// A root in the form in which it is compared.
fn root(text: &str) -> String {
    let text = text.trim().trim_end_matches('/');
    let host = text.find("://").map_or(0, |at| at + 3);
    let end = text[host..].find('/').map_or(text.len(), |at| host + at);
    let (site, path) = text.split_at(end);
    site.to_lowercase() + path
}

/// The hosts of a call with their numbers, as accounts name them.
pub(super) struct HostTable<'a> {
    hosts: &'a Hosts,
    rows: Vec<(i64, String)>,
    own: Vec<i64>,
}

impl HostTable<'_> {
    /// Whether a site may call.
    pub(super) fn is_known(&self, root: &str) -> bool {
        self.number(root).is_some() || self.hosts.known.iter().any(|known| same_root(known, root))
    }

    /// Whether an account of this number of a host belongs to the site of the root.
    pub(super) fn is_home(&self, number: i64, root: &str) -> bool {
        match self.number(root) {
            Some(home) if self.own.contains(&home) => self.is_own(number),
            home => home == Some(number),
        }
    }

    /// Whether an account of this number of a host is one of this site. Tables without hosts hold only such accounts.
    pub(super) fn is_own(&self, number: i64) -> bool {
        number == 0 || self.own.contains(&number)
    }

    fn number(&self, root: &str) -> Option<i64> {
        let row = self.rows.iter().find(|(_, known)| same_root(known, root)).map(|(id, _)| *id);
        row.or_else(|| self.own.first().copied().filter(|_| self.hosts.is_own(root)))
    }
}

impl Stats {
    /// The hosts of a call beside those of the site's table.
    pub(super) async fn host_table<'a>(&self, hosts: &'a Hosts) -> Result<HostTable<'a>> {
        let mut rows = Vec::new();
        if self.has_table("mnet_host") {
            let sql = "SELECT id, wwwroot FROM mnet_host WHERE coalesce(deleted, 0) <> 1 ORDER BY id";
            let batches: Vec<RecordBatch> = self.session().query(sql).await?.try_collect().await?;
            for batch in batches {
                let roots = texts(&batch, "wwwroot").into_iter().map(Option::unwrap_or_default);
                rows.extend(ints(&batch, "id").into_iter().zip(roots));
            }
        }
        let mut own: Vec<i64> = rows.iter().filter(|(_, root)| hosts.is_own(root)).map(|(id, _)| *id).collect();
        if own.is_empty() {
            own.push(OWN);
        }
        Ok(HostTable { hosts, rows, own })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_are_compared_by_what_they_mean() {
        for (one, other) in [
            ("https://moodle.example.org", "https://moodle.example.org/"),
            ("HTTPS://Moodle.Example.ORG/Campus", "https://moodle.example.org/Campus/"),
            (" https://moodle.example.org ", "https://moodle.example.org"),
        ] {
            assert!(same_root(one, other), "{one} {other}");
        }
        for (one, other) in [
            ("", ""),
            ("/", ""),
            ("https://moodle.example.org/a", "https://moodle.example.org/A"),
            ("http://moodle.example.org", "https://moodle.example.org"),
            ("https://moodle.example.org.evil.example", "https://moodle.example.org"),
            ("https://", "https://é"),
        ] {
            assert!(!same_root(one, other), "{one} {other}");
        }
    }

    #[test]
    fn an_account_is_at_home_where_its_number_says() {
        let hosts = Hosts { own: vec!["https://a.example".to_owned()], known: vec!["https://c.example".to_owned()] };
        let rows = vec![(1, "https://a.example".to_owned()), (2, String::new()), (3, "https://b.example".to_owned())];
        let table = HostTable { hosts: &hosts, rows, own: vec![1] };
        assert!(table.is_home(1, "https://a.example/") && table.is_home(0, "https://a.example"));
        assert!(table.is_home(3, "https://B.example") && !table.is_home(1, "https://b.example"));
        assert!(table.is_known("https://c.example") && !table.is_home(1, "https://c.example"));
        assert!(!table.is_known("") && !table.is_known("https://d.example") && !table.is_home(2, ""));
    }

    #[test]
    fn without_a_table_accounts_are_those_of_the_site() {
        let hosts = Hosts { own: vec!["https://a.example".to_owned()], known: Vec::new() };
        let table = HostTable { hosts: &hosts, rows: Vec::new(), own: vec![OWN] };
        assert!(table.is_home(1, "https://a.example") && !table.is_home(4, "https://a.example"));
        assert!(!table.is_home(1, "https://b.example"));
    }
}
