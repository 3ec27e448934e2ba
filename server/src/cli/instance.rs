//! `instance`: consumers of views.

use engine::etl::{Batch, Marks, Progress};
use engine::view::{View, Views};
use engine::{Engine, Lang, Text, text};
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::args::{Globals, InstanceFlags, InstanceTokenVerb, InstanceVerb, NewTokenArgs, TokenVerb};
use super::exit::{Exit, Failure};
use super::{Console, config, flags, open, token, view};
use crate::access::Scope;
use crate::answers::{instance_json, instant, progress_json};
use crate::encode::draw;
use crate::etl::{Instance, InstanceSettings, Instances, Pause, set_member};

/// Runs a verb of `instance`.
pub(crate) async fn run(
    verb: &InstanceVerb,
    globals: &Globals,
    now: i64,
    console: &mut Console,
) -> Result<Exit, Failure> {
    if let InstanceVerb::Token { verb } = verb {
        return tokens(verb, globals, now, console).await;
    }
    let config = config::load(globals)?;
    let engine = match verb {
        InstanceVerb::Add { .. } => open::open(globals.store()).await?,
        _ => open::open_existing(globals.store()).await?,
    };
    let instances = Instances::new(&engine, config.instances.clone());
    match verb {
        InstanceVerb::List { json } => list(&instances, *json, now, console).await?,
        InstanceVerb::Add { name, flags } => {
            let instance = add(&instances, name, flags, now, console).await?;
            remark(&engine, &instance, &config, console).await?;
        }
        InstanceVerb::Edit { name, flags, unset } => {
            let instance = edit(&instances, name, (flags, unset), now, console).await?;
            remark(&engine, &instance, &config, console).await?;
        }
        InstanceVerb::Show { name, json } => {
            show(&engine, &*instances.get(name, now).await?, (*json, false, now), console).await?
        }
        InstanceVerb::History { name, json } => {
            show(&engine, &*instances.get(name, now).await?, (*json, true, now), console).await?;
        }
        InstanceVerb::Pause { name, reason, .. } => pause(&instances, name, reason.as_deref(), now, console).await?,
        InstanceVerb::Reset { name, view, reason, to } => {
            let instance = instances.get(name, now).await?;
            reset(&engine, &instance, (view, *to, reason), now, console).await?;
        }
        InstanceVerb::Delete { name } => {
            instances.delete(name, now).await?;
            console.say(&text!(
                "instance `{name}` is deleted with its marks; its tokens open nothing any more",
                "l'instance `{name}` est supprimée avec ses marques ; ses jetons n'ouvrent plus rien"
            ));
        }
        InstanceVerb::Token { .. } => {}
    }
    Ok(Exit::Done)
}

async fn add(
    instances: &Instances,
    name: &str,
    flags: &InstanceFlags,
    now: i64,
    console: &mut Console,
) -> Result<Arc<Instance>, Failure> {
    let mut settings = InstanceSettings::default();
    apply(flags, &mut settings)?;
    let instance = instances.add(name, &settings, now).await?;
    console.say(&text!(
        "instance `{name}` is created; give it a token with `assidu instance token add {name} --label …`",
        "l'instance `{name}` est créée ; donnez-lui un jeton avec `assidu instance token add {name} --label …`"
    ));
    Ok(instance)
}

async fn edit(
    instances: &Instances,
    name: &str,
    (flags, unset): (&InstanceFlags, &[String]),
    now: i64,
    console: &mut Console,
) -> Result<Arc<Instance>, Failure> {
    check_unset(unset)?;
    // Read once by themselves, so that a wrong flag is a mistake of usage.
    apply(flags, &mut InstanceSettings::default())?;
    let edit = |settings: &mut InstanceSettings| {
        for name in unset {
            set_member(settings, &name.replace('-', "_"), Value::Null)?;
        }
        apply(flags, settings).map_err(|failure| engine::Error::bug(failure.describe(Lang::En)))
    };
    let instance = instances.edit(name, now, edit).await?;
    console.say(&text!("instance `{name}` is changed", "l'instance `{name}` est modifiée"));
    Ok(instance)
}

/// Sets what the flags say.
fn apply(flags: &InstanceFlags, settings: &mut InstanceSettings) -> Result<(), Failure> {
    let text = |value: &Option<String>, to: &mut String| {
        if let Some(value) = value {
            to.clone_from(value);
        }
    };
    text(&flags.label, &mut settings.label);
    settings.site = flags.site.clone().or_else(|| settings.site.take());
    settings.plugin = flags.plugin.clone().or_else(|| settings.plugin.take());
    settings.number = flags.number.or(settings.number);
    if !flags.views.is_empty() {
        settings.views.clone_from(&flags.views);
    }
    if !flags.formats.is_empty() {
        settings.formats.clone_from(&flags.formats);
    }
    if !flags.params.is_empty() {
        settings.parameters = view::given(&flags.params)?
            .into_iter()
            .map(|(name, value)| match value {
                engine::view::Given::Texts(mut texts) if texts.len() == 1 => (name, json!(texts.remove(0))),
                engine::view::Given::Texts(texts) => (name, json!(texts)),
                engine::view::Given::Json(value) => (name, value),
            })
            .collect();
    }
    if let Some(list) = &flags.addresses {
        settings.addresses = list.parse().map_err(|error: engine::Error| {
            let (en, fr) = (error.message(Lang::En).to_owned(), error.message(Lang::Fr).to_owned());
            Failure::Usage(text!("`--addresses`: {en}", "`--addresses` : {fr}"))
        })?;
    }
    settings.rate = flags.rate.or(settings.rate);
    settings.concurrency = flags.concurrency.or(settings.concurrency);
    if let Some(seconds) = flags::parse("timeout", flags.timeout.as_deref(), flags::duration)? {
        settings.timeout = u64::try_from(seconds).ok();
    }
    settings.max_rows = flags.max_rows.or(settings.max_rows);
    if let Some(bytes) = flags::parse("max-bytes", flags.max_bytes.as_deref(), flags::size)? {
        settings.max_bytes = Some(bytes as u64);
    }
    settings.identities = flags.identities.unwrap_or(settings.identities);
    Ok(())
}

fn check_unset(names: &[String]) -> Result<(), Failure> {
    for name in names {
        let member = name.replace('-', "_");
        if !InstanceSettings::MEMBERS.contains(&member.as_str()) {
            let all = InstanceSettings::MEMBERS.join(", ");
            let name = engine::fault::quoted(name);
            return Err(Failure::Usage(text!(
                "`--unset`: \"{name}\" is none of {all}",
                "`--unset` : « {name} » n'est pas dans {all}"
            )));
        }
    }
    Ok(())
}

/// Tells what does not fit the views of the store.
async fn remark(
    engine: &Engine,
    instance: &Instance,
    config: &crate::settings::Config,
    console: &mut Console,
) -> Result<(), Failure> {
    let request =
        engine::SessionRequest { known_tables: true, ..engine::SessionRequest::new(engine::query::Limits::default()) };
    let session = engine.session_for(&request).await?;
    let (views, _) = Views::load(config.views().as_deref(), &session, &Views::default()).await;
    let views: Vec<Arc<View>> = views.published().cloned().collect();
    for remark in instance.settings.remarks(&views) {
        console.say(&remark);
    }
    Ok(())
}

async fn list(instances: &Instances, json: bool, now: i64, console: &mut Console) -> Result<(), Failure> {
    let all = instances.all(now).await?;
    if json {
        let all: Vec<Value> = all.values().map(|instance| instance_json(instance)).collect();
        return Ok(console.json(&all)?);
    }
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["instance", "label", "views", "formats", "identities", "plugin", "state"],
        Lang::Fr => ["instance", "libellé", "vues", "formats", "identités", "plugin", "état"],
    };
    let all_of = |names: &[String]| match names.is_empty() {
        true => text!("all", "toutes").get(lang).to_owned(),
        false => names.join(", "),
    };
    let rows: Vec<Vec<String>> = all
        .values()
        .map(|instance| {
            let settings = &instance.settings;
            let identities = if settings.identities { text!("yes", "oui") } else { text!("pseudonyms", "pseudonymes") };
            let number = settings.number.map(|number| format!(" {number}")).unwrap_or_default();
            let state = match &instance.paused {
                Some(pause) => {
                    Text { en: format!("paused: {}", pause.reason), fr: format!("suspendue : {}", pause.reason) }
                }
                None => text!("active", "active"),
            };
            vec![
                instance.name.clone(),
                settings.label.clone(),
                all_of(&settings.views),
                all_of(&settings.formats),
                identities.get(lang).to_owned(),
                format!("{}{number}", settings.plugin.as_deref().unwrap_or_default()),
                state.get(lang).to_owned(),
            ]
        })
        .collect();
    let drawn = draw(&head.map(str::to_owned), &[false; 7], &rows, console.width);
    Ok(console.data(&drawn)?)
}

/// One instance with its marks; with its batches and resets when `history` says so.
async fn show(
    engine: &Engine,
    instance: &Instance,
    (json, history, now): (bool, bool, i64),
    console: &mut Console,
) -> Result<(), Failure> {
    let mut marks: Vec<(String, Progress)> = Vec::new();
    for view in Marks::views(engine.store(), &instance.name).await? {
        let progress = Marks::new(engine.store(), &instance.name, &view).load().await?;
        marks.push((view, progress));
    }
    let settings = instance_json(instance);
    if json {
        let marks: Vec<Value> =
            marks.iter().map(|(view, progress)| progress_json(view, progress, now, history)).collect();
        let value = match history {
            true => json!({ "instance": instance.name, "views": marks }),
            false => {
                let mut value = settings;
                if let Some(members) = value.as_object_mut() {
                    members.insert("marks".to_owned(), json!(marks));
                }
                value
            }
        };
        return Ok(console.json(&value)?);
    }
    if !history {
        let empty = Map::new();
        for (name, value) in settings.as_object().unwrap_or(&empty) {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            console.data(&format!("{name}: {value}\n"))?;
        }
    }
    draw_marks(&marks, history, console)
}

fn draw_marks(marks: &[(String, Progress)], history: bool, console: &mut Console) -> Result<(), Failure> {
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["view", "batch", "after", "up to", "pulled", "acknowledged"],
        Lang::Fr => ["vue", "lot", "après", "jusqu'à", "tiré", "acquitté"],
    };
    let row = |view: &str, batch: &Batch| {
        vec![
            view.to_owned(),
            batch.id.clone(),
            batch.after.to_string(),
            batch.upto.to_string(),
            instant(batch.opened_at),
            batch.acknowledged_at.map(instant).unwrap_or_default(),
        ]
    };
    let mut rows = Vec::new();
    for (view, progress) in marks {
        rows.extend(progress.open.iter().map(|batch| row(view, batch)));
        let most = if history { usize::MAX } else { 1 };
        rows.extend(progress.history.iter().take(most).map(|batch| row(view, batch)));
        for reset in progress.resets.iter().take(if history { usize::MAX } else { 0 }) {
            let reason =
                Text { en: format!("reset: {}", reset.reason), fr: format!("réinitialisée : {}", reset.reason) };
            rows.push(vec![
                view.clone(),
                reason.get(lang).to_owned(),
                reset.from.to_string(),
                reset.to.to_string(),
                instant(reset.at),
                String::new(),
            ]);
        }
    }
    let right = [false, false, true, true, false, false];
    Ok(console.data(&draw(&head.map(str::to_owned), &right, &rows, console.width))?)
}

async fn pause(
    instances: &Instances,
    name: &str,
    reason: Option<&str>,
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let pause = reason.map(|reason| Pause { at: now, reason: reason.to_owned() });
    let is_paused = pause.is_some();
    instances.set_pause(name, pause, now).await?;
    console.say(&match is_paused {
        true => text!("instance `{name}` is paused", "l'instance `{name}` est suspendue"),
        false => text!("instance `{name}` may pull again", "l'instance `{name}` peut de nouveau tirer"),
    });
    Ok(())
}

async fn reset(
    engine: &Engine,
    instance: &Instance,
    (view, to, reason): (&str, u64, &str),
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let snapshot = engine.snapshot(None).await?;
    let newest = snapshot.commit();
    if to > newest {
        return Err(Failure::Usage(text!(
            "`--to`: the newest commit is {newest}",
            "`--to` : la validation la plus récente est {newest}"
        )));
    }
    let name = &instance.name;
    let marks = Marks::new(engine.store(), name, view);
    let known = Marks::views(engine.store(), name).await?;
    let progress = marks.reset(to, reason, now, snapshot.manifest().restores).await?;
    let from = progress.resets.first().map_or(0, |reset| reset.from);
    console.say(&text!(
        "view `{view}` of instance `{name}`: the mark goes from {from} to {to}; the next pull has the rows after it",
        "vue `{view}` de l'instance `{name}` : la marque passe de {from} à {to} ; le prochain tirage a les lignes qui suivent"
    ));
    if !known.iter().any(|known| known == view) {
        console.say(&text!("it had not been pulled yet", "elle n'avait pas encore été tirée"));
    }
    Ok(())
}

async fn tokens(verb: &InstanceTokenVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let config = config::load(globals)?;
    let known = async |name: &str| -> Result<Scope, Failure> {
        let engine = open::open_existing(globals.store()).await?;
        let instance = Instances::new(&engine, config.instances.clone()).get(name, now).await?;
        Ok(Scope::Etl(Some(instance.name.clone())))
    };
    let verb = match verb {
        InstanceTokenVerb::Add { name, label, expires, addresses } => TokenVerb::Create(NewTokenArgs {
            label: label.clone(),
            scope: vec![known(name).await?.to_string()],
            account: None,
            service: None,
            site: Vec::new(),
            expires: expires.clone(),
            addresses: addresses.clone(),
            import: false,
        }),
        InstanceTokenVerb::List { name, all, json } => {
            let scope = known(name).await?;
            token::list_of(&scope, globals, (*all, *json), now, console).await?;
            return Ok(Exit::Done);
        }
        InstanceTokenVerb::Rotate { id, overlap } => TokenVerb::Rotate { id: id.clone(), overlap: overlap.clone() },
        InstanceTokenVerb::Revoke { id } => TokenVerb::Revoke { id: id.clone() },
    };
    token::run(&verb, globals, now, console).await
}
