//! One conformance suite for every place of a store: local folder, memory, S3 over HTTP.

use std::sync::Arc;

use anyhow::{Context, Result};
use engine::load::{LoadRequest, Silent};
use engine::store::{MIN_KEEP_SECONDS, Store};
use engine::{Engine, ErrorKind};
use object_store::memory::InMemory;
use tests::{NOW, load, log_contents, log_csv, numbers, source};

#[tokio::test(flavor = "multi_thread")]
async fn local_folder() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let url = folder.path().join("store").to_string_lossy().into_owned();
    conformance(|| async { Engine::open(&url, &[]).await }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn memory() -> Result<()> {
    let objects = Arc::new(InMemory::new());
    conformance(|| async { Ok(Engine::on(Arc::new(Store::of_objects("memory", Arc::clone(&objects) as _).await?))) })
        .await
}

/// An S3-compatible server of its own project (`s3s-fs`), reached over loopback with object_store's real S3 client.
#[tokio::test(flavor = "multi_thread")]
async fn s3_over_http() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("bucket"))?;
    let port = serve_s3(folder.path()).await?;
    let options: Vec<(String, String)> = [
        ("aws_endpoint", format!("http://127.0.0.1:{port}")),
        ("aws_access_key_id", "key".to_owned()),
        ("aws_secret_access_key", "secret".to_owned()),
        ("aws_region", "eu-west-3".to_owned()),
        ("aws_allow_http", "true".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    conformance(|| async { Engine::open("s3://bucket/some/prefix", &options).await }).await
}

async fn serve_s3(root: &std::path::Path) -> Result<u16> {
    let files = s3s_fs::FileSystem::new(root).map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let mut builder = s3s::service::S3ServiceBuilder::new(files);
    builder.set_auth(s3s::auth::SimpleAuth::from_single("key", "secret"));
    let service = builder.build();
    // That server looks whether an object exists and writes it in two steps; S3 does it in one. One request at a time
    // makes the conditional creation atomic, which is what the store relies on.
    let one_at_a_time = Arc::new(tokio::sync::Mutex::new(()));
    let service = hyper::service::service_fn(move |request| {
        let (service, one_at_a_time) = (service.clone(), Arc::clone(&one_at_a_time));
        async move {
            let _turn = one_at_a_time.lock().await;
            hyper::service::Service::call(&service, request).await
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        let http = hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new());
        while let Ok((socket, _)) = listener.accept().await {
            let connection = http.serve_connection(hyper_util::rt::TokioIo::new(socket), service.clone()).into_owned();
            tokio::spawn(connection);
        }
    });
    Ok(port)
}

/// Everything that a store promises; `open` opens the same store again and again.
async fn conformance<F, O>(open: F) -> Result<()>
where
    F: Fn() -> O,
    O: Future<Output = engine::Result<Engine>>,
{
    let engine = open().await?;
    assert_eq!(engine.snapshot(None).await?.commit(), 0, "a new store is empty");

    // A commit is seen by every opener, and a reader keeps its snapshot.
    load(&engine, vec![source("a.csv", log_csv(1..=300))]).await?;
    let reader = open().await?;
    let held = reader.snapshot(None).await?;
    assert_eq!(held.commit(), 1);
    load(&engine, vec![source("b.csv", log_csv(200..=500)), source("user.csv", "id,username\n3,ada\n4,léo\n")]).await?;
    assert_eq!(reader.snapshot(Some(1)).await?.manifest(), held.manifest());
    assert_eq!(log_contents(&open().await?).await?[0], 500);
    let at_first = numbers_at(&engine, 1, "SELECT count(*) FROM logstore_standard_log").await?;
    assert_eq!(at_first, 300, "time travel");

    // Both tables came with one commit, and every row says which.
    let commits =
        numbers(&engine, "SELECT min(_commit), max(_commit), count(DISTINCT _commit) FROM logstore_standard_log")
            .await?;
    assert_eq!(commits, [1, 2, 2]);
    assert_eq!(numbers(&engine, "SELECT max(_commit) FROM mdl_user").await?, [2]);
    assert_eq!(numbers(&engine, "SELECT count(*) FROM logstore_standard_log WHERE _commit = 2").await?, [200]);

    two_writers(&open).await?;
    rewriting_keeps_rows(&engine).await?;

    // An unknown snapshot is refused; an older one comes back as a new commit.
    let missing = engine.snapshot(Some(99)).await;
    assert_eq!(missing.err().map(|error| error.kind()), Some(ErrorKind::NotFound));
    let before = log_contents(&engine).await?;
    let restored = engine.restore(1, NOW).await?;
    assert_eq!(log_contents(&engine).await?[0], 300);
    engine.restore(restored - 1, NOW).await?;
    assert_eq!(log_contents(&engine).await?, before);

    vacuum_spares_what_is_used(&open).await
}

async fn numbers_at(engine: &Engine, commit: u64, sql: &str) -> Result<i64> {
    use futures::TryStreamExt;
    let session = engine.session(Some(commit), &engine::query::Limits::default()).await?;
    let batches: Vec<_> = session.query(sql).await?.try_collect().await?;
    let batch = batches.first().context("no batch")?;
    let column = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(batch.column(0));
    Ok(column.value(0))
}

/// Two processes that load at once both succeed, or one is refused; no commit is lost.
async fn two_writers<F, O>(open: &F) -> Result<()>
where
    F: Fn() -> O,
    O: Future<Output = engine::Result<Engine>>,
{
    let (one, two) = (open().await?, open().await?);
    let before = one.snapshot(None).await?.commit();
    // New ids on both sides: both come in, one after the other.
    let (a, b) = tokio::join!(
        load(&one, vec![source("c.csv", log_csv(1001..=1100))]),
        load(&two, vec![source("d.csv", log_csv(2001..=2100))]),
    );
    let commits = [a?.commit.context("commit")?, b?.commit.context("commit")?];
    assert!(commits[0] != commits[1] && commits.iter().all(|commit| *commit > before), "{commits:?}");
    assert_eq!(numbers(&two, "SELECT count(*) FROM logstore_standard_log WHERE id > 1000").await?, [200]);

    // The same ids on both sides: they are in the store once.
    let (a, b) = tokio::join!(
        load(&one, vec![source("e.csv", log_csv(3001..=3100))]),
        load(&two, vec![source("e.csv", log_csv(3001..=3100))]),
    );
    let refused =
        [&a, &b].into_iter().filter_map(|result| result.as_ref().err()).map(engine::Error::kind).collect::<Vec<_>>();
    assert!(refused.iter().all(|kind| *kind == ErrorKind::Conflict) && refused.len() < 2, "{a:?} {b:?}");
    assert_eq!(
        numbers(&one, "SELECT count(*), count(DISTINCT id) FROM logstore_standard_log WHERE id > 3000").await?,
        [100, 100]
    );
    Ok(())
}

async fn rewriting_keeps_rows(engine: &Engine) -> Result<()> {
    // A small run beside a large one waits for others before it is merged.
    load(engine, vec![source("small.csv", log_csv(5001..=5020))]).await?;
    let query = "SELECT count(*), sum(id), sum(timecreated), sum(_commit * id) FROM logstore_standard_log";
    let before = numbers(engine, query).await?;
    assert!(runs(engine).await? > 1);
    let report = engine.optimize(NOW).await?;
    assert!(report.commit.is_some());
    assert_eq!(runs(engine).await?, 1);
    assert_eq!(numbers(engine, query).await?, before, "rows and their commits survive rewriting");
    assert_eq!(engine.optimize(NOW).await?.commit, None, "there is nothing left to do");
    let report = engine.verify().await?;
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    Ok(())
}

async fn runs(engine: &Engine) -> Result<u64> {
    let stats = engine.snapshot(None).await?.table_stats();
    Ok(stats.iter().find(|table| table.table == "logstore_standard_log").context("no log")?.runs)
}

async fn vacuum_spares_what_is_used<F, O>(open: &F) -> Result<()>
where
    F: Fn() -> O,
    O: Future<Output = engine::Result<Engine>>,
{
    let engine = open().await?;
    let too_short = engine.vacuum(NOW, MIN_KEEP_SECONDS - 1, false, false).await;
    assert_eq!(too_short.err().map(|error| error.kind()), Some(ErrorKind::Invalid));
    let contents = log_contents(&engine).await?;
    let held = engine.snapshot(Some(1)).await?;
    // Long after everything: all snapshots are old, but the newest and the held one stay.
    let later = i64::MAX / 2;
    let dry = engine.vacuum(later, MIN_KEEP_SECONDS, true, false).await?;
    let done = engine.vacuum(later, MIN_KEEP_SECONDS, false, false).await?;
    assert_eq!(dry, done);
    assert!(done.manifests > 0);
    assert_eq!(numbers_at(&engine, held.commit(), "SELECT count(*) FROM logstore_standard_log").await?, 300);
    assert_eq!(log_contents(&open().await?).await?, contents);
    drop(held);
    let rest = engine.vacuum(later, MIN_KEEP_SECONDS, false, false).await?;
    assert_eq!((rest.manifests, rest.files > 0), (1, true), "the released snapshot goes too");
    assert_eq!(engine.store().snapshots().await?.len(), 1);
    let report = engine.verify().await?;
    assert_eq!((report.problems.len(), report.orphans), (0, 0));
    Ok(())
}

/// A store of a newer version, and one with a damaged file, are told apart and left alone.
#[tokio::test(flavor = "multi_thread")]
async fn newer_and_damaged_stores_are_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let url = folder.path().to_string_lossy().into_owned();
    let engine = Engine::open(&url, &[]).await?;
    load(&engine, vec![source("a.csv", log_csv(1..=300))]).await?;

    let data = folder.path().join("main/logstore_standard_log");
    let file = std::fs::read_dir(&data)?.next().context("no file")??.path();
    let mut bytes = std::fs::read(&file)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, &bytes)?;
    let report = engine.verify().await?;
    assert_eq!(report.problems.len(), 1);
    assert!(report.problems[0].en.contains("damaged"), "{:?}", report.problems);

    let manifest = folder.path().join("manifests/00000000000000000002.json");
    std::fs::write(&manifest, r#"{"format": 99, "tomorrow": true}"#)?;
    let newer = Engine::open(&url, &[]).await;
    assert_eq!(newer.err().map(|error| error.kind()), Some(ErrorKind::Newer));
    std::fs::write(&manifest, "{ this is no manifest")?;
    let damaged = Engine::open(&url, &[]).await;
    assert_eq!(damaged.err().map(|error| error.kind()), Some(ErrorKind::Corrupt));
    Ok(())
}

/// What was computed before an older state came back is refused afterwards, and a restore never drops a commit unseen.
#[tokio::test(flavor = "multi_thread")]
async fn a_restore_lets_nothing_slip_through() -> Result<()> {
    use engine::store::{Change, TableChange, TableNeed};
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("a.csv", log_csv(1..=10))]).await?;
    load(&engine, vec![source("b.csv", log_csv(11..=20))]).await?;
    let before = engine.snapshot(None).await?;
    let log = before.manifest().table("main", "logstore_standard_log").context("log")?;
    let mut late = Change::new(&before, NOW, "load", "late".to_owned());
    late.tables.push(TableChange {
        site: "main".to_owned(),
        table: "logstore_standard_log".to_owned(),
        columns: log.columns.clone(),
        key: log.key.clone(),
        clustered: true,
        add: Vec::new(),
        remove: std::collections::BTreeSet::new(),
        last_id: 99,
        need: TableNeed::NewIds,
    });
    let restored = engine.restore(1, NOW).await?;
    let refused = engine.store().commit(&late).await;
    assert_eq!(refused.err().map(|error| error.kind()), Some(ErrorKind::Conflict));
    assert_eq!(engine.snapshot(None).await?.commit(), restored);
    // Rows that the restore took away load again.
    let again = load(&engine, vec![source("b.csv", log_csv(11..=20))]).await?;
    assert_eq!(again.total().loaded, 10);
    Ok(())
}

/// Many small loads do not make many runs: loads merge by themselves.
#[tokio::test(flavor = "multi_thread")]
async fn daily_loads_stay_few_runs() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    for day in 0..30 {
        let ids = day * 40 + 1..=day * 40 + 40;
        let request = LoadRequest::new(vec![source("day.csv", log_csv(ids))], NOW);
        engine.load(&request, Arc::new(Silent)).await?;
        assert!(runs(&engine).await? <= 9, "day {day}");
    }
    assert_eq!(
        numbers(&engine, "SELECT count(*), count(DISTINCT _commit) FROM logstore_standard_log").await?,
        [1200, 30]
    );
    Ok(())
}
