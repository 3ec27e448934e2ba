//! Runs `slt/**/*.slt` against Assidu's SQL, each file on a store of its own.
//!
//! A line of a file names its store: `# store: demo-log` loads `log_csv(1..=2000)`, `# store: worked-example` the worked
//! example of the reference, `# store: scorm-time` another golden case, `# store: groups` a small log with cohorts and groups; others are empty. Answers
//! are rewritten for review with `SLT_BLESS=1`.

use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::Engine;
use engine::load::Source;
use engine::query::Limits;
use futures::TryStreamExt;
use libtest_mimic::{Arguments, Failed, Trial};
use sqllogictest::{AsyncDB, DBOutput, DefaultColumnType, Runner};
use tests::{WORKED_EXAMPLE, load, log_csv, source};

/// Assidu as sqllogictest sees a database.
struct Database {
    engine: Engine,
    limits: Limits,
}

#[async_trait::async_trait]
impl AsyncDB for Database {
    type Error = engine::Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, engine::Error> {
        let session = self.engine.session(None, &self.limits).await?;
        let stream = session.query(sql).await?;
        let types = stream.schema().fields().iter().map(|field| column_type(field.data_type())).collect();
        let batches: Vec<RecordBatch> = stream.try_collect().await.map_err(engine::Error::from)?;
        let mut rows = Vec::new();
        for batch in &batches {
            for row in 0..batch.num_rows() {
                rows.push(batch.columns().iter().map(|column| cell(column.as_ref(), row)).collect::<Result<_, _>>()?);
            }
        }
        Ok(DBOutput::Rows { types, rows })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "assidu"
    }
}

fn column_type(kind: &DataType) -> DefaultColumnType {
    if kind.is_integer() {
        DefaultColumnType::Integer
    } else if kind.is_floating() {
        DefaultColumnType::FloatingPoint
    } else {
        DefaultColumnType::Text
    }
}

fn cell(column: &dyn Array, row: usize) -> Result<String, engine::Error> {
    if column.is_null(row) {
        return Ok("NULL".to_owned());
    }
    if column.data_type() == &DataType::Utf8View && column.as_string_view().value(row).is_empty() {
        return Ok("(empty)".to_owned());
    }
    let formatter = ArrayFormatter::try_new(column, &FormatOptions::default())?;
    Ok(formatter.value(row).to_string())
}

/// Two learners in a cohort, in which one of them stands twice, and in the groups of course 2; a third one in neither.
const GROUPS: [(&str, &str); 6] = [
    (
        "logstore_standard_log.csv",
        "id,userid,courseid,action,origin,timecreated\n1,5,2,viewed,web,1000\n2,5,2,viewed,web,1100\n3,6,2,viewed,web,1000\n4,6,3,viewed,web,1030\n5,7,2,viewed,web,1000\n",
    ),
    ("course.csv", "id,shortname,fullname\n2,ALG,Algebra\n3,BIO,Biology\n"),
    ("cohort.csv", "id,name,idnumber\n1,First year,Y1\n"),
    ("cohort_members.csv", "id,cohortid,userid\n1,1,5\n2,1,6\n3,1,6\n4,1,9\n"),
    ("groups.csv", "id,courseid,idnumber,name\n10,2,A,Team A\n11,2,B,Team B\n"),
    ("groups_members.csv", "id,groupid,userid\n1,10,5\n2,10,6\n3,10,6\n4,11,5\n"),
];

/// Tables of SCORM packages, beside those of every golden case.
const PACKAGES: [(&str, &str); 3] = [
    ("scorm_attempt", "scorm_attempt"),
    ("scorm_element", "scorm_element"),
    ("scorm_scoes_value", "scorm_scoes_value"),
];

/// Tables of a golden case, of which the numbers are known.
fn golden<'a>(case: &str, tables: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Result<Vec<Source>, Failed> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/use-stats").join(case);
    let mut sources = Vec::new();
    for (file, table) in tables {
        let bytes = std::fs::read(folder.join(format!("{file}.csv")))?;
        sources.push(source(&format!("{table}.csv"), bytes));
    }
    Ok(sources)
}

async fn open(path: &Path) -> Result<Database, Failed> {
    let engine = Engine::open("memory://", &[]).await?;
    let text = std::fs::read_to_string(path)?;
    if text.contains("# store: demo-log") {
        load(&engine, vec![source("a.csv", log_csv(1..=1200)), source("user.csv", "id,username\n3,ada\n4,léo\n")])
            .await?;
        load(&engine, vec![source("b.csv", log_csv(1201..=2000))]).await?;
    }
    if text.contains("# store: worked-example") {
        load(&engine, golden("worked-example", &WORKED_EXAMPLE)?).await?;
    }
    if text.contains("# store: scorm-time") {
        load(&engine, golden("scorm-time", WORKED_EXAMPLE.iter().chain(&PACKAGES))?).await?;
    }
    if text.contains("# store: groups") {
        load(&engine, GROUPS.map(|(name, csv)| source(name, csv)).to_vec()).await?;
    }
    Ok(Database { engine, limits: Limits { threads: 2, ..Limits::default() } })
}

fn run(path: &Path) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build()?;
    runtime.block_on(async {
        let file = path.to_owned();
        let mut runner = Runner::new(|| {
            let file = file.clone();
            async move { open(&file).await.map_err(|error| engine::Error::bug(format!("{error:?}"))) }
        });
        if std::env::var_os("SLT_BLESS").is_some() {
            runner
                .update_test_file(
                    path,
                    " ",
                    sqllogictest::default_validator,
                    sqllogictest::default_normalizer,
                    sqllogictest::default_column_validator,
                )
                .await
                .map_err(|error| Failed::from(error.to_string()))
        } else {
            runner.run_file_async(path).await.map_err(|error| Failed::from(error.display(false).to_string()))
        }
    })
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "slt") {
            found.push(path);
        }
    }
    found.sort();
    Ok(())
}

fn main() -> std::io::Result<()> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut found = Vec::new();
    files(&root, &mut found)?;
    let trials = found.into_iter().map(|path| {
        let name = path.strip_prefix(&root).unwrap_or(&path).display().to_string();
        Trial::test(name, move || run(&path))
    });
    let trials: Vec<Trial> = trials.collect();
    assert!(!trials.is_empty(), "no slt file");
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}
