//! `time_spent`: seconds spent.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::Documentation;

use super::aggregate::GapAnswer;
use super::manual::{Entry, entry};
use crate::time::{GapPolicy, Runs, Totals};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    entry(&Entry {
        name: TimeSpent::NAME,
        description: "Returns the seconds spent: the sum over the sessions of the hits.\n\
            Without credit and minimum this is the sum of all gaps that are not longer than the threshold.\n\
            It holds the sessions until the end, because a late hit can join two of them.",
        result: "Int64, seconds, never NULL; 0 when there is no hit.",
        sql: "SELECT time_spent(timecreated) AS hour, time_spent(timecreated, 900, '>', 'none', '> 59') AS quarter\n\
            FROM (VALUES (0), (50), (1000), (1060), (9000)) AS hits(timecreated)",
        answer: "\
+------+---------+
| hour | quarter |
+------+---------+
| 1060 | 60      |
+------+---------+",
    })
});

/// `time_spent(timecreated, …)`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(super) struct TimeSpent;

impl GapAnswer for TimeSpent {
    const NAME: &'static str = "time_spent";

    fn data_type() -> DataType {
        DataType::Int64
    }

    fn answer(policy: &GapPolicy, groups: &[Runs]) -> DfResult<ArrayRef> {
        let elapsed = |group: &Runs| Totals::of(policy, group.iter().copied()).elapsed.get();
        Ok(Arc::new(groups.iter().map(elapsed).map(Some).collect::<Int64Array>()))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}
