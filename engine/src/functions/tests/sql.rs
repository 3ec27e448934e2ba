//! The functions in SQL, against plain window SQL as the oracle.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;
use rstest::rstest;

use super::{run, session, shown, value};
use crate::text::Lang;

const USERS: i64 = 23;
const ROWS: i64 = 3000;

/// Hits of some users in some courses, with a missing time now and then; reproducible without a random generator.
fn hits() -> Vec<[Option<i64>; 3]> {
    let mut clock = vec![1_700_000_000_i64; usize::try_from(USERS).unwrap()];
    let mut state = 12_345_u64;
    let mut next = |below: i64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(state >> 33).unwrap() % below
    };
    let mut row = |_| {
        let user = next(USERS);
        let clock = &mut clock[usize::try_from(user).unwrap()];
        *clock += [0, 1, 30, 899, 900, 901, 3600, 3601, 86_400][usize::try_from(next(9)).unwrap()];
        let time = (next(50) > 0).then_some(*clock);
        [Some(user), Some(next(4)), time]
    };
    (0..ROWS).map(&mut row).collect()
}

/// Registers the hits as table `hits`: sorted by user and time, or in an order that has nothing to do with either.
fn register(ctx: &SessionContext, sorted: bool, partitions: usize) {
    let mut hits = hits();
    if sorted {
        hits.sort_by_key(|row| (row[0], row[2]));
    } else {
        let scattered = |index: usize| index * 3_571 % hits.len();
        hits = (0..hits.len()).map(|index| hits[scattered(index)]).collect();
    }
    let names = ["userid", "courseid", "timecreated"];
    let schema = Arc::new(Schema::new(names.map(|name| Field::new(name, DataType::Int64, true)).to_vec()));
    let batch = |rows: &[[Option<i64>; 3]]| {
        let column = |at: usize| Arc::new(rows.iter().map(|row| row[at]).collect::<Int64Array>()) as ArrayRef;
        RecordBatch::try_new(Arc::clone(&schema), vec![column(0), column(1), column(2)]).unwrap()
    };
    let part = hits.len().div_ceil(partitions);
    let batches = |rows: &[[Option<i64>; 3]]| rows.chunks(700).map(batch).collect::<Vec<_>>();
    let table = MemTable::try_new(Arc::clone(&schema), hits.chunks(part).map(batches).collect()).unwrap();
    ctx.register_table("hits", Arc::new(table)).unwrap();
}

/// The stats in plain SQL: gap > 900 s, 60 s of credit, sessions of two or more hits.
fn oracle(keys: &str) -> String {
    format!(
        "WITH gaps AS (
            SELECT {keys}, timecreated,
                   timecreated - lag(timecreated) OVER (PARTITION BY {keys} ORDER BY timecreated) AS gap
            FROM hits WHERE timecreated IS NOT NULL
         ), numbered AS (
            SELECT {keys}, timecreated,
                   sum(CASE WHEN gap IS NULL OR gap > 900 THEN 1 ELSE 0 END)
                       OVER (PARTITION BY {keys} ORDER BY timecreated) AS session
            FROM gaps
         ), sessions AS (
            SELECT {keys}, min(timecreated) AS start, max(timecreated) - min(timecreated) + 60 AS elapsed,
                   count(*) AS events
            FROM numbered GROUP BY {keys}, session HAVING count(*) >= 2
         )
         SELECT {keys}, count(*) AS sessions, min(start) AS first, max(start) AS last, min(elapsed) AS min,
                max(elapsed) AS max, avg(elapsed) AS mean, sum(elapsed) AS elapsed, sum(events) AS events
         FROM sessions GROUP BY {keys} ORDER BY {keys}"
    )
}

/// The same by our function.
fn ours(keys: &str) -> String {
    let columns = ["sessions", "first", "last", "min", "max", "mean", "elapsed", "events"];
    let columns = columns.map(|name| format!("s['{name}'] AS {name}")).join(", ");
    format!(
        "SELECT {keys}, {columns}
         FROM (SELECT {keys}, session_stats(timecreated, 900, '>', 60, '2 events') AS s FROM hits GROUP BY {keys})
         WHERE s['sessions'] > 0 ORDER BY {keys}"
    )
}

#[rstest]
#[tokio::test]
async fn equal_to_window_sql(
    #[values(true, false)] sorted: bool,
    #[values(1, 8)] partitions: usize,
    #[values(2, 8192)] batch_size: usize,
    #[values("userid", "userid, courseid")] keys: &str,
) {
    let ctx = session(partitions, batch_size);
    register(&ctx, sorted, partitions);
    let expected = shown(&ctx, &oracle(keys)).await;
    assert!(expected.lines().count() > 20, "{expected}");
    assert_eq!(shown(&ctx, &ours(keys)).await, expected);
}

#[rstest]
#[tokio::test]
async fn the_three_functions_agree(#[values(1, 8)] partitions: usize, #[values(2, 8192)] batch_size: usize) {
    let ctx = session(partitions, batch_size);
    register(&ctx, false, partitions);
    let sql = "WITH listed AS (
            SELECT userid, unnest(sessions(timecreated, 900, '>=', 'half', '> 59')) AS s FROM hits GROUP BY userid
         ), summed AS (
            SELECT userid, count(*) AS sessions, sum(s['elapsed']) AS elapsed, sum(s['events']) AS events
            FROM listed GROUP BY userid
         ), told AS (
            SELECT userid, session_stats(timecreated, 900, '>=', 'half', '> 59') AS t,
                   time_spent(timecreated, 900, '>=', 'half', '> 59') AS spent
            FROM hits GROUP BY userid
         )
         SELECT count(*) FROM told JOIN summed USING (userid)
         WHERE t['sessions'] = sessions AND t['elapsed'] = elapsed AND t['events'] = events AND spent = elapsed";
    assert_eq!(value(&ctx, sql).await, USERS.to_string());
}

#[tokio::test]
async fn ungrouped_grouped_and_window_calls_agree() {
    let ctx = session(8, 100);
    register(&ctx, false, 8);
    let total = value(&ctx, "SELECT time_spent(timecreated, 900) FROM hits").await;
    assert_eq!(value(&ctx, "SELECT DISTINCT time_spent(timecreated, 900) OVER () FROM hits").await, total);
    let sql = "SELECT count(*) FROM
            (SELECT DISTINCT userid, time_spent(timecreated, 900, '>', 'half') OVER (PARTITION BY userid) AS spent
             FROM hits) AS w
         JOIN (SELECT userid, time_spent(timecreated, 900, '>', 'half') AS spent FROM hits GROUP BY userid) AS g
         ON w.userid = g.userid AND w.spent = g.spent";
    assert_eq!(value(&ctx, sql).await, USERS.to_string());
    let running = "SELECT t, time_spent(t, 100) OVER (ORDER BY t ROWS UNBOUNDED PRECEDING) AS spent
         FROM (VALUES (0), (60), (200), (300)) AS hits(t) ORDER BY t";
    let text = shown(&ctx, running).await;
    let spent: Vec<&str> = text.lines().filter_map(|line| line.split('|').nth(2)).map(str::trim).collect();
    assert_eq!(spent, ["spent", "0", "60", "60", "160"]);
}

#[tokio::test]
async fn no_rows_no_times_and_no_matches() {
    let ctx = session(2, 8192);
    register(&ctx, true, 1);
    assert_eq!(value(&ctx, "SELECT sessions(timecreated) FROM hits WHERE userid < 0").await, "[]");
    assert_eq!(value(&ctx, "SELECT time_spent(NULL)").await, "0");
    let stats = "SELECT session_stats(timecreated, 900, '>', 'half') FROM hits WHERE userid < 0";
    let nothing = "{sessions: 0, first: , last: , min: , max: , mean: , elapsed: 0, events: 0}";
    assert_eq!(value(&ctx, stats).await, nothing);
    let none =
        run(&ctx, "SELECT userid, sessions(timecreated) FROM hits WHERE userid < 0 GROUP BY userid").await.unwrap();
    assert_eq!(none.iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
    let filtered = "SELECT userid, sessions(timecreated) FILTER (WHERE courseid > 99) AS s FROM hits GROUP BY userid";
    let count = format!("SELECT count(*) FROM ({filtered}) WHERE cardinality(s) = 0 OR s = []");
    assert_eq!(value(&ctx, &count).await, USERS.to_string());
}

#[rstest]
#[tokio::test]
async fn a_filter_counts_as_a_where(#[values(1, 8)] partitions: usize, #[values(true, false)] sorted: bool) {
    let ctx = session(partitions, 64);
    register(&ctx, sorted, partitions);
    let sql = "SELECT count(*) FROM
            (SELECT userid, time_spent(timecreated, 3600) FILTER (WHERE courseid = 2) AS spent FROM hits GROUP BY userid) AS f
         JOIN (SELECT userid, time_spent(timecreated, 3600) AS spent FROM hits WHERE courseid = 2 GROUP BY userid) AS w
         ON f.userid = w.userid AND f.spent = w.spent";
    assert_eq!(value(&ctx, sql).await, USERS.to_string());
}

#[tokio::test]
async fn an_order_by_inside_the_call_changes_nothing() {
    let ctx = session(2, 8192);
    register(&ctx, false, 2);
    let plain =
        shown(&ctx, "SELECT userid, sessions(timecreated) AS s FROM hits GROUP BY userid ORDER BY userid").await;
    let ordered =
        "SELECT userid, sessions(timecreated ORDER BY timecreated DESC) AS s FROM hits GROUP BY userid ORDER BY userid";
    assert_eq!(shown(&ctx, ordered).await, plain);
}

#[tokio::test]
async fn every_integer_type_and_timestamps() {
    let ctx = session(2, 8192);
    for kind in ["TINYINT", "SMALLINT", "INT", "BIGINT", "INT UNSIGNED", "BIGINT UNSIGNED"] {
        let sql = format!("SELECT time_spent(CAST(t AS {kind}), 50) FROM (VALUES (0), (50), (101)) AS hits(t)");
        assert_eq!(value(&ctx, &sql).await, "50", "{kind}");
    }
    let sql = "SELECT sessions(t) FROM (VALUES (TIMESTAMP '2023-11-14T22:13:20.9'), (TIMESTAMP '2023-11-14T22:13:21.1')) AS hits(t)";
    assert_eq!(value(&ctx, sql).await, "[{start: 1700000000, end: 1700000001, elapsed: 1, events: 2}]");
}

#[tokio::test]
async fn several_policies_in_one_query_keep_their_names() {
    let ctx = session(2, 8192);
    let sql = "SELECT time_spent(t), time_spent(t, 3600), time_spent(t, 10), time_spent(t, 10, '>=') \
               FROM (VALUES (0), (10), (30)) AS hits(t)";
    let batches = run(&ctx, sql).await.unwrap();
    let row: Vec<String> = batches[0]
        .columns()
        .iter()
        .map(|column| arrow::util::display::array_value_to_string(column, 0).unwrap())
        .collect();
    assert_eq!(row, ["30", "30", "10", "0"]);
    let schema = batches[0].schema();
    let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[0], "time_spent(hits.t)");
    assert_eq!(names[2], "time_spent(hits.t,Int64(10))");
    let plan = shown(&ctx, &format!("EXPLAIN {sql}")).await;
    assert!(plan.contains("10 s, >=, none, none"), "the plan tells the policy: {plan}");
}

#[tokio::test]
async fn frames_that_lose_rows_are_refused() {
    let ctx = session(2, 8192);
    let sql = "SELECT time_spent(t) OVER (ORDER BY t ROWS 1 PRECEDING) FROM (VALUES (0), (10)) AS hits(t)";
    let error = run(&ctx, sql).await.unwrap_err();
    assert!(error.describe(Lang::En).contains("retract_batch"), "{error:?}");
}
