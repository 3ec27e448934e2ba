//! Files whose rows have no key: log reports and events. Their rows get the next ids of the log, in the order of the
//! file, or in the opposite one where the file starts with the youngest row.

use std::io::Read;
use std::sync::Arc;

use csv::{ByteRecord, StringRecord};

use super::chunk::ChunkBuilder;
use super::clustered::ClusteredLoad;
use super::detect::{invalid, no_rows};
use super::dialect::Dialect;
use super::entities::Entities;
use super::events::EventMap;
use super::input::{Charset, Input};
use super::rejects::{HELD, Reject, Rejects};
use super::report::dates::{OrderAnswer, OrderEvidence};
use super::report::headers::{Dictionary, ReportColumns};
use super::report::{self, ReportParser, ReportRow};
use super::table::{FileRows, read_record};
use super::value;
use super::{Counts, DateOrder, LoadRequest, Progress};
use crate::error::Result;
use crate::fault::{Column, Fault, quoted};
use crate::model::{Kind, TableSpec};
use crate::text::Text;

/// Rows of one chunk.
const CHUNK_ROWS: usize = 128 << 10;

/// One file without keys.
pub(super) struct KeylessFile<'a> {
    pub(super) input: &'a Input,
    pub(super) charset: Charset,
    pub(super) dialect: Dialect,
    pub(super) header: &'a [Arc<str>],
    pub(super) request: &'a LoadRequest,
    pub(super) rejects: &'a Rejects,
    pub(super) progress: &'a Arc<dyn Progress>,
    pub(super) spec: &'static TableSpec,
    pub(super) target: &'a ClusteredLoad,
    pub(super) first_chunk: u64,
    /// Provisional ids that the files before have used.
    pub(super) first_id: i64,
}

/// What a first pass tells.
struct Survey {
    rows: u64,
    /// The first row is the youngest.
    newest_first: bool,
}

/// Whether the times of a file ever go forward, and ever back.
#[derive(Default)]
struct Steps {
    last: Option<i64>,
    up: bool,
    down: bool,
}

impl Steps {
    fn observe(&mut self, time: i64) {
        if let Some(last) = self.last.replace(time) {
            self.up |= last < time;
            self.down |= time < last;
        }
    }
}

/// Why a row cannot be loaded.
pub(super) struct RowFault {
    pub(super) code: &'static str,
    /// Column of the file, from 0.
    pub(super) column: Option<usize>,
    pub(super) reason: Text,
    pub(super) hint: Option<Box<Text>>,
}

/// Makes a row of the log of a record and its line.
type ParseRow<'a> = dyn FnMut(&StringRecord, u64) -> std::result::Result<Vec<Value>, RowFault> + 'a;

/// One value of a row of the log.
pub(super) enum Value {
    Int(Option<i64>),
    Text(Option<String>),
}

impl KeylessFile<'_> {
    /// Reads a log report.
    pub(super) fn read_report(&self) -> Result<FileRows> {
        let name = &self.input.name;
        let fields: Vec<&str> = self.header.iter().map(AsRef::as_ref).collect();
        let Some(columns) = report::headers::detect(&fields) else {
            let known = Dictionary::builtin().languages().collect::<Vec<_>>().join(", ");
            return Err(invalid(
                name,
                crate::text!(
                    "line 1 is not the header of a log report in any known language ({known})",
                    "la ligne 1 n'est pas l'en-tête d'un rapport de journaux dans une langue connue ({known})"
                ),
            ));
        };
        let Some(timezone) = self.request.timezone else {
            return Err(invalid(
                name,
                crate::text!(
                    "a log report has local times; say their zone with `--timezone`, such as `--timezone Europe/Paris`",
                    "un rapport de journaux a des heures locales ; indiquez leur fuseau avec `--timezone`, par exemple `--timezone Europe/Paris`"
                ),
            ));
        };
        let order = self.date_order(&columns)?;
        let (survey, course) = self.survey_report(&columns, order, timezone)?;
        let mut parser = ReportParser::new(columns.clone(), order, timezone);
        let counts = self.push_rows(&survey, &mut |record, _| {
            let fields: Vec<&str> = record.iter().collect();
            let mut row = parser.parse(&fields).map_err(|fault| RowFault {
                code: fault.code,
                column: fault.column,
                reason: fault.reason,
                hint: fault.hint.map(Box::new),
            })?;
            if let Some(course) = course {
                row.set_course(course);
            }
            Ok(self.spec.columns.iter().map(|column| report_value(column.name, &row)).collect())
        })?;
        let language = &columns.language;
        let mut notes = vec![crate::text!(
            "log report in the language `{language}`, times read in {timezone}",
            "rapport de journaux en langue `{language}`, heures lues en {timezone}"
        )];
        if let Some(course) = course {
            notes.push(crate::text!(
                "rows that name no course belong to course {course}, the only one that the file shows",
                "les lignes qui ne nomment aucun cours appartiennent au cours {course}, le seul que montre le fichier"
            ));
        }
        Ok(FileRows { counts, notes })
    }

    /// Reads events by a mapping of their columns.
    pub(super) fn read_events(&self, entities: &mut Entities) -> Result<FileRows> {
        let map = EventMap::new(&self.input.name, self.header, self.request, self.spec)?;
        let mut names = map.name_columns();
        let mut survey = Survey { rows: 0, newest_first: false };
        let mut steps = Steps::default();
        self.each_record(None, &mut |record, _| {
            survey.rows += 1;
            names.observe(record);
            if let Ok(time) = map.time(record) {
                steps.observe(time);
            }
            Ok(())
        })?;
        if let Some(first) = map.zoneless(self.input, self.charset, self.dialect)? {
            return Err(first);
        }
        survey.newest_first = steps.down && !steps.up;
        let counts = self.push_rows(&survey, &mut |record, _| map.row(record, &names, entities))?;
        Ok(FileRows { counts, notes: map.notes(&names) })
    }

    /// Order of numeric dates: what the operator says, else what the file proves.
    fn date_order(&self, columns: &ReportColumns) -> Result<Option<DateOrder>> {
        if self.request.date_order.is_some() {
            return Ok(self.request.date_order);
        }
        let mut evidence = OrderEvidence::default();
        self.each_record(None, &mut |record, line| {
            evidence.observe(line, record.get(columns.time).unwrap_or_default(), Dictionary::builtin());
            Ok(())
        })?;
        match evidence.answer() {
            OrderAnswer::Proved { order, .. } => Ok(Some(order)),
            OrderAnswer::NotNeeded => Ok(None),
            OrderAnswer::Ambiguous => Err(invalid(
                &self.input.name,
                crate::text!(
                    "every date can be read day first or month first; say which with `--date-order dmy` or `mdy`",
                    "toutes les dates se lisent avec le jour ou le mois en premier ; précisez avec `--date-order dmy` ou `mdy`"
                ),
            )),
            OrderAnswer::Contradictory { day_first, month_first } => Err(invalid(
                &self.input.name,
                crate::text!(
                    "line {day_first} has the day first and line {month_first} the month; split the file, or say the order with `--date-order`",
                    "la ligne {day_first} a le jour en premier et la ligne {month_first} le mois ; séparez le fichier, ou donnez l'ordre avec `--date-order`"
                ),
            )),
        }
    }

    fn survey_report(
        &self,
        columns: &ReportColumns,
        order: Option<DateOrder>,
        timezone: chrono_tz::Tz,
    ) -> Result<(Survey, Option<i64>)> {
        let mut parser = ReportParser::new(columns.clone(), order, timezone);
        let mut survey = Survey { rows: 0, newest_first: true };
        let mut steps = Steps::default();
        self.each_record(None, &mut |record, _| {
            survey.rows += 1;
            let fields: Vec<&str> = record.iter().collect();
            if let Ok(row) = parser.parse(&fields) {
                steps.observe(row.time);
            }
            Ok(())
        })?;
        if survey.rows == 0 {
            return Err(no_rows(&self.input.name));
        }
        // Moodle writes the newest row first; a file is taken to be like that unless it only ever goes forward.
        survey.newest_first = steps.down || !steps.up;
        Ok((survey, parser.courses().course()))
    }

    /// Reads the rows and hands them to the log.
    fn push_rows(&self, survey: &Survey, parse: &mut ParseRow<'_>) -> Result<Counts> {
        if survey.rows == 0 {
            return Err(no_rows(&self.input.name));
        }
        let id = self.spec.columns.iter().position(|column| column.name == "id").unwrap_or_default();
        let mut builder = ChunkBuilder::new(self.spec);
        let mut counts = Counts::default();
        let mut rejected = Vec::new();
        let mut chunk = self.first_chunk;
        self.each_record(Some(self.progress), &mut |record, line| {
            let number = i64::try_from(counts.read).unwrap_or(i64::MAX);
            counts.read += 1;
            let rows = i64::try_from(survey.rows).unwrap_or(i64::MAX);
            let place = if survey.newest_first { rows - number } else { number + 1 };
            let parsed = if record.len() == self.header.len() {
                parse(record, line)
            } else {
                let fault = value::field_count(record.len(), self.header.len(), self.dialect);
                Err(RowFault { code: fault.code, column: None, reason: fault.reason, hint: fault.hint })
            };
            match parsed {
                Ok(values) => {
                    push(&mut builder, values, id, self.first_id + place);
                    builder.end_row();
                }
                Err(fault) => {
                    rejected.push(self.reject(record, line, fault));
                    if rejected.len() >= HELD {
                        self.rejects.hand_over(0, &mut rejected)?;
                    }
                }
            }
            if builder.rows() == CHUNK_ROWS {
                self.target.add(chunk, builder.finish(self.spec)?)?;
                chunk += 1;
            }
            Ok(())
        })?;
        if builder.rows() > 0 {
            self.target.add(chunk, builder.finish(self.spec)?)?;
        }
        self.rejects.report(0, rejected)?;
        Ok(counts)
    }

    fn reject(&self, record: &StringRecord, line: u64, fault: RowFault) -> Reject {
        let column = fault
            .column
            .and_then(|index| self.header.get(index).map(|name| Column { name: Arc::clone(name), number: index + 1 }));
        let value = fault.column.and_then(|index| record.get(index)).map(quoted);
        Reject {
            record: record.as_byte_record().clone(),
            fault: Fault {
                code: fault.code,
                file: Arc::clone(&self.input.name),
                line,
                column,
                value,
                reason: fault.reason,
                hint: fault.hint.map(|hint| *hint),
            },
        }
    }

    /// Hands over every record behind the header, with its physical line.
    fn each_record(
        &self,
        progress: Option<&Arc<dyn Progress>>,
        take: &mut dyn FnMut(&StringRecord, u64) -> Result<()>,
    ) -> Result<()> {
        let input: Box<dyn Read + Send> = self.input.text(self.charset, progress.map(Arc::clone))?;
        let mut reader = self.dialect.reader(input);
        let mut record = ByteRecord::new();
        let mut is_header = true;
        while read_record(&mut reader, &mut record, self.input)? {
            if std::mem::take(&mut is_header) {
                continue;
            }
            let line = record.position().map_or(0, csv::Position::line);
            // The encoding was proved by a pass over all bytes.
            let text = StringRecord::from_byte_record_lossy(std::mem::take(&mut record));
            take(&text, line)?;
            record = text.into_byte_record();
        }
        Ok(())
    }
}

fn push(builder: &mut ChunkBuilder, values: Vec<Value>, id_column: usize, id: i64) {
    for (index, value) in values.into_iter().enumerate() {
        match value {
            _ if index == id_column => builder.int(index, Some(id)),
            Value::Int(number) => builder.int(index, number),
            Value::Text(text) => builder.text(index, text.as_deref().map(str::as_bytes)),
        }
    }
}

fn report_value(column: &str, row: &ReportRow) -> Value {
    let text = |text: &str| Value::Text(Some(text.to_owned()));
    match column {
        "eventname" => text(&row.eventname),
        "component" => text(&row.component),
        "action" => text(&row.action),
        "target" => text(&row.target),
        "objecttable" => Value::Text(row.objecttable.clone()),
        "objectid" => Value::Int(row.objectid),
        "crud" => text(row.crud),
        "edulevel" => Value::Int(Some(row.edulevel)),
        "contextlevel" => Value::Int(Some(row.contextlevel)),
        "contextinstanceid" => Value::Int(Some(row.contextinstanceid)),
        "userid" => Value::Int(Some(row.userid)),
        "courseid" => Value::Int(Some(row.courseid.unwrap_or(0))),
        "relateduserid" => Value::Int(row.relateduserid),
        "other" => Value::Text(row.other.clone()),
        "timecreated" => Value::Int(Some(row.time)),
        "origin" => text(&row.origin),
        "ip" => Value::Text(row.ip.clone()),
        "realuserid" => Value::Int(None),
        // id, contextid, anonymous
        _ => Value::Int(Some(0)),
    }
}

/// The value of a column that an event does not have: missing where the log allows it, else empty or 0.
pub(super) fn default_value(spec: &TableSpec, index: usize) -> Value {
    let column = &spec.columns[index];
    match (column.kind, column.nullable) {
        (Kind::Int, true) => Value::Int(None),
        (Kind::Int, false) => Value::Int(Some(0)),
        (_, true) => Value::Text(None),
        (_, false) => Value::Text(Some(String::new())),
    }
}
