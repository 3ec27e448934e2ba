//! Answers and errors as the XML of Moodle's REST server.

use super::exception::Exception;
use super::shape::{Member, Shape};
use super::value::Value;
use super::xml_text::xml_text;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n";

/// An answer as a document.
pub(crate) fn response(shape: Shape, value: &Value) -> String {
    let mut out = format!("{HEAD}<RESPONSE>\n");
    if !matches!(shape, Shape::Nothing) {
        write(&mut out, shape, Some(value));
    }
    out.push_str("</RESPONSE>\n");
    out
}

/// An error as a document; `debug` says whether to tell what exactly is wrong.
pub(crate) fn error(exception: &Exception, debug: bool) -> String {
    let mut out = format!("{HEAD}<EXCEPTION class=\"");
    escape(&mut out, &exception.class);
    out.push_str("\">\n");
    let detail = exception.debug.as_ref().filter(|_| debug);
    let parts = [("ERRORCODE", Some(&exception.code)), ("MESSAGE", Some(&exception.message)), ("DEBUGINFO", detail)];
    for (name, text) in parts {
        if let Some(text) = text {
            out.push_str(&format!("<{name}>"));
            escape(&mut out, text);
            out.push_str(&format!("</{name}>\n"));
        }
    }
    out.push_str("</EXCEPTION>\n");
    out
}

/// Writes a value; `None` is a member that is absent, which XML tells as null.
fn write(out: &mut String, shape: Shape, value: Option<&Value>) {
    match (shape, value) {
        (Shape::Nothing, _) => {}
        (Shape::List(item), value) => list(out, *item, value),
        // Also without members, or absent: all that is declared is there.
        (Shape::Struct(members), value) => structure(out, members, value),
        (_, None | Some(Value::Null)) => out.push_str("<VALUE null=\"null\"/>\n"),
        (_, Some(Value::List(items))) => list(out, Shape::Any, Some(&Value::List(items.clone()))),
        (_, Some(Value::Struct(members))) => {
            out.push_str("<SINGLE>\n");
            for (name, value) in members {
                key(out, name, Shape::Any, Some(value));
            }
            out.push_str("</SINGLE>\n");
        }
        (_, Some(value)) => scalar(out, value),
    }
}

fn list(out: &mut String, item: Shape, value: Option<&Value>) {
    out.push_str("<MULTIPLE>\n");
    if let Some(Value::List(items)) = value {
        for value in items {
            write(out, item, Some(value));
        }
    }
    out.push_str("</MULTIPLE>\n");
}

fn structure(out: &mut String, members: &[Member], value: Option<&Value>) {
    out.push_str("<SINGLE>\n");
    for member in members {
        key(out, member.name, member.shape, value.and_then(|value| value.get(member.name)));
    }
    out.push_str("</SINGLE>\n");
}

fn key(out: &mut String, name: &str, shape: Shape, value: Option<&Value>) {
    out.push_str("<KEY name=\"");
    escape(out, name);
    out.push_str("\">");
    write(out, shape, value);
    out.push_str("</KEY>\n");
}

fn scalar(out: &mut String, value: &Value) {
    out.push_str("<VALUE>");
    match value {
        Value::Bool(truth) => out.push(if *truth { '1' } else { '0' }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&number.to_string()),
        Value::Text(text) => escape(out, text),
        Value::Null | Value::List(_) | Value::Struct(_) => {}
    }
    out.push_str("</VALUE>\n");
}

/// Appends a text: four characters escaped as Moodle does, and those that XML cannot hold replaced.
pub(crate) fn escape(out: &mut String, text: &str) {
    out.push_str(&xml_text(text).replace('"', "&quot;"));
}

#[cfg(test)]
mod tests {
    use super::super::param::Kind;
    use super::super::shape::member;
    use super::*;

    const USER: Shape = Shape::Struct(&[
        member("id", Kind::Int),
        member("active", Kind::Bool),
        member("note", Kind::Text),
        Member { name: "list", shape: Shape::List(&Shape::Struct(&[member("x", Kind::Int)])) },
    ]);

    #[test]
    fn members_that_json_leaves_out_are_null() {
        let value = Value::members([
            ("id", Value::Int(5)),
            ("active", Value::Bool(true)),
            ("list", Value::List(vec![Value::Struct(Vec::new())])),
        ]);
        let expected = "<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<RESPONSE>\n<SINGLE>\n\
            <KEY name=\"id\"><VALUE>5</VALUE>\n</KEY>\n<KEY name=\"active\"><VALUE>1</VALUE>\n</KEY>\n\
            <KEY name=\"note\"><VALUE null=\"null\"/>\n</KEY>\n\
            <KEY name=\"list\"><MULTIPLE>\n<SINGLE>\n<KEY name=\"x\"><VALUE null=\"null\"/>\n</KEY>\n</SINGLE>\n\
            </MULTIPLE>\n</KEY>\n</SINGLE>\n</RESPONSE>\n";
        assert_eq!(response(USER, &value), expected);
        assert_eq!(response(Shape::Nothing, &Value::Null), format!("{HEAD}<RESPONSE>\n</RESPONSE>\n"));
    }

    #[test]
    fn what_exactly_is_wrong_is_told_on_demand() {
        let exception = Exception::invalid_parameter("a < b & \"c\"");
        assert!(!error(&exception, false).contains("DEBUGINFO"));
        assert!(
            error(&exception, true).contains("<DEBUGINFO>a &lt; b &amp; &quot;c&quot;</DEBUGINFO>\n</EXCEPTION>\n")
        );
    }

    /// The text of the first `VALUE` of a document, as a parser reads it.
    fn value_of(document: &str) -> String {
        use quick_xml::events::Event;
        let mut reader = quick_xml::Reader::from_str(document);
        let (mut text, mut inside) = (String::new(), false);
        loop {
            match reader.read_event().unwrap() {
                Event::Start(start) => inside |= start.name().as_ref() == "VALUE",
                Event::End(end) if end.name().as_ref() == "VALUE" => return text,
                Event::Text(part) if inside => text.push_str(&part),
                Event::GeneralRef(reference) if inside => match reference.resolve_char_ref().unwrap() {
                    Some(letter) => text.push(letter),
                    None => text.push_str(quick_xml::escape::resolve_xml_entity(&reference).unwrap()),
                },
                Event::Eof => panic!("no value"),
                _ => {}
            }
        }
    }

    proptest::proptest! {
        /// Any text comes back, but for the characters that XML cannot hold; and any text as a name does no harm.
        #[test]
        fn any_text_is_read_back(text: String, name: String) {
            let document = response(USER, &Value::members([("note", Value::text(&text))]));
            let note = document.split("<KEY name=\"note\">").nth(1).unwrap();
            let expected: String = text
                .chars()
                .map(|letter| match letter {
                    '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
                    letter => letter,
                })
                .collect();
            proptest::prop_assert_eq!(value_of(note), expected);
            let any = response(Shape::Any, &Value::Struct(vec![(name.clone(), Value::text(&text))]));
            value_of(&any);
            let json = super::super::json::response(&Value::Struct(vec![(name.clone(), Value::text(&text))]));
            let parsed: serde_json::Value = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(parsed[name].as_str(), Some(text.as_str()));
            error(&Exception::invalid_parameter(text), true);
        }
    }

    #[test]
    fn characters_that_xml_cannot_hold_are_replaced() {
        let mut out = String::new();
        escape(&mut out, "a\u{1}b\r\n'\u{ffff}é");
        assert_eq!(out, "a\u{fffd}b&#13;\n'\u{fffd}é");
    }
}
