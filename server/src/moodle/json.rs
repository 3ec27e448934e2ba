//! Answers and errors as the JSON of Moodle's REST server.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

use super::exception::Exception;
use super::value::Value;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(truth) => serializer.serialize_bool(*truth),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Float(number) => serializer.serialize_f64(*number),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => serializer.collect_seq(items),
            // PHP cannot tell a structure without members from an empty list.
            Self::Struct(members) if members.is_empty() => serializer.serialize_seq(Some(0))?.end(),
            Self::Struct(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// An answer as a document.
pub(crate) fn response(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// An error as a document; `debug` says whether to tell what exactly is wrong.
pub(crate) fn error(exception: &Exception, debug: bool) -> String {
    let text = |text: &String| Value::Text(text.clone());
    let mut members = vec![
        ("exception".to_owned(), text(&exception.class)),
        ("errorcode".to_owned(), text(&exception.code)),
        ("message".to_owned(), text(&exception.message)),
    ];
    if let Some(detail) = exception.debug.as_ref().filter(|_| debug) {
        members.push(("debuginfo".to_owned(), text(detail)));
    }
    response(&Value::Struct(members))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_php_would_write() {
        let value = Value::members([
            ("n", Value::Null),
            ("t", Value::Bool(true)),
            ("i", Value::Int(-5)),
            ("f", Value::Float(1.5)),
            ("s", Value::text("é \"x\" </b>")),
            ("l", Value::List(vec![])),
            ("o", Value::Struct(vec![])),
        ]);
        assert_eq!(
            response(&value),
            "{\"n\":null,\"t\":true,\"i\":-5,\"f\":1.5,\"s\":\"é \\\"x\\\" </b>\",\"l\":[],\"o\":[]}"
        );
    }

    #[test]
    fn errors_have_no_member_that_clients_do_not_know() {
        let exception = Exception::access("because");
        let text = error(&exception, false);
        assert_eq!(
            text,
            "{\"exception\":\"webservice_access_exception\",\"errorcode\":\"accessexception\",\"message\":\"Access control exception\"}"
        );
        assert!(error(&exception, true).ends_with("\"debuginfo\":\"because\"}"));
    }
}
