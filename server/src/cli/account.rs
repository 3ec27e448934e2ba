//! `account`: people and programs that log in with a name and a password.

use engine::{Error, ErrorKind, Lang, Text, text};
use serde::Serialize;

use super::args::{AccountVerb, Globals};
use super::exit::{Exit, Failure};
use super::token::{first_line, scopes};
use super::{Console, numbers, open};
use crate::access::{AccessRegister, Account, AccountState, Scope, Token, TokenState, hash_password, new_derivation};
use crate::encode::draw;

/// Fewest characters of a password. Length is what makes guessing hopeless, so nothing else is asked of it.
const SHORTEST: usize = 10;

/// Runs `account`.
pub(crate) async fn run(
    verb: &AccountVerb,
    globals: &Globals,
    now: i64,
    console: &mut Console,
) -> Result<Exit, Failure> {
    let engine = open::open(globals.store()).await?;
    let register = AccessRegister::new(&engine);
    match verb {
        AccountVerb::Create { username, .. } => {
            let account = new_account(verb, now, console)?;
            register.update(|access| access.create_account(account.clone())).await?;
            console.say(&text!("account {username} is made", "le compte {username} est créé"));
        }
        AccountVerb::List { json } => {
            let (_, access) = register.load().await?;
            let accounts: Vec<&Account> = access.accounts.values().collect();
            list(&accounts, &access.tokens, *json, now, console)?;
        }
        AccountVerb::Password { username, password_stdin } => {
            register.load().await?.1.account(username)?;
            let hash = hash_password(&password(*password_stdin, console)?)?;
            let derivation = new_derivation();
            register
                .update(|access| {
                    access.change_account(username, |account| {
                        account.password = Some(hash.clone());
                        account.derivation = derivation.clone();
                    })?;
                    access.end_login_tokens_of(username, now);
                    Ok(())
                })
                .await?;
            console.say(&text!(
                "the password of {username} is changed; tokens of its logins have ended",
                "le mot de passe de {username} est changé ; les jetons de ses connexions ont pris fin"
            ));
        }
        AccountVerb::Suspend { username } => {
            set_state(&register, username, AccountState::Suspended).await?;
            console.say(&text!("account {username} is suspended", "le compte {username} est suspendu"));
        }
        AccountVerb::Restore { username } => {
            set_state(&register, username, AccountState::Active).await?;
            console.say(&text!("account {username} is active", "le compte {username} est actif"));
        }
        AccountVerb::Delete { username } => {
            register.update(|access| access.delete_account(username, now)).await?;
            console.say(&text!(
                "account {username} is deleted; its tokens have ended",
                "le compte {username} est supprimé ; ses jetons ont pris fin"
            ));
        }
    }
    Ok(Exit::Done)
}

async fn set_state(register: &AccessRegister, username: &str, state: AccountState) -> Result<(), Error> {
    register
        .update(|access| {
            if access.account(username)?.state == AccountState::Deleted {
                return Err(Error::new(
                    ErrorKind::Invalid,
                    text!(
                        "account {username} was deleted; create it again",
                        "le compte {username} a été supprimé ; créez-le de nouveau"
                    ),
                ));
            }
            access.change_account(username, |account| account.state = state)
        })
        .await
}

fn new_account(verb: &AccountVerb, now: i64, console: &Console) -> Result<Account, Failure> {
    let AccountVerb::Create {
        username,
        scope,
        site,
        first_name,
        last_name,
        email,
        no_rest,
        no_token_creation,
        password_stdin,
    } = verb
    else {
        return Err(Error::bug("an account is made by `account create`").into());
    };
    let scopes = scopes(scope)?;
    Ok(Account {
        username: username.to_lowercase(),
        site: site.clone(),
        password: Some(hash_password(&password(*password_stdin, console)?)?),
        derivation: new_derivation(),
        state: AccountState::Active,
        scopes,
        rest: !no_rest,
        create_tokens: !no_token_creation,
        firstname: first_name.clone(),
        lastname: last_name.clone(),
        email: email.clone(),
        created: now,
    })
}

/// A new password: the first line of standard input, or asked for twice on a terminal.
fn password(from_stdin: bool, console: &Console) -> Result<String, Failure> {
    if !from_stdin && !console.in_is_terminal {
        return Err(Failure::Usage(text!(
            "there is no terminal to ask for the password; give it on standard input with --password-stdin",
            "il n'y a pas de terminal pour demander le mot de passe ; donnez-le sur l'entrée standard avec --password-stdin"
        )));
    }
    let first = first_line(console)?;
    if console.in_is_terminal && first_line(console)? != first {
        return Err(Failure::Usage(text!("the two passwords differ", "les deux mots de passe diffèrent")));
    }
    if first.chars().count() < SHORTEST {
        return Err(Failure::Usage(text!(
            "a password has at least {SHORTEST} characters",
            "un mot de passe a au moins {SHORTEST} caractères"
        )));
    }
    Ok(first)
}

#[derive(Serialize)]
struct AccountJson<'a> {
    username: &'a str,
    state: AccountState,
    site: Option<&'a str>,
    scopes: Vec<String>,
    rest: bool,
    create_tokens: bool,
    firstname: &'a str,
    lastname: &'a str,
    email: &'a str,
    created: i64,
    active_tokens: usize,
}

fn list(accounts: &[&Account], tokens: &[Token], json: bool, now: i64, console: &mut Console) -> Result<(), Failure> {
    let active = |username: &str| {
        let of = |token: &&Token| token.account.as_deref() == Some(username) && token.state(now) == TokenState::Active;
        tokens.iter().filter(of).count()
    };
    let names = |account: &Account| account.scopes.iter().map(Scope::to_string).collect::<Vec<_>>();
    if json {
        let items = accounts.iter().copied().map(|account| AccountJson {
            username: &account.username,
            state: account.state,
            site: account.site.as_deref(),
            scopes: names(account),
            rest: account.rest,
            create_tokens: account.create_tokens,
            firstname: &account.firstname,
            lastname: &account.lastname,
            email: &account.email,
            created: account.created,
            active_tokens: active(&account.username),
        });
        return Ok(console.json(&items.collect::<Vec<_>>())?);
    }
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["user name", "state", "may", "site", "name", "created", "tokens"],
        Lang::Fr => ["nom d'utilisateur", "état", "droits", "site", "nom", "créé le", "jetons"],
    };
    let row = |account: &&Account| {
        vec![
            account.username.clone(),
            state(account.state).get(lang).to_owned(),
            names(account).join(" "),
            account.site.clone().unwrap_or_default(),
            format!("{} {}", account.firstname, account.lastname).trim().to_owned(),
            numbers::instant(account.created),
            active(&account.username).to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(row).collect();
    let right = [false, false, false, false, false, false, true];
    let table = draw(&head.map(str::to_owned), &right, &rows, console.width);
    Ok(console.data(&table)?)
}

fn state(state: AccountState) -> Text {
    match state {
        AccountState::Active => text!("active", "actif"),
        AccountState::Suspended => text!("suspended", "suspendu"),
        AccountState::Deleted => text!("deleted", "supprimé"),
        AccountState::Unconfirmed => text!("unconfirmed", "non confirmé"),
        AccountState::PasswordExpired => text!("password expired", "mot de passe expiré"),
        AccountState::NoLogin => text!("no login", "sans connexion"),
    }
}
