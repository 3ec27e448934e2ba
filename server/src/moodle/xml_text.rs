//! Texts as they stand in an XML 1.0 document.

use quick_xml::escape::partial_escape;

/// Whether XML 1.0 has a place for a character.
pub(super) fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Character data that any reader takes back as the text, but for characters that XML 1.0 cannot hold: those become
/// U+FFFD. Carriage returns are written as references, because readers turn bare ones into line feeds.
pub(super) fn xml_text(text: &str) -> String {
    let allowed: String = text.chars().map(|c| if is_allowed(c) { c } else { '\u{fffd}' }).collect();
    partial_escape(allowed).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_escaped_and_what_xml_cannot_hold_is_replaced() {
        assert_eq!(xml_text("a<b> & \"c\"\r\n\u{0}\u{ffff}é😀"), "a&lt;b&gt; &amp; \"c\"&#13;\n\u{fffd}\u{fffd}é😀");
    }
}
