//! Small streams of one user: the edges.

use datafusion::prelude::SessionContext;
use serde_json::Value;

use crate::{Hit, context, golden, int, ints, items, numbers, rows, unix};

/// The hits of a scenario, with or without those that the command line made.
fn scenario(scenario: &Value, with_cli: bool) -> SessionContext {
    let counts = |event: &&Value| with_cli || event[1] != "cli";
    let hits: Vec<Hit> = items(&scenario["events"])
        .iter()
        .filter(counts)
        .map(|event| ("student".to_owned(), event[0].as_i64()))
        .collect();
    context(&hits, 2)
}

/// Start, last hit, elapsed and events of the sessions under a policy.
async fn sessions(ctx: &SessionContext, policy: &str) -> Vec<Vec<i64>> {
    let sql = format!(
        "SELECT s['start'], s['end'], s['elapsed'], s['events']
         FROM (SELECT unnest(sessions(timecreated, {policy})) AS s FROM hits) ORDER BY 1"
    );
    rows(ctx, &sql).await.into_iter().map(|row| row.1).collect()
}

async fn time_spent(ctx: &SessionContext, policy: &str) -> i64 {
    numbers(ctx, &format!("SELECT time_spent(timecreated, {policy}) FROM hits")).await[0]
}

/// The cases of one peer in every scenario.
fn cases(peer: &str) -> Vec<(String, Value, Value)> {
    let golden = golden("edge_scenarios");
    let mut cases = Vec::new();
    for scenario in items(&golden["scenarios"]) {
        for case in items(&scenario["expected"][peer]) {
            cases.push((format!("{}: {case}", scenario["name"]), scenario.clone(), case.clone()));
        }
    }
    assert!(cases.len() >= 13, "{peer} has {} cases", cases.len());
    cases
}

#[tokio::test]
async fn dedication_4() {
    for (name, hits, case) in cases("dedication_4") {
        let ctx = scenario(&hits, false);
        let (limit, ignore) = (int(&case, "session_limit"), int(&case, "ignore_sessions_limit"));
        assert_eq!(time_spent(&ctx, &limit.to_string()).await, int(&case, "total_without_minimum"), "{name}");
        let policy = format!("{limit}, '>', 'none', {ignore}");
        assert_eq!(time_spent(&ctx, &policy).await, int(&case, "total_with_minimum"), "{name}");
        let expected: Vec<[i64; 2]> =
            items(&case["sessions"]).iter().map(|session| [int(session, "start"), int(session, "seconds")]).collect();
        let ours: Vec<[i64; 2]> = sessions(&ctx, &policy).await.iter().map(|row| [row[0], row[2]]).collect();
        assert_eq!(ours, expected, "{name}");
    }
}

#[tokio::test]
async fn dedication_3() {
    for (name, hits, case) in cases("dedication_3") {
        let ctx = scenario(&hits, true);
        let limit = int(&case, "limit");
        assert_eq!(time_spent(&ctx, &limit.to_string()).await, int(&case, "total"), "{name}");
        let longer = format!("SELECT session_stats(timecreated, {limit}, '>', 0, '> 59')['sessions'] FROM hits");
        assert_eq!(numbers(&ctx, &longer).await, [int(&case, "sessions_longer_than_59s")], "{name}");
    }
}

#[tokio::test]
async fn attendance_register() {
    for (name, hits, case) in cases("attendanceregister") {
        let ctx = scenario(&hits, true);
        let policy = format!("{}, '>', 'half'", int(&case, "session_timeout_minutes") * 60);
        assert_eq!(time_spent(&ctx, &policy).await, int(&case, "total"), "{name}");
        let expected: Vec<[i64; 3]> = items(&case["sessions"])
            .iter()
            .map(|session| ["login", "logout", "seconds"].map(|name| int(session, name)))
            .collect();
        let ours: Vec<[i64; 3]> =
            sessions(&ctx, &policy).await.iter().map(|row| [row[0], row[0] + row[2], row[2]]).collect();
        assert_eq!(ours, expected, "{name}");
    }
}

#[tokio::test]
async fn certificate() {
    for (name, hits, case) in cases("customcert") {
        let ctx = scenario(&hits, true);
        assert_eq!(time_spent(&ctx, &int(&case, "sessiontimeout").to_string()).await, int(&case, "total"), "{name}");
    }
    let golden = golden("customcert_time");
    let own = items(&golden["own_tests"]["cases"]);
    assert_eq!(own.len(), 2);
    for case in own {
        let hits: Vec<Hit> = ints(&case["events"]).into_iter().map(|time| ("student".to_owned(), Some(time))).collect();
        let policy = int(case, "sessiontimeout").to_string();
        assert_eq!(time_spent(&context(&hits, 1), &policy).await, int(case, "expected_seconds"), "{case}");
    }
}

#[tokio::test]
async fn session_windows() {
    let golden = golden("spark_session_windows");
    let cases = items(&golden["cases"]);
    assert_eq!(cases.len(), 6);
    for case in cases {
        let hits: Vec<Hit> = items(&case["events"])
            .iter()
            .map(|event| (event[0].as_str().unwrap().to_owned(), event[1].as_str().map(unix)))
            .collect();
        let key = if case["grouping"] == "key" { "userid" } else { "'all'" };
        let sql = format!(
            "SELECT key, s['start'], s['start'] + s['elapsed'], s['events']
             FROM (SELECT {key} AS key, unnest(sessions(timecreated, {}, '>', 'threshold')) AS s FROM hits GROUP BY 1)
             ORDER BY 2",
            int(case, "gap_seconds")
        );
        let expected: Vec<_> = items(&case["sessions"])
            .iter()
            .map(|session| {
                let key = session[2].as_str().unwrap_or("all").to_owned();
                let [start, end] = [0, 1].map(|at| unix(session[at].as_str().unwrap()));
                (Some(key), vec![start, end, session[3].as_i64().unwrap()])
            })
            .collect();
        assert_eq!(rows(&context(&hits, 2), &sql).await, expected, "{}", case["name"]);
    }
}
