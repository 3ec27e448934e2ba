//! `query`: one statement to a document, or the prompt.

use std::io::{IsTerminal, Read};
use std::path::Path;

use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use engine::query::{Limits, Session};
use engine::{Error, ErrorKind, text};
use futures::StreamExt;

use super::args::{Globals, QueryArgs};
use super::config;
use super::exit::{Exit, Failure};
use super::sink::Sink;
use super::sql::{self, Names};
use super::{Console, flags, open, prompt};
use crate::encode::{self, Format, TableOptions};

/// Batches that wait for a slow reader.
const WAITING_BATCHES: usize = 2;

/// Runs `query`.
pub(crate) async fn run(args: &QueryArgs, globals: &Globals, now: i64, console: &mut Console) -> Result<Exit, Failure> {
    let limits = limits(args)?;
    let time = config::load(globals)?.stats(now);
    let Some(sql) = sql_text(args, console)? else {
        let engine = open::open_existing(globals.store()).await?;
        let settings = prompt::Settings {
            format: args.format,
            output: args.output.clone(),
            at: args.at,
            max_rows: args.max_rows,
            limits,
            time,
        };
        return prompt::run(engine, settings, console).await;
    };
    let engine = open::open_existing(globals.store()).await?;
    let session = engine.session_with(args.at, &limits, &time).await?;
    let output = Output {
        path: args.output.as_deref(),
        format: chosen_format(args.format, args.output.as_deref(), console.out_is_terminal),
        max_rows: args.max_rows,
        expanded: false,
    };
    output.check(console)?;
    match answer(&session, &sql, &output, console).await {
        Ok(_) => Ok(Exit::Done),
        Err(error) => {
            let snapshot = engine.snapshot(args.at).await?;
            let names = Names::collect(&session, &snapshot).await.unwrap_or_default();
            Err(with_hint(error, &sql, &names))
        }
    }
}

fn limits(args: &QueryArgs) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    if let Some(memory) = flags::parse("memory", args.memory.as_deref(), flags::size)? {
        limits.memory = memory;
    }
    limits.threads = threads(args.threads);
    Ok(limits)
}

/// The threads that were asked for, else one per core.
pub(crate) fn threads(asked: Option<u16>) -> usize {
    asked.map_or_else(|| std::thread::available_parallelism().map_or(2, usize::from), usize::from)
}

/// The statement, from wherever it comes; `None` opens the prompt.
fn sql_text(args: &QueryArgs, console: &Console) -> Result<Option<String>, Failure> {
    let (text, origin) = match (args.sql.as_deref(), args.file.as_deref()) {
        (Some("-"), _) => (read_stdin()?, "-".to_owned()),
        (Some(sql), _) => (sql.to_owned(), "SQL".to_owned()),
        (None, Some(path)) if path == Path::new("-") => (read_stdin()?, "-".to_owned()),
        (None, Some(path)) => (read_file(path)?, path.display().to_string()),
        (None, None) if console.in_is_terminal && console.out_is_terminal => return Ok(None),
        (None, None) if std::io::stdin().is_terminal() => {
            return Err(Failure::Usage(text!(
                "no statement: write it after `query`, or run `query` on a terminal for the prompt",
                "aucune requête : écrivez-la après `query`, ou lancez `query` sur un terminal pour l'invite"
            )));
        }
        (None, None) => (read_stdin()?, "-".to_owned()),
    };
    match sql::statements(&text) {
        (statements, "") if statements.len() == 1 => Ok(Some(statements[0].to_owned())),
        (statements, rest) if statements.is_empty() && !rest.is_empty() => Ok(Some(rest.to_owned())),
        (statements, "") if statements.is_empty() => {
            Err(Failure::Usage(text!("`{origin}` holds no statement", "`{origin}` ne contient aucune requête")))
        }
        _ => Err(Failure::Usage(text!(
            "`{origin}` holds several statements; give one at a time",
            "`{origin}` contient plusieurs requêtes ; donnez-les une par une"
        ))),
    }
}

fn read_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|source| unreadable("-", source))?;
    Ok(text)
}

fn read_file(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|source| unreadable(&path.display().to_string(), source))
}

fn unreadable(name: &str, source: std::io::Error) -> Failure {
    Error::new(ErrorKind::Io, text!("`{name}` cannot be read as text", "`{name}` ne peut être lu comme du texte"))
        .because(source)
        .into()
}

/// The format that was asked for, else the one of the file's name, else what suits the reader.
pub(crate) fn chosen_format(asked: Option<Format>, path: Option<&Path>, terminal: bool) -> Format {
    asked.or_else(|| path.and_then(Format::of_path)).unwrap_or(match (path, terminal) {
        (None, true) => Format::Table,
        _ => Format::Csv,
    })
}

/// Where and how a result is written.
#[derive(Debug, Clone)]
pub(crate) struct Output<'a> {
    /// The file; `None` is standard output.
    pub(crate) path: Option<&'a Path>,
    /// The format.
    pub(crate) format: Format,
    /// Rows that a table shows.
    pub(crate) max_rows: usize,
    /// One line per cell in tables.
    pub(crate) expanded: bool,
}

impl Output<'_> {
    /// Refuses to fill a terminal with bytes that are no text.
    pub(crate) fn check(&self, console: &Console) -> Result<(), Failure> {
        if !self.format.is_binary() || self.path.is_some() || !console.out_is_terminal {
            return Ok(());
        }
        let format = self.format.name();
        Err(Failure::Usage(text!(
            "{format} is no text for a terminal; name a file with `-o`",
            "{format} n'est pas du texte pour un terminal ; nommez un fichier avec `-o`"
        )))
    }

    fn table(&self, console: &Console) -> TableOptions {
        let width = console.width.filter(|_| self.path.is_none() && console.out_is_terminal);
        TableOptions { max_rows: self.max_rows, width, expanded: self.expanded }
    }
}

/// Runs a statement and writes its result; answers the number of rows. Ctrl-C stops it.
pub(crate) async fn answer(
    session: &Session,
    sql: &str,
    output: &Output<'_>,
    console: &mut Console,
) -> Result<u64, Error> {
    let work = answer_to_end(session, sql, output, console);
    tokio::select! {
        rows = work => rows,
        _ = tokio::signal::ctrl_c() => {
            Err(Error::new(ErrorKind::Cancelled, text!("the query was cancelled", "la requête a été annulée")))
        }
    }
}

async fn answer_to_end(session: &Session, sql: &str, output: &Output<'_>, console: &mut Console) -> Result<u64, Error> {
    write(session.query(sql).await?, output, console).await
}

/// Writes the rows of a query; answers how many there were.
pub(crate) async fn write(
    stream: SendableRecordBatchStream,
    output: &Output<'_>,
    console: &mut Console,
) -> Result<u64, Error> {
    let table = output.table(console);
    let stream = apart(stream);
    let mut sink = Sink::open(output.path, console)?;
    let mut encoder = encode::encoder(output.format, &stream.schema(), Box::new(&mut sink), &table)?;
    let rows = encode::encode(stream, encoder.as_mut()).await?;
    let remark = encoder.remark();
    drop(encoder);
    sink.commit()?;
    if let Some(remark) = remark {
        console.say(&remark);
    }
    Ok(rows)
}

/// Lets the query work in a task of its own, so that encoding and Ctrl-C do not wait for it.
///
/// Dropping the result stops the task.
fn apart(mut stream: SendableRecordBatchStream) -> SendableRecordBatchStream {
    let mut builder = RecordBatchReceiverStream::builder(stream.schema(), WAITING_BATCHES);
    let sender = builder.tx();
    builder.spawn(async move {
        while let Some(batch) = stream.next().await {
            // Nobody listens any more: the reader has gone.
            if sender.send(batch).await.is_err() {
                break;
            }
        }
        Ok(())
    });
    builder.build()
}

/// Adds the table that was probably meant to the failure of a statement.
pub(crate) fn with_hint(error: Error, sql: &str, names: &Names) -> Failure {
    let hint = if error.kind() == ErrorKind::NotFound { sql::hint(sql, names) } else { None };
    Failure::Error(error, hint.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(None, None, true, Format::Table)]
    #[case(None, None, false, Format::Csv)]
    #[case(None, Some("x.parquet"), true, Format::Parquet)]
    #[case(None, Some("x.JSONL"), true, Format::Ndjson)]
    #[case(None, Some("x.dat"), true, Format::Csv)]
    #[case(Some(Format::Xml), Some("x.json"), false, Format::Xml)]
    fn the_format_follows_the_reader(
        #[case] asked: Option<Format>,
        #[case] path: Option<&str>,
        #[case] terminal: bool,
        #[case] expected: Format,
    ) {
        assert_eq!(chosen_format(asked, path.map(Path::new), terminal), expected);
    }
}
