//! Completion: what could stand at the cursor.

use std::collections::BTreeSet;

use crate::cli::sql::names::{KEYWORDS, Table};
use crate::cli::sql::{Kind, Names, scan, tables_in};
use crate::encode::Format;

use super::command;

/// Where the word at the cursor begins, and the words that could replace it, best first.
///
/// `text` is everything typed, `cursor` a byte position in it; a position inside a character completes nothing.
pub(crate) fn complete(text: &str, cursor: usize, names: &Names) -> (usize, Vec<String>) {
    let Some(before) = text.get(..cursor) else { return (cursor, Vec::new()) };
    if before.trim_start().starts_with('\\') {
        return complete_command(before, names);
    }
    let start = word_start(before);
    let (word, head) = (&before[start..], &before[..start]);
    let scanned = scan(head);
    if scanned.open
        || scan(before).tokens.last().is_some_and(|token| token.kind == Kind::Literal && token.start >= start)
    {
        return (cursor, Vec::new());
    }
    // Inside a comment there is nothing to complete either.
    if head.rfind("--").is_some_and(|dashes| {
        !head[dashes..].contains('\n') && scan(&head[..dashes]).tokens.len() == scanned.tokens.len()
    }) {
        return (cursor, Vec::new());
    }
    if let Some(point) = word.rfind('.') {
        let found = after_point(text, &word[..point], &word[point + 1..], names);
        return (start + point + 1, found);
    }
    let wants_table = scanned
        .tokens
        .last()
        .is_some_and(|token| ["FROM", "JOIN", "DESCRIBE", "TABLE"].iter().any(|keyword| token.is(keyword)))
        || (scanned.tokens.last().is_some_and(|token| token.is_sign(",")) && in_from_clause(&scanned.tokens));
    let found = if wants_table { tables_and_sites(word, names) } else { expression(text, word, names) };
    (start, found)
}

fn word_start(before: &str) -> usize {
    let belongs = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
    before.rfind(|c| !belongs(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8))
}

/// Whether the last clause that began is a `FROM`.
fn in_from_clause(tokens: &[crate::cli::sql::Token<'_>]) -> bool {
    const CLAUSES: &[&str] = &["SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "ON", "USING", "LIMIT", "VALUES"];
    let last = tokens.iter().rev().find(|token| CLAUSES.iter().any(|clause| token.is(clause)));
    last.is_some_and(|token| token.is("FROM"))
}

/// After `site.` come tables; after `table.`, `alias.` and `site.table.` come columns.
fn after_point(text: &str, qualifier: &str, word: &str, names: &Names) -> Vec<String> {
    let mut found = Found::new(word);
    let in_site = names.tables.iter().filter(|table| table.site.eq_ignore_ascii_case(qualifier));
    found.add(in_site.map(|table| table.name.as_str()));
    if let Some((site, table)) = qualifier.rsplit_once('.') {
        found.add(columns(names.find(Some(site), table)));
        return found.words;
    }
    for table in tables_in(text) {
        let named = table.alias.as_deref().unwrap_or(&table.name);
        if named.eq_ignore_ascii_case(qualifier) || table.name.eq_ignore_ascii_case(qualifier) {
            found.add(columns(names.find(table.site.as_deref(), &table.name)));
        }
    }
    if found.words.is_empty() {
        found.add(columns(names.find(None, qualifier)));
    }
    found.words
}

fn columns<'a>(tables: impl Iterator<Item = &'a Table>) -> impl Iterator<Item = &'a str> {
    tables.flat_map(|table| table.columns.iter().map(|column| column.name.as_str()))
}

fn tables_and_sites(word: &str, names: &Names) -> Vec<String> {
    let mut found = Found::new(word);
    found.add(names.tables.iter().map(|table| table.name.as_str()));
    found.add(names.sites());
    found.words
}

/// Columns of the tables that the text names, functions, tables, keywords.
fn expression(text: &str, word: &str, names: &Names) -> Vec<String> {
    let mut found = Found::new(word);
    let tables = tables_in(text);
    for table in &tables {
        found.add(columns(names.find(table.site.as_deref(), &table.name)));
    }
    found.add(tables.iter().filter_map(|table| table.alias.as_deref()));
    if word.is_empty() {
        // Hundreds of functions and keywords would bury the columns.
        return found.words;
    }
    found.add(names.functions.iter().map(|function| function.name.as_str()));
    let upper = word.chars().any(char::is_uppercase);
    let keywords: Vec<String> =
        KEYWORDS.iter().map(|word| if upper { (*word).to_owned() } else { word.to_lowercase() }).collect();
    found.add(keywords.iter().map(String::as_str));
    found.add(names.tables.iter().map(|table| table.name.as_str()));
    found.add(names.sites());
    found.words
}

fn complete_command(before: &str, names: &Names) -> (usize, Vec<String>) {
    let start = before.rfind(char::is_whitespace).map_or(0, |at| at + 1);
    let start = if before[..start].trim().is_empty() { before.find('\\').unwrap_or(start) } else { start };
    let (head, word) = (before[..start].trim(), &before[start..]);
    match head {
        "" => {
            let mut found = Found::new(word);
            found.add(command::NAMES.iter().copied());
            (start, found.words)
        }
        "\\d" => match word.rfind('.') {
            Some(point) => (start + point + 1, after_point("", &word[..point], &word[point + 1..], names)),
            None => (start, tables_and_sites(word, names)),
        },
        "\\df" => {
            let mut found = Found::new(word);
            found.add(names.functions.iter().map(|function| function.name.as_str()));
            (start, found.words)
        }
        "\\f" => {
            let mut found = Found::new(word);
            found.add(Format::ALL.map(Format::name));
            (start, found.words)
        }
        "\\timing" | "\\x" => {
            let mut found = Found::new(word);
            found.add(["off", "on"]);
            (start, found.words)
        }
        _ => (before.len(), Vec::new()),
    }
}

/// Words that begin with what was typed, each once, in the order in which they were found.
struct Found<'w> {
    typed: &'w str,
    words: Vec<String>,
    seen: BTreeSet<String>,
}

impl<'w> Found<'w> {
    fn new(typed: &'w str) -> Self {
        Self { typed, words: Vec::new(), seen: BTreeSet::new() }
    }

    fn add<'a>(&mut self, words: impl IntoIterator<Item = &'a str>) {
        for word in words {
            let begins = word.get(..self.typed.len()).is_some_and(|head| head.eq_ignore_ascii_case(self.typed));
            if begins && self.seen.insert(word.to_owned()) {
                self.words.push(word.to_owned());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// Completes at `|`.
    fn at(text: &str) -> (usize, Vec<String>) {
        let cursor = text.find('|').unwrap();
        complete(&text.replacen('|', "", 1), cursor, &Names::sample())
    }

    #[rstest]
    #[case("SEL|", 0, &["SELECT"])]
    #[case("sel|", 0, &["select"])]
    #[case("SELECT * FROM |", 14, &["course", "logstore_standard_log", "user", "campus", "reports"])]
    #[case("SELECT * FROM cam|", 14, &["campus"])]
    #[case("SELECT * FROM campus.|", 21, &["course", "logstore_standard_log"])]
    #[case("SELECT * FROM course, us|", 22, &["user"])]
    #[case("SELECT us| FROM logstore_standard_log", 7, &["userid", "using", "user"])]
    #[case("SELECT | FROM campus.course c", 7, &["id", "shortname", "c"])]
    #[case("SELECT c.| FROM campus.course AS c", 9, &["id", "shortname"])]
    #[case("SELECT campus.course.sh|", 21, &["shortname"])]
    #[case("SELECT ses|", 7, &["session_stats", "sessions"])]
    #[case("SELECT 'ses|", 11, &[])]
    #[case("SELECT 1 -- ses|", 15, &[])]
    #[case("SELECT é, ses|", 11, &["session_stats", "sessions"])]
    #[case("\\|", 0, &["\\?", "\\at", "\\d", "\\df", "\\f", "\\l", "\\o", "\\q", "\\timing", "\\x"])]
    #[case("\\d co|", 3, &["course"])]
    #[case("\\d campus.l|", 10, &["logstore_standard_log"])]
    #[case("\\df su|", 4, &["sum"])]
    #[case("\\f nd|", 3, &["ndjson"])]
    #[case("\\o fi|", 5, &[])]
    fn the_word_at_the_cursor_is_completed(#[case] text: &str, #[case] start: usize, #[case] words: &[&str]) {
        assert_eq!(at(text), (start, words.iter().map(|word| (*word).to_owned()).collect()));
    }

    proptest! {
        #[test]
        fn no_cursor_is_too_strange(text in "[\\\\a.é'\"\n ,(-]{0,16}", cursor in 0usize..24) {
            let (start, _) = complete(&text, cursor, &Names::sample());
            prop_assert!(start <= cursor);
        }
    }
}
