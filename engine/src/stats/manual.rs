//! The manual page of the table functions, generated from their columns and from the heads of the views.

use super::library_view::VIEWS;
use super::output::Output;

/// What each function is for, in the order of [`Output::ALL`].
const PURPOSE: [&str; 8] = [
    "One row per row of the log that the policy looks at, with what it is worth and why.",
    "One row per session.",
    "One row per user.",
    "One row per user and course.",
    "One row per user, course and activity or area.",
    "One row per user, course and section; only the time on activities.",
    "One row per user, course and local day.",
    "One row per user, session, course and activity or area: the whole result of the policy in one pass.",
];

/// The page `docs/reference/table-functions.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Table functions\n\n\
         Generated from the functions' own columns; a test refuses a difference.\n\n\
         Every function below stands where a table stands and takes the same arguments, of which the last three may be left out:\n\n\
         ```sql\n\
         SELECT * FROM course_time('use_stats', '2024-01-01', '2024-07-01');\n\
         ```\n\n\
         | argument | meaning | default |\n\
         |---|---|---|\n\
         | policy | name of a [policy](../concepts/time-spent.md), with changes behind commas: `'use_stats, threshold = 1800'` | that of the configuration |\n\
         | from | start of the range, inclusive: Unix seconds, a date (its local midnight), a local time, or RFC 3339 | 0 |\n\
         | to | end of the range, in the same forms; whether a hit at that very second belongs to it is the policy's choice | now |\n\
         | site | the site whose log is read | the default site |\n\n\
         Arguments are constants or parameters (`$from`).\n\
         A condition on `userid` (`=`, `IN`) is used before the log is read, so one user of a large log answers in milliseconds.\n\
         Users without a hit in the range have no row.\n",
    );
    for ((name, output), purpose) in Output::ALL.into_iter().zip(PURPOSE) {
        page.push_str(&format!("\n## {name}\n\n{purpose}\n\n| column | type | meaning |\n|---|---|---|\n"));
        for column in output.columns() {
            page.push_str(&format!("| `{}` | {} | {} |\n", column.name, type_name(&column.data_type), column.doc));
        }
    }
    page.push_str(
        "\n## Views\n\n\
         Readable SQL over these functions, in `sql/lib`; they take the same arguments.\n\
         They join the tables of people and courses, and answer with NULL there when the site does not have them.\n\n\
         | view | rows |\n|---|---|\n",
    );
    for (name, sql) in VIEWS {
        page.push_str(&format!("| `{name}` | {} |\n", description(sql)));
    }
    page
}

fn type_name(kind: &arrow::datatypes::DataType) -> String {
    match kind {
        arrow::datatypes::DataType::Utf8View => "Utf8".to_owned(),
        arrow::datatypes::DataType::List(_) => "list of Int64".to_owned(),
        kind => kind.to_string(),
    }
}

/// The English description in the head of a view.
fn description(sql: &str) -> &str {
    let after = sql.split_once("en = \"").map_or("", |parts| parts.1);
    after.split_once("\", fr").map_or("", |parts| parts.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_up_to_date() {
        let page = include_str!("../../../docs/reference/table-functions.md");
        assert!(
            page == markdown(),
            "write `engine::stats::markdown()` to docs/reference/table-functions.md:\n{}",
            markdown()
        );
    }

    #[test]
    fn every_view_says_what_it_is() {
        for (name, sql) in VIEWS {
            assert!(description(sql).ends_with('.'), "{name}");
        }
    }
}
