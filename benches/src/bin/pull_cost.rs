//! What a pull of a whole view costs: rows per second of the plan alone, of the encoder alone and over HTTP, the time of
//! the first byte, and memory, for each format; and how long the processors stay busy after a client has left.
//!
//! Encoder and HTTP are measured in turns in one process. The client runs in a process of its own (`--client`), so that
//! memory and processor time are the server's.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use arrow::record_batch::RecordBatch;
use benches::machine::{cpu_seconds, rss_kib};
use clap::Parser;
use engine::Engine;
use engine::query::Limits;
use futures::StreamExt;
use server::access::{AccessRegister, Gate, NewToken, Scope, Secret};
use server::encode::{Format, Wrapping, document};
use server::http::{App, Clock, Server};
use server::settings::{Config, GivenValue, Origin, ServerSettings};

/// The eight columns of the view.
const SELECT: &str = "SELECT id, userid, courseid, action, component, timecreated, to_timestamp_seconds(timecreated) AS moment, contextid FROM logstore_standard_log";

/// Rows that the encoder is measured with.
const SAMPLE: usize = 1_000_000;

/// Measures pulls of the whole log.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder or URL of the store.
    #[arg(long, default_value = "")]
    store: String,
    /// Formats.
    #[arg(long, value_delimiter = ',', default_value = "ndjson,csv,json,xml,arrow,parquet")]
    formats: Vec<String>,
    /// Greatest rate at which the slow reader takes bytes, per second; 0 for no slow reader.
    #[arg(long, default_value_t = 0)]
    slow: u64,
    /// Reads this address and tells first byte, bytes and seconds.
    #[arg(long)]
    client: Option<String>,
    /// Stops reading after so many milliseconds.
    #[arg(long, default_value_t = 0)]
    leave: u64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match arguments.client.clone() {
        Some(address) => runtime.block_on(read(&address, &arguments)),
        None => runtime.block_on(runtime.spawn(measure(arguments)))?,
    }
}

/// The client: reads one answer and throws it away.
async fn read(address: &str, arguments: &Arguments) -> Result<()> {
    let token = std::env::var("PULL_TOKEN")?;
    let start = Instant::now();
    let answer = reqwest::Client::new().get(address).bearer_auth(token).send().await?;
    ensure!(answer.status() == 200, "{}", answer.text().await?);
    let (mut stream, mut bytes, mut first) = (answer.bytes_stream(), 0u64, None);
    while let Some(chunk) = stream.next().await {
        bytes += chunk?.len() as u64;
        first.get_or_insert_with(|| start.elapsed());
        if arguments.leave > 0 && start.elapsed() >= Duration::from_millis(arguments.leave) {
            break;
        }
        if arguments.slow > 0 {
            let due = Duration::from_secs_f64(bytes as f64 / arguments.slow as f64);
            // A minute shows whether memory grows.
            if start.elapsed() > Duration::from_secs(60) {
                break;
            }
            tokio::time::sleep(due.saturating_sub(start.elapsed())).await;
        }
    }
    let first = first.context("no byte")?.as_secs_f64() * 1e3;
    writeln!(std::io::stdout(), "{first:.1} {bytes} {:.3}", start.elapsed().as_secs_f64())?;
    Ok(())
}

async fn measure(arguments: Arguments) -> Result<()> {
    let engine = Engine::open_existing(&arguments.store, &[]).await?;
    let folder = std::env::temp_dir().join(format!("pull-cost-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("wide.sql"), view())?;
    let (token, root) = serve(&engine, &folder).await?;
    let mut out = std::io::stdout();
    let (rows, plan) = drain(&engine).await?;
    writeln!(out, "plan alone: {rows} rows, {:.2} M rows/s", plan / 1e6)?;
    let batches = sample(&engine).await?;
    for name in &arguments.formats {
        let format = Format::from_name(name).with_context(|| name.clone())?;
        let encoder = encoder_rate(format, &batches)?;
        let before = rss_kib().unwrap_or(0);
        let (mut first, mut rates) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let told = client(&format!("{root}/v1/views/wide/data.{name}"), &token, &[])?;
            first.push(told[0]);
            rates.push(rows as f64 / told[2]);
        }
        let grown = (rss_kib().unwrap_or(0).saturating_sub(before)) / 1024;
        let rate = rates.iter().copied().fold(0.0, f64::max);
        writeln!(
            out,
            "{name}: encoder {:.2} M rows/s, over HTTP {:.2} M rows/s, first byte {:.0} ms, memory +{grown} MiB",
            encoder / 1e6,
            rate / 1e6,
            first.iter().copied().fold(f64::INFINITY, f64::min),
        )?;
        if arguments.slow > 0 {
            let before = rss_kib().unwrap_or(0);
            client(&format!("{root}/v1/views/wide/data.{name}"), &token, &["--slow", &arguments.slow.to_string()])?;
            let grown = (rss_kib().unwrap_or(0).saturating_sub(before)) / 1024;
            writeln!(out, "{name}: with a reader at {} bytes/s memory +{grown} MiB", arguments.slow)?;
        }
    }
    for (kind, sql) in PLANS {
        writeln!(out, "{kind}: busy for {} ms after the client left", busy(&root, &token, sql).await?)?;
    }
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Plans that work for long.
const PLANS: [(&str, &str); 4] = [
    ("scan", "SELECT * FROM logstore_standard_log"),
    ("sort", "SELECT * FROM logstore_standard_log ORDER BY ip, timecreated, id DESC"),
    (
        "join",
        "SELECT a.id, b.id AS other FROM logstore_standard_log a JOIN logstore_standard_log b ON a.userid = b.userid",
    ),
    (
        "aggregate",
        "SELECT timecreated, courseid, count(*), max(id) FROM logstore_standard_log GROUP BY timecreated, courseid",
    ),
];

/// Milliseconds until less than a tenth of a processor is used, after a client of this statement was cut off.
async fn busy(root: &str, token: &str, sql: &str) -> Result<u128> {
    let body = serde_json::json!({ "sql": sql, "format": "ndjson" }).to_string();
    let request = reqwest::Client::new().post(format!("{root}/v1/sql")).bearer_auth(token).body(body);
    let running = tokio::spawn(async move {
        let mut stream = request.send().await?.bytes_stream();
        while let Some(chunk) = stream.next().await {
            chunk?;
        }
        anyhow::Ok(())
    });
    tokio::time::sleep(Duration::from_millis(700)).await;
    running.abort();
    let left = Instant::now();
    loop {
        let before = cpu_seconds().context("no accounts of the processor")?;
        let mark = left.elapsed().as_millis();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let used = cpu_seconds().context("no accounts of the processor")? - before;
        if used <= 0.01 {
            return Ok(mark);
        }
        ensure!(mark < 30_000, "{sql} goes on");
    }
}

/// First byte in ms, bytes and seconds, as a client in a process of its own tells them.
fn client(address: &str, token: &str, more: &[&str]) -> Result<[f64; 3]> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["--client", address]).args(more).env("PULL_TOKEN", token).stderr(Stdio::inherit());
    let told = command.output()?;
    let text = String::from_utf8(told.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| anyhow::anyhow!("the client failed: {text}"))
}

/// Rows, and rows per second, of the plan without a document.
async fn drain(engine: &Engine) -> Result<(u64, f64)> {
    let session = engine.session(None, &Limits::default()).await?;
    let start = Instant::now();
    let (mut stream, mut rows) = (session.query(SELECT).await?, 0u64);
    while let Some(batch) = stream.next().await {
        rows += batch?.num_rows() as u64;
    }
    Ok((rows, rows as f64 / start.elapsed().as_secs_f64()))
}

async fn sample(engine: &Engine) -> Result<Vec<RecordBatch>> {
    let session = engine.session(None, &Limits::default()).await?;
    let mut stream = session.query(&format!("{SELECT} LIMIT {SAMPLE}")).await?;
    let mut batches = Vec::new();
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok(batches)
}

/// Rows per second of the encoder on one thread, from batches in memory to nowhere.
fn encoder_rate(format: Format, batches: &[RecordBatch]) -> Result<f64> {
    let schema = batches.first().context("no rows")?.schema();
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut best = f64::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let mut encoder = document(format, &schema, Box::new(std::io::sink()), &Wrapping::default())?;
        for batch in batches {
            encoder.write(batch)?;
        }
        encoder.finish()?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    Ok(rows as f64 / best)
}

fn view() -> String {
    let column = |(name, kind): (&str, &str)| {
        format!("[columns.{name}]\ntype = \"{kind}\"\ndoc = {{ en = \"{name}\", fr = \"{name}\" }}\n")
    };
    let columns = [
        ("id", "Int64"),
        ("userid", "Int64"),
        ("courseid", "Int64"),
        ("action", "Utf8"),
        ("component", "Utf8"),
        ("timecreated", "Int64"),
        ("moment", "Timestamp"),
        ("contextid", "Int64"),
    ];
    let columns: String = columns.into_iter().map(column).collect();
    format!(
        "/*---\ntitle = {{ en = \"Wide\", fr = \"Large\" }}\ndescription = {{ en = \"The log.\", fr = \"Le journal.\" }}\n{columns}---*/\n{SELECT}\n"
    )
}

/// Starts a server in this process, over a store that it must not write to; its token and its address.
async fn serve(engine: &Engine, views: &Path) -> Result<(String, String)> {
    let keys = Engine::open("memory://", &[]).await?;
    let register = AccessRegister::new(&keys);
    let secret = Secret::generate()?;
    let new = NewToken { label: "bench".to_owned(), scopes: [Scope::Sql].into(), ..NewToken::default() };
    register.update(|access| access.create_token(&new, &secret, 0)).await?;
    let mut config = Config::default();
    let views = views.to_str().context("path")?;
    for (key, text) in [("server.listen", "127.0.0.1:0"), ("etl.views", views)] {
        let value = GivenValue { text: text.to_owned(), origin: Origin::Flag, place: "bench".to_owned() };
        config.given.note(key, value);
    }
    let settings = ServerSettings::try_new(&config, std::thread::available_parallelism()?.get())?;
    let app = App::new(engine.clone(), settings, Gate::new(register), Clock::fixed(1_800_000_000));
    let server = Server::start(Arc::new(app)).await?;
    let root = format!("http://{}", server.address);
    tokio::spawn(server.run(std::future::pending()));
    Ok((secret.expose().to_owned(), root))
}
