//! [`Pseudonyms`]: the pseudonyms of the users of one site for one consumer.

use std::sync::Arc;

use hmac::Mac;

use super::key::PseudonymKey;
use super::permutation::{Permutation, keyed};

/// What makes a key of one use from the consumer's key; the number is that of the method.
const PURPOSE: &[u8] = b"assidu pseudonym 1";

/// Entries of a [`Memo`]; a power of two.
const MEMO: usize = 4096;

/// The pseudonyms of the users of one site, as one consumer sees them.
///
/// The numbers of a site's users, from 1 to 2⁵² − 1, are mapped one to one onto the same range. Different consumers
/// and different sites have permutations that have nothing to do with each other: user 3 of one site is somebody else
/// than user 3 of another one.
#[derive(Debug, Clone)]
pub struct Pseudonyms {
    users: Permutation,
    contexts: Permutation,
}

/// Which numbers are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    /// Numbers of users.
    Users,
    /// Numbers of contexts.
    Contexts,
}

impl Pseudonyms {
    /// The pseudonyms of a site's users under a consumer's key.
    pub fn new(key: &PseudonymKey, site: &str) -> Self {
        let of = |domain| Permutation::new(&derived(key, domain, site));
        Self { users: of("user"), contexts: of("context") }
    }

    /// The pseudonym of a user.
    ///
    /// 0 and negative numbers are nobody's and stay as they are. `None` for numbers from 2⁵² on, which no site gives
    /// and for which there is no pseudonym.
    pub fn user(&self, id: i64) -> Option<i64> {
        self.number(Domain::Users, id)
    }

    /// The text that stands for a user: `user-` and the pseudonym. `None` for nobody.
    pub fn handle(&self, id: i64) -> Option<String> {
        handle(self.user(id))
    }

    pub(super) fn number(&self, domain: Domain, id: i64) -> Option<i64> {
        let permutation = match domain {
            Domain::Users => &self.users,
            Domain::Contexts => &self.contexts,
        };
        match u64::try_from(id) {
            Ok(0) | Err(_) => Some(id),
            Ok(id) => permutation.apply(id).and_then(|found| i64::try_from(found).ok()),
        }
    }
}

/// The text that stands for a pseudonym; `None` for nobody.
pub(super) fn handle(pseudonym: Option<i64>) -> Option<String> {
    pseudonym.filter(|number| *number > 0).map(|number| format!("user-{number}"))
}

/// The key of one use. The parts end with a zero byte, which no name has, so no two uses share a text.
fn derived(key: &PseudonymKey, domain: &str, site: &str) -> [u8; 32] {
    let mut mac = keyed(key.bytes());
    for part in [PURPOSE, b"\0", domain.as_bytes(), b"\0", site.as_bytes()] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// The pseudonyms that one reader of rows met last: users come in runs, or come back.
#[derive(Debug)]
pub(super) struct Memo {
    pseudonyms: Arc<Pseudonyms>,
    domain: Domain,
    slots: Vec<Option<(i64, Option<i64>)>>,
}

impl Memo {
    pub(super) fn new(pseudonyms: &Arc<Pseudonyms>, domain: Domain) -> Self {
        Self { pseudonyms: Arc::clone(pseudonyms), domain, slots: Vec::new() }
    }

    /// As [`Pseudonyms::number`].
    pub(super) fn number(&mut self, id: i64) -> Option<i64> {
        if self.slots.is_empty() {
            self.slots = vec![None; MEMO];
        }
        let domain = self.domain;
        // The low bits say where a number is kept.
        let at = usize::try_from(id.unsigned_abs() % MEMO as u64).unwrap_or_default();
        match self.slots.get_mut(at) {
            Some(Some((known, number))) if *known == id => *number,
            Some(slot) => {
                let number = self.pseudonyms.number(domain, id);
                *slot = Some((id, number));
                number
            }
            None => self.pseudonyms.number(domain, id),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The bytes 0, 1, 2 … 31.
    fn counting_key() -> PseudonymKey {
        PseudonymKey::from_bytes(std::array::from_fn(|at| u8::try_from(at).unwrap()))
    }

    /// Numbers computed by Python, whose `hmac` and `hashlib` know nothing of this code:
    ///
    /// ```python
    /// import hmac, struct
    /// mac = lambda key, text: hmac.new(key, text, "sha256").digest()
    /// def pseudonym(key, domain, site, number):
    ///     key = mac(key, b"assidu pseudonym 1\0" + domain + b"\0" + site)
    ///     left, right = number >> 26, number & 0x3ffffff
    ///     for i in range(10):
    ///         f = struct.unpack(">I", mac(key, bytes([i]) + struct.pack(">I", right))[:4])[0] & 0x3ffffff
    ///         left, right = right, left ^ f
    ///     return left << 26 | right
    /// print(pseudonym(bytes(range(32)), b"user", b"main", 1))
    /// ```
    #[test]
    fn pseudonyms_are_those_of_another_implementation() {
        let numbers = [1, 2, 3, 1_000_000, (1 << 52) - 1];
        let main = Pseudonyms::new(&counting_key(), "main");
        let campus = Pseudonyms::new(&counting_key(), "campus");
        assert_eq!(
            numbers.map(|number| main.user(number).unwrap()),
            [
                2_373_058_845_096_166,
                543_189_640_378_185,
                702_905_899_152_881,
                4_361_095_464_115_430,
                3_709_363_659_066_068
            ]
        );
        assert_eq!(
            numbers.map(|number| campus.user(number).unwrap()),
            [
                1_906_239_453_389_495,
                377_211_738_448_732,
                2_350_068_526_067_198,
                1_761_450_911_702_524,
                4_167_660_544_336_513
            ]
        );
        assert_eq!(
            numbers.map(|number| main.number(Domain::Contexts, number).unwrap()),
            [
                1_176_341_050_804_096,
                1_611_009_964_795_570,
                3_937_377_345_950_863,
                2_808_330_979_544_049,
                3_706_009_299_756_943
            ]
        );
        let other = Pseudonyms::new(&PseudonymKey::from_bytes([7; 32]), "main");
        assert_eq!(
            [1, 2, 3].map(|number| other.user(number).unwrap()),
            [4_341_847_734_484_528, 1_819_688_826_171_838, 2_382_734_731_642_996]
        );
    }

    #[test]
    fn nobody_stays_nobody_and_impossible_numbers_vanish() {
        let pseudonyms = Pseudonyms::new(&counting_key(), "main");
        for id in [0, -1, -20, i64::MIN] {
            assert_eq!(pseudonyms.user(id), Some(id));
            assert_eq!(pseudonyms.handle(id), None);
        }
        for id in [1 << 52, i64::MAX] {
            assert_eq!(pseudonyms.user(id), None);
            assert_eq!(pseudonyms.handle(id), None);
        }
        assert_eq!(pseudonyms.handle(3).as_deref(), Some("user-702905899152881"));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let key = counting_key();
        let printed = format!("{:?}", Pseudonyms::new(&key, "main"));
        assert_eq!(printed, "Pseudonyms { users: Permutation(•••), contexts: Permutation(•••) }");
    }

    proptest! {
        /// What is remembered is what is computed, whatever comes in between.
        #[test]
        fn a_memo_changes_nothing(ids in proptest::collection::vec(-3_i64..20_000, 1..200)) {
            let pseudonyms = Arc::new(Pseudonyms::new(&counting_key(), "main"));
            let mut memo = Memo::new(&pseudonyms, Domain::Users);
            for id in ids.iter().chain(&ids) {
                prop_assert_eq!(memo.number(*id), pseudonyms.user(*id));
            }
        }
    }
}
