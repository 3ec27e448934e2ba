//! `session_stats`: number, ends and lengths of the sessions.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Float64Array, Int64Array, StructArray};
use arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::Documentation;

use super::aggregate::GapAnswer;
use super::manual::{Entry, entry};
use super::state::count;
use crate::time::{GapPolicy, Runs, Seconds, Totals};

static DOCUMENTATION: LazyLock<Documentation> = LazyLock::new(|| {
    entry(&Entry {
        name: SessionStats::NAME,
        description: "Returns what the sessions of the hits add up to: how many, when, how long.\n\
            It holds the sessions until the end, because a late hit can join two of them.",
        result: "A struct, never NULL. Lengths include the credit; sessions below the minimum count nowhere:\n\n\
            | field | type | meaning | without sessions |\n\
            |---|---|---|---|\n\
            | `sessions` | Int64 | number of sessions | 0 |\n\
            | `first` | Int64 | start of the first session, Unix seconds | NULL |\n\
            | `last` | Int64 | start of the last session, Unix seconds | NULL |\n\
            | `min` | Int64 | shortest session, seconds | NULL |\n\
            | `max` | Int64 | longest session, seconds | NULL |\n\
            | `mean` | Float64 | mean length, seconds | NULL |\n\
            | `elapsed` | Int64 | sum of the lengths, seconds | 0 |\n\
            | `events` | Int64 | number of hits | 0 |",
        sql: "SELECT userid, session_stats(timecreated, 900, credit => 60, boundary => '>') AS stats\n\
            FROM (VALUES (7, 1000), (7, 1300), (7, 5000), (8, NULL)) AS hits(userid, timecreated)\n\
            GROUP BY userid\n\
            ORDER BY userid",
        answer: "\
+--------+-------------------------------------------------------------------------------------------------+
| userid | stats                                                                                           |
+--------+-------------------------------------------------------------------------------------------------+
| 7      | {sessions: 2, first: 1000, last: 5000, min: 60, max: 360, mean: 210.0, elapsed: 420, events: 3} |
| 8      | {sessions: 0, first: , last: , min: , max: , mean: , elapsed: 0, events: 0}                     |
+--------+-------------------------------------------------------------------------------------------------+",
    })
});

/// `session_stats(timecreated, …)`.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash)]
pub(super) struct SessionStats;

impl GapAnswer for SessionStats {
    const NAME: &'static str = "session_stats";

    fn data_type() -> DataType {
        DataType::Struct(fields())
    }

    fn answer(policy: &GapPolicy, groups: &[Runs]) -> DfResult<ArrayRef> {
        let totals: Vec<Totals> = groups.iter().map(|group| Totals::of(policy, group.iter().copied())).collect();
        let always = |value: fn(&Totals) -> i64| -> ArrayRef {
            Arc::new(totals.iter().map(|totals| Some(value(totals))).collect::<Int64Array>())
        };
        let sometimes = |value: fn(&Totals) -> Option<i64>| -> ArrayRef {
            Arc::new(totals.iter().map(value).collect::<Int64Array>())
        };
        let columns = vec![
            always(|totals| count(totals.sessions)),
            sometimes(|totals| totals.first),
            sometimes(|totals| totals.last),
            sometimes(|totals| totals.min.map(Seconds::get)),
            sometimes(|totals| totals.max.map(Seconds::get)),
            Arc::new(totals.iter().map(|totals| totals.mean).collect::<Float64Array>()),
            always(|totals| totals.elapsed.get()),
            always(|totals| count(totals.events)),
        ];
        Ok(Arc::new(StructArray::try_new(fields(), columns, None)?))
    }

    fn documentation() -> &'static Documentation {
        &DOCUMENTATION
    }
}

fn fields() -> Fields {
    Fields::from(vec![
        Field::new("sessions", DataType::Int64, false),
        Field::new("first", DataType::Int64, true),
        Field::new("last", DataType::Int64, true),
        Field::new("min", DataType::Int64, true),
        Field::new("max", DataType::Int64, true),
        Field::new("mean", DataType::Float64, true),
        Field::new("elapsed", DataType::Int64, false),
        Field::new("events", DataType::Int64, false),
    ])
}
