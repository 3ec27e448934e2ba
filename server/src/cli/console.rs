//! The streams that a command talks to, and what is known of them.

use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::{Lang, Text};

use super::exit::Failure;

/// Narrower terminals are none: some report a width of 0.
const MIN_WIDTH: u16 = 20;

/// Standard output for data, standard error for everything else, and the language of the operator.
///
/// It remembers when the reader of the data has gone, so that `assidu query … | head` ends quietly.
pub struct Console {
    lang: Lang,
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    /// Where passwords and secrets come from when nobody types them.
    pub(crate) input: Box<dyn Read + Send>,
    /// Whether data is read by a person.
    pub(crate) out_is_terminal: bool,
    /// Whether progress can be drawn.
    pub(crate) err_is_terminal: bool,
    /// Whether somebody can type.
    pub(crate) in_is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub(crate) width: Option<u16>,
    broken: Arc<AtomicBool>,
}

impl Console {
    /// The standard streams of the process.
    pub fn standard() -> Self {
        let mut console = Self::new(Box::new(BufWriter::new(io::stdout())), Box::new(io::stderr()), Lang::En);
        console.input = Box::new(io::stdin());
        console.out_is_terminal = io::stdout().is_terminal();
        console.err_is_terminal = io::stderr().is_terminal();
        console.in_is_terminal = io::stdin().is_terminal();
        console.width = comfy_table::Table::new().width().filter(|width| *width >= MIN_WIDTH);
        console
    }

    /// Any two writers, neither of which is a terminal, and nothing on standard input.
    pub fn new(out: Box<dyn Write + Send>, err: Box<dyn Write + Send>, lang: Lang) -> Self {
        Self {
            lang,
            out,
            err,
            input: Box::new(io::empty()),
            out_is_terminal: false,
            err_is_terminal: false,
            in_is_terminal: false,
            width: None,
            broken: Arc::default(),
        }
    }

    /// The same console with something on standard input, which is no terminal.
    #[must_use]
    pub fn with_input(mut self, input: impl Read + Send + 'static) -> Self {
        self.input = Box::new(input);
        self.in_is_terminal = false;
        self
    }

    /// The language of the operator.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    pub(crate) fn set_lang(&mut self, lang: Lang) {
        self.lang = lang;
    }

    /// Whether the reader of the data has gone.
    pub fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Writes data as it is.
    pub(crate) fn data(&mut self, text: &str) -> io::Result<()> {
        self.write_all(text.as_bytes())
    }

    /// Writes a JSON document, indented for people.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *self, value)?;
        self.write_all(b"\n")
    }

    /// Writes a line to standard error; a failure to do so has nowhere to go.
    pub(crate) fn note(&mut self, line: &str) {
        let _ = writeln!(self.err, "{line}");
    }

    /// Writes a sentence to standard error in the language of the operator.
    pub(crate) fn say(&mut self, text: &Text) {
        self.note(text.get(self.lang));
    }

    /// Tells why a command stopped.
    pub(crate) fn failure(&mut self, failure: &Failure) {
        // What was written before belongs above the message when both streams are one terminal.
        let _ = self.flush();
        self.note(&failure.describe(self.lang));
    }
}

impl Write for Console {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.watch(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.watch(flushed)
    }
}

impl Console {
    fn watch<T>(&self, result: io::Result<T>) -> io::Result<T> {
        if result.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.broken.store(true, Ordering::Relaxed);
        }
        result
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console").field("lang", &self.lang).field("width", &self.width).finish_non_exhaustive()
    }
}

/// What a captured console has written.
#[cfg(test)]
#[derive(Debug, Clone, Default)]
pub(crate) struct Captured(Arc<std::sync::Mutex<Vec<u8>>>);

#[cfg(test)]
impl Captured {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[cfg(test)]
impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
impl Console {
    /// A console in memory: itself, its standard output, its standard error.
    pub(crate) fn captured(lang: Lang) -> (Self, Captured, Captured) {
        let (out, err) = (Captured::default(), Captured::default());
        (Self::new(Box::new(out.clone()), Box::new(err.clone()), lang), out, err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Gone;

    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_left_is_remembered() {
        let mut console = Console::new(Box::new(Gone), Box::new(Vec::new()), Lang::En);
        assert!(!console.is_broken());
        assert!(console.data("x").is_err());
        assert!(console.is_broken());
    }
}
