//! `view`: the SQL that is published, checked, tested and pulled by hand.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::query::Limits;
use engine::stats::Settings;
use engine::view::{Bound, Given, Pull, View, ViewFile, Views, Window, type_name};
use engine::{Engine, Error, ErrorKind, Lang, SessionRequest, Text, text};

use super::args::{Globals, ViewPlace, ViewRunArgs, ViewVerb};
use super::exit::{Exit, Failure};
use super::query::{Output, chosen_format, write};
use super::{Console, config, open};
use crate::answers::view_json;
use crate::encode::draw;
use crate::etl::{Instances, cases};
use crate::settings::Config;

/// Runs a verb of `view`.
pub(crate) async fn run(verb: &ViewVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let config = config::load(globals)?;
    match verb {
        ViewVerb::List { place, json } => list(&known(place, &config, globals).await?.0, *json, console)?,
        ViewVerb::Show { view, sql, place, json } => {
            let views = known(place, &config, globals).await?.0;
            show(&views, view, (*sql, *json), console)?;
        }
        ViewVerb::Check { files, place } => return check(files, place, (&config, globals), console).await,
        ViewVerb::Test { names, cases, place } => {
            return test(names, cases.as_deref(), place, (&config, globals), console).await;
        }
        ViewVerb::Run(args) => pull(args, (&config, globals), now, console).await?,
    }
    Ok(Exit::Done)
}

/// The folder of the operator's own views: the flag, the configuration, beside the configuration.
fn folder(place: &ViewPlace, config: &Config) -> Option<PathBuf> {
    place.views.clone().or_else(|| config.views())
}

/// A session to check views with: over the store, or over none when there is none yet.
async fn checker(globals: &Globals) -> Result<engine::query::Session, Error> {
    let engine = match open::open_existing(globals.store()).await {
        Ok(engine) => engine,
        Err(error) if error.kind() == ErrorKind::NotFound => Engine::open("memory://", &[]).await?,
        Err(error) => return Err(error),
    };
    let request = SessionRequest { known_tables: true, ..SessionRequest::new(Limits::default()) };
    engine.session_for(&request).await
}

async fn known(place: &ViewPlace, config: &Config, globals: &Globals) -> Result<(Views, Vec<engine::Fault>), Failure> {
    let session = checker(globals).await?;
    let (views, report) = Views::load(folder(place, config).as_deref(), &session, &Views::default()).await;
    Ok((views, report.faults))
}

fn list(views: &Views, json: bool, console: &mut Console) -> Result<(), Failure> {
    if json {
        let views: Vec<serde_json::Value> = views.published().map(|view| view_json(view)).collect();
        return Ok(console.json(&views)?);
    }
    let lang = console.lang();
    let head = match lang {
        Lang::En => ["view", "title", "pulls", "parameters"],
        Lang::Fr => ["vue", "titre", "tirages", "paramètres"],
    };
    let rows: Vec<Vec<String>> = views
        .published()
        .map(|view| {
            let pulls = match view.incremental {
                Some(_) => text!("full, incremental", "complets, incrémentaux"),
                None => text!("full", "complets"),
            };
            let names: Vec<&str> = view.params.iter().map(|param| param.name.as_str()).collect();
            vec![view.name.clone(), view.title(lang).to_owned(), pulls.get(lang).to_owned(), names.join(", ")]
        })
        .collect();
    let drawn = draw(&head.map(str::to_owned), &[false; 4], &rows, console.width);
    Ok(console.data(&drawn)?)
}

fn find(views: &Views, name: &str) -> Result<Arc<View>, Failure> {
    if let Some(view) = views.get(name) {
        return Ok(Arc::clone(view));
    }
    let near = engine::fault::nearest(name, views.published().map(|view| view.name.as_str()));
    let name = engine::fault::quoted(name);
    let message = match near {
        Some(near) => text!(
            "there is no view \"{name}\"; did you mean `{near}`?",
            "il n'y a pas de vue « {name} » ; vouliez-vous dire `{near}` ?"
        ),
        None => text!("there is no view \"{name}\"", "il n'y a pas de vue « {name} »"),
    };
    Err(Error::new(ErrorKind::NotFound, message).into())
}

fn show(views: &Views, name: &str, (sql, json): (bool, bool), console: &mut Console) -> Result<(), Failure> {
    let view = find(views, name)?;
    if json {
        return Ok(console.json(&view_json(&view))?);
    }
    if sql {
        let (text, _) = views.source(name).unwrap_or_default();
        return Ok(console.data(text)?);
    }
    let lang = console.lang();
    let mut out = format!("{} — {}\n{}\n", view.name, view.title(lang), view.description.get(lang));
    if !view.params.is_empty() {
        let head = match lang {
            Lang::En => ["parameter", "type", "required", "help"],
            Lang::Fr => ["paramètre", "type", "obligatoire", "aide"],
        };
        let rows: Vec<Vec<String>> = view
            .params
            .iter()
            .map(|param| {
                let required = if param.required { text!("yes", "oui") } else { text!("no", "non") };
                let help = param.help.as_ref().map(|help| help.get(lang).to_owned()).unwrap_or_default();
                vec![param.name.clone(), param.kind.word().to_owned(), required.get(lang).to_owned(), help]
            })
            .collect();
        out.push('\n');
        out.push_str(&draw(&head.map(str::to_owned), &[false; 4], &rows, console.width));
    }
    let head = match lang {
        Lang::En => ["column", "type", "unit", "person", "meaning"],
        Lang::Fr => ["colonne", "type", "unité", "personne", "sens"],
    };
    let rows: Vec<Vec<String>> = view
        .columns
        .iter()
        .map(|column| {
            let name = match view.key.contains(&column.name) {
                true => format!("{} *", column.name),
                false => column.name.clone(),
            };
            let unit = column.unit.clone().unwrap_or_default();
            let person = column.personal.word().to_owned();
            vec![name, type_name(&column.data_type), unit, person, column.doc.get(lang).to_owned()]
        })
        .collect();
    out.push('\n');
    out.push_str(&draw(&head.map(str::to_owned), &[false; 5], &rows, console.width));
    if !view.key.is_empty() {
        out.push_str(text!("* key\n", "* clé\n").get(lang));
    }
    Ok(console.data(&out)?)
}

async fn check(
    files: &[PathBuf],
    place: &ViewPlace,
    (config, globals): (&Config, &Globals),
    console: &mut Console,
) -> Result<Exit, Failure> {
    let (count, faults) = if files.is_empty() {
        let (views, faults) = known(place, config, globals).await?;
        (views.published().count(), faults)
    } else {
        let session = checker(globals).await?;
        let (mut good, mut faults) = (0, Vec::new());
        for path in files {
            let found = check_file(path, &session).await?;
            good += usize::from(found.is_empty());
            faults.extend(found);
        }
        (good, faults)
    };
    let lang = console.lang();
    for fault in &faults {
        console.note(&fault.render(lang));
    }
    let wrong = faults.len();
    if wrong == 0 {
        console.say(&text!("{count} views are right", "{count} vues sont correctes"));
        return Ok(Exit::Done);
    }
    console.say(&text!("{wrong} faults", "{wrong} défauts"));
    Ok(Exit::Failed)
}

async fn check_file(path: &Path, session: &engine::query::Session) -> Result<Vec<engine::Fault>, Failure> {
    let shown = path.display().to_string();
    let contents = std::fs::read_to_string(path).map_err(|error| {
        Error::new(ErrorKind::Io, text!("`{shown}` cannot be read", "`{shown}` ne peut être lu")).because(error)
    })?;
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    Ok(match (ViewFile { file: &shown, name, text: &contents }).read() {
        Ok(view) => view.check(session).await,
        Err(faults) => faults,
    })
}

async fn test(
    wanted: &[String],
    folder_of_cases: Option<&Path>,
    place: &ViewPlace,
    (config, globals): (&Config, &Globals),
    console: &mut Console,
) -> Result<Exit, Failure> {
    let (views, faults) = known(place, config, globals).await?;
    for fault in &faults {
        let lang = console.lang();
        console.note(&fault.render(lang));
    }
    let beside = || Some(folder(place, config)?.parent()?.join("tests"));
    let Some(folder) = folder_of_cases.map(Path::to_path_buf).or_else(beside) else {
        return Err(Failure::Usage(text!(
            "say where the cases lie, with `--cases`",
            "dites où se trouvent les cas, avec `--cases`"
        )));
    };
    let (mut passed, mut failed) = (0, faults.len());
    for case in cases(&folder)?.iter().filter(|case| wanted.is_empty() || wanted.contains(&case.view)) {
        match case.run(&views).await {
            Ok(None) => passed += 1,
            Ok(Some(difference)) => {
                failed += 1;
                console.note(&format!("{}/{}: {difference}", case.view, case.name));
            }
            Err(error) => {
                failed += 1;
                let lang = console.lang();
                console.note(&format!("{}/{}: {}", case.view, case.name, error.describe(lang)));
            }
        }
    }
    console.say(&text!("{passed} passed, {failed} failed", "{passed} réussis, {failed} échoués"));
    if failed == 0 && passed > 0 { Ok(Exit::Done) } else { Ok(Exit::Failed) }
}

async fn pull(
    args: &ViewRunArgs,
    (config, globals): (&Config, &Globals),
    now: i64,
    console: &mut Console,
) -> Result<(), Failure> {
    let engine = open::open_existing(globals.store()).await?;
    let view = find(&known(&args.place, config, globals).await?.0, &args.view)?;
    let instance = match &args.instance {
        Some(name) => Some(Instances::new(&engine, config.instances.clone()).get(name, now).await?),
        None => None,
    };
    let fixed = instance.as_ref().map(|instance| instance.settings.fixed(&view)).unwrap_or_default();
    let bound = Bound::read(&view, &fixed, &given(&args.params)?, config.zone.0).map_err(|faults| faulty(&faults))?;
    let commit = engine.snapshot(args.at).await?.commit();
    let hidden = instance.as_ref().filter(|instance| !instance.settings.identities);
    let request = SessionRequest {
        commit: Some(commit),
        site: args.site.clone().or_else(|| instance.as_ref()?.settings.site.clone()),
        settings: Settings { now, ..config.stats(now) },
        known_tables: true,
        pseudonyms: hidden.map(|instance| instance.pseudonym_key()),
        ..SessionRequest::new(Limits::default())
    };
    let session = engine.session_for(&request).await?;
    let window = args.after.map(|after| Window { after, upto: commit });
    if window.is_some() && view.incremental.is_none() {
        return Err(Failure::Usage(text!(
            "`--after`: the view is not incremental",
            "`--after` : la vue n'est pas incrémentale"
        )));
    }
    let pull = Pull { window, ordered: !view.key.is_empty(), limit: args.limit, ..Pull::new(&view, &bound, now) };
    let output = Output {
        path: args.output.as_deref(),
        format: chosen_format(args.format, args.output.as_deref(), console.out_is_terminal),
        max_rows: args.max_rows,
        expanded: false,
    };
    output.check(console)?;
    write(pull.run(&session).await?, &output, console).await?;
    Ok(())
}

/// Parameters of flags: `name=value`; a name may be repeated for lists.
pub(crate) fn given(flags: &[String]) -> Result<Vec<(String, Given)>, Failure> {
    let mut given: Vec<(String, Given)> = Vec::new();
    for flag in flags {
        let Some((name, value)) = flag.split_once('=') else {
            return Err(Failure::Usage(text!(
                "`--param {flag}`: write name=value",
                "`--param {flag}` : écrivez nom=valeur"
            )));
        };
        match given.iter_mut().find(|(known, _)| known == name) {
            Some((_, Given::Texts(values))) => values.push(value.to_owned()),
            _ => given.push((name.to_owned(), Given::Texts(vec![value.to_owned()]))),
        }
    }
    Ok(given)
}

/// All parameters that are wrong.
fn faulty(faults: &[(String, Text)]) -> Failure {
    let of = |get: fn(&Text) -> &str| {
        faults.iter().map(|(name, reason)| format!("`{name}`: {}", get(reason))).collect::<Vec<_>>().join("; ")
    };
    Failure::Usage(Text { en: of(|text| &text.en), fr: of(|text| &text.fr) })
}
