//! How much a call would make, from its arguments: one rule per function.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Date32Type, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampNanosecondType};
use datafusion::error::DataFusionError;
use memchr::memmem;

use super::args::{Arg, Args, bytes_at, leaves};
use crate::error::Error;
use crate::query::limits::Budget;
use crate::{ErrorKind, text};

/// Nanoseconds of the shortest day: clocks go forward by an hour at most.
const SHORT_DAY: i128 = 23 * 3_600 * 1_000_000_000;

/// Most bytes that one byte of a date format becomes: `%+` makes 35 of 2.
const FORMAT_GROWTH: usize = 20;

/// Longest form of a whole number, and of any other value that is not text.
const WHOLE_WIDTH: usize = 20;
const OTHER_WIDTH: usize = 80;

/// How a function is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Rule {
    /// `repeat(text, n)`.
    Repeat,
    /// `lpad(text, n, fill)` and `rpad`.
    Pad,
    /// `replace(text, from, to)`.
    Replace,
    /// Texts one after the other: `concat`, `overlay`, `||`.
    Texts,
    /// `concat_ws(separator, …)`.
    Separated,
    /// `array_to_string(list, delimiter, null)`.
    Joined,
    /// `regexp_replace(text, pattern, replacement, flags)`.
    RegexpReplace,
    /// `regexp_match(text, pattern, flags)`: each group repeats part of the text.
    RegexpMatch,
    /// `to_char(value, format)`.
    Format,
    /// `encode(bytes, 'hex')`.
    Encode,
    /// `translate(text, from, to)`: a character of 1 byte can become one of 4.
    Translate,
    /// `range(start, stop, step)`, without the stop.
    Range,
    /// `generate_series(start, stop, step)`, with the stop.
    Series,
    /// `array_repeat(element, n)`.
    RepeatItem,
    /// `array_resize(list, n, element)`.
    Resize,
    /// All values of the arguments in one list or struct: `make_array`, `array_concat`.
    Items,
    /// `array_replace_all(list, from, to)`.
    ReplaceItems,
}

/// Functions that are measured, by name. Their aliases come with them.
const RULES: &[(&str, Rule)] = &[
    ("array_append", Rule::Items),
    ("array_concat", Rule::Items),
    ("array_prepend", Rule::Items),
    ("array_repeat", Rule::RepeatItem),
    ("array_replace", Rule::ReplaceItems),
    ("array_replace_all", Rule::ReplaceItems),
    ("array_replace_n", Rule::ReplaceItems),
    ("array_resize", Rule::Resize),
    ("array_to_string", Rule::Joined),
    ("array_union", Rule::Items),
    ("arrays_zip", Rule::Items),
    ("concat", Rule::Texts),
    ("concat_ws", Rule::Separated),
    ("encode", Rule::Encode),
    ("generate_series", Rule::Series),
    ("lpad", Rule::Pad),
    ("make_array", Rule::Items),
    ("map", Rule::Items),
    ("named_struct", Rule::Items),
    ("overlay", Rule::Texts),
    ("range", Rule::Range),
    ("regexp_match", Rule::RegexpMatch),
    ("regexp_replace", Rule::RegexpReplace),
    ("repeat", Rule::Repeat),
    ("replace", Rule::Replace),
    ("rpad", Rule::Pad),
    ("struct", Rule::Items),
    ("to_char", Rule::Format),
    ("translate", Rule::Translate),
];

/// What one row of a call would make; all three are upper bounds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Bytes of the text; 0 when the result is none.
    pub(super) text: usize,
    /// Elements of the list; 0 when the result is none.
    pub(super) items: usize,
    /// Bytes of the value, text or not.
    pub(super) bytes: usize,
}

impl Cost {
    fn text(bytes: usize) -> Self {
        Self { text: bytes, items: 0, bytes }
    }

    fn list(items: usize, bytes: usize) -> Self {
        Self { text: 0, items, bytes }
    }

    /// Refuses a row that would make too long a text or list.
    pub(super) fn check(&self, function: &str, budget: &Budget) -> Result<(), Error> {
        if self.text > budget.max_text {
            return Err(budget.text_too_long(function, self.text));
        }
        if self.items > budget.max_list {
            return Err(budget.list_too_long(function, self.items));
        }
        Ok(())
    }
}

impl Rule {
    /// The rule of a function, if it is measured.
    pub(super) fn of(function: &str) -> Option<Self> {
        let place = RULES.binary_search_by_key(&function, |(name, _)| name).ok()?;
        RULES.get(place).map(|(_, rule)| *rule)
    }

    /// Whether the measure can be far above what is made, so that the result has to be looked at as well.
    pub(super) fn is_rough(self) -> bool {
        matches!(self, Self::RegexpReplace | Self::RegexpMatch | Self::Format | Self::Translate | Self::Joined)
    }

    /// What a row of the call would make.
    pub(super) fn measure(self, args: &Args, row: usize) -> Result<Cost, DataFusionError> {
        Ok(match self {
            Self::Repeat => repeat(args, row),
            Self::Pad => pad(args, row),
            Self::Replace => replace(args, row),
            Self::Texts => Cost::text(total(args, row)),
            Self::Separated => separated(args, row),
            Self::Joined => joined(args, row),
            Self::RegexpReplace => regexp_replace(args, row),
            Self::RegexpMatch => regexp_match(args, row),
            Self::Format => Cost::text(text_len(args, 1, row).saturating_mul(FORMAT_GROWTH)),
            Self::Encode => Cost::text(args.get(0).map_or(0, |arg| arg.bytes(row)).saturating_mul(2)),
            Self::Translate => Cost::text(text_len(args, 0, row).saturating_mul(4)),
            Self::Range => range(args, row, false)?,
            Self::Series => range(args, row, true)?,
            Self::RepeatItem => repeat_item(args, row),
            Self::Resize => resize(args, row),
            Self::Items => items(args, row),
            Self::ReplaceItems => replace_items(args, row),
        })
    }
}

fn text_len(args: &Args, place: usize, row: usize) -> usize {
    args.get(place).and_then(|arg| arg.text(row)).map_or(0, str::len)
}

/// A count of repetitions; negative and NULL make nothing.
fn count(args: &Args, place: usize, row: usize) -> usize {
    args.get(place).and_then(|arg| arg.int(row)).map_or(0, |count| usize::try_from(count).unwrap_or(0))
}

/// Bytes of all arguments; values that are not texts count with their longest form.
fn total(args: &Args, row: usize) -> usize {
    args.iter().map(|arg| arg.bytes(row).max(width(arg.data_type()))).fold(0, usize::saturating_add)
}

/// Longest form of a value that is not text.
fn width(data_type: &DataType) -> usize {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => 0,
        other if other.is_integer() => WHOLE_WIDTH,
        _ => OTHER_WIDTH,
    }
}

fn repeat(args: &Args, row: usize) -> Cost {
    Cost::text(text_len(args, 0, row).saturating_mul(count(args, 1, row)))
}

fn pad(args: &Args, row: usize) -> Cost {
    let (Some(text), wanted) = (args.get(0).and_then(|arg| arg.text(row)), count(args, 1, row)) else {
        return Cost::default();
    };
    let fill = match args.get(2) {
        Some(fill) => fill.text(row).unwrap_or_default(),
        None => " ",
    };
    let missing = wanted.saturating_sub(text.chars().count());
    if missing == 0 || fill.is_empty() {
        return Cost::text(text.len());
    }
    // Whole rounds of the fill, and at most all of it once more.
    let rounds = missing / fill.chars().count().max(1);
    let rest: usize = fill.chars().take(missing % fill.chars().count().max(1)).map(char::len_utf8).sum();
    Cost::text(text.len().saturating_add(rounds.saturating_mul(fill.len())).saturating_add(rest))
}

fn replace(args: &Args, row: usize) -> Cost {
    let text = |place: usize| args.get(place).and_then(|arg| arg.text(row));
    let (Some(whole), Some(from), Some(to)) = (text(0), text(1), text(2)) else {
        return Cost::default();
    };
    if to.len() <= from.len() {
        return Cost::text(whole.len());
    }
    let found = match from {
        // An empty pattern is found before each character and at the end.
        "" => whole.chars().count() + 1,
        from => memmem::find_iter(whole.as_bytes(), from).count(),
    };
    Cost::text(whole.len().saturating_add(found.saturating_mul(to.len() - from.len())))
}

fn separated(args: &Args, row: usize) -> Cost {
    let between = args.iter().count().saturating_sub(2);
    Cost::text(total(args, row).saturating_add(text_len(args, 0, row).saturating_mul(between)))
}

fn joined(args: &Args, row: usize) -> Cost {
    let Some(list) = args.get(0).and_then(|arg| arg.list(row)) else {
        return Cost::default();
    };
    let leaves = leaves(&list);
    let widest = width(leaves.data_type());
    let bytes = match widest {
        0 => (0..leaves.len()).map(|place| bytes_at(&leaves, place)).fold(0, usize::saturating_add),
        _ => 0,
    };
    let each = widest.max(text_len(args, 2, row)).saturating_add(text_len(args, 1, row));
    Cost::text(bytes.saturating_add(leaves.len().saturating_mul(each)))
}

/// Each match can add the replacement's own bytes, and what its groups name: together never more than the text once
/// per group.
fn regexp_replace(args: &Args, row: usize) -> Cost {
    let (text, replacement) = (text_len(args, 0, row), text_len(args, 2, row));
    let global = args.get(3).and_then(|arg| arg.text(row)).is_some_and(|flags| flags.contains('g'));
    let matches = if global { text.saturating_add(1) } else { 1 };
    let own = matches.saturating_mul(replacement);
    let groups = (replacement / 2).saturating_mul(text);
    Cost::text(text.saturating_add(own).saturating_add(groups))
}

fn regexp_match(args: &Args, row: usize) -> Cost {
    let pattern = args.get(1).and_then(|arg| arg.text(row)).unwrap_or_default();
    let groups = pattern.bytes().filter(|byte| *byte == b'(').count() + 1;
    Cost::list(groups, groups.saturating_mul(text_len(args, 0, row)))
}

fn repeat_item(args: &Args, row: usize) -> Cost {
    let count = count(args, 1, row);
    let bytes = args.get(0).map_or(0, |arg| arg.bytes(row)).max(1);
    Cost::list(count, bytes.saturating_mul(count))
}

fn resize(args: &Args, row: usize) -> Cost {
    let Some(list) = args.get(0) else {
        return Cost::default();
    };
    let wanted = count(args, 1, row);
    let filled = wanted.saturating_sub(list.items(row));
    let bytes = args.get(2).map_or(0, |arg| arg.bytes(row)).max(size_of::<u128>());
    Cost::list(wanted, list.bytes(row).saturating_add(bytes.saturating_mul(filled)))
}

fn items(args: &Args, row: usize) -> Cost {
    let items = args.iter().map(|arg| arg.items(row).max(1)).fold(0, usize::saturating_add);
    let bytes = args.iter().map(|arg| arg.bytes(row)).fold(0, usize::saturating_add);
    Cost::list(items, bytes)
}

fn replace_items(args: &Args, row: usize) -> Cost {
    let Some(list) = args.get(0) else {
        return Cost::default();
    };
    let items = list.items(row);
    let bytes = args.get(2).map_or(0, |arg| arg.bytes(row)).saturating_mul(items);
    Cost::list(items, list.bytes(row).saturating_add(bytes))
}

fn range(args: &Args, row: usize, with_stop: bool) -> Result<Cost, DataFusionError> {
    let whole = args.iter().all(|arg| *arg.data_type() == DataType::Int64);
    let items = if whole { whole_range(args, row, with_stop) } else { time_range(args, row)? };
    let items = usize::try_from(items).unwrap_or(usize::MAX);
    Ok(Cost::list(items, items.saturating_mul(size_of::<i64>())))
}

/// Numbers from start to stop.
fn whole_range(args: &Args, row: usize, with_stop: bool) -> i128 {
    let int = |arg: &Arg| arg.int(row).map(i128::from);
    let mut values = args.iter().map(int);
    let (start, stop, step) = match (values.next(), values.next(), values.next()) {
        (Some(Some(stop)), None, _) => (0, stop, 1),
        (Some(Some(start)), Some(Some(stop)), None) => (start, stop, 1),
        (Some(Some(start)), Some(Some(stop)), Some(Some(step))) => (start, stop, step),
        _ => return 0,
    };
    let (distance, step) = if step < 0 { (start - stop, -step) } else { (stop - start, step) };
    match (distance, step) {
        (_, 0) | (..0, _) => 0,
        (distance, step) if with_stop => distance / step + 1,
        (distance, step) => (distance + step - 1) / step,
    }
}

/// Days or instants from start to stop, or one or two more. The step counts with its shortest months and days.
fn time_range(args: &Args, row: usize) -> Result<i128, DataFusionError> {
    let (Some(start), Some(stop), Some(step)) = (args.get(0), args.get(1), args.get(2)) else {
        return Ok(0);
    };
    let (Some(start), Some(stop), Some(step)) = (instant(start, row)?, instant(stop, row)?, interval(step, row)) else {
        return Ok(0);
    };
    let parts = [i128::from(step.months), i128::from(step.days), i128::from(step.nanoseconds)];
    let forward = parts.iter().any(|part| *part > 0);
    if forward && parts.iter().any(|part| *part < 0) {
        // Such a step can stand still, and the list would never end.
        return Err(DataFusionError::External(Box::new(Error::new(
            ErrorKind::Invalid,
            text!(
                "the step of `range` mixes forward and backward parts",
                "le pas de `range` mêle des parties en avant et en arrière"
            ),
        ))));
    }
    let [months, days, nanoseconds] = parts.map(i128::abs);
    // Adding months can be clipped to the end of February.
    let step = months * 28 * SHORT_DAY + days * SHORT_DAY + nanoseconds;
    let distance = if forward { stop - start } else { start - stop };
    Ok(if step == 0 || distance < 0 { 0 } else { distance / step + 2 })
}

/// A date or time as nanoseconds.
fn instant(arg: &Arg, row: usize) -> Result<Option<i128>, DataFusionError> {
    let (array, place) = arg.at(row);
    if place >= array.len() || array.is_null(place) {
        return Ok(None);
    }
    let one = array.slice(place, 1);
    Ok(match array.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = arrow::compute::cast(&one, &DataType::Date32)?;
            let days = days.as_primitive::<Date32Type>().value(0);
            Some(i128::from(days) * 86_400 * 1_000_000_000)
        }
        DataType::Timestamp(_, zone) => {
            let nanoseconds = DataType::Timestamp(arrow::datatypes::TimeUnit::Nanosecond, zone.clone());
            let instants = arrow::compute::cast(&one, &nanoseconds)?;
            Some(i128::from(instants.as_primitive::<TimestampNanosecondType>().value(0)))
        }
        _ => None,
    })
}

fn interval(arg: &Arg, row: usize) -> Option<IntervalMonthDayNano> {
    let (array, place) = arg.at(row);
    if place >= array.len() || array.is_null(place) {
        return None;
    }
    array.as_primitive_opt::<IntervalMonthDayNanoType>().map(|intervals| intervals.value(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_sorted_for_the_search() {
        assert!(RULES.is_sorted_by_key(|(name, _)| name));
        assert_eq!(Rule::of("repeat"), Some(Rule::Repeat));
        assert_eq!(Rule::of("upper"), None);
    }
}
