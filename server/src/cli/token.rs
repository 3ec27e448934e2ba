//! `token`: secrets of programs that use the server.

use chrono_tz::Tz;
use engine::time::{self, DayEdge};
use engine::{Lang, Text, text};
use serde::Serialize;

use super::args::{Globals, NewTokenArgs, TokenVerb};
use super::config;
use super::exit::{Exit, Failure};
use super::{Console, ask, flags, numbers, open};
use crate::access::{AccessRegister, NewToken, Origin, SCOPES, Scope, Secret, Token, TokenState, TokenUse, Usage};
use crate::encode::draw;

/// Runs a verb of `token`.
pub(crate) async fn run(verb: &TokenVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    match verb {
        TokenVerb::Create(args) => create(args, globals, now, console).await?,
        TokenVerb::List { all, json } => {
            let register = AccessRegister::new(&open::open_existing(globals.store()).await?);
            list(&register, None, (*all, *json), now, console).await?;
        }
        TokenVerb::Rotate { id, overlap } => rotate(id, overlap, globals, now, console).await?,
        TokenVerb::Revoke { id } => {
            revoke(id, &AccessRegister::new(&open::open_existing(globals.store()).await?), now, console).await?
        }
    }
    Ok(Exit::Done)
}

/// The scopes of repeated flags.
pub(super) fn scopes<C: FromIterator<Scope>>(words: &[String]) -> Result<C, Failure> {
    words.iter().map(|word| word.parse::<Scope>().map_err(|error| usage("scope", &error))).collect()
}

fn usage(flag: &str, error: &engine::Error) -> Failure {
    let (en, fr) = (error.message(Lang::En), error.message(Lang::Fr));
    Failure::Usage(text!("`--{flag}`: {en}", "`--{flag}` : {fr}"))
}

async fn create(args: &NewTokenArgs, globals: &Globals, now: i64, console: &mut Console) -> Result<(), Failure> {
    if args.scope.is_empty() {
        return Err(Failure::Usage(text!(
            "say what the token may do, with one `--scope` or more: {SCOPES}",
            "dites ce que le jeton peut faire, par un ou plusieurs `--scope` : {SCOPES}"
        )));
    }
    let zone = config::load(globals)?.zone.0;
    let new = NewToken {
        label: args.label.clone(),
        account: args.account.clone(),
        service: args.service.clone(),
        scopes: scopes(&args.scope)?,
        sites: args.site.clone(),
        expires: flags::parse("expires", args.expires.as_deref(), |value| expiry(value, zone, now))?,
        addresses: match &args.addresses {
            Some(list) => list.parse().map_err(|error| usage("addresses", &error))?,
            None => Default::default(),
        },
    };
    let secret = if args.import { ask::secret(console)? } else { Secret::generate()? };
    let register = AccessRegister::new(&open::open(globals.store()).await?);
    let id = register
        .update(|access| match args.import {
            true => access.import_token(&new, &secret, now),
            false => access.create_token(&new, &secret, now),
        })
        .await?;
    let label = new.label.trim();
    if args.import {
        console.say(&text!(
            "token {id} (`{label}`): the secret can be used from now on",
            "jeton {id} (`{label}`) : le secret est utilisable dès maintenant"
        ));
        return Ok(());
    }
    console.say(&text!(
        "token {id} (`{label}`); its secret is shown this once:",
        "jeton {id} (`{label}`) ; son secret n'est montré que cette fois :"
    ));
    show(&secret, console)
}

/// The only place that prints a secret.
fn show(secret: &Secret, console: &mut Console) -> Result<(), Failure> {
    let line = format!("{}\n", secret.expose());
    Ok(console.data(&line)?)
}

/// The last second of a token: that of a day, a moment, or so long from now.
fn expiry(value: &str, zone: Tz, now: i64) -> Result<i64, Text> {
    let last = time::moment(value, zone, DayEdge::Last)
        .or_else(|| flags::duration(value).ok().map(|seconds| now.saturating_add(seconds)));
    match last {
        Some(last) if last >= now => Ok(last),
        Some(_) => Err(text!("\"{value}\" lies in the past", "\"{value}\" est dans le passé")),
        None => Err(text!(
            "write a date such as 2030-12-31, RFC 3339, or a duration such as 90d",
            "écrivez une date comme 2030-12-31, RFC 3339, ou une durée comme 90d"
        )),
    }
}

async fn rotate(id: &str, overlap: &str, globals: &Globals, now: i64, console: &mut Console) -> Result<(), Failure> {
    let overlap = flags::parse("overlap", Some(overlap), flags::duration)?.unwrap_or_default();
    let register = AccessRegister::new(&open::open_existing(globals.store()).await?);
    let secret = Secret::generate()?;
    let (old, new) = register
        .update(|access| {
            let old = access.token_id(id)?;
            let new = access.rotate_token(old, overlap, &secret, now)?;
            Ok((access.token(old)?.clone(), new))
        })
        .await?;
    let (id, label, end) = (old.id, &old.label, old.expires.map(numbers::instant).unwrap_or_default());
    console.say(&text!(
        "token {new} replaces token {id} (`{label}`), which can be used until {end}; its secret is shown this once:",
        "le jeton {new} remplace le jeton {id} (`{label}`), utilisable jusqu'au {end} ; son secret n'est montré que cette fois :"
    ));
    show(&secret, console)
}

async fn revoke(id: &str, register: &AccessRegister, now: i64, console: &mut Console) -> Result<(), Failure> {
    let (id, label, changed) = register
        .update(|access| {
            let id = access.token_id(id)?;
            let changed = access.revoke_token(id, now)?;
            Ok((id, access.token(id)?.label.clone(), changed))
        })
        .await?;
    console.say(&match changed {
        true => text!("token {id} (`{label}`) is revoked", "le jeton {id} (`{label}`) est révoqué"),
        false => text!("token {id} (`{label}`) was revoked before", "le jeton {id} (`{label}`) était déjà révoqué"),
    });
    Ok(())
}

#[derive(Debug, Serialize)]
struct TokenJson<'a> {
    id: u64,
    label: &'a str,
    hint: &'a str,
    origin: Origin,
    state: TokenState,
    scopes: Vec<String>,
    account: Option<&'a str>,
    service: Option<&'a str>,
    sites: &'a [String],
    addresses: String,
    created: String,
    expires: Option<String>,
    revoked: Option<String>,
    replaces: Option<u64>,
    last_use: Option<String>,
    last_address: Option<String>,
}

impl<'a> TokenJson<'a> {
    fn new(token: &'a Token, usage: &Usage, now: i64) -> Self {
        let TokenUse { last_use, last_address, .. } = usage.of(token.id);
        Self {
            id: token.id,
            label: &token.label,
            hint: &token.hint,
            origin: token.origin,
            state: token.state(now),
            scopes: token.scopes.iter().map(Scope::to_string).collect(),
            account: token.account.as_deref(),
            service: token.service.as_deref(),
            sites: &token.sites,
            addresses: token.addresses.to_string(),
            created: numbers::instant(token.created),
            expires: token.expires.map(numbers::instant),
            revoked: token.revoked.map(numbers::instant),
            replaces: token.replaces,
            last_use: last_use.map(numbers::instant),
            last_address: last_address.map(|address| address.to_string()),
        }
    }

    fn cells(&self, lang: Lang) -> Vec<String> {
        let state = match self.state {
            TokenState::Active => text!("active", "valable"),
            TokenState::Expired => text!("expired", "périmé"),
            TokenState::Revoked => text!("revoked", "révoqué"),
        };
        let list = |items: &[String]| items.join(", ");
        let end = self.revoked.as_ref().or(self.expires.as_ref());
        let last = [self.last_use.as_deref(), self.last_address.as_deref()];
        vec![
            self.id.to_string(),
            self.label.to_owned(),
            self.hint.to_owned(),
            state.get(lang).to_owned(),
            list(&self.scopes),
            self.account.unwrap_or_default().to_owned(),
            self.service.unwrap_or_default().to_owned(),
            list(self.sites),
            self.addresses.clone(),
            end.cloned().unwrap_or_default(),
            last.into_iter().flatten().collect::<Vec<_>>().join(" "),
        ]
    }
}

/// The tokens that name a scope.
pub(super) async fn list_of(
    scope: &Scope,
    globals: &Globals,
    shown: (bool, bool),
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let register = AccessRegister::new(&open::open_existing(globals.store()).await?);
    list(&register, Some(scope), shown, now, console).await
}

async fn list(
    register: &AccessRegister,
    scope: Option<&Scope>,
    (all, json): (bool, bool),
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let (access, usage) = (register.load().await?, register.usage().await?);
    let named = |token: &&Token| scope.is_none_or(|scope| token.scopes.contains(scope));
    let known = access.tokens.iter().filter(named).count();
    let tokens: Vec<TokenJson<'_>> = access
        .tokens
        .iter()
        .filter(named)
        .filter(|token| all || token.is_alive(now))
        .map(|token| TokenJson::new(token, &usage, now))
        .collect();
    if json {
        return Ok(console.json(&tokens)?);
    }
    let lang = console.lang();
    let rows: Vec<Vec<String>> = tokens.iter().map(|token| token.cells(lang)).collect();
    let right = [true, false, false, false, false, false, false, false, false, false, false];
    let drawn = draw(&head(lang).map(str::to_owned), &right, &rows, console.width);
    console.data(&drawn)?;
    let hidden = known - tokens.len();
    if hidden > 0 {
        console.say(&text!(
            "not shown: {hidden} that were revoked or have expired; `--all` shows them",
            "non montrés : {hidden} révoqués ou périmés ; `--all` les montre"
        ));
    }
    Ok(())
}

/// Names of the columns of a list.
fn head(lang: Lang) -> [&'static str; 11] {
    match lang {
        Lang::En => [
            "id",
            "label",
            "begins with",
            "state",
            "scopes",
            "account",
            "service",
            "sites",
            "addresses",
            "end",
            "last use",
        ],
        Lang::Fr => [
            "n°",
            "libellé",
            "commence par",
            "état",
            "portées",
            "compte",
            "service",
            "sites",
            "adresses",
            "fin",
            "dernier usage",
        ],
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// 2023-11-14T22:13:20Z.
    const NOW: i64 = 1_700_000_000;

    #[rstest]
    // The last second of the last day: 2030-12-31T22:59:59Z in Paris, which is an hour ahead.
    #[case("2030-12-31", Some(1_924_988_399))]
    #[case("2030-12-31T00:00:00Z", Some(1_924_905_600))]
    #[case("90d", Some(NOW + 7_776_000))]
    #[case("12h", Some(NOW + 43_200))]
    // The day has 46 minutes and 39 seconds left in Paris.
    #[case("2023-11-14", Some(NOW + 2_799))]
    #[case("2023-11-13", None)]
    #[case("90", None)]
    #[case("soon", None)]
    #[case("", None)]
    fn ends_are_days_moments_or_durations(#[case] value: &str, #[case] last: Option<i64>) {
        assert_eq!(expiry(value, Tz::Europe__Paris, NOW).ok(), last);
    }
}
