//! Accounts, services and tokens of the fixture of the web-service layer.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;
use server::access::{Access, NewAccount, NewToken, Password, Scope, Secret};
use server::settings::{Service, ServiceUser};

/// Capabilities that the fixture speaks of.
const CAPABILITIES: [&str; 4] =
    ["webservice/rest:use", "moodle/webservice:createtoken", "report/etl:export", "block/use_stats:export"];

/// Accounts and tokens.
pub(super) fn access(fixture: &Value) -> Result<Access> {
    let mut access = Access::default();
    let password = Password::new(&Secret::new(text(&fixture["accounts"]["password_of_all_but_admin"])))?;
    let users = fixture["tables"]["user"].as_array().context("table `user`")?;
    for user in users {
        let username = text(&user["username"]);
        let may = capabilities(fixture, user);
        let account = NewAccount {
            password: (username != "admin").then(|| password.clone()),
            scopes: scopes(&may),
            rest: may.contains("webservice/rest:use"),
            create_tokens: may.contains("moodle/webservice:createtoken"),
            ..NewAccount::new(username)
        };
        access.create_account(&account, 0)?;
    }
    for token in fixture["tokens"].as_array().context("`tokens`")? {
        let username = text(&token["user"]);
        let new = NewToken {
            label: "fixture".to_owned(),
            account: Some(username.to_owned()),
            service: token["service"].as_str().map(str::to_owned),
            scopes: access.account(username)?.scopes.clone(),
            sites: Vec::new(),
            expires: token["validuntil"].as_i64().filter(|end| *end > 0),
            addresses: text(&token["iprestriction"]).parse()?,
        };
        access.import_token(&new, &Secret::import(text(&token["token"]))?, 0)?;
    }
    Ok(access)
}

/// Services by short name.
pub(super) fn services(fixture: &Value) -> Result<BTreeMap<String, Service>> {
    let mut services = BTreeMap::new();
    for service in fixture["services"].as_array().context("`services`")? {
        let names = service["functions"].as_array().map_or(&[][..], Vec::as_slice);
        let users = service["users"].as_array().map_or(&[][..], Vec::as_slice);
        let is_restricted = service["restricted_users"].as_bool().unwrap_or(false);
        let users = users.iter().map(service_user).collect::<Result<Vec<_>>>()?;
        services.insert(
            text(&service["shortname"]).to_owned(),
            Service {
                enabled: service["enabled"].as_bool().unwrap_or(true),
                functions: Some(names.iter().map(|name| text(name).to_owned()).collect()),
                required_capability: service["required_capability"].as_str().map(str::to_owned),
                users: is_restricted.then_some(users),
            },
        );
    }
    Ok(services)
}

fn service_user(user: &Value) -> Result<ServiceUser> {
    Ok(ServiceUser {
        username: user.as_str().unwrap_or_else(|| text(&user["user"])).to_owned(),
        valid_until: user["validuntil"].as_i64().filter(|end| *end > 0),
        addresses: text(&user["iprestriction"]).parse()?,
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// What a user may: the fixture tells it in words for some, and others have the same role.
fn capabilities(fixture: &Value, user: &Value) -> BTreeSet<&'static str> {
    let words = text(&fixture["accounts"][text(&user["username"])]);
    let named = named(words);
    if !named.is_empty() {
        return named;
    }
    let role = role(fixture, &user["id"]);
    let accounts = fixture["accounts"].as_object().into_iter().flatten();
    let same_role = accounts.filter(|(name, _)| role.is_some() && role == role_of_name(fixture, name));
    same_role.map(|(_, words)| self::named(text(words))).find(|named| !named.is_empty()).unwrap_or_default()
}

fn named(words: &str) -> BTreeSet<&'static str> {
    CAPABILITIES.into_iter().filter(|name| words.contains(name)).collect()
}

fn role_of_name<'a>(fixture: &'a Value, username: &str) -> Option<&'a Value> {
    let users = fixture["tables"]["user"].as_array()?;
    role(fixture, &users.iter().find(|user| user["username"] == username)?["id"])
}

/// The role of a user in the whole site.
fn role<'a>(fixture: &'a Value, userid: &Value) -> Option<&'a Value> {
    let assignments = fixture["tables"]["role_assignments"].as_array()?;
    let system = 1;
    Some(&assignments.iter().find(|row| row["userid"] == *userid && row["contextid"] == system)?["roleid"])
}

/// What stands for the capabilities here. A token needs something that it may do; SQL stands for no capability.
fn scopes(may: &BTreeSet<&str>) -> BTreeSet<Scope> {
    let all = [Scope::Statistics, Scope::Etl(None)];
    let named = all.into_iter().filter(|scope| scope.capability().is_some_and(|name| may.contains(name)));
    named.chain([Scope::Sql]).collect()
}
