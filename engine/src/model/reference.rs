//! The manual's page of tables, `docs/reference/tables.md`, made from the schemas.

use std::fmt::Write;

use super::spec::{ColumnSpec, Mark, MarkValue, Personal, TableSpec};

const HEAD: &str = "\
# Tables

<!-- Generated from engine/src/model: change it there, then `BLESS=1 cargo test -p engine model` writes this page. -->

These tables are known by name, so that every column of a full export is typed.
Each is also visible with the prefix `mdl_`.
A column of an export that is not listed is kept; its type is inferred from its values.
A table that is not listed can be loaded all the same, with every type inferred.

* Integers have 64 bits, numbers are 64-bit floating point, text is UTF-8.
* Unit `s` is seconds: a time counts from 1970-01-01 UTC, a duration is plain seconds.
* Unit `B` is bytes.
* A row loaded again with the same key replaces the former row.
* A column marked *secret* is accepted in files and never stored: it is always null.

The column *person* says what a [session with pseudonyms](../concepts/privacy.md) shows instead of the values:

* *user*: the pseudonym of the user with this number.
* *context*: another number, the same wherever the context is named.
* *handle*: a text made of the user's pseudonym.
* *figures*: durations, numbers with at most three digits before their point, and words of status; nothing else.
* *hidden*: nothing.

With a condition it does so only in rows that fulfil it, and in rows in which the other column has no value.

";

/// The page `docs/reference/tables.md`: every known table with its key and columns.
pub fn markdown() -> String {
    let mut page = String::from(HEAD);
    page.push_str("| table | one row is |\n|---|---|\n");
    for table in super::tables() {
        line(&mut page, &[&format!("[`{0}`](#{0})", table.name), &escaped(table.doc)]);
    }
    for table in super::tables() {
        section(&mut page, table);
    }
    page
}

fn section(page: &mut String, table: &TableSpec) {
    let key: Vec<String> = table.key.iter().map(|column| format!("`{column}`")).collect();
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {}\n\n{}\n\nKey: {}.\n\n", table.name, table.doc, key.join(", "));
    page.push_str("| column | type | null | unit | person | meaning |\n|---|---|---|---|---|---|\n");
    for column in table.columns {
        column_line(page, column);
    }
}

fn column_line(page: &mut String, column: &ColumnSpec) {
    let null = match (column.secret, column.nullable) {
        (true, _) => "secret",
        (false, true) => "yes",
        (false, false) => "",
    };
    let (name, unit, doc) = (format!("`{}`", column.name), column.unit.unwrap_or(""), escaped(column.doc));
    line(page, &[&name, column.kind.label(), null, unit, &person(column), &doc]);
}

/// What a session with pseudonyms shows instead of the values.
fn person(column: &ColumnSpec) -> String {
    let instead = match column.personal {
        Personal::No => return String::new(),
        Personal::UserId => "user",
        Personal::ContextId => "context",
        Personal::Handle => "handle",
        Personal::Measure => "figures",
        Personal::Text => "hidden",
    };
    match column.personal_where {
        None => instead.to_owned(),
        Some(Mark { column, value: MarkValue::Ints(values) }) => {
            let values: Vec<String> = values.iter().map(ToString::to_string).collect();
            format!("{instead} where `{column}` is {}", values.join(" or "))
        }
        Some(Mark { column, value: MarkValue::Text(value) }) => format!("{instead} where `{column}` is `{value}`"),
    }
}

/// One line of a table; empty cells keep a single space.
fn line(page: &mut String, cells: &[&str]) {
    for cell in cells {
        page.push('|');
        page.push(' ');
        page.push_str(cell);
        if !cell.is_empty() {
            page.push(' ');
        }
    }
    page.push_str("|\n");
}

fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
}
