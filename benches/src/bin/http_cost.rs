//! What HTTP adds to a statistics call: the bare call of the engine and the same call through a server of this process,
//! in turns, for the same users. Prints medians, and the medians of the paired ratios.

use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use engine::Engine;
use engine::query::Limits;
use engine::stats::services::Call;
use engine::time::Policy;
use server::access::{AccessRegister, Gate, NewToken, Scope, Secret};
use server::http::{App, Clock, Server};
use server::settings::{Config, GivenValue, Origin, ServerSettings};

/// Times a statistics call with and without HTTP.
#[derive(Debug, Parser)]
struct Arguments {
    /// Folder or URL of the store.
    #[arg(long)]
    store: String,
    /// Pairs of calls.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Users in one call.
    #[arg(long, default_value_t = 1)]
    users: i64,
    /// Greatest id of a user; ids are taken in turns between 3 and this one.
    #[arg(long, default_value_t = 9000)]
    greatest: i64,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(runtime.spawn(measure(arguments)))?
}

async fn measure(arguments: Arguments) -> Result<()> {
    let engine = Engine::open_existing(&arguments.store, &[]).await?;
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
    let (token, address) = serve(&engine, now).await?;
    let client = reqwest::Client::new();
    let url = format!("http://{address}/webservice/rest/server.php");
    let (mut bare, mut http, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..arguments.pairs + 10 {
        let users = users(pair, &arguments);
        let start = Instant::now();
        let direct = call(&engine, &users, now).await?;
        let direct_time = start.elapsed();
        let form = form(&token, &users);
        let start = Instant::now();
        let text = client.post(&url).form(&form).send().await?.text().await?;
        let http_time = start.elapsed();
        let answer: serde_json::Value = serde_json::from_str(&text)?;
        // The same figures, or no figure counts.
        let total = answer
            .as_array()
            .context(text)?
            .iter()
            .map(|user| user["courses"].as_array().map_or(0, Vec::len))
            .sum::<usize>();
        ensure!(total == direct, "{total} courses over HTTP, {direct} without");
        // The first calls warm both.
        if pair >= 10 {
            bare.push(direct_time);
            http.push(http_time);
            ratios.push(http_time.as_secs_f64() / direct_time.as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    let (bare, http) = (median(bare), median(http));
    let (ratio, paired) = (http.as_secs_f64() / bare.as_secs_f64(), ratios[ratios.len() / 2]);
    let mut out = std::io::stdout();
    writeln!(out, "users in a call: {}, pairs: {}", arguments.users, arguments.pairs)?;
    writeln!(out, "bare call: {:.2} ms, through HTTP: {:.2} ms", ms(bare), ms(http))?;
    writeln!(out, "ratio of medians: {ratio:.3}, median of ratios: {paired:.3}")?;
    Ok(())
}

/// Starts a server in this process; its token and its address.
async fn serve(engine: &Engine, now: i64) -> Result<(String, std::net::SocketAddr)> {
    // Tokens in a store of their own: the measured one stays as it is.
    let keys = Engine::open("memory://", &[]).await?;
    let register = AccessRegister::new(&keys);
    let secret = Secret::generate()?;
    let new = NewToken { label: "bench".to_owned(), scopes: [Scope::Statistics].into(), ..NewToken::default() };
    register.update(|access| access.create_token(&new, &secret, now)).await?;
    let mut config = Config::default();
    let value = GivenValue { text: "127.0.0.1:0".to_owned(), origin: Origin::Flag, place: "bench".to_owned() };
    config.given.note("server.listen", value);
    let settings = ServerSettings::try_new(&config, std::thread::available_parallelism()?.get())?;
    let app = App::new(engine.clone(), settings, Gate::new(register), Clock::fixed(now));
    let server = Server::start(Arc::new(app)).await?;
    let address = server.address;
    tokio::spawn(server.run(std::future::pending()));
    Ok((secret.expose().to_owned(), address))
}

/// Other users for every pair, so that no call finds what another has left in a cache of its own.
fn users(pair: usize, arguments: &Arguments) -> Vec<i64> {
    let span = (arguments.greatest - 2).max(1);
    let first = i64::try_from(pair).unwrap_or(0) * arguments.users * 37;
    (0..arguments.users).map(|at| 3 + (first + at) % span).collect()
}

/// Number of courses in the answer of the bare call.
async fn call(engine: &Engine, users: &[i64], now: i64) -> Result<usize> {
    let stats = engine.stats(None, None, &Limits::default()).await?;
    let call = Call { score: true, ..Call::new(Policy::use_stats(), now, users.iter().copied()) };
    let answers = stats.get_users_stats(&call).await?;
    Ok(answers.iter().map(|user| user.courses.len()).sum())
}

fn form(token: &str, users: &[i64]) -> Vec<(String, String)> {
    let own = [
        ("wstoken", token),
        ("wsfunction", "block_use_stats_get_users_stats"),
        ("moodlewsrestformat", "json"),
        ("uidsource", "id"),
        ("cidsource", ""),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    own.into_iter().chain(users.iter().map(|user| ("uids[]".to_owned(), user.to_string()))).collect()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
