//! Session times of other products, through policies on loaded logs.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use chrono::NaiveDateTime;
use engine::Engine;
use engine::load::{Format, LoadRequest, Source};
use engine::query::Limits;
use engine::stats::{Request, Stats};
use engine::time::{Grain, Keep, Policies, Verdict};
use serde_json::{Value, json};

use super::case::{integer, json as read_json};
use super::data::{NOW, dataset, engine, events, load, memory, table};
use super::diff::Report;
use super::views;

/// How thoroughly loads in steps are checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steps {
    /// Every day, and every two hours: some hundred loads.
    All,
    /// Every day.
    Daily,
}

/// What the policy says of one user.
#[derive(Debug, Default, Clone)]
struct Spent {
    seconds: i64,
    /// Start, end, seconds and hits of the sessions that count.
    sessions: Vec<[i64; 4]>,
}

/// A site with users that have names.
struct Site {
    stats: Stats,
    names: HashMap<i64, String>,
}

/// Runs every golden case of other products in a folder.
///
/// # Errors
///
/// When a file cannot be read or loaded; a number that differs is no error.
pub async fn peers(dir: &Path, data: &Path, steps: Steps) -> Result<Report> {
    let mut report = Report::default();
    let file = |name: &str| Some(dir.join(format!("{name}.json"))).filter(|path| path.exists());
    let course = course(data).await.context("moodle-la-course")?;
    if let Some(path) = file("dedication_la_course") {
        dedication(&course, &read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("attendanceregister_la_course") {
        register(&course, &read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("customcert_time") {
        certificate(&course, &read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("published_sequence_chapter") {
        chapter(&course, &read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("dedication_incremental_loss") {
        incremental(data, &read_json(&path)?, steps, &mut report).await?;
    }
    if let Some(path) = file("dedication_moodle_reports") {
        reports(data, &read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("edge_scenarios") {
        scenarios(&read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("spark_session_windows") {
        windows(&read_json(&path)?, &mut report).await?;
    }
    if let Some(path) = file("snowplow_heartbeat") {
        heartbeat(&read_json(&path)?, &mut report).await?;
    }
    if dir.join("openedx_aspects").is_dir() {
        views::compare(&dir.join("openedx_aspects"), &mut report).await?;
    }
    if file("moodle_user_upload").is_some() {
        report.note("moodle_user_upload: belongs to the synchronisation of users, not to time");
    }
    Ok(report)
}

impl Site {
    async fn of(engine: &Engine) -> Result<Self> {
        let stats = engine.stats(None, None, &Limits::default()).await?;
        let has_users = stats.session().tables().iter().any(|table| table.name == "user");
        let rows = match has_users {
            true => table(stats.session(), "SELECT id, username FROM \"user\"").await?,
            false => Vec::new(),
        };
        let name = |row: &Vec<Value>| Some((integer(&row[0])?, row[1].as_str()?.to_owned()));
        Ok(Self { names: rows.iter().filter_map(name).collect(), stats })
    }

    /// What a policy says of every user, by name, or by number where users have no names.
    async fn spent(&self, policy: &str, range: Option<(i64, i64)>) -> Result<BTreeMap<String, Spent>> {
        let mut request = Request::new(Policies::default().resolve(policy)?, NOW);
        if let Some((from, to)) = range {
            request = request.between(from, to)?;
        }
        let keep = Keep { laps: false, sessions: true, totals: Some(Grain::default()) };
        let mut users = BTreeMap::new();
        for time in self.stats.users(&request, keep).await? {
            let mut sessions: Vec<_> =
                time.sessions.iter().filter(|session| session.session.verdict == Verdict::Kept).collect();
            sessions.sort_by_key(|session| session.session.number);
            let four = |session: &&engine::time::UserSession| {
                let session = &session.session;
                let events = i64::try_from(session.events).unwrap_or(i64::MAX);
                [session.start, session.end, session.elapsed, events]
            };
            let seconds = time.totals.iter().map(|(_, total)| total.elapsed).sum();
            let spent = Spent { seconds, sessions: sessions.iter().map(four).collect() };
            let name = self.names.get(&time.userid).cloned().unwrap_or_else(|| time.userid.to_string());
            users.insert(name, spent);
        }
        Ok(users)
    }
}

impl Spent {
    fn count(&self) -> i64 {
        i64::try_from(self.sessions.len()).unwrap_or(i64::MAX)
    }
}

const COURSE: &str = "moodle-la-course/events.csv";
const COURSE_MAP: [(&str, &str); 3] = [("userid", "user"), ("timecreated", "timecreated"), ("courseid", "'la-course'")];

async fn course(data: &Path) -> Result<Site> {
    let engine = engine().await?;
    load(&engine, &events(Source::File(dataset(data, COURSE)?), &COURSE_MAP)?).await?;
    Site::of(&engine).await
}

/// Compares rows by user, and their sums.
fn compare_users(report: &mut Report, place: &str, case: &Value, ours: &BTreeMap<String, Vec<i64>>) {
    let expected = case["users"].as_object().cloned().unwrap_or_default();
    for (user, row) in &expected {
        let ours = ours.get(user).cloned().unwrap_or_else(|| vec![0; row.as_array().map_or(1, Vec::len)]);
        let ours = if row.is_array() { json!(ours) } else { json!(ours.first()) };
        report.compare(&format!("{place} {user}"), row, &ours);
    }
    for user in ours.keys().filter(|user| !expected.contains_key(*user)) {
        report.fail(place, &format!("user {user} is not expected"));
    }
    let width = ours.values().map(Vec::len).max().unwrap_or(0);
    let sums: Vec<i64> = (0..width).map(|at| ours.values().map(|row| row[at]).sum()).collect();
    if case["totals"].is_array() {
        report.compare(&format!("{place} totals"), &case["totals"], &json!(sums));
    } else if case["total"].is_number() {
        report.compare(&format!("{place} total"), &case["total"], &json!(sums.first()));
    }
}

fn number(value: &Value, name: &str) -> Result<i64> {
    integer(&value[name]).with_context(|| format!("no number `{name}` in {value}"))
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Seconds without and with the minimum, and sessions longer than it.
async fn dedicated(site: &Site, limit: i64, minimum: i64) -> Result<BTreeMap<String, Vec<i64>>> {
    let all = site.spent(&format!("dedication, threshold = {limit}, minimum = none"), None).await?;
    let kept = site.spent(&format!("dedication, threshold = {limit}, minimum = > {minimum}"), None).await?;
    let row = |(user, all): (String, Spent)| {
        let kept = kept.get(&user).cloned().unwrap_or_default();
        (user, vec![all.seconds, kept.seconds, kept.count()])
    };
    Ok(all.into_iter().map(row).collect())
}

async fn dedication(site: &Site, golden: &Value, report: &mut Report) -> Result<()> {
    for case in items(&golden["cases"]) {
        let (limit, minimum) = (number(case, "session_limit")?, number(case, "ignore_sessions_limit")?);
        let ours = dedicated(site, limit, minimum).await?;
        compare_users(report, &format!("dedication_la_course {limit}/{minimum}"), case, &ours);
    }
    Ok(())
}

async fn register(site: &Site, golden: &Value, report: &mut Report) -> Result<()> {
    for case in items(&golden["cases"]) {
        let minutes = number(case, "session_timeout_minutes")?;
        let policy = format!("attendance_register, threshold = {}", minutes * 60);
        let spent = site.spent(&policy, None).await?;
        let ours = spent.into_iter().map(|(user, spent)| (user, vec![spent.seconds, spent.count()])).collect();
        compare_users(report, &format!("attendanceregister_la_course {minutes} min"), case, &ours);
    }
    Ok(())
}

async fn certificate(site: &Site, golden: &Value, report: &mut Report) -> Result<()> {
    for case in items(&golden["la_course"]["cases"]) {
        let timeout = number(case, "sessiontimeout")?;
        let spent = site.spent(&format!("certificate, threshold = {timeout}"), None).await?;
        let ours = spent.into_iter().map(|(user, spent)| (user, vec![spent.seconds])).collect();
        compare_users(report, &format!("customcert_time {timeout}"), case, &ours);
    }
    for (at, case) in items(&golden["own_tests"]["cases"]).enumerate() {
        let mut text = "user,time\n".to_owned();
        for time in items(&case["events"]).filter_map(integer) {
            writeln!(text, "7,{time}")?;
        }
        let site = small(text, &[("userid", "user"), ("timecreated", "time"), ("courseid", "'c'")]).await?;
        let spent = site.spent(&format!("certificate, threshold = {}", number(case, "sessiontimeout")?), None).await?;
        let ours: i64 = spent.values().map(|spent| spent.seconds).sum();
        report.compare(&format!("customcert_time own test {at}"), &case["expected_seconds"], &json!(ours));
    }
    Ok(())
}

/// A store with one small file of events.
async fn small(text: String, map: &[(&str, &str)]) -> Result<Site> {
    let engine = engine().await?;
    load(&engine, &events(memory("events.csv", text), map)?).await?;
    Site::of(&engine).await
}

async fn chapter(site: &Site, golden: &Value, report: &mut Report) -> Result<()> {
    let expected = &golden["expected"];
    let all = site.spent("gap_900", None).await?;
    let events: i64 = all.values().flat_map(|spent| &spent.sessions).map(|session| session[3]).sum();
    let place = |what: &str| format!("published_sequence_chapter {what}");
    report.compare(&place("users"), &expected["users"], &json!(all.len()));
    report.compare(&place("events"), &expected["events"], &json!(events));
    let longer = site.spent("gap_900, minimum = 2 events", None).await?;
    let mut lengths: Vec<i64> = longer.values().flat_map(|spent| &spent.sessions).map(|session| session[3]).collect();
    lengths.sort_unstable();
    report.compare(&place("sessions"), &expected["sessions_with_two_or_more_events"], &json!(lengths.len()));
    for (least, sessions) in expected["sessions_with_at_least_k_events"].as_object().into_iter().flatten() {
        let least: i64 = least.parse()?;
        let ours = lengths.iter().filter(|length| **length >= least).count();
        report.compare(&place(&format!("sessions of {least} events")), sessions, &json!(ours));
    }
    let weighted: Vec<i64> =
        lengths.iter().flat_map(|length| std::iter::repeat_n(*length, usize::try_from(*length).unwrap_or(0))).collect();
    for (percent, length) in expected["events_weighted_session_length_quantiles"].as_object().into_iter().flatten() {
        let part: usize = percent.trim_end_matches('%').parse()?;
        let ours = weighted.get(weighted.len().saturating_sub(1) * part / 100);
        report.compare(&place(&format!("length at {percent}")), length, &json!(ours));
    }
    report.note("published_sequence_chapter: quantiles of gaps are no session times, and not compared");
    Ok(())
}

/// Loads the course step by step, and asks once: nothing is lost.
async fn incremental(data: &Path, golden: &Value, steps: Steps, report: &mut Report) -> Result<()> {
    let (limit, minimum) = (number(golden, "session_limit")?, number(golden, "ignore_sessions_limit")?);
    let rows = course_rows(&dataset(data, COURSE)?)?;
    let lengths: &[i64] = if steps == Steps::All { &[86_400, 7_200] } else { &[86_400] };
    for step in lengths {
        let mut parts: BTreeMap<i64, String> = BTreeMap::new();
        for (user, moment, time) in &rows {
            let text = parts.entry(time.div_euclid(*step)).or_insert_with(|| "user,timecreated\n".to_owned());
            writeln!(text, "{user},{moment}")?;
        }
        let engine = engine().await?;
        for (part, text) in parts {
            load(&engine, &events(memory(&format!("part-{part}.csv"), text), &COURSE_MAP)?).await?;
        }
        let site = Site::of(&engine).await?;
        let spent = site.spent(&format!("dedication, threshold = {limit}, minimum = > {minimum}"), None).await?;
        let seconds: i64 = spent.values().map(|spent| spent.seconds).sum();
        let sessions: i64 = spent.values().map(Spent::count).sum();
        let place = format!("dedication_incremental_loss every {step} s");
        report.compare(&place, &golden["one_run"], &json!({"seconds": seconds, "sessions": sessions}));
    }
    Ok(())
}

/// User, moment as written, and Unix seconds.
fn course_rows(path: &PathBuf) -> Result<Vec<(String, String, i64)>> {
    let file = std::fs::File::open(path)?;
    let bytes: Box<dyn std::io::Read> = match path.extension().is_some_and(|extension| extension == "gz") {
        true => Box::new(flate2::read::GzDecoder::new(file)),
        false => Box::new(file),
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers()?.clone();
    let column = |name: &str| header.iter().position(|column| column == name).with_context(|| name.to_owned());
    let (user, time) = (column("user")?, column("timecreated")?);
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        rows.push((record[user].to_owned(), record[time].to_owned(), unix(&record[time])?));
    }
    Ok(rows)
}

/// A moment such as `2019-10-26 09:37:12`, UTC, in Unix seconds.
fn unix(text: &str) -> Result<i64> {
    let moment = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").with_context(|| text.to_owned())?;
    Ok(moment.and_utc().timestamp())
}

async fn reports(data: &Path, golden: &Value, report: &mut Report) -> Result<()> {
    let config = &golden["config"];
    let (limit, minimum) = (number(config, "session_limit")?, number(config, "ignore_sessions_limit")?);
    let folder = tempfile::tempdir()?;
    for case in items(&golden["files"]) {
        let name = case["file"].as_str().context("`file` of a log report")?;
        let path = dataset(data, &format!("moodle-log-report-en/{name}"))?;
        let engine = engine().await?;
        let mut request = LoadRequest::new(vec![Source::File(path)], NOW);
        request.format = Some(Format::LogReport);
        request.timezone = Some("UTC".parse().map_err(|error| anyhow::anyhow!("{error}"))?);
        request.rejects_dir = Some(folder.path().to_owned());
        load(&engine, &request).await?;
        let site = Site { names: HashMap::new(), ..Site::of(&engine).await? };
        let mut ours = dedicated(&site, limit, minimum).await?;
        // Rows of nobody are not looked at.
        ours.retain(|user, _| user.parse::<i64>().is_ok_and(|id| id > 0));
        compare_users(report, &format!("dedication_moodle_reports {name}"), case, &ours);
    }
    Ok(())
}

async fn scenarios(golden: &Value, report: &mut Report) -> Result<()> {
    let mut text = "user,time,origin,ip\n".to_owned();
    for scenario in items(&golden["scenarios"]) {
        let name = scenario["name"].as_str().context("`name` of a scenario")?;
        for event in items(&scenario["events"]) {
            let word = |at: usize| event[at].as_str().unwrap_or("");
            writeln!(text, "{name},{},{},{}", event[0], word(1), word(2))?;
        }
    }
    let map =
        [("userid", "user"), ("timecreated", "time"), ("origin", "origin"), ("ip", "ip"), ("courseid", "'course'")];
    let site = small(text, &map).await?;
    let window = (number(&golden["window"], "mintime")?, number(&golden["window"], "maxtime")?);
    for scenario in items(&golden["scenarios"]) {
        let name = scenario["name"].as_str().unwrap_or("");
        for (peer, cases) in scenario["expected"].as_object().into_iter().flatten() {
            for case in items(cases) {
                scenario_case(&site, window, name, peer, case, report).await?;
            }
        }
    }
    Ok(())
}

async fn scenario_case(
    site: &Site,
    window: (i64, i64),
    user: &str,
    peer: &str,
    case: &Value,
    report: &mut Report,
) -> Result<()> {
    let place = format!("edge_scenarios {user} {peer}");
    let ask = async |policy: String| -> Result<Spent> {
        Ok(site.spent(&policy, Some(window)).await?.remove(user).unwrap_or_default())
    };
    let mut recorded = case.clone();
    let mut ours = case.clone();
    match peer {
        "dedication_4" => {
            let (limit, minimum) = (number(case, "session_limit")?, number(case, "ignore_sessions_limit")?);
            let all = ask(format!("dedication, threshold = {limit}, minimum = none")).await?;
            let kept = ask(format!("dedication, threshold = {limit}, minimum = > {minimum}")).await?;
            ours["total_without_minimum"] = json!(all.seconds);
            ours["total_with_minimum"] = json!(kept.seconds);
            let session = |session: &[i64; 4]| json!({"start": session[0], "seconds": session[2]});
            ours["sessions"] = kept.sessions.iter().map(session).collect();
        }
        "dedication_3" => {
            let limit = number(case, "limit")?;
            let all = ask(format!("dedication_legacy, threshold = {limit}")).await?;
            let longer = ask(format!("dedication_legacy, threshold = {limit}, minimum = > 59")).await?;
            ours["total"] = json!(all.seconds);
            ours["sessions_longer_than_59s"] = json!(longer.count());
            // Days of connection and addresses are no session times.
            for other in ["connection_ratio_days", "sessions_with_several_ips"] {
                recorded.as_object_mut().map(|case| case.remove(other));
                ours.as_object_mut().map(|case| case.remove(other));
            }
        }
        "attendanceregister" => {
            let minutes = number(case, "session_timeout_minutes")?;
            let all = ask(format!("attendance_register, threshold = {}", minutes * 60)).await?;
            ours["total"] = json!(all.seconds);
            let session =
                |session: &[i64; 4]| json!({"login": session[0], "logout": session[1], "seconds": session[2]});
            ours["sessions"] = all.sessions.iter().map(session).collect();
        }
        "customcert" => {
            let timeout = number(case, "sessiontimeout")?;
            ours["total"] = json!(ask(format!("certificate, threshold = {timeout}")).await?.seconds);
        }
        other => {
            report.fail(&place, &format!("no policy for `{other}`"));
            return Ok(());
        }
    }
    report.compare(&place, &recorded, &ours);
    Ok(())
}

async fn windows(golden: &Value, report: &mut Report) -> Result<()> {
    for case in items(&golden["cases"]) {
        let by_key = case["grouping"] == "key";
        let mut text = "user,time\n".to_owned();
        for event in items(&case["events"]) {
            let Some(time) = event[1].as_str() else { continue };
            let key = if by_key { event[0].as_str().unwrap_or("") } else { "all" };
            writeln!(text, "{key},{}", unix(time)?)?;
        }
        let site = small(text, &[("userid", "user"), ("timecreated", "time")]).await?;
        let spent = site.spent(&format!("session_window, threshold = {}", number(case, "gap_seconds")?), None).await?;
        let mut ours: Vec<(i64, Value)> = Vec::new();
        for (key, spent) in spent {
            for [start, end, _, events] in spent.sessions {
                ours.push((start, json!([start, end, key, events])));
            }
        }
        ours.sort_by_key(|(start, _)| *start);
        let ours: Vec<Value> = ours.into_iter().map(|(_, session)| session).collect();
        let mut expected = Vec::new();
        for session in items(&case["sessions"]) {
            let moment = |at: usize| unix(session[at].as_str().unwrap_or(""));
            let key = session[2].as_str().unwrap_or("all");
            expected.push(json!([moment(0)?, moment(1)?, key, session[3]]));
        }
        let place = format!("spark_session_windows {}", case["name"].as_str().unwrap_or(""));
        report.compare(&place, &json!(expected), &json!(ours));
    }
    Ok(())
}

/// Slots that hold a heartbeat. It is no policy of gaps: time lies on a grid that the first hit does not begin, so that
/// two pings in one slot count once, and an empty slot counts nothing. SQL says it in one line.
async fn heartbeat(golden: &Value, report: &mut Report) -> Result<()> {
    report.note("snowplow_heartbeat: slots on a grid are no policy of gaps; compared through SQL on the loaded log");
    let (beat, least) = (number(golden, "heartbeat_s")?, number(golden, "min_visit_s")?);
    for case in items(&golden["cases"]) {
        let place = format!("snowplow_heartbeat {}", case["view"].as_str().unwrap_or(""));
        if !case["pings_device_time"].is_array() {
            let note = case["note"].as_str().unwrap_or("");
            report.note(format!("{place}: a remark without pings ({note})"));
            continue;
        }
        let mut text = "user,time\n".to_owned();
        for ping in items(&case["pings_device_time"]).filter_map(Value::as_str) {
            writeln!(text, "view,{}", unix(ping)?)?;
        }
        let site = small(text, &[("userid", "user"), ("timecreated", "time")]).await?;
        let sql =
            format!("SELECT {beat} * (count(DISTINCT timecreated / {beat}) - 1) + {least} FROM logstore_standard_log");
        let rows = table(site.stats.session(), &sql).await?;
        let ours = rows.first().and_then(|row| row.first()).cloned().unwrap_or_default();
        report.compare(&place, &case["expected_engaged_seconds"], &ours);
    }
    Ok(())
}
