//! `time_grade`: the grade that time earns.

use std::sync::{Arc, LazyLock};

use arrow::array::{AsArray, Float64Array};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{Result as DfResult, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, DocSection, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::args::external;
use crate::error::{Error, ErrorKind};
use crate::fault::quoted;
use crate::time::{Earned, GradeMode, GradeRange, GradeSource, GradeTimes, GradeUse, TimeGrade};

/// Name in SQL.
const NAME: &str = "time_grade";

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    let section = DocSection { include: true, label: "Time", description: None };
    Documentation::builder(
        section,
        "Returns the grade that a time earns, as report_trainingsessions computes it, rounded to hundredths.\n\
         Which time counts (the course's total, its activities, the extended total) is the caller's choice of a column.\n\n\
         Result: Float64; NULL where the time is NULL.",
        "time_grade(seconds, mode, thresholds, grade)",
    )
    .with_argument("seconds", "Time spent, in seconds.")
    .with_argument(
        "mode",
        "`'binary'`: the whole grade beyond the first threshold; `'discrete'`: the share of the leading thresholds that are exceeded; `'continuous'`: in proportion to the first threshold, at most the whole grade.",
    )
    .with_argument("thresholds", "Minutes, separated by commas: `'30, 60, 90'`. Without any the grade is 0.")
    .with_argument("grade", "The whole grade, an integer.")
    .with_sql_example(
        "```sql\nSELECT time_grade(3600, 'continuous', '90', 20) AS earned;\n```\n\n```text\n+--------+\n| earned |\n+--------+\n| 13.33  |\n+--------+\n```",
    )
    .build()
});

/// `time_grade(seconds, mode, thresholds, grade)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct TimeGradeFunction {
    signature: Signature,
}

impl Default for TimeGradeFunction {
    fn default() -> Self {
        let kinds = vec![DataType::Int64, DataType::Utf8, DataType::Utf8, DataType::Int64];
        Self { signature: Signature::exact(kinds, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for TimeGradeFunction {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> DfResult<DataType> {
        Ok(DataType::Float64)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        let [seconds, mode, thresholds, grade] = args.args.as_slice() else {
            return Err(external(Error::bug("a grade without its four arguments")));
        };
        let rule = rule(mode, thresholds, grade).map_err(external)?;
        let seconds = seconds.to_array(args.number_rows)?;
        let earned = |seconds: i64| {
            let times = GradeTimes { coursetotal: seconds, ..GradeTimes::default() };
            match rule.earned(&times) {
                Earned::Hundredths(hundredths) => hundredths as f64 / 100.0,
                Earned::Item(_) => 0.0,
            }
        };
        let column = seconds.as_primitive::<Int64Type>();
        let earned: Float64Array = column.iter().map(|seconds| seconds.map(earned)).collect();
        Ok(ColumnarValue::Array(Arc::new(earned)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&DOCUMENTATION)
    }
}

/// The rule of a call: mode, thresholds and grade are constants.
fn rule(mode: &ColumnarValue, thresholds: &ColumnarValue, grade: &ColumnarValue) -> crate::Result<TimeGrade> {
    let mode = match text(mode).as_deref() {
        Some("binary") => GradeMode::Binary,
        Some("discrete") => GradeMode::Discrete,
        Some("continuous") => GradeMode::Continuous,
        other => return Err(refused("mode", other, "'binary', 'discrete' or 'continuous'")),
    };
    let listed = text(thresholds);
    let minutes = listed.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|part| !part.is_empty());
    let minutes: Option<Vec<i64>> = minutes.map(|part| part.parse().ok().filter(|minutes| *minutes >= 0)).collect();
    let thresholds_minutes =
        minutes.ok_or_else(|| refused("thresholds", listed.as_deref(), "minutes, separated by commas"))?;
    let points = match grade {
        ColumnarValue::Scalar(ScalarValue::Int64(Some(points))) if *points >= 0 => *points,
        _ => return Err(refused("grade", None, "a constant integer, 0 or more")),
    };
    Ok(TimeGrade {
        mode,
        source: GradeSource::CourseTotal,
        thresholds_minutes,
        range: GradeRange::Points(points),
        usage: GradeUse::Grade,
    })
}

fn text(value: &ColumnarValue) -> Option<String> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Utf8(text)) => text.clone(),
        _ => None,
    }
}

fn refused(argument: &str, value: Option<&str>, allowed: &str) -> Error {
    let value = quoted(value.unwrap_or("not a constant"));
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "argument `{argument}` of `{NAME}` is \"{value}\": it must be {allowed}",
            "l'argument `{argument}` de `{NAME}` est « {value} » : il doit être {allowed}"
        ),
    )
}
