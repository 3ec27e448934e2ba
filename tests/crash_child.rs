//! One piece of work on a store, killed at a named step: `crash-child STORE load FILE… | optimize | vacuum`.
//!
//! `CRASH_AT=step:n` kills the process, as SIGKILL does, when it passes the step for the n-th time.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use engine::Engine;
use engine::load::{LoadRequest, Silent, Source};
use tests::NOW;

static CRASH_AT: OnceLock<(String, u64)> = OnceLock::new();
static PASSED: AtomicU64 = AtomicU64::new(0);

fn observer(step: &'static str) {
    let Some((wanted, times)) = CRASH_AT.get() else { return };
    if step == wanted && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *times {
        let pid = std::process::id().to_string();
        // The signal may take a moment; nothing may happen until it is there.
        drop(std::process::Command::new("kill").args(["-KILL", &pid]).status());
        loop {
            std::thread::park();
        }
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    if let Ok(place) = std::env::var("CRASH_AT") {
        let (step, times) = place.rsplit_once(':').context("CRASH_AT is step:n")?;
        CRASH_AT.get_or_init(|| (step.to_owned(), times.parse().unwrap_or(1)));
        engine::store::observe(observer);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, work, files @ ..] = arguments.as_slice() else { bail!("crash-child STORE WORK [FILE…]") };
    let engine = Engine::open(store, &[]).await?;
    match work.as_str() {
        "load" => {
            let sources = files.iter().map(|file| Source::File(file.into())).collect();
            // A small budget, so that runs are spilled and several chunks are merged.
            let request = LoadRequest { memory_budget: 1 << 10, ..LoadRequest::new(sources, NOW) };
            engine.load(&request, std::sync::Arc::new(Silent)).await?;
        }
        "optimize" => {
            engine.optimize(NOW).await?;
        }
        "vacuum" => {
            engine.vacuum(i64::MAX / 2, 0, false, true).await?;
        }
        other => bail!("unknown work {other}"),
    }
    Ok(())
}
