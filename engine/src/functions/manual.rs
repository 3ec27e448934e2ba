//! The manual page of the functions, generated from their own documentation.

use datafusion::logical_expr::{DocSection, Documentation};

use super::args::ARGUMENTS;

/// Section of all functions in DataFusion's own listings.
const SECTION: DocSection =
    DocSection { include: true, label: "Time", description: Some("Sessions and time spent, from the times of hits.") };

/// What a function says about itself; the arguments are the same for all.
pub(super) struct Entry {
    /// Name in SQL.
    pub(super) name: &'static str,
    /// Sentences, one per line.
    pub(super) description: &'static str,
    /// Type of the result and its answer without hits.
    pub(super) result: &'static str,
    /// A query that runs as it stands.
    pub(super) sql: &'static str,
    /// What the query prints.
    pub(super) answer: &'static str,
}

/// The documentation of a gap function.
pub(super) fn entry(entry: &Entry) -> Documentation {
    let Entry { name, description, result, sql, answer } = entry;
    let description = format!("{description}\n\nResult: {result}");
    let syntax = format!("{name}(timecreated [, threshold [, boundary [, credit [, minimum]]]])");
    let example = format!("```sql\n{sql};\n```\n\n```text\n{answer}\n```");
    let builder = Documentation::builder(SECTION, description, syntax).with_sql_example(example);
    ARGUMENTS.iter().fold(builder, |builder, argument| builder.with_argument(argument.name, argument.doc)).build()
}

/// The page `docs/reference/functions.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# SQL functions\n\n\
         Generated from the functions' own documentation; a test refuses a difference.\n\n\
         All functions below but the last two are aggregates over the times of hits, and work with `GROUP BY`, `FILTER` and `OVER`.\n\
         The hits may come in any order; on a log that is clustered by user one pass is enough.\n\
         For what a policy makes of whole logs see the [table functions](table-functions.md).\n\n\
         The arguments of `sessions`, `session_stats` and `time_spent` after the first make the rule.\n\
         They are constants or parameters, by position or by name (`threshold => 900`); NULL means the default.\n\
         Named arguments may come in any order, but none before the last one given may be left out: pass NULL there.\n\
         `DISTINCT` is refused, because hits in the same second are different hits.\n",
    );
    for function in super::all() {
        if let Some(documentation) = function.documentation() {
            page.push_str(&section(function.name(), documentation));
        }
    }
    for function in super::scalars() {
        if let Some(documentation) = function.documentation() {
            page.push_str(&section(function.name(), documentation));
        }
    }
    page
}

/// The section of one function.
fn section(name: &str, documentation: &Documentation) -> String {
    let Documentation { description, syntax_example, arguments, sql_example, .. } = documentation;
    let mut text = format!("\n## {name}\n\n{description}\n\n### Syntax\n\n```sql\n{syntax_example}\n```\n");
    text.push_str("\n### Arguments\n\n| argument | meaning |\n|---|---|\n");
    for (argument, meaning) in arguments.iter().flatten() {
        text.push_str(&format!("| `{argument}` | {meaning} |\n"));
    }
    if let Some(example) = sql_example {
        text.push_str(&format!("\n### Example\n\n{example}\n"));
    }
    text
}
