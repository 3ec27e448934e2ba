//! `sessions`: the sessions themselves.

use std::sync::LazyLock;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::Documentation;

use super::aggregate::GapAnswer;
use super::manual::{Entry, entry};
use super::state::{count, int_fields, list_array, list_of};
use crate::time::{GapPolicy, Runs};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    entry(&Entry {
        name: Sessions::NAME,
        description: "Returns the sessions of the hits, ordered by time.\n\
            A session is a run of hits without a gap longer than the threshold; the rows may come in any order.",
        result: "A list of structs, empty when there is no hit:\n\n\
            | field | type | meaning |\n\
            |---|---|---|\n\
            | `start` | Int64 | first hit, Unix seconds |\n\
            | `end` | Int64 | last hit, Unix seconds, without the credit |\n\
            | `elapsed` | Int64 | seconds from the first to the last hit, and the credit |\n\
            | `events` | Int64 | number of hits |",
        sql: "SELECT userid, sessions(timecreated, 3600, '>', 'half') AS sessions\n\
            FROM (VALUES (7, 1700000000), (7, 1700000300), (7, 1700004000), (8, 1700000000)) AS hits(userid, timecreated)\n\
            GROUP BY userid\n\
            ORDER BY userid",
        answer: "\
+--------+----------------------------------------------------------------------------------------------------------------------------------+
| userid | sessions                                                                                                                         |
+--------+----------------------------------------------------------------------------------------------------------------------------------+
| 7      | [{start: 1700000000, end: 1700000300, elapsed: 2100, events: 2}, {start: 1700004000, end: 1700004000, elapsed: 1800, events: 1}] |
| 8      | [{start: 1700000000, end: 1700000000, elapsed: 1800, events: 1}]                                                                 |
+--------+----------------------------------------------------------------------------------------------------------------------------------+",
    })
});

/// `sessions(timecreated, …)`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(super) struct Sessions;

const FIELDS: [&str; 4] = ["start", "end", "elapsed", "events"];

impl GapAnswer for Sessions {
    const NAME: &'static str = "sessions";

    fn data_type() -> DataType {
        list_of(int_fields(&FIELDS))
    }

    fn answer(policy: &GapPolicy, groups: &[Runs]) -> DfResult<ArrayRef> {
        let sessions = groups.iter().map(Runs::len).sum();
        let mut ends = Vec::with_capacity(groups.len());
        let [mut start, mut end, mut elapsed, mut events] = [(); 4].map(|()| Vec::with_capacity(sessions));
        for group in groups {
            for session in group.iter().filter(|session| policy.keeps(session)) {
                start.push(session.start);
                end.push(session.end);
                elapsed.push(session.elapsed(policy).get());
                events.push(count(session.events));
            }
            ends.push(start.len());
        }
        list_array(&ends, int_fields(&FIELDS), vec![start, end, elapsed, events])
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}
