//! Answers beside the recorded ones: status, headers, and the body as values, as elements, or byte by byte.

use quick_xml::events::Event;
use quick_xml::reader::Reader;
use serde_json::Value;

use super::diff::Report;
use super::ws::Answer;

/// What differs from the recorded answer of a case.
pub(super) fn compare(case: &Value, answer: &Answer) -> Option<String> {
    let recorded = &case["response"];
    if recorded["status"].as_u64() != Some(answer.status.into()) {
        return Some(format!("status {} instead of {}: {}", answer.status, recorded["status"], answer.body));
    }
    for (name, value) in recorded["headers"].as_object().into_iter().flatten() {
        let (got, expected) = (answer.headers.get(name), value.as_str().unwrap_or_default());
        if got.is_none_or(|got| got != expected) {
            return Some(format!("header {name}: {got:?} instead of {expected:?}"));
        }
    }
    let expected = recorded["body"].as_str().unwrap_or_default();
    let ignored: Vec<&str> =
        case["compare"]["ignore"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    match case["compare"]["mode"].as_str() {
        Some("json") => json(expected, &answer.body, &ignored),
        Some("xml") => xml(expected, &answer.body, &ignored),
        _ => (expected != answer.body).then(|| format!("body {:?} instead of {expected:?}", answer.body)),
    }
}

fn json(expected: &str, got: &str, ignored: &[&str]) -> Option<String> {
    let parse = |text: &str| serde_json::from_str::<Value>(text).map_err(|error| format!("{error}: {text}"));
    let (mut expected, mut ours) = match (parse(expected), parse(got)) {
        (Ok(expected), Ok(got)) => (expected, got),
        (Err(error), _) | (_, Err(error)) => return Some(error),
    };
    for pointer in ignored {
        remove(&mut expected, pointer);
        remove(&mut ours, pointer);
    }
    let mut report = Report::default();
    report.compare("body", &expected, &ours);
    report.differences.into_iter().next()
}

/// Takes out what a JSON pointer names.
fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else { return };
    if let Some(Value::Object(members)) = value.pointer_mut(parent) {
        members.remove(name);
    }
}

/// One piece of a document: the beginning or the end of an element, or text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Start(String, Vec<(String, String)>),
    End,
    Text(String),
}

fn xml(expected: &str, got: &str, ignored: &[&str]) -> Option<String> {
    let (expected, got) = match (pieces(expected), pieces(got)) {
        (Ok(expected), Ok(got)) => (without(expected, ignored), without(got, ignored)),
        (Err(error), _) => return Some(format!("the recorded document: {error}")),
        (_, Err(error)) => return Some(format!("{error}: {got}")),
    };
    let at = expected.iter().zip(&got).position(|(expected, got)| expected != got);
    let shorter = expected.len().min(got.len());
    let at = at.or_else(|| (expected.len() != got.len()).then_some(shorter));
    at.map(|at| format!("piece {at}: {:?} instead of {:?}", got.get(at), expected.get(at)))
}

/// The pieces of a document; blanks between elements are none.
pub(super) fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut pieces: Vec<Piece> = Vec::new();
    let push_text = |pieces: &mut Vec<Piece>, text: &str| match pieces.last_mut() {
        Some(Piece::Text(known)) => known.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    };
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                let name = start.name().as_ref().to_owned();
                let mut attributes = Vec::new();
                for attribute in start.attributes() {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0);
                    let value = value.map_err(|error| error.to_string())?.into_owned();
                    attributes.push((attribute.key.as_ref().to_owned(), value));
                }
                pieces.push(Piece::Start(name, attributes));
            }
            Event::End(_) => pieces.push(Piece::End),
            Event::Text(text) => push_text(&mut pieces, &text),
            Event::GeneralRef(reference) => {
                let letter = match reference.resolve_char_ref().map_err(|error| error.to_string())? {
                    Some(letter) => letter.to_string(),
                    None => match &*reference {
                        "amp" => "&".to_owned(),
                        "lt" => "<".to_owned(),
                        "gt" => ">".to_owned(),
                        "quot" => "\"".to_owned(),
                        "apos" => "'".to_owned(),
                        other => return Err(format!("entity {other}")),
                    },
                };
                push_text(&mut pieces, &letter);
            }
            Event::Eof => break,
            _ => {}
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.trim().is_empty()));
    Ok(pieces)
}

/// Leaves out the members of the outermost structure that are ignored: `/name`, or a path that ends with
/// `KEY[@name="name"]`.
fn without(pieces: Vec<Piece>, ignored: &[&str]) -> Vec<Piece> {
    let name = |path: &str| match path.split_once("@name=\"") {
        Some((_, rest)) => rest.split('"').next().unwrap_or_default().to_owned(),
        None => path.trim_start_matches('/').to_owned(),
    };
    let ignored: Vec<String> = ignored.iter().map(|path| name(path)).collect();
    let mut kept = Vec::with_capacity(pieces.len());
    let (mut depth, mut skipped_at) = (0usize, None);
    for piece in pieces {
        match &piece {
            Piece::Start(_, attributes) => {
                depth += 1;
                let is_ignored = attributes.iter().any(|(key, value)| key == "name" && ignored.contains(value));
                if skipped_at.is_none() && is_ignored {
                    skipped_at = Some(depth);
                }
            }
            Piece::End => {
                depth = depth.saturating_sub(1);
                if skipped_at == Some(depth + 1) {
                    skipped_at = None;
                    continue;
                }
            }
            Piece::Text(_) => {}
        }
        if skipped_at.is_none() {
            kept.push(piece);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "<?xml version=\"1.0\"?>\n<R>\n<KEY name=\"a\"><VALUE>x &amp; y</VALUE>\n</KEY><KEY name=\"b\"><VALUE/></KEY></R>";

    #[test]
    fn documents_are_compared_by_what_they_say() {
        let other = "<R><KEY name='a'><VALUE>x &#38; y</VALUE></KEY>\n<KEY name=\"b\"><VALUE></VALUE></KEY></R>\n";
        assert_eq!(xml(ONE, other, &[]), None);
        for differing in [ONE.replace("x &amp;", "x"), ONE.replace("\"b\"", "\"c\""), ONE.replace("<VALUE/>", "")] {
            assert!(xml(ONE, &differing, &[]).is_some(), "{differing}");
        }
        assert_eq!(xml(ONE, &ONE.replace("x &amp;", "x"), &["/a"]), None);
        assert_eq!(xml(ONE, &ONE.replace("x &amp;", "x"), &["/R/KEY[@name=\"a\"]"]), None);
        assert!(xml(ONE, &ONE.replace("x &amp;", "x"), &["/b"]).is_some());
    }

    #[test]
    fn values_are_compared_without_what_is_ignored() {
        assert_eq!(json("{\"a\":1,\"b\":{\"c\":2}}", "{\"b\":{\"c\":3},\"a\":1}", &["/b/c"]), None);
        assert!(json("{\"a\":1}", "{\"a\":2}", &["/b"]).is_some());
    }
}
