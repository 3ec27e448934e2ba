//! Columns as text, a writer for each type: chosen once per batch, so that a row costs one call per cell.
//!
//! The generic way over [`super::cell`] writes the same bytes more slowly; the tests hold both against each other.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayAccessor, ArrayRef, AsArray, BooleanArray, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use arrow::json::writer::EncoderOptions;
use chrono::{DateTime, NaiveDateTime, Offset, TimeZone};
use engine::{Error, Result};

use super::calendar::{is_near_written, push_date, push_instant};
use super::dialect::Dialect;
use super::number::{Float, push_integer};

/// What stands around the values of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// In front of a value: a separator, a name, the start of an element.
    pub(super) before: Vec<u8>,
    /// Behind a value.
    pub(super) after: Vec<u8>,
    /// Instead of all this where the value is null.
    pub(super) null: Vec<u8>,
}

/// Writes the values of a column that are not null.
pub(super) trait Values {
    /// Appends the value of a row; `false` when it has no form in this format, which makes it null.
    ///
    /// What was appended before `false` is taken back by the caller. The row is not null.
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool;
}

/// A column of a batch.
pub(super) struct Column<'a> {
    frame: Arc<Frame>,
    nulls: Option<NullBuffer>,
    values: Box<dyn Values + 'a>,
}

impl<'a> Column<'a> {
    /// The column, whose type is one that [`super::wire::Wire`] leaves to text formats.
    pub(super) fn try_new<D: Dialect + 'a>(
        frame: Arc<Frame>,
        field: &'a FieldRef,
        array: &'a ArrayRef,
        options: &'a EncoderOptions,
    ) -> Result<Self> {
        let nulls = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(Self { frame, nulls, values: values::<D>(field, array, options)? })
    }

    /// Appends the cell of a row.
    pub(super) fn write(&mut self, row: usize, out: &mut Vec<u8>) {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            out.extend_from_slice(&self.frame.null);
            return;
        }
        let start = out.len();
        out.extend_from_slice(&self.frame.before);
        if self.values.write(row, out) {
            out.extend_from_slice(&self.frame.after);
        } else {
            out.truncate(start);
            out.extend_from_slice(&self.frame.null);
        }
    }
}

fn values<'a, D: Dialect + 'a>(
    field: &'a FieldRef,
    array: &'a ArrayRef,
    options: &'a EncoderOptions,
) -> Result<Box<dyn Values + 'a>> {
    Ok(match array.data_type() {
        DataType::Boolean => Box::new(Bools(array.as_boolean())),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => integers::<Int64Type>(array),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => integers::<UInt64Type>(array),
        DataType::Float16 => {
            let halves = array.as_primitive::<Float16Type>().values();
            floats::<D, f32>(halves.iter().map(|half| half.to_f32()).collect())
        }
        DataType::Float32 => floats::<D, f32>(array.as_primitive::<Float32Type>().values().as_ref().into()),
        DataType::Float64 => floats::<D, f64>(array.as_primitive::<Float64Type>().values().as_ref().into()),
        DataType::Utf8 => texts::<D, _>(array.as_string::<i32>()),
        DataType::LargeUtf8 => texts::<D, _>(array.as_string::<i64>()),
        DataType::Utf8View => texts::<D, _>(array.as_string_view()),
        DataType::Date32 => Box::new(Dates(array.as_primitive::<Date32Type>().values(), D::QUOTE)),
        DataType::Timestamp(unit, Some(zone)) => Box::new(Instants {
            counts: counts(array, *unit),
            per_second: per_second(*unit),
            zone: Zone::try_new(zone)?,
            quote: D::QUOTE,
        }),
        _ => D::rare(field, array, options)?,
    })
}

struct Bools<'a>(&'a BooleanArray);

impl Values for Bools<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(if self.0.value(row) { b"true" } else { b"false" });
        true
    }
}

struct Integers<'a, N>(&'a [N]);

fn integers<'a, T: ArrowPrimitiveType<Native: itoa::Integer>>(array: &'a ArrayRef) -> Box<dyn Values + 'a> {
    Box::new(Integers(array.as_primitive::<T>().values()))
}

impl<N: itoa::Integer + Copy> Values for Integers<'_, N> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        push_integer(self.0[row], out);
        true
    }
}

struct Floats<'a, D, N: Clone>(Cow<'a, [N]>, PhantomData<D>);

fn floats<'a, D: Dialect + 'a, N: Float + 'a>(numbers: Cow<'a, [N]>) -> Box<dyn Values + 'a> {
    Box::new(Floats::<D, N>(numbers, PhantomData))
}

impl<D: Dialect, N: Float> Values for Floats<'_, D, N> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let number = self.0[row];
        number.push_plain(out) || D::push_float(number, out)
    }
}

struct Texts<D, A>(A, PhantomData<D>);

fn texts<'a, D: Dialect + 'a, A: ArrayAccessor<Item = &'a str> + 'a>(array: A) -> Box<dyn Values + 'a> {
    Box::new(Texts::<D, A>(array, PhantomData))
}

impl<'a, D: Dialect, A: ArrayAccessor<Item = &'a str>> Values for Texts<D, A> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        D::push_text(self.0.value(row), out);
        true
    }
}

/// Days, and the quotes around them.
struct Dates<'a>(&'a [i32], &'static [u8]);

impl Values for Dates<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(self.1);
        let written = push_date(self.0[row].into(), out);
        out.extend_from_slice(self.1);
        written
    }
}

struct Instants<'a> {
    /// Seconds, or parts of seconds, since 1970.
    counts: &'a [i64],
    /// How many counts make a second.
    per_second: i64,
    zone: Zone,
    quote: &'static [u8],
}

impl Values for Instants<'_> {
    fn write(&mut self, row: usize, out: &mut Vec<u8>) -> bool {
        let count = self.counts[row];
        let seconds = count.div_euclid(self.per_second);
        // Below 1 000 000 000, so that no conversion cuts.
        let nanos = (count.rem_euclid(self.per_second) * (1_000_000_000 / self.per_second)) as u32;
        let Some(offset) = self.zone.offset(seconds) else {
            return false;
        };
        out.extend_from_slice(self.quote);
        let written = push_instant(seconds, nanos, offset, out);
        out.extend_from_slice(self.quote);
        written
    }
}

fn counts(array: &ArrayRef, unit: TimeUnit) -> &[i64] {
    fn of<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef) -> &[i64] {
        let array: &PrimitiveArray<T> = array.as_primitive();
        array.values()
    }
    match unit {
        TimeUnit::Second => of::<TimestampSecondType>(array),
        TimeUnit::Millisecond => of::<TimestampMillisecondType>(array),
        TimeUnit::Microsecond => of::<TimestampMicrosecondType>(array),
        TimeUnit::Nanosecond => of::<TimestampNanosecondType>(array),
    }
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// What the clocks of a column show.
enum Zone {
    /// Always as many seconds ahead of UTC.
    Fixed(i32),
    /// Another offset in summer.
    Named(Tz),
}

impl Zone {
    fn try_new(name: &str) -> Result<Self> {
        let zone: Tz = name.parse()?;
        if !name.starts_with(['+', '-']) && !name.eq_ignore_ascii_case("utc") {
            return Ok(Self::Named(zone));
        }
        match offset(zone, 0) {
            Some(offset) => Ok(Self::Fixed(offset)),
            None => Err(Error::bug("the calendar does not know 1970")),
        }
    }

    /// Seconds ahead of UTC at an instant; `None` for instants so far away that they have no written form.
    fn offset(&self, seconds: i64) -> Option<i32> {
        match self {
            Self::Fixed(offset) => Some(*offset),
            Self::Named(zone) => is_near_written(seconds).then(|| offset(*zone, seconds)).flatten(),
        }
    }
}

fn offset(zone: Tz, seconds: i64) -> Option<i32> {
    let utc: NaiveDateTime = DateTime::from_timestamp(seconds, 0)?.naive_utc();
    Some(zone.offset_from_utc_datetime(&utc).fix().local_minus_utc())
}
