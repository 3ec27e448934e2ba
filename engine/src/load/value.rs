//! Values of single fields: numbers, texts, missing ones, and why a field is refused.

use super::dialect::Dialect;
use crate::model::ColumnSpec;
use crate::text::Text;

/// Greatest Unix time accepted: the end of the year 9999.
pub(super) const MAX_TIME: i64 = 253_402_300_799;

/// Why a field or a row is refused.
pub(super) struct FieldFault {
    pub(super) code: &'static str,
    pub(super) reason: Text,
    /// Boxed: faults travel through results of hot loops.
    pub(super) hint: Option<Box<Text>>,
}

/// Whether a name of a header means a column: without regard to case, surrounding blanks, quotes and a table prefix.
pub(super) fn is_column(header: &str, column: &str) -> bool {
    let name = header.trim().trim_matches(|c| c == '`' || c == '"');
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name.trim_matches(|c| c == '`' || c == '"'));
    name.eq_ignore_ascii_case(column)
}

/// NULL as databases spell it in exports.
pub(super) fn is_null(field: &[u8]) -> bool {
    matches!(field, b"" | b"NULL" | b"\\N")
}

/// An integer field; `None` is a missing value of a column that may miss values.
pub(super) fn int(field: &[u8], spec: &ColumnSpec) -> Result<Option<i64>, FieldFault> {
    match parse_int(field) {
        Some(number) if is_time(spec) && !(0..=MAX_TIME).contains(&number) => Err(impossible_time(number)),
        Some(number) => Ok(Some(number)),
        None if is_null(field) => {
            if spec.nullable {
                Ok(None)
            } else {
                Err(missing(spec.name))
            }
        }
        None => Err(not_a_number()),
    }
}

/// Whether the column is the time of an event, which must be a possible date.
fn is_time(spec: &ColumnSpec) -> bool {
    spec.name == "timecreated"
}

/// A text field; `None` is a missing value.
pub(super) fn text<'a>(field: &'a [u8], spec: &ColumnSpec) -> Option<&'a [u8]> {
    match field {
        b"\\N" => {
            if spec.nullable {
                None
            } else {
                Some(b"")
            }
        }
        _ if spec.nullable && is_null(field) => None,
        _ => Some(field),
    }
}

/// A decimal integer with an optional sign; blanks around it are allowed.
pub(super) fn parse_int(field: &[u8]) -> Option<i64> {
    let (negative, digits) = match field {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        [b' ', ..] | [.., b' '] => return parse_int(field.trim_ascii()).filter(|_| !field.trim_ascii().is_empty()),
        rest => (false, rest),
    };
    if digits.is_empty() || digits.len() > 19 {
        return None;
    }
    let mut number: u64 = 0;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen digits fit into 64 bits without sign.
        number = number * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(number) } else { i64::try_from(number).ok() }
}

pub(super) fn not_a_number() -> FieldFault {
    FieldFault {
        code: "load.not_a_number",
        reason: crate::text!("not a whole number", "ce n'est pas un nombre entier"),
        hint: None,
    }
}

pub(super) fn missing(column: &str) -> FieldFault {
    FieldFault {
        code: "load.missing_value",
        reason: crate::text!("`{column}` must have a value", "`{column}` doit avoir une valeur"),
        hint: None,
    }
}

/// A decimal number; a decimal comma is accepted, as localised exports write it.
pub(super) fn parse_float(field: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(field).ok()?.trim();
    let plausible =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b',' | b'e' | b'E'));
    if !plausible || text.matches(',').count() > 1 {
        return None;
    }
    text.replace(',', ".").parse().ok()
}

pub(super) fn not_a_decimal() -> FieldFault {
    FieldFault {
        code: "load.not_a_decimal",
        reason: crate::text!("not a number", "ce n'est pas un nombre"),
        hint: None,
    }
}

pub(super) fn not_utf8() -> FieldFault {
    FieldFault {
        code: "load.not_utf8",
        reason: crate::text!("the text is not valid UTF-8", "le texte n'est pas de l'UTF-8 valide"),
        hint: None,
    }
}

/// A time that no event can have.
pub(super) fn impossible_time(number: i64) -> FieldFault {
    let hint = (number > MAX_TIME).then(|| {
        crate::text!(
            "hint: times are Unix seconds; this looks like milliseconds",
            "conseil : les dates sont en secondes Unix ; ceci ressemble à des millisecondes"
        )
    });
    FieldFault {
        code: "load.impossible_time",
        reason: crate::text!("not a possible time", "ce n'est pas une date possible"),
        hint: hint.map(Box::new),
    }
}

/// A row with too few or too many fields.
pub(super) fn field_count(found: usize, expected: usize, dialect: Dialect) -> FieldFault {
    let delimiter = char::from(dialect.delimiter).escape_default().to_string();
    FieldFault {
        code: "load.field_count",
        reason: crate::text!(
            "the row has {found} fields, the header has {expected}",
            "la ligne a {found} champs, l'en-tête en a {expected}"
        ),
        hint: Some(Box::new(crate::text!(
            "hint: quote fields that hold the separator `{delimiter}`, a quote or a line break, and double quotes inside",
            "conseil : mettez entre guillemets les champs qui contiennent le séparateur `{delimiter}`, un guillemet ou un saut de ligne, et doublez les guillemets internes"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_exact_to_the_last_one() {
        assert_eq!(parse_int(b"0"), Some(0));
        assert_eq!(parse_int(b"-12"), Some(-12));
        assert_eq!(parse_int(b"+7"), Some(7));
        assert_eq!(parse_int(b" 7 "), Some(7));
        assert_eq!(parse_int(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(parse_int(b"-9223372036854775808"), Some(i64::MIN));
        for bad in [
            "",
            "-",
            " ",
            "9223372036854775808",
            "-9223372036854775809",
            "1.0",
            "1e3",
            "0x1",
            "12a",
            "99999999999999999999",
        ] {
            assert_eq!(parse_int(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn headers_of_exports_name_columns() {
        for header in ["userid", " UserID ", "mdl_logstore_standard_log.userid", "`l`.`userid`", "\"userid\""] {
            assert!(is_column(header, "userid"), "{header}");
        }
        assert!(!is_column("realuserid", "userid"));
    }
}
