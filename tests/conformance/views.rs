//! The reporting views of Open edX Aspects, as plain SQL on loaded tables.

use std::path::Path;

use anyhow::Result;
use engine::load::{Format, LoadRequest, Source};
use engine::query::Limits;
use serde_json::{Map, Value};

use super::case::records;
use super::data::{NOW, engine, load, table};
use super::diff::Report;

/// Tables that the views read.
const TABLES: [&str; 4] = ["enrollment_events", "grading_events", "dim_course_names", "user_pii"];

/// Expected tables and the views that answer them, in the columns of the file.
const VIEWS: [(&str, &str); 3] = [
    (
        "dim_most_recent_enrollment",
        "SELECT org, course_key, actor_id, enrollment_status, enrollment_mode, emission_time FROM (
             SELECT *, row_number() OVER (PARTITION BY org, course_key, actor_id ORDER BY emission_time DESC) AS place
             FROM enrollment_events) WHERE place = 1",
    ),
    (
        "fact_enrollments",
        "SELECT e.emission_time, e.org, e.course_key, c.course_name, c.course_run, e.actor_id, e.enrollment_mode,
                e.enrollment_status, u.username, u.name, u.email
         FROM enrollment_events e
         JOIN dim_course_names c ON c.org = e.org AND c.course_key = e.course_key
         LEFT JOIN user_pii u ON u.external_user_id = e.actor_id",
    ),
    (
        "dim_learner_most_recent_course_grade",
        "SELECT org, course_key, actor_id, scaled_score AS course_grade, emission_time FROM (
             SELECT *, row_number() OVER (PARTITION BY org, course_key, actor_id ORDER BY emission_time DESC) AS place
             FROM grading_events WHERE object_id LIKE '%/course/%' AND verb_id LIKE '%earned') WHERE place = 1",
    ),
];

/// Compares every row of every view; order is of no meaning.
pub(super) async fn compare(folder: &Path, report: &mut Report) -> Result<()> {
    let engine = engine().await?;
    for name in TABLES {
        let mut request = LoadRequest::new(vec![Source::File(folder.join(format!("{name}.csv")))], NOW);
        request.format = Some(Format::Table(name.to_owned()));
        load(&engine, &request).await?;
    }
    let session = engine.session(None, &Limits::default()).await?;
    for (view, sql) in VIEWS {
        let expected = records(&folder.join(format!("{view}_expected.csv")))?;
        let columns = header(&folder.join(format!("{view}_expected.csv")))?;
        let ours = table(&session, sql).await?;
        let mut ours: Vec<String> = ours.iter().map(|row| line(row.iter())).collect();
        let mut expected: Vec<String> = expected.iter().map(|row| line(fields(row, &columns))).collect();
        ours.sort_unstable();
        expected.sort_unstable();
        let place = format!("openedx_aspects {view}");
        if ours.len() != expected.len() {
            report.fail(&place, &format!("expected {} rows, got {}", expected.len(), ours.len()));
        }
        for (at, (expected, ours)) in expected.iter().zip(&ours).enumerate() {
            report.compare(&format!("{place} #{at}"), &Value::from(expected.as_str()), &Value::from(ours.as_str()));
        }
    }
    Ok(())
}

fn header(path: &Path) -> Result<Vec<String>> {
    Ok(csv::Reader::from_path(path)?.headers()?.iter().map(str::to_owned).collect())
}

fn fields<'a>(row: &'a Map<String, Value>, columns: &'a [String]) -> impl Iterator<Item = &'a Value> {
    columns.iter().filter_map(|column| row.get(column))
}

/// A row as text: numbers in their shortest form, moments with a blank, NULL and the empty text alike.
fn line<'a>(row: impl Iterator<Item = &'a Value>) -> String {
    let text = |value: &Value| {
        let text = value
            .as_str()
            .map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned);
        match text.parse::<f64>() {
            Ok(number) if text.contains('.') => number.to_string(),
            _ => text.replace('T', " ").trim_end_matches('Z').to_owned(),
        }
    };
    row.map(text).collect::<Vec<_>>().join("|")
}
