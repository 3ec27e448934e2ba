//! [`Recorder`]: notes every pull in the table `assidu.pulls`, in few commits.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use engine::etl::{PullRecord, record_pulls};
use engine::store::{OptimizeOptions, Store};
use engine::{Engine, ErrorKind, Lang};
use tokio::sync::{mpsc, oneshot};

/// Shortest time between two commits of records; what ends meanwhile is noted together.
const PAUSE: Duration = Duration::from_secs(1);

/// Most records of one commit.
const MAX_RECORDS: usize = 10_000;

/// Commits of records after which small files are merged.
const MERGE_EVERY: u32 = 50;

enum Message {
    Pull(Box<PullRecord>),
    Flush(oneshot::Sender<()>),
}

/// Notes pulls. Its task starts with the first pull.
#[derive(Debug)]
pub struct Recorder {
    engine: Engine,
    sender: OnceLock<mpsc::UnboundedSender<Message>>,
}

impl Recorder {
    /// A recorder of the store behind this engine.
    pub fn new(engine: &Engine) -> Self {
        Self { engine: engine.clone(), sender: OnceLock::new() }
    }

    /// Notes a pull; it is in the table soon.
    pub(crate) fn note(&self, record: PullRecord) {
        // The task lives as long as the recorder, so nobody refuses the message.
        let _ = self.sender().send(Message::Pull(Box::new(record)));
    }

    /// Waits until everything that was noted is in the table, as far as the store can be written.
    pub async fn flush(&self) {
        let Some(sender) = self.sender.get() else { return };
        let (done, waiting) = oneshot::channel();
        if sender.send(Message::Flush(done)).is_ok() {
            let _ = waiting.await;
        }
    }

    fn sender(&self) -> &mpsc::UnboundedSender<Message> {
        self.sender.get_or_init(|| {
            let (sender, receiver) = mpsc::unbounded_channel();
            tokio::spawn(work(self.engine.clone(), receiver));
            sender
        })
    }
}

/// Collects records, and commits them together.
async fn work(engine: Engine, mut messages: mpsc::UnboundedReceiver<Message>) {
    let (mut last, mut commits) = (None::<Instant>, 0u32);
    while let Some(first) = messages.recv().await {
        let (mut records, mut waiting) = (Vec::new(), Vec::new());
        sort(first, &mut records, &mut waiting);
        // Somebody who waits is not kept waiting.
        let ready = last.map_or(Duration::ZERO, |last: Instant| PAUSE.saturating_sub(last.elapsed()));
        let end = tokio::time::Instant::now() + ready;
        while waiting.is_empty() && records.len() < MAX_RECORDS {
            match tokio::time::timeout_at(end, messages.recv()).await {
                Ok(Some(message)) => sort(message, &mut records, &mut waiting),
                Ok(None) | Err(_) => break,
            }
        }
        while let Ok(message) = messages.try_recv() {
            sort(message, &mut records, &mut waiting);
        }
        if !records.is_empty() {
            write(&engine, &records).await;
            (last, commits) = (Some(Instant::now()), commits.wrapping_add(1));
            if commits.is_multiple_of(MERGE_EVERY) {
                merge(&engine, &records).await;
            }
        }
        for waiting in waiting {
            let _ = waiting.send(());
        }
    }
}

fn sort(message: Message, records: &mut Vec<PullRecord>, waiting: &mut Vec<oneshot::Sender<()>>) {
    match message {
        Message::Pull(record) => records.push(*record),
        Message::Flush(done) => waiting.push(done),
    }
}

async fn write(engine: &Engine, records: &[PullRecord]) {
    let now = records.iter().map(|record| record.time).max().unwrap_or_default();
    if let Err(error) = record_pulls(engine.store(), records, now).await {
        let count = records.len();
        let error = error.describe(Lang::En);
        tracing::error!(%error, count, "pulls could not be noted in the table of pulls; the log has them");
        for record in records {
            tracing::info!(target: "server::pulls", ?record, "a pull that is not in the table");
        }
    }
}

/// Many commits of few records leave many small files behind.
async fn merge(engine: &Engine, records: &[PullRecord]) {
    let Ok(snapshot) = engine.snapshot(None).await else { return };
    if !Store::needs_optimize(&snapshot) {
        return;
    }
    let now = records.iter().map(|record| record.time).max().unwrap_or_default();
    match engine.store().optimize(now, OptimizeOptions::automatic()).await {
        Err(error) if error.kind() != ErrorKind::Conflict => {
            tracing::warn!(error = %error.describe(Lang::En), "small files could not be merged");
        }
        // Another process merges at the same time.
        _ => {}
    }
}
