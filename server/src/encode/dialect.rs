//! What text formats do differently with the values of cells.

use arrow::array::ArrayRef;
use arrow::datatypes::FieldRef;
use arrow::json::writer::EncoderOptions;
use engine::Result;

use super::column::Values;
use super::number::Float;

/// How a text format writes values. What stands around them is in [`super::column::Frame`].
pub(super) trait Dialect {
    /// What stands on both sides of a date or an instant.
    const QUOTE: &'static [u8];

    /// Appends a text so that a reader gets the same one.
    fn push_text(text: &str, out: &mut Vec<u8>);

    /// Appends a number that [`Float::push_plain`] left; `false` when the format has no such number.
    fn push_float(number: impl Float, out: &mut Vec<u8>) -> bool;

    /// The writer of a column whose type has none of its own in [`super::column`]; `options` are those of
    /// [`super::cell::json_options`].
    fn rare<'a>(field: &'a FieldRef, array: &'a ArrayRef, options: &'a EncoderOptions) -> Result<Box<dyn Values + 'a>>;
}
