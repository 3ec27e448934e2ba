//! Any CSV of events, by a mapping of its columns to those of the log.

use std::sync::Arc;

use chrono::{DateTime, NaiveDateTime};
use csv::{ByteRecord, StringRecord};

use super::LoadRequest;
use super::detect::invalid;
use super::dialect::Dialect;
use super::entities::{Entities, Entity};
use super::input::{Charset, Input};
use super::keyless::{RowFault, Value, default_value};
use super::report::dates::parse_time;
use super::report::headers::Dictionary;
use super::table::read_record;
use super::value;
use crate::error::{Error, Result};
use crate::fault::nearest;
use crate::model::{Kind, TableSpec};
use crate::text::Text;

/// Columns of the log that name an entity, and the table in which texts of that column become rows.
const ENTITY_COLUMNS: [(&str, Entity); 3] =
    [("userid", Entity::User), ("relateduserid", Entity::User), ("courseid", Entity::Course)];

/// Where each column of the log comes from.
pub(super) struct EventMap<'a> {
    spec: &'static TableSpec,
    request: &'a LoadRequest,
    header: Vec<Arc<str>>,
    /// Per column of the log.
    sources: Vec<Source>,
    time: usize,
    /// Columns of the file that nothing takes; they are kept in `other`.
    rest: Vec<usize>,
}

/// Source of one column.
enum Source {
    /// Column of the file, from 0.
    Column(usize),
    /// The same text in every row.
    Constant(String),
    Default,
}

/// Which entity columns hold names and no numbers.
pub(super) struct NameColumns {
    /// Per column of the log: the column of the file, and whether a value was seen that is no number.
    columns: Vec<Option<(usize, bool)>>,
}

impl NameColumns {
    pub(super) fn observe(&mut self, record: &StringRecord) {
        for (column, named) in self.columns.iter_mut().flatten() {
            let field = record.get(*column).unwrap_or_default().as_bytes();
            *named |= !value::is_null(field) && value::parse_int(field).is_none();
        }
    }
}

impl<'a> EventMap<'a> {
    /// Checks the mapping against the header and the log.
    pub(super) fn new(
        name: &str,
        header: &[Arc<str>],
        request: &'a LoadRequest,
        spec: &'static TableSpec,
    ) -> Result<Self> {
        let mut sources: Vec<Source> = spec.columns.iter().map(|_| Source::Default).collect();
        let mut used = Vec::new();
        for (column, from) in &request.map {
            let index = log_column(name, spec, column)?;
            sources[index] = match from.strip_prefix('\'').and_then(|from| from.strip_suffix('\'')) {
                Some(constant) => Source::Constant(constant.to_owned()),
                None => {
                    let column = file_column(name, header, from)?;
                    used.push(column);
                    Source::Column(column)
                }
            };
        }
        let required = |column: &str| {
            let index = spec.columns.iter().position(|known| known.name == column);
            match index.map(|index| &sources[index]) {
                Some(Source::Column(file)) => Ok(*file),
                _ => Err(invalid(
                    name,
                    crate::text!(
                        "the mapping lacks `{column}`: `--map userid=COLUMN,timecreated=COLUMN` is the least",
                        "la correspondance n'a pas `{column}` : `--map userid=COLONNE,timecreated=COLONNE` est le minimum"
                    ),
                )),
            }
        };
        required("userid")?;
        let time = required("timecreated")?;
        let rest = (0..header.len()).filter(|column| !used.contains(column) && !header[*column].is_empty()).collect();
        Ok(Self { spec, request, header: header.to_vec(), sources, time, rest })
    }

    pub(super) fn name_columns(&self) -> NameColumns {
        let column = |(column, source): (&crate::model::ColumnSpec, &Source)| match source {
            Source::Column(file) if ENTITY_COLUMNS.iter().any(|(name, _)| *name == column.name) => Some((*file, false)),
            _ => None,
        };
        NameColumns { columns: self.spec.columns.iter().zip(&self.sources).map(column).collect() }
    }

    /// Unix seconds of a row.
    pub(super) fn time(&self, record: &StringRecord) -> std::result::Result<i64, RowFault> {
        let text = record.get(self.time).unwrap_or_default().trim();
        let fault = |code, reason, hint: Option<Box<Text>>| RowFault { code, column: Some(self.time), reason, hint };
        let seconds = match parse_event_time(text, self.request) {
            Ok(seconds) => seconds,
            Err(Some((reason, hint))) => return Err(fault("load.bad_time", reason, hint.map(Box::new))),
            Err(None) => return Err(fault("load.bad_time", crate::text!("not a time", "ce n'est pas une date"), None)),
        };
        if (0..=value::MAX_TIME).contains(&seconds) {
            return Ok(seconds);
        }
        let impossible = value::impossible_time(seconds);
        Err(fault(impossible.code, impossible.reason, impossible.hint))
    }

    /// The failure of a file whose times have no zone while the operator gave none; it concerns every row, so it is told
    /// once.
    pub(super) fn zoneless(&self, input: &Input, charset: Charset, dialect: Dialect) -> Result<Option<Error>> {
        if self.request.timezone.is_some() {
            return Ok(None);
        }
        let mut reader = dialect.reader(input.text(charset, None)?);
        let mut record = ByteRecord::new();
        if !(read_record(&mut reader, &mut record, input)? && read_record(&mut reader, &mut record, input)?) {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(record.get(self.time).unwrap_or_default()).trim().to_owned();
        let utc = LoadRequest { timezone: Some(chrono_tz::UTC), ..self.request.clone() };
        if parse_event_time(&text, self.request).is_ok() || parse_event_time(&text, &utc).is_err() {
            return Ok(None);
        }
        Ok(Some(invalid(
            &input.name,
            crate::text!(
                "the times, such as \"{text}\", have no zone; say it with `--timezone`, such as `--timezone UTC`",
                "les dates, comme \"{text}\", n'ont pas de fuseau ; indiquez-le avec `--timezone`, par exemple `--timezone UTC`"
            ),
        )))
    }

    /// The values of a row in the order of the log's columns.
    pub(super) fn row(
        &self,
        record: &StringRecord,
        names: &NameColumns,
        entities: &mut Entities,
    ) -> std::result::Result<Vec<Value>, RowFault> {
        let time = self.time(record)?;
        let mut values = Vec::with_capacity(self.sources.len());
        for (index, (column, source)) in self.spec.columns.iter().zip(&self.sources).enumerate() {
            let text = match source {
                Source::Column(file) => record.get(*file).unwrap_or_default(),
                Source::Constant(text) => text,
                Source::Default => {
                    values.push(self.default(index, record));
                    continue;
                }
            };
            let file = if let Source::Column(file) = source { Some(*file) } else { None };
            let entity = ENTITY_COLUMNS.iter().find(|(name, _)| *name == column.name).map(|(_, entity)| *entity);
            let by_name = names.columns[index].is_some_and(|(_, named)| named)
                || (file.is_none() && value::parse_int(text.as_bytes()).is_none());
            values.push(match (column.kind, entity) {
                (Kind::Int, _) if column.name == "timecreated" => Value::Int(Some(time)),
                (Kind::Int, Some(entity)) if by_name && !value::is_null(text.as_bytes()) => {
                    Value::Int(Some(entities.number(entity, text)))
                }
                (Kind::Int, _) => {
                    let number = value::int(text.as_bytes(), column);
                    Value::Int(number.map_err(|fault| RowFault {
                        code: fault.code,
                        column: file,
                        reason: fault.reason,
                        hint: fault.hint,
                    })?)
                }
                _ => Value::Text(value::text(text.as_bytes(), column).map(|_| text.to_owned())),
            });
        }
        Ok(values)
    }

    fn default(&self, index: usize, record: &StringRecord) -> Value {
        match self.spec.columns[index].name {
            // What the log has no column for is kept beside.
            "other" if !self.rest.is_empty() => {
                let rest = self
                    .rest
                    .iter()
                    .map(|column| (self.header[*column].to_string(), record.get(*column).unwrap_or_default().into()));
                Value::Text(Some(serde_json::Value::Object(rest.collect()).to_string()))
            }
            "origin" => Value::Text(Some("web".to_owned())),
            _ => default_value(self.spec, index),
        }
    }

    pub(super) fn notes(&self, names: &NameColumns) -> Vec<Text> {
        let mut notes = Vec::new();
        for (column, named) in self.spec.columns.iter().zip(&names.columns) {
            if named.is_some_and(|(_, named)| named) {
                let (column, table) = (column.name, if column.name == "courseid" { "course" } else { "user" });
                notes.push(crate::text!(
                    "`{column}` holds names; they were numbered, table `{table}` has the names",
                    "`{column}` contient des noms ; ils ont été numérotés, la table `{table}` donne les noms"
                ));
            }
        }
        if !self.rest.is_empty() {
            let list =
                self.rest.iter().map(|column| format!("`{}`", self.header[*column])).collect::<Vec<_>>().join(", ");
            notes.push(crate::text!(
                "columns without mapping are kept in `other`: {list}",
                "colonnes sans correspondance, conservées dans `other` : {list}"
            ));
        }
        notes
    }
}

/// A reason, and what to do.
type TimeProblem = Option<(Text, Option<Text>)>;

/// Unix seconds, RFC 3339, the operator's pattern, or a date of the calendar in the operator's zone.
fn parse_event_time(text: &str, request: &LoadRequest) -> std::result::Result<i64, TimeProblem> {
    if let Some(pattern) = &request.time_pattern {
        if let Ok(time) = DateTime::parse_from_str(text, pattern) {
            return Ok(time.timestamp());
        }
        let local = NaiveDateTime::parse_from_str(text, pattern).map_err(|_| {
            Some((
                crate::text!("not a time of the form `{pattern}`", "ce n'est pas une date de la forme `{pattern}`"),
                None,
            ))
        })?;
        let zone = request.timezone.ok_or(None)?;
        let text = local.format("%Y-%m-%d %H:%M:%S").to_string();
        return parse_time(&text, None, zone, Dictionary::builtin())
            .map_err(|fault| Some((fault.reason(), Some(fault.hint()))));
    }
    if let Some(seconds) = value::parse_int(text.as_bytes()) {
        return Ok(seconds);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.timestamp());
    }
    let zone = request.timezone.ok_or(None)?;
    parse_time(text, request.date_order, zone, Dictionary::builtin())
        .map_err(|fault| Some((fault.reason(), Some(fault.hint()))))
}

fn log_column(name: &str, spec: &TableSpec, column: &str) -> Result<usize> {
    let known = spec.columns.iter().position(|known| known.name == column && known.name != "id");
    known.ok_or_else(|| {
        let names = spec.columns.iter().map(|known| known.name).filter(|name| *name != "id");
        let near = nearest(column, names).map(|near| format!("`{near}`")).unwrap_or_default();
        let (en, fr) = if near.is_empty() {
            (String::new(), String::new())
        } else {
            (format!("; did you mean {near}?"), format!(" ; vouliez-vous dire {near} ?"))
        };
        let text = Text {
            en: format!("the log has no column `{column}` to map to{en}"),
            fr: format!("le journal n'a pas de colonne `{column}` à faire correspondre{fr}"),
        };
        invalid(name, text)
    })
}

fn file_column(name: &str, header: &[Arc<str>], column: &str) -> Result<usize> {
    let known = header.iter().position(|known| known.trim().eq_ignore_ascii_case(column.trim()));
    known.ok_or_else(|| {
        let (en, fr) = match nearest(column, header.iter().map(AsRef::as_ref)) {
            Some(near) => (format!("; did you mean `{near}`?"), format!(" ; vouliez-vous dire `{near}` ?")),
            None => (String::new(), String::new()),
        };
        invalid(
            name,
            Text {
                en: format!("line 1: no column `{column}`{en}"),
                fr: format!("ligne 1 : pas de colonne `{column}`{fr}"),
            },
        )
    })
}
