//! `demo`: the bundled data in a new store, and figures that can be checked against printed ones.

mod bundle;
mod figures;
mod place;

use std::time::Instant;

use engine::load::{LoadRequest, LoadSummary};
use engine::query::Limits;
use engine::{Engine, Lang, text};

use self::figures::Figures;
use self::place::Place;
use super::args::Globals;
use super::exit::{Exit, Failure};
use super::progress::Shown;
use super::{Console, load, numbers, open, query};
use crate::encode::draw;

/// Where the demo goes when nothing else is asked for.
const DEFAULT_PLACE: &str = "./assidu-demo";

/// Runs `demo`; exits with 1 when a figure is not the one that others found.
pub(crate) async fn run(globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    // A store of the environment is the one that somebody works with: the demo never goes there unasked.
    let asked = globals.store.as_deref().filter(|_| !globals.store_from_environment);
    let url = asked.unwrap_or(DEFAULT_PLACE);
    let place = Place::of(url);
    place.clear().await?;
    let engine = open::open(url).await?;
    place.mark(None)?;

    let started = Instant::now();
    let rejects = place.rejects()?;
    let mut campus = bundle::course(now);
    campus.rejects_dir.clone_from(&rejects);
    let mut reports = bundle::reports(now);
    reports.rejects_dir = rejects;
    let campus = load_bundle(&engine, campus, console).await?;
    let reports = load_bundle(&engine, reports, console).await?;
    let seconds = started.elapsed().as_secs_f64();
    place.mark(Some(engine.snapshot(None).await?.commit()))?;

    let limits = Limits { threads: query::threads(None), ..Limits::default() };
    let session = engine.session(None, &limits).await?;
    let figures = Figures::collect(&session).await?;
    let lang = console.lang();
    let text = [
        figures.draw(lang, console.width),
        draw_reports(&reports, lang, console.width),
        last_line(&campus, &reports, seconds, lang),
        next_steps(url, lang),
    ];
    console.data(&text.join("\n"))?;
    if figures.agree() {
        return Ok(Exit::Done);
    }
    console.say(&text!(
        "some figures differ from what others found in the same data: this is a defect, please report it",
        "des chiffres diffèrent de ceux que d'autres ont trouvés dans les mêmes données : c'est un défaut, merci de le signaler"
    ));
    Ok(Exit::Failed)
}

async fn load_bundle(engine: &Engine, mut request: LoadRequest, console: &Console) -> Result<LoadSummary, Failure> {
    request.threads = query::threads(None);
    let shown = Shown::on(console, load::total_bytes(&request.sources));
    Ok(engine.load(&request, shown.receiver()).await?)
}

fn draw_reports(reports: &LoadSummary, lang: Lang, width: Option<u16>) -> String {
    let (title, head) = match lang {
        Lang::En => {
            ("Site `reports`: ten exports of Moodle's log report", ["file", "read", "loaded", "skipped", "rejected"])
        }
        Lang::Fr => (
            "Site `reports` : dix exports du rapport « Journaux » de Moodle",
            ["fichier", "lues", "chargées", "ignorées", "rejetées"],
        ),
    };
    let row = |name: &str, counts: engine::load::Counts| {
        let numbers = [counts.read, counts.loaded, counts.skipped, counts.rejected];
        std::iter::once(name.to_owned()).chain(numbers.map(|number| numbers::count(number, lang))).collect()
    };
    let mut rows: Vec<Vec<String>> = reports.files.iter().map(|file| row(&file.name, file.counts)).collect();
    rows.push(row("total", reports.total()));
    let drawn = draw(&head.map(str::to_owned), &[false, true, true, true, true], &rows, width);
    let credit = choose(lang, bundle::REPORTS_CREDIT);
    format!("{title}\n{drawn}{credit}\n")
}

fn last_line(campus: &LoadSummary, reports: &LoadSummary, seconds: f64, lang: Lang) -> String {
    let read = campus.total().read + reports.total().read;
    let rate = numbers::count(numbers::rate(read, seconds), lang);
    let (read, seconds) = (numbers::count(read, lang), numbers::decimal(seconds, 2, lang));
    match lang {
        Lang::En => format!("{read} rows read from compressed CSV in {seconds} s: {rate} rows/s\n"),
        Lang::Fr => format!("{read} lignes lues depuis du CSV compressé en {seconds} s : {rate} lignes/s\n"),
    }
}

/// The text in English or in French.
fn choose(lang: Lang, [en, fr]: [&'static str; 2]) -> &'static str {
    match lang {
        Lang::En => en,
        Lang::Fr => fr,
    }
}

/// Commands to type next; they are run by a test.
fn next_steps(url: &str, lang: Lang) -> String {
    let title = match lang {
        Lang::En => "What to type next:",
        Lang::Fr => "Et maintenant :",
    };
    let store = shell_quoted(url);
    let mut text = format!("{title}\n");
    for command in next_commands() {
        text.push_str(&format!("  assidu --store {store} {command}\n"));
    }
    text
}

fn next_commands() -> [String; 5] {
    let sql = "SELECT component, count(*) AS hits FROM campus.logstore_standard_log GROUP BY component ORDER BY hits DESC LIMIT 10";
    [
        "query".to_owned(),
        format!("query \"{sql}\""),
        "query --format json \"SELECT userid, session_stats(timecreated, 900) AS stats FROM reports.logstore_standard_log GROUP BY userid\" -o stats.json".to_owned(),
        "store stats".to_owned(),
        "serve --authentication none".to_owned(),
    ]
}

/// The text as one word of a shell.
fn shell_quoted(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':');
    if !text.is_empty() && text.chars().all(plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[test]
    fn the_next_commands_are_commands() {
        for command in next_commands() {
            // Quotes are the only thing that a shell would take away here.
            let mut words = vec!["assidu".to_owned(), "--store".to_owned(), "x".to_owned()];
            for (idx, part) in command.split('"').enumerate() {
                match idx % 2 {
                    0 => words.extend(part.split_whitespace().map(str::to_owned)),
                    _ => words.push(part.to_owned()),
                }
            }
            assert!(super::super::Cli::try_parse_from(&words).is_ok(), "{command}");
        }
    }

    #[test]
    fn the_place_is_quoted_for_the_shell() {
        assert_eq!(shell_quoted("./assidu-demo"), "./assidu-demo");
        assert_eq!(shell_quoted("my demo's"), "'my demo'\\''s'");
        let steps = next_steps("my demo", Lang::Fr);
        assert!(steps.starts_with("Et maintenant :\n  assidu --store 'my demo' query\n"), "{steps}");
    }
}
