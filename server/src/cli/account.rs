//! `account`: names and passwords of those who use the server.

use engine::{Lang, Text, text};
use serde::Serialize;

use super::args::{AccountVerb, Globals, NewAccountArgs};
use super::exit::{Exit, Failure};
use super::{Console, ask, numbers, registers, token};
use crate::access::{Access, AccessRegister, Account, AccountState, NewAccount, Scope};
use crate::encode::draw;

/// Runs a verb of `account`.
pub(crate) async fn run(
    verb: &AccountVerb,
    globals: &Globals,
    now: i64,
    console: &mut Console,
) -> Result<Exit, Failure> {
    if let AccountVerb::Create(args) = verb {
        return create(args, globals, now, console).await;
    }
    let register = registers::existing(globals).await?;
    match verb {
        AccountVerb::Create(_) => {}
        AccountVerb::List { json } => list(&register.load().await?, *json, now, console)?,
        AccountVerb::Password { username, password_stdin } => {
            password(username, *password_stdin, &register, now, console).await?;
        }
        AccountVerb::Suspend { username } => {
            let (name, changed) = register.update(|access| change(access, username, Access::suspend_account)).await?;
            console.say(&match changed {
                true => text!(
                    "the account `{name}` is suspended; it and its tokens are refused until it is restored",
                    "le compte `{name}` est suspendu ; lui et ses jetons sont refusés jusqu'à son rétablissement"
                ),
                false => text!("the account `{name}` was suspended before", "le compte `{name}` était déjà suspendu"),
            });
        }
        AccountVerb::Restore { username } => {
            let (name, changed) = register.update(|access| change(access, username, Access::restore_account)).await?;
            console.say(&match changed {
                true => text!("the account `{name}` is active again", "le compte `{name}` est de nouveau actif"),
                false => text!("the account `{name}` was active before", "le compte `{name}` était déjà actif"),
            });
        }
        AccountVerb::Delete { username } => {
            let delete = |access: &mut Access, name: &str| access.delete_account(name, now);
            let (name, revoked) = register.update(|access| change(access, username, delete)).await?;
            console.say(&text!(
                "the account `{name}` is deleted; tokens revoked: {revoked}",
                "le compte `{name}` est supprimé ; jetons révoqués : {revoked}"
            ));
        }
    }
    Ok(Exit::Done)
}

/// Changes an account, and answers its name as it is stored too.
fn change<T>(
    access: &mut Access,
    username: &str,
    change: impl FnOnce(&mut Access, &str) -> engine::Result<T>,
) -> engine::Result<(String, T)> {
    let name = access.account(username)?.username.clone();
    let changed = change(access, &name)?;
    Ok((name, changed))
}

async fn create(args: &NewAccountArgs, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let mut new = NewAccount {
        username: args.username.clone(),
        site: args.site.clone(),
        password: None,
        scopes: token::scopes(&args.scope)?,
        rest: !args.no_rest,
        create_tokens: !args.no_token_creation,
        firstname: args.first_name.clone(),
        lastname: args.last_name.clone(),
        email: args.email.clone(),
    };
    // What is wrong without a password is told before somebody types one, and before a store is prepared.
    Access::default().create_account(&new, now)?;
    // The same holds for standard input; a terminal is asked when nothing else can be wrong.
    let is_typed = console.in_is_terminal && !args.no_password;
    if !is_typed && !args.no_password {
        new.password = Some(ask::password(args.password_stdin, console)?);
    }
    let register = registers::prepared(globals).await?;
    register.load().await?.create_account(&new, now)?;
    if is_typed {
        new.password = Some(ask::password(false, console)?);
    }
    let name = register.update(|access| access.create_account(&new, now)).await?;
    console.say(&match new.scopes.is_empty() {
        false => text!("the account `{name}` is made", "le compte `{name}` est créé"),
        true => text!(
            "the account `{name}` is made; without a scope it may do nothing",
            "le compte `{name}` est créé ; sans portée il ne peut rien faire"
        ),
    });
    Ok(Exit::Done)
}

async fn password(
    username: &str,
    from_stdin: bool,
    register: &AccessRegister,
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let name = register.load().await?.account(username)?.username.clone();
    let password = ask::password(from_stdin, console)?;
    let ended = register.update(|access| access.set_password(&name, &password, now)).await?;
    console.say(&text!(
        "the account `{name}` has another password; tokens of `login/token.php` that ended with the old one: {ended}",
        "le compte `{name}` a un nouveau mot de passe ; jetons de `login/token.php` révoqués avec l'ancien : {ended}"
    ));
    Ok(())
}

#[derive(Debug, Serialize)]
struct AccountJson<'a> {
    username: &'a str,
    state: AccountState,
    firstname: &'a str,
    lastname: &'a str,
    email: &'a str,
    site: Option<&'a str>,
    scopes: Vec<String>,
    rest: bool,
    create_tokens: bool,
    has_password: bool,
    tokens: usize,
    created: String,
}

impl<'a> AccountJson<'a> {
    fn new(account: &'a Account, access: &Access, now: i64) -> Self {
        let own = |name: &Option<String>| name.as_ref() == Some(&account.username);
        Self {
            username: &account.username,
            state: account.state,
            firstname: &account.firstname,
            lastname: &account.lastname,
            email: &account.email,
            site: account.site.as_deref(),
            scopes: account.scopes.iter().map(Scope::to_string).collect(),
            rest: account.rest,
            create_tokens: account.create_tokens,
            has_password: account.password.is_some(),
            tokens: access.tokens.iter().filter(|token| own(&token.account) && token.is_alive(now)).count(),
            created: numbers::instant(account.created),
        }
    }

    fn cells(&self, lang: Lang) -> Vec<String> {
        let yes = |is: bool| if is { text!("yes", "oui") } else { text!("no", "non") }.get(lang).to_owned();
        let name: Vec<&str> = [self.firstname, self.lastname].into_iter().filter(|part| !part.is_empty()).collect();
        vec![
            self.username.to_owned(),
            name.join(" "),
            state(self.state).get(lang).to_owned(),
            self.scopes.join(", "),
            self.site.unwrap_or_default().to_owned(),
            yes(self.rest),
            yes(self.create_tokens),
            yes(self.has_password),
            self.tokens.to_string(),
            self.created.clone(),
        ]
    }
}

fn state(state: AccountState) -> Text {
    match state {
        AccountState::Active => text!("active", "actif"),
        AccountState::Suspended => text!("suspended", "suspendu"),
        AccountState::Deleted => text!("deleted", "supprimé"),
        AccountState::Unconfirmed => text!("not confirmed", "non confirmé"),
        AccountState::PasswordExpired => text!("password expired", "mot de passe périmé"),
        AccountState::NoLogin => text!("no login", "connexion interdite"),
    }
}

fn list(access: &Access, json: bool, now: i64, console: &mut Console) -> Result<(), Failure> {
    let accounts: Vec<AccountJson<'_>> =
        access.accounts.iter().map(|account| AccountJson::new(account, access, now)).collect();
    if json {
        return Ok(console.json(&accounts)?);
    }
    let lang = console.lang();
    let head = match lang {
        Lang::En => [
            "account",
            "name",
            "state",
            "scopes",
            "site",
            "web service",
            "gets tokens",
            "password",
            "tokens",
            "created",
        ],
        Lang::Fr => [
            "compte",
            "nom",
            "état",
            "portées",
            "site",
            "service web",
            "obtient des jetons",
            "mot de passe",
            "jetons",
            "créé le",
        ],
    };
    let rows: Vec<Vec<String>> = accounts.iter().map(|account| account.cells(lang)).collect();
    let right = [false, false, false, false, false, false, false, false, true, false];
    let drawn = draw(&head.map(str::to_owned), &right, &rows, console.width);
    Ok(console.data(&drawn)?)
}
