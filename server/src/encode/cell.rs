//! One cell as text: how every text format writes a number, a time, bytes, a list.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{
    DataType, FieldRef, Float16Type, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;
use arrow::json::writer::{Encoder, EncoderFactory, EncoderOptions, NullableEncoder, make_encoder};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::Result;

use super::calendar::is_near_written;

/// How JSON is written: nulls stand there, times are RFC 3339.
pub(super) fn json_options() -> EncoderOptions {
    EncoderOptions::default().with_explicit_nulls(true).with_encoder_factory(Arc::new(Times))
}

/// Cells of one column as text. Bytes are hexadecimal, times RFC 3339, lists and structs JSON.
pub(super) enum Cells<'a> {
    /// Numbers, text, times.
    Plain(PlainCells<'a>),
    /// Lists, structs, maps.
    Json(NullableEncoder<'a>, Vec<u8>),
}

impl<'a> Cells<'a> {
    /// The cells of an array that [`super::wire::Wire`] has rewritten for text.
    pub(super) fn try_new(field: &'a FieldRef, array: &'a dyn Array, options: &'a EncoderOptions) -> Result<Self> {
        if is_nested(array.data_type()) {
            return Ok(Self::Json(make_encoder(field, array, options)?, Vec::new()));
        }
        Ok(Self::Plain(PlainCells::try_new(array)?))
    }

    /// Writes the text of a row into `text`, which is emptied first; `false` when the cell is null.
    pub(super) fn read(&mut self, row: usize, text: &mut String) -> bool {
        text.clear();
        match self {
            Self::Plain(cells) => cells.read(row, text),
            Self::Json(encoder, bytes) => {
                if encoder.is_null(row) {
                    return false;
                }
                bytes.clear();
                encoder.encode(row, bytes);
                text.push_str(&String::from_utf8_lossy(bytes));
                true
            }
        }
    }
}

/// Whether a type holds other values.
pub(super) fn is_nested(data_type: &DataType) -> bool {
    data_type.is_nested() && !matches!(data_type, DataType::RunEndEncoded(..))
}

/// Cells of a column that is no list, struct or map.
pub(super) struct PlainCells<'a> {
    array: &'a dyn Array,
    nulls: Option<arrow::buffer::NullBuffer>,
    formatter: ArrayFormatter<'a>,
}

impl<'a> PlainCells<'a> {
    pub(super) fn try_new(array: &'a dyn Array) -> Result<Self> {
        let options = FormatOptions::new().with_display_error(false);
        Ok(Self { array, nulls: array.logical_nulls(), formatter: ArrayFormatter::try_new(array, &options)? })
    }

    /// Appends the text of a row; `false` when the cell is null or no calendar knows its time.
    pub(super) fn read(&self, row: usize, text: &mut String) -> bool {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return false;
        }
        if let Some(number) = float(self.array, row) {
            // Writing into a String cannot fail.
            let _ = write!(text, "{number:?}");
            return true;
        }
        // Beyond, a zone would move the time out of the calendar, which knows no such failure.
        if instant(self.array, row).is_some_and(|seconds| !is_near_written(seconds)) {
            return false;
        }
        let start = text.len();
        let written = self.formatter.value(row).write(text).is_ok();
        if !written || (self.array.data_type().is_temporal() && !is_written_time(&text[start..], self.array)) {
            text.truncate(start);
            return false;
        }
        true
    }
}

/// RFC 3339 has four digits for the year; other times have no written form.
fn is_written_time(text: &str, array: &dyn Array) -> bool {
    match array.data_type() {
        DataType::Timestamp(..) | DataType::Date32 | DataType::Date64 => {
            text.len() > 4 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && text.as_bytes()[4] == b'-'
        }
        _ => true,
    }
}

fn float(array: &dyn Array, row: usize) -> Option<f64> {
    match array.data_type() {
        DataType::Float64 => Some(array.as_primitive::<Float64Type>().value(row)),
        // Through its own text: 0.1 as 32 bits is written 0.1, not 0.10000000149011612.
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string().parse().ok(),
        DataType::Float16 => array.as_primitive::<Float16Type>().value(row).to_string().parse().ok(),
        _ => None,
    }
}

/// Seconds since 1970 of a time with a date.
fn instant(array: &dyn Array, row: usize) -> Option<i64> {
    let DataType::Timestamp(unit, _) = array.data_type() else {
        return None;
    };
    Some(match unit {
        TimeUnit::Second => array.as_primitive::<TimestampSecondType>().value(row),
        TimeUnit::Millisecond => array.as_primitive::<TimestampMillisecondType>().value(row).div_euclid(1_000),
        TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row).div_euclid(1_000_000),
        TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1_000_000_000),
    })
}

/// The shortest text that reads back as the same number; `1.0` for a whole one, so that it stays a float.
pub(super) fn push_float(number: f64, out: &mut Vec<u8>) {
    // Debug prints exponents beyond 1e16 where Display prints hundreds of zeros. Writing into a Vec cannot fail.
    let _ = write!(out, "{number:?}");
}

/// Writes times into JSON the way that [`PlainCells`] does, and null where they have no written form.
#[derive(Debug)]
struct Times;

impl EncoderFactory for Times {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> std::result::Result<Option<NullableEncoder<'a>>, ArrowError> {
        if !array.data_type().is_temporal() {
            return Ok(None);
        }
        let cells = PlainCells::try_new(array).map_err(|error| ArrowError::ExternalError(Box::new(error)))?;
        Ok(Some(NullableEncoder::new(Box::new(TimeEncoder { cells, text: String::new() }), array.nulls().cloned())))
    }
}

struct TimeEncoder<'a> {
    cells: PlainCells<'a>,
    text: String,
}

impl Encoder for TimeEncoder<'_> {
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        self.text.clear();
        if !self.cells.read(row, &mut self.text) {
            out.extend_from_slice(b"null");
            return;
        }
        // Texts of times hold no character that JSON would escape.
        out.push(b'"');
        out.extend_from_slice(self.text.as_bytes());
        out.push(b'"');
    }
}
