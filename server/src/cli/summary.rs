//! What a load did, for people and for programs.

use engine::Lang;
use engine::fault::Fault;
use engine::load::{Counts, FileSummary, Format, LoadSummary};
use serde::Serialize;

use super::exit::Failure;
use super::{Console, numbers};
use crate::encode::draw;

/// Faults that are shown for each file.
const MAX_FAULTS: usize = 10;

/// A finished load.
pub(crate) struct Report<'a> {
    /// What the engine answered.
    pub(crate) summary: &'a LoadSummary,
    /// How long it took.
    pub(crate) seconds: f64,
}

impl Report<'_> {
    /// Faults and notes on standard error, the table of counts on standard output.
    pub(crate) fn print(&self, console: &mut Console) -> Result<(), Failure> {
        let lang = console.lang();
        for file in &self.summary.files {
            for line in remarks(file, lang) {
                console.note(&line);
            }
        }
        let drawn = self.table(lang, console.width);
        console.data(&drawn)?;
        console.data(&format!("{}\n", self.last_line(lang)))?;
        Ok(())
    }

    fn table(&self, lang: Lang, width: Option<u16>) -> String {
        let names = match lang {
            Lang::En => ["file", "table", "format", "read", "loaded", "replaced", "skipped", "rejected"],
            Lang::Fr => ["fichier", "table", "format", "lues", "chargées", "remplacées", "ignorées", "rejetées"],
        };
        let names = names.map(str::to_owned);
        let right = [false, false, false, true, true, true, true, true];
        let mut rows: Vec<Vec<String>> = self.summary.files.iter().map(|file| row_of(file, lang)).collect();
        if rows.len() > 1 {
            let mut total = vec!["total".to_owned(), String::new(), String::new()];
            total.extend(cells(self.summary.total(), lang));
            rows.push(total);
        }
        draw(&names, &right, &rows, width)
    }

    fn last_line(&self, lang: Lang) -> String {
        let read = self.summary.total().read;
        let seconds = numbers::decimal(self.seconds, 2, lang);
        let rate = numbers::count(numbers::rate(read, self.seconds), lang);
        let read = numbers::count(read, lang);
        match (self.summary.commit, lang) {
            (Some(commit), Lang::En) => format!("commit {commit}: {read} rows read in {seconds} s, {rate} rows/s"),
            (Some(commit), Lang::Fr) => {
                format!("commit {commit} : {read} lignes lues en {seconds} s, {rate} lignes/s")
            }
            (None, Lang::En) => format!("nothing changed: {read} rows read in {seconds} s, {rate} rows/s"),
            (None, Lang::Fr) => format!("rien n'a changé : {read} lignes lues en {seconds} s, {rate} lignes/s"),
        }
    }

    /// The same for programs; sentences are in the language of the operator.
    pub(crate) fn json(&self, lang: Lang) -> SummaryJson {
        let total = self.summary.total();
        SummaryJson {
            commit: self.summary.commit,
            seconds: (self.seconds * 1000.0).round() / 1000.0,
            rows_per_second: numbers::rate(total.read, self.seconds),
            total: total.into(),
            files: self.summary.files.iter().map(|file| FileJson::of(file, lang)).collect(),
        }
    }
}

fn row_of(file: &FileSummary, lang: Lang) -> Vec<String> {
    let mut row = vec![file.name.to_string(), file.table.clone(), format_name(&file.format)];
    row.extend(cells(file.counts, lang));
    row
}

fn cells(counts: Counts, lang: Lang) -> [String; 5] {
    [counts.read, counts.loaded, counts.replaced, counts.skipped, counts.rejected].map(|n| numbers::count(n, lang))
}

/// The name of a format on the command line.
fn format_name(format: &Format) -> String {
    match format {
        Format::Table(name) => format!("table:{name}"),
        Format::Log => "log".to_owned(),
        Format::LogReport => "log-report".to_owned(),
        Format::Events => "events".to_owned(),
    }
}

/// First faults, notes, reject file of one input.
fn remarks(file: &FileSummary, lang: Lang) -> Vec<String> {
    let mut lines: Vec<String> = file.faults.iter().take(MAX_FAULTS).map(|fault| fault.render(lang)).collect();
    let name = &file.name;
    lines.extend(file.notes.iter().map(|note| match lang {
        Lang::En => format!("{name}: {}", note.en),
        Lang::Fr => format!("{name} : {}", note.fr),
    }));
    if let Some(rejects) = &file.rejects {
        let (rejected, rejects) = (file.counts.rejected, rejects.display());
        let count = numbers::count(rejected, lang);
        lines.push(match (rejected, lang) {
            (1, Lang::En) => format!("{name}: 1 rejected row is in {rejects}"),
            (1, Lang::Fr) => format!("{name} : 1 ligne rejetée est dans {rejects}"),
            (_, Lang::En) => format!("{name}: {count} rejected rows are in {rejects}"),
            (_, Lang::Fr) => format!("{name} : {count} lignes rejetées sont dans {rejects}"),
        });
    }
    lines
}

/// The summary as JSON.
#[derive(Debug, Serialize)]
pub(crate) struct SummaryJson {
    commit: Option<u64>,
    seconds: f64,
    rows_per_second: u64,
    total: CountsJson,
    files: Vec<FileJson>,
}

#[derive(Debug, Serialize)]
struct CountsJson {
    read: u64,
    loaded: u64,
    replaced: u64,
    skipped: u64,
    rejected: u64,
}

impl From<Counts> for CountsJson {
    fn from(counts: Counts) -> Self {
        let Counts { read, loaded, replaced, skipped, rejected } = counts;
        Self { read, loaded, replaced, skipped, rejected }
    }
}

#[derive(Debug, Serialize)]
struct FileJson {
    name: String,
    table: String,
    format: String,
    encoding: &'static str,
    sha256: Option<String>,
    rows: CountsJson,
    rejects: Option<String>,
    notes: Vec<String>,
    faults: Vec<FaultJson>,
}

impl FileJson {
    fn of(file: &FileSummary, lang: Lang) -> Self {
        Self {
            name: file.name.to_string(),
            table: file.table.clone(),
            format: format_name(&file.format),
            encoding: file.encoding,
            sha256: file.sha256.clone(),
            rows: file.counts.into(),
            rejects: file.rejects.as_ref().map(|path| path.display().to_string()),
            notes: file.notes.iter().map(|note| note.get(lang).to_owned()).collect(),
            faults: file.faults.iter().map(|fault| FaultJson::of(fault, lang)).collect(),
        }
    }
}

#[derive(Debug, Serialize)]
struct FaultJson {
    code: &'static str,
    line: Option<u64>,
    column: Option<ColumnJson>,
    value: Option<String>,
    reason: String,
    hint: Option<String>,
}

#[derive(Debug, Serialize)]
struct ColumnJson {
    name: String,
    number: usize,
}

impl FaultJson {
    fn of(fault: &Fault, lang: Lang) -> Self {
        let column = fault.column.as_ref();
        Self {
            code: fault.code,
            line: (fault.line > 0).then_some(fault.line),
            column: column.map(|column| ColumnJson { name: column.name.to_string(), number: column.number }),
            value: fault.value.clone(),
            reason: fault.reason.get(lang).to_owned(),
            hint: fault.hint.as_ref().map(|hint| hint.get(lang).to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use engine::text;

    use super::*;

    fn summary() -> LoadSummary {
        let file = |name: &str, rejected| FileSummary {
            name: name.into(),
            table: "campus.user".to_owned(),
            format: Format::Table("user".to_owned()),
            encoding: "UTF-8",
            counts: Counts { read: 1000 + rejected, loaded: 900, replaced: 60, skipped: 40, rejected },
            faults: vec![Fault {
                code: "load.not_a_number",
                file: name.into(),
                line: 14,
                column: None,
                value: Some("x".to_owned()),
                reason: text!("not a number", "pas un nombre"),
                hint: None,
            }],
            rejects: Some("a.csv.rejected.csv".into()),
            notes: vec![text!("column `x` is ignored", "la colonne `x` est ignorée")],
            sha256: None,
        };
        LoadSummary { commit: Some(7), files: vec![file("a.csv", 2), file("b.csv", 3)] }
    }

    #[test]
    fn counts_go_to_the_output_and_faults_beside() {
        let (mut console, out, err) = Console::captured(Lang::En);
        let summary = summary();
        Report { summary: &summary, seconds: 0.5 }.print(&mut console).unwrap();
        let (out, err) = (out.text(), err.text());
        assert!(out.contains("1,002") && out.contains("2,005"), "{out}");
        assert!(out.ends_with("commit 7: 2,005 rows read in 0.50 s, 4,010 rows/s\n"), "{out}");
        assert!(
            err.starts_with("a.csv:14: \"x\": not a number [load.not_a_number]\na.csv: column `x` is ignored\n"),
            "{err}"
        );
        assert!(err.contains("a.csv: 2 rejected rows are in a.csv.rejected.csv"), "{err}");
    }

    #[test]
    fn the_summary_speaks_french() {
        let (mut console, out, err) = Console::captured(Lang::Fr);
        let summary = summary();
        Report { summary: &summary, seconds: 0.5 }.print(&mut console).unwrap();
        assert!(out.text().contains("rejetées") && out.text().contains("0,50 s"), "{}", out.text());
        assert!(err.text().contains("pas un nombre"));
    }

    #[test]
    fn programs_get_numbers() {
        let summary = summary();
        let json = serde_json::to_value(Report { summary: &summary, seconds: 0.5 }.json(Lang::Fr)).unwrap();
        assert_eq!(json["commit"], 7);
        assert_eq!(json["total"]["rejected"], 5);
        assert_eq!(json["files"][1]["format"], "table:user");
        assert_eq!(json["files"][0]["faults"][0]["reason"], "pas un nombre");
        assert_eq!(json["files"][0]["faults"][0]["line"], 14);
    }
}
