//! Texts, names and marks as they stand in an XML document.

use serde_json::Value;

/// An element by its tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Element {
    name: String,
    /// With a space in front of each.
    attributes: String,
}

impl Element {
    /// The element of this name, with the real name in the attribute `name` where XML cannot spell that.
    pub(super) fn new(name: &str) -> Self {
        let element = Self { name: element_name(name), attributes: String::new() };
        if element.name == name { element } else { element.with_attribute("name", name) }
    }

    /// Adds an attribute, whose name is one of XML's.
    pub(super) fn with_attribute(mut self, name: &str, value: &str) -> Self {
        self.attributes.push_str(&attribute(name, value));
        self
    }

    /// The tag in front of the content.
    pub(super) fn start(&self) -> String {
        format!("<{}{}>", self.name, self.attributes)
    }

    /// The tag behind the content.
    pub(super) fn end(&self) -> String {
        format!("</{}>", self.name)
    }

    /// The tag of an element without content.
    pub(super) fn empty(&self) -> String {
        format!("<{}{}/>", self.name, self.attributes)
    }
}

/// Letters, digits, `_`, `-` and `.`, not starting with a digit, `-` or `.`; colons would mean namespaces.
fn element_name(name: &str) -> String {
    let mut spelt: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.') { c } else { '_' }).collect();
    if !spelt.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        spelt.insert(0, '_');
    }
    spelt
}

/// A space, the name, and the value in double quotes.
fn attribute(name: &str, value: &str) -> String {
    let mut text = format!(" {name}=\"");
    for c in value.chars() {
        match c {
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '&' => text.push_str("&amp;"),
            '\'' => text.push_str("&apos;"),
            '"' => text.push_str("&quot;"),
            // Readers make spaces of bare ones.
            '\t' => text.push_str("&#9;"),
            '\n' => text.push_str("&#10;"),
            '\r' => text.push_str("&#13;"),
            c if is_allowed(c) => text.push(c),
            _ => text.push('\u{fffd}'),
        }
    }
    text.push('"');
    text
}

/// The instruction behind the last row: how many there are, and the meta values that are no lists, objects or nulls.
///
/// Its form is that of attributes, so that no value can end the instruction: `>` is escaped.
pub(super) fn end_mark(rows: u64, meta: &[(String, Value)]) -> String {
    let mut mark = format!("<?assidu-end rows=\"{rows}\"");
    for (name, value) in meta {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        mark.push_str(&attribute(&element_name(name), &text));
    }
    mark.push_str("?>");
    mark
}

/// Whether XML 1.0 has the character.
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Which bytes may need an escape: markup, control characters, and the first byte of U+FFFE and U+FFFF.
const SPECIAL: [bool; 256] = {
    let mut special = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        special[byte] = byte != b'\t' as usize && byte != b'\n' as usize;
        byte += 1;
    }
    special[b'<' as usize] = true;
    special[b'>' as usize] = true;
    special[b'&' as usize] = true;
    special[0xef] = true;
    special
};

/// Appends a text as the content of an element. Runs of bytes that need no escape are copied at once.
pub(super) fn push_xml_text(text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(idx) = rest.iter().position(|byte| SPECIAL[usize::from(*byte)]) {
        out.extend_from_slice(&rest[..idx]);
        let (escape, length): (&[u8], usize) = match &rest[idx..] {
            [b'<', ..] => (b"&lt;", 1),
            // Needed only in `]]>`, harmless everywhere.
            [b'>', ..] => (b"&gt;", 1),
            [b'&', ..] => (b"&amp;", 1),
            // Readers turn a bare carriage return into a line feed.
            [b'\r', ..] => (b"&#13;", 1),
            [0xef, 0xbf, 0xbe | 0xbf, ..] => ("\u{fffd}".as_bytes(), 3),
            [0xef, ..] => (&rest[idx..=idx], 1),
            _ => ("\u{fffd}".as_bytes(), 1),
        };
        out.extend_from_slice(escape);
        rest = &rest[idx + length..];
    }
    out.extend_from_slice(rest);
}
