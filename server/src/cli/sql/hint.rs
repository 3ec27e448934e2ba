//! Which table was probably meant, found in the text of a statement that failed.

use std::collections::BTreeSet;

use engine::fault::nearest;
use engine::{Text, text};

use super::names::Names;
use super::scan::{Token, scan};

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

/// Where the first table that does not exist was probably meant to be: in another site, or in a site spelt otherwise.
///
/// Names that are misspelt inside a site are the engine's to suggest.
pub(crate) fn hint(sql: &str, names: &Names) -> Option<Text> {
    let local = common_tables(&scan(sql).tokens);
    let wrong = tables_in(sql).into_iter().find(|table| {
        let site = table.site.as_deref().unwrap_or(&names.default_site);
        let exists = names.find(Some(site), &table.name).next().is_some();
        !exists && (table.site.is_some() || !local.contains(&table.name.to_lowercase()))
    })?;
    let name = &wrong.name;
    let elsewhere: Vec<String> =
        names.find(None, name).map(|table| format!("`{}.{}`", table.site, table.name)).collect();
    if !elsewhere.is_empty() {
        let list = elsewhere.join(", ");
        return Some(text!("there is {list}", "il y a {list}"));
    }
    let near = nearest(wrong.site.as_deref()?, names.sites())?;
    Some(text!("did you mean the site `{near}`?", "vouliez-vous dire le site `{near}` ?"))
}

/// Names that `WITH` introduces: a word before `AS (`.
fn common_tables(tokens: &[Token<'_>]) -> BTreeSet<String> {
    let triples = tokens.windows(3).filter(|triple| triple[1].is("AS") && triple[2].is_sign("("));
    triples.filter_map(|triple| triple[0].name()).map(|name| name.to_lowercase()).collect()
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
    #[case("SELECT * FROM user", Some("there is `reports.user`"))]
    #[case("SELECT * FROM campus.User AS u", Some("there is `reports.user`"))]
    #[case("SELECT * FROM campsu.course", Some("there is `campus.course`"))]
    #[case("SELECT * FROM campsu.nothing", Some("did you mean the site `campus`?"))]
    #[case("SELECT * FROM course c, campus.logstore_standard_log", None)]
    #[case("WITH user AS (SELECT 1) SELECT * FROM user", None)]
    #[case("SELECT * FROM nothing_like_it", None)]
    fn another_site_is_suggested(#[case] sql: &str, #[case] expected: Option<&str>) {
        assert_eq!(hint(sql, &Names::sample()).map(|text| text.en).as_deref(), expected);
    }
}
