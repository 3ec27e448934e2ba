//! Faults in data: they are collected beside the result and never stop an operation.

use std::sync::Arc;

use crate::text::{Lang, Text};

/// Longest value that a fault quotes, in characters.
pub const MAX_QUOTED: usize = 40;

/// One fault in a file: where, what, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code, such as `load.not_a_number`; each has a paragraph in the manual.
    pub code: &'static str,
    /// Name of the file as the operator gave it.
    pub file: Arc<str>,
    /// Physical line, from 1, as an editor counts; 0 when the fault is about the whole file.
    pub line: u64,
    /// The column, when the fault is about one.
    pub column: Option<Column>,
    /// The value, cut to [`MAX_QUOTED`] characters.
    pub value: Option<String>,
    /// Why it is a fault.
    pub reason: Text,
    /// What to do about it, where that is known.
    pub hint: Option<Text>,
}

/// A column of a file: its name in the header and its number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Name in the header.
    pub name: Arc<str>,
    /// Number from 1.
    pub number: usize,
}

impl Fault {
    /// `file:line: column 3 "cid" value "x": reason [code]`, with the hint on a second line.
    pub fn render(&self, lang: Lang) -> String {
        let mut text = self.file.to_string();
        if self.line > 0 {
            text.push_str(&format!(":{}", self.line));
        }
        text.push_str(": ");
        if let Some(column) = &self.column {
            let word = match lang {
                Lang::En => "column",
                Lang::Fr => "colonne",
            };
            text.push_str(&format!("{word} {} `{}`: ", column.number, column.name));
        }
        if let Some(value) = &self.value {
            text.push_str(&format!("\"{value}\": "));
        }
        text.push_str(&format!("{} [{}]", self.reason.get(lang), self.code));
        if let Some(hint) = &self.hint {
            text.push_str(&format!("\n  {}", hint.get(lang)));
        }
        text
    }
}

/// Cuts a value to [`MAX_QUOTED`] characters, on a character boundary, and makes control characters visible.
pub fn quoted(value: &str) -> String {
    let mut text: String = value
        .chars()
        .take(MAX_QUOTED)
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect();
    if value.chars().nth(MAX_QUOTED).is_some() {
        text.push('…');
    }
    text
}

/// The candidate nearest to `name`, when one is near enough to be what was meant.
///
/// Nearness is the Damerau-Levenshtein distance without regard to case, at most a third of the length and at most 3.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let limit = (wanted.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearest_finds_slips_and_refuses_strangers() {
        assert_eq!(nearest("usrid", ["userid", "courseid"]), Some("userid"));
        assert_eq!(nearest("UserID", ["userid", "courseid"]), Some("userid"));
        assert_eq!(nearest("price", ["userid", "courseid"]), None);
    }

    #[test]
    fn quoted_cuts_on_characters_and_shows_controls() {
        assert_eq!(quoted("a\tb"), "a\\tb");
        assert_eq!(quoted(&"é".repeat(41)), format!("{}…", "é".repeat(40)));
    }
}
