//! Files and texts that nobody meant to write: no panic, no failure that is a bug of ours, and counts that add up.
//!
//! Seeds are fixed, so that a run can be repeated. `FUZZ_TIMES=20` runs twenty times the cases with seeds of chance.

use std::sync::Arc;

use anyhow::Context;
use chrono::{Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Timelike, Weekday};
use chrono_tz::Tz;
use engine::load::report::dates::{OrderAnswer, OrderEvidence, TimeFault, parse_time};
use engine::load::report::description::Description;
use engine::load::report::headers::Dictionary;
use engine::load::{DateOrder, Format, LoadRequest, LoadSummary, Silent};
use engine::store::{Snapshot, TableStats};
use engine::{Engine, ErrorKind, Lang};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::RngSeed;
use tests::{LOG_HEADER, NOW, load, log_contents, log_csv, numbers, source};

/// The settings of a property: so many cases, the same ones in every run.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let times: Option<u32> = std::env::var("FUZZ_TIMES").ok().and_then(|times| times.parse().ok());
    ProptestConfig {
        cases: cases * times.unwrap_or(1),
        failure_persistence: None,
        rng_seed: if times.is_some() { RngSeed::Random } else { RngSeed::Fixed(20_260_701) },
        max_shrink_iters: 400,
        ..ProptestConfig::default()
    }
}

/// Runs asynchronous work of one case.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    static RUNTIME: std::sync::LazyLock<tokio::runtime::Runtime> = std::sync::LazyLock::new(|| {
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime")
    });
    RUNTIME.block_on(work)
}

/// One change of a file's bytes. Places are parts of 65,536 of its length, so that they shrink well.
#[derive(Debug, Clone)]
enum Mutation {
    Delete {
        at: u16,
        bytes: usize,
    },
    Insert {
        at: u16,
        bytes: Vec<u8>,
    },
    Flip {
        at: u16,
        bit: u8,
    },
    Truncate {
        at: u16,
    },
    Repeat {
        at: u16,
        bytes: usize,
        to: u16,
    },
    /// Every one of these bytes becomes those.
    Replace {
        byte: u8,
        by: Vec<u8>,
    },
}

/// Bytes that mean something to a reader of CSV, and some that mean nothing to anybody.
fn telling_bytes() -> impl Strategy<Value = Vec<u8>> {
    let pieces: [&[u8]; 24] = [
        b"\"",
        b"\"\"",
        b",",
        b";",
        b"\t",
        b"|",
        b"\n",
        b"\r\n",
        b"\r",
        b"\\",
        b"\\N",
        b"'",
        b"\0",
        b"\xef\xbb\xbf",
        b"\xe9",
        b"\xc3\xa9",
        b"\xf0\x9f",
        b"-",
        b"0",
        b"9223372036854775808",
        b"NULL",
        b"1e3",
        b" ",
        b"\xff\xfe",
    ];
    prop_oneof![
        4 => vec(select(pieces.to_vec()), 1..4).prop_map(|pieces| pieces.concat()),
        1 => vec(any::<u8>(), 1..6),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        3 => (any::<u16>(), 1..40_usize).prop_map(|(at, bytes)| Mutation::Delete { at, bytes }),
        4 => (any::<u16>(), telling_bytes()).prop_map(|(at, bytes)| Mutation::Insert { at, bytes }),
        2 => (any::<u16>(), 0..8_u8).prop_map(|(at, bit)| Mutation::Flip { at, bit }),
        1 => any::<u16>().prop_map(|at| Mutation::Truncate { at }),
        1 => (any::<u16>(), 1..400_usize, any::<u16>()).prop_map(|(at, bytes, to)| Mutation::Repeat { at, bytes, to }),
        1 => (select(b",\n\"; 1N".to_vec()), telling_bytes()).prop_map(|(byte, by)| Mutation::Replace { byte, by }),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: u16, length: usize| usize::from(at) * length / 65_536;
        match self {
            Self::Delete { at, bytes: count } => {
                let at = place(*at, bytes.len());
                bytes.drain(at..(at + count).min(bytes.len()));
            }
            Self::Insert { at, bytes: new } => {
                let at = place(*at, bytes.len() + 1);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Flip { at, bit } => {
                let at = place(*at, bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << bit;
                }
            }
            Self::Truncate { at } => bytes.truncate(place(*at, bytes.len())),
            Self::Repeat { at, bytes: count, to } => {
                let at = place(*at, bytes.len());
                let piece = bytes[at..(at + count).min(bytes.len())].to_vec();
                let to = place(*to, bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            Self::Replace { byte, by } => {
                *bytes = bytes.iter().flat_map(|old| if old == byte { by.clone() } else { vec![*old] }).collect();
            }
        }
    }
}

fn mutated(text: &str, mutations: &[Mutation]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
    bytes
}

/// Records that the `csv` crate finds, header included, and how many of them have as many fields as the first.
fn records(bytes: &[u8], delimiter: u8) -> (u64, u64) {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(bytes);
    let records: Vec<usize> = reader.byte_records().map(|record| record.map_or(0, |record| record.len())).collect();
    let whole = records.iter().filter(|fields| Some(*fields) == records.first()).count();
    (records.len() as u64, whole as u64)
}

/// Whether the bytes are neither compressed nor in another encoding, so that [`records`] sees what the loader sees.
fn is_plain(bytes: &[u8]) -> bool {
    let marks: [&[u8]; 6] = [b"\xff\xfe", b"\xfe\xff", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf"];
    !marks.iter().any(|mark| bytes.starts_with(mark))
}

/// Rows of a table, named `site.table`; 0 when there is none.
fn rows_of(snapshot: &Snapshot, table: &str) -> u64 {
    let of_table = |stats: &TableStats| format!("{}.{}", stats.site, stats.table) == table;
    snapshot.table_stats().iter().filter(|stats| of_table(stats)).map(|stats| stats.rows).sum()
}

/// Loads, and checks what holds for any file: counts add up, the table grows by the new rows, a refused file changes
/// nothing and is told as a fault of the file. Answers the summary of a load that went well.
async fn load_any(engine: &Engine, request: &LoadRequest) -> anyhow::Result<Option<LoadSummary>> {
    let before = engine.snapshot(None).await?;
    let outcome = engine.load(request, Arc::new(Silent)).await;
    let after = engine.snapshot(None).await?;
    let summary = match outcome {
        Ok(summary) => summary,
        Err(error) => {
            let told = error.describe(Lang::En);
            anyhow::ensure!(error.kind() == ErrorKind::Invalid, "{:?}: {told}", error.kind());
            anyhow::ensure!(error.message(Lang::Fr) != error.message(Lang::En), "{told}");
            anyhow::ensure!(after.commit() == before.commit(), "a refused file changed the store: {told}");
            return Ok(None);
        }
    };
    let (total, file) = (summary.total(), &summary.files[0]);
    anyhow::ensure!(total.read == total.loaded + total.replaced + total.skipped + total.rejected, "{total:?}");
    let (old, new) = (rows_of(&before, &file.table), rows_of(&after, &file.table));
    anyhow::ensure!(new == old + total.loaded, "{}: {old} rows became {new}: {total:?}", file.table);
    if new > 0 {
        let sql = format!("SELECT count(*) FROM {}", file.table.replace('.', ".\"") + "\"");
        let counted = numbers(engine, &sql).await?;
        anyhow::ensure!(counted == [i64::try_from(new)?], "{counted:?} rows can be read of {new}");
    }
    let shown = file.faults.len() as u64;
    anyhow::ensure!(shown <= total.rejected && (shown > 0) == (total.rejected > 0), "{shown} faults: {total:?}");
    Ok(Some(summary))
}

/// A check inside a property: its failure is one of the case.
fn held<T>(outcome: anyhow::Result<T>) -> Result<T, TestCaseError> {
    outcome.map_err(|error| TestCaseError::fail(format!("{error:#}")))
}

/// The engine of one case, with some rows of the log.
async fn engine_with_log() -> anyhow::Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, vec![source("before.csv", log_csv(1..=20))]).await?;
    Ok(engine)
}

fn small_log() -> String {
    let mut text = log_csv(15..=30);
    text.push_str("31,\\mod_forum\\event\\post_created,mod_forum,created,post,forum_posts,5,c,2,9,70,12,4,2,,0,\"a:1:{s:1:\"\"k\"\";s:5:\"\"a\nb,c\"\";}\",1600009999,web,::1,\n");
    text.push_str(&log_csv(32..=36).replacen(LOG_HEADER, "", 1).trim_start().replace('\n', "\r\n"));
    text
}

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn a_mutated_log_never_breaks_the_loader(
        mutations in vec(mutation(), 0..5),
        forced in any::<bool>(),
        delimiter in select(vec![None, Some(b','), Some(b','), Some(b';'), Some(b'\t'), Some(b'1'), Some(b'"')]),
        threads in 0..4_usize,
    ) {
        let bytes = mutated(&small_log(), &mutations);
        let mut request = LoadRequest::new(vec![source("log.csv", bytes.clone())], NOW);
        request.format = forced.then_some(Format::Log);
        (request.delimiter, request.threads, request.memory_budget) = (delimiter, threads, 1);
        let summary = held(block_on(async {
            let engine = engine_with_log().await?;
            load_any(&engine, &request).await
        }))?;
        let comma = delimiter == Some(b',') && is_plain(&bytes);
        if let Some(file) = summary.as_ref().and_then(|summary| summary.files.first()).filter(|_| comma) {
            let (all, whole) = records(&bytes, b',');
            prop_assert_eq!(file.counts.read, all - 1);
            prop_assert!(file.counts.rejected >= all - whole, "{:?} of {} whole records", file.counts, whole);
        }
        if mutations.is_empty() {
            let bad_delimiter = matches!(delimiter, Some(b';' | b'\t' | b'1' | b'"'));
            prop_assert_eq!(summary.map(|summary| summary.total().loaded), (!bad_delimiter).then_some(16));
        }
    }

    #[test]
    fn a_mutated_table_never_breaks_the_loader(
        mutations in vec(mutation(), 0..5),
        name in select(vec!["user.csv", "mdl_course.csv.gz", "list.csv", ""]),
        table in select(vec![None, Some("user"), Some("free"), Some("mdl_user")]),
    ) {
        let text = "id,username,city,timecreated,score\n3,ada,\"Or\nléans\",1600000000,1.5\n4,léo,Lyon,,\n5,\"zo\"\"é\",,0,-2e3\n3,ada,Paris,1,0\n";
        let mut request = LoadRequest::new(vec![source(name, mutated(text, &mutations))], NOW);
        request.format = table.map(|table| Format::Table(table.to_owned()));
        request.memory_budget = 1;
        held(block_on(async {
            let engine = Engine::open("memory://", &[]).await?;
            load(&engine, vec![source("user.csv", "id,username\n3,ada\n9,eve\n")]).await?;
            load_any(&engine, &request).await?;
            // The same rows once more: a key adds nothing, and without one the file is refused.
            let again = load_any(&engine, &request).await?;
            let loaded = again.map_or(0, |summary| summary.total().loaded);
            anyhow::ensure!(loaded == 0, "{loaded} rows were loaded twice");
            Ok(())
        }))?;
    }
}

/// A log of a few long records, whose texts hold whatever might be taken for the end of a record.
fn long_log() -> impl Strategy<Value = String> {
    // A change may turn every line of a text into a row that is rejected, which costs far more than its bytes.
    let line = |piece: &str, end: &str| format!("{}{end}", piece.repeat(300 / piece.len()));
    let text = (
        select(vec![
            line("plain ", ""),
            line("a,b", "\n"),
            line("\"\"", ""),
            line("\"\"", "\n"),
            line(",", "\r\n"),
            line("é", "\n\n"),
        ]),
        1..600_000_usize,
        any::<bool>(),
    );
    vec(text, 3..12).prop_map(|texts| {
        let mut log = format!("{LOG_HEADER}\n");
        for (id, (text, bytes, quoted)) in texts.into_iter().enumerate() {
            let other = if quoted { format!("\"{}\"", text.repeat(bytes / text.len() + 1)) } else { "x".repeat(bytes) };
            log.push_str(&format!(
                "{},e,core,viewed,course,,,r,2,1,50,2,{},2,,0,{other},{},web,,\n",
                id + 100,
                id % 3,
                1_600_000_000 + id
            ));
        }
        log
    })
}

proptest! {
    #![proptest_config(config(12))]

    /// Files of several MiB are cut into pieces of one; the rows are those of the file in one piece.
    #[test]
    fn pieces_of_a_log_hold_the_rows_of_the_whole(text in long_log(), mutations in vec(mutation(), 0..3), threads in 1..5_usize) {
        let mutations: Vec<Mutation> = mutations.into_iter().filter(|mutation| !matches!(mutation, Mutation::Replace { .. })).collect();
        let bytes = mutated(&text, &mutations);
        let with = |budget: usize, threads: usize| {
            let mut request = LoadRequest::new(vec![source("log.csv", bytes.clone())], NOW);
            (request.format, request.delimiter) = (Some(Format::Log), Some(b','));
            (request.memory_budget, request.threads) = (budget, threads);
            block_on(async {
                let engine = engine_with_log().await?;
                let summary = load_any(&engine, &request).await?;
                anyhow::Ok((summary, log_contents(&engine).await?))
            })
        };
        let (pieces, whole) = (held(with(1, threads))?, held(with(4 << 30, 1))?);
        prop_assert_eq!(pieces.1, whole.1);
        let faults = |summary: &Option<LoadSummary>| summary.as_ref().map(|summary| (summary.total(), summary.files[0].faults.clone()));
        prop_assert_eq!(faults(&pieces.0), faults(&whole.0));
        if let Some(file) = pieces.0.as_ref().and_then(|summary| summary.files.first()).filter(|_| is_plain(&bytes)) {
            prop_assert_eq!(file.counts.read + 1, records(&bytes, b',').0);
        }
        if mutations.is_empty() {
            prop_assert_eq!(pieces.0.map(|summary| summary.total().loaded), Some(records(&bytes, b',').0 - 1));
        }
    }
}

/// A report of each kind: English with numeric dates, French with names of months.
const REPORTS: [&str; 2] = [
    "Time,User full name,Affected user,Event context,Component,Event name,Description,Origin,IP address\n\
\"31/01/24, 14:05\",Ada,-,Course: Algebra,System,Course viewed,\"The user with id '4' viewed the course with id '111'.\",web,10.0.0.1\n\
\"31/01/24, 14:04\",-,-,System,System,User login failed,\"Login failed for the username 'bob' for the reason with id '1'.\",web,\n\
\"30/01/24, 23:59\",\"Léo, jr\",Ada,Quiz: One,Quiz,Quiz attempt reviewed,\"The user with id '7' has had their attempt with id '5' reviewed by the user with id '3' for the quiz with course module id '4'.\",web,::1\n\
\"29/02/23, 10:00\",Ada,-,Course: Algebra,System,Course viewed,\"The user with id '4' viewed the course with id '111'.\",cli,\n\
\"01/02/24, 9:05 PM\",Ada,-,Course: Algebra,Turnitin Assignment 2,List Submissions,User viewed their submission inbox at course: 113,web,10.0.0.1\n",
    "Heure;Nom complet;Utilisateur concerné;Contexte de l'événement;Composant;Nom de l'événement;Description;Origine;Adresse IP\n\
31 janvier 2024, 14:05;Ada;-;\"Cours: Algèbre; suite\";Système;Cours consulté;\"The user with id '4' viewed the course with id '111'.\";web;10.0.0.1\n\
1er février 2024, 00:00;Ada;-;\"Fichier: \"\"a\"\"\";Fichier;Module de cours consulté;\"The user with id '4' viewed the 'resource' activity\nwith course module id '2427'.\";web;10.0.0.1\n",
];

proptest! {
    #![proptest_config(config(160))]

    #[test]
    fn a_mutated_report_never_breaks_the_loader(
        report in select(REPORTS.to_vec()),
        mutations in vec(mutation(), 0..5),
        forced in any::<bool>(),
        order in select(vec![None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)]),
        timezone in select(vec![None, Some(Tz::UTC), Some(Tz::Europe__Paris), Some(Tz::Pacific__Apia)]),
    ) {
        let bytes = mutated(report, &mutations);
        let mut request = LoadRequest::new(vec![source("report.csv", bytes.clone())], NOW);
        request.format = forced.then_some(Format::LogReport);
        (request.date_order, request.timezone, request.memory_budget) = (order, timezone, 1);
        let delimiter = if report.starts_with("Time") { b',' } else { b';' };
        request.delimiter = Some(delimiter);
        let summary = held(block_on(async {
            let engine = engine_with_log().await?;
            load_any(&engine, &request).await
        }))?;
        if let Some(file) = summary.as_ref().and_then(|summary| summary.files.first()).filter(|_| is_plain(&bytes)) {
            let (all, whole) = records(&bytes, delimiter);
            prop_assert_eq!(file.counts.read, all - 1);
            prop_assert!(file.counts.rejected >= all - whole);
        }
        if mutations.is_empty() && timezone.is_some() && order == Some(DateOrder::DayFirst) {
            // In the first file, 29 February 2023 is no day and the submission names no user.
            let expected = if delimiter == b',' { (5, 3) } else { (2, 2) };
            prop_assert_eq!(summary.map(|summary| (summary.total().read, summary.total().loaded)), Some(expected));
        }
    }

    #[test]
    fn arbitrary_mappings_never_break_the_loader(
        map in vec((event_target(), event_source()), 0..6),
        complete in any::<bool>(),
        pattern in time_pattern(),
        timezone in select(vec![None, Some(Tz::UTC), Some(Tz::Africa__Casablanca)]),
        rows in vec((event_value(), event_value(), event_value()), 0..12),
        mutations in vec(mutation(), 0..3),
    ) {
        let mut text = "who,When,Event.name\n".to_owned();
        rows.iter().for_each(|(who, when, what)| text.push_str(&format!("{who},{when},{what}\n")));
        let mut request = LoadRequest::new(vec![source("events.csv", mutated(&text, &mutations))], NOW);
        request.format = Some(Format::Events);
        let least = [("userid", "who"), ("timecreated", "when")].map(|(to, from)| (to.to_owned(), from.to_owned()));
        request.map = map;
        request.map.extend(least.into_iter().filter(|_| complete));
        (request.time_pattern, request.timezone, request.memory_budget) = (pattern, timezone, 1);
        held(block_on(async {
            let engine = engine_with_log().await?;
            load_any(&engine, &request).await
        }))?;
    }
}

fn event_target() -> impl Strategy<Value = String> {
    let columns = vec![
        "userid",
        "timecreated",
        "courseid",
        "relateduserid",
        "component",
        "eventname",
        "other",
        "origin",
        "id",
        "anonymous",
        "contextid",
        "nosuch",
        "",
    ];
    prop_oneof![4 => select(columns).prop_map(str::to_owned), 1 => any::<String>()]
}

fn event_source() -> impl Strategy<Value = String> {
    let columns = vec![
        "who",
        "When",
        "event.name",
        "'",
        "''",
        "'la-course'",
        "'7'",
        "'-1'",
        "' '",
        "'99999999999999999999'",
        "nosuch",
        "",
    ];
    prop_oneof![4 => select(columns).prop_map(str::to_owned), 1 => any::<String>()]
}

fn time_pattern() -> impl Strategy<Value = Option<String>> {
    let patterns = vec![
        "%Y-%m-%d %H:%M:%S",
        "%d.%m.%Y %H:%M",
        "%s",
        "%+",
        "%",
        "%Q",
        "%c",
        "%Y-%m-%dT%H:%M:%S%z",
        "%s%f",
        "%j %U %G",
        "",
    ];
    let any_pattern = vec(select("%YmdHMSsfzZjU:.+-3 ".chars().collect::<Vec<_>>()), 0..8);
    prop_oneof![
        3 => Just(None),
        2 => select(patterns).prop_map(|pattern| Some(pattern.to_owned())),
        1 => any_pattern.prop_map(|pattern| Some(pattern.into_iter().collect())),
        1 => any::<String>().prop_map(Some),
    ]
}

fn event_value() -> impl Strategy<Value = String> {
    let values = vec![
        "1600000000",
        "0",
        "-1",
        "253402300800",
        "9223372036854775807",
        "-9223372036854775808",
        "2024-01-31T14:05:00+01:00",
        "2024-01-31 14:05",
        "31.01.2024 14:05",
        "0000-00-00 00:00:00",
        "ada",
        "léo",
        "",
        "NULL",
        "\\N",
        " ",
        "\"a,b\"",
        "\"a\"\"b\nc\"",
        "+7",
        "01",
        "\u{feff}",
    ];
    select(values).prop_map(str::to_owned)
}

/// Zones with changes of the clock by an hour, by half an hour, by a day, with odd offsets, and without any.
fn zone() -> impl Strategy<Value = Tz> {
    select(vec![
        Tz::UTC,
        Tz::Europe__Paris,
        Tz::America__New_York,
        Tz::Australia__Lord_Howe,
        Tz::Pacific__Apia,
        Tz::Asia__Kathmandu,
        Tz::America__Sao_Paulo,
        Tz::Africa__Casablanca,
        Tz::America__St_Johns,
    ])
}

/// A local time to the second between 1970 and 2069; every third lies in a night in which some clock changes.
fn local() -> impl Strategy<Value = NaiveDateTime> {
    let day = |year, month, day| NaiveDate::from_ymd_opt(year, month, day).expect("a day");
    let changes = vec![
        day(2024, 3, 31),
        day(2024, 10, 27),
        day(2024, 3, 10),
        day(2024, 11, 3),
        day(2023, 4, 2),
        day(2023, 10, 1),
        day(2011, 12, 30),
        day(2018, 11, 4),
        day(1971, 4, 25),
    ];
    let any_day = (0..36_524_i64).prop_map(move |days| day(1970, 1, 1) + Duration::days(days));
    let time =
        (0..86_400_u32).prop_map(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).expect("a time"));
    let night = (0..4 * 3600_u32)
        .prop_map(|seconds| NaiveTime::from_num_seconds_from_midnight_opt(seconds, 0).expect("a time"));
    prop_oneof![2 => (any_day, time).prop_map(|(day, time)| day.and_time(time)), 1 => (select(changes), night).prop_map(|(day, time)| day.and_time(time))]
}

/// What the manual says of a local time: the first of two occurrences, and of none the time before the gap carried on.
fn unix(local: NaiveDateTime, tz: Tz) -> i64 {
    match tz.from_local_datetime(&local) {
        LocalResult::Single(time) | LocalResult::Ambiguous(time, _) => time.timestamp(),
        LocalResult::None => {
            let mut minutes = 0;
            loop {
                minutes += 1;
                let earlier = local - Duration::minutes(minutes);
                if let Some(time) = tz.from_local_datetime(&earlier).latest() {
                    return time.timestamp() + 60 * minutes;
                }
            }
        }
    }
}

/// How a time is written.
#[derive(Debug, Clone)]
struct Writing {
    /// `None` writes the name of the month.
    order: Option<DateOrder>,
    mark: char,
    two_digit_year: bool,
    padded: bool,
    weekday: bool,
    twelve: bool,
    clock: char,
    seconds: bool,
    between: &'static str,
    french: bool,
    month_leads: bool,
}

fn writing() -> impl Strategy<Value = Writing> {
    let order = select(vec![None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)]);
    let clock = (select(vec![':', '.', 'h']), any::<bool>(), any::<bool>());
    let date = (select(vec!['/', '.', '-']), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (order, clock, date, select(vec![", ", " ", ",", "\u{a0}", " - ", ",\u{202f}"])).prop_map(
        |(order, (clock, twelve, seconds), (mark, two_digit_year, padded, weekday, french, month_leads), between)| {
            Writing {
                order,
                mark,
                two_digit_year,
                padded,
                weekday,
                twelve,
                clock,
                seconds: seconds && clock != 'h',
                between,
                french,
                month_leads,
            }
        },
    )
}

const MONTHS: [[&str; 12]; 2] = [
    ["January", "Feb", "March", "Apr", "May", "June", "July", "Aug", "September", "Oct", "Nov", "December"],
    ["janvier", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "octobre", "novembre", "déc."],
];

impl Writing {
    /// The date as written, without its time of day.
    fn date(&self, date: NaiveDate) -> String {
        let year = if self.two_digit_year { format!("{:02}", date.year() % 100) } else { date.year().to_string() };
        let short = |number: u32| if self.padded { format!("{number:02}") } else { number.to_string() };
        let (month, day, mark) = (short(date.month()), short(date.day()), self.mark);
        match self.order {
            Some(DateOrder::DayFirst) => format!("{day}{mark}{month}{mark}{year}"),
            Some(DateOrder::MonthFirst) => format!("{month}{mark}{day}{mark}{year}"),
            Some(DateOrder::YearFirst) => format!("{year}{mark}{month}{mark}{day}"),
            None => {
                let name = MONTHS[usize::from(self.french)][date.month0() as usize];
                if self.month_leads { format!("{name} {day}, {year}") } else { format!("{day} {name} {year}") }
            }
        }
    }

    fn text(&self, local: NaiveDateTime) -> String {
        let weekdays = if self.french {
            ["lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"]
        } else {
            ["Mon", "Tuesday", "Wed", "Thursday", "Fri", "Saturday", "Sun"]
        };
        let weekday = if self.weekday {
            format!("{}, ", weekdays[Weekday::num_days_from_monday(&local.weekday()) as usize])
        } else {
            String::new()
        };
        let (pm, twelve) = local.hour12();
        let (hour, half) = if self.twelve { (twelve, if pm { " PM" } else { " am" }) } else { (local.hour(), "") };
        let (clock, minute) = (self.clock, local.minute());
        let seconds = if self.seconds { format!("{clock}{:02}", local.second()) } else { String::new() };
        format!("{weekday}{}{}{hour}{clock}{minute:02}{seconds}{half}", self.date(local.date()), self.between)
    }

    /// The time without what is not written.
    fn told(&self, local: NaiveDateTime) -> NaiveDateTime {
        if self.seconds { local } else { local.with_second(0).unwrap_or(local) }
    }
}

proptest! {
    #![proptest_config(config(3000))]

    #[test]
    fn written_times_come_back(local in local(), writing in writing(), tz in zone()) {
        let (text, expected) = (writing.text(local), unix(writing.told(local), tz));
        prop_assert_eq!(parse_time(&text, writing.order, tz, Dictionary::builtin()), Ok(expected), "{}", text);
    }

    /// Without an order, a date is read when one order alone makes it a day; nothing is guessed.
    #[test]
    fn without_an_order_nothing_is_guessed(local in local(), writing in writing(), tz in zone()) {
        let (text, expected) = (writing.text(local), Ok(unix(writing.told(local), tz)));
        let read = parse_time(&text, None, tz, Dictionary::builtin());
        let date = local.date();
        let plain = matches!(writing.order, Some(DateOrder::DayFirst | DateOrder::MonthFirst)) && date.day() <= 12 && date.day() != date.month();
        match writing.order {
            _ if plain => prop_assert_eq!(read, Err(TimeFault::UnknownOrder), "{}", text),
            Some(DateOrder::YearFirst) if writing.two_digit_year => prop_assert!(read != expected || date.year() % 100 == i32::try_from(date.day()).unwrap_or(0), "{}", text),
            _ => prop_assert_eq!(read, expected, "{}", text),
        }
    }

    #[test]
    fn the_order_of_a_file_is_what_its_dates_prove(locals in vec(local(), 0..8), mut writing in writing(), month_first in any::<bool>()) {
        writing.order = Some(if month_first { DateOrder::MonthFirst } else { DateOrder::DayFirst });
        let mut evidence = OrderEvidence::default();
        for (line, local) in locals.iter().enumerate() {
            evidence.observe(line as u64 + 2, &writing.text(*local), Dictionary::builtin());
        }
        let proof = locals.iter().position(|local| local.day() > 12);
        let expected = match (proof, writing.order) {
            (Some(line), Some(order)) => OrderAnswer::Proved { order, line: line as u64 + 2 },
            _ if locals.iter().any(|local| local.day() != local.month()) => OrderAnswer::Ambiguous,
            _ => OrderAnswer::NotNeeded,
        };
        prop_assert_eq!(evidence.answer(), expected);
    }

    #[test]
    fn no_text_breaks_the_reader_of_times(text in time_text(), tz in zone(), order in select(vec![None, Some(DateOrder::DayFirst), Some(DateOrder::MonthFirst), Some(DateOrder::YearFirst)])) {
        let read = parse_time(&text, order, tz, Dictionary::builtin());
        if let Ok(time) = read {
            // From 1970 in the zone farthest east, to the end of the year 9999 in the one farthest west.
            prop_assert!((-86_400..253_402_300_800 + 86_400).contains(&time), "{time}");
        } else if let Err(fault) = read {
            prop_assert_ne!(fault.reason().en, fault.reason().fr);
        }
        let mut evidence = OrderEvidence::default();
        evidence.observe(1, &text, Dictionary::builtin());
        evidence.observe(2, &text, Dictionary::builtin());
        let told = evidence.answer();
        prop_assert!(!matches!(told, OrderAnswer::Contradictory { .. }), "one text proves one order: {told:?}");
    }

    #[test]
    fn no_text_breaks_the_reader_of_descriptions(text in description_text()) {
        let read = Description::read(&text);
        let all = [read.user(), read.related(), read.course(), read.module(), read.last(), read.number_of("grade item"), read.number_of("")];
        prop_assert!(all.iter().flatten().count() == 0 || !text.is_empty());
        let name = read.module_name();
        prop_assert!(name.is_none_or(|name| text.to_ascii_lowercase().contains(name)));
    }

    /// Users, courses and modules of sentences built here, in every way of quoting a number.
    #[test]
    fn numbers_of_a_description_come_back(
        user in number(), other in number(), course in number(), module in number(),
        quotes in select(vec![("'", "'"), ("\"", "\""), ("’", "’"), ("‘", "’"), ("&#039;", "&#039;"), ("&#39;", "&#39;"), ("&quot;", "&quot;"), ("&apos;", "&apos;"), ("", "")]),
        the in any::<bool>(),
        name in "[a-z][a-z0-9_]{0,12}",
    ) {
        let (open, close) = quotes;
        let id = |noun: &str, number: i64| format!("{noun} with {}id {open}{number}{close}", if the { "the " } else { "" });
        let (u, o, c, m) = (id("user", user), id("user", other), id("course", course), id("course module", module));
        // Sentence; user, related user, course, module.
        type Expected = (Option<i64>, Option<i64>, Option<i64>, Option<i64>);
        let cases: [(String, Expected); 6] = [
            (format!("The {u} viewed the {c}."), (Some(user), None, Some(course), None)),
            (format!("The {u} viewed the '{name}' activity with {}.", &m), (Some(user), None, None, Some(module))),
            (format!("The {u} enrolled the {o} using the enrolment method '{name}' in the {c}."), (Some(user), Some(other), Some(course), None)),
            (format!("The {u} has had their attempt reviewed by the {o} for the quiz with {m}."), (Some(other), Some(user), None, Some(module))),
            (format!("The {u} restored old {} to a new {c}.", id("course", other)), (Some(user), None, Some(course), None)),
            (format!("THE USER WITH ID {user} HAS LOGGED IN"), (Some(user), None, None, None)),
        ];
        for (text, expected) in cases {
            let read = Description::read(&text);
            prop_assert_eq!((read.user(), read.related(), read.course(), read.module()), expected, "{}", text);
        }
        let text = format!("The {u} viewed the '{name}' activity with {m}.");
        let read = Description::read(&text);
        prop_assert_eq!(read.module_name(), Some(name.as_str()));
    }
}

/// Numbers of users: nobody, Moodle itself, small ones, and any other that is written with a sign or without.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![1 => Just(0), 1 => Just(-1), 4 => 1..100_000_i64, 1 => Just(i64::MAX), 1 => -i64::MAX..i64::MAX]
}

/// Any text, and texts made of what times are made of.
fn time_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "0",
        "1",
        "31",
        "12",
        "2024",
        "24",
        "99999",
        "00",
        "60",
        "4294967296",
        "/",
        ".",
        "-",
        ":",
        ",",
        " ",
        "h",
        "t",
        "T",
        "AM",
        "p.m.",
        "à",
        "1er",
        "de",
        "janvier",
        "Mar",
        "mar",
        "Sept.",
        "Monday",
        "lun.",
        "\u{200f}",
        "\u{202f}",
        "\u{feff}",
        "é",
        "e\u{301}",
        "İ",
        "ß",
        "一月",
        "年",
        "٣",
        "¹",
        "+",
        "Z",
    ];
    let built = vec(select(pieces), 0..14).prop_map(|pieces| pieces.concat());
    let near = (local(), writing(), any::<u16>(), select(vec!["", " ", "-", "0", "é", "PM", "\u{200e}", "/"]))
        .prop_map(|(local, writing, at, piece)| {
            let text = writing.text(local);
            let place = text.char_indices().map(|(at, _)| at).nth(usize::from(at) % text.chars().count()).unwrap_or(0);
            format!(
                "{}{piece}{}",
                &text[..place],
                text[place..].chars().skip(usize::from(piece.is_empty())).collect::<String>()
            )
        });
    prop_oneof![1 => any::<String>(), 2 => built, 2 => near]
}

fn description_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "The user",
        " with ",
        "the ",
        "id",
        " id ",
        "user",
        "userid ",
        "course",
        " module",
        "'",
        "\"",
        "’",
        "&#039;",
        "&quot;",
        "-",
        "--",
        "1",
        "99999999999999999999",
        "9223372036854775808",
        " by the user",
        "' activity",
        " the module '",
        "new course",
        "\u{a0}",
        "é",
        "İD",
        "ıd",
        "\n",
        "Login failed for the username",
    ];
    prop_oneof![1 => any::<String>(), 3 => vec(select(pieces), 0..24).prop_map(|pieces| pieces.concat())]
}

/// What the generators above take for granted.
#[test]
fn the_unchanged_files_load() -> anyhow::Result<()> {
    block_on(async {
        let engine = engine_with_log().await?;
        let request = LoadRequest::new(vec![source("log.csv", small_log())], NOW);
        let summary = load_any(&engine, &request).await?.context("refused")?;
        // Ids 15 to 36; 15 to 20 were there before.
        assert_eq!((summary.total().read, summary.total().loaded, summary.total().skipped), (22, 16, 6));
        Ok(())
    })
}
