//! Cases of views: tables in CSV, and the rows that a view must give.
//!
//! `<cases>/<view>/<case>/` holds one `<table>.csv` per table, `expected.csv`, and `case.toml` with `now` (Unix seconds),
//! `params`, and `ordered = true` where the order of rows counts. A field that is empty stands for NULL and for the empty
//! text alike.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use engine::load::{Format as LoadFormat, LoadRequest, Silent, Source};
use engine::query::Limits;
use engine::stats::Settings;
use engine::view::{Bound, Given, Pull, View, Views};
use engine::{Engine, Error, ErrorKind, Result, SessionRequest, text};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::encode::{self, Format, TableOptions};

/// Differing rows that a report shows.
const SHOWN: usize = 5;

/// One case.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// Name of the view.
    pub(crate) view: String,
    /// Name of the case.
    pub(crate) name: String,
    folder: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    /// `$now`.
    now: i64,
    /// Values of parameters.
    #[serde(default)]
    params: Map<String, Value>,
    /// Whether the order of rows counts.
    #[serde(default)]
    ordered: bool,
    /// Site of the tables.
    site: Option<String>,
}

/// All cases of a folder, in the order of their names.
pub(crate) fn cases(folder: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for view in folders(folder)? {
        for case in folders(&view)? {
            let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            cases.push(Case { view: name(&view), name: name(&case), folder: case });
        }
    }
    Ok(cases)
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>> {
    let listed = std::fs::read_dir(folder).map_err(|error| unreadable(folder, error))?;
    let mut found: Vec<PathBuf> =
        listed.filter_map(|entry| Some(entry.ok()?.path())).filter(|path| path.is_dir()).collect();
    found.sort();
    Ok(found)
}

impl Case {
    /// Runs the case; answers how the rows differ from the expected ones, or nothing.
    pub(crate) async fn run(&self, views: &Views) -> Result<Option<String>> {
        let Some(view) = views.get(&self.view) else {
            return Ok(Some("there is no such view, or it is wrong".to_owned()));
        };
        let path = self.folder.join("case.toml");
        let description: Description = toml::from_str(&read(&path)?).map_err(|error| {
            let (path, error) = (path.display(), error.to_string());
            Error::new(ErrorKind::Invalid, text!("{path}: {error}", "{path} : {error}"))
        })?;
        let engine = Engine::open("memory://", &[]).await?;
        self.load(&engine, &description).await?;
        let rows = rows(&engine, view, &description).await?;
        let expected = read(&self.folder.join("expected.csv"))?;
        difference(&rows, &expected, description.ordered)
    }

    async fn load(&self, engine: &Engine, description: &Description) -> Result<()> {
        let listed = std::fs::read_dir(&self.folder).map_err(|error| unreadable(&self.folder, error))?;
        let mut files: Vec<PathBuf> = listed.filter_map(|entry| Some(entry.ok()?.path())).collect();
        files.sort();
        for path in files.iter().filter(|path| path.extension().is_some_and(|suffix| suffix == "csv")) {
            let table = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            if table == "expected" {
                continue;
            }
            let format = match table {
                "logstore_standard_log" => LoadFormat::Log,
                table => LoadFormat::Table(table.to_owned()),
            };
            let source = Source::Memory { name: path.display().to_string(), bytes: read(path)?.into() };
            let request = LoadRequest {
                format: Some(format),
                site: description.site.clone(),
                ..LoadRequest::new(vec![source], description.now)
            };
            let rejected = engine.load(&request, Arc::new(Silent)).await?.total().rejected;
            if rejected > 0 {
                let path = path.display();
                return Err(Error::new(
                    ErrorKind::Invalid,
                    text!("{path}: {rejected} rows were rejected", "{path} : {rejected} lignes rejetées"),
                ));
            }
        }
        Ok(())
    }
}

/// The rows of a view as CSV.
async fn rows(engine: &Engine, view: &View, description: &Description) -> Result<String> {
    let given: Vec<(String, Given)> =
        description.params.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    let bound = Bound::read(view, &[], &given, chrono_tz::Tz::UTC).map_err(|faults| {
        let (name, reason) = faults.into_iter().next().unwrap_or_else(|| (String::new(), text!("", "")));
        let engine::Text { en, fr } = reason;
        Error::new(ErrorKind::Invalid, text!("parameter `{name}`: {en}", "paramètre `{name}` : {fr}"))
    })?;
    let settings = Settings { now: description.now, ..Settings::default() };
    let request = SessionRequest {
        site: description.site.clone(),
        settings,
        known_tables: true,
        ..SessionRequest::new(Limits::default())
    };
    let session = engine.session_for(&request).await?;
    let mut pull = Pull::new(view, &bound, description.now);
    // Rows of a view that hides a column come in its order only when they are asked for in that of the key.
    pull.ordered = description.ordered && !view.key.is_empty();
    let stream = pull.run(&session).await?;
    let out = Shared::default();
    let mut encoder = encode::encoder(Format::Csv, &stream.schema(), Box::new(out.clone()), &TableOptions::default())?;
    encode::encode(stream, encoder.as_mut()).await?;
    drop(encoder);
    let bytes = std::mem::take(&mut *out.0.lock().unwrap_or_else(PoisonError::into_inner));
    String::from_utf8(bytes).map_err(|error| Error::bug("CSV is no UTF-8").because(error))
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How rows differ, compared as a multiset unless their order counts.
fn difference(rows: &str, expected: &str, ordered: bool) -> Result<Option<String>> {
    let (mut got, mut wanted) = (records(rows)?, records(expected)?);
    let heads = (got.first().cloned().unwrap_or_default(), wanted.first().cloned().unwrap_or_default());
    if heads.0 != heads.1 {
        return Ok(Some(format!("columns are {}\n  and not {}", heads.0.join(","), heads.1.join(","))));
    }
    if !ordered {
        got.get_mut(1..).unwrap_or_default().sort();
        wanted.get_mut(1..).unwrap_or_default().sort();
    }
    if got == wanted {
        return Ok(None);
    }
    let missing = wanted.iter().filter(|row| !got.contains(row)).take(SHOWN).map(|row| format!("- {}", row.join(",")));
    let extra = got.iter().filter(|row| !wanted.contains(row)).take(SHOWN).map(|row| format!("+ {}", row.join(",")));
    let lines: Vec<String> = missing.chain(extra).collect();
    let head = format!("{} rows, expected {}", got.len().saturating_sub(1), wanted.len().saturating_sub(1));
    let order = if lines.is_empty() { "\n  the same rows in another order or number" } else { "" };
    Ok(Some(format!("{head}{order}\n  {}", lines.join("\n  "))))
}

fn records(csv: &str) -> Result<Vec<Vec<String>>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(csv.as_bytes());
    let mut records = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            let error = error.to_string();
            Error::new(ErrorKind::Invalid, text!("CSV: {error}", "CSV : {error}"))
        })?;
        records.push(record.iter().map(str::to_owned).collect());
    }
    Ok(records)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, error))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    let path = path.display();
    Error::new(ErrorKind::Io, text!("{path} cannot be read", "{path} ne peut être lu")).because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_with_and_without_their_order() {
        let (one, other) = ("a,b\n1,x\n2,y\n", "a,b\n2,y\n1,x\n");
        assert_eq!(difference(one, other, false).unwrap(), None);
        assert!(difference(one, other, true).unwrap().unwrap().contains("another order"));
        assert!(difference(one, "a,b\n1,x\n1,x\n2,y\n", false).unwrap().unwrap().contains("2 rows, expected 3"));
        assert!(difference(one, "a,c\n1,x\n2,y\n", false).unwrap().unwrap().contains("columns are a,b"));
        assert!(difference(one, "a,b\n1,x\n3,y\n", false).unwrap().unwrap().contains("- 3,y\n  + 2,y"));
    }
}
