//! Time spent over a store, against a plain calculation: however the log came in, however many threads ask, and
//! however rows are cut into batches, the answers are the same to the second.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow::array::{Array, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use engine::Engine;
use engine::query::Limits;
use futures::TryStreamExt;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tests::{LOG_HEADER, load, source};

use crate::fuzz::{block_on, config};

const DAY: i64 = 86_400;
const START: i64 = 1_600_041_600;
const NOW: i64 = START + 20 * DAY;
const THRESHOLD: i64 = 3600;
const CREDIT: i64 = 900;

/// The policy of these tests: the corrected profile with every rule in play.
const POLICY: &str = "use_stats, captured = page, ignored = quiz";

/// A row of the log, in the test's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    id: i64,
    user: i64,
    time: i64,
    course: i64,
    kind: &'static str,
    module: &'static str,
}

/// What the plain calculation answers: seconds and hits per user, course and module, and sessions as
/// (user, start, end, elapsed, events).
type Answer = (BTreeMap<(i64, i64, String), (i64, i64)>, Vec<[i64; 5]>);

/// Rows of a few users over three days; gaps lie around the threshold, and some hits share a second.
fn log() -> impl Strategy<Value = Vec<Row>> {
    let gap = prop_oneof![4 => 0..200_i64, 2 => select(vec![0, 899, 900, 3599, 3600, 3601]), 1 => 0..30_000_i64];
    let kind = select(vec!["viewed", "viewed", "viewed", "viewed", "loggedin", "loggedout", "graded"]);
    let module = select(vec!["course", "course", "forum", "page", "quiz"]);
    vec((1..4_i64, 1..4_i64, gap, kind, module), 1..80).prop_map(|rows| {
        let mut time = START;
        let row = |(at, (user, course, gap, kind, module)): (usize, (i64, i64, i64, &'static str, &'static str))| {
            time += gap;
            let id = i64::try_from(at).unwrap_or(0) + 1;
            let in_or_out = matches!(kind, "loggedin" | "loggedout");
            let (course, module) = if in_or_out { (0, "user") } else { (course, module) };
            Row { id, user, time: START + (time - START) % (3 * DAY), course, kind, module }
        };
        rows.into_iter().enumerate().map(row).collect()
    })
}

/// The rules once more, written as one reads them: a list of rows per user, each looking at the next one.
fn plain(rows: &[Row]) -> Answer {
    let (mut totals, mut sessions) = (BTreeMap::new(), Vec::new());
    for user in 1..4 {
        let mut track: Vec<&Row> = rows.iter().filter(|row| row.user == user).collect();
        track.sort_by_key(|row| (row.time, row.id));
        let first = track.first().map(|row| row.id);
        track.retain(|row| row.kind != "graded" || Some(row.id) == first);
        plain_user(user, &track, &mut totals, &mut sessions);
    }
    sessions.sort_unstable();
    (totals, sessions)
}

fn plain_user(
    user: i64,
    track: &[&Row],
    totals: &mut BTreeMap<(i64, i64, String), (i64, i64)>,
    sessions: &mut Vec<[i64; 5]>,
) {
    let (mut carried, mut broken) = (0, true);
    let mut open: Option<([i64; 5], bool)> = None;
    let mut close = |open: Option<([i64; 5], bool)>| sessions.extend(open.filter(|open| open.1).map(|open| open.0));
    for (at, row) in track.iter().enumerate() {
        let gap = track.get(at + 1).map(|next| next.time - row.time);
        let long = gap.is_some_and(|gap| gap > THRESHOLD);
        let lap = gap.filter(|_| !long).unwrap_or(CREDIT);
        let login = row.kind == "loggedin";
        let outcome = match (row.kind, row.module) {
            ("loggedout", _) => "logout",
            ("loggedin", _) => "counted",
            (_, "page") => "captured",
            (_, "quiz") => "ignored",
            _ => "counted",
        };
        if outcome == "logout" || login {
            carried = 0;
        }
        if outcome == "captured" {
            carried += lap;
        }
        if let (Some((session, _)), "logout", false) = (&mut open, outcome, broken) {
            session[2] = row.time;
        }
        if outcome == "counted" {
            let worth = lap + if login { 0 } else { std::mem::take(&mut carried) };
            let total = totals.entry((user, row.course, row.module.to_owned())).or_insert((0, 0));
            (total.0, total.1) = (total.0 + worth, total.1 + 1);
            if broken || login {
                close(open.take());
            }
            let (session, real) = open.get_or_insert(([user, row.time, 0, 0, 0], false));
            (session[2], session[3], session[4]) = (row.time + lap, session[3] + worth, session[4] + 1);
            *real |= !login;
            broken = long;
        }
    }
    close(open);
}

/// The rows as an export of the log; activities have the course modules 11 forum, 12 page, 13 quiz.
fn csv(rows: &[Row]) -> String {
    let mut text = format!("{LOG_HEADER}\n");
    for Row { id, user, time, course, kind, module } in rows {
        let cm = cm(module);
        let (level, instance) = match *module {
            "user" => (10, 0),
            "course" => (50, *course),
            _ => (70, cm),
        };
        text.push_str(&format!(
            "{id},event,core,{kind},user,,,r,0,{},{level},{instance},{user},{course},,0,,{time},web,10.0.0.1,\n",
            100 + cm
        ));
    }
    text
}

fn cm(module: &str) -> i64 {
    match module {
        "forum" => 11,
        "page" => 12,
        "quiz" => 13,
        _ => 0,
    }
}

/// A store with the rows in these pieces, one load each, optimized or not.
async fn store(pieces: &[&[Row]], optimize: bool) -> Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    let modules = "id,name\n1,forum\n2,page\n3,quiz\n";
    let activities = "id,course,module,instance,section\n11,2,1,1,5\n12,2,2,1,5\n13,2,3,1,6\n";
    let contexts = "id,contextlevel,instanceid\n111,70,11\n112,70,12\n113,70,13\n100,10,0\n";
    let tables = [("modules.csv", modules), ("course_modules.csv", activities), ("context.csv", contexts)];
    load(&engine, tables.map(|(name, text)| source(name, text)).to_vec()).await?;
    for piece in pieces {
        load(&engine, vec![source("log.csv", csv(piece))]).await?;
    }
    if optimize {
        engine.optimize(NOW).await?;
    }
    Ok(engine)
}

/// The answer of the table functions.
async fn answer(engine: &Engine, threads: usize) -> Result<Answer> {
    let session = engine.session(None, &Limits { threads, ..Limits::default() }).await?;
    let ask = async |sql: &str| -> Result<Vec<RecordBatch>> { Ok(session.query(sql).await?.try_collect().await?) };
    let mut totals = BTreeMap::new();
    let sql = format!(
        "SELECT userid, courseid, elapsed, events, CAST(module AS STRING) FROM activity_time('{POLICY}', 0, {NOW})"
    );
    for batch in ask(&sql).await? {
        add_totals(&batch, &mut totals)?;
    }
    let sql = format!("SELECT userid, sessionstart, sessionend, elapsed, events FROM sessions('{POLICY}', 0, {NOW})");
    let mut sessions = Vec::new();
    for batch in ask(&sql).await? {
        let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
        sessions.extend((0..batch.num_rows()).map(|row| [0, 1, 2, 3, 4].map(|at| column(at).value(row))));
    }
    sessions.sort_unstable();
    Ok((totals, sessions))
}

fn add_totals(batch: &RecordBatch, totals: &mut BTreeMap<(i64, i64, String), (i64, i64)>) -> Result<()> {
    let column = |at: usize| batch.column(at).as_primitive::<Int64Type>();
    let modules = arrow::compute::cast(batch.column(4), &arrow::datatypes::DataType::Utf8)?;
    for row in 0..batch.num_rows() {
        let key = (column(0).value(row), column(1).value(row), modules.as_string::<i32>().value(row).to_owned());
        let total = totals.entry(key).or_insert((0, 0));
        (total.0, total.1) = (total.0 + column(2).value(row), total.1 + column(3).value(row));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn a_log_in_any_pieces_is_the_plain_calculation(
        rows in log(),
        pieces in 1..6_usize,
        optimize in any::<bool>(),
        threads in 1..9_usize,
    ) {
        let expected = plain(&rows);
        let size = rows.len().div_ceil(pieces);
        let (answered, differences) = block_on(async {
            let engine = store(&rows.chunks(size).collect::<Vec<_>>(), optimize).await?;
            let check = include_str!("../sql/checks/time_spent_adds_up.sql").trim_end().trim_end_matches(';');
            let differences = tests::rows(&engine, check).await?.iter().map(RecordBatch::num_rows).sum::<usize>();
            anyhow::Ok((answer(&engine, threads).await?, differences))
        })
        .unwrap();
        prop_assert_eq!(answered, expected);
        prop_assert_eq!(differences, 0, "window SQL says otherwise");
    }

    #[test]
    fn daily_loads_lose_nothing(rows in log()) {
        let mut days: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
        for row in &rows {
            days.entry(row.time.div_euclid(DAY)).or_default().push(row.clone());
        }
        let pieces: Vec<&[Row]> = days.values().map(Vec::as_slice).collect();
        let answered = block_on(async { answer(&store(&pieces, false).await?, 2).await });
        prop_assert_eq!(answered.unwrap(), plain(&rows));
    }

    #[test]
    fn the_aggregate_takes_rows_in_any_order_and_partition(
        rows in log().prop_shuffle(),
        partitions in 1..9_usize,
        batch_size in select(vec![1, 2, 3, 64, 8192]),
    ) {
        let answered = block_on(aggregate(&rows, partitions, batch_size));
        prop_assert_eq!(answered.unwrap(), plain(&rows).0);
    }
}

/// Totals of the SQL function `use_stats` over a table in memory that promises nothing about its order.
async fn aggregate(
    rows: &[Row],
    partitions: usize,
    batch_size: usize,
) -> Result<BTreeMap<(i64, i64, String), (i64, i64)>> {
    let ctx = SessionContext::new_with_config(
        SessionConfig::new().with_target_partitions(partitions).with_batch_size(batch_size),
    );
    engine::functions::register_all(&ctx);
    let batch = |rows: &[Row]| {
        let ints = |value: fn(&Row) -> i64| Arc::new(rows.iter().map(value).collect::<Int64Array>()) as Arc<dyn Array>;
        let texts = |value: fn(&Row) -> &'static str| {
            Arc::new(rows.iter().map(|row| Some(value(row))).collect::<StringArray>()) as Arc<dyn Array>
        };
        RecordBatch::try_from_iter([
            ("userid", ints(|row| row.user)),
            ("t", ints(|row| row.time)),
            ("id", ints(|row| row.id)),
            ("course", ints(|row| row.course)),
            ("action", texts(|row| row.kind)),
            ("module", texts(|row| row.module)),
            ("cm", ints(|row| cm(row.module))),
        ])
    };
    let size = rows.len().div_ceil(partitions);
    let parts =
        rows.chunks(size).map(|part| part.chunks(batch_size).map(batch).collect()).collect::<Result<Vec<_>, _>>()?;
    let schema = batch(&[])?.schema();
    ctx.register_table("hits", Arc::new(MemTable::try_new(schema, parts)?))?;
    let sql = format!(
        "SELECT userid, p['courseid'], p['elapsed'], p['events'], p['module'] FROM (\
         SELECT userid, unnest(use_stats(t, id, course, action, 'user', module, cm, '{POLICY}')) AS p FROM hits GROUP BY userid)"
    );
    let mut totals = BTreeMap::new();
    for batch in ctx.sql(&sql).await?.collect().await? {
        add_totals(&batch, &mut totals)?;
    }
    Ok(totals)
}

/// Sessions, days and courses are three ways to cut the same time.
#[tokio::test]
async fn the_parts_of_every_way_of_cutting_add_up() -> Result<()> {
    let rows: Vec<Row> = (1..400)
        .map(|id| Row {
            id,
            user: id % 3 + 1,
            time: START + id * 977,
            course: id % 4 + 1,
            kind: "viewed",
            module: "forum",
        })
        .collect();
    let engine = store(&[&rows], false).await?;
    let mut sums = Vec::new();
    for function in
        ["user_time", "course_time", "activity_time", "section_time", "daily_time", "session_time", "sessions", "laps"]
    {
        let sql = format!("SELECT sum(elapsed) FROM {function}('use_stats', 0, {NOW})");
        sums.push(tests::numbers(&engine, &sql).await?.first().copied().context("a sum")?);
    }
    // 133 hits per user, 2,931 s apart; each gap counts whole, and the last hit of each user has its credit.
    assert_eq!(sums, vec![3 * (132 * 2931 + CREDIT); sums.len()]);
    Ok(())
}
