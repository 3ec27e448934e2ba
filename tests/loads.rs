//! Real files, and what loading them again does.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::Engine;
use engine::load::{Counts, Format, LoadRequest, LoadSummary, Silent, Source};
use tests::{NOW, load, log_csv, numbers, source};

fn dataset(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../datasets").join(name)
}

async fn load_with(engine: &Engine, request: LoadRequest) -> engine::Result<LoadSummary> {
    engine.load(&request, Arc::new(Silent)).await
}

fn reports() -> Result<Vec<Source>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(dataset("moodle-log-report-en"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths.into_iter().map(Source::File).collect())
}

/// All ten files; the expected numbers are those of `golden/peers/dedication_moodle_reports.json`.
#[tokio::test(flavor = "multi_thread")]
async fn every_row_of_the_log_reports_is_loaded_or_rejected_with_its_reason() -> Result<()> {
    let golden =
        std::fs::read(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/peers/dedication_moodle_reports.json"))?;
    let golden: serde_json::Value = serde_json::from_slice(&golden)?;
    let folder = tempfile::tempdir()?;
    let engine = Engine::open("memory://", &[]).await?;
    let mut request = LoadRequest::new(reports()?, NOW);
    request.timezone = Some("UTC".parse()?);
    request.rejects_dir = Some(folder.path().to_owned());
    let summary = load_with(&engine, request.clone()).await?;

    let total = summary.total();
    assert_eq!((total.read, total.loaded + total.rejected), (39_277, 39_277));
    let expected = golden["files"].as_array().context("files")?;
    assert_eq!(expected.len(), summary.files.len());
    for file in &summary.files {
        let name = file.name.rsplit('/').next().context("name")?.trim_end_matches(".gz");
        let golden = expected.iter().find(|known| known["file"] == name).context("golden file")?;
        assert_eq!(file.format, Format::LogReport);
        assert_eq!(Some(file.counts.read), golden["rows"].as_u64(), "{name}");
        let no_user = golden["rows_left_out"]["no_user"].as_u64().unwrap_or(0);
        assert_eq!(file.counts.rejected, no_user, "{name}");
        // Byte 0x85 stands in one file only.
        let windows = name == "moodle_module_1_f19.csv";
        assert_eq!(file.encoding, if windows { "windows-1252" } else { "UTF-8" }, "{name}");
        check_rejects(file, no_user)?;
    }
    // Users −1 and 0 are rows; cli rows have no address; quoted line breaks are text.
    assert_eq!(numbers(&engine, "SELECT count(*) FROM logstore_standard_log WHERE userid <= 0").await?, [48]);
    assert_eq!(
        numbers(&engine, "SELECT count(*) FROM logstore_standard_log WHERE origin = 'cli' AND ip IS NULL").await?,
        [120]
    );
    assert_eq!(
        numbers(&engine, "SELECT count(*), count(DISTINCT id), max(id) FROM logstore_standard_log").await?[..2],
        [total.loaded as i64, total.loaded as i64]
    );

    // The same files again: nothing is added, and the reason is said.
    let before = engine.snapshot(None).await?.commit();
    let again = load_with(&engine, request.clone()).await;
    let message = again.err().context("a second load must be refused")?.to_string();
    assert!(message.contains("was already loaded by commit 1") && message.contains("no key"), "{message}");
    assert_eq!(engine.snapshot(None).await?.commit(), before);
    request.again = true;
    load_with(&engine, request).await?;
    assert_eq!(numbers(&engine, "SELECT count(*) FROM logstore_standard_log").await?, [2 * total.loaded as i64]);
    Ok(())
}

/// The reject file holds the rows with line and reason, and can be read as CSV.
fn check_rejects(file: &engine::load::FileSummary, rejected: u64) -> Result<()> {
    let Some(path) = &file.rejects else {
        assert_eq!(rejected, 0, "{}", file.name);
        return Ok(());
    };
    let text = std::fs::read_to_string(path)?;
    let mut lines = text.lines();
    assert!(lines.next().context("header")?.ends_with(",_line,_reason"), "{text}");
    assert_eq!(text.matches("[report.no_user]").count() as u64, rejected, "{}", file.name);
    for fault in &file.faults {
        assert!(fault.line > 1 && fault.code == "report.no_user" && fault.column.is_some(), "{fault:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_names_fill_the_log_and_the_table_of_users() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let mut request = LoadRequest::new(vec![Source::File(dataset("moodle-la-course/events.csv.gz"))], NOW);
    request.format = Some(Format::Events);
    request.timezone = Some("UTC".parse()?);
    let map = [
        ("userid", "user"),
        ("timecreated", "timecreated"),
        ("component", "Component"),
        ("eventname", "Event.name"),
        ("courseid", "'la-course'"),
    ];
    request.map = map.map(|(to, from)| (to.to_owned(), from.to_owned())).into();
    let summary = load_with(&engine, request).await?;
    assert_eq!(summary.total(), Counts { read: 95_626, loaded: 95_626, ..Counts::default() });
    assert_eq!(
        numbers(&engine, "SELECT count(*), count(DISTINCT userid) FROM logstore_standard_log").await?,
        [95_626, 130]
    );
    assert_eq!(numbers(&engine, "SELECT count(*), count(DISTINCT username) FROM user").await?, [130, 130]);
    let join = "SELECT count(*), min(l.timecreated), max(l.timecreated) FROM mdl_logstore_standard_log l JOIN mdl_user u ON u.id = l.userid JOIN course c ON c.id = l.courseid WHERE c.shortname = 'la-course'";
    // 2019-09-09 14:08:01 UTC is the first time of the file.
    assert_eq!(numbers(&engine, join).await?[..2], [95_626, 1_568_038_081]);
    // The file is in no order; rows keep theirs by their ids, which matters among hits of one second.
    assert_eq!(
        numbers(&engine, "SELECT min(id), max(id), count(DISTINCT id) FROM logstore_standard_log").await?,
        [1, 95_626, 95_626]
    );
    assert_eq!(numbers(&engine, "SELECT timecreated FROM logstore_standard_log WHERE id = 1").await?, [1_572_082_632]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_any_kind_load_with_inferred_types() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let table = |name: &str| LoadRequest {
        format: Some(Format::Table(name.to_owned())),
        ..LoadRequest::new(vec![Source::File(dataset(&format!("oulad-sample/{name}.csv.gz")))], NOW)
    };
    for (name, rows) in [("courses", 22), ("vle", 6_364), ("assessments", 206), ("studentRegistration", 32_593)] {
        let summary = load_with(&engine, table(name)).await?;
        assert_eq!(summary.total().loaded, rows, "{name}");
    }
    let sql = "SELECT count(*), count(date_unregistration), min(date_registration) FROM studentregistration WHERE code_module = 'AAA'";
    let found = numbers(&engine, sql).await?;
    assert!(found[0] > 700 && found[1] < found[0] && found[2] < 0, "{found:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_makes_loading_twice_change_nothing() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("log.csv", log_csv(1..=1000))]).await?;
    let again = load(&engine, vec![source("log.csv", log_csv(1..=1000))]).await?;
    assert_eq!(again.commit, None);
    assert_eq!(again.total(), Counts { read: 1000, skipped: 1000, ..Counts::default() });
    let overlap =
        load(&engine, vec![source("x.csv", log_csv(900..=1100)), source("y.csv", log_csv(1050..=1200))]).await?;
    let counts: Vec<(u64, u64)> = overlap.files.iter().map(|file| (file.counts.loaded, file.counts.skipped)).collect();
    assert_eq!(counts, [(100, 101), (100, 51)], "ids that stand twice count once, for the earlier file");

    let users = "id;username;city\n3;ada;Paris\n4;léo;Lyon\n5;zoé;\n";
    let first = load(&engine, vec![source("mdl_user.csv", users)]).await?;
    assert_eq!(first.total().loaded, 3);
    assert_eq!(load(&engine, vec![source("mdl_user.csv", users)]).await?.commit, None);
    let changed =
        load(&engine, vec![source("user.csv", "id;username;city\n4;léo;Lille\n6;new;\n3;ada;Paris\n")]).await?;
    assert_eq!(changed.total(), Counts { read: 3, loaded: 1, replaced: 1, skipped: 1, rejected: 0 });
    let commits = numbers(
        &engine,
        "SELECT max(_commit) FILTER (WHERE id = 3), max(_commit) FILTER (WHERE id = 4), count(*) FROM user",
    )
    .await?;
    assert_eq!(commits, [first.commit.context("commit")? as i64, changed.commit.context("commit")? as i64, 4]);
    Ok(())
}

/// Loading in daily steps gives the rows of one load, whatever the order of the days.
#[tokio::test(flavor = "multi_thread")]
async fn steps_equal_one_load() -> Result<()> {
    let (one, steps) = (Engine::open("memory://", &[]).await?, Engine::open("memory://", &[]).await?);
    load(&one, vec![source("all.csv", log_csv(1..=2000))]).await?;
    for day in [3, 0, 4, 1, 2] {
        load(&steps, vec![source("day.csv", log_csv(day * 400 + 1..=day * 400 + 400))]).await?;
    }
    let sql = "SELECT userid, count(*) AS hits, sum(id) AS ids, min(timecreated) AS first, max(other) AS other FROM logstore_standard_log GROUP BY userid ORDER BY userid";
    let (a, b) = (tests::rows(&one, sql).await?, tests::rows(&steps, sql).await?);
    let schema = a.first().context("rows")?.schema();
    assert_eq!(arrow::compute::concat_batches(&schema, &a)?, arrow::compute::concat_batches(&schema, &b)?);
    Ok(())
}

/// Files without keys count once, within one command too, unless the operator says so.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_keyless_file_twice_in_one_command_is_refused() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let events = "who,when\nada,1600000000\nada,1600000060\n";
    let mut request = LoadRequest::new(vec![source("a.csv", events), source("copy.csv", events)], NOW);
    request.format = Some(Format::Events);
    request.map = vec![("userid".to_owned(), "who".to_owned()), ("timecreated".to_owned(), "when".to_owned())];
    let error = load_with(&engine, request.clone()).await.err().context("must be refused")?;
    assert!(error.to_string().contains("stand twice in this load"), "{error}");
    assert_eq!(engine.snapshot(None).await?.commit(), 0);
    request.again = true;
    assert_eq!(load_with(&engine, request).await?.total().loaded, 4);
    Ok(())
}

/// A Parquet file with a value that does not fit is refused; nothing becomes null or 0 in silence.
#[tokio::test(flavor = "multi_thread")]
async fn parquet_values_that_do_not_fit_are_refused() -> Result<()> {
    use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
    let parquet = |users: ArrayRef, times: Vec<i64>| -> Result<Vec<u8>> {
        let rows = times.len();
        let ids: ArrayRef = Arc::new((1..=rows as i64).collect::<Int64Array>());
        let batch = RecordBatch::try_from_iter([
            ("id", Arc::clone(&ids)),
            ("userid", users),
            ("courseid", ids),
            ("action", Arc::new(StringArray::from(vec!["viewed"; rows])) as ArrayRef),
            ("timecreated", Arc::new(Int64Array::from(times)) as ArrayRef),
        ])?;
        let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None)?;
        writer.write(&batch)?;
        Ok(writer.into_inner()?)
    };
    let number: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), Some(4)]));
    let missing: ArrayRef = Arc::new(Int64Array::from(vec![Some(3), None]));
    let word: ArrayRef = Arc::new(StringArray::from(vec!["3", "three"]));
    let good = vec![1_600_000_000, 1_600_000_001];
    for (users, times, words) in [
        (missing, good.clone(), "column `userid` has no value in 1 rows"),
        (word, good.clone(), "column `userid` has the type Utf8"),
        (Arc::clone(&number), vec![1_600_000_000, -1], "impossible time -1"),
    ] {
        let engine = Engine::open("memory://", &[]).await?;
        let request = LoadRequest {
            format: Some(Format::Log),
            ..LoadRequest::new(vec![source("l.parquet", parquet(users, times)?)], NOW)
        };
        let error = load_with(&engine, request).await.err().context(words)?;
        assert!(error.to_string().contains(words), "{error}");
    }
    let engine = Engine::open("memory://", &[]).await?;
    let request = LoadRequest {
        format: Some(Format::Log),
        ..LoadRequest::new(vec![source("l.parquet", parquet(number, good)?)], NOW)
    };
    assert_eq!(load_with(&engine, request).await?.total().loaded, 2);
    assert_eq!(numbers(&engine, "SELECT sum(userid) FROM logstore_standard_log").await?, [7]);
    // The same for any other table.
    let user = RecordBatch::try_from_iter([("id", Arc::new(StringArray::from(vec!["x"])) as ArrayRef)])?;
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), user.schema(), None)?;
    writer.write(&user)?;
    let error = load(&engine, vec![source("user.parquet", writer.into_inner()?)]).await.err().context("user")?;
    assert!(error.to_string().contains("another type"), "{error}");
    Ok(())
}

/// gzip, zstd, UTF-16, Windows-1252, a byte-order mark, dumps with tabs and escapes: the same rows.
#[tokio::test(flavor = "multi_thread")]
async fn encodings_and_dialects_hold_the_same_rows() -> Result<()> {
    use std::io::Write;
    let plain = "id,username,city\n3,ada,Orléans\n4,b,NULL\n".to_owned();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(plain.as_bytes())?;
    let utf16: Vec<u8> = [0xfeff_u16].into_iter().chain(plain.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let latin: Vec<u8> = plain.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect();
    let forms: [(&str, Vec<u8>); 8] = [
        ("plain", plain.clone().into_bytes()),
        ("gzip", gzip.finish()?),
        ("zstd", zstd::encode_all(plain.as_bytes(), 1)?),
        ("mark", [b"\xef\xbb\xbf", plain.as_bytes()].concat()),
        ("utf16", utf16),
        ("latin", latin),
        ("dump", "id\tusername\tcity\n3\tada\tOrléans\n4\tb\t\\N\n".to_owned().into_bytes()),
        (
            "quoted",
            "\"id\";\"username\";\"city\"\r\n\"3\";\"ada\";\"Orléans\"\r\n\"4\";\"b\";NULL\r\n".to_owned().into_bytes(),
        ),
    ];
    for (name, bytes) in forms {
        let engine = Engine::open("memory://", &[]).await?;
        load(&engine, vec![source("user.csv", bytes)]).await.with_context(|| name.to_owned())?;
        let found = numbers(
            &engine,
            "SELECT sum(id), count(city), max(char_length(city)), count(*) FILTER (WHERE city = 'Orléans') FROM user",
        )
        .await?;
        assert_eq!(found, [7, 1, 7, 1], "{name}");
    }
    Ok(())
}

/// A text in a late chunk that is not UTF-8 makes the whole log Windows-1252, and no row is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_not_utf8_is_read_as_windows_1252() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let mut bytes = log_csv(1..=30_000).into_bytes();
    let end = bytes.len() - 200;
    let place = bytes[..end].windows(2).rposition(|pair| pair == b"N;").context("place")?;
    bytes[place] = 0xe9;
    let mut request = LoadRequest::new(vec![source("log.csv", bytes)], NOW);
    request.memory_budget = 1;
    let summary = load_with(&engine, request).await?;
    assert_eq!((summary.files[0].encoding, summary.total().loaded), ("windows-1252", 30_000));
    assert_eq!(numbers(&engine, "SELECT count(*) FROM logstore_standard_log WHERE other = 'é;'").await?, [1]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_kept() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("user.csv", "id,username,password\n3,ada,$2y$10$hash\n")]).await?;
    assert_eq!(numbers(&engine, "SELECT count(password), count(username) FROM user").await?, [0, 1]);
    Ok(())
}

/// The catalogue tells what every load did.
#[tokio::test(flavor = "multi_thread")]
async fn loads_are_recorded() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("log.csv", log_csv(1..=10)), source("user.csv", "id,username\n3,ada\nx,bad\n")]).await?;
    let sums = numbers(
        &engine,
        "SELECT count(*), sum(rows_read), sum(loaded), sum(rejected), max(at), max(_commit) FROM assidu.loads",
    )
    .await?;
    assert_eq!(sums, [2, 12, 11, 1, NOW, 1]);
    Ok(())
}
