//! What the native routes share: who calls, and parameters, of which all that are wrong are named at once.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::request::Parts;
use engine::text;

use crate::access::{Caller, Refusal, Scope};
use crate::http::{App, CallerAddress, ParameterFault, Problem, secret};

/// Address of the caller.
pub(crate) fn address(parts: &Parts) -> IpAddr {
    parts.extensions.get::<CallerAddress>().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.0)
}

/// Lets a caller in that may do this.
pub(crate) async fn admit(app: &Arc<App>, parts: &Parts, scope: &Scope) -> Result<Caller, Problem> {
    let caller = enter(app, parts).await?;
    require(&caller, scope)?;
    Ok(caller)
}

/// Lets a caller in with a token that is good, whatever it may do.
pub(crate) async fn enter(app: &Arc<App>, parts: &Parts) -> Result<Caller, Problem> {
    let address = address(parts);
    let secret = secret(&parts.headers, &parts.uri).unwrap_or_default();
    let caller = app.authenticate(&secret, address).await.map_err(|refusal| refused(app, refusal))?;
    if !app.rates.admit(caller.token.id) {
        return Err(Problem::too_many(1));
    }
    Ok(caller)
}

/// Refuses a caller that may not do this.
pub(crate) fn require(caller: &Caller, scope: &Scope) -> Result<(), Problem> {
    if !caller.may(scope) {
        let id = caller.token.id;
        return Err(Problem::forbidden(text!(
            "token {id} has no scope `{scope}`",
            "le jeton {id} n'a pas le droit `{scope}`"
        )));
    }
    Ok(())
}

/// The identifier in a path.
pub(crate) fn identifier(path: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    path.map(|Path(id)| id).map_err(|_| {
        let reason = text!("it is no UTF-8", "ce n'est pas de l'UTF-8");
        Problem::parameters(vec![ParameterFault { name: "id".to_owned(), reason }])
    })
}

fn refused(app: &App, refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Missing => Problem::unauthorized(text!(
            "send it as `Authorization: Bearer TOKEN`",
            "envoyez-le par `Authorization: Bearer JETON`"
        )),
        // Nobody learns whether a token once was good.
        Refusal::Unknown | Refusal::Expired => {
            Problem::unauthorized(text!("the token is not valid", "le jeton n'est pas valable"))
        }
        Refusal::Address => Problem::forbidden(text!(
            "the token may not be used from this address",
            "le jeton ne peut être utilisé depuis cette adresse"
        )),
        Refusal::TooMany => Problem::too_many(app.rates.pause()),
        Refusal::Unavailable => Problem::unavailable(text!(
            "tokens cannot be checked now",
            "les jetons ne peuvent être vérifiés pour l'instant"
        )),
    }
}

/// Parts of a path, of which one that is no UTF-8 is told.
pub(crate) fn path_parts<T>(path: Result<Path<T>, PathRejection>) -> Result<T, Problem> {
    path.map(|Path(parts)| parts)
        .map_err(|_| Problem::parameter("path", text!("it is no UTF-8", "ce n'est pas de l'UTF-8")))
}
