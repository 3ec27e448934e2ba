//! What stands around the rows of a document: shape, meta values, marks of the end.

use std::collections::HashSet;

use engine::{Error, Result};
use serde_json::Value;

use super::json::push_json_text;

/// How rows stand in a JSON document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Shape {
    /// An array of objects: `[{"id":1},{"id":2}]`.
    #[default]
    Rows,
    /// An object that describes itself:
    /// `{"columns":[{"name":"id","type":"int","nullable":false}],"view":"x","rows":[{"id":1}],"row_count":1,"complete":true}`.
    ///
    /// The last two members come after the rows: a document that has them is whole.
    Full,
    /// Names once, then arrays of values: `{"columns":["id"],"data":[[1],[2]]}`; pandas reads it with `orient="split"`.
    ///
    /// It holds no meta values, since pandas refuses members that it does not know.
    Columns,
}

impl Shape {
    /// All shapes.
    pub const ALL: [Self; 3] = [Self::Rows, Self::Full, Self::Columns];

    /// The name in a parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Full => "full",
            Self::Columns => "columns",
        }
    }

    /// The shape of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// What is known about a column beyond its type; [`Shape::Full`] writes it beside the column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnNote {
    /// The column of the result.
    pub name: String,
    /// Unit of the values, such as `s`.
    pub unit: Option<String>,
    /// What the values mean, in the language of the reader.
    pub doc: Option<String>,
}

/// What stands around the rows of a document; each format takes what it knows and leaves the rest.
///
/// The default is the bare document of the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct Wrapping {
    /// JSON: how the rows stand.
    pub shape: Shape,
    /// NDJSON: a last line `{"_end":{"rows":2,"complete":true,"view":"x"}}` with the meta values.
    pub footer: bool,
    /// XML: a last node inside the root, `<?assidu-end rows="2" view="x"?>`, with the meta values that are text,
    /// numbers, true or false. Its values are escaped as those of attributes are.
    pub end_mark: bool,
    /// XML: name of the root; characters that no XML name has become `_`, and the real name stands in an attribute.
    pub xml_root: String,
    /// XML: name of the element of a row, likewise.
    pub xml_row: String,
    /// JSON in full: notes on columns, found by name; those of columns that the result lacks are not written.
    pub notes: Vec<ColumnNote>,
    /// Values known before the first row, in the order in which they are written: view, version, snapshot, cursor.
    ///
    /// No two have the same name, and none is `columns`, `rows`, `row_count` or `complete`.
    pub meta: Vec<(String, Value)>,
}

impl Default for Wrapping {
    fn default() -> Self {
        Self {
            shape: Shape::default(),
            footer: false,
            end_mark: false,
            xml_root: "records".to_owned(),
            xml_row: "record".to_owned(),
            notes: Vec::new(),
            meta: Vec::new(),
        }
    }
}

/// Members that documents write themselves.
const RESERVED: [&str; 4] = ["columns", "rows", "row_count", "complete"];

impl Wrapping {
    /// Refuses names of meta values that would stand twice in a document.
    pub(super) fn check(&self) -> Result<()> {
        let mut names: HashSet<&str> = RESERVED.into();
        match self.meta.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(Error::bug(format!("the meta value `{name}` would stand twice in a document"))),
            None => Ok(()),
        }
    }

    /// The meta values as members of a JSON object, each with a comma behind it.
    pub(super) fn members(&self) -> Vec<u8> {
        let mut members = Vec::new();
        for (name, value) in &self.meta {
            push_json_text(name, &mut members);
            members.push(b':');
            members.extend_from_slice(value.to_string().as_bytes());
            members.push(b',');
        }
        members
    }
}
