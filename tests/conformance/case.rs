//! [`Case`]: one folder of the golden format, loaded into a store in memory.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use engine::query::Limits;
use engine::stats::Stats;
use engine::time::{Credit, EnrolmentFilter, Policy, Seconds, plugin_list};
use serde_json::{Map, Value};

/// Files of a case and the tables that they hold.
const TABLES: [(&str, &str); 11] = [
    ("users", "user"),
    ("courses", "course"),
    ("modules", "modules"),
    ("course_modules", "course_modules"),
    ("contexts", "context"),
    ("enrol", "enrol"),
    ("user_enrolments", "user_enrolments"),
    ("grade_items", "grade_items"),
    ("grade_grades", "grade_grades"),
    ("scorm_element", "scorm_element"),
    ("scorm_attempt", "scorm_attempt"),
];

/// A case.
pub(super) struct Case {
    pub(super) name: String,
    /// The clock.
    pub(super) now: i64,
    /// Settings of the plugin; requests may change them for those after them.
    pub(super) settings: Map<String, Value>,
    pub(super) requests: Vec<Value>,
    /// Buckets that the recorded aggregates leave out.
    pub(super) omitted: Vec<String>,
    /// Rows of `ltc_credits.csv`, where there is one.
    pub(super) credits: Vec<Map<String, Value>>,
    pub(super) stats: Stats,
}

impl Case {
    pub(super) async fn load(folder: &Path) -> Result<Self> {
        let case = json(&folder.join("case.json"))?;
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let now = case["now"].as_i64().context("`now` of the case")?;
        let engine = store(folder, now).await?;
        let texts = |key: &str| case[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        Ok(Self {
            name,
            now,
            settings: case["settings"].as_object().cloned().unwrap_or_default(),
            requests: case["requests"].as_array().cloned().unwrap_or_default(),
            omitted: texts("omitted").map(str::to_owned).collect(),
            credits: records(&folder.join("ltc_credits.csv"))?,
            stats: engine.stats(None, None, &Limits::default()).await?,
        })
    }

    /// The exact profile with the settings of the case.
    pub(super) fn policy(&self) -> Result<Policy> {
        let mut policy = Policy::use_stats_compat();
        let number = |name: &str, missing: i64, unset: i64| match self.settings.get(name) {
            None => missing,
            Some(Value::Null) => unset,
            Some(value) => integer(value).unwrap_or(0),
        };
        let minutes = |number: i64| Seconds::try_new(number.saturating_mul(60));
        policy.gap.threshold = minutes(number("threshold", 60, 0))?;
        policy.gap.credit = Credit::Fixed(minutes(number("lastpingcredit", 15, 15))?);
        policy.session_per_course = number("onesessionpercourse", 0, 0) != 0;
        policy.enrolment = match number("enrolmentfilter", 0, 0) {
            0 => EnrolmentFilter::Off,
            _ => EnrolmentFilter::AllCourses,
        };
        let list = |name: &str| plugin_list(&policy, self.settings.get(name).and_then(Value::as_str).unwrap_or(""));
        let (captured, ignored) = (list("capturemodules"), list("ignoremodules"));
        (policy.captured, policy.ignored) = (captured, ignored);
        Ok(policy)
    }
}

/// An integer, also as text or truth.
pub(super) fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        Value::String(text) => text.parse().ok(),
        value => value.as_i64(),
    }
}

/// A JSON file.
pub(super) fn json(path: &Path) -> Result<Value> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// Rows of a CSV file as texts by column; none when the file is missing.
pub(super) fn records(path: &Path) -> Result<Vec<Map<String, Value>>> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let mut reader = csv::Reader::from_path(path)?;
    let header = reader.headers()?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record?;
        rows.push(header.iter().zip(&record).map(|(name, field)| (name.to_owned(), Value::from(field))).collect());
    }
    Ok(rows)
}

async fn store(folder: &Path, now: i64) -> Result<Engine> {
    let engine = Engine::open("memory://", &[]).await?;
    load(&engine, &folder.join("log.csv"), Format::Log, now).await?;
    for (file, table) in TABLES.into_iter().chain([("scorm_scoes_value", "scorm_scoes_value")]) {
        load(&engine, &folder.join(format!("{file}.csv")), Format::Table(table.to_owned()), now).await?;
    }
    Ok(engine)
}

/// Loads a file, if it is there and has rows.
async fn load(engine: &Engine, path: &Path, format: Format, now: i64) -> Result<()> {
    if !path.exists() || records(path)?.is_empty() {
        return Ok(());
    }
    let request = LoadRequest { format: Some(format), ..LoadRequest::new(vec![Source::File(path.to_owned())], now) };
    let summary = engine.load(&request, Arc::new(Silent)).await.with_context(|| path.display().to_string())?;
    let total = summary.total();
    anyhow::ensure!(total.rejected == 0, "{}: {} rows were rejected", path.display(), total.rejected);
    Ok(())
}
