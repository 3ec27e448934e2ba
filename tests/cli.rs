//! The command line as its users see it: exit codes, what is printed where, and results that other programs can read.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use engine::Lang;
use quick_xml::events::Event;
use rstest::rstest;
use server::cli::{Console, Exit};
use tempfile::TempDir;
use tests::{LOG_HEADER, NOW, log_csv};

/// What one stream of a console has received.
#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How a command ended, and what it wrote.
pub(crate) struct Done {
    pub(crate) exit: Exit,
    out: Vec<u8>,
    pub(crate) err: String,
}

impl Done {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }

    pub(crate) fn json(&self) -> Result<serde_json::Value> {
        serde_json::from_slice(&self.out).with_context(|| format!("{} {}", self.text(), self.err))
    }
}

/// Runs a command in a language, at a time in Unix seconds.
pub(crate) fn run_at(now: i64, lang: &str, arguments: &[&str]) -> Done {
    run_with_input(now, lang, "", arguments)
}

/// Runs a command with something on standard input.
pub(crate) fn run_with_input(now: i64, lang: &str, input: &str, arguments: &[&str]) -> Done {
    let (out, err) = (Captured::default(), Captured::default());
    let console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Lang::En);
    let mut console = console.with_input(std::io::Cursor::new(input.to_owned()));
    let flags = ["assidu", "--lang", lang];
    let exit = server::cli::run(flags.iter().chain(arguments).map(OsString::from), now, &mut console);
    drop(console);
    Done { exit, out: out.bytes(), err: String::from_utf8_lossy(&err.bytes()).into_owned() }
}

fn run(arguments: &[&str]) -> Done {
    run_at(NOW, "en", arguments)
}

/// A folder with a store of 36 rows of the log, loaded in two commits. The second is so small that the load leaves its
/// run beside the first one.
struct Place {
    folder: TempDir,
    store: String,
}

impl Place {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = folder.path().join("store").to_string_lossy().into_owned();
        let place = Self { folder, store };
        for (name, ids) in [("a.csv", 1..=30), ("b.csv", 31..=36)] {
            let file = place.write(name, &log_csv(ids))?;
            let done = place.run(&["load", &file]);
            assert_eq!(done.exit, Exit::Done, "{}", done.err);
        }
        Ok(place)
    }

    fn write(&self, name: &str, text: &str) -> Result<String> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text)?;
        Ok(path.to_string_lossy().into_owned())
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }

    fn run(&self, arguments: &[&str]) -> Done {
        run(&[&["--store", &self.store], arguments].concat())
    }

    /// Names in the folder, beside the store and the loaded files.
    fn files(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(self.folder.path())? {
            names.push(entry?.file_name().to_string_lossy().into_owned());
        }
        names.retain(|name| !["a.csv", "b.csv", "store"].contains(&name.as_str()));
        names.sort();
        Ok(names)
    }
}

/// The numbers are those that others found in the same data; see `golden` and `datasets`.
#[test]
fn the_demo_shows_the_figures_that_others_found() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("demo").to_string_lossy().into_owned();
    let done = run(&["--store", &store, "demo"]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    let text = done.text();
    for figure in ["9,560", "9,383", "5,485", "95,626", "130", "39,277"] {
        assert!(text.contains(figure), "no {figure} in\n{text}");
    }
    assert!(!text.contains('✗'), "{text}");
    // Every row of the course and of the ten reports: 95,626 + 39,277.
    assert!(text.contains("134,903"), "{text}");
    // A second demo replaces the first, in the other language.
    let again = run_at(NOW, "fr", &["--store", &store, "demo"]);
    assert_eq!(again.exit, Exit::Done, "{}", again.err);
    assert!(again.text().contains("95\u{202f}626") && again.text().contains("apprenants"), "{}", again.text());
    Ok(())
}

#[test]
fn rejected_rows_end_with_3_and_stand_in_a_file() -> Result<()> {
    let place = Place::new()?;
    let bad = format!("{}bad,row\n", log_csv(37..=38));
    let file = place.write("c.csv", &bad)?;
    let done = place.run(&["load", "--json", &file]);
    assert_eq!((done.exit, done.exit.code()), (Exit::Rejected, 3), "{}", done.err);
    let json = done.json()?;
    assert_eq!(
        (&json["total"]["read"], &json["total"]["loaded"], &json["total"]["rejected"]),
        (&3.into(), &2.into(), &1.into())
    );
    // The header and two rows before: the bad row is line 4.
    assert_eq!(
        (&json["files"][0]["faults"][0]["code"], &json["files"][0]["faults"][0]["line"]),
        (&"load.field_count".into(), &4.into())
    );
    let rejects = std::fs::read_to_string(json["files"][0]["rejects"].as_str().context("reject file")?)?;
    assert!(rejects.lines().nth(1).context("row")?.starts_with("bad,row,"), "{rejects}");
    Ok(())
}

#[test]
fn a_wrong_command_line_ends_with_2_and_touches_nothing() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store").to_string_lossy().into_owned();
    let file = folder.path().join("log.csv").to_string_lossy().into_owned();
    std::fs::write(&file, log_csv(1..=3))?;
    let cases: [&[&str]; 6] = [
        &["query", "--format", "yaml", "SELECT 1"],
        &["load"],
        &["load", "--timezone", "Europe/Pariss", &file],
        &["load", "--map", "userid", &file],
        &["store", "vacuum", "--keep", "soon"],
        &["nothing"],
    ];
    for arguments in cases {
        let done = run(&[&["--store", &store], arguments].concat());
        assert_eq!((done.exit.code(), done.text().as_str()), (2, ""), "{arguments:?}");
        assert!(!done.err.is_empty());
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "the log alone");
    Ok(())
}

#[rstest]
#[case(&["query", "SELECT 1"])]
#[case(&["store", "stats"])]
#[case(&["store", "verify"])]
#[case(&["store", "restore", "1"])]
fn an_unknown_store_ends_with_1_in_french(#[case] arguments: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("none").to_string_lossy().into_owned();
    let done = run_at(NOW, "fr", &[&["--store", &store], arguments].concat());
    assert_eq!((done.exit.code(), done.text().as_str()), (1, ""));
    assert!(done.err.starts_with("erreur : ") && done.err.contains(&store), "{}", done.err);
    assert!(done.err.contains("magasin"), "{}", done.err);
    assert!(!Path::new(&store).exists(), "asking makes no store");
    Ok(())
}

/// A value as text; a number with a fraction as a decimal, so that `0.5` and `0.50` are one.
type Cell = Option<String>;

const SQL: &str =
    "SELECT id, relateduserid AS nothing, id / 4.0 AS quarter, other FROM logstore_standard_log ORDER BY id";

/// What [`SQL`] answers over [`odd_log`]: an id, a null, a fraction, a text with all that documents must escape.
fn expected() -> Vec<Vec<Cell>> {
    let rows = [
        ("1", "0.25", "<a href=\"x\">&amp; 'é'</a>"),
        ("2", "0.5", "two\nlines, and \"quotes\""),
        ("3", "0.75", " blanks "),
        ("4", "1", "漢字 🙂 \\N;"),
    ];
    rows.into_iter()
        .map(|(id, quarter, other)| vec![Some(id.to_owned()), None, Some(quarter.to_owned()), Some(other.to_owned())])
        .collect()
}

fn odd_log() -> String {
    let mut text = format!("{LOG_HEADER}\n");
    for row in expected() {
        let (id, other) = (row[0].clone().unwrap_or_default(), row[3].clone().unwrap_or_default().replace('"', "\"\""));
        text.push_str(&format!("{id},e,core,viewed,course,,,r,2,1,50,2,3,2,,0,\"{other}\",1600000000,web,,\n"));
    }
    text
}

fn decimal(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string())
}

fn read_csv(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    let mut reader = csv::Reader::from_reader(bytes);
    assert_eq!(reader.headers()?, &["id", "nothing", "quarter", "other"][..]);
    let row =
        |record: csv::StringRecord| record.iter().map(|field| (!field.is_empty()).then(|| decimal(field))).collect();
    reader.records().map(|record| Ok(row(record?))).collect()
}

fn json_row(value: &serde_json::Value) -> Vec<Cell> {
    let cell = |name: &str| match &value[name] {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text.clone()),
        other => Some(decimal(&other.to_string())),
    };
    ["id", "nothing", "quarter", "other"].map(cell).to_vec()
}

fn read_json(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    Ok(serde_json::from_slice::<Vec<serde_json::Value>>(bytes)?.iter().map(json_row).collect())
}

fn read_ndjson(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    std::str::from_utf8(bytes)?.lines().map(|line| Ok(json_row(&serde_json::from_str(line)?))).collect()
}

/// `records` holds `record`s, which hold one element per column; a null has the attribute `xsi:nil`.
fn read_xml(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    let mut reader = quick_xml::Reader::from_reader(bytes);
    let (mut rows, mut path, mut text) = (Vec::new(), Vec::new(), String::new());
    loop {
        match reader.read_event()? {
            Event::Start(start) => {
                path.push(start.name().as_ref().to_owned());
                match path.len() {
                    2 => rows.push(Vec::new()),
                    _ => text.clear(),
                }
            }
            // Without rows, the root itself is empty.
            Event::Empty(_) if path.is_empty() => {}
            Event::Empty(empty) => {
                let nil = empty.try_get_attribute("xsi:nil")?.is_some();
                rows.last_mut().context("a value outside of rows")?.push((!nil).then(String::new));
            }
            Event::Text(piece) => text.push_str(&piece),
            Event::GeneralRef(name) => {
                let name: &str = &name;
                let number = name
                    .strip_prefix("#x")
                    .map(|hex| u32::from_str_radix(hex, 16))
                    .or_else(|| name.strip_prefix('#').map(str::parse));
                match number {
                    Some(number) => text.push(char::from_u32(number?).context("a character")?),
                    None => text.push_str(quick_xml::escape::resolve_xml_entity(name).context("an entity")?),
                }
            }
            Event::End(_) => {
                if path.len() == 3 {
                    rows.last_mut().context("a value outside of rows")?.push(Some(decimal(&text)));
                }
                path.pop();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert!(path.is_empty(), "elements stay open: {path:?}");
    Ok(rows)
}

fn read_batches(
    batches: impl IntoIterator<Item = Result<RecordBatch, arrow::error::ArrowError>>,
) -> Result<Vec<Vec<Cell>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let batch = batch?;
        for row in 0..batch.num_rows() {
            rows.push(batch.columns().iter().map(|column| cell(column, row)).collect::<Result<_>>()?);
        }
    }
    Ok(rows)
}

fn cell(column: &Arc<dyn Array>, row: usize) -> Result<Cell> {
    if column.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        _ => arrow::compute::cast(column, &DataType::Utf8)?.as_string::<i32>().value(row).to_owned(),
    }))
}

fn read_parquet(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    let bytes = bytes::Bytes::from(bytes.to_vec());
    read_batches(parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()?)
}

fn read_arrow(bytes: &[u8]) -> Result<Vec<Vec<Cell>>> {
    read_batches(arrow::ipc::reader::StreamReader::try_new(bytes, None)?)
}

#[test]
fn every_format_holds_the_same_rows() -> Result<()> {
    type Reader = fn(&[u8]) -> Result<Vec<Vec<Cell>>>;
    let formats: [(&str, Reader); 6] = [
        ("csv", read_csv),
        ("json", read_json),
        ("ndjson", read_ndjson),
        ("xml", read_xml),
        ("parquet", read_parquet),
        ("arrow", read_arrow),
    ];
    let folder = tempfile::tempdir()?;
    let (store, file) = (folder.path().join("store").to_string_lossy().into_owned(), folder.path().join("odd.csv"));
    std::fs::write(&file, odd_log())?;
    let done = run(&["--store", &store, "load", &file.to_string_lossy()]);
    assert_eq!(done.exit, Exit::Done, "{}", done.err);
    for (format, read) in formats {
        let done = run(&["--store", &store, "query", "--format", format, SQL]);
        assert_eq!(done.exit, Exit::Done, "{format}: {}", done.err);
        assert_eq!(read(&done.out).context(format)?, expected(), "{format}");
        // The suffix of the file is the format, and the file holds the same bytes or at least the same rows.
        let path = folder.path().join(format!("out.{format}"));
        let done = run(&["--store", &store, "query", SQL, "-o", &path.to_string_lossy()]);
        assert_eq!((done.exit, done.text().as_str()), (Exit::Done, ""), "{format}: {}", done.err);
        assert_eq!(read(&std::fs::read(&path)?).context(format)?, expected(), "{format}");
        // No row is a whole document, too.
        let done =
            run(&["--store", &store, "query", "--format", format, &SQL.replace(" ORDER", " WHERE id < 0 ORDER")]);
        assert_eq!((done.exit, read(&done.out).context(format)?.len()), (Exit::Done, 0), "{format}");
    }
    let table = run(&["--store", &store, "query", "--format", "table", SQL]).text();
    assert!(table.contains("quarter") && table.contains("漢字"), "{table}");
    Ok(())
}

/// Neither a wrong statement nor one that fails among its rows leaves a file, and an old result stays.
#[rstest]
#[case::not_understood("SELEC 1")]
#[case::no_such_column("SELECT nosuch FROM logstore_standard_log")]
#[case::fails_among_the_rows("SELECT 1 / (id - 30) FROM logstore_standard_log ORDER BY 1")]
#[case::fails_while_streaming("SELECT 100 / (id - 30) AS x FROM logstore_standard_log")]
fn a_failed_query_leaves_no_half_file(#[case] sql: &str) -> Result<()> {
    let place = Place::new()?;
    for format in ["csv", "json", "xml", "parquet"] {
        let path = place.path(&format!("new.{format}"));
        let done = place.run(&["query", sql, "-o", &path]);
        assert_eq!((done.exit.code(), done.text().as_str()), (1, ""), "{format}: {}", done.err);
        assert!(done.err.starts_with("error: "), "{}", done.err);
        assert_eq!(place.files()?, [""; 0], "{format}");
        std::fs::write(&path, "old")?;
        place.run(&["query", sql, "-o", &path]);
        assert_eq!(std::fs::read_to_string(&path)?, "old");
        std::fs::remove_file(&path)?;
        assert_eq!(place.files()?, [""; 0], "{format}");
    }
    Ok(())
}

#[test]
fn every_verb_of_the_store_runs() -> Result<()> {
    let place = Place::new()?;
    let count = || -> Result<String> {
        Ok(place.run(&["query", "--format", "csv", "SELECT count(*) AS n FROM logstore_standard_log"]).text())
    };
    let stats = place.run(&["store", "stats", "--json"]).json()?;
    let log = stats["tables"]
        .as_array()
        .context("tables")?
        .iter()
        .find(|table| table["table"] == "logstore_standard_log")
        .context("log")?;
    assert_eq!((&stats["commit"], &log["rows"], &log["runs"]), (&2.into(), &36.into(), &2.into()));
    assert!(place.run(&["store", "stats"]).text().contains("snapshot of commit 2"));

    let verified = place.run(&["store", "verify", "--json"]);
    assert_eq!((verified.exit, verified.json()?["problems"].as_array().map(Vec::len)), (Exit::Done, Some(0)));

    // Two runs of the log become one, and the query sees the same rows.
    let optimized = place.run(&["store", "optimize", "--json"]);
    assert_eq!((optimized.exit, &optimized.json()?["commit"]), (Exit::Done, &3.into()));
    assert_eq!(count()?, "n\n36\n");
    assert!(place.run(&["store", "optimize"]).text().contains("nothing to do"));

    let snapshots = place.run(&["store", "snapshots", "--json"]);
    assert_eq!(snapshots.exit, Exit::Done);
    assert!(place.run(&["store", "snapshots"]).exit == Exit::Done);

    let restored = place.run(&["store", "restore", "1", "--json"]);
    assert_eq!(restored.exit, Exit::Done, "{}", restored.err);
    assert_eq!(count()?, "n\n30\n");
    assert_eq!(
        place.run(&["query", "--format", "csv", "--at", "2", "SELECT count(*) AS n FROM logstore_standard_log"]).text(),
        "n\n36\n"
    );
    assert_eq!(place.run(&["store", "restore", "99"]).exit, Exit::Failed);

    // A month later, all but the newest snapshot may go.
    let later = NOW + 31 * 86_400;
    let vacuum = |more: &[&str]| run_at(later, "en", &[&["--store", &place.store, "store", "vacuum"], more].concat());
    let dry = vacuum(&["--dry-run"]);
    assert!(dry.exit == Exit::Done && dry.text().starts_with("would delete 3 snapshots"), "{} {}", dry.text(), dry.err);
    assert_eq!(place.run(&["query", "--at", "1", "SELECT 1"]).exit, Exit::Done, "nothing was deleted");
    assert_eq!(vacuum(&[]).exit, Exit::Done);
    assert_eq!(place.run(&["query", "--at", "1", "SELECT 1"]).exit, Exit::Failed);
    assert_eq!(count()?, "n\n30\n");
    assert_eq!(place.run(&["store", "verify"]).exit, Exit::Done);
    Ok(())
}

/// A damaged file is told, with exit code 1.
#[test]
fn verify_finds_a_damaged_file() -> Result<()> {
    let place = Place::new()?;
    let folder = Path::new(&place.store).join("main/logstore_standard_log");
    let file = std::fs::read_dir(&folder)?.next().context("a file")??.path();
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes)?;
    let done = place.run(&["store", "verify"]);
    let name = file.file_name().context("name")?.to_string_lossy().into_owned();
    assert!(done.exit == Exit::Failed && done.text().contains(&name), "{} {}", done.text(), done.err);
    Ok(())
}
