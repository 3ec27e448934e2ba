//! `sql/checks`: queries that return no row on a sound store, and rows on one that is not.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::{Context, Result};
use engine::Engine;
use tests::{load, log_csv, rows, source};

/// The checks by name, without the semicolon at the end.
fn checks() -> Result<BTreeMap<String, String>> {
    let mut checks = BTreeMap::new();
    for entry in std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../sql/checks"))? {
        let path = entry?.path();
        let name = path.file_stem().context("name")?.to_string_lossy().into_owned();
        checks.insert(name, std::fs::read_to_string(&path)?.trim().trim_end_matches(';').to_owned());
    }
    Ok(checks)
}

async fn count(engine: &Engine, sql: &str) -> Result<usize> {
    Ok(rows(engine, sql).await?.iter().map(|batch| batch.num_rows()).sum())
}

/// A log of 41 users (3 to 43) with times in two runs, and those of the users that are given.
async fn store(users: std::ops::RangeInclusive<i64>) -> Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    let users = users.fold("id,username\n".to_owned(), |text, user| format!("{text}{user},u{user}\n"));
    load(&engine, vec![source("a.csv", log_csv(1..=1200)), source("user.csv", users)]).await?;
    load(&engine, vec![source("b.csv", log_csv(1201..=1300))]).await?;
    Ok(engine)
}

#[tokio::test(flavor = "multi_thread")]
async fn sound_stores_pass_every_check() -> Result<()> {
    let engine = store(3..=43).await?;
    let checks = checks()?;
    assert_eq!(
        checks.keys().map(String::as_str).collect::<Vec<_>>(),
        ["hits_have_their_users", "sessions_add_up", "time_spent_adds_up"]
    );
    for (name, sql) in checks {
        assert_eq!(count(&engine, &sql).await?, 0, "{name}");
    }
    Ok(())
}

/// A check that cannot fail proves nothing.
#[tokio::test(flavor = "multi_thread")]
async fn every_check_can_fail() -> Result<()> {
    let checks = checks()?;
    // Users 41, 42 and 43 are not in the table.
    let engine = store(3..=40).await?;
    assert_eq!(count(&engine, &checks["hits_have_their_users"]).await?, 3);
    // Hits of a user are 37 × 41 = 1517 s apart: with a gap of 1000 s every hit is a session of its own.
    let other_gap =
        checks["sessions_add_up"].replace("session_stats(timecreated, 1800)", "session_stats(timecreated, 1000)");
    assert_eq!(count(&engine, &other_gap).await?, 41);
    // A credit of a second more is a second more for the last hit of each of the 41 users, in one of their courses.
    let other_credit = checks["time_spent_adds_up"].replace("ELSE 900 END", "ELSE 901 END");
    assert_eq!(count(&engine, &other_credit).await?, 41);
    Ok(())
}

/// Time spent on every golden log, and on one without any origin and course, is that of SQL.
#[tokio::test(flavor = "multi_thread")]
async fn golden_logs_are_spent_as_plain_sql_says() -> Result<()> {
    let check = checks()?.remove("time_spent_adds_up").context("the check")?;
    let mut logs = 0;
    for entry in std::fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/use-stats"))? {
        let folder = entry?.path();
        let Ok(log) = std::fs::read(folder.join("log.csv")) else { continue };
        if log.iter().filter(|byte| **byte == b'\n').count() < 2 {
            continue;
        }
        let engine = Engine::open("memory://", &[]).await?;
        load(&engine, vec![source("logstore_standard_log.csv", log)]).await?;
        let wrong = rows(&engine, &check).await?;
        let text = arrow::util::pretty::pretty_format_batches(&wrong)?.to_string();
        assert_eq!(wrong.iter().map(|batch| batch.num_rows()).sum::<usize>(), 0, "{}:\n{text}", folder.display());
        logs += 1;
    }
    assert!(logs > 45, "{logs} logs");
    let engine = Engine::open("memory://", &[]).await?;
    let log = "id,userid,courseid,action,timecreated\n1,5,,viewed,1000\n2,5,,viewed,1100\n3,6,,loggedout,1000\n";
    load(&engine, vec![source("logstore_standard_log.csv", log)]).await?;
    assert_eq!(count(&engine, &check).await?, 0);
    assert_eq!(tests::numbers(&engine, "SELECT elapsed FROM user_time('use_stats')").await?, [1000]);
    Ok(())
}
