//! Memory, temporary files, time, and sizes of statements.

use std::time::{Duration, Instant};

use futures::StreamExt;
use rstest::rstest;

use super::{ask, catalog, session, session_with};
use crate::query::{Limits, Runtime, Session};
use crate::{Error, ErrorKind, Lang};

const SMALL: usize = 8 << 20;

/// Memory that is still held a while after a query ended.
async fn memory_left(session: &Session) -> usize {
    for _ in 0..200 {
        if session.memory_used() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    session.memory_used()
}

fn small(spill: u64) -> Limits {
    Limits { memory: SMALL, spill, ..Limits::default() }
}

#[rstest]
#[case::groups("SELECT count(*) FROM (SELECT value * 7919 % 1000003 AS k FROM generate_series(1, 1000000) GROUP BY 1)")]
#[case::sort("SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY -value) AS n FROM generate_series(1, 2000000))")]
#[case::array_agg("SELECT cardinality(array_agg(value)) FROM generate_series(1, 4000000)")]
#[case::array_agg_of_texts(
    "SELECT cardinality(array_agg(repeat('x', 1000 + value % 2))) FROM generate_series(1, 100000)"
)]
#[case::string_agg("SELECT length(string_agg(repeat('x', 1000 + value % 2), ',')) FROM generate_series(1, 100000)")]
#[case::distinct("SELECT count(DISTINCT value * 7919 % 1000003) FROM generate_series(1, 1000000)")]
#[case::join(
    "SELECT count(*) FROM generate_series(1, 1000000) AS a JOIN generate_series(1, 1000000) AS b ON a.value = b.value"
)]
#[tokio::test]
async fn a_full_memory_ends_the_query(#[case] sql: &str) {
    let session = session_with(&small(0));
    let error = ask(&session, sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{sql}: {}", error.describe(Lang::En));
    assert!(error.message(Lang::En).contains("8388608 bytes of memory"), "{sql}: {error}");
    assert!(error.message(Lang::Fr).contains("8388608 octets de mémoire"), "{sql}: {error}");
    assert_eq!(memory_left(&session).await, 0);
    assert_eq!(ask(&session, "SELECT 1").await.unwrap(), [["1"]]);
}

#[tokio::test]
async fn a_sort_spills_into_its_folder_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let build = |spill: u64| {
        Session::builder(catalog(), "campus")
            .limits(&small(spill))
            .spill_folder(folder.path().to_owned())
            .build(&|_| {})
    };
    let sql = "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY value * 7919 % 1000003) AS n FROM generate_series(1, 2000000))";
    let spilling = build(1 << 30).unwrap();
    assert_eq!(ask(&spilling, sql).await.unwrap(), [["2000000"]]);
    let error = ask(&build(1 << 20).unwrap(), sql).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    drop(spilling);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn sessions_can_share_a_runtime() {
    let runtime = Runtime::new(&small(0), None).unwrap();
    let session = Session::builder(catalog(), "campus").runtime(&runtime).build(&|_| {}).unwrap();
    let sql = "SELECT cardinality(array_agg(value)) FROM generate_series(1, 4000000)";
    assert_eq!(ask(&session, sql).await.unwrap_err().kind(), ErrorKind::Limit);
}

#[rstest]
#[case::rows("SELECT count(*) FROM generate_series(1, 1000000000000)")]
#[case::stream("SELECT value FROM generate_series(1, 1000000000000) WHERE value < 0")]
#[case::sorted("SELECT value FROM generate_series(1, 1000000000000) ORDER BY value % 7 LIMIT 1")]
#[case::join(
    "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b WHERE a.value + b.value = -1"
)]
#[case::cross_join(
    "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b WHERE a.value % 2 = 0"
)]
#[case::one_key(
    "SELECT count(*) FROM (SELECT value, 1 AS k FROM generate_series(1, 1000000)) AS a JOIN (SELECT value, 1 AS k FROM generate_series(1, 1000000)) AS b ON a.k = b.k AND a.value + b.value = -1"
)]
#[case::recursion("WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT count(*) FROM t")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_late_query_ends(#[case] sql: &str) {
    let session = session_with(&Limits { timeout: Some(Duration::from_millis(300)), ..Limits::default() });
    let started = Instant::now();
    let mut stream = session.query(sql).await.unwrap();
    let error = loop {
        match stream.next().await.unwrap() {
            Ok(_) => continue,
            Err(error) => break Error::from(error),
        }
    };
    assert_eq!(error.kind(), ErrorKind::Limit, "{sql}: {error}");
    assert!(error.message(Lang::En).contains("0.3 s"), "{error}");
    assert!(stream.next().await.is_none());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_stream_frees_what_it_held() {
    let session = session();
    let sql = "SELECT value % 100000 AS k, count(*) FROM generate_series(1, 1000000000000) GROUP BY 1";
    let mut stream = session.query(sql).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(500), stream.next()).await;
    assert!(waited.is_err(), "the query cannot be done");
    drop(stream);
    assert_eq!(memory_left(&session).await, 0);
}

#[tokio::test]
async fn a_query_in_time_is_whole() {
    let session = session_with(&Limits { timeout: Some(Duration::from_secs(60)), ..Limits::default() });
    assert_eq!(ask(&session, "SELECT count(*) FROM hits").await.unwrap(), [["4"]]);
    let endless = session_with(&Limits { timeout: Some(Duration::MAX), ..Limits::default() });
    assert_eq!(ask(&endless, "SELECT count(*) FROM hits").await.unwrap(), [["4"]]);
}

#[tokio::test]
async fn statements_of_monstrous_shape_are_refused() {
    let session = session();
    let mut doubling = "WITH c0 AS (SELECT 1 AS x)".to_owned();
    for level in 1..40 {
        doubling += &format!(", c{level} AS (SELECT * FROM c{0} UNION ALL SELECT * FROM c{0})", level - 1);
    }
    for sql in [
        format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("SELECT 1{}", " + 1".repeat(100_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(10_000)),
        format!("SELECT '{}'", "x".repeat(2 << 20)),
        format!("{doubling} SELECT count(*) FROM c39"),
    ] {
        assert_eq!(ask(&session, &sql).await.unwrap_err().kind(), ErrorKind::Limit, "{}", &sql[..60]);
    }
}

/// A sum of itself, so many times over, under a filter.
fn doubled(levels: usize) -> String {
    let with = (1..=levels).fold("WITH c0 AS (SELECT id AS x FROM hits)".to_owned(), |with, level| {
        format!("{with}, c{level} AS (SELECT x + x AS x FROM c{})", level - 1)
    });
    format!("{with} SELECT count(*) AS n FROM c{levels} WHERE x > 0")
}

#[tokio::test]
async fn expressions_that_double_are_refused() {
    let session = session();
    assert_eq!(ask(&session, &doubled(10)).await.unwrap(), [["4"]]);
    for sql in [
        doubled(100),
        format!("SELECT id FROM hits WHERE id IN ({})", doubled(100)),
        format!("SELECT id FROM hits UNION ALL SELECT n FROM ({}) AS s", doubled(100)),
    ] {
        assert_eq!(ask(&session, &sql).await.unwrap_err().kind(), ErrorKind::Limit, "{}", &sql[..60]);
    }
    let list = (0..60_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    assert_eq!(ask(&session, &format!("SELECT count(*) FROM hits WHERE id IN ({list})")).await.unwrap(), [["4"]]);
}

/// The longest chain, the most joins and the deepest nesting that pass, on a thread with little stack.
#[test]
fn statements_at_the_limits_pass_on_a_small_stack() {
    let chain = format!("SELECT 1{}", " + 1".repeat(240));
    let nulls = format!("SELECT id{} FROM hits", " IS NULL".repeat(240));
    let either = (0..240).map(|n| format!("userid = {n}")).collect::<Vec<_>>().join(" OR ");
    let either = format!("SELECT 1 FROM hits WHERE {either}");
    let unions = format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(160));
    let joins: String = (0..40).map(|n| format!(" JOIN user AS u{n} ON u{n}.id = h.userid")).collect();
    let joins = format!("SELECT count(*) FROM hits AS h{joins}");
    let nested = format!("SELECT {}1{}", "(".repeat(20), ")".repeat(20));
    let doubled = doubled(10);
    let check = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for sql in [&chain, &nulls, &either, &unions, &joins, &nested, &doubled] {
            runtime.block_on(ask(&session(), sql)).unwrap();
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(check).unwrap().join().unwrap();
}
