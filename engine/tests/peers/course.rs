//! A blended course with 130 learners: every learner under every policy.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::LazyLock;

use datafusion::prelude::SessionContext;
use engine::time::{GapPolicy, Minimum, Seconds, SessionSet};
use flate2::read::GzDecoder;
use serde_json::Value;

use crate::{Hit, Row, context, golden, int, ints, items, numbers, path, rows, unix};

/// All events of the course, in the order of the file.
static HITS: LazyLock<Vec<Hit>> = LazyLock::new(|| {
    let file = File::open(path("datasets/moodle-la-course/events.csv.gz")).unwrap();
    let mut reader = csv::Reader::from_reader(GzDecoder::new(file));
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|column| column == name).unwrap();
    let (user, time) = (column("user"), column("timecreated"));
    let hit = |record: Result<csv::StringRecord, csv::Error>| {
        let record = record.unwrap();
        (record[user].to_owned(), Some(unix(&record[time])))
    };
    reader.records().map(hit).collect()
});

/// The course in file order and four partitions, and sorted in one.
fn contexts() -> [SessionContext; 2] {
    let mut sorted = HITS.clone();
    sorted.sort();
    [context(&HITS, 4), context(&sorted, 1)]
}

/// The numbers of each learner as a golden file has them: one number, or a list.
fn per_user(users: &Value) -> Vec<Row> {
    let numbers = |value: &Value| value.as_i64().map_or_else(|| ints(value), |number| vec![number]);
    let users: BTreeMap<_, _> = users.as_object().unwrap().iter().collect();
    assert_eq!(users.len(), 130);
    users.into_iter().map(|(user, value)| (Some(user.clone()), numbers(value))).collect()
}

/// Elapsed seconds and sessions per learner under a policy.
fn per_user_sql(policy: &str) -> String {
    format!(
        "SELECT userid, s['elapsed'], s['sessions']
         FROM (SELECT userid, session_stats(timecreated, {policy}) AS s FROM hits GROUP BY userid) ORDER BY userid"
    )
}

#[tokio::test]
async fn dedication() {
    let golden = golden("dedication_la_course");
    let cases = items(&golden["cases"]);
    assert_eq!(cases.len(), 2);
    for ctx in contexts() {
        for case in cases {
            let (limit, ignore) = (int(case, "session_limit"), int(case, "ignore_sessions_limit"));
            let sql = format!(
                "SELECT userid, time_spent(timecreated, {limit}) AS plain,
                        time_spent(timecreated, {limit}, '>', 'none', {ignore}) AS kept,
                        session_stats(timecreated, {limit}, '>', 'none', {ignore})['sessions'] AS sessions
                 FROM hits GROUP BY userid ORDER BY userid"
            );
            assert_eq!(rows(&ctx, &sql).await, per_user(&case["users"]));
            let totals = format!("SELECT sum(plain), sum(kept), sum(sessions) FROM ({sql})");
            assert_eq!(numbers(&ctx, &totals).await, ints(&case["totals"]));
        }
    }
}

#[tokio::test]
async fn dedication_3_sessions_longer_than_59_seconds() {
    // Counted by the same release of the peer that made the small scenarios, over this course.
    for ctx in contexts() {
        let sql = format!(
            "SELECT sum(sessions) FROM ({}) AS t(userid, elapsed, sessions)",
            per_user_sql("3600, '>', 0, '> 59'")
        );
        assert_eq!(numbers(&ctx, &sql).await, [5485]);
    }
}

#[tokio::test]
async fn attendance_register() {
    let golden = golden("attendanceregister_la_course");
    let cases = items(&golden["cases"]);
    assert_eq!(cases.len(), 2);
    for ctx in contexts() {
        for case in cases {
            let policy = format!("{}, '>', 'half'", int(case, "session_timeout_minutes") * 60);
            let ours = rows(&ctx, &per_user_sql(&policy)).await;
            assert_eq!(ours, per_user(&case["users"]));
            let sum = |column: usize| ours.iter().map(|row| row.1[column]).sum::<i64>();
            assert_eq!(vec![sum(0), sum(1)], ints(&case["totals"]));
        }
    }
}

#[tokio::test]
async fn certificate() {
    let golden = golden("customcert_time");
    for ctx in contexts() {
        for case in items(&golden["la_course"]["cases"]) {
            let policy = int(case, "sessiontimeout");
            let sql =
                format!("SELECT userid, time_spent(timecreated, {policy}) FROM hits GROUP BY userid ORDER BY userid");
            let ours = rows(&ctx, &sql).await;
            assert_eq!(ours, per_user(&case["users"]));
            assert_eq!(ours.iter().map(|row| row.1[0]).sum::<i64>(), int(case, "total"));
        }
    }
}

#[tokio::test]
async fn published_chapter() {
    let golden = golden("published_sequence_chapter");
    let expected = &golden["expected"];
    for ctx in contexts() {
        let all = "SELECT count(*), sum(s['sessions']), sum(s['events'])
             FROM (SELECT session_stats(timecreated, 900) AS s FROM hits GROUP BY userid)";
        // The chapter leaves out sessions of one event; their number with them is the attendance register's at 15 minutes.
        assert_eq!(numbers(&ctx, all).await, [int(expected, "users"), 9560, int(expected, "events")]);

        let listed = "SELECT s['events'] FROM
             (SELECT unnest(sessions(timecreated, 900, '>', 'none', '2 events')) AS s FROM hits GROUP BY userid) ORDER BY 1";
        let lengths: Vec<i64> = rows(&ctx, listed).await.into_iter().map(|row| row.1[0]).collect();
        assert_eq!(lengths.len(), usize::try_from(int(expected, "sessions_with_two_or_more_events")).unwrap());
        // Quantiles over events: each event has the length of its session.
        let weighted: Vec<i64> = lengths.iter().flat_map(|length| (0..*length).map(move |_| *length)).collect();
        let quantiles = expected["events_weighted_session_length_quantiles"].as_object().unwrap();
        assert_eq!(quantiles.len(), 9);
        for (percent, length) in quantiles {
            let percent: usize = percent.trim_end_matches('%').parse().unwrap();
            let ours = weighted[(weighted.len() - 1) * percent / 100];
            assert_eq!(Some(ours), length.as_i64(), "length of a session at {percent} % of the events");
        }
        let table = expected["sessions_with_at_least_k_events"].as_object().unwrap();
        assert_eq!(table.len(), 49);
        for (least, sessions) in table {
            let least: i64 = least.parse().unwrap();
            let ours = lengths.iter().filter(|length| **length >= least).count();
            assert_eq!(Some(ours as u64), sessions.as_u64(), "sessions with at least {least} events");
        }
    }
}

#[test]
fn a_run_in_steps_loses_nothing() {
    let golden = golden("dedication_incremental_loss");
    let policy = GapPolicy {
        threshold: Seconds::try_new(int(&golden, "session_limit")).unwrap(),
        minimum: Minimum::LongerThan(Seconds::try_new(int(&golden, "ignore_sessions_limit")).unwrap()),
        ..GapPolicy::default()
    };
    for step in [7_200, 86_400] {
        // One set per learner and step, merged afterwards in the order of their numbers.
        let mut parts: BTreeMap<(&str, i64), SessionSet> = BTreeMap::new();
        for (user, time) in HITS.iter() {
            let time = time.unwrap();
            parts.entry((user, time / step)).or_insert_with(|| SessionSet::new(policy)).push(time);
        }
        let mut users: BTreeMap<&str, SessionSet> = BTreeMap::new();
        for ((user, _), part) in parts.iter().rev() {
            users.entry(user).or_insert_with(|| SessionSet::new(policy)).merge(part).unwrap();
        }
        let totals: Vec<_> = users.values_mut().map(SessionSet::totals).collect();
        let seconds: i64 = totals.iter().map(|totals| totals.elapsed.get()).sum();
        let sessions: u64 = totals.iter().map(|totals| totals.sessions).sum();
        assert_eq!(seconds, int(&golden["one_run"], "seconds"), "in steps of {step} s");
        assert_eq!(Some(sessions), golden["one_run"]["sessions"].as_u64(), "in steps of {step} s");
    }
}
