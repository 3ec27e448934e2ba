//! The golden cases of the repository.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use tests::conformance::{Report, Steps, peers, use_stats, ws};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// Fails with the first differences. `least` is the number of recorded results: fewer means that some were not found.
fn check(report: &Report, least: u64) -> Result<()> {
    let lines: Vec<&str> = report.differences.iter().take(20).map(String::as_str).collect();
    ensure!(report.failed == 0, "{} results differ:\n{}", report.failed, lines.join("\n"));
    ensure!(report.passed >= least, "{} results of {least} were compared", report.passed);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn time_spent_is_what_the_plugin_computes() -> Result<()> {
    check(&use_stats(&path("golden/use-stats")).await?, 445)
}

#[tokio::test(flavor = "multi_thread")]
async fn time_spent_is_what_other_products_compute() -> Result<()> {
    check(&peers(&path("golden/peers"), &path("../datasets"), Steps::Daily).await?, 2300)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_web_service_answers_as_recorded() -> Result<()> {
    check(&ws(&path("golden/ws")).await?, 128)
}
