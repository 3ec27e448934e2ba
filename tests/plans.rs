//! The plans of aggregates over the clustered log: streams, without sort and without shuffle.

use anyhow::Result;
use engine::Engine;
use engine::query::Limits;
use rstest::rstest;
use tests::{load, log_csv, source};

/// A store with the rows of many users in one run, or with a small second one.
async fn store(runs: i64) -> Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    for run in 0..runs {
        load(&engine, vec![source("a.csv", log_csv(run * 2000 + 1..=run * 200 + 2000))]).await?;
    }
    Ok(engine)
}

#[rstest]
#[case::by_user(
    "SELECT userid, session_stats(timecreated, 900) FROM logstore_standard_log GROUP BY userid",
    "ordering_mode=Sorted"
)]
#[case::sessions(
    "SELECT userid, sessions(timecreated, 900) FROM logstore_standard_log GROUP BY userid",
    "ordering_mode=Sorted"
)]
#[case::time(
    "SELECT userid, time_spent(timecreated, 900, '>=', 'half', '2 events') FROM logstore_standard_log GROUP BY userid",
    "ordering_mode=Sorted"
)]
#[case::by_user_and_course(
    "SELECT userid, courseid, time_spent(timecreated, 900) FROM logstore_standard_log GROUP BY userid, courseid",
    "ordering_mode=PartiallySorted([0])"
)]
#[tokio::test(flavor = "multi_thread")]
async fn aggregates_stream(
    #[case] sql: &str,
    #[case] mode: &str,
    #[values(1, 2, 8)] threads: usize,
    #[values(1, 2)] runs: i64,
) -> Result<()> {
    let engine = store(runs).await?;
    let session = engine.session(None, &Limits { threads, ..Limits::default() }).await?;
    let plan = session.plan(sql).await?;
    assert!(!plan.contains("SortExec") && !plan.contains("RepartitionExec"), "{plan}");
    assert!(plan.contains("mode=SinglePartitioned") || plan.contains("mode=Single,"), "{plan}");
    assert!(plan.contains(mode), "{plan}");
    // Only several runs are merged, and only their ranges.
    assert_eq!(plan.contains("ClusterMergeExec"), runs > 1, "{plan}");
    Ok(())
}

/// Counts and bounds come from the manifest.
#[tokio::test(flavor = "multi_thread")]
async fn counts_read_no_file() -> Result<()> {
    let engine = store(1).await?;
    let session = engine.session(None, &Limits::default()).await?;
    let plan = session.plan("SELECT count(*), min(timecreated), max(id) FROM logstore_standard_log").await?;
    assert!(plan.contains("PlaceholderRowExec") && !plan.contains("DataSourceExec"), "{plan}");
    Ok(())
}

/// Time spent is folded straight from the log: users come in order, and nothing above the fold sorts or shuffles them.
#[tokio::test(flavor = "multi_thread")]
async fn time_spent_streams_in_the_order_of_users() -> Result<()> {
    for (threads, runs) in [(1, 1), (2, 1), (8, 2)] {
        let engine = store(runs).await?;
        let session = engine.session(None, &Limits { threads, ..Limits::default() }).await?;
        let plan = session
            .plan("SELECT userid, sum(elapsed) FROM course_time('use_stats') WHERE userid IN (5, 6) GROUP BY userid")
            .await?;
        assert!(
            plan.contains("SpentExec: course_time, policy=use_stats") && plan.contains("ordering_mode=Sorted"),
            "{plan}"
        );
        assert!(
            !plan.contains("SortExec") && !plan.contains("RepartitionExec") && !plan.contains("FilterExec"),
            "{plan}"
        );
    }
    Ok(())
}

/// A pull of what was committed since a mark opens the files of those commits and no others.
#[tokio::test]
async fn rows_after_a_commit_are_looked_for_in_younger_files() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    for first in [1i64, 101, 201] {
        // Users of their own, so that the files form one run.
        let rows: String = (first..first + 100).map(|id| format!("{id},{first},2,viewed,{id}\n")).collect();
        load(&engine, vec![source("log.csv", format!("id,userid,courseid,action,timecreated\n{rows}"))]).await?;
    }
    let session = engine.session(None, &Limits::default()).await?;
    let files = async |sql: &str| anyhow::Ok(session.plan(sql).await?.matches(".parquet").count());
    assert_eq!(files("SELECT id, _commit FROM logstore_standard_log").await?, 3);
    assert_eq!(files("SELECT id FROM logstore_standard_log WHERE _commit > 1").await?, 2);
    assert_eq!(files("SELECT id FROM logstore_standard_log WHERE _commit > 2 AND _commit <= 3").await?, 1);
    let count = tests::numbers(&engine, "SELECT count(*) FROM logstore_standard_log WHERE _commit > 2").await?;
    assert_eq!(count, [100]);
    Ok(())
}
