//! The line editor: history, several lines, completion.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use engine::{Result, text};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::complete::complete;
use crate::cli::sql::{self, Names};

/// Statements that the history keeps.
const HISTORY_LENGTH: usize = 10_000;

/// What somebody typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Typed {
    /// A command or one or more statements.
    Text(String),
    /// Ctrl-C: what stood there is dropped.
    Dropped,
    /// Ctrl-D: leave.
    End,
}

/// Reads statements from the terminal.
pub(crate) struct Reader {
    editor: Editor<Sql, FileHistory>,
    history: Option<PathBuf>,
}

impl Reader {
    /// Prepares the terminal and reads the history, whose loss is no reason to fail.
    pub(crate) fn try_new() -> Result<Self> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(HISTORY_LENGTH)
            .and_then(|builder| builder.history_ignore_dups(true))
            .map_err(unusable)?
            .history_ignore_space(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(unusable)?;
        editor.set_helper(Some(Sql::default()));
        let history = history_path(|name| std::env::var_os(name).map(PathBuf::from));
        if let Some(path) = &history {
            let _ = editor.load_history(path);
        }
        Ok(Self { editor, history })
    }

    /// The names that completion offers from now on.
    pub(crate) fn know(&mut self, names: Arc<Names>) {
        if let Some(helper) = self.editor.helper_mut() {
            helper.names = names;
        }
    }

    /// Waits for a command, or for statements that end with `;`.
    pub(crate) fn read(&mut self, prompt: &str) -> Result<Typed> {
        match self.editor.readline(prompt) {
            Ok(text) => {
                let _ = self.editor.add_history_entry(text.trim());
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Dropped),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(unusable(error)),
        }
    }

    /// Keeps the history for the next time, where it can be kept.
    pub(crate) fn save(&mut self) {
        let Some(path) = &self.history else { return };
        let saved =
            path.parent().map_or(Ok(()), std::fs::create_dir_all).is_ok() && self.editor.save_history(path).is_ok();
        if !saved {
            tracing::warn!(path = %path.display(), "the history cannot be kept");
        }
    }
}

fn unusable(error: ReadlineError) -> engine::Error {
    let message = text!("the terminal cannot be used", "le terminal est inutilisable");
    engine::Error::new(engine::ErrorKind::Io, message).because(error)
}

/// `$XDG_STATE_HOME/assidu/history`, else `~/.local/state/assidu/history`.
fn history_path(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // The XDG rules say that relative paths are to be ignored.
    let state = variable("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let state = state.or_else(|| variable("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join(Path::new("assidu/history")))
}

/// What the editor knows of SQL.
#[derive(Default)]
struct Sql {
    names: Arc<Names>,
}

impl Helper for Sql {}
impl Highlighter for Sql {}

impl Hinter for Sql {
    type Hint = String;
}

impl Completer for Sql {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = complete(line, pos, &self.names);
        let pair = |word: String| Pair { display: word.clone(), replacement: word };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Validator for Sql {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) { ValidationResult::Valid(None) } else { ValidationResult::Incomplete })
    }
}

/// Whether Enter ends the input: an empty line, a command, or statements of which the last has its `;`.
fn is_complete(text: &str) -> bool {
    let trimmed = text.trim();
    trimmed.starts_with('\\') || is_leave(trimmed) || sql::statements(text).1.is_empty()
}

/// Words with which newcomers try to leave.
pub(crate) fn is_leave(text: &str) -> bool {
    matches!(text.trim().trim_end_matches(';').to_ascii_lowercase().as_str(), "exit" | "quit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_ends_what_is_complete() {
        for text in ["", "  ", "\\d", "SELECT 1;", "SELECT ';' ;\n", "quit", "-- nothing"] {
            assert!(is_complete(text), "{text}");
        }
        for text in ["SELECT 1", "SELECT ';", "SELECT 1; SELECT 2", "/* ;"] {
            assert!(!is_complete(text), "{text}");
        }
    }

    #[test]
    fn the_history_lies_with_the_state_of_the_user() {
        let env = |pairs: &'static [(&str, &str)]| {
            move |name: &str| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value))
        };
        let home = "/home/a/.local/state/assidu/history";
        assert_eq!(
            history_path(env(&[("XDG_STATE_HOME", "/s"), ("HOME", "/home/a")])),
            Some("/s/assidu/history".into())
        );
        assert_eq!(history_path(env(&[("HOME", "/home/a")])), Some(home.into()));
        assert_eq!(history_path(env(&[("XDG_STATE_HOME", "s"), ("HOME", "/home/a")])), Some(home.into()));
        assert_eq!(history_path(env(&[])), None);
    }
}
