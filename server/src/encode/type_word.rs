//! Types of columns in words for people who know SQL and JSON, and no Arrow.

use arrow::datatypes::DataType;

/// The word for a type: how the values of such a column are to be understood.
///
/// | word | in JSON | meaning |
/// |---|---|---|
/// | `int` | number | a whole number of up to 64 bits, with or without a sign |
/// | `float` | number, null for NaN and infinities | a binary floating point number |
/// | `decimal` | number | an exact number with a fixed count of digits after the point |
/// | `bool` | true, false | |
/// | `text` | string | |
/// | `bytes` | string of hexadecimal digits | |
/// | `date` | string, `2024-01-01` | a day |
/// | `timestamp` | string, RFC 3339 | an instant; one without a zone is UTC |
/// | `time` | string, `13:45:00` | a time of day |
/// | `interval` | string | a span of time |
/// | `list` | array | |
/// | `struct` | object | named values |
/// | `map` | object | values by key |
/// | `union` | none | values of several types; only an Arrow stream holds them |
/// | `null` | null | a column without any value, such as `SELECT NULL` |
///
/// The list is closed: encodings of memory (dictionaries, views, run ends) are those of their values.
pub fn type_word(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "bool",
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => "int",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => "int",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float",
        DataType::Decimal32(..) | DataType::Decimal64(..) => "decimal",
        DataType::Decimal128(..) | DataType::Decimal256(..) => "decimal",
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "bytes",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "timestamp",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Duration(_) | DataType::Interval(_) => "interval",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "list",
        DataType::ListView(_) | DataType::LargeListView(_) => "list",
        DataType::Struct(_) => "struct",
        DataType::Map(..) => "map",
        DataType::Union(..) => "union",
        DataType::Dictionary(_, values) => type_word(values),
        DataType::RunEndEncoded(_, values) => type_word(values.data_type()),
    }
}
