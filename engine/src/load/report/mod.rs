//! The CSV of Moodle's "Logs" report (and of the live log): from a row of texts to a row of the log.
//!
//! This is the pure part: no file, no CSV, no clock. The loader finds the columns with [`headers::detect`], lets every
//! time of the file pass [`dates::OrderEvidence`], and gives each row to [`ReportParser::parse`].
//!
//! What the report cannot tell stays unknown: seconds (times are to the minute), ids of log rows, the number of the
//! object where the description does not name it. Texts that the log has no column for are kept in
//! [`ReportRow::other`], so nothing of the file is lost.

pub mod dates;
pub mod description;
pub mod events;
pub mod headers;

use std::sync::Arc;

use chrono_tz::Tz;
use hashbrown::HashMap;

use self::dates::{TimeFault, parse_time};
use self::description::Description;
use self::events::{CONTEXT_COURSE, EventFinder};
use self::headers::{Dictionary, ReportColumns};
use crate::fault::quoted;
use crate::load::DateOrder;
use crate::text;
use crate::text::Text;

/// One row of the report as a row of `logstore_standard_log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// Unix seconds; to the minute in most reports.
    pub time: i64,
    /// User who acted; 0 is nobody (not logged in), −1 Moodle itself.
    pub userid: i64,
    /// User whom the action affected.
    pub relateduserid: Option<i64>,
    /// Course, where the description names it. See [`CourseEvidence`] for the others.
    pub courseid: Option<i64>,
    /// Class of the event, such as `\core\event\course_viewed`.
    pub eventname: String,
    /// Plugin, such as `mod_resource`.
    pub component: String,
    /// What was done, such as `viewed`.
    pub action: String,
    /// To what, such as `course_module`.
    pub target: String,
    /// Table of the object. It may be known while its number is not.
    pub objecttable: Option<String>,
    /// Number of the object, where the description names it.
    pub objectid: Option<i64>,
    /// `c`, `r`, `u` or `d`.
    pub crud: &'static str,
    /// 0 other, 1 teaching, 2 participating.
    pub edulevel: i64,
    /// 10 system, 30 user, 50 course, 70 course module.
    pub contextlevel: i64,
    /// Number of the user, course or course module; 0 for the system, and where the description does not name it.
    pub contextinstanceid: i64,
    /// `web`, `cli`, `ws`, `restore`; empty when the report has no such column.
    pub origin: String,
    /// Address of the client; `None` on the command line.
    pub ip: Option<String>,
    /// JSON object of the texts that the log has no column for, as the report shows them (HTML entities included):
    /// `user`, `affected`, `course`, `context`, `component`, `event`, `description`. Empty texts are left out.
    pub other: Option<String>,
}

impl ReportRow {
    /// Gives a course to a row that names none; its context too, where that is a course. Other rows stay as they are.
    pub fn set_course(&mut self, course: i64) {
        if self.courseid.is_none() {
            self.courseid = Some(course);
            if self.contextlevel == CONTEXT_COURSE && self.contextinstanceid == 0 {
                self.contextinstanceid = course;
            }
        }
    }
}

/// Why a row of the report cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFault {
    /// `report.bad_time` or `report.no_user`.
    pub code: &'static str,
    /// Index of the column, from 0.
    pub column: Option<usize>,
    /// The value, cut for display.
    pub value: Option<String>,
    /// Why.
    pub reason: Text,
    /// What to do.
    pub hint: Option<Text>,
}

/// Parser of the rows of one file. It remembers names of events and the last time that it has read.
#[derive(Debug)]
pub struct ReportParser {
    columns: ReportColumns,
    order: Option<DateOrder>,
    tz: Tz,
    dictionary: Arc<Dictionary>,
    finder: EventFinder,
    courses: CourseEvidence,
    last_time: Option<(String, Result<i64, TimeFault>)>,
}

impl ReportParser {
    /// A parser for a file with these columns, its times in this zone. Without an `order` a numeric date is read only
    /// when one order alone makes it a day of the calendar.
    pub fn new(columns: ReportColumns, order: Option<DateOrder>, tz: Tz) -> Self {
        Self {
            columns,
            order,
            tz,
            dictionary: Dictionary::shared(),
            finder: EventFinder::default(),
            courses: CourseEvidence::default(),
            last_time: None,
        }
    }

    /// Reads dates and event names with an operator's dictionary.
    #[must_use]
    pub fn with_dictionary(mut self, dictionary: Arc<Dictionary>) -> Self {
        self.dictionary = dictionary;
        self
    }

    /// Reads one row. A column that the row does not have counts as empty.
    ///
    /// Rows of user 0 (not logged in) and −1 (Moodle) are real rows of the log and are read like any other; repeated
    /// rows are real too, because the report cuts off the seconds.
    ///
    /// # Errors
    ///
    /// `report.bad_time` when the time cannot be read or does not exist; `report.no_user` when neither the description
    /// nor a column names a user by number.
    pub fn parse(&mut self, fields: &[&str]) -> Result<ReportRow, Box<RowFault>> {
        let time = self.time(field(fields, Some(self.columns.time)))?;
        let sentence = field(fields, self.columns.description);
        let description = Description::read(sentence);
        let column = || field(fields, self.columns.userid).parse().ok();
        let Some(userid) = description.user().or_else(column) else {
            return Err(Box::new(no_user(self.columns.description.or(self.columns.userid), sentence)));
        };
        let component = field(fields, self.columns.component);
        let event = field(fields, self.columns.event);
        let kind = self.finder.find(component, event, &description, &self.dictionary);
        let place = kind.place(&description);
        let courseid = description.course();
        self.courses.observe(courseid);
        Ok(ReportRow {
            time,
            userid,
            relateduserid: description.related(),
            courseid,
            eventname: kind.eventname.clone(),
            component: kind.component.clone(),
            action: kind.action.clone(),
            target: kind.target.clone(),
            objecttable: kind.objecttable.clone(),
            objectid: place.objectid,
            crud: kind.crud,
            edulevel: kind.edulevel,
            contextlevel: place.contextlevel,
            contextinstanceid: place.contextinstanceid,
            origin: field(fields, self.columns.origin).to_owned(),
            ip: Some(field(fields, self.columns.ip)).filter(|ip| !matches!(*ip, "" | "-")).map(str::to_owned),
            other: self.other(fields),
        })
    }

    /// What the rows read so far prove about the course of the file.
    pub fn courses(&self) -> &CourseEvidence {
        &self.courses
    }

    /// Many rows share a minute, and they come in the order of time.
    fn time(&mut self, text: &str) -> Result<i64, Box<RowFault>> {
        let known = self.last_time.as_ref().filter(|(last, _)| last == text).map(|(_, result)| *result);
        let result = known.unwrap_or_else(|| {
            let result = parse_time(text, self.order, self.tz, &self.dictionary);
            self.last_time = Some((text.to_owned(), result));
            result
        });
        result.map_err(|fault| {
            Box::new(RowFault {
                code: "report.bad_time",
                column: Some(self.columns.time),
                value: Some(quoted(text)),
                reason: fault.reason(),
                hint: Some(fault.hint()),
            })
        })
    }

    fn other(&self, fields: &[&str]) -> Option<String> {
        let kept = [
            ("user", self.columns.user),
            ("affected", self.columns.affected),
            ("course", self.columns.course),
            ("context", self.columns.context),
            ("component", self.columns.component),
            ("event", self.columns.event),
            ("description", self.columns.description),
        ];
        let texts: serde_json::Map<String, serde_json::Value> = kept
            .into_iter()
            .map(|(key, column)| (key.to_owned(), column.and_then(|index| fields.get(index)).copied().unwrap_or("")))
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key, text.into()))
            .collect();
        (!texts.is_empty()).then(|| serde_json::Value::Object(texts).to_string())
    }
}

fn field<'a>(fields: &[&'a str], column: Option<usize>) -> &'a str {
    column.and_then(|index| fields.get(index)).map_or("", |text| text.trim())
}

fn no_user(column: Option<usize>, sentence: &str) -> RowFault {
    RowFault {
        code: "report.no_user",
        column,
        value: Some(quoted(sentence)),
        reason: text!(
            "the description names no user by number, so nobody can be credited with this row",
            "la description ne donne aucun numéro d'utilisateur : cette ligne n'appartient à personne"
        ),
        hint: Some(text!(
            "some plugins, such as Turnitin, name nobody; an export of the table `logstore_standard_log` has the numbers",
            "certains plugins, comme Turnitin, ne nomment personne ; un export de `logstore_standard_log` a les numéros"
        )),
    }
}

/// Which course a file is about, as far as its own descriptions prove it.
///
/// A report is exported for one course, and its file names that course as a title only (`Course: Algebra`); the number
/// stands in some descriptions. Where more than 95 % of the descriptions that name a course name the same one, the file
/// is taken to be about it. The rest of up to 5 % allows for restored courses, whose rows may name the old one.
/// A report of a whole site names many courses and proves nothing.
#[derive(Debug, Clone, Default)]
pub struct CourseEvidence {
    counts: HashMap<i64, u64>,
    total: u64,
}

impl CourseEvidence {
    /// Takes the course of one row; rows that name none count for nothing.
    pub fn observe(&mut self, course: Option<i64>) {
        if let Some(course) = course {
            *self.counts.entry(course).or_default() += 1;
            self.total += 1;
        }
    }

    /// The course of the file, when it is proved.
    pub fn course(&self) -> Option<i64> {
        let (course, count) = self.counts.iter().max_by_key(|(course, count)| (**count, **course))?;
        (count.saturating_mul(100) > self.total.saturating_mul(95)).then_some(*course)
    }

    /// Rows that name a course.
    pub fn total(&self) -> u64 {
        self.total
    }
}

/// The course of a file from the courses that its rows name. See [`CourseEvidence`].
pub fn file_course(courses: impl IntoIterator<Item = Option<i64>>) -> Option<i64> {
    let mut evidence = CourseEvidence::default();
    for course in courses {
        evidence.observe(course);
    }
    evidence.course()
}

#[cfg(test)]
mod tests;
