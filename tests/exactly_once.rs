//! Consumers that are killed, a server that is killed, and loads meanwhile: every row arrives once.
//!
//! One schedule is one consumer with a chance of its own. It pulls, is killed at random bytes, pulls again, acknowledges,
//! loses answers and asks again, while the server is killed with SIGKILL and others load rows: late rows with old times,
//! and rows with equal times on both sides of a pull. In the end the batches that it has acknowledged hold every row of
//! the log once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use futures::StreamExt;
use proptest::test_runner::{RngAlgorithm, TestRng};
use rand_like::Chance;
use server::access::{AccessRegister, NewToken, Scope, Secret};
use server::etl::{InstanceSettings, Instances};
use tokio::sync::watch;

const NOW: i64 = 1_717_200_000;

/// Consumers of one store, and stores: a thousand schedules.
const CONSUMERS: usize = 50;
const STORES: u64 = 20;

/// How often the server of a store is killed.
const KILLS: usize = 4;

/// Formats that the consumers take turns with.
const FORMATS: [&str; 3] = ["csv", "ndjson", "json"];

mod rand_like {
    //! Chance from a seed: the same seed, the same schedule on the consumer's side.

    use proptest::test_runner::TestRng;

    pub(super) struct Chance(pub(super) TestRng);

    impl Chance {
        /// A number below `end`.
        pub(super) fn below(&mut self, end: u64) -> u64 {
            use proptest::prelude::Rng as _;
            self.0.next_u64() % end.max(1)
        }

        pub(super) fn one_in(&mut self, of: u64) -> bool {
            self.below(of) == 0
        }
    }
}

fn chance(seed: u64) -> Chance {
    let mut bytes = [0u8; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    Chance(TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A server in a process of its own, on a store in a folder.
struct Process {
    child: Child,
    root: String,
}

impl Process {
    async fn start(folder: &Path, life: usize) -> Result<Self> {
        let log = folder.join(format!("log-{life}"));
        let views = concat!(env!("CARGO_MANIFEST_DIR"), "/views");
        let mut child = Command::new(env!("CARGO_BIN_EXE_assidu-child"))
            .current_dir(folder)
            .args(["--store", "store", "--lang", "en", "--log", "warn", "serve", "--listen", "127.0.0.1:0"])
            .args(["--views", views, "--drain-delay", "0"])
            .stdin(Stdio::null())
            .stderr(std::fs::File::create(&log)?)
            .spawn()?;
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let text = std::fs::read_to_string(&log)?;
            let told = text.lines().find_map(|line| line.strip_prefix("serving store on ")?.split(';').next());
            if let Some(root) = told {
                return Ok(Self { root: root.to_owned(), child });
            }
            ensure!(child.try_wait()?.is_none() && Instant::now() < end, "the server does not start: {text}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL: no chance to finish anything.
    fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// A consumer: what it has on its disk.
struct Consumer {
    name: String,
    token: String,
    chance: Chance,
    client: reqwest::Client,
    /// Whole documents by their batch; a consumer writes them in one step.
    documents: BTreeMap<String, (usize, Vec<i64>, bytes::Bytes)>,
    acknowledged: Vec<String>,
}

impl Consumer {
    /// One step: pull and perhaps be killed, or acknowledge and perhaps lose the answer. `true` when there is nothing
    /// to pull.
    async fn step(&mut self, root: &str, careful: bool) -> Result<bool> {
        if let Some(batch) = self.unacknowledged() {
            // Pull the batch once more, which must be the same, or acknowledge it.
            if careful || !self.chance.one_in(3) {
                self.acknowledge(root, &batch, careful).await?;
                return Ok(false);
            }
        }
        self.pull(root, careful).await
    }

    fn unacknowledged(&self) -> Option<String> {
        self.documents.keys().find(|batch| !self.acknowledged.contains(batch)).cloned()
    }

    async fn pull(&mut self, root: &str, careful: bool) -> Result<bool> {
        let format = usize::try_from(self.chance.below(3))?;
        let url = format!("{root}/v1/instances/{}/clicks.{}", self.name, FORMATS[format]);
        let answer = match self.client.get(url).bearer_auth(&self.token).send().await {
            Ok(answer) => answer,
            Err(error) if careful => return Err(error.into()),
            Err(_) => return Ok(false),
        };
        // The pull that was left a moment ago may still be running.
        if answer.status() == 409 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            return Ok(false);
        }
        ensure!(answer.status() == 200, "{}: {}", answer.status(), answer.text().await?);
        let batch = answer.headers().get("assidu-batch").and_then(|batch| batch.to_str().ok()).map(str::to_owned);
        // Killed at a random byte, one time in three.
        let killed_at = (!careful && self.chance.one_in(3)).then(|| self.chance.below(6_000));
        let mut stream = answer.bytes_stream();
        let mut bytes = Vec::new();
        while let Some(chunk) = stream.next().await {
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) if careful => return Err(error.into()),
                // The server was killed; the consumer knows that the document is not whole.
                Err(_) => return Ok(false),
            }
            if killed_at.is_some_and(|at| bytes.len() as u64 >= at) {
                return Ok(false);
            }
        }
        let Some(batch) = batch else {
            ensure!(ids(format, &bytes)?.is_empty(), "rows without a batch");
            return Ok(true);
        };
        let ids = ids(format, &bytes)?;
        match self.documents.get(&batch) {
            Some((known_format, known, known_bytes)) => {
                ensure!(*known == ids, "batch {batch} has other rows when it is pulled again");
                ensure!(*known_format != format || *known_bytes == bytes, "batch {batch} has other bytes");
            }
            None => drop(self.documents.insert(batch, (format, ids, bytes.into()))),
        }
        Ok(false)
    }

    async fn acknowledge(&mut self, root: &str, batch: &str, careful: bool) -> Result<()> {
        let url = format!("{root}/v1/instances/{}/clicks/ack?batch={batch}", self.name);
        let sent = self.client.post(url).bearer_auth(&self.token).send();
        let answer = match careful || !self.chance.one_in(4) {
            true => sent.await,
            // The consumer dies while it waits for the answer.
            false => match tokio::time::timeout(Duration::from_micros(self.chance.below(3_000)), sent).await {
                Ok(answer) => answer,
                Err(_) => return Ok(()),
            },
        };
        match answer {
            Ok(answer) => {
                ensure!(answer.status() == 200, "ack: {}: {}", answer.status(), answer.text().await?);
                self.acknowledged.push(batch.to_owned());
                Ok(())
            }
            Err(error) if careful => Err(error.into()),
            Err(_) => Ok(()),
        }
    }
}

/// The ids in a document.
fn ids(format: usize, bytes: &[u8]) -> Result<Vec<i64>> {
    match FORMATS[format] {
        "csv" => {
            let mut reader = csv::Reader::from_reader(bytes);
            reader.records().map(|record| Ok(record?.get(0).context("a field")?.parse()?)).collect()
        }
        "ndjson" => {
            let rows = std::str::from_utf8(bytes)?.lines().map(serde_json::from_str::<serde_json::Value>);
            rows.map(|row| row?["id"].as_i64().context("an id")).collect()
        }
        _ => {
            let rows: Vec<serde_json::Value> = serde_json::from_slice(bytes)?;
            rows.iter().map(|row| row["id"].as_i64().context("an id")).collect()
        }
    }
}

/// A store with tokens and instances for all consumers.
async fn prepare(folder: &Path, seed: u64) -> Result<(Engine, Vec<Consumer>)> {
    let store = folder.join("store");
    let engine = Engine::open(store.to_str().context("path")?, &[]).await?;
    load(&engine, 1..=200, seed).await?;
    let (register, instances) = (AccessRegister::new(&engine), Instances::new(&engine, Default::default()));
    let mut consumers = Vec::new();
    let secrets: Vec<Secret> = (0..CONSUMERS).map(|_| Secret::generate()).collect::<engine::Result<_>>()?;
    let name = |number: usize| format!("consumer-{number}");
    register
        .update(|access| {
            for (number, secret) in secrets.iter().enumerate() {
                let scopes = [Scope::Etl(Some(name(number)))].into();
                let new = NewToken { label: name(number), scopes, ..NewToken::default() };
                access.create_token(&new, secret, NOW)?;
            }
            Ok(())
        })
        .await?;
    for (number, secret) in secrets.iter().enumerate() {
        let settings = InstanceSettings { identities: number % 2 == 0, ..InstanceSettings::default() };
        instances.add(&name(number), &settings, NOW).await?;
        consumers.push(Consumer {
            name: name(number),
            token: secret.expose().to_owned(),
            chance: chance(seed * 1_000 + number as u64),
            client: reqwest::Client::new(),
            documents: BTreeMap::new(),
            acknowledged: Vec::new(),
        });
    }
    Ok((engine, consumers))
}

/// Loads hits with these ids. Times are few and do not follow the ids: rows are late, and times are equal.
async fn load(engine: &Engine, ids: impl IntoIterator<Item = u64>, seed: u64) -> Result<()> {
    let mut csv = "id,userid,courseid,action,timecreated\n".to_owned();
    for id in ids {
        let time = 1_600_000_000 + (id * 7_919 + seed) % 13;
        csv.push_str(&format!("{id},{},2,viewed,{time}\n", 3 + id % 5));
    }
    let source = Source::Memory { name: "more.csv".to_owned(), bytes: csv.into() };
    let request = LoadRequest { format: Some(Format::Log), ..LoadRequest::new(vec![source], NOW) };
    engine.load(&request, Arc::new(Silent)).await?;
    Ok(())
}

/// Loads and merges as long as the consumers work.
async fn keep_loading(engine: Engine, seed: u64, ended: Arc<AtomicBool>) -> Result<u64> {
    let mut chance = chance(seed + 7);
    let mut next = 201;
    while !ended.load(Ordering::Relaxed) {
        let many = 1 + chance.below(40);
        load(&engine, next..next + many, seed).await?;
        next += many;
        if chance.one_in(6) {
            // Another process may merge at the same time.
            let _ = engine.optimize(NOW).await;
        }
        tokio::time::sleep(Duration::from_millis(chance.below(60))).await;
    }
    Ok(next)
}

/// Kills servers and starts new ones; tells consumers where to go. The last one lives.
async fn keep_killing(folder: PathBuf, seed: u64, place: watch::Sender<String>) -> Result<Process> {
    let mut chance = chance(seed + 13);
    for life in 0..KILLS {
        let process = Process::start(&folder, life).await?;
        place.send_replace(process.root.clone());
        tokio::time::sleep(Duration::from_millis(50 + chance.below(400))).await;
        process.kill()?;
    }
    let last = Process::start(&folder, KILLS).await?;
    place.send_replace(last.root.clone());
    Ok(last)
}

async fn consume(mut consumer: Consumer, place: watch::Receiver<String>, killing: Arc<AtomicBool>) -> Result<Consumer> {
    while killing.load(Ordering::Relaxed) {
        let root = place.borrow().clone();
        if !root.is_empty() {
            consumer.step(&root, false).await.with_context(|| consumer.name.clone())?;
        }
        tokio::time::sleep(Duration::from_millis(consumer.chance.below(30))).await;
    }
    Ok(consumer)
}

/// All schedules of one store.
async fn schedules(seed: u64) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (engine, consumers) = prepare(folder.path(), seed).await?;
    let (place, watching) = watch::channel(String::new());
    let (killing, loading) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let loader = tokio::spawn(keep_loading(engine.clone(), seed, Arc::clone(&loading)));
    let working: Vec<_> = consumers
        .into_iter()
        .map(|consumer| tokio::spawn(consume(consumer, watching.clone(), Arc::clone(&killing))))
        .collect();
    let last = keep_killing(folder.path().to_path_buf(), seed, place).await;
    killing.store(false, Ordering::Relaxed);
    let mut consumers = Vec::new();
    for task in working {
        consumers.push(task.await??);
    }
    let last = last?;
    loading.store(true, Ordering::Relaxed);
    let next = loader.await??;
    let committed: Vec<i64> = (1..i64::try_from(next)?).collect();
    for consumer in &mut consumers {
        let name = consumer.name.clone();
        while !consumer.step(&last.root, true).await.with_context(|| name.clone())? {}
        let mut pulled: Vec<i64> = Vec::new();
        for batch in &consumer.acknowledged {
            pulled.extend(&consumer.documents[batch].1);
        }
        ensure!(consumer.unacknowledged().is_none(), "{name} has a batch that nobody acknowledged");
        pulled.sort_unstable();
        ensure!(
            pulled == committed,
            "{name}, store {seed}: {} rows pulled, {} committed",
            pulled.len(),
            committed.len()
        );
    }
    last.kill()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_row_is_in_one_acknowledged_batch_whatever_dies() -> Result<()> {
    for seed in 0..STORES {
        schedules(seed).await.with_context(|| format!("store {seed}"))?;
    }
    Ok(())
}
