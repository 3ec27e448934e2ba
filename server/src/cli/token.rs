//! `token`: what clients of the server may do. A secret is printed once, alone on standard output.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufRead;

use chrono_tz::Tz;
use engine::time::{self, DayEdge};
use engine::{Error, ErrorKind, Lang, Text, text};
use serde::Serialize;

use super::args::{Globals, TokenVerb};
use super::exit::{Exit, Failure};
use super::{Console, flags, numbers, open};
use crate::access::{AccessRegister, AddressList, NewToken, Scope, Secret, Token, TokenState, TokenUse, imported};
use crate::encode::draw;

/// Longest line that is read as a secret.
const LONGEST: usize = 4096;

/// Runs `token`.
pub(crate) async fn run(verb: &TokenVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let engine = open::open(globals.store()).await?;
    let register = AccessRegister::new(&engine);
    match verb {
        TokenVerb::Create { label, scope, account, service, site, expires, addresses, import } => {
            let new = NewToken {
                label: label.clone(),
                account: account.clone(),
                service: service.clone(),
                scopes: scopes(scope)?,
                sites: site.clone(),
                expires: flags::parse("expires", expires.as_deref(), |value| end(value, now))?,
                addresses: AddressList::parse(addresses.as_deref().unwrap_or_default())?,
            };
            let secret = if *import { imported(&first_line(console)?)? } else { Secret::generate() };
            let id = register.update(|access| access.create_token(new.clone(), &secret, now)).await?;
            tell(console, id, &secret, *import)?;
        }
        TokenVerb::List { all, json } => {
            let (_, access) = register.load().await?;
            let shown = |token: &&Token| *all || token.state(now) == TokenState::Active;
            let tokens: Vec<&Token> = access.tokens.iter().filter(shown).collect();
            list(&tokens, &register.uses().await?, *json, now, console)?;
        }
        TokenVerb::Rotate { id, overlap } => {
            let overlap = flags::parse("overlap", Some(overlap.as_str()), flags::duration)?.unwrap_or_default();
            let secret = Secret::generate();
            let new = register.update(|access| access.rotate(*id, &secret, overlap, now)).await?;
            tell(console, new, &secret, false)?;
            let end = numbers::instant(now.saturating_add(overlap));
            console.say(&text!(
                "it replaces token {id}, which ends at {end} UTC",
                "il remplace le jeton {id}, qui finit le {end} UTC"
            ));
        }
        TokenVerb::Revoke { id } => {
            register.update(|access| access.revoke(*id, now)).await?;
            console.say(&text!(
                "token {id} is revoked; a running server knows it within a second",
                "le jeton {id} est révoqué ; un serveur en marche le sait en une seconde"
            ));
        }
    }
    Ok(Exit::Done)
}

/// Prints a new secret; what is said about it goes elsewhere, so that a script can take it.
fn tell(console: &mut Console, id: u64, secret: &Secret, is_imported: bool) -> Result<(), Failure> {
    if is_imported {
        console.say(&text!("token {id} is good now", "le jeton {id} est valable"));
        return Ok(());
    }
    console.data(&format!("{}\n", secret.expose()))?;
    console.say(&text!(
        "this is token {id}; keep it now, because only its hash is stored",
        "voici le jeton {id} ; gardez-le maintenant, car seule son empreinte est conservée"
    ));
    Ok(())
}

/// Scopes of their names.
pub(super) fn scopes(names: &[String]) -> Result<BTreeSet<Scope>, Error> {
    names.iter().flat_map(|names| names.split(',')).map(str::parse).collect()
}

/// The end of a token: a date, whose last second counts, a moment, or a duration from now.
fn end(value: &str, now: i64) -> Result<i64, Text> {
    let is_duration = value.ends_with(|letter: char| letter.is_ascii_alphabetic()) && !value.ends_with('Z');
    let end = match is_duration {
        true => now.checked_add(flags::duration(value)?),
        false => time::moment(value, Tz::UTC, DayEdge::Last),
    };
    end.filter(|end| *end > now).ok_or_else(|| {
        let value = engine::fault::quoted(value);
        text!(
            "\"{value}\" is no moment in the future: write a date such as 2027-01-31, or a duration such as 90d",
            "« {value} » n'est pas un moment à venir : écrivez une date comme 2027-01-31, ou une durée comme 90d"
        )
    })
}

/// The first line of standard input, where a secret is in no list of processes.
pub(super) fn first_line(console: &Console) -> Result<String, Error> {
    if console.in_is_terminal {
        let prompt = text!("secret: ", "secret : ");
        return Ok(rpassword::prompt_password_with_config(
            prompt.get(console.lang()),
            rpassword::ConfigBuilder::new().output_writer(std::io::stderr()).build(),
        )?);
    }
    let mut line = String::new();
    std::io::Read::take(std::io::stdin().lock(), LONGEST as u64).read_line(&mut line)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Error::new(
            ErrorKind::Invalid,
            text!("standard input has no secret", "l'entrée standard ne contient pas de secret"),
        ));
    }
    Ok(line.to_owned())
}

#[derive(Serialize)]
struct TokenJson<'a> {
    id: u64,
    label: &'a str,
    hint: &'a str,
    state: TokenState,
    account: Option<&'a str>,
    service: Option<&'a str>,
    scopes: Vec<String>,
    sites: &'a [String],
    addresses: String,
    created: i64,
    expires: Option<i64>,
    revoked: Option<i64>,
    replaces: Option<u64>,
    last_use: Option<i64>,
    last_address: Option<&'a str>,
}

fn token_json<'a>(token: &'a Token, last: Option<&'a TokenUse>, now: i64) -> TokenJson<'a> {
    TokenJson {
        id: token.id,
        label: &token.label,
        hint: &token.hint,
        state: token.state(now),
        account: token.account.as_deref(),
        service: token.service.as_deref(),
        scopes: token.scopes.iter().map(Scope::to_string).collect(),
        sites: &token.sites,
        addresses: token.addresses.to_string(),
        created: token.created,
        expires: token.expires,
        revoked: token.revoked,
        replaces: token.replaces,
        last_use: last.map(|last| last.last_use),
        last_address: last.map(|last| last.last_address.as_str()),
    }
}

fn list(
    tokens: &[&Token],
    uses: &BTreeMap<u64, TokenUse>,
    json: bool,
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let last = |token: &Token| uses.get(&token.id).filter(|token_use| token_use.last_use > 0);
    if json {
        let items: Vec<TokenJson<'_>> = tokens.iter().map(|token| token_json(token, last(token), now)).collect();
        return Ok(console.json(&items)?);
    }
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["id", "label", "token", "state", "may", "of", "addresses", "ends", "last use"],
        Lang::Fr => ["n°", "libellé", "jeton", "état", "droits", "de", "adresses", "fin", "dernier usage"],
    };
    let row = |token: &&Token| {
        let scopes = token.scopes.iter().map(Scope::to_string).collect::<Vec<_>>().join(" ");
        let of =
            [token.account.as_deref(), token.service.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" / ");
        let last = last(token).map(|last| format!("{} {}", numbers::instant(last.last_use), last.last_address));
        vec![
            token.id.to_string(),
            token.label.clone(),
            token.hint.clone(),
            state(token.state(now)).get(lang).to_owned(),
            scopes,
            of,
            token.addresses.to_string(),
            token.expires.map(numbers::instant).unwrap_or_default(),
            last.unwrap_or_default(),
        ]
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    let right = [true, false, false, false, false, false, false, false, false];
    let table = draw(&head.map(str::to_owned), &right, &rows, console.width);
    Ok(console.data(&table)?)
}

fn state(state: TokenState) -> Text {
    match state {
        TokenState::Active => text!("active", "valable"),
        TokenState::Expired => text!("expired", "expiré"),
        TokenState::Revoked => text!("revoked", "révoqué"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_ends_at_a_moment_in_the_future() {
        // 2027-01-31, 23:59:59 UTC.
        assert_eq!(end("2027-01-31", 1_700_000_000).unwrap(), 1_801_439_999);
        assert_eq!(end("90d", 1_000).unwrap(), 1_000 + 90 * 86_400);
        for bad in ["2020-01-31", "soon", "-5d", ""] {
            assert!(end(bad, 1_700_000_000).is_err(), "{bad}");
        }
    }
}
