//! The generated page of the published views.

use std::fmt::Write as _;

use super::column::type_name;
use super::file::ViewFile;
use super::library::BUNDLED;
use super::spec::{IncrementalMode, View};

/// The reference page of the views of the product, in English with French titles and descriptions.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Published views\n\nMade from the files in `sql/views`; a test refuses a difference.\n\n\
        `assidu view show VIEW` tells the same, with `--lang fr` in French, and so does `GET /v1/views/{view}`.\n\
        A column marked * belongs to the key; *person* says what consumers without the right to identities see of it.\n",
    );
    for (name, text) in BUNDLED {
        if let Ok(view) = (ViewFile { file: name, name, text }).read() {
            describe(&view, &mut page);
        }
    }
    page
}

fn describe(view: &View, page: &mut String) {
    // Writing into a String cannot fail.
    let _ = writeln!(page, "\n## `{}`\n\n**{}.** {}\n", view.name, view.title.en, view.description.en);
    let _ = writeln!(page, "*{}.* {}\n", view.title.fr, view.description.fr);
    let _ = match &view.incremental {
        None => writeln!(page, "Pulled whole."),
        Some(incremental) => {
            let how = match incremental.mode {
                IncrementalMode::Append => "one row per new row of",
                IncrementalMode::ChangedKeys(_) => "whole rows of the keys that changed in",
            };
            writeln!(page, "Pulled whole or incrementally: {how} `{}`.", incremental.table)
        }
    };
    if !view.extracts.is_empty() {
        let _ = writeln!(page, "`report_etl_get` calls it `{}`.", view.extracts.join("`, `"));
    }
    if !view.params.is_empty() {
        page.push_str("\n| parameter | type | what |\n|---|---|---|\n");
        for param in &view.params {
            let help = param.help.as_ref().map(|help| help.en.as_str()).unwrap_or_default();
            let needed = if param.required { ", required" } else { "" };
            let default = param.default.as_ref().map(|value| format!(", default `{}`", value.json(param.kind)));
            let default = default.unwrap_or_default();
            let _ = writeln!(page, "| `{}` | {}{needed}{default} | {} |", param.name, param.kind.word(), cell(help));
        }
    }
    page.push_str("\n| column | type | unit | person | what |\n|---|---|---|---|---|\n");
    for column in &view.columns {
        let key = if view.key.contains(&column.name) { "*" } else { "" };
        let unit = column.unit.as_deref().unwrap_or_default();
        let (kind, personal) = (type_name(&column.data_type), column.personal.word());
        let _ = writeln!(page, "| `{}`{key} | {kind} | {unit} | {personal} | {} |", column.name, cell(&column.doc.en));
    }
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
