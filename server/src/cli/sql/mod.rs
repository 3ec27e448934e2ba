//! What the command line has to know about a text of SQL: where statements end, which tables it names, and which
//! name was probably meant. The engine parses it for real.

mod hint;
pub(crate) mod names;
mod scan;

pub(crate) use hint::{hint, tables_in};
pub(crate) use names::Names;
pub(crate) use scan::{Kind, Token, scan};

/// The statements of a text, and what follows the last `;`, which is not finished.
///
/// Semicolons inside literals, quoted names and comments end nothing. Empty statements are left out, and so is a rest
/// of nothing but comments.
pub(crate) fn statements(text: &str) -> (Vec<&str>, &str) {
    let mut finished = Vec::new();
    let mut start = 0;
    let mut words = false;
    let scanned = scan(text);
    for token in &scanned.tokens {
        if token.text == ";" && token.kind == Kind::Sign {
            if words {
                finished.push(text[start..token.start].trim());
            }
            (start, words) = (token.start + 1, false);
        } else {
            words = true;
        }
    }
    let rest = if words || scanned.open { text[start..].trim() } else { "" };
    (finished, rest)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("SELECT 1;", &["SELECT 1"], "")]
    #[case("SELECT 1", &[], "SELECT 1")]
    #[case("SELECT 1; SELECT 2 ;", &["SELECT 1", "SELECT 2"], "")]
    #[case("SELECT 1; SEL", &["SELECT 1"], "SEL")]
    #[case("SELECT ';', \"a;b\" -- ;\n/* ; /* ; */ ; */;", &["SELECT ';', \"a;b\" -- ;\n/* ; /* ; */ ; */"], "")]
    #[case("SELECT 'it''s;", &[], "SELECT 'it''s;")]
    #[case(";;", &[], "")]
    #[case("-- nothing", &[], "")]
    #[case("/* open", &[], "/* open")]
    #[case("SELECT $$a;b$$;", &["SELECT $$a;b$$"], "")]
    fn statements_end_at_their_semicolon(#[case] text: &str, #[case] finished: &[&str], #[case] rest: &str) {
        assert_eq!(statements(text), (finished.to_vec(), rest));
    }
}
