//! Runs statements on a store in one warm process, one at a time, and tells what each cost.
//!
//! Reads one JSON object per line, `{"sql": "…", "out": "file.parquet"}` (`out` is optional and not timed), and answers
//! each with `{"seconds", "cpu", "rows", "peak_rss_kib"}`. The caller decides when the next one starts, so that two
//! programs can be measured in turns.

use std::fs::File;
use std::io::{self, BufRead, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use benches::machine;
use clap::Parser;
use engine::Engine;
use engine::query::Limits;
use futures::TryStreamExt;
use parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

/// Times statements on a store; statements come from the standard input, one JSON object per line.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder or URL of the store.
    #[arg(long)]
    store: String,
    /// Threads of a query.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// Bytes of the memory pool of a query.
    #[arg(long, default_value_t = 1 << 30)]
    memory: usize,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(arguments.threads).enable_all().build()?;
    let engine = runtime.block_on(Engine::open_existing(&arguments.store, &[]))?;
    let limits = Limits { threads: arguments.threads, memory: arguments.memory, ..Limits::default() };
    for line in io::stdin().lock().lines() {
        let order: Value = serde_json::from_str(&line?).context("a line that is no JSON object")?;
        let Some(sql) = order["sql"].as_str() else { bail!("a line without `sql`") };
        // Off the main thread, as a server runs it: the main thread is not one of the runtime's workers.
        let (engine, limits, sql) = (engine.clone(), limits.clone(), sql.to_owned());
        let keep = order["out"].is_string();
        let answer = runtime.block_on(runtime.spawn(async move { measure(&engine, &limits, &sql, keep).await }))??;
        if let Some(path) = order["out"].as_str() {
            write(Path::new(path), &answer)?;
        }
        writeln!(io::stdout(), "{}", answer.report)?;
    }
    Ok(())
}

/// The rows of a statement and what they cost.
struct Answer {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    report: Value,
}

/// Plans and runs a statement to its last row; everything from the text on is timed.
async fn measure(engine: &Engine, limits: &Limits, sql: &str, keep: bool) -> Result<Answer> {
    let (start, cpu) = (Instant::now(), machine::cpu_seconds());
    let session = engine.session(None, limits).await?;
    let mut stream = session.query(sql).await?;
    let schema = stream.schema();
    // Rows that nobody wants to see are dropped as they come, as a server does that has sent them.
    let (mut batches, mut rows): (Vec<RecordBatch>, usize) = (Vec::new(), 0);
    while let Some(batch) = stream.try_next().await? {
        rows += batch.num_rows();
        if keep {
            batches.push(batch);
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let cpu = machine::cpu_seconds().zip(cpu).map(|(after, before)| after - before);
    let report = json!({ "seconds": seconds, "cpu": cpu, "rows": rows, "peak_rss_kib": machine::peak_rss_kib() });
    Ok(Answer { schema, batches, report })
}

fn write(path: &Path, answer: &Answer) -> Result<()> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    let mut writer = ArrowWriter::try_new(file, SchemaRef::clone(&answer.schema), None)?;
    for batch in &answer.batches {
        writer.write(batch)?;
    }
    writer.close()?;
    Ok(())
}
