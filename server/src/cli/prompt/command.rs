//! Commands of the prompt, which begin with a backslash.

use std::path::PathBuf;

use engine::fault::nearest;
use engine::{Text, text};

use crate::encode::Format;

/// What a line that begins with a backslash asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Command {
    /// `\d`: the tables.
    Tables,
    /// `\d TABLE`: the columns of a table, as `table` or `site.table`.
    Describe(String),
    /// `\df [PATTERN]`: the functions.
    Functions(Option<String>),
    /// `\l`: the sites.
    Sites,
    /// `\o [FILE]`: where results go; nothing is the terminal.
    Output(Option<PathBuf>),
    /// `\f [FORMAT]`: how results are written; nothing chooses by the output.
    Format(Option<Format>),
    /// `\timing`: on or off, or the other one.
    Timing(Option<bool>),
    /// `\at [COMMIT]`: the snapshot that is asked; nothing is the newest.
    At(Option<u64>),
    /// `\x`: one line per cell, on or off, or the other one.
    Expanded(Option<bool>),
    /// `\?`: the commands.
    Help,
    /// `\q`: leave.
    Quit,
}

/// The names of the commands, for completion and for suggestions.
pub(crate) const NAMES: &[&str] = &["\\?", "\\at", "\\d", "\\df", "\\f", "\\l", "\\o", "\\q", "\\timing", "\\x"];

/// Understands a line that begins with a backslash; a `;` at its end is forgiven.
pub(crate) fn parse(line: &str) -> Result<Command, Text> {
    let line = line.trim().trim_end_matches(';').trim_end();
    let (name, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let argument = Some(argument.trim()).filter(|argument| !argument.is_empty());
    let owned = || argument.map(str::to_owned);
    match name {
        "\\d" => Ok(owned().map_or(Command::Tables, Command::Describe)),
        "\\df" => Ok(Command::Functions(owned())),
        "\\o" => Ok(Command::Output(argument.map(PathBuf::from))),
        "\\f" => argument.map(format).transpose().map(Command::Format),
        "\\timing" => argument.map(switch).transpose().map(Command::Timing),
        "\\x" => argument.map(switch).transpose().map(Command::Expanded),
        "\\at" => argument.map(commit).transpose().map(Command::At),
        "\\l" => alone(name, argument, Command::Sites),
        "\\?" | "\\h" | "\\help" => Ok(Command::Help),
        "\\q" | "\\quit" => alone(name, argument, Command::Quit),
        _ => Err(match nearest(name, NAMES.iter().copied().filter(|known| known.len() > 2)) {
            Some(near) => text!(
                "there is no command `{name}`; did you mean `{near}`?",
                "il n'y a pas de commande `{name}` ; vouliez-vous dire `{near}` ?"
            ),
            None => text!(
                "there is no command `{name}`; `\\?` lists them",
                "il n'y a pas de commande `{name}` ; `\\?` les liste"
            ),
        }),
    }
}

fn alone(name: &str, argument: Option<&str>, command: Command) -> Result<Command, Text> {
    match argument {
        None => Ok(command),
        Some(_) => Err(text!("`{name}` takes no argument", "`{name}` ne prend pas d'argument")),
    }
}

fn format(name: &str) -> Result<Format, Text> {
    Format::from_name(name).ok_or_else(|| {
        let all = Format::ALL.map(Format::name).join(", ");
        text!("\"{name}\" is no format; choose one of {all}", "\"{name}\" n'est pas un format ; choisissez parmi {all}")
    })
}

fn switch(word: &str) -> Result<bool, Text> {
    match word.to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(text!("\"{word}\" is neither on nor off", "\"{word}\" n'est ni on ni off")),
    }
}

fn commit(number: &str) -> Result<u64, Text> {
    number.parse().map_err(|_| {
        text!(
            "\"{number}\" is no commit; `assidu store snapshots` lists them",
            "\"{number}\" n'est pas un commit ; `assidu store snapshots` les liste"
        )
    })
}

/// The commands, for people.
pub(crate) fn help() -> Text {
    Text {
        en: "\
statements end with `;` and may span lines; Tab completes, Ctrl-C cancels, Ctrl-D leaves
\\d            tables            \\d TABLE      columns of a table
\\df [TEXT]    functions         \\l            sites
\\f [FORMAT]   format of results: table, csv, json, ndjson, xml, parquet, arrow
\\o [FILE]     write each result to FILE, replacing it; without FILE: to the terminal
\\at [COMMIT]  ask an older snapshot; without COMMIT: the newest
\\x            one line per cell \\timing       show rows and time
\\q            leave"
            .to_owned(),
        fr: "\
une requête se termine par `;` et peut tenir plusieurs lignes ; Tab complète, Ctrl-C annule, Ctrl-D quitte
\\d            tables            \\d TABLE      colonnes d'une table
\\df [TEXTE]   fonctions         \\l            sites
\\f [FORMAT]   format des résultats : table, csv, json, ndjson, xml, parquet, arrow
\\o [FICHIER]  écrire chaque résultat dans FICHIER, en le remplaçant ; sans FICHIER : au terminal
\\at [COMMIT]  interroger un instantané plus ancien ; sans COMMIT : le plus récent
\\x            une ligne par cellule  \\timing  afficher lignes et durée
\\q            quitter"
            .to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("\\d", Command::Tables)]
    #[case("\\d campus.user;", Command::Describe("campus.user".to_owned()))]
    #[case("  \\df  sess* ", Command::Functions(Some("sess*".to_owned())))]
    #[case("\\df", Command::Functions(None))]
    #[case("\\l", Command::Sites)]
    #[case("\\o out file.csv", Command::Output(Some("out file.csv".into())))]
    #[case("\\o", Command::Output(None))]
    #[case("\\f JSON", Command::Format(Some(Format::Json)))]
    #[case("\\f", Command::Format(None))]
    #[case("\\timing off", Command::Timing(Some(false)))]
    #[case("\\timing", Command::Timing(None))]
    #[case("\\at 42", Command::At(Some(42)))]
    #[case("\\at", Command::At(None))]
    #[case("\\x", Command::Expanded(None))]
    #[case("\\?", Command::Help)]
    #[case("\\q;", Command::Quit)]
    fn commands(#[case] line: &str, #[case] command: Command) {
        assert_eq!(parse(line), Ok(command));
    }

    #[rstest]
    #[case("\\timng", "did you mean `\\timing`?")]
    #[case("\\zzz", "`\\?` lists them")]
    #[case("\\f yaml", "is no format")]
    #[case("\\x maybe", "neither on nor off")]
    #[case("\\at now", "is no commit")]
    #[case("\\q now", "takes no argument")]
    #[case("\\", "there is no command")]
    fn mistakes_are_explained(#[case] line: &str, #[case] part: &str) {
        let text = parse(line).unwrap_err();
        assert!(text.en.contains(part), "{}", text.en);
    }

    #[test]
    fn the_help_names_every_command() {
        for name in NAMES.iter().filter(|name| **name != "\\?") {
            assert!(help().en.contains(name) && help().fr.contains(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in "\\\\.{0,16}") {
            let _ = parse(&line);
        }
    }
}
