//! The formats of results: their names, suffixes and media types.

use std::path::Path;

use clap::ValueEnum;

/// The formats of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Format {
    /// A drawn table, for people; shows a limited number of rows
    Table,
    /// Comma-separated values with a header
    Csv,
    /// One JSON array of objects
    Json,
    /// One JSON object per line
    Ndjson,
    /// An XML document of records
    Xml,
    /// A Parquet file
    Parquet,
    /// An Arrow IPC stream
    Arrow,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Table, Self::Csv, Self::Json, Self::Ndjson, Self::Xml, Self::Parquet, Self::Arrow];

    /// The name on the command line, which is also the suffix of files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Xml => "xml",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// The format that the suffix of a file asks for.
    pub fn of_path(path: &Path) -> Option<Self> {
        let suffix = path.extension()?.to_str()?;
        match suffix.to_ascii_lowercase().as_str() {
            "jsonl" => Some(Self::Ndjson),
            "txt" => Some(Self::Table),
            other => Self::from_name(other),
        }
    }

    /// What stands in the header `Content-Type` of a document.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Table => "text/plain; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
            Self::Xml => "application/xml",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The format of a media type, as one stands in the header `Accept`.
    ///
    /// Case and parameters (`; charset=utf-8`, `; q=0.5`) do not matter. Ranges such as `text/*` name no format: who
    /// negotiates chooses among what a route offers.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        Some(match essence.to_ascii_lowercase().as_str() {
            "text/plain" => Self::Table,
            "text/csv" => Self::Csv,
            "application/json" => Self::Json,
            "application/x-ndjson" | "application/jsonl" | "application/x-jsonlines" => Self::Ndjson,
            "application/xml" | "text/xml" => Self::Xml,
            "application/vnd.apache.parquet" => Self::Parquet,
            "application/vnd.apache.arrow.stream" => Self::Arrow,
            _ => return None,
        })
    }

    /// Whether the bytes are none that a terminal can show.
    pub fn is_binary(self) -> bool {
        matches!(self, Self::Parquet | Self::Arrow)
    }
}
