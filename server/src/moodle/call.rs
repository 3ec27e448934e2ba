//! One call of the web service, in the order in which Moodle looks at it: token, state of the site and the account,
//! right to use the protocol, function, arguments, execution, check of the answer.

use std::net::IpAddr;
use std::sync::Arc;

use engine::time::Exactness;

use super::exception::Exception;
use super::fields::{Field, Fields, FieldsError};
use super::function::{Context, Function};
use super::functions::{self, REFUSED};
use super::param::{self, Decl};
use super::shape::Shape;
use super::value::Value;
use crate::access::{AccountState, Caller, Refusal};
use crate::http::App;
use crate::settings::Service;

/// The two protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// `/webservice/rest/server.php`
    Rest,
    /// `/webservice/xmlrpc/server.php`
    XmlRpc,
}

/// Where a call comes from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Address of the caller.
    pub(crate) address: IpAddr,
    /// Address of the server as the caller used it.
    pub(crate) origin: Option<String>,
    /// The protocol.
    pub(crate) protocol: Protocol,
    /// Number of the request.
    pub(crate) request: Option<String>,
}

/// What the log and the metrics say of a call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trace {
    /// The function, as far as it is one of ours.
    pub(crate) function: Option<&'static str>,
    /// Number of the token.
    pub(crate) token: Option<u64>,
}

/// Arguments of a call.
pub(crate) enum Arguments {
    /// By name.
    Named(Fields),
    /// In the order of the declaration.
    Positional(Vec<Value>),
}

/// Answers a call of REST: everything is in the fields.
pub(crate) async fn rest(
    app: &Arc<App>,
    mut fields: Fields,
    source: &Source,
    trace: &mut Trace,
) -> Result<(Shape, Value), Exception> {
    let token = fields.take_text("wstoken").unwrap_or_default();
    let name = fields.take_text("wsfunction").unwrap_or_default();
    fields.drop_prefix("moodlewssetting");
    fields.take("moodlewsrestformat");
    answer(app, &token, &name, Arguments::Named(fields), source, trace).await
}

/// Answers a call of a function.
pub(crate) async fn answer(
    app: &Arc<App>,
    token: &str,
    name: &str,
    arguments: Arguments,
    source: &Source,
    trace: &mut Trace,
) -> Result<(Shape, Value), Exception> {
    let caller = authenticate(app, token, source).await?;
    trace.token = Some(caller.token.id);
    if !app.rates.admit(caller.token.id) {
        return Err(Exception::busy("Too many calls with this token; try again later"));
    }
    if app.settings.moodle.maintenance {
        return Err(Exception::maintenance());
    }
    let context = Context {
        app: Arc::clone(app),
        service: caller.token.service.clone(),
        now: app.now(),
        address: source.address,
        request: source.request.clone(),
        origin: source.origin.clone(),
        caller,
    };
    refuse_account(&context).await?;
    refuse_protocol(&context, source.protocol)?;
    refuse_service(&context, source.address)?;
    let function = function(&context, name)?;
    trace.function = Some(function.name);
    let arguments = arguments.check(function)?;
    let value = (function.handler)(context, arguments).await?;
    if app.settings.moodle_policy.exactness == Exactness::Exact {
        function.returns.check(&value)?;
    }
    Ok((function.returns, value))
}

async fn authenticate(app: &App, token: &str, source: &Source) -> Result<Caller, Exception> {
    app.authenticate(token, source.address).await.map_err(|refusal| match refusal {
        Refusal::Missing | Refusal::Unknown => Exception::invalid_token(),
        Refusal::Expired => Exception::access("the token has expired"),
        Refusal::Address => Exception::access("the token is not valid from the caller's address"),
        Refusal::TooMany => Exception::busy("Too many refused tokens from this address; try again in a minute"),
        Refusal::Unavailable => Exception::general("accounts and tokens cannot be read"),
    })
}

/// Refuses accounts that may not call, by what we know of the account and by what its site does.
async fn refuse_account(context: &Context) -> Result<(), Exception> {
    let Some(account) = context.caller.account.clone() else { return Ok(()) };
    let person = context.app.person(context.home(), &account.username).await?.unwrap_or_default();
    // A site that does not know the user has no say.
    let known = person.id != 0;
    let state = match account.state {
        AccountState::Deleted => AccountState::Deleted,
        _ if known && person.deleted => AccountState::Deleted,
        AccountState::Unconfirmed => AccountState::Unconfirmed,
        _ if known && !person.confirmed => AccountState::Unconfirmed,
        AccountState::Suspended => AccountState::Suspended,
        _ if known && person.suspended => AccountState::Suspended,
        AccountState::PasswordExpired => AccountState::PasswordExpired,
        _ if known && person.auth == "nologin" => AccountState::NoLogin,
        other => other,
    };
    Exception::account(state, &account.username).map_or(Ok(()), Err)
}

fn refuse_protocol(context: &Context, protocol: Protocol) -> Result<(), Exception> {
    let name = match protocol {
        Protocol::Rest => "rest",
        Protocol::XmlRpc => "xmlrpc",
    };
    match &context.caller.account {
        Some(account) if !account.rest => Err(Exception::access(format!(
            "You are not allowed to use the {name} protocol (missing capability: webservice/{name}:use)"
        ))),
        _ => Ok(()),
    }
}

/// Refuses callers that the service of their token does not admit.
fn refuse_service(context: &Context, address: IpAddr) -> Result<(), Exception> {
    let Some(service) = service(context)? else { return Ok(()) };
    let account = context.caller.account.as_deref();
    if let Some(capability) = &service.required_capability
        && !context.caller.has_capability(capability)
    {
        return Err(Exception::access(format!("the service requires the capability {capability}")));
    }
    let Some(users) = &service.users else { return Ok(()) };
    let entry = users.iter().find(|user| account.is_some_and(|account| account.username == user.username));
    match entry {
        None => Err(Exception::access("the user is not on the list of the service")),
        Some(user) if user.valid_until.is_some_and(|end| end < context.now) => {
            Err(Exception::access("the permission of the user for the service has ended"))
        }
        Some(user) if !user.addresses.contains(address) => {
            Err(Exception::access("the user may not use the service from the caller's address"))
        }
        Some(_) => Ok(()),
    }
}

/// The service of the token; `None` for tokens that belong to none.
fn service(context: &Context) -> Result<Option<&Service>, Exception> {
    let Some(name) = &context.service else { return Ok(None) };
    match context.app.settings.moodle.services.get(name) {
        Some(service) if service.enabled => Ok(Some(service)),
        Some(_) => Err(Exception::access(format!("the service {name} is disabled"))),
        None => Err(Exception::access(format!("the service {name} is not configured"))),
    }
}

/// The function of that name, if the token may call it.
fn function(context: &Context, name: &str) -> Result<&'static Function, Exception> {
    if name.is_empty() {
        return Err(Exception::invalid_parameter("Missing function name"));
    }
    match functions::find(name) {
        Some(function) => allows(context, function).map(|()| function),
        None => Err(unknown(context, name)),
    }
}

/// A function that is not ours: refused when somebody's service names it, unknown otherwise.
fn unknown(context: &Context, name: &str) -> Exception {
    if let Some((_, reason)) = REFUSED.iter().find(|(refused, _)| *refused == name) {
        return Exception::access(*reason);
    }
    let services = &context.app.settings.moodle.services;
    let named = services.values().filter_map(|service| service.functions.as_ref());
    match named.flatten().any(|function| function == name) {
        true => Exception::access(format!("the function {name} is not offered here")),
        false => Exception::unknown_function(),
    }
}

/// Whether the token may call a function.
pub(crate) fn allows(context: &Context, function: &Function) -> Result<(), Exception> {
    let in_service = |service: &Service| {
        let functions = service.functions.as_ref();
        functions.is_none_or(|functions| functions.iter().any(|name| name == function.name))
    };
    if service(context)?.is_some_and(|service| !in_service(service)) {
        return Err(Exception::access(format!("the service of the token does not contain {}", function.name)));
    }
    match &function.scope {
        Some(scope) if !context.caller.may(scope) => {
            Err(Exception::access(format!("the token has no scope `{scope}`, which {} needs", function.name)))
        }
        _ => Ok(()),
    }
}

impl Arguments {
    /// The arguments as the function declares them.
    fn check(self, function: &Function) -> Result<Value, Exception> {
        let fields = match self {
            Self::Named(fields) => fields.into_pairs(),
            Self::Positional(values) => {
                let (given, declared) = (values.len(), function.params.len());
                if given > declared {
                    let text = format!("{} takes at most {declared} arguments, and there are {given}", function.name);
                    return Err(Exception::invalid_parameter(text));
                }
                let pairs = function.params.iter().zip(values);
                pairs.filter_map(|(param, value)| Some((param.name.into(), field(param.decl, value)?))).collect()
            }
        };
        param::validate(function.params, fields)
    }
}

/// An argument of a typed protocol as REST would carry it; `None` for one that is left out.
fn field(decl: Decl, value: Value) -> Option<Field> {
    let text = |text: String| Some(Field::Scalar(text.into_bytes()));
    match value {
        Value::Null => None,
        Value::Bool(truth) => text(i64::from(truth).to_string()),
        Value::Int(number) => text(number.to_string()),
        Value::Float(number) => text(number.to_string()),
        Value::Text(value) => text(value),
        Value::List(items) => {
            let inner = if let Decl::List(item) = decl { *item } else { decl };
            let items = items.into_iter().enumerate();
            Some(Field::Array(
                items.filter_map(|(at, value)| Some((at.to_string().into(), field(inner, value)?))).collect(),
            ))
        }
        Value::Struct(members) => {
            let members = members.into_iter();
            Some(Field::Array(members.filter_map(|(name, value)| Some((name.into(), field(decl, value)?))).collect()))
        }
    }
}

impl From<FieldsError> for Exception {
    fn from(error: FieldsError) -> Self {
        Self::invalid_parameter(match error {
            FieldsError::TooMany(limit) => format!("the request has more than {limit} arguments"),
            FieldsError::TooDeep => "arguments are nested too deeply".to_owned(),
            FieldsError::Multipart(reason) => format!("the form cannot be read: {reason}"),
        })
    }
}
