//! `store`: look at a store and look after it.

use engine::store::{CommitInfo, OptimizeReport, TableStats, VacuumReport, VerifyReport};
use engine::{Lang, Text, text};
use serde::Serialize;

use super::args::{Globals, StoreVerb};
use super::exit::{Exit, Failure};
use super::{Console, flags, numbers, open};
use crate::encode::draw;

/// Runs a verb of `store`.
pub(crate) async fn run(verb: &StoreVerb, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    // A wrong flag is told before the store is touched.
    let keep = match verb {
        StoreVerb::Vacuum { keep, .. } => flags::parse("keep", Some(keep), flags::duration)?,
        _ => None,
    };
    let engine = open::open_existing(globals.store()).await?;
    match verb {
        StoreVerb::Stats { at, json } => {
            let snapshot = engine.snapshot(*at).await?;
            stats(snapshot.commit(), &snapshot.table_stats(), *json, console)
        }
        StoreVerb::Verify { json } => verify(&engine.verify().await?, *json, console),
        StoreVerb::Optimize { json } => optimize(&engine.optimize(now).await?, *json, console),
        StoreVerb::Vacuum { dry_run, force, json, .. } => {
            let report = engine.vacuum(now, keep.unwrap_or_default(), *dry_run, *force).await?;
            vacuum(&report, *dry_run, *json, console)
        }
        StoreVerb::Snapshots { json } => snapshots(&engine.store().snapshots().await?, *json, console),
        StoreVerb::Restore { commit, json } => restore(*commit, engine.restore(*commit, now).await?, *json, console),
    }
}

/// Writes a sentence as data: it is what the command was asked for.
fn tell(text: &Text, console: &mut Console) -> Result<(), Failure> {
    let line = format!("{}\n", text.get(console.lang()));
    Ok(console.data(&line)?)
}

fn names<const N: usize>(lang: Lang, en: [&str; N], fr: [&str; N]) -> [String; N] {
    match lang {
        Lang::En => en,
        Lang::Fr => fr,
    }
    .map(str::to_owned)
}

#[derive(Debug, Serialize)]
struct StatsJson<'a> {
    commit: u64,
    tables: Vec<TableJson<'a>>,
}

#[derive(Debug, Serialize)]
struct TableJson<'a> {
    site: &'a str,
    table: &'a str,
    rows: u64,
    files: u64,
    bytes: u64,
    runs: u64,
}

fn stats(commit: u64, tables: &[TableStats], json: bool, console: &mut Console) -> Result<Exit, Failure> {
    if json {
        let tables = tables.iter().map(|table| TableJson {
            site: &table.site,
            table: &table.table,
            rows: table.rows,
            files: table.files,
            bytes: table.bytes,
            runs: table.runs,
        });
        console.json(&StatsJson { commit, tables: tables.collect() })?;
        return Ok(Exit::Done);
    }
    let lang = console.lang();
    let head = names(
        lang,
        ["site", "table", "rows", "files", "size", "bytes/row", "runs"],
        ["site", "table", "lignes", "fichiers", "taille", "octets/ligne", "suites"],
    );
    let mut rows: Vec<Vec<String>> = tables.iter().map(|table| stats_row(table, lang)).collect();
    let sum = |figure: fn(&TableStats) -> u64| tables.iter().map(figure).sum::<u64>();
    rows.push(vec![
        "total".to_owned(),
        String::new(),
        numbers::count(sum(|table| table.rows), lang),
        numbers::count(sum(|table| table.files), lang),
        numbers::size(sum(|table| table.bytes), lang),
        String::new(),
        String::new(),
    ]);
    let right = [false, false, true, true, true, true, true];
    let drawn = draw(&head, &right, &rows, console.width);
    console.data(&drawn)?;
    tell(&text!("snapshot of commit {commit}", "instantané du commit {commit}"), console)?;
    Ok(Exit::Done)
}

fn stats_row(table: &TableStats, lang: Lang) -> Vec<String> {
    let per_row = match table.rows {
        0 => String::new(),
        rows => numbers::decimal(table.bytes as f64 / rows as f64, 1, lang),
    };
    let runs = if table.runs == 0 { String::new() } else { table.runs.to_string() };
    vec![
        table.site.clone(),
        table.table.clone(),
        numbers::count(table.rows, lang),
        numbers::count(table.files, lang),
        numbers::size(table.bytes, lang),
        per_row,
        runs,
    ]
}

#[derive(Debug, Serialize)]
struct VerifyJson<'a> {
    commit: u64,
    files: u64,
    rows: u64,
    bytes: u64,
    orphans: u64,
    problems: Vec<&'a str>,
}

fn verify(report: &VerifyReport, json: bool, console: &mut Console) -> Result<Exit, Failure> {
    let lang = console.lang();
    let exit = if report.problems.is_empty() { Exit::Done } else { Exit::Failed };
    if json {
        let VerifyReport { commit, files, rows, bytes, orphans, problems } = report;
        console.json(&VerifyJson {
            commit: *commit,
            files: *files,
            rows: *rows,
            bytes: *bytes,
            orphans: *orphans,
            problems: problems.iter().map(|problem| problem.get(lang)).collect(),
        })?;
        return Ok(exit);
    }
    for problem in &report.problems {
        tell(problem, console)?;
    }
    let (commit, orphans) = (report.commit, report.orphans);
    let (files, rows) = (numbers::count(report.files, lang), numbers::count(report.rows, lang));
    let (bytes, problems) = (numbers::size(report.bytes, lang), report.problems.len());
    tell(
        &text!(
            "commit {commit}: {files} files, {rows} rows, {bytes} checked; {problems} problems",
            "commit {commit} : {files} fichiers, {rows} lignes, {bytes} vérifiés ; {problems} problèmes"
        ),
        console,
    )?;
    if orphans > 0 {
        tell(
            &text!(
                "{orphans} files belong to no snapshot; `assidu store vacuum` removes them once they are old enough",
                "{orphans} fichiers n'appartiennent à aucun instantané ; `assidu store vacuum` les supprimera une fois assez vieux"
            ),
            console,
        )?;
    }
    Ok(exit)
}

#[derive(Debug, Serialize)]
struct OptimizeJson {
    commit: Option<u64>,
    files_before: u64,
    files_after: u64,
    bytes_before: u64,
    bytes_after: u64,
}

fn optimize(report: &OptimizeReport, json: bool, console: &mut Console) -> Result<Exit, Failure> {
    let OptimizeReport { commit, files_before, files_after, bytes_before, bytes_after } = *report;
    if json {
        console.json(&OptimizeJson { commit, files_before, files_after, bytes_before, bytes_after })?;
        return Ok(Exit::Done);
    }
    let lang = console.lang();
    let Some(commit) = commit else {
        tell(
            &text!("nothing to do: every table is in order", "rien à faire : toutes les tables sont en ordre"),
            console,
        )?;
        return Ok(Exit::Done);
    };
    let (bytes_before, bytes_after) = (numbers::size(bytes_before, lang), numbers::size(bytes_after, lang));
    tell(
        &text!(
            "commit {commit}: {files_before} files ({bytes_before}) became {files_after} ({bytes_after})",
            "commit {commit} : {files_before} fichiers ({bytes_before}) sont devenus {files_after} ({bytes_after})"
        ),
        console,
    )?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct VacuumJson {
    dry_run: bool,
    manifests: u64,
    files: u64,
    bytes: u64,
}

fn vacuum(report: &VacuumReport, dry_run: bool, json: bool, console: &mut Console) -> Result<Exit, Failure> {
    let VacuumReport { manifests, files, bytes } = *report;
    if json {
        console.json(&VacuumJson { dry_run, manifests, files, bytes })?;
        return Ok(Exit::Done);
    }
    let bytes = numbers::size(bytes, console.lang());
    let text = match dry_run {
        true => text!(
            "would delete {manifests} snapshots and {files} files ({bytes}); nothing was deleted",
            "supprimerait {manifests} instantanés et {files} fichiers ({bytes}) ; rien n'a été supprimé"
        ),
        false => text!(
            "deleted {manifests} snapshots and {files} files ({bytes})",
            "{manifests} instantanés et {files} fichiers ({bytes}) supprimés"
        ),
    };
    tell(&text, console)?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct CommitJson<'a> {
    commit: u64,
    at: String,
    kind: &'a str,
    message: &'a str,
    rows_added: u64,
    rows_removed: u64,
}

fn snapshots(commits: &[CommitInfo], json: bool, console: &mut Console) -> Result<Exit, Failure> {
    if json {
        let list = commits.iter().map(|info| CommitJson {
            commit: info.commit,
            at: numbers::instant(info.at),
            kind: &info.kind,
            message: &info.message,
            rows_added: info.rows_added,
            rows_removed: info.rows_removed,
        });
        console.json(&list.collect::<Vec<_>>())?;
        return Ok(Exit::Done);
    }
    let lang = console.lang();
    let head = names(
        lang,
        ["commit", "at", "kind", "added", "removed", "message"],
        ["commit", "le", "nature", "ajoutées", "retirées", "message"],
    );
    let rows: Vec<Vec<String>> = commits
        .iter()
        .map(|info| {
            vec![
                info.commit.to_string(),
                numbers::instant(info.at),
                info.kind.clone(),
                numbers::count(info.rows_added, lang),
                numbers::count(info.rows_removed, lang),
                info.message.clone(),
            ]
        })
        .collect();
    let drawn = draw(&head, &[true, false, false, true, true, false], &rows, console.width);
    console.data(&drawn)?;
    Ok(Exit::Done)
}

#[derive(Debug, Serialize)]
struct RestoreJson {
    commit: u64,
    restored: u64,
}

fn restore(restored: u64, commit: u64, json: bool, console: &mut Console) -> Result<Exit, Failure> {
    if json {
        console.json(&RestoreJson { commit, restored })?;
        return Ok(Exit::Done);
    }
    tell(
        &text!(
            "commit {commit} has the contents of commit {restored}",
            "le commit {commit} a le contenu du commit {restored}"
        ),
        console,
    )?;
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<TableStats> {
        let table = |table: &str, rows, bytes, runs| TableStats {
            site: "campus".to_owned(),
            table: table.to_owned(),
            rows,
            files: 1,
            bytes,
            runs,
        };
        vec![table("logstore_standard_log", 95_626, 573_756, 1), table("user", 0, 0, 0)]
    }

    #[test]
    fn stats_show_totals_and_bytes_per_row() {
        let (mut console, out, _) = Console::captured(Lang::En);
        stats(3, &tables(), false, &mut console).unwrap();
        let out = out.text();
        assert!(out.contains("95,626") && out.contains("560.3 KiB") && out.contains(" 6.0 "), "{out}");
        assert!(out.ends_with("snapshot of commit 3\n"));
    }

    #[test]
    fn stats_as_json_are_numbers() {
        let (mut console, out, _) = Console::captured(Lang::En);
        stats(3, &tables(), true, &mut console).unwrap();
        let json: serde_json::Value = serde_json::from_str(&out.text()).unwrap();
        assert_eq!(json["tables"][0]["rows"], 95_626);
        assert_eq!(json["commit"], 3);
    }

    #[test]
    fn a_store_with_problems_exits_with_1() {
        let report =
            VerifyReport { problems: vec![text!("file is gone", "fichier disparu")], ..VerifyReport::default() };
        let (mut console, out, _) = Console::captured(Lang::Fr);
        assert_eq!(verify(&report, false, &mut console).unwrap(), Exit::Failed);
        assert!(out.text().starts_with("fichier disparu\n"));
        let (mut console, _, _) = Console::captured(Lang::Fr);
        assert_eq!(verify(&VerifyReport::default(), true, &mut console).unwrap(), Exit::Done);
    }

    #[test]
    fn a_dry_run_says_so() {
        let (mut console, out, _) = Console::captured(Lang::En);
        vacuum(&VacuumReport { manifests: 2, files: 5, bytes: 1024 }, true, false, &mut console).unwrap();
        assert_eq!(out.text(), "would delete 2 snapshots and 5 files (1.0 KiB); nothing was deleted\n");
    }
}
