//! [`Output`]: which rows a fold makes, and of which columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Int64Builder, ListBuilder, RecordBatch, StringViewBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result as DfResult;

use super::dims::Dims;
use super::reader::Needs;
use crate::model::Personal;
use crate::time::{
    Buckets, Closing, Counter, Grain, Keep, Key, Lap, LapRule, ModuleId, Outcome, Place, Streams, UserSession, Verdict,
};

/// Rows of a table function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Output {
    /// One row per row of the log that the policy looks at.
    Laps,
    /// One row per session.
    Sessions,
    /// One row per user.
    Users,
    /// One row per user and course.
    Courses,
    /// One row per user, course and activity or area.
    Activities,
    /// One row per user, course and section.
    Sections,
    /// One row per user, course and local day.
    Days,
    /// One row per user, session, course and activity or area: the whole result.
    Parts,
}

/// A column of a table function.
#[derive(Debug, Clone)]
pub struct OutputColumn {
    /// Name in SQL.
    pub name: &'static str,
    /// Type of its values.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// What it tells about who somebody is.
    pub personal: Personal,
    /// Meaning, with the unit.
    pub doc: &'static str,
}

impl Output {
    /// All of them with the name of their table function.
    pub const ALL: [(&'static str, Self); 8] = [
        ("laps", Self::Laps),
        ("sessions", Self::Sessions),
        ("user_time", Self::Users),
        ("course_time", Self::Courses),
        ("activity_time", Self::Activities),
        ("section_time", Self::Sections),
        ("daily_time", Self::Days),
        ("session_time", Self::Parts),
    ];

    /// Its columns.
    pub fn columns(self) -> Vec<OutputColumn> {
        let mut columns = vec![OutputColumn { personal: Personal::UserId, ..int("userid", "User.") }];
        match self {
            Self::Laps => columns.extend(lap_columns()),
            Self::Sessions => columns.extend(session_columns()),
            Self::Users => columns.extend(class_columns()),
            Self::Courses => {
                columns.push(int("courseid", "Course; 0 outside of courses."));
                columns.extend(class_columns());
            }
            Self::Activities => columns.extend(place_columns()),
            Self::Sections => {
                columns.push(int("courseid", "Course."));
                columns.push(int("section", "Section, `course_sections.id`."));
            }
            Self::Days => {
                columns.push(int("courseid", "Course; 0 outside of courses."));
                columns.push(column("day", DataType::Date32, "Local day; a lap is cut at midnight."));
                columns.extend(class_columns());
            }
            Self::Parts => {
                columns.push(int("session", "Number of the session; NULL outside of sessions.").null());
                columns.push(int("sessionstart", "First hit of the session, Unix seconds.").null());
                columns.push(int("sessionend", "End of the session, Unix seconds.").null());
                columns.extend(place_columns());
            }
        }
        if !matches!(self, Self::Laps | Self::Sessions) {
            columns.extend(counter_columns());
        }
        columns
    }

    /// Its schema.
    pub fn schema(self) -> SchemaRef {
        let field = |column: OutputColumn| Field::new(column.name, column.data_type, column.nullable);
        Arc::new(Schema::new(self.columns().into_iter().map(field).collect::<Vec<_>>()))
    }

    /// What the fold keeps for it.
    pub(super) fn keep(self) -> Keep {
        let grain = |grain: Grain| Keep { totals: Some(grain), ..Keep::default() };
        let course = Grain { course: true, ..Grain::default() };
        match self {
            Self::Laps => Keep { laps: true, sessions: true, totals: None },
            Self::Sessions => Keep { sessions: true, ..Keep::default() },
            Self::Users => grain(Grain::default()),
            Self::Courses => grain(course),
            Self::Activities | Self::Sections => grain(Grain { place: true, ..course }),
            Self::Days => grain(Grain { day: true, ..course }),
            Self::Parts => Keep { sessions: true, ..grain(Grain { session: true, place: true, ..course }) },
        }
    }

    /// What must be read for these of its columns.
    pub(super) fn needs(self, projection: &[usize]) -> Needs {
        let columns = self.columns();
        let asked = |names: &[&str]| projection.iter().any(|at| names.contains(&columns[*at].name));
        let by_place = matches!(self, Self::Activities | Self::Sections | Self::Parts);
        let classes = ["activitytime", "coursetime", "othertime", "module", "cmid"];
        Needs { ids: self == Self::Laps, places: by_place || asked(&classes) }
    }
}

impl OutputColumn {
    fn null(mut self) -> Self {
        self.nullable = true;
        self
    }
}

fn column(name: &'static str, data_type: DataType, doc: &'static str) -> OutputColumn {
    OutputColumn { name, data_type, nullable: false, personal: Personal::No, doc }
}

fn int(name: &'static str, doc: &'static str) -> OutputColumn {
    column(name, DataType::Int64, doc)
}

fn text(name: &'static str, doc: &'static str) -> OutputColumn {
    column(name, DataType::Utf8View, doc)
}

fn class_columns() -> Vec<OutputColumn> {
    vec![
        int("activitytime", "Seconds on activities."),
        int("coursetime", "Seconds on pages of courses outside of activities."),
        int("othertime", "All other seconds: logins, the user's own pages, deleted activities."),
    ]
}

fn place_columns() -> Vec<OutputColumn> {
    vec![
        int("courseid", "Course; 0 outside of courses."),
        text("module", "Type of the activity, or `course`, `user`, `system`; empty for a deleted activity."),
        int("cmid", "Activity, `course_modules.id`; NULL outside of activities.").null(),
        int("section", "Section of the activity.").null(),
    ]
}

fn counter_columns() -> Vec<OutputColumn> {
    vec![
        int("elapsed", "Seconds."),
        int("events", "Hits."),
        int("firstaccess", "First hit, Unix seconds."),
        int("lastaccess", "Last hit, Unix seconds."),
    ]
}

fn session_columns() -> Vec<OutputColumn> {
    let courses = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    vec![
        int(
            "session",
            "Number of the session, from 1 for each user in order of opening; numbers of dropped ones are missing.",
        ),
        int("courseid", "Course of the hit that opened it."),
        int("sessionstart", "First hit, Unix seconds."),
        int("sessionend", "End: last hit plus its lap, Unix seconds."),
        int("lasthit", "Last hit, Unix seconds."),
        int("elapsed", "Seconds: the sum of its laps."),
        int("events", "Hits."),
        column("courses", courses, "Courses that it crosses, in order of appearance."),
        text("closed_by", "What ended it: `gap`, `login`, `course`, or `end` of the range."),
    ]
}

fn lap_columns() -> Vec<OutputColumn> {
    vec![
        int("id", "Row of the log."),
        int("timecreated", "Time of the hit, Unix seconds."),
        int("courseid", "Course; 0 outside of courses."),
        text("module", "Type of the activity, or `course`, `user`, `system`; empty for a deleted activity."),
        int("cmid", "Activity, `course_modules.id`; NULL outside of activities.").null(),
        int("session", "Number of the session; NULL when it is in none.").null(),
        int("gap", "Seconds to the next row; NULL for the last one.").null(),
        text(
            "rule",
            "Why it is worth so much: `gap`, `break` (credit instead of a long gap), `last` (credit), `no_next` (exact profile).",
        ),
        int("measured", "Seconds of its own."),
        int("carried", "Seconds taken over from captured modules."),
        int("elapsed", "Seconds that count."),
        text("outcome", "`counted`, `logout`, `captured`, `ignored`, or `below_minimum` with its session."),
        column("in_session", DataType::Boolean, "Whether its seconds count in the session too."),
    ]
}

/// Name of what ended a session.
pub fn closing_name(closing: Closing) -> &'static str {
    match closing {
        Closing::Gap => "gap",
        Closing::Login => "login",
        Closing::Course => "course",
        Closing::End => "end",
    }
}

/// Name of why a lap is as long as it is.
pub fn rule_name(rule: LapRule) -> &'static str {
    match rule {
        LapRule::Gap => "gap",
        LapRule::Break => "break",
        LapRule::Last => "last",
        LapRule::NoNext => "no_next",
    }
}

/// Name of what became of a row.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Counted => "counted",
        Outcome::Logout => "logout",
        Outcome::Captured => "captured",
        Outcome::Ignored => "ignored",
    }
}

/// Columns that are being filled.
#[derive(Debug)]
pub(super) enum Column {
    Int(Int64Builder),
    Text(StringViewBuilder),
    Day(Date32Builder),
    Flag(BooleanBuilder),
    Ints(ListBuilder<Int64Builder>),
}

/// One value of a column.
enum Value<'a> {
    Int(i64),
    NoInt,
    Text(&'a str),
    Day(i32),
    Flag(bool),
    Ints(&'a [i64]),
}

impl Column {
    fn of(kind: &DataType) -> Self {
        match kind {
            DataType::Utf8View => Self::Text(StringViewBuilder::new()),
            DataType::Date32 => Self::Day(Date32Builder::new()),
            DataType::Boolean => Self::Flag(BooleanBuilder::new()),
            DataType::List(_) => Self::Ints(ListBuilder::new(Int64Builder::new())),
            _ => Self::Int(Int64Builder::new()),
        }
    }

    #[inline]
    fn push(&mut self, value: &Value<'_>) {
        match (self, value) {
            (Self::Int(column), Value::Int(value)) => column.append_value(*value),
            (Self::Int(column), _) => column.append_null(),
            (Self::Text(column), Value::Text(value)) => column.append_value(value),
            (Self::Text(column), _) => column.append_null(),
            (Self::Day(column), Value::Day(value)) => column.append_value(*value),
            (Self::Day(column), _) => column.append_null(),
            (Self::Flag(column), value) => column.append_value(matches!(value, Value::Flag(true))),
            (Self::Ints(column), Value::Ints(values)) => {
                column.values().append_slice(values);
                column.append(true);
            }
            (Self::Ints(column), _) => column.append(true),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(column) => Arc::new(column.finish()),
            Self::Text(column) => Arc::new(column.finish()),
            Self::Day(column) => Arc::new(column.finish()),
            Self::Flag(column) => Arc::new(column.finish()),
            Self::Ints(column) => Arc::new(column.finish()),
        }
    }
}

/// Rows on their way into a batch.
#[derive(Debug)]
pub(super) struct Rows {
    output: Output,
    dims: Arc<Dims>,
    /// The columns that are asked for, by their position among all of them.
    columns: Vec<(usize, Column)>,
    schema: SchemaRef,
    len: usize,
}

impl Rows {
    pub(super) fn new(output: Output, projection: &[usize], schema: &SchemaRef, dims: &Arc<Dims>) -> Self {
        let all = output.columns();
        let columns = projection.iter().map(|at| (*at, Column::of(&all[*at].data_type))).collect();
        Self { output, dims: Arc::clone(dims), columns, schema: Arc::clone(schema), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Takes the rows of a user.
    pub(super) fn user(&mut self, userid: i64, streams: &Streams) {
        match self.output {
            Output::Laps => self.laps(userid, streams),
            Output::Sessions => streams.sessions().for_each(|session| self.session(userid, session)),
            Output::Sections => self.sections(userid, streams.totals()),
            Output::Parts => self.parts(userid, streams),
            _ => streams.totals().iter().for_each(|(key, counter)| self.total(userid, key, counter)),
        }
    }

    /// The rows so far as a batch.
    pub(super) fn finish(&mut self) -> DfResult<RecordBatch> {
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.len));
        let columns = self.columns.iter_mut().map(|(_, column)| column.finish()).collect();
        self.len = 0;
        Ok(RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &options)?)
    }

    #[inline]
    fn push<'a>(&mut self, value: impl Fn(usize) -> Value<'a>) {
        self.columns.iter_mut().for_each(|(at, column)| column.push(&value(*at)));
        self.len += 1;
    }

    fn laps(&mut self, userid: i64, streams: &Streams) {
        let sessions = streams.all_sessions();
        let mut dropped: Vec<u32> = sessions
            .iter()
            .filter(|session| session.session.verdict == Verdict::BelowMinimum)
            .map(|session| session.session.number)
            .collect();
        dropped.sort_unstable();
        let dims = Arc::clone(&self.dims);
        for lap in streams.laps() {
            let below = lap.session.is_some_and(|session| dropped.binary_search(&session).is_ok());
            self.push(|at| lap_value(at, userid, lap, below, &dims));
        }
    }

    fn session(&mut self, userid: i64, found: &UserSession) {
        let (session, courses) = (&found.session, found.courses.as_slice());
        self.push(|at| match at {
            0 => Value::Int(userid),
            1 => Value::Int(i64::from(session.number)),
            2 => Value::Int(session.opening_course()),
            3 => Value::Int(session.start),
            4 => Value::Int(session.end),
            5 => Value::Int(session.last),
            6 => Value::Int(session.elapsed),
            7 => Value::Int(count(session.events)),
            8 => Value::Ints(courses),
            _ => Value::Text(closing_name(session.closing)),
        });
    }

    /// Parts of sessions; those of a session that has logins only are outside of sessions.
    fn parts(&mut self, userid: i64, streams: &Streams) {
        let mut sessions: Vec<(u32, i64, i64)> =
            streams.sessions().map(|found| (found.session.number, found.session.start, found.session.end)).collect();
        sessions.sort_unstable();
        let dims = Arc::clone(&self.dims);
        let optional = |value: Option<i64>| value.map_or(Value::NoInt, Value::Int);
        for (key, counter) in streams.totals() {
            let at = sessions.binary_search_by_key(&key.session, |session| session.0).ok();
            let session = at.map(|at| sessions[at]);
            self.push(|at| match at {
                0 => Value::Int(userid),
                1 => optional(session.map(|session| i64::from(session.0))),
                2 => optional(session.map(|session| session.1)),
                3 => optional(session.map(|session| session.2)),
                at => place_value(at - 4, key, counter, &dims),
            });
        }
    }

    fn sections(&mut self, userid: i64, totals: &[(Key, Counter)]) {
        let mut sections = Buckets::default();
        for (key, counter) in totals {
            if let Some(section) = self.dims.section(key.place.cm) {
                let place = Place { module: ModuleId::COURSE, cm: section };
                sections.add(Key { place, ..*key }, counter);
            }
        }
        for (key, counter) in sections.rows() {
            self.push(|at| match at {
                0 => Value::Int(userid),
                1 => Value::Int(key.course),
                2 => Value::Int(key.place.cm),
                at => counter_value(at - 3, counter),
            });
        }
    }

    #[inline]
    fn total(&mut self, userid: i64, key: &Key, counter: &Counter) {
        let (output, dims) = (self.output, Arc::clone(&self.dims));
        self.push(|at| match (output, at) {
            (_, 0) => Value::Int(userid),
            (Output::Users, at) => class_value(at - 1, counter),
            (Output::Courses | Output::Days, 1) => Value::Int(key.course),
            (Output::Courses, at) => class_value(at - 2, counter),
            (Output::Days, 2) => Value::Day(key.day),
            (Output::Days, at) => class_value(at - 3, counter),
            (_, at) => place_value(at - 1, key, counter, &dims),
        });
    }
}

fn lap_value<'a>(at: usize, userid: i64, lap: &Lap, below: bool, dims: &'a Dims) -> Value<'a> {
    let optional = |value: Option<i64>| value.map_or(Value::NoInt, Value::Int);
    match at {
        0 => Value::Int(userid),
        1 => Value::Int(lap.hit.id),
        2 => Value::Int(lap.hit.time),
        3 => Value::Int(lap.hit.course),
        4 => Value::Text(dims.module_name(lap.hit.place.module)),
        5 => activity(lap.hit.place.cm),
        6 => optional(lap.session.map(i64::from)),
        7 => optional(lap.gap),
        8 => Value::Text(rule_name(lap.rule)),
        9 => Value::Int(lap.measured),
        10 => Value::Int(lap.carried),
        11 => Value::Int(if below { 0 } else { lap.elapsed() }),
        12 if below && lap.counts() => Value::Text("below_minimum"),
        12 => Value::Text(outcome_name(lap.outcome)),
        _ => Value::Flag(lap.in_session),
    }
}

#[inline]
fn class_value<'a>(at: usize, counter: &Counter) -> Value<'a> {
    match at {
        0 => Value::Int(counter.activity),
        1 => Value::Int(counter.course),
        2 => Value::Int(counter.elapsed - counter.activity - counter.course),
        at => counter_value(at - 3, counter),
    }
}

#[inline]
fn place_value<'a>(at: usize, key: &Key, counter: &Counter, dims: &'a Dims) -> Value<'a> {
    match at {
        0 => Value::Int(key.course),
        1 => Value::Text(dims.module_name(key.place.module)),
        2 => activity(key.place.cm),
        3 => dims.section(key.place.cm).map_or(Value::NoInt, Value::Int),
        at => counter_value(at - 4, counter),
    }
}

#[inline]
fn counter_value<'a>(at: usize, counter: &Counter) -> Value<'a> {
    Value::Int(match at {
        0 => counter.elapsed,
        1 => count(counter.events),
        2 => counter.first,
        _ => counter.last,
    })
}

fn activity<'a>(cm: i64) -> Value<'a> {
    if cm == 0 { Value::NoInt } else { Value::Int(cm) }
}

fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
