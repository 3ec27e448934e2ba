//! Failures: what stops an operation. Faults in data, which stop nothing, are in [`crate::fault`].

use std::fmt;

use crate::text::{Lang, Text};

/// Result of every fallible operation of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who has to act on an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The caller gave something invalid: an option, a name, an SQL text.
    Invalid,
    /// A file, store, table, snapshot or site that was named does not exist.
    NotFound,
    /// Another process changed the same data first; the operation can be repeated.
    Conflict,
    /// Another process holds a lock.
    Locked,
    /// A limit of memory, rows, bytes or time was reached.
    Limit,
    /// The operation was cancelled by its caller.
    Cancelled,
    /// The store was written by a newer version of the program.
    Newer,
    /// Bytes of the store are missing or damaged.
    Corrupt,
    /// The outside world failed: disk, network, permissions.
    Io,
    /// A broken invariant of ours.
    Bug,
}

/// A failure: kind, message, context pairs and cause.
///
/// The message follows the project's form: lower case start, no final dot, backquotes around names,
/// offending values in double quotes; it says what to do where that is known.
#[derive(Debug)]
pub struct Error {
    inner: Box<Inner>,
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    message: Text,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A failure of this kind, with its sentence in both languages.
    pub fn new(kind: ErrorKind, message: Text) -> Self {
        Self { inner: Box::new(Inner { kind, message, context: Vec::new(), source: None }) }
    }

    /// A broken invariant; the text is for developers, so it exists in English only.
    pub fn bug(message: impl Into<String>) -> Self {
        let message = message.into();
        let text = Text { fr: format!("erreur interne : {message}"), en: format!("internal error: {message}") };
        Self::new(ErrorKind::Bug, text)
    }

    /// Adds a pair that tells where it happened, such as `("file", path)`.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl fmt::Display) -> Self {
        self.inner.context.push((key, value.to_string()));
        self
    }

    /// Adds the pairs of another failure.
    fn with_all(mut self, context: &[(&'static str, String)]) -> Self {
        self.inner.context.extend_from_slice(context);
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// Who has to act.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The sentence, without context and cause.
    pub fn message(&self, lang: Lang) -> &str {
        self.inner.message.get(lang)
    }

    /// Where it happened.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.inner.context
    }

    /// The whole failure on one line, in one language: sentence, context, causes.
    pub fn describe(&self, lang: Lang) -> String {
        let mut text = self.message(lang).to_owned();
        for (key, value) in self.context() {
            text.push_str(&format!(" ({key}: {value})"));
        }
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message(Lang::En))?;
        for (key, value) in self.context() {
            write!(f, " ({key}: {value})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.inner.source.as_deref().map(|source| source as &(dyn std::error::Error + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        let message = if is_disk_full(&source) {
            crate::text!(
                "the disk is full; nothing was changed, free some space and repeat",
                "le disque est plein ; rien n'a été changé, libérez de la place et recommencez"
            )
        } else {
            crate::text!("input or output failed", "échec de lecture ou d'écriture")
        };
        Self::new(ErrorKind::Io, message).because(source)
    }
}

/// Whether no space was left on a device.
pub(crate) fn is_disk_full(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
}

/// The failed input or output behind another library's error, as our own failure.
fn io_failure(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(std::io::Error::new(io.kind(), io.to_string()).into());
        }
        cause = error.source();
    }
    None
}

impl From<object_store::Error> for Error {
    fn from(source: object_store::Error) -> Self {
        let (kind, message) = match &source {
            object_store::Error::NotFound { path, .. } => (
                ErrorKind::NotFound,
                crate::text!("the store has no object `{path}`", "le magasin n'a pas d'objet `{path}`"),
            ),
            _ => (ErrorKind::Io, crate::text!("the store cannot be reached", "le magasin est inaccessible")),
        };
        Self::new(kind, message).because(source)
    }
}

impl From<datafusion::error::DataFusionError> for Error {
    fn from(source: datafusion::error::DataFusionError) -> Self {
        use datafusion::error::DataFusionError as Df;
        // Our own errors travel through DataFusion's streams; they come out as they went in.
        let source = match source {
            Df::External(inner) => match inner.downcast::<Error>() {
                Ok(own) => return *own,
                Err(inner) => Df::External(inner),
            },
            other => other,
        };
        // Or wrapped in others, or shared by several readers of one stream: then without their own cause.
        if let Some(own) = own_cause(&source) {
            return Self::new(own.kind(), own.inner.message.clone()).with_all(own.context());
        }
        let kind = match source.find_root() {
            Df::ResourcesExhausted(_) => ErrorKind::Limit,
            Df::SQL(..) | Df::Plan(_) | Df::SchemaError(..) | Df::Configuration(_) | Df::NotImplemented(_) => {
                ErrorKind::Invalid
            }
            Df::ArrowError(error, _) if matches!(**error, arrow::error::ArrowError::IoError(..)) => ErrorKind::Io,
            Df::Execution(_) | Df::ArrowError(..) | Df::Diagnostic(..) | Df::Collection(_) => ErrorKind::Invalid,
            Df::IoError(_) | Df::ObjectStore(_) | Df::ParquetError(_) => ErrorKind::Io,
            _ => ErrorKind::Bug,
        };
        let detail = shortened(source.strip_backtrace());
        Self::new(kind, crate::text!("the query failed: {detail}", "la requête a échoué : {detail}"))
    }
}

/// DataFusion's text without the end, when it prints whole plans.
fn shortened(text: String) -> String {
    const MOST: usize = 600;
    match text.char_indices().nth(MOST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// The first of our own errors among the causes of DataFusion's.
fn own_cause(source: &datafusion::error::DataFusionError) -> Option<&Error> {
    let mut cause = std::error::Error::source(source);
    while let Some(error) = cause {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Some(own);
        }
        cause = error.source();
    }
    None
}

impl From<arrow::error::ArrowError> for Error {
    fn from(source: arrow::error::ArrowError) -> Self {
        match source {
            arrow::error::ArrowError::IoError(_, io) => io.into(),
            other => io_failure(&other).unwrap_or_else(|| Self::bug("an Arrow operation failed").because(other)),
        }
    }
}

impl From<parquet::errors::ParquetError> for Error {
    fn from(source: parquet::errors::ParquetError) -> Self {
        if let Some(failure) = io_failure(&source) {
            return failure;
        }
        Self::new(
            ErrorKind::Corrupt,
            crate::text!("a Parquet file cannot be read or written", "un fichier Parquet ne peut être lu ou écrit"),
        )
        .because(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_told_through_every_library() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let errors: [Error; 3] = [
            full().into(),
            parquet::errors::ParquetError::External(Box::new(full())).into(),
            arrow::error::ArrowError::IoError("write".to_owned(), full()).into(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Io);
            assert!(error.message(Lang::En).starts_with("the disk is full"), "{error}");
            assert!(error.message(Lang::Fr).starts_with("le disque est plein"));
        }
    }

    #[test]
    fn a_damaged_file_is_no_failure_of_the_disk() {
        let error = Error::from(parquet::errors::ParquetError::General("bad page".to_owned()));
        assert_eq!(error.kind(), ErrorKind::Corrupt);
    }
}
