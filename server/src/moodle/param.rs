//! Declarations of arguments, and their strict check: a value is accepted when cleaning would leave its text unchanged.

use super::exception::Exception;
use super::fields::Field;
use super::value::Value;

/// Types of scalars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Decimal digits with an optional minus, as one would write the number.
    Int,
    /// A decimal number with optional fraction, exponent and sign.
    Float,
    /// `0` or `1`.
    Bool,
    /// Letters.
    Alpha,
    /// Letters and digits.
    Alphanum,
    /// Letters, digits, `_` and `-`.
    AlphanumExt,
    /// UTF-8 without markup.
    Text,
    /// UTF-8.
    Raw,
}

impl Kind {
    /// The name in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Alpha => "alpha",
            Self::Alphanum => "alphanum",
            Self::AlphanumExt => "alphanumext",
            Self::Text => "text",
            Self::Raw => "raw",
        }
    }

    /// The value of a text of this type.
    fn parse(self, bytes: &[u8]) -> Option<Value> {
        let text = std::str::from_utf8(bytes).ok()?;
        let only = |allowed: fn(u8) -> bool| bytes.iter().all(|byte| allowed(*byte)).then(|| Value::text(text));
        match self {
            Self::Int => text.parse::<i64>().ok().filter(|number| number.to_string() == text).map(Value::Int),
            Self::Float => float(text).map(Value::Float),
            Self::Bool => match text {
                "0" => Some(Value::Bool(false)),
                "1" => Some(Value::Bool(true)),
                _ => None,
            },
            Self::Alpha => only(|byte| byte.is_ascii_alphabetic()),
            Self::Alphanum => only(|byte| byte.is_ascii_alphanumeric()),
            Self::AlphanumExt => only(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')),
            Self::Text => (!text.contains('\0') && !has_markup(text)).then(|| Value::text(text)),
            Self::Raw => (!text.contains('\0')).then(|| Value::text(text)),
        }
    }
}

/// A number in digits; neither the words nor the blanks that Rust or PHP would take as well.
fn float(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if plain { text.parse().ok().filter(|number: &f64| number.is_finite()) } else { None }
}

/// Whether cleaning would take something away: a `<` that no blank follows begins a tag. Language spans may stay.
pub(crate) fn has_markup(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        let tag = &rest[at..];
        match language_tag(tag) {
            Some(length) => rest = &tag[length..],
            None if tag[1..].starts_with(|next: char| next.is_ascii_whitespace() || next == '\u{b}') => {
                rest = &tag[1..]
            }
            None => return true,
        }
    }
    false
}

/// Length of the tag of a language span that the text begins with.
fn language_tag(text: &str) -> Option<usize> {
    if let Some(tag) = ["</span>", "</lang>"].into_iter().find(|tag| text.starts_with(tag)) {
        return Some(tag.len());
    }
    let inner = &text[1..text.find('>')?];
    let is_code =
        |code: &str| !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    let quoted = |text: &str| -> Option<bool> { Some(is_code(text.strip_prefix("lang=\"")?.strip_suffix('"')?)) };
    let ok = match inner.strip_prefix("span ") {
        Some(inner) => {
            let lang =
                inner.strip_suffix(" class=\"multilang\"").or_else(|| inner.strip_prefix("class=\"multilang\" "));
            lang.and_then(quoted)
        }
        None => inner.strip_prefix("lang ").and_then(quoted),
    };
    ok.filter(|ok| *ok).map(|_| inner.len() + 2)
}

/// What an argument looks like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Decl {
    /// One value.
    Scalar(Kind),
    /// Values of one declaration; keys and gaps do not matter.
    List(&'static Decl),
    /// Named arguments.
    Struct(&'static [Param]),
}

/// What a missing argument means.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Missing {
    /// It must be there.
    Refused,
    /// It is left out.
    Absent,
    /// This number.
    Int(i64),
    /// This truth.
    Bool(bool),
    /// This text.
    Text(&'static str),
}

/// A named argument.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Param {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it looks like.
    pub(crate) decl: Decl,
    /// What its absence means.
    pub(crate) missing: Missing,
    /// What it is, for the manual.
    pub(crate) doc: &'static str,
}

/// Checks the arguments of a function and names them.
///
/// # Errors
///
/// An invalid parameter, for the first argument that is wrong in the order of the declaration, then for all that are
/// not declared.
pub(crate) fn validate(params: &[Param], fields: Vec<(Vec<u8>, Field)>) -> Result<Value, Exception> {
    structure(params, fields).map_err(Exception::invalid_parameter)
}

fn structure(params: &[Param], mut fields: Vec<(Vec<u8>, Field)>) -> Result<Value, String> {
    let mut members = Vec::with_capacity(params.len());
    for param in params {
        let name = param.name.to_owned();
        let value = match fields.iter().position(|(known, _)| known == param.name.as_bytes()) {
            Some(at) => {
                let field = fields.remove(at).1;
                let wrong = |reason| format!("{name} => Invalid parameter value detected: {reason}");
                value(param.decl, field).map_err(wrong)?
            }
            None => match param.missing {
                Missing::Refused => return Err(format!("Missing required key in single structure: {name}")),
                Missing::Absent => continue,
                Missing::Int(number) => Value::Int(number),
                Missing::Bool(truth) => Value::Bool(truth),
                Missing::Text(text) => Value::text(text),
            },
        };
        members.push((name, value));
    }
    if !fields.is_empty() {
        let names: Vec<_> = fields.iter().map(|(name, _)| String::from_utf8_lossy(name)).collect();
        return Err(format!("Unexpected keys ({}) detected in parameter array.", names.join(", ")));
    }
    Ok(Value::Struct(members))
}

fn value(decl: Decl, field: Field) -> Result<Value, String> {
    match (decl, field) {
        (Decl::Scalar(kind), Field::Scalar(bytes)) => kind.parse(&bytes).ok_or_else(|| {
            let (text, kind) = (String::from_utf8_lossy(&bytes).into_owned(), kind.name());
            format!("Invalid external api parameter: the value is \"{text}\", the server was expecting \"{kind}\" type")
        }),
        (Decl::Scalar(_), Field::Array(_)) => Err("Scalar type expected, array or object received.".to_owned()),
        (Decl::List(item), Field::Array(items)) => {
            items.into_iter().map(|(_, field)| value(*item, field)).collect::<Result<_, _>>().map(Value::List)
        }
        (Decl::Struct(params), Field::Array(items)) => structure(params, items),
        (_, Field::Scalar(bytes)) => {
            let text = String::from_utf8_lossy(&bytes);
            Err(format!("Only arrays accepted. The bad value is: '{text}'"))
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Kind::Int, &["0", "17", "-3", "9223372036854775807"], &["", "05", "+3", " 3", "1.5", "abc", "-0", "99999999999999999999"])]
    #[case(Kind::Float, &["0", "1.5", "-2e3", ".5", "1."], &["", "abc", "inf", "NaN", "1 ", "0x1"])]
    #[case(Kind::Bool, &["0", "1"], &["true", "yes", "2", ""])]
    #[case(Kind::Alpha, &["id", "", "ABC"], &["id2", "a_b", "é"])]
    #[case(Kind::Alphanum, &["id2"], &["a_b", "a b"])]
    #[case(Kind::AlphanumExt, &["a_b-2"], &["a.b"])]
    #[case(Kind::Text, &["", "é < 3", "a > b", "a & b", "<span lang=\"fr\" class=\"multilang\">x</span>", "<lang lang=\"fr\">x</lang>"],
        &["<b>", "<>", "a<", "a<5", "<span>x</span>", "<span lang=\"\" class=\"multilang\">", "a\0"])]
    #[case(Kind::Raw, &["<b>", ""], &["a\0"])]
    fn texts_are_checked_and_never_repaired(#[case] kind: Kind, #[case] good: &[&str], #[case] bad: &[&str]) {
        for text in good {
            assert!(kind.parse(text.as_bytes()).is_some(), "{kind:?} {text:?}");
        }
        for text in bad {
            assert_eq!(kind.parse(text.as_bytes()), None, "{kind:?} {text:?}");
        }
        assert_eq!(kind.parse(b"al\xffice"), None);
    }

    const PARAMS: &[Param] = &[
        Param { name: "uids", decl: Decl::List(&Decl::Scalar(Kind::Text)), missing: Missing::Refused, doc: "" },
        Param { name: "from", decl: Decl::Scalar(Kind::Int), missing: Missing::Int(0), doc: "" },
    ];

    fn check(pairs: &[(&str, Field)]) -> Result<Value, String> {
        let fields = pairs.iter().map(|(name, field)| (name.as_bytes().to_vec(), field.clone())).collect();
        validate(PARAMS, fields).map_err(|exception| exception.debug.unwrap())
    }

    #[test]
    fn the_first_wrong_argument_is_named_then_those_that_nobody_declared() {
        let text = |text: &str| Field::Scalar(text.as_bytes().to_vec());
        let list = |items: &[&str]| Field::Array(items.iter().map(|item| (b"9".to_vec(), text(item))).collect());
        let good = check(&[("uids", list(&["a", "b"]))]).unwrap();
        assert_eq!(
            good,
            Value::members([("uids", Value::List(vec![Value::text("a"), Value::text("b")])), ("from", Value::Int(0))])
        );
        assert_eq!(check(&[("foo", text("a"))]).unwrap_err(), "Missing required key in single structure: uids");
        let wrong = "uids => Invalid parameter value detected: Only arrays accepted. The bad value is: '3'";
        assert_eq!(check(&[("uids", text("3"))]).unwrap_err(), wrong);
        let unexpected = check(&[("foo", text("a")), ("uids", list(&[])), ("bar", list(&[]))]).unwrap_err();
        assert_eq!(unexpected, "Unexpected keys (foo, bar) detected in parameter array.");
        let scalar = check(&[("uids", list(&[])), ("from", list(&["1"]))]).unwrap_err();
        assert_eq!(scalar, "from => Invalid parameter value detected: Scalar type expected, array or object received.");
    }
}
