//! The names that SQL can use in a snapshot: sites, tables, columns, functions.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use engine::Result;
use engine::query::Session;
use engine::store::Snapshot;
use futures::TryStreamExt;

/// Schema of the catalogue itself, which is no site.
const INFORMATION_SCHEMA: &str = "information_schema";

const COLUMNS: &str = "SELECT table_schema, table_name, column_name, data_type, is_nullable \
                       FROM information_schema.columns ORDER BY table_schema, table_name, ordinal_position";

const FUNCTIONS: &str = "SELECT routine_name, min(function_type), min(syntax_example), min(description) \
                         FROM information_schema.routines GROUP BY routine_name ORDER BY routine_name";

/// Words of SQL that completion offers.
pub(crate) const KEYWORDS: &[&str] = &[
    "ALL",
    "AND",
    "ANTI",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CROSS",
    "CURRENT",
    "DESC",
    "DESCRIBE",
    "DISTINCT",
    "ELSE",
    "END",
    "EXCEPT",
    "EXISTS",
    "EXPLAIN",
    "EXTRACT",
    "FALSE",
    "FETCH",
    "FILTER",
    "FIRST",
    "FOLLOWING",
    "FROM",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "JOIN",
    "LAST",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OVER",
    "PARTITION",
    "PRECEDING",
    "QUALIFY",
    "RANGE",
    "RECURSIVE",
    "RIGHT",
    "ROW",
    "ROWS",
    "SELECT",
    "SEMI",
    "SHOW",
    "SOME",
    "THEN",
    "TRUE",
    "UNBOUNDED",
    "UNION",
    "UNNEST",
    "USING",
    "VALUES",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];

/// Everything that can be named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Names {
    /// The site whose tables need no prefix.
    pub(crate) default_site: String,
    /// Tables and views, by site and name.
    pub(crate) tables: Vec<Table>,
    /// Functions, by name.
    pub(crate) functions: Vec<Function>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    /// Its schema.
    pub(crate) site: String,
    /// Its name.
    pub(crate) name: String,
    /// In order.
    pub(crate) columns: Vec<Column>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// Its Arrow type.
    pub(crate) data_type: String,
    /// Whether it may be null.
    pub(crate) nullable: bool,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Function {
    /// Its name.
    pub(crate) name: String,
    /// `SCALAR`, `AGGREGATE`, `WINDOW` or `TABLE`.
    pub(crate) kind: String,
    /// How it is called.
    pub(crate) syntax: String,
    /// What it does.
    pub(crate) description: String,
}

impl Names {
    /// Asks a session over this snapshot.
    pub(crate) async fn collect(session: &Session, snapshot: &Snapshot) -> Result<Self> {
        let mut names = Self { default_site: snapshot.manifest().default_site.clone(), ..Self::default() };
        for [site, table, column, data_type, nullable] in rows::<5>(session, COLUMNS).await? {
            if site != INFORMATION_SCHEMA {
                names.push(site, table, Column { name: column, data_type, nullable: nullable == "YES" });
            }
        }
        for [name, kind, syntax, description] in rows::<4>(session, FUNCTIONS).await? {
            names.functions.push(Function { name, kind, syntax, description });
        }
        Ok(names)
    }

    /// Adds a column to the last table, or to a new one.
    pub(crate) fn push(&mut self, site: String, table: String, column: Column) {
        match self.tables.last_mut() {
            Some(last) if last.site == site && last.name == table => last.columns.push(column),
            _ => self.tables.push(Table { site, name: table, columns: vec![column] }),
        }
    }

    /// The sites, each once, in order.
    pub(crate) fn sites(&self) -> Vec<&str> {
        let mut sites: Vec<&str> = self.tables.iter().map(|table| table.site.as_str()).collect();
        sites.dedup();
        sites
    }

    /// Tables of this name, in one site or in all; names are compared without case.
    pub(crate) fn find<'a>(&'a self, site: Option<&'a str>, name: &'a str) -> impl Iterator<Item = &'a Table> {
        self.tables.iter().filter(move |table| {
            table.name.eq_ignore_ascii_case(name) && site.is_none_or(|site| table.site.eq_ignore_ascii_case(site))
        })
    }
}

async fn rows<const N: usize>(session: &Session, sql: &str) -> Result<Vec<[String; N]>> {
    let batches: Vec<RecordBatch> = session.query(sql).await?.try_collect().await?;
    let mut rows = Vec::new();
    for batch in batches {
        let columns =
            batch.columns().iter().map(|column| cast(column, &DataType::Utf8)).collect::<Result<Vec<_>, _>>()?;
        for row in 0..batch.num_rows() {
            rows.push(std::array::from_fn(|idx| match columns.get(idx) {
                Some(column) if column.is_valid(row) => column.as_string::<i32>().value(row).to_owned(),
                _ => String::new(),
            }));
        }
    }
    Ok(rows)
}

#[cfg(test)]
impl Names {
    /// A small catalogue for tests: two sites, three tables, three functions.
    pub(crate) fn sample() -> Self {
        let mut names = Self { default_site: "campus".to_owned(), ..Self::default() };
        for (site, table, columns) in [
            ("campus", "course", &["id", "shortname"][..]),
            ("campus", "logstore_standard_log", &["id", "userid", "timecreated"][..]),
            ("reports", "user", &["id", "username"][..]),
        ] {
            for column in columns {
                let column = Column { name: (*column).to_owned(), data_type: "Int64".to_owned(), nullable: true };
                names.push(site.to_owned(), table.to_owned(), column);
            }
        }
        for name in ["session_stats", "sessions", "sum"] {
            names.functions.push(Function {
                name: name.to_owned(),
                kind: "AGGREGATE".to_owned(),
                syntax: format!("{name}(x)"),
                description: String::new(),
            });
        }
        names
    }
}
