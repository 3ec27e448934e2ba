//! `/v1/admin`: consumers, their tokens, and views, for a token with the scope `admin`.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use engine::etl::Marks;
use engine::time::DayEdge;
use engine::view::View;
use engine::{Lang, text};
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::native::{self, path_parts};
use super::views::{body_of, json_answer, view_of};
use crate::access::{Caller, NewToken, Scope, Secret, Token};
use crate::answers::{instance_json, instant, progress_json};
use crate::etl::{Instance, InstanceSettings, Pause, set_member};
use crate::http::{App, Problem, language};
use crate::values;

type OneName = Result<Path<String>, PathRejection>;

/// Lets an administrator in; answers the body too.
async fn enter(app: &Arc<App>, request: Request) -> Result<(Caller, Asked), Problem> {
    let (parts, body) = request.into_parts();
    let caller = native::admit(app, &parts, &Scope::Admin).await?;
    let asked = Asked::read(&parts, &body_of(app, body).await?)?;
    Ok((caller, asked))
}

fn nothing_more(asked: Asked) -> Result<(), Problem> {
    asked.finish(|_| text!("unknown", "inconnu"))
}

/// `GET /v1/admin/instances`.
pub(crate) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let all = app.desk.instances.all(app.now()).await?;
    let instances: Vec<Value> = all.values().map(|instance| instance_json(instance)).collect();
    Ok(json_answer(&json!({ "instances": instances }), &caller))
}

/// `POST /v1/admin/instances`: `name`, and the members of the settings.
pub(crate) async fn add(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (caller, mut asked) = enter(&app, request).await?;
    let name = asked.take("name");
    if name.is_none() {
        asked.fault("name", text!("it is required", "il est obligatoire"));
    }
    let mut settings = InstanceSettings::default();
    read_members(&mut asked, &mut settings);
    nothing_more(asked)?;
    let instance = app.desk.instances.add(&name.unwrap_or_default(), &settings, app.now()).await?;
    let mut response = answer(&app, &instance, &caller).await?;
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(place) = HeaderValue::from_str(&format!("/v1/admin/instances/{}", instance.name)) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// `GET /v1/admin/instances/{instance}`.
pub(crate) async fn show(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let instance = app.desk.instances.get(&path_parts(path)?, app.now()).await?;
    answer(&app, &instance, &caller).await
}

/// `PATCH /v1/admin/instances/{instance}`: members that are given are changed.
pub(crate) async fn edit(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, mut asked) = enter(&app, request).await?;
    let name = path_parts(path)?;
    // Read once by themselves, so that all that is wrong is told before anything is changed.
    let members = read_members(&mut asked, &mut InstanceSettings::default());
    nothing_more(asked)?;
    let edit = |settings: &mut InstanceSettings| {
        for (name, value) in &members {
            set_member(settings, name, value.clone())?;
        }
        Ok(())
    };
    let instance = app.desk.instances.edit(&name, app.now(), edit).await?;
    answer(&app, &instance, &caller).await
}

/// Takes all members of the settings; bad ones are noted. Answers those that were given.
fn read_members(asked: &mut Asked, settings: &mut InstanceSettings) -> Map<String, Value> {
    let mut members = Map::new();
    for name in InstanceSettings::MEMBERS {
        let Some(value) = asked.member(name) else { continue };
        if let Err(error) = set_member(settings, name, value.clone()) {
            let of = |lang| error.message(lang).to_owned();
            asked.fault(name, engine::Text { en: of(Lang::En), fr: of(Lang::Fr) });
        }
        members.insert((*name).to_owned(), value);
    }
    members
}

/// `DELETE /v1/admin/instances/{instance}`: the instance and its marks.
pub(crate) async fn delete(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let name = path_parts(path)?;
    app.desk.instances.delete(&name, app.now()).await?;
    Ok(json_answer(&json!({ "deleted": name }), &caller))
}

/// `POST …/pause`: `reason`.
pub(crate) async fn pause(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, mut asked) = enter(&app, request).await?;
    let reason = required(&mut asked, "reason");
    nothing_more(asked)?;
    let pause = Pause { at: app.now(), reason };
    let instance = app.desk.instances.set_pause(&path_parts(path)?, Some(pause), app.now()).await?;
    answer(&app, &instance, &caller).await
}

/// `POST …/resume`.
pub(crate) async fn resume(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let instance = app.desk.instances.set_pause(&path_parts(path)?, None, app.now()).await?;
    answer(&app, &instance, &caller).await
}

/// `POST …/reset`: `view`, `reason`, and `to` (a commit; 0 by default).
pub(crate) async fn reset(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, mut asked) = enter(&app, request).await?;
    let (view, reason) = (required(&mut asked, "view"), required(&mut asked, "reason"));
    let to = asked.commit("to").unwrap_or(0);
    let snapshot = app.engine.snapshot(None).await?;
    if to > snapshot.commit() {
        let newest = snapshot.commit();
        asked.fault("to", text!("the newest commit is {newest}", "la validation la plus récente est {newest}"));
    }
    nothing_more(asked)?;
    let instance = app.desk.instances.get(&path_parts(path)?, app.now()).await?;
    let view = view_of(&*app.desk.shelf.views(&app.engine).await?, &view)?;
    let marks = Marks::new(app.engine.store(), &instance.name, &view.name);
    let progress = marks.reset(to, &reason, app.now(), snapshot.manifest().restores).await?;
    Ok(json_answer(&progress_json(&view.name, &progress, app.now(), true), &caller))
}

/// `GET …/history`: marks, batches and resets of all views.
pub(crate) async fn history(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let instance = app.desk.instances.get(&path_parts(path)?, app.now()).await?;
    let mut views = Vec::new();
    for view in Marks::views(app.engine.store(), &instance.name).await? {
        let progress = Marks::new(app.engine.store(), &instance.name, &view).load().await?;
        views.push(progress_json(&view, &progress, app.now(), true));
    }
    Ok(json_answer(&json!({ "instance": instance.name, "views": views }), &caller))
}

/// `GET …/tokens`.
pub(crate) async fn tokens(State(app): State<Arc<App>>, path: OneName, request: Request) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let scope = scope_of(&app, path).await?;
    let access = app.gate.register().load().await?;
    let now = app.now();
    let tokens = access.tokens.iter().filter(|token| token.scopes.contains(&scope));
    let tokens: Vec<Value> = tokens.map(|token| token_json(token, now)).collect();
    Ok(json_answer(&json!({ "tokens": tokens }), &caller))
}

/// `POST …/tokens`: `label`, `expires`, `addresses`. The secret is in this answer and nowhere else.
pub(crate) async fn add_token(
    State(app): State<Arc<App>>,
    path: OneName,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, mut asked) = enter(&app, request).await?;
    let label = required(&mut asked, "label");
    let zone = app.settings.zone;
    let expires = asked.parse("expires", |value| values::moment(value, zone, DayEdge::Last));
    let addresses = asked.parse("addresses", |value| {
        value.parse().map_err(|error: engine::Error| {
            let of = |lang| error.message(lang).to_owned();
            engine::Text { en: of(Lang::En), fr: of(Lang::Fr) }
        })
    });
    nothing_more(asked)?;
    let scope = scope_of(&app, path).await?;
    let new = NewToken {
        label,
        scopes: [scope].into(),
        expires,
        addresses: addresses.unwrap_or_default(),
        ..NewToken::default()
    };
    let (secret, now) = (Secret::generate()?, app.now());
    let register = app.gate.register();
    let token = register
        .update(|access| {
            let id = access.create_token(&new, &secret, now)?;
            access.token(id).cloned()
        })
        .await?;
    let mut value = token_json(&token, now);
    if let Some(members) = value.as_object_mut() {
        members.insert("secret".to_owned(), json!(secret.expose()));
    }
    let mut response = json_answer(&value, &caller);
    *response.status_mut() = StatusCode::CREATED;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// `DELETE …/tokens/{token}`.
pub(crate) async fn revoke_token(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let (instance, id) = path_parts(path)?;
    let (scope, now) = (Scope::Etl(Some(instance)), app.now());
    let register = app.gate.register();
    let token = register
        .update(|access| {
            let id = access.token_id(&id)?;
            if !access.token(id)?.scopes.contains(&scope) {
                return Err(engine::Error::new(
                    engine::ErrorKind::NotFound,
                    text!("token {id} is none of this instance", "le jeton {id} n'est pas de cette instance"),
                ));
            }
            access.revoke_token(id, now)?;
            access.token(id).cloned()
        })
        .await?;
    Ok(json_answer(&token_json(&token, now), &caller))
}

/// `POST /v1/admin/views/reload`: looks at the files of views now.
pub(crate) async fn reload(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let (caller, asked) = enter(&app, request).await?;
    nothing_more(asked)?;
    let report = app.desk.shelf.reload(&app.engine).await?;
    let lang = language(&headers);
    let faults: Vec<String> = report.faults.iter().map(|fault| fault.render(lang)).collect();
    let value = json!({ "published": report.published, "removed": report.removed, "faults": faults });
    Ok(json_answer(&value, &caller))
}

async fn scope_of(app: &App, path: OneName) -> Result<Scope, Problem> {
    let instance = app.desk.instances.get(&path_parts(path)?, app.now()).await?;
    Ok(Scope::Etl(Some(instance.name.clone())))
}

fn required(asked: &mut Asked, name: &str) -> String {
    let value = asked.take(name);
    if value.is_none() {
        asked.fault(name, text!("it is required", "il est obligatoire"));
    }
    value.unwrap_or_default()
}

/// The instance, with remarks about what does not fit the views.
async fn answer(app: &App, instance: &Instance, caller: &Caller) -> Result<Response, Problem> {
    let views = app.desk.shelf.views(&app.engine).await?;
    let published: Vec<Arc<View>> = views.published().cloned().collect();
    let remarks = instance.settings.remarks(&published);
    let mut value = instance_json(instance);
    if let Some(members) = value.as_object_mut() {
        let remarks = remarks.iter().map(|remark| json!({ "en": remark.en, "fr": remark.fr }));
        members.insert("remarks".to_owned(), remarks.collect());
    }
    Ok(json_answer(&value, caller))
}

fn token_json(token: &Token, now: i64) -> Value {
    json!({
        "id": token.id,
        "label": token.label,
        "hint": token.hint,
        "state": token.state(now),
        "created": instant(token.created),
        "expires": token.expires.map(instant),
        "revoked": token.revoked.map(instant),
        "addresses": token.addresses.to_string(),
    })
}
