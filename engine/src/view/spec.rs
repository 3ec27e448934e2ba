//! [`View`]: what a view file says, once it is known to be right.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::DataType;

use super::param::ParamSpec;
use crate::{Lang, Text};

/// What a column tells about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Personal {
    /// Nothing that names anybody: `raw`.
    #[default]
    Raw,
    /// A handle of a person, which consumers without the right to identities see as a pseudonym: `pseudonym`.
    Pseudonym,
    /// A name, an address or the like, which they do not see at all: `drop`.
    Drop,
}

impl Personal {
    /// All of them with their words in view files.
    pub const ALL: [(&'static str, Self); 3] =
        [("raw", Self::Raw), ("pseudonym", Self::Pseudonym), ("drop", Self::Drop)];

    /// The word in view files.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, personal)| *personal == self).map_or("", |(word, _)| word)
    }
}

/// A column of a view, as it is declared.
#[derive(Debug, Clone)]
pub struct ColumnNote {
    /// Name.
    pub name: String,
    /// Arrow's type of the values; of texts and bytes any of their encodings will do.
    pub data_type: DataType,
    /// Unit, such as `s`.
    pub unit: Option<String>,
    /// What it tells about a person.
    pub personal: Personal,
    /// What the values mean.
    pub doc: Text,
}

/// How the rows of a pull follow from what was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IncrementalMode {
    /// Each row comes from one row of the table: the view answers its hidden column `_commit`, and a pull has the rows
    /// whose commit lies in its window.
    Append,
    /// Rows are computed from many: a pull has all rows whose key occurs among the new rows of the table. Pairs of a
    /// column of the view and the column of the table.
    ChangedKeys(Vec<(String, String)>),
}

/// What a view counts commits of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incremental {
    /// The table.
    pub table: String,
    /// How rows follow from it.
    pub mode: IncrementalMode,
}

/// Names in XML documents of a view.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct XmlNames {
    /// Name of the root element.
    pub root: Option<String>,
    /// Name of a row.
    pub row: Option<String>,
    /// The columns that the document of the compatible web service has, where it does not have all.
    pub fields: Vec<String>,
}

/// What one pull of a view may cost at most; an instance can allow less.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ViewLimits {
    /// Time from the request to the last row.
    pub timeout: Option<Duration>,
    /// Rows.
    pub max_rows: Option<u64>,
}

/// A view: one SELECT with what its readers have to know.
#[derive(Debug, Clone)]
pub struct View {
    /// Name, which is the name of the file without `.sql`.
    pub name: String,
    /// Name of the file, for messages.
    pub file: Arc<str>,
    /// Line of the file, from 1, on which the SQL begins.
    pub sql_line: usize,
    /// The SELECT, without the leading comment.
    pub sql: String,
    /// Title.
    pub title: Text,
    /// What a row is, and where the rows come from.
    pub description: Text,
    /// Version of the meaning of its columns.
    pub version: u32,
    /// Parameters in the order of the file.
    pub params: Vec<ParamSpec>,
    /// Columns that together are unique and never NULL; empty when there are none.
    pub key: Vec<String>,
    /// Columns in the order of the file.
    pub columns: Vec<ColumnNote>,
    /// How it is pulled incrementally; `None` for full pulls only.
    pub incremental: Option<Incremental>,
    /// The column with the Unix seconds of a row.
    pub time_column: Option<String>,
    /// The names by which `report_etl_get` knows it, such as `special_actions`.
    pub extracts: Vec<String>,
    /// Names in XML.
    pub xml: XmlNames,
    /// Limits.
    pub limits: ViewLimits,
}

impl View {
    /// Names that every view may use without declaring them: `$now` is the time of the pull in Unix seconds.
    pub const RESERVED: [&'static str; 1] = ["now"];

    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| param.name == name)
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&ColumnNote> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Whether the SELECT has a hidden column `_commit`, which no pull shows.
    pub(super) fn has_commit(&self) -> bool {
        matches!(&self.incremental, Some(Incremental { mode: IncrementalMode::Append, .. }))
    }

    /// Whether a name that a caller gave is this view's: its own, or that of an extract, with and without `special_`.
    pub fn is_called(&self, name: &str) -> bool {
        let bare = name.strip_prefix("special_").unwrap_or(name);
        self.name == bare
            || self.extracts.iter().any(|extract| extract == name || extract.trim_start_matches("special_") == bare)
    }

    /// The title in a language.
    pub fn title(&self, lang: Lang) -> &str {
        self.title.get(lang)
    }
}
