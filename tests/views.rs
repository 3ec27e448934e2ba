//! The published views against their cases: tables in CSV, and rows by hand or from golden answers.

use std::process::Command;

use anyhow::{Result, ensure};

/// Runs `assidu view` with these arguments, where there is no store.
fn view(args: &[&str]) -> Result<(bool, String)> {
    let folder = tempfile::tempdir()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_assidu-child"));
    let output = command.current_dir(folder.path()).args(["--lang", "en", "view"]).args(args).output()?;
    Ok((output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn every_case_of_the_published_views_passes() -> Result<()> {
    let (good, told) = view(&["test", "--cases", concat!(env!("CARGO_MANIFEST_DIR"), "/../sql/tests")])?;
    ensure!(good && told.contains(" passed, 0 failed"), "{told}");
    Ok(())
}

#[test]
fn the_published_views_are_right_without_any_table() -> Result<()> {
    let (good, told) = view(&["check"])?;
    ensure!(good, "{told}");
    Ok(())
}
