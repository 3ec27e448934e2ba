//! What a table and a column are, and the words in which the tables are written down.

use std::sync::{Arc, OnceLock};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

/// A known table: its name, its columns in Moodle's order, and the key by which a reload replaces rows.
///
/// All tables are constants of this module; find them with [`table`](super::table) and [`tables`](super::tables).
#[derive(Debug)]
pub struct TableSpec {
    /// Name without prefix, as in Moodle: `user`, `logstore_standard_log`.
    pub name: &'static str,
    /// What one row is, and where the table comes from when that is not Moodle itself.
    pub doc: &'static str,
    /// Columns in the order of a full export of the table.
    pub columns: &'static [ColumnSpec],
    /// Columns that identify a row: a row loaded again with the same key replaces the former one. Never null.
    pub key: &'static [&'static str],
    schema: OnceLock<SchemaRef>,
}

impl TableSpec {
    /// A table. The schema is made at the first call of [`TableSpec::schema`].
    pub(super) const fn new(
        name: &'static str,
        key: &'static [&'static str],
        doc: &'static str,
        columns: &'static [ColumnSpec],
    ) -> Self {
        Self { name, doc, columns, key, schema: OnceLock::new() }
    }

    /// The Arrow schema: the columns in order, with their types and nullability. Built once per table.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.get_or_init(|| {
            let fields: Vec<Field> = self.columns.iter().map(ColumnSpec::field).collect();
            Arc::new(Schema::new(fields))
        }))
    }

    /// The column of this name, without regard to ASCII case (headers of exports vary); `None` when there is none.
    pub fn column(&self, name: &str) -> Option<&ColumnSpec> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }
}

/// A column of a known table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name, as in Moodle.
    pub name: &'static str,
    /// Kind of the values.
    pub kind: Kind,
    /// Whether a value may be missing. An empty cell of a text column that is not nullable is the empty text,
    /// of any other column it is a missing value.
    pub nullable: bool,
    /// Unit: `s` for durations and for times, which are seconds since 1970-01-01 UTC; `B` for sizes in bytes.
    pub unit: Option<&'static str>,
    /// Holds a password, its hash, or another secret: the values are never stored, shown or logged, and the
    /// column is always null here.
    pub secret: bool,
    /// Whether the values tell who somebody is, and what replaces them then for those who may not know.
    pub personal: Personal,
    /// The rows whose values are personal; `None` for all of them. Without meaning where `personal` is `No`.
    pub personal_where: Option<Mark>,
    /// What the values mean, in one short sentence.
    pub doc: &'static str,
}

/// What a column tells about who somebody is, and so what stands in its place in a session with pseudonyms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Personal {
    /// Nothing: the values stay.
    #[default]
    No,
    /// Number of a user: becomes the user's pseudonym. In the table `user` this is the key.
    UserId,
    /// Number of a context that may belong to one user, by which Moodle shows their page: becomes a number of its
    /// own, the same one wherever the context is named.
    ContextId,
    /// Text by which one user is known, in a row with the user's number: becomes a text made of the pseudonym.
    Handle,
    /// Text that may be a figure or the words of a person: durations, short numbers and words of status stay.
    Measure,
    /// Anything else that tells who somebody is, or that somebody wrote: is left out.
    Text,
}

/// The rows in which a column is personal: those in which another column of the table has this value, and those in
/// which it is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Mark {
    /// The other column.
    pub column: &'static str,
    /// Its value where there is a person.
    pub value: MarkValue,
}

/// Value of a [`Mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MarkValue {
    /// One of these numbers, such as the level of contexts of users.
    Ints(&'static [i64]),
    /// A text, compared without regard to ASCII case; the name of a table may have its prefix.
    Text(&'static str),
}

impl Mark {
    /// Rows about a context of a user, told by a column with the level.
    pub const USER_LEVEL: Self = Self { column: "contextlevel", value: MarkValue::Ints(&[30]) };

    /// The same, and rows about a block, which may lie on a page of a user's own.
    pub const USER_OR_BLOCK_LEVEL: Self = Self { column: "contextlevel", value: MarkValue::Ints(&[30, 80]) };

    /// Rows about a row of the table `user`, told by a column with the table's name.
    pub const fn user_table(column: &'static str) -> Self {
        Self { column, value: MarkValue::Text("user") }
    }
}

impl ColumnSpec {
    const fn new(name: &'static str, kind: Kind, doc: &'static str) -> Self {
        Self {
            name,
            kind,
            nullable: false,
            unit: None,
            secret: false,
            personal: Personal::No,
            personal_where: None,
            doc,
        }
    }

    /// The same column, in which values may be missing.
    pub(super) const fn null(self) -> Self {
        Self { nullable: true, ..self }
    }

    /// The same column, in seconds.
    pub(super) const fn seconds(self) -> Self {
        Self { unit: Some("s"), ..self }
    }

    /// The same column, in bytes.
    pub(super) const fn bytes(self) -> Self {
        Self { unit: Some("B"), ..self }
    }

    /// The same column, whose values are never kept.
    pub(super) const fn secret(self) -> Self {
        Self { secret: true, nullable: true, ..self }
    }

    /// The same column, which holds what this says about persons.
    pub(super) const fn personal(self, personal: Personal) -> Self {
        Self { personal, ..self }
    }

    /// The same column, personal in the rows of the mark only.
    pub(super) const fn only(self, mark: Mark) -> Self {
        Self { personal_where: Some(mark), ..self }
    }

    /// The Arrow field.
    pub fn field(&self) -> Field {
        Field::new(self.name, self.kind.data_type(), self.nullable)
    }
}

/// Kind of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 64-bit integer: identifiers, counts, flags (0 or 1), times.
    Int,
    /// 64-bit floating point number: grades and weights, which Moodle keeps with five decimals.
    Float,
    /// Text of limited length.
    Text,
    /// Text of any length; it may hold line breaks, HTML or JSON.
    LongText,
    /// Bytes.
    Bytes,
}

impl Kind {
    /// The Arrow type.
    pub fn data_type(self) -> DataType {
        match self {
            Self::Int => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text | Self::LongText => DataType::Utf8View,
            Self::Bytes => DataType::BinaryView,
        }
    }

    /// The word for it in the manual.
    pub fn label(self) -> &'static str {
        match self {
            Self::Int => "integer",
            Self::Float => "number",
            Self::Text => "text",
            Self::LongText => "long text",
            Self::Bytes => "bytes",
        }
    }
}

/// The key of every table that Moodle made.
pub(super) const ID: &[&str] = &["id"];

/// The column `id`.
pub(super) const fn id() -> ColumnSpec {
    int("id", "Number of the row.")
}

/// An integer.
pub(super) const fn int(name: &'static str, doc: &'static str) -> ColumnSpec {
    ColumnSpec::new(name, Kind::Int, doc)
}

/// Number of a user.
pub(super) const fn user(name: &'static str, doc: &'static str) -> ColumnSpec {
    int(name, doc).personal(Personal::UserId)
}

/// A text of limited length that tells who somebody is.
pub(super) const fn private(name: &'static str, doc: &'static str) -> ColumnSpec {
    text(name, doc).personal(Personal::Text)
}

/// A text of any length that tells who somebody is, or that somebody wrote.
pub(super) const fn long_private(name: &'static str, doc: &'static str) -> ColumnSpec {
    long_text(name, doc).personal(Personal::Text)
}

/// A time: seconds since 1970-01-01 UTC; Moodle writes 0 for "never" and "not set".
pub(super) const fn time(name: &'static str, doc: &'static str) -> ColumnSpec {
    int(name, doc).seconds()
}

/// A floating point number.
pub(super) const fn float(name: &'static str, doc: &'static str) -> ColumnSpec {
    ColumnSpec::new(name, Kind::Float, doc)
}

/// A text of limited length.
pub(super) const fn text(name: &'static str, doc: &'static str) -> ColumnSpec {
    ColumnSpec::new(name, Kind::Text, doc)
}

/// A text of any length.
pub(super) const fn long_text(name: &'static str, doc: &'static str) -> ColumnSpec {
    ColumnSpec::new(name, Kind::LongText, doc)
}
