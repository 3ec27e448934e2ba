//! Types of columns as view files name them.

use arrow::datatypes::{DataType, TimeUnit};

/// Names of types in view files.
pub(super) const TYPES: [(&str, DataType); 7] = [
    ("Int64", DataType::Int64),
    ("Float64", DataType::Float64),
    ("Utf8", DataType::Utf8),
    ("Boolean", DataType::Boolean),
    ("Date32", DataType::Date32),
    ("Timestamp", DataType::Timestamp(TimeUnit::Second, None)),
    ("Binary", DataType::Binary),
];

/// The type of a name; lists are `List<Int64>`.
pub(super) fn type_of(name: &str) -> Option<DataType> {
    if let Some(item) = name.strip_prefix("List<").and_then(|rest| rest.strip_suffix('>')) {
        return Some(DataType::new_list(type_of(item)?, true));
    }
    TYPES.into_iter().find(|(known, _)| *known == name).map(|(_, data_type)| data_type)
}

/// The name that view files have for a type; types that they have none for are named as in Arrow.
///
/// All encodings of a text are `Utf8`, all units and zones of times `Timestamp`.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "Utf8".to_owned(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => "Binary".to_owned(),
        DataType::Timestamp(..) => "Timestamp".to_owned(),
        DataType::Dictionary(_, values) => type_name(values),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            format!("List<{}>", type_name(field.data_type()))
        }
        other => other.to_string(),
    }
}
