//! Names that a session offers, for completion and for "did you mean".

use arrow::datatypes::DataType;

/// A table or view of the session's catalog.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableInfo {
    /// The schema: a site, or `information_schema`.
    pub schema: String,
    /// Name within the schema.
    pub name: String,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Name, as SQL writes it.
    pub name: String,
    /// Arrow's type.
    pub data_type: DataType,
    /// Whether it can be NULL.
    pub nullable: bool,
}

/// How a function is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FunctionKind {
    /// One value per row.
    Scalar,
    /// One value per group; also with OVER.
    Aggregate,
    /// With OVER only.
    Window,
    /// In FROM.
    Table,
}

/// A function that SQL can call.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FunctionInfo {
    /// Name or alias, in lower case.
    pub name: String,
    /// How it is called.
    pub kind: FunctionKind,
}
