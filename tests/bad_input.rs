//! Whatever a file holds: a clear error or rejected rows, no panic, and a store that is as it was.

use std::io::Write;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::load::{Format, LoadRequest, Silent, Source};
use engine::{Engine, Lang};
use tests::{LOG_HEADER, NOW, load, log_contents, log_csv, source};

/// A file, and the words that its error must contain.
struct Case {
    what: &'static str,
    source: Source,
    format: Option<Format>,
    delimiter: Option<u8>,
    words: &'static [&'static str],
}

fn case(what: &'static str, source: Source, words: &'static [&'static str]) -> Case {
    Case { what, source, format: None, delimiter: None, words }
}

fn gzip(text: &str) -> Result<Vec<u8>> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(text.as_bytes())?;
    Ok(gzip.finish()?)
}

fn cases(folder: &std::path::Path) -> Result<Vec<Case>> {
    let garbage: Vec<u8> = (0..100_000_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut truncated = gzip(&log_csv(1..=5000))?;
    truncated.truncate(truncated.len() / 2);
    let mut cut_zstd = zstd::encode_all(log_csv(1..=5000).as_bytes(), 1)?;
    cut_zstd.truncate(cut_zstd.len() / 2);
    let endless = format!("{LOG_HEADER}\n1,{}", "x".repeat(100_000_000));
    let open_quote = format!("{}9001,\"{}", log_csv(1..=10), "never closed\n".repeat(2_000_000));
    let log = Some(Format::Log);
    Ok(vec![
        case("binary garbage", source("log.csv", garbage), &["not text", "byte"]),
        case("empty file", source("log.csv", ""), &["empty"]),
        case("only a mark", source("log.csv", "\u{feff}"), &["header"]),
        case("header only", source("log.csv", format!("{LOG_HEADER}\n")), &["no rows"]),
        case("header only of a table", source("user.csv", "id,username\n"), &["no rows"]),
        case("truncated gzip", source("log.csv.gz", truncated), &["ends early"]),
        case("truncated zstd", source("log.csv.zst", cut_zstd), &["ends early"]),
        case(
            "100 MB on one line",
            Case { format: log.clone(), ..case("", source("log.csv", endless), &[]) }.source,
            &["line 2", "16 MiB"],
        ),
        case("quote never closed", source("log.csv", open_quote), &["line 12", "quote"]),
        Case {
            delimiter: Some(b';'),
            format: log.clone(),
            ..case("wrong delimiter", source("log.csv", log_csv(1..=3)), &["one column", "--delimiter"])
        },
        case(
            "duplicate header",
            source("log.csv", log_csv(1..=3).replacen("eventname", "USERID", 1)),
            &["same name", "userid"],
        ),
        Case {
            format: log,
            ..case(
                "missing required column",
                source("log.csv", log_csv(1..=3).replacen("timecreated", "timecreate", 1)),
                &["no column `timecreated`", "did you mean `timecreate`"],
            )
        },
        case("unknown format", source("list.csv", "a,b\n1,2\n"), &["format cannot be told", "--format"]),
        case("a folder", Source::File(folder.to_owned()), &["is a folder"]),
        case("a missing file", Source::File(folder.join("none.csv")), &["no file"]),
        case("damaged Parquet", source("user.parquet", "PAR1 and no more"), &["Parquet file is damaged"]),
        Case {
            format: Some(Format::Events),
            ..case("events without mapping", source("e.csv", "u,t\n1,2\n"), &["mapping lacks `userid`"])
        },
        Case {
            format: Some(Format::LogReport),
            ..case("no report", source("e.csv", "u,t\n1,2\n"), &["not the header of a log report"])
        },
        Case {
            format: Some(Format::Table("no such/name".to_owned())),
            ..case("table name", source("e.csv", "u,t\n1,2\n"), &["cannot name a table"])
        },
    ])
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_files_are_refused_with_clear_errors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("good.csv", log_csv(1..=20))]).await?;
    let before = log_contents(&engine).await?;
    for case in cases(folder.path())? {
        let request =
            LoadRequest { format: case.format, delimiter: case.delimiter, ..LoadRequest::new(vec![case.source], NOW) };
        let outcome = engine.load(&request, Arc::new(Silent)).await;
        let error = outcome.err().with_context(|| format!("{} was accepted", case.what))?;
        for lang in [Lang::En, Lang::Fr] {
            assert!(!error.describe(lang).contains("internal"), "{}: {}", case.what, error.describe(lang));
        }
        let message = error.describe(Lang::En);
        for word in case.words {
            assert!(message.contains(word), "{}: \"{message}\" does not say \"{word}\"", case.what);
        }
        assert_ne!(error.message(Lang::Fr), error.message(Lang::En), "{}", case.what);
        assert_eq!(engine.snapshot(None).await?.commit(), 1, "{}", case.what);
    }
    assert_eq!(log_contents(&engine).await?, before);
    Ok(())
}

/// Bad rows are rejected one by one, with line, column, value and reason; good rows load.
#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_rejected_and_good_ones_kept() -> Result<()> {
    let row = |id: &str, user: &str, time: &str| {
        format!("{id},e,core,viewed,course,,,r,2,1,50,2,{user},2,,0,\"a\nb\",{time},web,,")
    };
    let lines = [
        LOG_HEADER.to_owned(),
        row("1", "3", "1600000000"),     // line 2 and 3
        row("2", "three", "1600000001"), // 4
        row("3", "3", "99999999999999"), // 6
        "4,too,short".to_owned(),        // 8
        row("5", "", "1600000002"),      // 9
        row("6", "3", "-5"),             // 11
        row("7", "4", "1600000003"),     // 13
        row("9223372036854775808", "4", "1600000003"),
    ];
    let engine = Engine::open("memory://", &[]).await?;
    let folder = tempfile::tempdir()?;
    let mut request = LoadRequest::new(vec![source("log.csv", lines.join("\n"))], NOW);
    request.rejects_dir = Some(folder.path().to_owned());
    let summary = engine.load(&request, Arc::new(Silent)).await?;
    let file = &summary.files[0];
    assert_eq!((file.counts.read, file.counts.loaded, file.counts.rejected), (8, 2, 6));
    let faults: Vec<(u64, &str, Option<&str>, Option<&str>)> = file
        .faults
        .iter()
        .map(|fault| {
            (fault.line, fault.code, fault.column.as_ref().map(|column| column.name.as_ref()), fault.value.as_deref())
        })
        .collect();
    assert_eq!(
        faults,
        [
            (4, "load.not_a_number", Some("userid"), Some("three")),
            (6, "load.impossible_time", Some("timecreated"), Some("99999999999999")),
            (8, "load.field_count", None, None),
            (9, "load.missing_value", Some("userid"), Some("")),
            (11, "load.impossible_time", Some("timecreated"), Some("-5")),
            (15, "load.not_a_number", Some("id"), Some("9223372036854775808")),
        ]
    );
    let rejects = std::fs::read_to_string(file.rejects.as_ref().context("reject file")?)?;
    assert_eq!(rejects.matches("[load.").count(), 6);

    // The corrected reject file loads as it is: its two extra columns are ignored.
    let corrected =
        rejects.replace("three", "3").replace("99999999999999", "1600000009").replace("9223372036854775808", "8");
    let again = load(&engine, vec![source("corrected.csv", corrected)]).await?;
    assert_eq!(again.total().loaded, 3);
    Ok(())
}

/// A file in which every row is bad is told completely and in order, piece by piece.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_bad_rows_alone_is_rejected_in_order() -> Result<()> {
    let engine = Engine::open("memory://", &[]).await?;
    let folder = tempfile::tempdir()?;
    let rows = 400_000_u64;
    let text = format!("{LOG_HEADER}\n{}", "bad,row\n".repeat(rows as usize));
    // Pieces of one MiB: several of them, and each hands its rejects over many times.
    let mut request = LoadRequest { memory_budget: 1, ..LoadRequest::new(vec![source("log.csv", text)], NOW) };
    request.rejects_dir = Some(folder.path().to_owned());
    let summary = engine.load(&request, Arc::new(Silent)).await?;
    assert_eq!((summary.commit, summary.total().read, summary.total().rejected), (None, rows, rows));
    assert_eq!(
        summary.files[0].faults.iter().map(|fault| fault.line).collect::<Vec<_>>(),
        (2..=11).collect::<Vec<_>>()
    );
    let rejects = std::fs::read_to_string(summary.files[0].rejects.as_ref().context("reject file")?)?;
    let line = |row: &str| row.split(',').rev().nth(2).and_then(|line| line.parse::<u64>().ok());
    let numbers: Vec<Option<u64>> = rejects.lines().skip(1).map(line).collect();
    assert_eq!(numbers.len() as u64, rows);
    assert!(numbers.iter().zip(2..).all(|(found, expected)| *found == Some(expected)), "{:?}", numbers.iter().take(3));
    Ok(())
}

/// A full disk fails the load and leaves the store as it was. `/dev/full` stands for it where it exists.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_is_told_and_harms_nothing() -> Result<()> {
    if !std::path::Path::new("/dev/full").exists() {
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let engine = Engine::open(&folder.path().to_string_lossy(), &[]).await?;
    load(&engine, vec![source("good.csv", log_csv(1..=20))]).await?;
    let before = log_contents(&engine).await?;
    // Every reject file of this load lies on the full disk.
    let rejects = folder.path().join("rejects");
    std::fs::create_dir(&rejects)?;
    std::os::unix::fs::symlink("/dev/full", rejects.join("bad.csv.rejected.csv"))?;
    let bad = log_csv(21..=40).replace(",viewed,", ",viewed,extra,");
    let mut request = LoadRequest::new(vec![source("bad.csv", bad)], NOW);
    request.rejects_dir = Some(rejects);
    let error = engine.load(&request, Arc::new(Silent)).await.err().context("must fail")?;
    assert!(error.describe(Lang::En).contains("cannot be written"), "{error}");
    assert_eq!(log_contents(&engine).await?, before);
    Ok(())
}
