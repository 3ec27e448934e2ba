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
    assert_eq!(checks.keys().map(String::as_str).collect::<Vec<_>>(), ["hits_have_their_users", "sessions_add_up"]);
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
    Ok(())
}
