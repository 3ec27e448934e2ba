//! Asks for passwords and secrets: on the terminal without an echo, or on standard input, never in the arguments.

use std::borrow::Cow;
use std::io::Read;

use engine::{Error, ErrorKind, Lang, Text, text};
use rustyline::completion::Completer;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, ColorMode, Config, Editor, Helper};

use super::Console;
use super::exit::Failure;
use crate::access::{Password, Secret};

/// Longest line that is read from standard input, in bytes.
const MAX_LINE: u64 = 4096;

/// Terminals on which the line editor gives up and echoes.
const PLAIN_TERMINALS: [&str; 3] = ["dumb", "cons25", "emacs"];

/// A password: typed twice on the terminal, or from standard input when a flag says so.
pub(crate) fn password(from_stdin: bool, console: &mut Console) -> Result<Password, Failure> {
    let secret = if from_stdin && !console.in_is_terminal {
        line(console)?
    } else if console.in_is_terminal {
        let lang = console.lang();
        let first = hidden(&text!("password: ", "mot de passe : "), lang)?;
        let second = hidden(&text!("the same again: ", "le même encore une fois : "), lang)?;
        if first.expose() != second.expose() {
            return Err(invalid(text!(
                "the passwords are not the same; nothing was changed",
                "les mots de passe diffèrent ; rien n'a été changé"
            )));
        }
        first
    } else {
        return Err(Failure::Usage(text!(
            "there is no terminal to ask for the password; write it to standard input and add `--password-stdin`",
            "il n'y a pas de terminal pour demander le mot de passe ; écrivez-le sur l'entrée standard et ajoutez `--password-stdin`"
        )));
    };
    Ok(Password::new(&secret)?)
}

/// A secret that exists: typed on the terminal, else from standard input.
pub(crate) fn secret(console: &mut Console) -> Result<Secret, Failure> {
    if console.in_is_terminal { hidden(&text!("secret: ", "secret : "), console.lang()) } else { line(console) }
}

/// The first line of standard input, without its end.
fn line(console: &mut Console) -> Result<Secret, Failure> {
    let mut bytes = Vec::new();
    console.input.by_ref().take(MAX_LINE).read_to_end(&mut bytes)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| invalid(text!("standard input is no UTF-8 text", "l'entrée standard n'est pas du texte UTF-8")))?;
    match text.lines().next() {
        Some(line) if !line.is_empty() => Ok(Secret::new(line)),
        _ => Err(invalid(text!(
            "standard input is empty: its first line must be the secret",
            "l'entrée standard est vide : sa première ligne doit être le secret"
        ))),
    }
}

/// Asks on the terminal; what is typed is not shown and not remembered.
fn hidden(prompt: &Text, lang: Lang) -> Result<Secret, Failure> {
    let terminal = std::env::var("TERM").unwrap_or_default();
    if PLAIN_TERMINALS.contains(&terminal.as_str()) {
        return Err(Failure::Usage(text!(
            "the terminal `{terminal}` would show what is typed; write it to standard input instead",
            "le terminal `{terminal}` montrerait ce qui est saisi ; écrivez-le plutôt sur l'entrée standard"
        )));
    }
    // The terminal itself, not standard output, which may be a file of data; and hidden whatever NO_COLOR says.
    let config = Config::builder().behavior(Behavior::PreferTerm).color_mode(ColorMode::Forced).build();
    let mut editor = Editor::<Hidden, DefaultHistory>::with_config(config).map_err(unusable)?;
    editor.set_helper(Some(Hidden));
    editor.set_auto_add_history(false);
    match editor.readline(prompt.get(lang)) {
        Ok(text) => Ok(Secret::new(text)),
        Err(ReadlineError::Interrupted | ReadlineError::Eof) => {
            Err(Error::new(ErrorKind::Cancelled, text!("nothing was changed", "rien n'a été changé")).into())
        }
        Err(error) => Err(unusable(error)),
    }
}

fn unusable(error: ReadlineError) -> Failure {
    let message = text!("the terminal cannot be used", "le terminal est inutilisable");
    Error::new(ErrorKind::Io, message).because(error).into()
}

fn invalid(message: Text) -> Failure {
    Error::new(ErrorKind::Invalid, message).into()
}

/// Draws blanks in the place of what is typed.
struct Hidden;

impl Helper for Hidden {}
impl Validator for Hidden {}

impl Completer for Hidden {
    type Candidate = String;
}

impl Hinter for Hidden {
    type Hint = String;
}

impl Highlighter for Hidden {
    fn highlight<'l>(&self, line: &'l str, _: usize) -> Cow<'l, str> {
        Cow::Owned(" ".repeat(line.chars().count()))
    }

    fn highlight_char(&self, _: &str, _: usize, kind: CmdKind) -> bool {
        !matches!(kind, CmdKind::MoveCursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(input: &'static [u8]) -> Console {
        Console::captured(Lang::En).0.with_input(input)
    }

    #[test]
    fn the_first_line_of_standard_input_counts() {
        for input in [&b"correct horse"[..], b"correct horse\n", b"correct horse\r\nmore\n"] {
            assert_eq!(secret(&mut with(input)).unwrap().expose(), "correct horse");
            assert!(password(true, &mut with(input)).unwrap().verify(&Secret::new("correct horse")));
        }
        for input in [&b""[..], b"\n", b"\xff\xfe"] {
            assert!(secret(&mut with(input)).is_err());
        }
    }

    #[test]
    fn without_a_terminal_nobody_is_asked() {
        let failure = password(false, &mut with(b"correct horse")).unwrap_err();
        assert!(matches!(&failure, Failure::Usage(text) if text.en.contains("--password-stdin")));
    }

    #[test]
    fn what_is_typed_is_not_drawn() {
        assert_eq!(Hidden.highlight("sécrêt", 3), "      ");
        assert!(Hidden.highlight_char("s", 1, CmdKind::Other));
    }
}
