//! The interactive prompt of `query`.

mod command;
mod complete;
mod describe;
mod editor;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use engine::query::{Limits, Session};
use engine::{Engine, Error, ErrorKind, Lang, Result, Text, text};

use self::command::Command;
use self::editor::{Reader, Typed};
use super::exit::{Exit, Failure};
use super::query::{Output, answer, chosen_format, with_hint};
use super::sql::{self, Names};
use super::{Console, numbers};
use crate::encode::Format;

/// How the prompt starts.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Format of results; `None` follows the output.
    pub(crate) format: Option<Format>,
    /// File of results; `None` is the terminal.
    pub(crate) output: Option<PathBuf>,
    /// Commit that is asked; `None` is the newest.
    pub(crate) at: Option<u64>,
    /// Rows that a table shows.
    pub(crate) max_rows: usize,
    /// Limits of every session.
    pub(crate) limits: Limits,
    /// Policies, clock and time zone of every session.
    pub(crate) time: engine::stats::Settings,
}

/// Reads and answers until the operator leaves.
pub(crate) async fn run(engine: Engine, settings: Settings, console: &mut Console) -> Result<Exit, Failure> {
    let mut reader = Reader::try_new()?;
    let mut prompt = Prompt { engine, settings, timing: true, expanded: false, held: None };
    prompt.refresh(&mut reader).await?;
    console.say(&text!("\\? lists the commands, \\q leaves", "\\? liste les commandes, \\q quitte"));
    loop {
        // A snapshot that went away, or a store out of reach, is told by the statement that needs it.
        let _ = prompt.refresh(&mut reader).await;
        match reader.read(&prompt.sign())? {
            Typed::End => break,
            Typed::Dropped => {}
            Typed::Text(text) if editor::is_leave(&text) => break,
            Typed::Text(text) if text.trim_start().starts_with('\\') => match command::parse(&text) {
                Ok(Command::Quit) => break,
                Ok(command) => prompt.obey(command, &mut reader, console).await,
                Err(message) => complain(&message, console),
            },
            Typed::Text(text) => prompt.answer_all(&text, &mut reader, console).await,
        }
        if console.is_broken() {
            break;
        }
    }
    reader.save();
    Ok(Exit::Done)
}

fn complain(message: &Text, console: &mut Console) {
    let label = match console.lang() {
        Lang::En => "error:",
        Lang::Fr => "erreur :",
    };
    let message = message.get(console.lang()).to_owned();
    console.note(&format!("{label} {message}"));
}

struct Prompt {
    engine: Engine,
    settings: Settings,
    timing: bool,
    expanded: bool,
    held: Option<Held>,
}

/// A session and the names that it knows.
struct Held {
    commit: u64,
    session: Session,
    names: Arc<Names>,
}

impl Prompt {
    /// Follows the newest commit, or stays at the chosen one.
    async fn refresh(&mut self, reader: &mut Reader) -> Result<()> {
        let snapshot = self.engine.snapshot(self.settings.at).await?;
        let commit = snapshot.commit();
        if self.held.as_ref().is_some_and(|held| held.commit == commit) {
            return Ok(());
        }
        let session = self.engine.session_with(Some(commit), &self.settings.limits, &self.settings.time).await?;
        let names = match Names::collect(&session, &snapshot).await {
            Ok(names) => Arc::new(names),
            Err(error) => {
                tracing::warn!(%error, "no names for completion");
                Arc::default()
            }
        };
        reader.know(Arc::clone(&names));
        self.held = Some(Held { commit, session, names });
        Ok(())
    }

    fn sign(&self) -> String {
        match self.settings.at {
            Some(commit) => format!("assidu@{commit}> "),
            None => "assidu> ".to_owned(),
        }
    }

    fn held(&self) -> Result<&Held> {
        self.held.as_ref().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, text!("no snapshot is open", "aucun instantané n'est ouvert"))
        })
    }

    async fn answer_all(&mut self, text: &str, reader: &mut Reader, console: &mut Console) {
        for statement in sql::statements(text).0 {
            if let Err(failure) = self.answer_one(statement, reader, console).await {
                console.failure(&failure);
                break;
            }
        }
    }

    async fn answer_one(&mut self, sql: &str, reader: &mut Reader, console: &mut Console) -> Result<(), Failure> {
        self.refresh(reader).await?;
        let held = self.held()?;
        let path = self.settings.output.as_deref();
        let format = chosen_format(self.settings.format, path, true);
        let output = Output { path, format, max_rows: self.settings.max_rows, expanded: self.expanded };
        output.check(console)?;
        let started = Instant::now();
        let rows = answer(&held.session, sql, &output, console).await.map_err(|e| with_hint(e, sql, &held.names))?;
        if self.timing {
            console.say(&timing(rows, started.elapsed().as_secs_f64()));
        }
        Ok(())
    }

    async fn obey(&mut self, command: Command, reader: &mut Reader, console: &mut Console) {
        let result = match command {
            Command::Tables | Command::Describe(_) | Command::Functions(_) | Command::Sites => {
                self.describe(&command, console).await
            }
            Command::At(commit) => self.go_to(commit, reader).await,
            other => {
                self.set(other, console);
                Ok(())
            }
        };
        if let Err(failure) = result {
            console.failure(&failure);
        }
    }

    async fn describe(&self, command: &Command, console: &mut Console) -> Result<(), Failure> {
        let (held, lang, width) = (self.held()?, console.lang(), console.width);
        let names = &held.names;
        let drawn = match command {
            Command::Describe(table) => describe::columns(names, table, lang, width),
            Command::Functions(pattern) => describe::functions(names, pattern.as_deref(), lang, width),
            Command::Sites => Ok(describe::sites(names, lang, width)),
            _ => {
                let snapshot = self.engine.snapshot(Some(held.commit)).await?;
                Ok(describe::tables(names, &snapshot.table_stats(), lang, width))
            }
        };
        match drawn {
            Ok(drawn) => {
                console.data(&drawn)?;
                std::io::Write::flush(console)?;
            }
            Err(message) => complain(&message, console),
        }
        Ok(())
    }

    /// Moves to a snapshot; stays where it was when there is none.
    async fn go_to(&mut self, commit: Option<u64>, reader: &mut Reader) -> Result<(), Failure> {
        let before = std::mem::replace(&mut self.settings.at, commit);
        if let Err(error) = self.refresh(reader).await {
            self.settings.at = before;
            return Err(error.into());
        }
        Ok(())
    }

    fn set(&mut self, command: Command, console: &mut Console) {
        match command {
            Command::Output(path) => self.settings.output = path,
            Command::Format(format) => self.settings.format = format,
            Command::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                console.say(&switched("timing", self.timing));
            }
            Command::Expanded(on) => {
                self.expanded = on.unwrap_or(!self.expanded);
                console.say(&switched("x", self.expanded));
            }
            _ => console.say(&command::help()),
        }
    }
}

fn switched(name: &str, on: bool) -> Text {
    match on {
        true => text!("\\{name} is on", "\\{name} est activé"),
        false => text!("\\{name} is off", "\\{name} est désactivé"),
    }
}

fn timing(rows: u64, seconds: f64) -> Text {
    let text = |lang| (numbers::count(rows, lang), numbers::decimal(seconds, 3, lang));
    let ((rows_en, seconds_en), (rows_fr, seconds_fr)) = (text(Lang::En), text(Lang::Fr));
    match rows {
        1 => text!("1 row, {seconds_en} s", "1 ligne, {seconds_fr} s"),
        _ => text!("{rows_en} rows, {seconds_en} s", "{rows_fr} lignes, {seconds_fr} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timing_reads_well() {
        assert_eq!(timing(1, 0.25).en, "1 row, 0.250 s");
        assert_eq!(timing(12_000, 1.5).en, "12,000 rows, 1.500 s");
        assert_eq!(timing(0, 0.0).fr, "0 lignes, 0,000 s");
    }
}
