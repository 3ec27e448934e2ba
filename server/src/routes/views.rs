//! `/v1/views`: the catalogue, and full pulls.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use engine::text;
use engine::view::{View, Views};
use serde_json::{Value, json};

use super::asked::Asked;
use super::native::{self, path_parts};
use crate::access::{Caller, Scope};
use crate::answers::view_json;
use crate::etl::pull::{Order, Which, Who, may_pull};
use crate::etl::{Cursor, Instance, split_suffix};
use crate::http::{App, Problem, RequestId};
use crate::moodle::call::Trace;

/// Reads the body of a request, up to the limit of the server.
pub(super) async fn body_of(app: &App, body: Body) -> Result<Bytes, Problem> {
    let limit = app.settings.limits.body;
    axum::body::to_bytes(body, limit).await.map_err(|_| {
        Problem::parameter(
            "body",
            text!(
                "it could not be read whole; the limit is {limit} bytes",
                "il n'a pu être lu en entier ; la limite est de {limit} octets"
            ),
        )
    })
}

/// Who pulls, for records.
pub(super) fn who(caller: &Caller, parts: &Parts) -> Who {
    Who {
        token: caller.token.id,
        address: native::address(parts),
        request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
    }
}

/// The consumer that a caller pulls for: the one that it names, else the only one of its token, else, for analysts,
/// none.
pub(super) async fn consumer(
    app: &App,
    caller: &Caller,
    named: Option<&str>,
) -> Result<Option<Arc<Instance>>, Problem> {
    if let Some(name) = named {
        native::require(caller, &Scope::Etl(Some(name.to_owned())))?;
        return Ok(Some(app.desk.instances.get(name, app.now()).await?));
    }
    let mut own = caller.token.scopes.iter().filter_map(|scope| match scope {
        Scope::Etl(Some(name)) => Some(name),
        _ => None,
    });
    let (first, second) = (own.next(), own.next());
    if let (Some(name), None) = (first, second) {
        native::require(caller, &Scope::Etl(Some(name.clone())))?;
        return Ok(Some(app.desk.instances.get(name, app.now()).await?));
    }
    if caller.may(&Scope::Sql) {
        return Ok(None);
    }
    if second.is_some() || caller.may(&Scope::Etl(None)) {
        return Err(Problem::parameter(
            "instance",
            text!("it is required with this token", "il est obligatoire avec ce jeton"),
        ));
    }
    let id = caller.token.id;
    Err(Problem::forbidden(text!(
        "token {id} has no scope `etl:INSTANCE`, `etl` or `sql`",
        "le jeton {id} n'a pas le droit `etl:INSTANCE`, `etl` ni `sql`"
    )))
}

/// The site that a pull sees: that of the instance, else that of the token.
pub(super) fn site_of(caller: &Caller, instance: Option<&Instance>) -> Result<Option<String>, Problem> {
    let site =
        instance.and_then(|instance| instance.settings.site.clone()).or_else(|| caller.home().map(str::to_owned));
    match site {
        Some(site) if !caller.sees(&site) => {
            Err(Problem::forbidden(text!("the token does not see this site", "le jeton ne voit pas ce site")))
        }
        site => Ok(site),
    }
}

/// A view that can be pulled.
pub(super) fn view_of(views: &Views, name: &str) -> Result<Arc<View>, Problem> {
    if let Some(view) = views.get(name) {
        return Ok(Arc::clone(view));
    }
    let near = engine::fault::nearest(name, views.published().map(|view| view.name.as_str()));
    let name = engine::fault::quoted(name);
    Err(Problem::not_found(match near {
        Some(near) => text!(
            "there is no view \"{name}\"; did you mean `{near}`?",
            "il n'y a pas de vue « {name} » ; vouliez-vous dire `{near}` ?"
        ),
        None => text!("there is no view \"{name}\"", "il n'y a pas de vue « {name} »"),
    }))
}

/// A JSON document as an answer.
pub(super) fn json_answer(value: &Value, caller: &Caller) -> Response {
    let mut response = Response::new(Body::from(value.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    traced(response, caller)
}

/// The answer with what the log tells of it.
pub(super) fn traced(mut response: Response, caller: &Caller) -> Response {
    response.extensions_mut().insert(Trace { function: None, token: Some(caller.token.id) });
    response
}

/// `GET /v1/views`: the views that the caller may pull.
pub(crate) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let caller = native::enter(&app, &parts).await?;
    let mut asked = Asked::read(&parts, &Bytes::new())?;
    let named = asked.take("instance");
    asked.finish(|_| text!("unknown; there is instance", "inconnu ; il y a instance"))?;
    let instance = consumer(&app, &caller, named.as_deref()).await?;
    let views = app.desk.shelf.views(&app.engine).await?;
    let may = |view: &&Arc<View>| instance.as_ref().is_none_or(|instance| instance.settings.may_pull(&view.name));
    let views: Vec<Value> = views.published().filter(may).map(|view| view_json(view)).collect();
    Ok(json_answer(&json!({ "views": views }), &caller))
}

/// `GET /v1/views/{view}`: one view.
pub(crate) async fn show(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let caller = native::enter(&app, &parts).await?;
    let name = path_parts(path)?;
    let mut asked = Asked::read(&parts, &Bytes::new())?;
    let named = asked.take("instance");
    asked.finish(|_| text!("unknown; there is instance", "inconnu ; il y a instance"))?;
    let instance = consumer(&app, &caller, named.as_deref()).await?;
    let view = view_of(&*app.desk.shelf.views(&app.engine).await?, &name)?;
    if let Some(instance) = &instance {
        may_pull(instance, &view, native::address(&parts))?;
    }
    Ok(json_answer(&view_json(&view), &caller))
}

/// `GET` and `POST /v1/views/{view}/data[.format]`: all rows, or a page.
pub(crate) async fn data(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = native::enter(&app, &parts).await?;
    let (name, data) = path_parts(path)?;
    let (word, suffix) = split_suffix(&data);
    if word != "data" {
        return Err(Problem::not_found(text!("there is nothing here", "il n'y a rien ici")));
    }
    let mut asked = Asked::read(&parts, &body_of(&app, body).await?)?;
    let named = asked.take("instance");
    let instance = consumer(&app, &caller, named.as_deref()).await?;
    let view = view_of(&*app.desk.shelf.views(&app.engine).await?, &name)?;
    if let Some(instance) = &instance {
        may_pull(instance, &view, native::address(&parts))?;
    }
    let mut wire = asked.wire(suffix, &parts.headers)?;
    let at = asked.commit("at");
    let sample = sample(&mut asked);
    let limit = asked.count("limit", app.settings.etl.page);
    let cursor = asked.take("cursor");
    if view.key.is_empty() && (limit.is_some() || cursor.is_some()) {
        let reason = text!("the view has no key to cut pages by", "la vue n'a pas de clé pour découper des pages");
        asked.fault(if limit.is_some() { "limit" } else { "cursor" }, reason);
    }
    let fixed = instance.as_ref().map(|instance| instance.settings.fixed(&view)).unwrap_or_default();
    let bound = asked.bind(&app, &view, &fixed)?;
    let parameters = Value::Object(bound.json(&view));
    let after = match cursor {
        Some(text) => {
            Some(Cursor::read(&text, &view, &parameters).map_err(|reason| Problem::parameter("cursor", reason))?)
        }
        None => None,
    };
    let commit = match after.as_ref().map(|after| after.commit).or(at) {
        Some(commit) => commit,
        None => app.engine.snapshot(None).await?.commit(),
    };
    let now = after.as_ref().map_or_else(|| app.now(), |after| after.now);
    let which = match (sample, limit.is_some() || after.is_some()) {
        (true, _) => Which::Sample { window: None },
        (false, true) => {
            wire.next = Some(Asked::address(&app, &parts));
            Which::Page { limit: limit.unwrap_or(app.settings.etl.page), after }
        }
        (false, false) => Which::Full,
    };
    let site = site_of(&caller, instance.as_deref())?;
    let order = Order { instance, view, bound, now, site, commit, which, who: who(&caller, &parts) };
    Ok(traced(order.send(&app, &wire).await?, &caller))
}

/// Takes `testmode`: `test` or `1` for a sample.
pub(super) fn sample(asked: &mut Asked) -> bool {
    let read = |value: &str| match value {
        "test" | "1" => Ok(true),
        "0" => Ok(false),
        _ => Err(text!("write test", "écrivez test")),
    };
    asked.parse("testmode", read).unwrap_or(false)
}
