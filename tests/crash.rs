//! A process killed at any moment leaves the old snapshot or the new one, and nothing between.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use engine::Engine;
use engine::store::STEPS;
use tests::{load, log_contents, log_csv, source};

/// Runs of the whole test: every named step three times for each kind of work, the others at random moments.
const RUNS: usize = 300;

/// A store with two overlapping runs, so that all kinds of work have something to do.
async fn template(folder: &Path) -> Result<()> {
    let engine = Engine::open(&folder.to_string_lossy(), &[]).await?;
    load(&engine, vec![source("a.csv", log_csv(1..=1500))]).await?;
    load(&engine, vec![source("b.csv", log_csv(1400..=2000))]).await?;
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// How a run is killed.
enum Kill<'a> {
    At(&'a str, u64),
    After(Duration),
}

fn run(store: &Path, work: &[&str], kill: &Kill<'_>) -> Result<()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crash-child"));
    command.arg(store).args(work).stdout(Stdio::null()).stderr(Stdio::null());
    if let Kill::At(step, times) = kill {
        command.env("CRASH_AT", format!("{step}:{times}"));
    }
    let mut child = command.spawn().context("start the child")?;
    if let Kill::After(delay) = kill {
        std::thread::sleep(*delay);
        // The child may have finished; then nothing is killed and the new state is there.
        child.kill()?;
    }
    child.wait()?;
    Ok(())
}

/// The store is clean, holds the old or the new rows, and the repeated work brings exactly the new ones.
async fn check(store: &Path, work: &[&str], old: &[i64], new: &[i64], what: &str) -> Result<()> {
    let engine = Engine::open(&store.to_string_lossy(), &[]).await?;
    let report = engine.verify().await?;
    assert!(report.problems.is_empty(), "{what}: {:?}", report.problems);
    let found = log_contents(&engine).await?;
    assert!(found == old || found == new, "{what}: {found:?} is neither {old:?} nor {new:?}");
    run(store, work, &Kill::At("never", 1))?;
    let repeated = Engine::open(&store.to_string_lossy(), &[]).await?;
    assert_eq!(log_contents(&repeated).await?, new, "{what}: repeated");
    let report = repeated.verify().await?;
    assert!(report.problems.is_empty(), "{what}: repeated: {:?}", report.problems);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let base = folder.path().join("base");
    template(&base).await?;
    let file = folder.path().join("new.csv");
    std::fs::write(&file, log_csv(1900..=4000))?;
    let file = file.to_string_lossy().into_owned();
    let load: Vec<&str> = vec!["load", &file];
    let works: [&[&str]; 3] = [&load, &["optimize"], &["vacuum"]];

    let engine = Engine::open(&base.to_string_lossy(), &[]).await?;
    let old = log_contents(&engine).await?;
    let all = sums(1..=4000);
    assert_eq!(old, sums(1..=2000));

    let mut plans: Vec<(&[&str], Kill<'_>)> = Vec::new();
    for work in works {
        for step in STEPS {
            plans.extend((1..=3).map(|times| (work, Kill::At(step, times))));
        }
    }
    // Moments spread over the whole life of a child, from its start to beyond its end.
    let random = RUNS.saturating_sub(plans.len());
    plans.extend((0..random).map(|index| {
        let micros = (index as u64 * 7_919) % 120_000;
        (works[index % 3], Kill::After(Duration::from_micros(micros)))
    }));
    assert!(plans.len() >= RUNS, "{} runs", plans.len());

    for (index, (work, kill)) in plans.iter().enumerate() {
        let store = folder.path().join(format!("run{index}"));
        copy(&base, &store)?;
        run(&store, work, kill)?;
        let what = match kill {
            Kill::At(step, times) => format!("{} killed at {step} ({times})", work[0]),
            Kill::After(delay) => format!("{} killed after {delay:?}", work[0]),
        };
        let new = if work[0] == "load" { &all } else { &old };
        check(&store, work, &old, new, &what).await?;
        std::fs::remove_dir_all(&store)?;
    }
    Ok(())
}

fn sums(ids: std::ops::RangeInclusive<i64>) -> Vec<i64> {
    let ids: Vec<i64> = ids.collect();
    let times = ids.iter().map(|id| 1_600_000_000 + id * 37).sum();
    vec![ids.len() as i64, ids.iter().sum(), times]
}
