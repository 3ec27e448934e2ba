//! Which name was probably meant, found in the text of a statement that failed.

use std::collections::BTreeSet;

use engine::fault::nearest;
use engine::{Text, text};

use super::names::Names;
use super::scan::{Kind, Token, scan};

/// A table that a statement names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableRef {
    /// The site before the point, when there is one.
    pub(crate) site: Option<String>,
    /// The table.
    pub(crate) name: String,
    /// The name that the rest of the statement may use instead.
    pub(crate) alias: Option<String>,
}

/// The tables that stand after `FROM`, `JOIN` and their commas, whether they exist or not.
pub(crate) fn tables_in(sql: &str) -> Vec<TableRef> {
    let tokens = scan(sql).tokens;
    let mut tables = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at].is("FROM") && !tokens[at].is("JOIN") {
            at += 1;
            continue;
        }
        at += 1;
        // One table, and further ones after commas.
        while let Some((table, next)) = table_at(&tokens, at) {
            tables.push(table);
            at = next;
            if !tokens.get(at).is_some_and(|token| token.is_sign(",")) {
                break;
            }
            at += 1;
        }
    }
    tables
}

/// Words after a table that are no alias.
const NO_ALIAS: &[&str] = &[
    "WHERE",
    "GROUP",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "JOIN",
    "INNER",
    "LEFT",
    "RIGHT",
    "FULL",
    "CROSS",
    "NATURAL",
    "ON",
    "USING",
    "UNION",
    "EXCEPT",
    "INTERSECT",
    "WINDOW",
    "QUALIFY",
    "FETCH",
    "ANTI",
    "SEMI",
    "LATERAL",
];

fn table_at(tokens: &[Token<'_>], mut at: usize) -> Option<(TableRef, usize)> {
    let mut parts = vec![tokens.get(at)?.name()?];
    at += 1;
    while tokens.get(at).is_some_and(|token| token.is_sign("."))
        && let Some(part) = tokens.get(at + 1).and_then(Token::name)
    {
        parts.push(part);
        at += 2;
    }
    // A call of a table function is no table.
    if tokens.get(at).is_some_and(|token| token.is_sign("(")) {
        return None;
    }
    if tokens.get(at).is_some_and(|token| token.is("AS")) {
        at += 1;
    }
    let alias = match tokens.get(at) {
        Some(token) if !NO_ALIAS.iter().any(|word| token.is(word)) => token.name(),
        _ => None,
    };
    at += usize::from(alias.is_some());
    let name = parts.pop()?;
    Some((TableRef { site: parts.pop(), name, alias }, at))
}

/// A suggestion for the first table or function that does not exist and looks like one that does.
pub(crate) fn hint(sql: &str, names: &Names) -> Option<Text> {
    unknown_table(sql, names).or_else(|| unknown_function(sql, names))
}

fn unknown_table(sql: &str, names: &Names) -> Option<Text> {
    let tokens = scan(sql).tokens;
    let local: BTreeSet<String> = common_tables(&tokens);
    let wrong = tables_in(sql).into_iter().find(|table| {
        let exists = names.find(table.site.as_deref(), &table.name).next().is_some();
        !exists && (table.site.is_some() || !local.contains(&table.name.to_lowercase()))
    })?;
    let name = &wrong.name;
    if let Some(site) = &wrong.site {
        let sites = names.sites();
        if !sites.iter().any(|known| known.eq_ignore_ascii_case(site)) {
            return did_you_mean(nearest(site, sites)?);
        }
        // The table may exist, in another site.
        if let Some(table) = names.find(None, name).next() {
            return did_you_mean(&format!("{}.{}", table.site, table.name));
        }
        let here = names.tables.iter().filter(|table| table.site.eq_ignore_ascii_case(site));
        return did_you_mean(&format!("{site}.{}", nearest(name, here.map(|table| table.name.as_str()))?));
    }
    did_you_mean(nearest(name, names.tables.iter().map(|table| table.name.as_str()))?)
}

/// Names that `WITH` introduces: a word before `AS (`.
fn common_tables(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let triples = tokens.windows(3).filter(|triple| triple[1].is("AS") && triple[2].is_sign("("));
    triples.filter_map(|triple| triple[0].name()).map(|name| name.to_lowercase()).collect()
}

fn unknown_function(sql: &str, names: &Names) -> Option<Text> {
    let tokens = scan(sql).tokens;
    let called = tokens.windows(2).filter(|pair| pair[0].kind == Kind::Word && pair[1].is_sign("("));
    let known = || names.functions.iter().map(|function| function.name.as_str());
    let wrong = called.map(|pair| pair[0].text).find(|name| {
        let keyword = super::names::is_keyword(name);
        !keyword && !known().any(|function| function.eq_ignore_ascii_case(name))
    })?;
    did_you_mean(nearest(wrong, known())?)
}

fn did_you_mean(name: &str) -> Option<Text> {
    Some(text!("did you mean `{name}`?", "vouliez-vous dire `{name}` ?"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn table(site: Option<&str>, name: &str, alias: Option<&str>) -> TableRef {
        TableRef { site: site.map(str::to_owned), name: name.to_owned(), alias: alias.map(str::to_owned) }
    }

    #[test]
    fn tables_stand_after_from_join_and_commas() {
        assert_eq!(
            tables_in("SELECT * FROM campus.\"user\" AS u, course c JOIN x.y.log ON 1=1 WHERE a IN (SELECT 1 FROM b)"),
            [
                table(Some("campus"), "user", Some("u")),
                table(None, "course", Some("c")),
                table(Some("y"), "log", None),
                table(None, "b", None),
            ]
        );
        assert_eq!(tables_in("SELECT 'FROM x' FROM course_time('use_stats') WHERE"), []);
        assert_eq!(tables_in("SELECT 1 FROM"), []);
    }

    #[rstest]
    #[case("SELECT * FROM curse", Some("did you mean `course`?"))]
    #[case("SELECT * FROM campsu.course", Some("did you mean `campus`?"))]
    #[case("SELECT * FROM campus.user", Some("did you mean `reports.user`?"))]
    #[case("SELECT * FROM campus.corse", Some("did you mean `campus.course`?"))]
    #[case("SELECT sesions(timecreated) FROM course", Some("did you mean `sessions`?"))]
    #[case("WITH curse AS (SELECT 1) SELECT * FROM curse", None)]
    #[case("SELECT * FROM course WHERE id IN (1)", None)]
    #[case("SELECT * FROM nothing_like_it", None)]
    fn the_nearest_name_is_suggested(#[case] sql: &str, #[case] expected: Option<&str>) {
        assert_eq!(hint(sql, &Names::sample()).map(|text| text.en).as_deref(), expected);
    }
}
