//! Answers of `\d`, `\df` and `\l`.

use engine::fault::nearest;
use engine::store::TableStats;
use engine::{Lang, Text, text};

use crate::cli::numbers;
use crate::cli::sql::Names;
use crate::cli::sql::names::Function;
use crate::encode::draw;

/// The tables with the rows that the store counts; views have none.
pub(crate) fn tables(names: &Names, stats: &[TableStats], lang: Lang, width: Option<u16>) -> String {
    let head = match lang {
        Lang::En => ["site", "table", "columns", "rows"],
        Lang::Fr => ["site", "table", "colonnes", "lignes"],
    };
    let rows: Vec<Vec<String>> = names
        .tables
        .iter()
        .map(|table| {
            let found = stats.iter().find(|stats| stats.site == table.site && stats.table == table.name);
            let rows = found.map_or_else(String::new, |stats| numbers::count(stats.rows, lang));
            vec![table.site.clone(), table.name.clone(), table.columns.len().to_string(), rows]
        })
        .collect();
    draw(&head.map(str::to_owned), &[false, false, true, true], &rows, width)
}

/// The columns of every table of that name, written `table` or `site.table`.
pub(crate) fn columns(names: &Names, wanted: &str, lang: Lang, width: Option<u16>) -> Result<String, Text> {
    let bare = wanted.replace('"', "");
    let (site, name) = bare.rsplit_once('.').map_or((None, bare.as_str()), |(site, name)| (Some(site), name));
    let mut text = String::new();
    for table in names.find(site, name) {
        let head = match lang {
            Lang::En => ["column", "type", "null"],
            Lang::Fr => ["colonne", "type", "null"],
        };
        let null = match lang {
            Lang::En => "yes",
            Lang::Fr => "oui",
        };
        let rows: Vec<Vec<String>> = table
            .columns
            .iter()
            .map(|column| {
                let null = if column.nullable { null } else { "" };
                vec![column.name.clone(), column.data_type.clone(), null.to_owned()]
            })
            .collect();
        text.push_str(&format!("{}.{}\n", table.site, table.name));
        text.push_str(&draw(&head.map(str::to_owned), &[], &rows, width));
    }
    if text.is_empty() { Err(no_table(names, site, name)) } else { Ok(text) }
}

fn no_table(names: &Names, site: Option<&str>, name: &str) -> Text {
    let here = names.tables.iter().filter(|table| site.is_none_or(|site| table.site.eq_ignore_ascii_case(site)));
    match nearest(name, here.map(|table| table.name.as_str())) {
        Some(near) => text!(
            "there is no table `{name}`; did you mean `{near}`?",
            "il n'y a pas de table `{name}` ; vouliez-vous dire `{near}` ?"
        ),
        None => {
            text!("there is no table `{name}`; `\\d` lists them", "il n'y a pas de table `{name}` ; `\\d` les liste")
        }
    }
}

/// The functions whose name matches a pattern with `*`, or holds the text.
pub(crate) fn functions(names: &Names, pattern: Option<&str>, lang: Lang, width: Option<u16>) -> Result<String, Text> {
    let wanted = pattern.map(str::to_lowercase);
    let glob = match wanted.as_deref() {
        Some(wanted) if wanted.contains(['*', '?']) => glob::Pattern::new(wanted).ok(),
        _ => None,
    };
    let matches = |function: &&Function| match (&glob, &wanted) {
        (Some(glob), _) => glob.matches(&function.name),
        (None, Some(part)) => function.name.contains(part.as_str()),
        (None, None) => true,
    };
    let head = match lang {
        Lang::En => ["function", "kind", "call", "description"],
        Lang::Fr => ["fonction", "nature", "appel", "description"],
    };
    let rows: Vec<Vec<String>> = names
        .functions
        .iter()
        .filter(matches)
        .map(|function| {
            let first = function.description.trim().lines().next().unwrap_or_default();
            let kind = function.kind.to_lowercase();
            vec![function.name.clone(), kind, function.syntax.clone(), first.to_owned()]
        })
        .collect();
    if rows.is_empty() {
        let pattern = pattern.unwrap_or_default();
        return Err(text!("no function matches `{pattern}`", "aucune fonction ne correspond à `{pattern}`"));
    }
    Ok(draw(&head.map(str::to_owned), &[], &rows, width))
}

/// The sites with the number of their tables.
pub(crate) fn sites(names: &Names, lang: Lang, width: Option<u16>) -> String {
    let tables = |site: &str| names.tables.iter().filter(|table| table.site == site).count().to_string();
    let rows: Vec<Vec<String>> = names.sites().into_iter().map(|site| vec![site.to_owned(), tables(site)]).collect();
    let head = match lang {
        Lang::En => ["site", "tables"],
        Lang::Fr => ["site", "tables"],
    };
    draw(&head.map(str::to_owned), &[false, true], &rows, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_show_their_rows() {
        let stats = TableStats {
            site: "reports".to_owned(),
            table: "user".to_owned(),
            rows: 1234,
            files: 1,
            bytes: 1,
            runs: 0,
        };
        let text = tables(&Names::sample(), &[stats], Lang::En, None);
        assert!(text.contains("1,234") && text.contains("logstore_standard_log"), "{text}");
    }

    #[test]
    fn a_table_is_found_with_and_without_its_site() {
        let names = Names::sample();
        for wanted in ["user", "reports.user", "REPORTS.\"User\""] {
            assert!(columns(&names, wanted, Lang::En, None).unwrap().contains("username"), "{wanted}");
        }
        assert!(columns(&names, "usr", Lang::En, None).unwrap_err().en.contains("did you mean `user`?"));
        assert!(columns(&names, "campus.user", Lang::En, None).is_err());
    }

    #[test]
    fn functions_match_by_pattern_or_by_part() {
        let names = Names::sample();
        let of = |pattern: &str| functions(&names, Some(pattern), Lang::En, None);
        assert!(of("SESS*").unwrap().contains("session_stats(x)"));
        assert!(!of("stat").unwrap().contains("sum"));
        assert!(of("nothing").is_err());
        assert!(functions(&names, None, Lang::Fr, None).unwrap().contains("sum"));
    }

    #[test]
    fn sites_count_their_tables() {
        let text = sites(&Names::sample(), Lang::En, None);
        assert!(text.contains("campus") && text.contains('2'), "{text}");
    }
}
