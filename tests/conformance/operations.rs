//! The golden cases of block_use_stats and report_trainingsessions: all operations.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use engine::stats::{Aggregate, Extras};
use engine::time::{
    BlockSettings, CourseFigures, CourseOrder, DayRule, GradeMode, GradeRange, GradeSource, GradeTimes, GradeUse,
    OtherTime, ReferenceTime, TimeGrade, block_table, cut, gaps,
};
use serde_json::{Value, json};

use super::case::{Case, integer, json as read_json};
use super::data::table;
use super::diff::Report;

/// Runs every case below a folder, or the folder itself when it is one.
///
/// # Errors
///
/// When a case cannot be read or loaded; a result that differs is no error.
pub async fn use_stats(dir: &Path) -> Result<Report> {
    let mut report = Report::default();
    let folders = cases(dir)?;
    anyhow::ensure!(!folders.is_empty(), "{}: no folder with a case.json", dir.display());
    for folder in folders {
        run(&folder, &mut report).await.with_context(|| folder.display().to_string())?;
    }
    Ok(report)
}

fn cases(dir: &Path) -> Result<Vec<PathBuf>> {
    if dir.join("case.json").exists() {
        return Ok(vec![dir.to_owned()]);
    }
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.join("case.json").exists() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

async fn run(folder: &Path, report: &mut Report) -> Result<()> {
    let mut case = Case::load(folder).await?;
    let classic = folder.join("expected_classic.json");
    if classic.exists() {
        case.classic(&read_json(&classic)?, report).await?;
    }
    let distributed = folder.join("expected_rpc.json");
    if distributed.exists() {
        case.rpc_results(&read_json(&distributed)?, report).await?;
    }
    let expected = folder.join("expected.json");
    if !expected.exists() {
        anyhow::ensure!(classic.exists() || distributed.exists(), "nothing is expected of the case");
        return Ok(());
    }
    let expected = read_json(&expected)?;
    let results = expected["results"].as_array().cloned().unwrap_or_default();
    let requests = case.requests.clone();
    for (at, result) in results.iter().enumerate() {
        let place = format!("{} #{at}", case.name);
        let request = result.get("request").or_else(|| requests.get(at)).cloned().unwrap_or_default();
        let mut recorded = result.clone();
        if let Some(recorded) = recorded.as_object_mut() {
            recorded.remove("request");
        }
        match case.answer(&request).await {
            Ok(answer) => report.compare(&place, &recorded, &answer),
            Err(error) => report.fail(&place, &format!("{error:#}")),
        }
    }
    if results.len() != requests.len() {
        report.note(format!("{}: {} requests, {} results", case.name, requests.len(), results.len()));
    }
    Ok(())
}

impl Case {
    async fn answer(&mut self, request: &Value) -> Result<Value> {
        match request["op"].as_str().unwrap_or("") {
            "aggregate" => self.aggregate(request).await,
            "ws" => self.service(request).await,
            "compile" => self.compile().await,
            "coursetable" => self.course_table(request).await,
            "splice" => splice(request),
            "timegrade" => time_grade(request),
            other => bail!("no operation `{other}`"),
        }
    }

    /// The gap table.
    async fn compile(&self) -> Result<Value> {
        let after = self.settings.get("lastcompiled").and_then(integer).unwrap_or(0);
        let sql = "SELECT id, userid, timecreated, courseid FROM logstore_standard_log ORDER BY id";
        let rows: Vec<_> = table(self.stats.session(), sql).await?;
        let new: Vec<Vec<Value>> = rows.into_iter().filter(|row| integer(&row[2]).unwrap_or(0) > after).collect();
        let number = |value: &Value| integer(value).unwrap_or(0);
        let gap_rows = gaps(new.iter().map(|row| (number(&row[0]), number(&row[1]), number(&row[2]))));
        let courses: std::collections::HashMap<i64, &Value> =
            new.iter().map(|row| (number(&row[0]), &row[3])).collect();
        let row = |row: &engine::time::GapRow| {
            let course = courses.get(&row.id).copied().cloned().unwrap_or_default();
            json!({"logid": row.id, "userid": row.userid, "course": course, "time": row.time, "gap": row.gap})
        };
        let last = gap_rows.iter().map(|row| row.time).max().unwrap_or(after);
        Ok(json!({"gaps": gap_rows.iter().map(row).collect::<Vec<_>>(), "lastcompiled": last}))
    }

    /// The list of courses of the block. The settings of the request stay for those after it.
    async fn course_table(&mut self, request: &Value) -> Result<Value> {
        self.settings.extend(request["settings"].as_object().cloned().unwrap_or_default());
        let setting = |name: &str, missing: i64| self.settings.get(name).and_then(integer).unwrap_or(missing);
        let settings = BlockSettings {
            filter_under: setting("filterdisplayunder", 60),
            other_time: if setting("displayothertime", 1) == 0 { OtherTime::Hidden } else { OtherTime::Shown },
            reference: match setting("displayactivitytimeonly", 0) {
                0 => ReferenceTime::CourseTotal,
                _ => ReferenceTime::Activities,
            },
        };
        let page = integer(&request["page_course"]).unwrap_or(1);
        let mut asked = self.request(request)?;
        asked.target = engine::stats::Target::Course(page);
        let extras = Extras { sessions: false, ..Extras::default() };
        let sums = self.stats.aggregates(&asked, extras).await?.pop().unwrap_or_default();
        let figures = self.figures(&sums).await?;
        let order = if request["order"] == "time" { CourseOrder::Time } else { CourseOrder::Name };
        let list = block_table(&figures, page, order, &settings);
        Ok(json!({
            "order": list.order,
            "elapsed": super::aggregate::by_key(&list.elapsed, |seconds| json!(seconds)),
            "events": super::aggregate::by_key(&list.events, |events| json!(events)),
            "fulltotal": list.fulltotal,
            "fullevents": list.fullevents,
        }))
    }

    async fn figures(&self, sums: &Aggregate) -> Result<Vec<CourseFigures>> {
        let names = table(self.stats.session(), "SELECT id, shortname FROM course").await?;
        let name = |id: i64| {
            let row = names.iter().find(|row| integer(&row[0]) == Some(id))?;
            Some(row[1].as_str().unwrap_or("").to_owned())
        };
        let figures = |courseid: i64| {
            let total = sums.coursetotal.get(&courseid).copied().unwrap_or_default();
            let activities = sums.activities.get(&courseid).copied().unwrap_or_default();
            CourseFigures {
                courseid,
                shortname: name(courseid),
                elapsed: total.elapsed,
                events: i64::try_from(total.events).unwrap_or(i64::MAX),
                activities_elapsed: activities.elapsed,
                activities_events: i64::try_from(activities.events).unwrap_or(i64::MAX),
            }
        };
        Ok(Aggregate::in_order(&sums.coursetotal).into_iter().map(figures).collect())
    }
}

/// Sessions cut into days.
fn splice(request: &Value) -> Result<Value> {
    let zone = request["timezone"].as_str().unwrap_or("UTC").parse().map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut parts = Vec::new();
    for session in request["sessions"].as_array().into_iter().flatten() {
        let number = |name: &str| integer(&session[name]).unwrap_or(0);
        let days = cut(number("sessionstart"), number("elapsed"), zone, DayRule::Fixed24h)?;
        parts.push(days.iter().map(|part| json!([part.start, part.end, part.elapsed])).collect::<Vec<_>>());
    }
    Ok(json!({"parts": parts}))
}

/// A grade for time.
fn time_grade(request: &Value) -> Result<Value> {
    let ranges = &request["ranges"];
    let usage = GradeUse::from_moduleid(integer(&request["moduleid"]).unwrap_or(-1)).context("`moduleid`")?;
    let mode = if usage == GradeUse::Bonus { "bonusmode" } else { "timemode" };
    let grade = integer(&request["grade"]).unwrap_or(0);
    anyhow::ensure!(grade >= 0, "grade {grade} is a scale, whose items the case does not hold");
    let grading = TimeGrade {
        mode: GradeMode::try_from(integer(&ranges[mode]).unwrap_or(0))?,
        source: GradeSource::try_from(integer(&ranges["timesource"]).unwrap_or(0))?,
        thresholds_minutes: ranges["ranges"].as_array().into_iter().flatten().filter_map(integer).collect(),
        range: GradeRange::Points(grade),
        usage,
    };
    let course = integer(&request["course"]).unwrap_or(0).to_string();
    let seconds = |sum: &str, course: &str| integer(&request["aggregate"][sum][course]).unwrap_or(0);
    let times = GradeTimes {
        coursetotal: seconds("coursetotal", &course),
        activities: seconds("activities", &course),
        site: seconds("coursetotal", "1"),
        other: seconds("coursetotal", "0"),
    };
    Ok(json!({"grade": grading.earned(&times).text()}))
}
