//! The arguments that all gap functions share: hit times, then the policy.

use arrow::array::ArrayRef;
use arrow::array::{Array, AsArray, Int64Array};
use arrow::datatypes::{
    DataType, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use datafusion::common::{DataFusionError, Result as DfResult, ScalarValue};

use crate::error::{Error, ErrorKind, Result};
use crate::fault::quoted;
use crate::text::Text;
use crate::time::{Boundary, Credit, GapPolicy, Minimum, Seconds};

/// One argument: its name, what it may be, and what the manual says about it.
pub(super) struct Argument {
    /// Name in messages, in the manual and in calls such as `threshold => 900`.
    pub(super) name: &'static str,
    /// Values that are accepted, for messages.
    allowed: fn() -> Text,
    /// Sentence of the manual, with the unit.
    pub(super) doc: &'static str,
}

/// Position of the hit times among [`ARGUMENTS`]; all others are constants.
const TIMECREATED: usize = 0;

/// All arguments in the order of a call.
pub(super) static ARGUMENTS: [Argument; 5] = [
    Argument {
        name: "timecreated",
        allowed: || {
            crate::text!("an integer, in Unix seconds, or a timestamp", "un entier, en secondes Unix, ou un horodatage")
        },
        doc: "Time of each hit: any integer type, in Unix seconds, or a timestamp, whose fraction of a second is \
              dropped. NULL is skipped.",
    },
    Argument {
        name: "threshold",
        allowed: || crate::text!("whole seconds, 0 or more", "un nombre entier de secondes, 0 ou plus"),
        doc: "Longest gap between two hits of one session, in seconds. Default: 3600.",
    },
    Argument {
        name: "boundary",
        allowed: || crate::text!("'>' or '>='", "'>' ou '>='"),
        doc: "Whether a gap opens a new session when it is longer than the threshold (`'>'`, the default) or already \
              when it is as long (`'>='`).",
    },
    Argument {
        name: "credit",
        allowed: || {
            crate::text!(
                "'none', 'half', 'threshold' or whole seconds, 0 or more",
                "'none', 'half', 'threshold' ou un nombre entier de secondes, 0 ou plus"
            )
        },
        doc: "Seconds added after the last hit of each session: a number, `'none'` (the default), `'half'` of the \
              threshold, or the `'threshold'`.",
    },
    Argument {
        name: "minimum",
        allowed: || {
            crate::text!(
                "'none', whole seconds such as 59, or a text such as '> 59', '>= 60' or '2 events'",
                "'none', un nombre entier de secondes comme 59, ou un texte comme '> 59', '>= 60' ou '2 events'"
            )
        },
        doc: "Which sessions count: those longer than a number of seconds (59 or `'> 59'`), at least as long \
              (`'>= 60'`), or with a number of hits (`'2 events'`). The length is taken from the first to the last \
              hit, before the credit. Default: `'none'`, all of them.",
    },
];

/// Names for calls with named arguments.
pub(super) fn names() -> Vec<String> {
    ARGUMENTS.iter().map(|argument| argument.name.to_owned()).collect()
}

/// Carries a failure of ours through DataFusion, so that it comes out in both languages.
pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The types the arguments are cast to. Types that fit no argument stay, for [`check_types`] to refuse.
pub(super) fn coerced(types: &[DataType]) -> Vec<DataType> {
    let integer = |kind: &DataType| match kind {
        DataType::Dictionary(_, value) => value.is_integer(),
        kind => kind.is_integer(),
    };
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View);
    let coerce = |(position, kind): (usize, &DataType)| match kind {
        kind if integer(kind) => DataType::Int64,
        DataType::Null if position == TIMECREATED => DataType::Int64,
        kind if text(kind) && position != TIMECREATED => DataType::Utf8,
        kind => kind.clone(),
    };
    types.iter().enumerate().map(coerce).collect()
}

/// Refuses a wrong number of arguments, and types that no value could make right.
pub(super) fn check_types(function: &'static str, types: &[DataType]) -> Result<()> {
    let (given, most) = (types.len(), ARGUMENTS.len());
    if given == 0 || given > most {
        return Err(Error::new(
            ErrorKind::Invalid,
            crate::text!(
                "`{function}` takes 1 to {most} arguments, not {given}",
                "`{function}` prend de 1 à {most} arguments, pas {given}"
            ),
        ));
    }
    for (position, (argument, kind)) in ARGUMENTS.iter().zip(types).enumerate() {
        let fits = match kind {
            DataType::Int64 => argument.name != "boundary",
            DataType::Timestamp(_, _) => position == TIMECREATED,
            DataType::Utf8 | DataType::Null => position != TIMECREATED,
            _ => false,
        };
        if !fits {
            return Err(refused(function, argument, &format!("of type {kind}")));
        }
    }
    Ok(())
}

/// The policy of a call from the values after the hit times; those that are absent or NULL have their defaults.
pub(super) fn policy(function: &'static str, values: &[ScalarValue]) -> Result<GapPolicy> {
    let mut policy = GapPolicy::default();
    for (argument, value) in ARGUMENTS.iter().skip(1).zip(values) {
        let Some(value) = Value::of(value) else { continue };
        let parsed = match argument.name {
            "threshold" => value.seconds().map(|seconds| policy.threshold = seconds),
            "boundary" => boundary(&value).map(|boundary| policy.boundary = boundary),
            "credit" => credit(&value).map(|credit| policy.credit = credit),
            _ => minimum(&value).map(|minimum| policy.minimum = minimum),
        };
        parsed.ok_or_else(|| refused(function, argument, &value.shown()))?;
    }
    Ok(policy)
}

/// The policy argument at this position, counted from the hit times, is no constant.
pub(super) fn not_constant(function: &'static str, position: usize, expression: &str) -> Error {
    let name = ARGUMENTS.get(position).map_or("", |argument| argument.name);
    let expression = quoted(expression);
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "argument `{name}` of `{function}` is \"{expression}\": a constant is needed",
            "l'argument `{name}` de `{function}` est « {expression} » : il faut une constante"
        ),
    )
}

/// `DISTINCT` would drop hits of the same second and so falsify the counts.
pub(super) fn no_distinct(function: &'static str) -> Error {
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "`{function}` takes no DISTINCT: hits in the same second are different hits",
            "`{function}` n'accepte pas DISTINCT : des traces de la même seconde sont des traces différentes"
        ),
    )
}

/// The hit times in Unix seconds, without a copy when they are integers already.
pub(super) fn times(array: &ArrayRef) -> DfResult<Int64Array> {
    let floor = |per_second: i64| move |time: i64| time.div_euclid(per_second);
    Ok(match array.data_type() {
        DataType::Int64 => array.as_primitive::<Int64Type>().clone(),
        DataType::Timestamp(TimeUnit::Second, _) => {
            array.as_primitive::<TimestampSecondType>().reinterpret_cast::<Int64Type>()
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            array.as_primitive::<TimestampMillisecondType>().unary(floor(1_000))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            array.as_primitive::<TimestampMicrosecondType>().unary(floor(1_000_000))
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            array.as_primitive::<TimestampNanosecondType>().unary(floor(1_000_000_000))
        }
        other => return Err(external(Error::bug(format!("hit times of type {other}")))),
    })
}

/// A constant as the caller wrote it.
enum Value {
    Number(i64),
    Text(String),
    /// A value that fits no argument, as it reads.
    Other(String),
}

impl Value {
    /// `None` for NULL.
    fn of(value: &ScalarValue) -> Option<Self> {
        match value {
            value if value.is_null() => None,
            ScalarValue::Int64(Some(number)) => Some(Self::Number(*number)),
            ScalarValue::Utf8(Some(text)) => Some(Self::Text(text.clone())),
            other => Some(Self::Other(other.to_string())),
        }
    }

    /// A length of time, from a number or from its digits.
    fn seconds(&self) -> Option<Seconds> {
        let number = match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.trim().parse().ok()?,
            Self::Other(_) => return None,
        };
        Seconds::try_new(number).ok()
    }

    /// A word, without the blanks around it and in lower case.
    fn word(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.trim().to_lowercase()),
            Self::Number(_) | Self::Other(_) => None,
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Number(number) => format!("\"{number}\""),
            Self::Text(text) | Self::Other(text) => format!("\"{}\"", quoted(text)),
        }
    }
}

fn boundary(value: &Value) -> Option<Boundary> {
    match value.word()?.as_str() {
        ">" => Some(Boundary::Longer),
        ">=" => Some(Boundary::LongerOrEqual),
        _ => None,
    }
}

fn credit(value: &Value) -> Option<Credit> {
    match value.word().as_deref() {
        Some("none") => Some(Credit::None),
        Some("half") => Some(Credit::HalfThreshold),
        Some("threshold") => Some(Credit::Threshold),
        _ => value.seconds().map(Credit::Fixed),
    }
}

fn minimum(value: &Value) -> Option<Minimum> {
    if let Some(seconds) = value.seconds() {
        return Some(Minimum::LongerThan(seconds));
    }
    let word = value.word()?;
    let length = |text: &str| text.trim().parse().ok().and_then(|number| Seconds::try_new(number).ok());
    if word == "none" {
        Some(Minimum::None)
    } else if let Some(text) = word.strip_prefix(">=") {
        length(text).map(Minimum::AtLeast)
    } else if let Some(text) = word.strip_prefix('>') {
        length(text).map(Minimum::LongerThan)
    } else {
        let count = word.strip_suffix("events").or_else(|| word.strip_suffix("event"))?;
        count.trim().parse().ok().map(Minimum::Events)
    }
}

/// An argument that is not among the allowed values. `shown` is the value in quotes, or what it is.
fn refused(function: &'static str, argument: &Argument, shown: &str) -> Error {
    let (name, allowed) = (argument.name, (argument.allowed)());
    let (allowed_en, allowed_fr) = (allowed.en, allowed.fr);
    let shown_fr = shown.replace("of type", "de type");
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "argument `{name}` of `{function}` is {shown}: allowed are {allowed_en}",
            "l'argument `{name}` de `{function}` est {shown_fr} : valeurs permises : {allowed_fr}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{TimestampMillisecondArray, TimestampSecondArray};

    use super::*;
    use crate::text::Lang;

    fn text(value: &str) -> ScalarValue {
        ScalarValue::from(value)
    }

    fn number(value: i64) -> ScalarValue {
        ScalarValue::from(value)
    }

    fn seconds(value: i64) -> Seconds {
        Seconds::try_new(value).unwrap()
    }

    #[test]
    fn absent_and_null_arguments_have_their_defaults() {
        assert_eq!(policy("sessions", &[]).unwrap(), GapPolicy::default());
        let nulls = [ScalarValue::Int64(None), ScalarValue::Null, ScalarValue::Utf8(None), ScalarValue::Null];
        assert_eq!(policy("sessions", &nulls).unwrap(), GapPolicy::default());
    }

    #[test]
    fn every_form_of_a_credit_and_of_a_minimum() {
        let values = |credit: ScalarValue, minimum: ScalarValue| {
            let policy = policy("f", &[number(900), text(" >= "), credit, minimum]).unwrap();
            assert_eq!((policy.threshold, policy.boundary), (seconds(900), Boundary::LongerOrEqual));
            (policy.credit, policy.minimum)
        };
        for (credit, minimum, expected) in [
            (number(300), number(59), (Credit::Fixed(seconds(300)), Minimum::LongerThan(seconds(59)))),
            (text("300"), text("59"), (Credit::Fixed(seconds(300)), Minimum::LongerThan(seconds(59)))),
            (text("Half"), text("> 59"), (Credit::HalfThreshold, Minimum::LongerThan(seconds(59)))),
            (text("threshold"), text(">=60"), (Credit::Threshold, Minimum::AtLeast(seconds(60)))),
            (text("none"), text("2 events"), (Credit::None, Minimum::Events(2))),
            (number(0), text("1 event"), (Credit::Fixed(Seconds::ZERO), Minimum::Events(1))),
            (text("none"), text("NONE"), (Credit::None, Minimum::None)),
        ] {
            assert_eq!(values(credit, minimum), expected);
        }
    }

    #[test]
    fn a_bad_value_is_named_with_what_is_allowed() {
        let message = |values: &[ScalarValue]| policy("sessions", values).unwrap_err().message(Lang::En).to_owned();
        let none = || ScalarValue::Null;
        assert_eq!(
            message(&[number(-1)]),
            "argument `threshold` of `sessions` is \"-1\": allowed are whole seconds, 0 or more"
        );
        assert_eq!(
            message(&[none(), text("<")]),
            "argument `boundary` of `sessions` is \"<\": allowed are '>' or '>='"
        );
        assert_eq!(
            message(&[none(), none(), text("full")]),
            "argument `credit` of `sessions` is \"full\": allowed are 'none', 'half', 'threshold' or whole seconds, \
             0 or more"
        );
        for bad in ["< 5", ">", ">= -1", "events", "two events", "2 hits", ""] {
            let message = message(&[none(), none(), none(), text(bad)]);
            assert!(message.starts_with(&format!("argument `minimum` of `sessions` is \"{bad}\"")), "{message}");
        }
        let french = policy("sessions", &[text("une heure")]).unwrap_err();
        assert_eq!(
            french.message(Lang::Fr),
            "l'argument `threshold` de `sessions` est \"une heure\" : valeurs permises : un nombre entier de \
             secondes, 0 ou plus"
        );
    }

    #[test]
    fn timestamps_become_seconds_rounded_down() {
        let millis: ArrayRef = Arc::new(TimestampMillisecondArray::from(vec![Some(1_999), None, Some(-1)]));
        assert_eq!(times(&millis).unwrap(), Int64Array::from(vec![Some(1), None, Some(-1)]));
        let zoned: ArrayRef = Arc::new(TimestampSecondArray::from(vec![7]).with_timezone("Europe/Paris"));
        assert_eq!(times(&zoned).unwrap(), Int64Array::from(vec![7]));
    }
}
