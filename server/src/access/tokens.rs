//! What can be done with the tokens of [`Access`].

use std::collections::BTreeSet;

use engine::fault::{nearest, quoted};
use engine::{Error, ErrorKind, Result, text};

use super::accounts::{check_site, check_text, invalid};
use super::{Access, NewToken, Origin, SCOPES, Secret, SecretHash, Token, TokenState};

/// How long a token lives on after its replacement was made, in seconds, when nothing else is said: a day.
pub const DEFAULT_OVERLAP: i64 = 86_400;

impl Access {
    /// The token of this number.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none.
    pub fn token(&self, id: u64) -> Result<&Token> {
        self.tokens.iter().find(|token| token.id == id).ok_or_else(|| self.no_token(&id.to_string()))
    }

    /// The number of a token as somebody wrote it.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is no number of a token, with the nearest number, or the number of the token whose label it
    /// nearly is.
    pub fn token_id(&self, written: &str) -> Result<u64> {
        let id = written.trim().parse().ok().filter(|id| self.tokens.iter().any(|token| token.id == *id));
        id.ok_or_else(|| self.no_token(written))
    }

    fn no_token(&self, written: &str) -> Error {
        let by_label = nearest(written, self.tokens.iter().map(|token| token.label.as_str()))
            .and_then(|label| self.tokens.iter().rfind(|token| token.label == label));
        let ids: Vec<String> = self.tokens.iter().map(|token| token.id.to_string()).collect();
        let by_id = nearest(written, ids.iter().map(String::as_str))
            .and_then(|id| self.tokens.iter().find(|token| token.id.to_string() == id));
        let written = quoted(written);
        let message = match by_label.or(by_id) {
            Some(Token { id, label, .. }) => text!(
                "no token `{written}`; did you mean {id} (`{label}`)?",
                "aucun jeton `{written}` ; vouliez-vous dire {id} (`{label}`) ?"
            ),
            None => text!(
                "no token `{written}`; `assidu token list --all` shows all",
                "aucun jeton `{written}` ; `assidu token list --all` les montre tous"
            ),
        };
        Error::new(ErrorKind::NotFound, message)
    }

    /// The token with this secret, whatever its state. Every token is compared, so time tells nothing.
    pub fn find_token(&self, hash: &SecretHash) -> Option<&Token> {
        hash.position(self.tokens.iter().map(|token| &token.hash)).and_then(|idx| self.tokens.get(idx))
    }

    /// Makes a token with a new secret; the answer is its number.
    ///
    /// # Errors
    ///
    /// `Invalid` when the token could do nothing, more than its account may, or only in the past; `NotFound` when there
    /// is no such account.
    pub fn create_token(&mut self, new: &NewToken, secret: &Secret, now: i64) -> Result<u64> {
        self.check_token(new, now)?;
        self.add_token(new, Origin::Created, secret, now)
    }

    /// Makes a token with a secret that exists elsewhere; the answer is its number.
    ///
    /// # Errors
    ///
    /// Those of [`Access::create_token`] and [`Secret::import`]; `Invalid` when a token has or had this secret.
    pub fn import_token(&mut self, new: &NewToken, secret: &Secret, now: i64) -> Result<u64> {
        self.check_token(new, now)?;
        self.add_token(new, Origin::Imported, &Secret::import(secret.expose())?, now)
    }

    /// Makes the token that replaces another one: the same rights, for as long as the old one was given. The old one ends
    /// after the overlap, in seconds, or as planned if that is sooner.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such token; `Invalid` when it has ended, when `login/token.php` gave it, and when
    /// another one of the same chain is alive: there are never three.
    pub fn rotate_token(&mut self, id: u64, overlap: i64, secret: &Secret, now: i64) -> Result<u64> {
        let old = self.token(id)?.clone();
        self.check_rotation(&old, now)?;
        let lifetime = old.expires.map(|last| last.saturating_sub(old.created));
        let new = NewToken {
            label: old.label.clone(),
            account: old.account.clone(),
            service: old.service.clone(),
            scopes: old.scopes.clone(),
            sites: old.sites.clone(),
            expires: lifetime.map(|seconds| now.saturating_add(seconds)),
            addresses: old.addresses.clone(),
        };
        self.check_token(&new, now)?;
        let added = self.add_token(&new, Origin::Created, secret, now)?;
        let end = now.saturating_add(overlap.max(0));
        for token in &mut self.tokens {
            if token.id == added {
                token.replaces = Some(id);
            } else if token.id == id {
                token.expires = Some(token.expires.map_or(end, |last| last.min(end)));
            }
        }
        Ok(added)
    }

    fn check_rotation(&self, old: &Token, now: i64) -> Result<()> {
        let id = old.id;
        if old.origin == Origin::Login {
            return Err(invalid(text!(
                "token {id} comes from `login/token.php`: revoke it, and the next login makes another",
                "le jeton {id} vient de `login/token.php` : révoquez-le, la prochaine connexion en créera un autre"
            )));
        }
        if !old.is_alive(now) {
            return Err(invalid(text!(
                "token {id} has ended; `assidu token create` makes a new one",
                "le jeton {id} n'est plus valable ; `assidu token create` en crée un nouveau"
            )));
        }
        let chain = self.chain(id);
        let other = self.tokens.iter().find(|token| token.id != id && chain.contains(&token.id) && token.is_alive(now));
        match other {
            Some(Token { id: other, .. }) => Err(invalid(text!(
                "tokens {id} and {other} replace one another and both are alive; revoke one of them first",
                "les jetons {id} et {other} se remplacent l'un l'autre et sont tous deux valables ; révoquez d'abord l'un d'eux"
            ))),
            None => Ok(()),
        }
    }

    /// All tokens that replace this one or are replaced by it, over any number of steps, with itself.
    fn chain(&self, id: u64) -> BTreeSet<u64> {
        let mut chain = BTreeSet::from([id]);
        // Numbers grow, so one pass downwards finds what is replaced, and one upwards what replaces.
        for token in self.tokens.iter().rev().filter(|token| token.id <= id) {
            if let (true, Some(replaced)) = (chain.contains(&token.id), token.replaces) {
                chain.insert(replaced);
            }
        }
        for token in &self.tokens {
            if token.replaces.is_some_and(|replaced| chain.contains(&replaced)) {
                chain.insert(token.id);
            }
        }
        chain
    }

    /// Revokes a token; `false` when it was revoked before.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such token.
    pub fn revoke_token(&mut self, id: u64, now: i64) -> Result<bool> {
        self.token(id)?;
        let token = self.tokens.iter_mut().find(|token| token.id == id && token.revoked.is_none());
        Ok(token.map(|token| token.revoked = Some(now)).is_some())
    }

    /// Stores a token whose rights were checked.
    pub(super) fn add_token(&mut self, new: &NewToken, origin: Origin, secret: &Secret, now: i64) -> Result<u64> {
        let hash = secret.hash();
        if let Some(token) = self.find_token(&hash) {
            let id = token.id;
            return Err(invalid(match token.state(now) {
                TokenState::Active => text!("token {id} has this secret", "le jeton {id} a déjà ce secret"),
                TokenState::Expired | TokenState::Revoked => text!(
                    "token {id}, which has ended, had this secret; it cannot come back",
                    "le jeton {id}, qui n'est plus valable, avait ce secret ; il ne peut revenir"
                ),
            }));
        }
        let id = self.next_id;
        self.next_id = id.checked_add(1).ok_or_else(|| Error::bug("there are no more numbers of tokens"))?;
        self.tokens.push(Token {
            id,
            label: new.label.trim().to_owned(),
            origin,
            hash,
            hint: secret.hint(),
            account: new.account.as_deref().map(str::to_lowercase),
            service: new.service.clone(),
            scopes: new.scopes.clone(),
            sites: new.sites.clone(),
            created: now,
            expires: new.expires,
            addresses: new.addresses.clone(),
            revoked: None,
            replaces: None,
        });
        Ok(id)
    }

    fn check_token(&self, new: &NewToken, now: i64) -> Result<()> {
        if new.label.trim().is_empty() {
            return Err(invalid(text!(
                "a token needs a label that says what it is for",
                "un jeton a besoin d'un libellé qui dise à quoi il sert"
            )));
        }
        check_text(&new.label)?;
        if new.scopes.is_empty() {
            return Err(invalid(text!(
                "a token needs at least one scope: {SCOPES}",
                "un jeton a besoin d'au moins une portée : {SCOPES}"
            )));
        }
        if new.expires.is_some_and(|last| last < now) {
            return Err(invalid(text!("the token would have ended already", "le jeton serait déjà périmé")));
        }
        if let Some(service) = &new.service {
            check_service(service)?;
        }
        new.sites.iter().try_for_each(|site| check_site(site))?;
        match &new.account {
            Some(username) => self.check_against_account(new, username),
            None => Ok(()),
        }
    }

    /// A token that promises more than its account may would fail where nobody expects it.
    fn check_against_account(&self, new: &NewToken, username: &str) -> Result<()> {
        let account = self.account(username)?;
        let name = &account.username;
        if let Some(scope) = new.scopes.iter().find(|scope| !account.may(scope)) {
            return Err(invalid(text!(
                "the account `{name}` does not have the scope `{scope}`, so its token cannot have it",
                "le compte `{name}` n'a pas la portée `{scope}`, son jeton ne peut donc pas l'avoir"
            )));
        }
        let Some(own) = &account.site else { return Ok(()) };
        match new.sites.iter().find(|site| *site != own) {
            Some(site) => Err(invalid(text!(
                "the account `{name}` sees the site `{own}` only, not `{site}`",
                "le compte `{name}` ne voit que le site `{own}`, pas `{site}`"
            ))),
            None => Ok(()),
        }
    }
}

/// Short names of services, as Moodle allows them.
pub(super) fn check_service(service: &str) -> Result<()> {
    let plain = service.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if plain && (1..=255).contains(&service.len()) {
        return Ok(());
    }
    let service = quoted(service);
    Err(invalid(text!(
        "\"{service}\" is no short name of a service: letters, digits, `_`, `-` and `.`",
        "\"{service}\" n'est pas un nom abrégé de service : lettres, chiffres, `_`, `-` et `.`"
    )))
}

#[cfg(test)]
mod tests {
    use engine::Lang;

    use super::*;
    use crate::access::{NewAccount, Scope};

    fn new(scopes: &[&str]) -> NewToken {
        NewToken {
            label: "nightly".to_owned(),
            scopes: scopes.iter().map(|scope| scope.parse().unwrap()).collect(),
            ..NewToken::default()
        }
    }

    fn secret() -> Secret {
        Secret::generate().unwrap()
    }

    fn create(access: &mut Access, new: &NewToken) -> u64 {
        access.create_token(new, &secret(), 100).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().message(Lang::En).to_owned()
    }

    #[test]
    fn tokens_are_numbered_and_found_by_their_secret() {
        let mut access = Access::default();
        let (one, two) = (secret(), secret());
        assert_eq!(access.create_token(&new(&["sql"]), &one, 100).unwrap(), 1);
        assert_eq!(access.create_token(&new(&["etl:a", "statistics"]), &two, 100).unwrap(), 2);
        let found = access.find_token(&two.hash()).unwrap();
        assert_eq!((found.id, found.created, found.origin), (2, 100, Origin::Created));
        assert!(found.may(&Scope::Statistics) && !found.may(&Scope::Sql));
        assert!(found.hint.starts_with("asd_") && found.hint.chars().count() == 8, "{}", found.hint);
        assert_eq!(access.find_token(&secret().hash()), None);
        let json = serde_json::to_string(&access).unwrap();
        assert!(!json.contains(one.expose()) && !json.contains(two.expose()));
        assert_eq!(serde_json::from_str::<Access>(&json).unwrap(), access);
    }

    #[test]
    fn a_token_that_could_do_nothing_is_not_made() {
        let mut access = Access::default();
        let mut fails = |new: NewToken| message(access.create_token(&new, &secret(), 100));
        assert!(fails(new(&[])).ends_with("statistics, etl, etl:INSTANCE, sql, admin"));
        assert!(fails(NewToken { label: " ".to_owned(), ..new(&["sql"]) }).starts_with("a token needs a label"));
        assert!(fails(NewToken { label: "a\nb".to_owned(), ..new(&["sql"]) }).contains("more than one line"));
        assert_eq!(fails(NewToken { expires: Some(99), ..new(&["sql"]) }), "the token would have ended already");
        assert!(fails(NewToken { service: Some("a b".to_owned()), ..new(&["sql"]) }).starts_with("\"a b\" is no"));
        assert!(fails(NewToken { sites: vec![String::new()], ..new(&["sql"]) }).starts_with("\"\" is no name"));
        let error = fails(NewToken { account: Some("ada".to_owned()), ..new(&["sql"]) });
        assert!(error.starts_with("no account `ada`"), "{error}");
        assert_eq!(access, Access::default());
    }

    #[test]
    fn a_token_has_no_more_than_its_account() {
        let mut access = Access::default();
        let ada =
            NewAccount { scopes: [Scope::Etl(None)].into(), site: Some("campus".to_owned()), ..NewAccount::new("ada") };
        access.create_account(&ada, 5).unwrap();
        let of_ada = |scope: &str, site: &str| NewToken {
            account: Some("ADA".to_owned()),
            sites: vec![site.to_owned()],
            ..new(&[scope])
        };
        let error = message(access.create_token(&of_ada("sql", "campus"), &secret(), 100));
        assert!(error.starts_with("the account `ada` does not have the scope `sql`"), "{error}");
        let error = message(access.create_token(&of_ada("etl:crm", "north"), &secret(), 100));
        assert_eq!(error, "the account `ada` sees the site `campus` only, not `north`");
        let id = create(&mut access, &of_ada("etl:crm", "campus"));
        assert_eq!(access.token(id).unwrap().account.as_deref(), Some("ada"));
    }

    #[test]
    fn an_imported_secret_stays_what_it_was_and_never_comes_back() {
        let mut access = Access::default();
        let moodle = Secret::new("0123456789abcdef0123456789abcdef");
        let id = access.import_token(&new(&["statistics"]), &moodle, 100).unwrap();
        let token = access.find_token(&moodle.hash()).unwrap();
        assert_eq!((token.id, token.hint.as_str(), token.origin), (id, "0123…", Origin::Imported));
        assert_eq!(message(access.import_token(&new(&["sql"]), &moodle, 100)), "token 1 has this secret");
        access.revoke_token(id, 200).unwrap();
        let error = message(access.import_token(&new(&["sql"]), &moodle, 300));
        assert!(error.ends_with("it cannot come back"), "{error}");
        let error = message(access.import_token(&new(&["sql"]), &Secret::new("short"), 300));
        assert!(error.starts_with("the imported secret must be 16 to 256"), "{error}");
        assert_eq!(access.tokens.len(), 1);
    }

    #[test]
    fn a_replacement_has_the_same_rights_and_the_old_one_ends() {
        let mut access = Access::default();
        let rights = NewToken {
            service: Some("stats".to_owned()),
            sites: vec!["campus".to_owned()],
            addresses: "10.1.".parse().unwrap(),
            expires: Some(100_100),
            ..new(&["statistics"])
        };
        create(&mut access, &rights);
        let next = secret();
        assert_eq!(access.rotate_token(1, DEFAULT_OVERLAP, &next, 1_000).unwrap(), 2);
        let (old, new) = (access.token(1).unwrap(), access.token(2).unwrap());
        // Given for 100,000 seconds, so its replacement is too; the old one has a day.
        assert_eq!((old.expires, new.expires, new.created), (Some(87_400), Some(101_000), 1_000));
        assert_eq!((new.replaces, old.replaces), (Some(1), None));
        let rights_of = |token: &Token| {
            (
                token.label.clone(),
                token.service.clone(),
                token.scopes.clone(),
                token.sites.clone(),
                token.addresses.clone(),
            )
        };
        assert_eq!(rights_of(old), rights_of(new));
        assert_eq!(access.find_token(&next.hash()).unwrap().id, 2);
    }

    #[test]
    fn an_overlap_never_prolongs_and_may_be_nothing() {
        let mut access = Access::default();
        create(&mut access, &NewToken { expires: Some(500), ..new(&["sql"]) });
        access.rotate_token(1, DEFAULT_OVERLAP, &secret(), 200).unwrap();
        assert_eq!(access.token(1).unwrap().expires, Some(500));
        create(&mut access, &new(&["sql"]));
        access.rotate_token(3, -5, &secret(), 200).unwrap();
        assert_eq!(access.token(3).unwrap().expires, Some(200));
        assert_eq!(access.token(4).unwrap().expires, None);
    }

    #[test]
    fn two_of_a_chain_are_alive_at_most() {
        let mut access = Access::default();
        create(&mut access, &new(&["sql"]));
        access.rotate_token(1, 50, &secret(), 1_000).unwrap();
        for id in [1, 2] {
            let error = message(access.rotate_token(id, 50, &secret(), 1_050));
            assert!(error.starts_with(&format!("tokens {id} and {} replace one another", 3 - id)), "{error}");
        }
        assert!(message(access.rotate_token(1, 50, &secret(), 1_051)).starts_with("token 1 has ended"));
        access.rotate_token(2, 50, &secret(), 1_051).unwrap();
        // The first of three has ended; revoking the second leaves one.
        assert!(access.rotate_token(3, 50, &secret(), 1_052).is_err());
        access.revoke_token(2, 1_053).unwrap();
        access.rotate_token(3, 50, &secret(), 1_054).unwrap();
        assert_eq!(access.tokens.iter().filter(|token| token.is_alive(1_054)).count(), 2);
        assert_eq!(access.chain(4), BTreeSet::from([1, 2, 3, 4]));
        assert_eq!(access.chain(1), access.chain(4));
    }

    #[test]
    fn tokens_of_logins_are_not_replaced() {
        let mut access = Access::default();
        access.add_token(&new(&["sql"]), Origin::Login, &secret(), 100).unwrap();
        assert!(message(access.rotate_token(1, 50, &secret(), 100)).contains("login/token.php"));
    }

    #[test]
    fn a_token_is_revoked_once() {
        let mut access = Access::default();
        create(&mut access, &new(&["sql"]));
        assert!(access.revoke_token(1, 200).unwrap() && !access.revoke_token(1, 300).unwrap());
        assert_eq!(access.token(1).unwrap().revoked, Some(200));
        assert_eq!(access.revoke_token(2, 300).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn an_unknown_number_is_told_with_the_nearest() {
        let mut access = Access::default();
        assert!(message(access.token_id("1")).contains("`assidu token list --all`"));
        create(&mut access, &new(&["sql"]));
        assert_eq!(access.token_id(" 1 ").unwrap(), 1);
        assert_eq!(message(access.token_id("12")), "no token `12`; did you mean 1 (`nightly`)?");
        assert_eq!(message(access.token_id("nighty")), "no token `nighty`; did you mean 1 (`nightly`)?");
        let error = access.token_id("nightly").unwrap_err();
        assert_eq!(error.message(Lang::Fr), "aucun jeton `nightly` ; vouliez-vous dire 1 (`nightly`) ?");
    }
}
