//! `conformance use-stats DIR`, `conformance ws DIR` and `conformance peers DIR --data DIR`: every golden case of a folder, compared.
//!
//! One line for each difference, and at the end `N passed, N failed`, where N counts recorded results. The exit code is
//! 0 only when something passed and nothing failed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program that reports")]

use std::path::Path;
use std::process::ExitCode;

use tests::conformance::{Report, Steps, peers, use_stats, ws};

const USAGE: &str =
    "usage: conformance use-stats DIR\n       conformance ws DIR\n       conformance peers DIR --data DIR";

#[tokio::main]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let report = match args.as_slice() {
        ["use-stats", dir] => use_stats(Path::new(dir)).await,
        ["ws", dir] => ws(Path::new(dir)).await,
        ["peers", dir, "--data", data] | ["peers", "--data", data, dir] => {
            peers(Path::new(dir), Path::new(data), Steps::All).await
        }
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match report {
        Ok(report) => finish(&report),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn finish(report: &Report) -> ExitCode {
    for line in &report.notes {
        println!("{line}");
    }
    for line in &report.differences {
        println!("{line}");
    }
    println!("{} passed, {} failed", report.passed, report.failed);
    if report.failed == 0 && report.passed > 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
