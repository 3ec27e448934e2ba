//! `/v1/instances`: incremental pulls, acknowledgements, replay.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::request::Parts;
use axum::response::Response;
use engine::etl::{Batch, Marks, NewBatch, Opened, Position, REPLAY_SECONDS};
use engine::view::{Bound, Given, View, Window};
use engine::{Error, ErrorKind, text};
use serde_json::json;

use super::asked::Asked;
use super::native::{self, path_parts};
use super::views::{body_of, json_answer, sample, site_of, traced, view_of, who};
use crate::access::{Caller, Scope};
use crate::answers::{instant, progress_json};
use crate::etl::pull::{Order, Which, may_pull};
use crate::etl::{Instance, split_suffix};
use crate::http::{App, Problem};

/// A consumer at one of its views.
struct Entered {
    caller: Caller,
    parts: Parts,
    instance: Arc<Instance>,
    view: Arc<View>,
    marks: Marks,
}

impl Entered {
    async fn new(app: &Arc<App>, parts: Parts, instance: &str, view: &str) -> Result<Self, Problem> {
        let caller = native::enter(app, &parts).await?;
        native::require(&caller, &Scope::Etl(Some(instance.to_owned())))?;
        let instance = app.desk.instances.get(instance, app.now()).await?;
        let view = view_of(&*app.desk.shelf.views(&app.engine).await?, view)?;
        may_pull(&instance, &view, native::address(&parts))?;
        if view.incremental.is_none() {
            let name = &view.name;
            return Err(Problem::not_found(text!(
                "view `{name}` is not incremental: pull it whole at /v1/views/{name}/data",
                "la vue `{name}` n'est pas incrémentale : tirez-la entière sur /v1/views/{name}/data"
            )));
        }
        let marks = Marks::new(app.engine.store(), &instance.name, &view.name);
        Ok(Self { caller, parts, instance, view, marks })
    }

    /// The site with its name, and where its table is.
    async fn position(&self, app: &App) -> Result<(String, Position), Problem> {
        let snapshot = app.engine.snapshot(None).await?;
        let site = site_of(&self.caller, Some(&self.instance))?;
        let site = site.unwrap_or_else(|| snapshot.manifest().default_site.clone());
        let table = self.view.incremental.as_ref().map(|incremental| incremental.table.as_str()).unwrap_or_default();
        // A table of another site is named with it.
        let (of, table) = table.split_once('.').unwrap_or((&site, table));
        let position = Position::of(&snapshot, of, table);
        Ok((site, position))
    }

    fn order(&self, site: String, (bound, now): (Bound, i64), commit: u64, which: Which) -> Order {
        Order {
            instance: Some(Arc::clone(&self.instance)),
            view: Arc::clone(&self.view),
            bound,
            now,
            site: Some(site),
            commit,
            which,
            who: who(&self.caller, &self.parts),
        }
    }
}

/// `GET /v1/instances`: the consumers that the token speaks for, with their marks.
pub(crate) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let caller = native::enter(&app, &parts).await?;
    Asked::read(&parts, &Bytes::new())?.finish(|_| text!("unknown", "inconnu"))?;
    let (all, now) = (app.desk.instances.all(app.now()).await?, app.now());
    let mut listed = Vec::new();
    for instance in all.values().filter(|instance| caller.may(&Scope::Etl(Some(instance.name.clone())))) {
        let mut marks = Vec::new();
        for view in Marks::views(app.engine.store(), &instance.name).await? {
            let progress = Marks::new(app.engine.store(), &instance.name, &view).load().await?;
            marks.push(progress_json(&view, &progress, now, false));
        }
        listed.push(json!({
            "name": instance.name,
            "label": instance.settings.label,
            "views": instance.settings.views,
            "formats": instance.settings.formats,
            "paused": instance.paused.as_ref().map(|pause| &pause.reason),
            "marks": marks,
        }));
    }
    Ok(json_answer(&json!({ "instances": listed }), &caller))
}

/// `GET /v1/instances/{instance}/{view}[.format]`: the rows that were committed since the mark.
pub(crate) async fn pull(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let (instance, view) = path_parts(path)?;
    let (view, suffix) = split_suffix(&view);
    let entered = Entered::new(&app, parts, &instance, view).await?;
    let mut asked = Asked::read(&entered.parts, &Bytes::new())?;
    let wire = asked.wire(suffix, &entered.parts.headers)?;
    let sample = sample(&mut asked);
    asked.finish(|_| fixed_only(&entered.view))?;
    let now = app.now();
    let bound = fixed(&app, &entered.instance, &entered.view)?;
    let (site, position) = entered.position(&app).await?;
    if sample {
        let mark = entered.marks.load().await?.mark;
        let window = Window { after: mark.min(position.commit), upto: position.commit };
        let order = entered.order(site, (bound, now), position.commit, Which::Sample { window: Some(window) });
        return Ok(traced(order.send(&app, &wire).await?, &entered.caller));
    }
    let new = NewBatch {
        instance: &entered.instance.name,
        view: &entered.view.name,
        view_version: entered.view.version,
        parameters: bound.json(&entered.view),
        now,
    };
    let order = match entered.marks.open(position, &new).await.map_err(reset_needed)? {
        Opened::Batch(batch) => entered.batch(&app, site, batch, false)?,
        Opened::Nothing => {
            let mark = entered.marks.load().await?.mark;
            entered.order(site, (bound, now), position.commit, Which::Nothing { mark })
        }
    };
    Ok(traced(order.send(&app, &wire).await?, &entered.caller))
}

impl Entered {
    /// The pull of a batch: its own parameters, its own time, its own snapshot.
    fn batch(&self, app: &App, site: String, batch: Batch, replay: bool) -> Result<Order, Problem> {
        let given: Vec<(String, Given)> =
            batch.parameters.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
        let bound = Bound::read(&self.view, &[], &given, app.settings.zone).map_err(|_| {
            let id = &batch.id;
            Problem::conflict(
                "etl.view_changed",
                text!(
                    "the parameters of batch {id} are none of the view any more; reset the view for this instance",
                    "les paramètres du lot {id} ne sont plus ceux de la vue ; réinitialisez la vue pour cette instance"
                ),
            )
        })?;
        let (now, commit) = (batch.opened_at, batch.upto);
        Ok(self.order(site, (bound, now), commit, Which::Batch { batch, replay }))
    }
}

/// `POST /v1/instances/{instance}/{view}/ack`: the consumer has a batch. A repeated call answers the same.
pub(crate) async fn acknowledge(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (instance, view) = path_parts(path)?;
    let entered = Entered::new(&app, parts, &instance, &view).await?;
    let mut asked = Asked::read(&entered.parts, &body_of(&app, body).await?)?;
    let id = asked.take("batch");
    if id.is_none() {
        asked.fault("batch", text!("it is required", "il est obligatoire"));
    }
    asked.finish(|_| text!("unknown; there is batch", "inconnu ; il y a batch"))?;
    let answer = entered.marks.acknowledge(&id.unwrap_or_default(), app.now(), REPLAY_SECONDS).await?;
    let batch = &answer.batch;
    let value = json!({
        "batch": batch.id,
        "after": batch.after,
        "mark": batch.upto,
        "acknowledged_at": batch.acknowledged_at.map(instant),
    });
    Ok(json_answer(&value, &entered.caller))
}

/// `GET …/batches`: the mark, the open batch, and those that can be replayed.
pub(crate) async fn batches(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let (instance, view) = path_parts(path)?;
    let entered = Entered::new(&app, parts, &instance, &view).await?;
    Asked::read(&entered.parts, &Bytes::new())?.finish(|_| text!("unknown", "inconnu"))?;
    let progress = entered.marks.load().await?;
    Ok(json_answer(&progress_json(&entered.view.name, &progress, app.now(), true), &entered.caller))
}

/// `GET …/batches/{batch}[.format]`: a batch again, as it was.
pub(crate) async fn replay(
    State(app): State<Arc<App>>,
    path: Result<Path<(String, String, String)>, PathRejection>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let (instance, view, batch) = path_parts(path)?;
    let (id, suffix) = split_suffix(&batch);
    let entered = Entered::new(&app, parts, &instance, &view).await?;
    let mut asked = Asked::read(&entered.parts, &Bytes::new())?;
    let wire = asked.wire(suffix, &entered.parts.headers)?;
    asked.finish(|_| text!("a batch has its own parameters", "un lot a ses propres paramètres"))?;
    let progress = entered.marks.load().await?;
    let batch = progress.batch(id)?.clone();
    if !batch.is_replayable(app.now(), REPLAY_SECONDS) {
        let error = Error::new(ErrorKind::NotFound, text!("the batch is too old", "le lot est trop vieux"));
        return Err(Problem::gone(&error));
    }
    let (site, _) = entered.position(&app).await?;
    let is_open = batch.acknowledged_at.is_none();
    let order = entered.batch(&app, site, batch, !is_open)?;
    Ok(traced(order.send(&app, &wire).await?, &entered.caller))
}

/// The parameters that the instance fixes; a view that needs more cannot be pulled incrementally by it.
pub(crate) fn fixed(app: &App, instance: &Instance, view: &View) -> Result<Bound, Problem> {
    Bound::read(view, &instance.settings.fixed(view), &[], app.settings.zone).map_err(|faults| {
        let (name, instance) = (&view.name, &instance.name);
        let missing = faults.into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(", ");
        Problem::conflict(
            "etl.parameters",
            text!(
                "the parameters of an incremental pull are those that the instance fixes, and `{instance}` lacks good values for {missing} of view `{name}`",
                "les paramètres d'un tirage incrémental sont ceux que l'instance fixe, et `{instance}` n'a pas de bonne valeur pour {missing} de la vue `{name}`"
            ),
        )
    })
}

fn fixed_only(view: &View) -> engine::Text {
    let name = &view.name;
    text!(
        "an incremental pull takes no parameters of the view, because its mark would mean something else each time: fix them in the instance, or pull /v1/views/{name}/data",
        "un tirage incrémental ne prend aucun paramètre de la vue, car sa marque changerait de sens à chaque fois : fixez-les dans l'instance, ou tirez /v1/views/{name}/data"
    )
}

fn reset_needed(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::Conflict => {
            let of = |lang| error.message(lang).to_owned();
            let text = engine::Text { en: of(engine::Lang::En), fr: of(engine::Lang::Fr) };
            Problem::conflict("etl.reset_needed", text)
        }
        _ => Problem::from(error),
    }
}
