//! `scorm_seconds`: what a SCORM package says of its own time.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::args::external;
use crate::error::Error;
use crate::time::ScormElement;

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let section = DocSection { include: true, label: "Time", description: None };
    Documentation::builder(
        section,
        "Returns the seconds of a value that a SCORM package recorded, read as block_use_stats reads it.\n\
         Texts that it does not recognise, and other elements, count 0.\n\n\
         Result: Int64; NULL where an argument is NULL.",
        "scorm_seconds(element, value)",
    )
    .with_argument("element", "Name of the element: `cmi.session_time` or `cmi.core_total_time`.")
    .with_argument("value", "Its value, such as `PT1H2M3.25S` or `01:02:03.00`; a fraction of a second is dropped.")
    .with_sql_example(
        "```sql\nSELECT scorm_seconds('cmi.session_time', 'PT1H2M3.25S') AS seconds;\n```\n\n```text\n+---------+\n| seconds |\n+---------+\n| 3723    |\n+---------+\n```",
    )
    .build()
});

/// `scorm_seconds(element, value)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ScormSeconds {
    signature: Signature,
}

impl Default for ScormSeconds {
    fn default() -> Self {
        Self { signature: Signature::exact(vec![DataType::Utf8View, DataType::Utf8View], Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ScormSeconds {
    fn name(&self) -> &str {
        "scorm_seconds"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Int64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [element, value] = args.args.as_slice() else {
            return Err(external(Error::bug("a time of a package without its two arguments")));
        };
        let (element, value) = (element.to_array(args.number_rows)?, value.to_array(args.number_rows)?);
        let seconds = |(element, value): (Option<&str>, Option<&str>)| {
            let (element, value) = (element?, value?);
            Some(ScormElement::from_name(element).map_or(0, |element| element.seconds(value)))
        };
        let rows = element.as_string_view().iter().zip(value.as_string_view());
        Ok(ColumnarValue::Array(Arc::new(rows.map(seconds).collect::<Int64Array>())))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}
