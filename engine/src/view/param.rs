//! Parameters of views: what a caller may give, read into values with types.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field};
use chrono::{Datelike, NaiveDate};
use chrono_tz::Tz;
use datafusion::common::ScalarValue;
use regex::Regex;

use crate::fault::quoted;
use crate::time::{DayEdge, moment};
use crate::{Text, text};

/// Most items of a list that a caller gives.
const MAX_ITEMS: usize = 10_000;

/// Day 0 of Arrow's dates, counted from the first day of year 1.
const EPOCH_DAY: i32 = 719_163;

/// Kind of a parameter's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ParamKind {
    /// A whole number of 64 bits.
    Int,
    /// A number of 64 bits, never NaN and never infinite.
    Float,
    /// A text.
    Text,
    /// `true` or `false`, also written 1 and 0.
    Bool,
    /// A day such as `2024-03-01`.
    Date,
    /// Unix seconds, a time as in RFC 3339, or a day; bound as Unix seconds.
    Timestamp,
    /// A length of time: seconds, or a number with `s`, `m`, `h`, `d` or `w`; bound as seconds.
    Interval,
    /// Whole numbers.
    IntList,
    /// Texts.
    TextList,
}

impl ParamKind {
    /// All kinds with their words in view files.
    pub const ALL: [(&'static str, Self); 9] = [
        ("int", Self::Int),
        ("float", Self::Float),
        ("text", Self::Text),
        ("bool", Self::Bool),
        ("date", Self::Date),
        ("timestamp", Self::Timestamp),
        ("interval", Self::Interval),
        ("int[]", Self::IntList),
        ("text[]", Self::TextList),
    ];

    /// The word in view files.
    pub fn word(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }

    /// Kind of one item: of a list its items', else the kind itself.
    pub fn item(self) -> Self {
        match self {
            Self::IntList => Self::Int,
            Self::TextList => Self::Text,
            other => other,
        }
    }

    /// Whether a value is several items.
    pub fn is_list(self) -> bool {
        matches!(self, Self::IntList | Self::TextList)
    }

    /// What is bound when the parameter is absent.
    pub fn null(self) -> ScalarValue {
        match self {
            Self::Int | Self::Timestamp | Self::Interval => ScalarValue::Int64(None),
            Self::Float => ScalarValue::Float64(None),
            Self::Text => ScalarValue::Utf8(None),
            Self::Bool => ScalarValue::Boolean(None),
            Self::Date => ScalarValue::Date32(None),
            Self::IntList => ScalarValue::new_null_list(DataType::Int64, true, 1),
            Self::TextList => ScalarValue::new_null_list(DataType::Utf8, true, 1),
        }
    }

    /// Arrow's type of what is bound.
    pub fn data_type(self) -> DataType {
        let list = |item| DataType::List(Arc::new(Field::new_list_field(item, true)));
        match self {
            Self::Int | Self::Timestamp | Self::Interval => DataType::Int64,
            Self::Float => DataType::Float64,
            Self::Text => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::IntList => list(DataType::Int64),
            Self::TextList => list(DataType::Utf8),
        }
    }
}

/// A value that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamValue {
    /// Whole numbers, times in Unix seconds, lengths of time in seconds, days since 1970-01-01.
    Int(i64),
    /// A number.
    Float(f64),
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// Several of them.
    List(Vec<Self>),
}

impl ParamValue {
    /// The value as it is bound to a parameter of this kind.
    pub fn bound(&self, kind: ParamKind) -> ScalarValue {
        match (self, kind) {
            (Self::Int(day), ParamKind::Date) => ScalarValue::Date32(i32::try_from(*day).ok()),
            (Self::Int(number), _) => ScalarValue::Int64(Some(*number)),
            (Self::Float(number), _) => ScalarValue::Float64(Some(*number)),
            (Self::Text(text), _) => ScalarValue::Utf8(Some(text.clone())),
            (Self::Bool(flag), _) => ScalarValue::Boolean(Some(*flag)),
            (Self::List(items), _) => {
                let item = kind.item();
                let items: Vec<ScalarValue> = items.iter().map(|value| value.bound(item)).collect();
                ScalarValue::List(ScalarValue::new_list(&items, &item.data_type(), true))
            }
        }
    }

    /// The value as JSON, as a batch and the record of a pull keep it; [`ParamSpec::read_json`] reads it back.
    pub fn json(&self, kind: ParamKind) -> serde_json::Value {
        match self {
            Self::Int(day) if kind == ParamKind::Date => match i32::try_from(*day).ok().and_then(day_of) {
                Some(day) => day.format("%Y-%m-%d").to_string().into(),
                None => serde_json::Value::Null,
            },
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bool(flag) => (*flag).into(),
            Self::List(items) => items.iter().map(|item| item.json(kind.item())).collect(),
        }
    }
}

/// A parameter as a view declares it.
#[derive(Debug, Clone)]
pub struct ParamSpec {
    /// Name, as in `$name`.
    pub name: String,
    /// Kind of the value.
    pub kind: ParamKind,
    /// Whether a caller must give it.
    pub required: bool,
    /// What is bound when it is absent; without it, NULL.
    pub default: Option<ParamValue>,
    /// Least and greatest item, inclusive.
    pub min: Option<ParamValue>,
    /// See `min`.
    pub max: Option<ParamValue>,
    /// Least number of characters of a text, or of items of a list.
    pub min_length: Option<usize>,
    /// Greatest number of them.
    pub max_length: Option<usize>,
    /// The only items that are allowed; empty for any.
    pub values: Vec<ParamValue>,
    /// What a whole text must match.
    pub pattern: Option<Regex>,
    /// Which second of a day a day stands for, in a timestamp.
    pub edge: DayEdge,
    /// What it is for.
    pub help: Option<Text>,
}

impl ParamSpec {
    /// A parameter of this kind without any rule.
    pub fn new(name: &str, kind: ParamKind) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            required: false,
            default: None,
            min: None,
            max: None,
            min_length: None,
            max_length: None,
            values: Vec::new(),
            pattern: None,
            edge: DayEdge::First,
            help: None,
        }
    }

    /// Reads what a caller gave as text: one or, for a list, several values, each of which may hold several behind
    /// commas.
    ///
    /// # Errors
    ///
    /// The reason why the value is none that the parameter takes.
    pub fn read_texts(&self, given: &[&str], zone: Tz) -> Result<ParamValue, Text> {
        if self.kind.is_list() {
            let mut words = given.iter().flat_map(|text| text.split(',')).map(str::trim);
            // `ids=` is the empty list.
            let alone = given.len() == 1 && given[0].is_empty();
            let items: Result<Vec<_>, Text> = if alone {
                Ok(Vec::new())
            } else {
                words.try_fold(Vec::new(), |items, word| self.pushed(items, word, zone))
            };
            return self.checked(ParamValue::List(items?));
        }
        match given {
            [one] => self.checked(self.item(one, zone)?),
            _ => Err(text!("it is given several times", "il est donné plusieurs fois")),
        }
    }

    /// Reads a value of a JSON document.
    ///
    /// # Errors
    ///
    /// As [`ParamSpec::read_texts`].
    pub fn read_json(&self, given: &serde_json::Value, zone: Tz) -> Result<ParamValue, Text> {
        match given {
            serde_json::Value::Array(items) if self.kind.is_list() => {
                if items.len() > MAX_ITEMS {
                    return Err(too_many(items.len()));
                }
                let items: Result<Vec<_>, Text> = items.iter().map(|item| self.json_item(item, zone)).collect();
                self.checked(ParamValue::List(items?))
            }
            one if self.kind.is_list() => self.checked(ParamValue::List(vec![self.json_item(one, zone)?])),
            one => self.checked(self.json_item(one, zone)?),
        }
    }

    fn pushed(&self, mut items: Vec<ParamValue>, word: &str, zone: Tz) -> Result<Vec<ParamValue>, Text> {
        if items.len() == MAX_ITEMS {
            return Err(too_many(items.len() + 1));
        }
        items.push(self.item(word, zone)?);
        Ok(items)
    }

    fn json_item(&self, given: &serde_json::Value, zone: Tz) -> Result<ParamValue, Text> {
        match (given, self.kind.item()) {
            (serde_json::Value::String(text), _) => self.item(text, zone),
            (serde_json::Value::Number(number), kind) if kind != ParamKind::Text => {
                self.item(&number.to_string(), zone)
            }
            (serde_json::Value::Bool(flag), ParamKind::Bool) => Ok(ParamValue::Bool(*flag)),
            (other, kind) => Err(mistyped(&other.to_string(), kind)),
        }
    }

    /// One item from its text.
    fn item(&self, text: &str, zone: Tz) -> Result<ParamValue, Text> {
        let kind = self.kind.item();
        let word = text.trim();
        let read = match kind {
            ParamKind::Int => word.parse().ok().map(ParamValue::Int),
            ParamKind::Float => word.parse().ok().filter(|number: &f64| number.is_finite()).map(ParamValue::Float),
            ParamKind::Bool => match word.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(ParamValue::Bool(true)),
                "false" | "0" => Some(ParamValue::Bool(false)),
                _ => None,
            },
            ParamKind::Date => NaiveDate::parse_from_str(word, "%Y-%m-%d")
                .ok()
                .map(|day| ParamValue::Int(i64::from(day.num_days_from_ce() - EPOCH_DAY))),
            ParamKind::Timestamp => moment(word, zone, self.edge).map(ParamValue::Int),
            ParamKind::Interval => interval(word).map(ParamValue::Int),
            // NUL is in no text that a database keeps, and many readers stop at it.
            _ => (!text.contains('\0')).then(|| ParamValue::Text(text.to_owned())),
        };
        read.ok_or_else(|| mistyped(text, kind))
    }

    /// The value, when it keeps all rules.
    ///
    /// # Errors
    ///
    /// The first rule that it breaks.
    pub(super) fn checked(&self, value: ParamValue) -> Result<ParamValue, Text> {
        let items = match &value {
            ParamValue::List(items) => {
                self.check_length(items.len(), ("items", "éléments"))?;
                items.as_slice()
            }
            one => std::slice::from_ref(one),
        };
        for item in items {
            self.check_item(item)?;
        }
        Ok(value)
    }

    fn check_item(&self, item: &ParamValue) -> Result<(), Text> {
        let shown = quoted(&self.shown(item));
        if let ParamValue::Text(text) = item {
            if !self.kind.is_list() {
                self.check_length(text.chars().count(), ("characters", "caractères"))?;
            }
            if let Some(pattern) = self.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
                let pattern = pattern.as_str().trim_start_matches("^(?:").trim_end_matches(")$");
                return Err(text!(
                    "\"{shown}\" does not match `{pattern}`",
                    "« {shown} » ne correspond pas à `{pattern}`"
                ));
            }
        }
        if let Some(min) = self.min.as_ref().filter(|min| is_less(item, min)) {
            let min = self.shown(min);
            return Err(text!("{shown} is less than {min}", "{shown} est inférieur à {min}"));
        }
        if let Some(max) = self.max.as_ref().filter(|max| is_less(max, item)) {
            let max = self.shown(max);
            return Err(text!("{shown} is more than {max}", "{shown} est supérieur à {max}"));
        }
        if !self.values.is_empty() && !self.values.contains(item) {
            let all = self.values.iter().map(|value| self.shown(value)).collect::<Vec<_>>().join(", ");
            return Err(text!("\"{shown}\" is none of {all}", "« {shown} » n'est pas dans {all}"));
        }
        Ok(())
    }

    fn shown(&self, value: &ParamValue) -> String {
        match value.json(self.kind.item()) {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        }
    }

    fn check_length(&self, length: usize, (en, fr): (&str, &str)) -> Result<(), Text> {
        if let Some(min) = self.min_length.filter(|min| length < *min) {
            return Err(text!("it has {length} {en}, fewer than {min}", "il a {length} {fr}, moins que {min}"));
        }
        if let Some(max) = self.max_length.filter(|max| length > *max) {
            return Err(text!("it has {length} {en}, more than {max}", "il a {length} {fr}, plus que {max}"));
        }
        Ok(())
    }
}

/// Seconds of a length of time: a number, or a number with a unit.
fn interval(word: &str) -> Option<i64> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let number: i64 = word.get(..digits)?.parse().ok()?;
    let unit = match word.get(digits..)?.trim() {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 7 * 86_400,
        _ => return None,
    };
    number.checked_mul(unit)
}

fn is_less(left: &ParamValue, right: &ParamValue) -> bool {
    match (left, right) {
        (ParamValue::Int(left), ParamValue::Int(right)) => left < right,
        (ParamValue::Float(left), ParamValue::Float(right)) => left < right,
        (ParamValue::Text(left), ParamValue::Text(right)) => left < right,
        _ => false,
    }
}

fn day_of(day: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(day.checked_add(EPOCH_DAY)?)
}

fn too_many(items: usize) -> Text {
    text!("it has {items} items, more than {MAX_ITEMS}", "il a {items} éléments, plus que {MAX_ITEMS}")
}

fn mistyped(value: &str, kind: ParamKind) -> Text {
    let value = quoted(value);
    let (en, fr) = match kind {
        ParamKind::Int | ParamKind::IntList => ("a whole number", "un nombre entier"),
        ParamKind::Float => ("a number", "un nombre"),
        ParamKind::Bool => ("true or false", "true ou false"),
        ParamKind::Date => ("a day such as 2024-03-01", "un jour tel que 2024-03-01"),
        ParamKind::Timestamp => (
            "a time: Unix seconds, a day, or a time such as 2024-03-01T08:00:00Z",
            "un horodatage : secondes Unix, un jour, ou un horodatage tel que 2024-03-01T08:00:00Z",
        ),
        ParamKind::Interval => (
            "a length of time: seconds, or a number with s, m, h, d or w",
            "une durée : des secondes, ou un nombre suivi de s, m, h, d ou w",
        ),
        ParamKind::Text | ParamKind::TextList => ("a text without NUL", "un texte sans NUL"),
    };
    text!("\"{value}\" is not {en}", "« {value} » n'est pas {fr}")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn read(kind: ParamKind, text: &str) -> Result<ParamValue, Text> {
        ParamSpec::new("x", kind).read_texts(&[text], Tz::UTC)
    }

    #[rstest]
    #[case(ParamKind::Int, "-3", ParamValue::Int(-3))]
    #[case(ParamKind::Float, "1.5", ParamValue::Float(1.5))]
    #[case(ParamKind::Bool, "TRUE", ParamValue::Bool(true))]
    #[case(ParamKind::Date, "1970-01-02", ParamValue::Int(1))]
    #[case(ParamKind::Timestamp, "1970-01-02", ParamValue::Int(86_400))]
    #[case(ParamKind::Timestamp, "1970-01-01T00:01:00Z", ParamValue::Int(60))]
    #[case(ParamKind::Timestamp, "1700000000", ParamValue::Int(1_700_000_000))]
    #[case(ParamKind::Interval, "2h", ParamValue::Int(7_200))]
    #[case(ParamKind::IntList, "1, 2", ParamValue::List(vec![ParamValue::Int(1), ParamValue::Int(2)]))]
    #[case(ParamKind::TextList, "", ParamValue::List(vec![]))]
    fn values_of_each_kind_are_read(#[case] kind: ParamKind, #[case] text: &str, #[case] expected: ParamValue) {
        let value = read(kind, text).unwrap();
        assert_eq!(value, expected);
        // What is kept as JSON reads back as the same.
        assert_eq!(ParamSpec::new("x", kind).read_json(&value.json(kind), Tz::UTC).unwrap(), expected);
        assert_eq!(value.bound(kind).data_type(), kind.data_type());
        assert_eq!(kind.null().data_type(), kind.data_type());
        assert!(kind.null().is_null());
    }

    #[rstest]
    #[case(ParamKind::Int, "1.5")]
    #[case(ParamKind::Int, "")]
    #[case(ParamKind::Int, "9223372036854775808")]
    #[case(ParamKind::Int, "0 OR 1=1")]
    #[case(ParamKind::Float, "NaN")]
    #[case(ParamKind::Bool, "yes")]
    #[case(ParamKind::Date, "2024-02-30")]
    #[case(ParamKind::Timestamp, "soon")]
    #[case(ParamKind::Interval, "2 years")]
    #[case(ParamKind::Interval, "9223372036854775807w")]
    #[case(ParamKind::IntList, "1,,2")]
    #[case(ParamKind::Text, "a\0b")]
    fn others_are_refused_in_both_languages(#[case] kind: ParamKind, #[case] text: &str) {
        let reason = read(kind, text).unwrap_err();
        assert!(reason.en.contains("is not") && reason.fr.contains("n'est pas"), "{reason:?}");
    }

    #[test]
    fn rules_are_kept() {
        let spec = ParamSpec {
            min: Some(ParamValue::Int(1)),
            max: Some(ParamValue::Int(9)),
            max_length: Some(2),
            ..ParamSpec::new("ids", ParamKind::IntList)
        };
        spec.read_texts(&["1,9"], Tz::UTC).unwrap();
        assert!(spec.read_texts(&["0"], Tz::UTC).unwrap_err().en.contains("less than 1"));
        assert!(spec.read_texts(&["10"], Tz::UTC).unwrap_err().en.contains("more than 9"));
        assert!(spec.read_texts(&["1", "2", "3"], Tz::UTC).unwrap_err().en.contains("3 items"));
        let spec = ParamSpec {
            pattern: Some(Regex::new("^(?:[a-z]+)$").unwrap()),
            values: vec![ParamValue::Text("ab".to_owned()), ParamValue::Text("cd".to_owned())],
            ..ParamSpec::new("word", ParamKind::Text)
        };
        spec.read_texts(&["ab"], Tz::UTC).unwrap();
        assert!(spec.read_texts(&["AB"], Tz::UTC).unwrap_err().en.contains("does not match `[a-z]+`"));
        assert!(spec.read_texts(&["ef"], Tz::UTC).unwrap_err().en.contains("none of ab, cd"));
        assert!(spec.read_texts(&["ab", "cd"], Tz::UTC).unwrap_err().en.contains("several times"));
    }
}
