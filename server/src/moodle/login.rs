//! `login/token.php`: a token for a user name and a password. Its errors have a shape of their own.

use std::net::IpAddr;
use std::sync::Arc;

use serde::Serialize;

use super::fields::Fields;
use crate::access::{Account, AccountState, IssueRefusal, LoginRefusal};
use crate::http::App;

/// An error of the login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginError {
    /// Code, which clients look at.
    pub(crate) code: &'static str,
    /// Message for people.
    pub(crate) message: String,
}

#[derive(Serialize)]
struct ErrorReply<'a> {
    error: &'a str,
    errorcode: &'a str,
    stacktrace: Option<()>,
    debuginfo: Option<()>,
    reproductionlink: Option<()>,
}

#[derive(Serialize)]
struct TokenReply<'a> {
    token: &'a str,
    /// For the mobile application; there is none here.
    privatetoken: Option<()>,
}

impl LoginError {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The error as a document.
    pub(crate) fn json(&self) -> String {
        let (error, errorcode) = (self.message.as_str(), self.code);
        let reply = ErrorReply { error, errorcode, stacktrace: None, debuginfo: None, reproductionlink: None };
        serde_json::to_string(&reply).unwrap_or_default()
    }
}

/// Answers a login; `in_url` tells that the password came in the URL.
pub(crate) async fn login(
    app: &Arc<App>,
    mut fields: Fields,
    in_url: bool,
    address: IpAddr,
) -> Result<String, LoginError> {
    let settings = &app.settings.moodle;
    if !settings.enabled {
        return Err(LoginError::new("enablewsdescription", "Web services must be enabled in Advanced features."));
    }
    if fields.take_text("appsitecheck").is_some_and(|value| value == "1") {
        return Ok("{\"appsitecheck\":\"ok\"}".to_owned());
    }
    let username = required(&mut fields, "username")?.to_lowercase();
    let password = required(&mut fields, "password")?;
    let service = required(&mut fields, "service")?;
    // Foreign characters are removed, not refused.
    let service: String =
        service.chars().filter(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-')).collect();
    if in_url && !settings.login_by_url {
        return Err(LoginError::new(
            "invalidlogin",
            "A password in a URL is refused here: send it by POST, or have the operator allow it",
        ));
    }
    let account = app.login(&username, &password, address).await.map_err(refused)?;
    if settings.maintenance {
        return Err(LoginError::new(
            "sitemaintenance",
            "The site is undergoing maintenance and is currently not available",
        ));
    }
    refuse_person(app, &account).await?;
    refuse_service(app, &account, &service, address)?;
    let now = app.now();
    let issued = app.gate.issue(&account, &service, &password, now, settings.token_life).await;
    let secret = issued.map_err(|refusal| not_issued(&refusal, &service))?;
    let reply = TokenReply { token: secret.expose(), privatetoken: None };
    Ok(serde_json::to_string(&reply).unwrap_or_default())
}

fn required(fields: &mut Fields, name: &str) -> Result<String, LoginError> {
    fields
        .take_text(name)
        .ok_or_else(|| LoginError::new("missingparam", format!("A required parameter ({name}) was missing")))
}

/// All reasons are alike, so that nobody learns which names exist.
fn invalid() -> LoginError {
    LoginError::new("invalidlogin", "Invalid login, please try again")
}

fn refused(refusal: LoginRefusal) -> LoginError {
    match refusal {
        LoginRefusal::Invalid => invalid(),
        LoginRefusal::TooMany => {
            LoginError::new("servertoobusy", "Too many refused logins from this address; try again in a minute")
        }
        LoginRefusal::Unavailable => {
            LoginError::new("generalexceptionmessage", "Logins cannot be checked now; try again later")
        }
    }
}

fn not_issued(refusal: &IssueRefusal, service: &str) -> LoginError {
    match refusal {
        IssueRefusal::CannotCreate => LoginError::new(
            "cannotcreatetoken",
            format!("No permission to create web service token for the service {service}."),
        ),
        IssueRefusal::Changed => invalid(),
        IssueRefusal::Failed(error) => {
            tracing::error!(error = %error.describe(engine::Lang::En), "a token could not be made");
            refused(LoginRefusal::Unavailable)
        }
    }
}

/// The site may have suspended somebody whose account here is still good.
async fn refuse_person(app: &App, account: &Account) -> Result<(), LoginError> {
    let person = app.person(account.site.as_deref(), &account.username).await.map_err(|error| {
        tracing::error!(error = %error.describe(engine::Lang::En), "a person could not be looked up");
        refused(LoginRefusal::Unavailable)
    })?;
    let bad = person
        .is_some_and(|person| person.deleted || person.suspended || !person.confirmed || person.auth == "nologin");
    if bad || account.state != AccountState::Active { Err(invalid()) } else { Ok(()) }
}

fn refuse_service(app: &App, account: &Account, name: &str, address: IpAddr) -> Result<(), LoginError> {
    let service = app.settings.moodle.services.get(name).filter(|service| service.enabled);
    let Some(service) = service else {
        return Err(LoginError::new(
            "servicenotavailable",
            "Web service is not available. (It doesn't exist or might be disabled.)",
        ));
    };
    if let Some(users) = &service.users {
        let Some(user) = users.iter().find(|user| user.username == account.username) else {
            return Err(LoginError::new(
                "usernotallowed",
                format!(
                    "The user is not allowed for this service. First you need to allow this user on the {name}'s allowed users administration page."
                ),
            ));
        };
        if user.valid_until.is_some_and(|end| end < app.now()) {
            return Err(LoginError::new("invalidtimedtoken", "Invalid token - token expired"));
        }
        if !user.addresses.contains(address) {
            return Err(LoginError::new("invalidiptoken", "Invalid token - your IP is not supported"));
        }
    }
    if let Some(capability) = service.required_capability.as_ref().filter(|name| !account.has_capability(name)) {
        return Err(LoginError::new("missingrequiredcapability", format!("The capability {capability} is required.")));
    }
    Ok(())
}
