//! Arguments of one call, read row by row without spreading constants over the batch.

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;

/// Arguments of one call.
pub(super) struct Args {
    args: Vec<Arg>,
}

impl Args {
    pub(super) fn new(values: &[ColumnarValue]) -> Result<Self> {
        Ok(Self { args: values.iter().map(Arg::new).collect::<Result<_>>()? })
    }

    /// The arguments in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arg> {
        self.args.iter()
    }

    /// The argument at a place, if the call has so many.
    pub(super) fn get(&self, place: usize) -> Option<&Arg> {
        self.args.get(place)
    }

    /// Whether all arguments are constants: the result is then one value, whatever the rows.
    pub(super) fn all_constant(&self) -> bool {
        self.args.iter().all(|arg| arg.constant)
    }
}

/// One argument: a column, or a constant that is kept as an array of one.
pub(super) struct Arg {
    array: ArrayRef,
    constant: bool,
}

impl Arg {
    fn new(value: &ColumnarValue) -> Result<Self> {
        Ok(match value {
            ColumnarValue::Array(array) => Self { array: ArrayRef::clone(array), constant: false },
            ColumnarValue::Scalar(scalar) => Self { array: scalar.to_array_of_size(1)?, constant: true },
        })
    }

    /// Arrow's type.
    pub(super) fn data_type(&self) -> &DataType {
        self.array.data_type()
    }

    /// The array and the place in it that a row reads.
    pub(super) fn at(&self, row: usize) -> (&ArrayRef, usize) {
        (&self.array, if self.constant { 0 } else { row })
    }

    fn is_null(&self, row: usize) -> bool {
        let (array, place) = self.at(row);
        place >= array.len() || array.is_null(place)
    }

    /// The text of a row; `None` for NULL and for other types.
    pub(super) fn text(&self, row: usize) -> Option<&str> {
        if self.is_null(row) {
            return None;
        }
        let (array, place) = self.at(row);
        match array.data_type() {
            DataType::Utf8 => Some(array.as_string::<i32>().value(place)),
            DataType::LargeUtf8 => Some(array.as_string::<i64>().value(place)),
            DataType::Utf8View => Some(array.as_string_view().value(place)),
            _ => None,
        }
    }

    /// The whole number of a row; `None` for NULL and for other types.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        if self.is_null(row) || *self.array.data_type() != DataType::Int64 {
            return None;
        }
        let (array, place) = self.at(row);
        Some(array.as_primitive::<Int64Type>().value(place))
    }

    /// Bytes of a row's value, without offsets and validity.
    pub(super) fn bytes(&self, row: usize) -> usize {
        if self.is_null(row) {
            return 0;
        }
        let (array, place) = self.at(row);
        bytes_at(array, place)
    }

    /// Elements of a row's list; 0 for NULL and for other types.
    pub(super) fn items(&self, row: usize) -> usize {
        self.list(row).map_or(0, |list| list.len())
    }

    /// A row's list; `None` for NULL and for other types.
    pub(super) fn list(&self, row: usize) -> Option<ArrayRef> {
        if self.is_null(row) {
            return None;
        }
        let (array, place) = self.at(row);
        list_at(array, place)
    }
}

/// The list at a place, whatever the kind of list.
fn list_at(array: &ArrayRef, place: usize) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::List(_) => Some(array.as_list::<i32>().value(place)),
        DataType::LargeList(_) => Some(array.as_list::<i64>().value(place)),
        DataType::FixedSizeList(_, _) => Some(array.as_fixed_size_list().value(place)),
        _ => None,
    }
}

/// The values at the bottom of nested lists.
pub(super) fn leaves(list: &ArrayRef) -> ArrayRef {
    let mut list = ArrayRef::clone(list);
    loop {
        let inner = match list.data_type() {
            DataType::List(_) => within(list.as_list::<i32>().values(), list.as_list::<i32>().value_offsets()),
            DataType::LargeList(_) => within(list.as_list::<i64>().values(), list.as_list::<i64>().value_offsets()),
            DataType::FixedSizeList(_, _) => ArrayRef::clone(list.as_fixed_size_list().values()),
            _ => return list,
        };
        list = inner;
    }
}

/// The values between the first and the last offset.
fn within<O: OffsetSizeTrait>(values: &ArrayRef, offsets: &[O]) -> ArrayRef {
    match (offsets.first(), offsets.last()) {
        (Some(start), Some(end)) => values.slice(start.as_usize(), end.as_usize() - start.as_usize()),
        _ => values.slice(0, 0),
    }
}

/// Values at the bottom of the list at a place; 1 for other types.
pub(super) fn leaves_at(array: &ArrayRef, place: usize) -> usize {
    list_at(array, place).map_or(1, |list| leaves(&list).len())
}

/// Bytes of the value at a place, without offsets and validity.
pub(super) fn bytes_at(array: &ArrayRef, place: usize) -> usize {
    match array.data_type() {
        DataType::Null => 0,
        DataType::Boolean => 1,
        DataType::Utf8 => span(array.as_string::<i32>().value_offsets(), place),
        DataType::LargeUtf8 => span(array.as_string::<i64>().value_offsets(), place),
        DataType::Utf8View => array.as_string_view().views().get(place).map_or(0, |view| view_len(*view)),
        DataType::Binary => span(array.as_binary::<i32>().value_offsets(), place),
        DataType::LargeBinary => span(array.as_binary::<i64>().value_offsets(), place),
        DataType::BinaryView => array.as_binary_view().views().get(place).map_or(0, |view| view_len(*view)),
        other => match other.primitive_width() {
            Some(width) => width,
            None => nested_bytes(array, place),
        },
    }
}

/// The low 32 bits of a view are the length of its value.
fn view_len(view: u128) -> usize {
    (view & u128::from(u32::MAX)) as usize
}

fn span<O: OffsetSizeTrait>(offsets: &[O], place: usize) -> usize {
    match offsets.get(place..place + 2) {
        Some([start, end]) => end.as_usize().saturating_sub(start.as_usize()),
        _ => 0,
    }
}

/// Bytes of a list or struct: the sum of its parts.
fn nested_bytes(array: &ArrayRef, place: usize) -> usize {
    match list_at(array, place) {
        Some(list) => match list.data_type().primitive_width() {
            Some(width) => list.len().saturating_mul(width),
            None => array_bytes(&list),
        },
        None => array_bytes(&array.slice(place, 1)),
    }
}

/// Bytes of all values of an array.
fn array_bytes(array: &ArrayRef) -> usize {
    array.to_data().get_slice_memory_size().unwrap_or_else(|_| array.get_array_memory_size())
}
