//! [`HitReader`]: rows of the log become hits, as far as the policy looks at them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use datafusion::common::Result as DfResult;

use super::dims::Dims;
use super::request::{Request, Target};
use crate::time::{Action, EnrolmentFilter, Exactness, Hit, ModuleId, Outside, Place};

/// Columns of the log that the reader uses, where the log has them.
pub(super) const COLUMNS: [&str; 11] = [
    "userid",
    "timecreated",
    "id",
    "courseid",
    "action",
    "target",
    "origin",
    "realuserid",
    "contextlevel",
    "contextid",
    "contextinstanceid",
];

/// What of the log is known before it is read: columns that hold nothing decide nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LogShape {
    /// Whether any row has an origin.
    pub has_origin: bool,
    /// Whether any row has a course.
    pub has_course: bool,
    /// Whether any row was made by somebody logged in as the user.
    pub has_real_user: bool,
}

/// What a fold needs beside users and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Needs {
    /// Ids of rows.
    pub(super) ids: bool,
    /// Modules and activities.
    pub(super) places: bool,
    /// Logins, logouts and grading events.
    pub(super) logins: bool,
}

impl Needs {
    /// The columns to read.
    pub(super) fn columns(self, shape: LogShape, has_contexts: bool) -> Vec<&'static str> {
        let needed = |name: &str| match name {
            "id" => self.ids,
            "target" => self.logins,
            "origin" => shape.has_origin,
            "courseid" => shape.has_course,
            "realuserid" => shape.has_real_user,
            "contextlevel" => self.places,
            "contextid" => self.places && has_contexts,
            "contextinstanceid" => self.places && !has_contexts,
            _ => true,
        };
        COLUMNS.into_iter().filter(|name| needed(name)).collect()
    }
}

/// A column of short texts, compared without looking behind the 16 bytes of their views.
struct Words<'a>(Option<&'a StringViewArray>);

impl Words<'_> {
    #[inline]
    fn is(&self, row: usize, word: u128) -> bool {
        self.0.is_some_and(|column| column.views()[row] == word && column.is_valid(row))
    }

    #[inline]
    fn among(&self, row: usize, words: &[String]) -> bool {
        self.0.is_some_and(|column| column.is_valid(row) && words.iter().any(|word| word == column.value(row)))
    }

    fn is_null(&self, row: usize) -> bool {
        self.0.is_none_or(|column| column.is_null(row))
    }
}

/// The view of a text of up to 12 bytes.
const fn word(text: &str) -> u128 {
    let bytes = text.as_bytes();
    let mut view = bytes.len() as u128;
    let mut at = 0;
    while at < bytes.len() {
        view |= (bytes[at] as u128) << (32 + 8 * at);
        at += 1;
    }
    view
}

const LOGGED_IN: u128 = word("loggedin");
const LOGIN: u128 = word("login");
const LOGGED_OUT: u128 = word("loggedout");
const LOGOUT: u128 = word("logout");
const GRADED: u128 = word("graded");
const USER: u128 = word("user");

/// Reads the hits of a request out of batches.
#[derive(Debug, Clone)]
pub(super) struct HitReader {
    request: Arc<Request>,
    dims: Arc<Dims>,
    shape: LogShape,
    /// Position of each of [`COLUMNS`] in the batches.
    positions: [Option<usize>; COLUMNS.len()],
    /// The user whose rows are read, and where the range begins for that user.
    user: Option<(i64, i64)>,
    /// The place of the last context.
    place: (i64, i64, i64, Place),
}

impl HitReader {
    pub(super) fn new(request: &Arc<Request>, dims: &Arc<Dims>, shape: LogShape, schema: &SchemaRef) -> Self {
        let positions = COLUMNS.map(|name| schema.index_of(name).ok());
        let place = (i64::MIN, 0, 0, Place::default());
        Self { request: Arc::clone(request), dims: Arc::clone(dims), shape, positions, user: None, place }
    }

    /// Calls with the user and the hit of each row that the policy looks at, in the order of the rows.
    pub(super) fn read(&mut self, batch: &RecordBatch, mut each: impl FnMut(i64, Hit)) -> DfResult<()> {
        let column = |at: usize| self.positions[at].map(|position| batch.column(position));
        let ints = |at: usize| column(at).map(as_ints).transpose();
        let (users, times) = (ints(0)?, ints(1)?);
        let (Some(users), Some(times)) = (users, times) else { return Ok(()) };
        let (ids, courses) = (ints(2)?, ints(3)?);
        let texts = |at: usize| column(at).map(as_words).transpose();
        let (action, target, origin) = (texts(4)?, texts(5)?, texts(6)?);
        let row_words =
            RowWords { action: Words(action.as_ref()), target: Words(target.as_ref()), origin: Words(origin.as_ref()) };
        let (real, level) = (ints(7)?, ints(8)?);
        let (context, instance) = (ints(9)?, ints(10)?);
        let request = Arc::clone(&self.request);
        let (last, exclude) = (request.last(), &request.policy.exclude);
        let login_as = real.as_ref().filter(|_| exclude.logged_in_as);
        for row in 0..batch.num_rows() {
            let (user, time) = (users.value(row), times.value(row));
            if time > last || time < self.from(user) || login_as.is_some_and(|real| real.is_valid(row)) {
                continue;
            }
            let known = courses.as_ref().is_none_or(|courses| courses.is_valid(row));
            let course = courses.as_ref().filter(|_| known).map_or(0, |courses| courses.value(row));
            let kind = row_words.action(row);
            if !self.looks_at(row, user, course, known, kind, &row_words) {
                continue;
            }
            let at = |column: &Option<Int64Array>| column.as_ref().map_or(0, |column| column.value(row));
            let (login, courseid) = (row_words.action.is(row, LOGGED_IN), course);
            let place = self.place(at(&level), at(&context), at(&instance), login, courseid);
            each(user, Hit { id: at(&ids), time, course, action: kind, place });
        }
        Ok(())
    }

    /// Where the range begins for a user.
    #[inline]
    fn from(&mut self, user: i64) -> i64 {
        if let Some((known, from)) = self.user
            && known == user
        {
            return from;
        }
        let request = &self.request;
        let asked = request.users.as_ref().is_none_or(|users| users.contains(&user));
        let from = match request.policy.enrolment {
            EnrolmentFilter::Off => request.from,
            EnrolmentFilter::AllCourses => {
                self.dims.enrolled_since(user, request.to).map_or(request.from, |start| start.max(request.from))
            }
        };
        let from = if asked { from } else { i64::MAX };
        self.user = Some((user, from));
        from
    }

    #[inline]
    fn looks_at(&self, row: usize, user: i64, course: i64, known: bool, action: Action, words: &RowWords<'_>) -> bool {
        let policy = &self.request.policy;
        let exclude = &policy.exclude;
        let in_or_out = matches!(action, Action::Login | Action::Logout);
        let outside = match exclude.outside {
            Outside::Keep => true,
            _ if !self.shape.has_course => true,
            Outside::Logins => known && (course != 0 || in_or_out),
            Outside::Drop => known && course != 0,
        };
        outside
            && !(exclude.missing_origin && self.shape.has_origin && words.origin.is_null(row))
            && (exclude.origins.is_empty() || !words.origin.among(row, &exclude.origins))
            && (exclude.actions.is_empty() || !words.action.among(row, &exclude.actions))
            && (exclude.users.is_empty() || !exclude.users.contains(&user))
            && (policy.courses.is_empty() || policy.courses.contains(&course))
    }

    /// Where a hit happened.
    #[inline]
    fn place(&mut self, level: i64, context: i64, instance: i64, login: bool, course: i64) -> Place {
        let pseudo = |module| Place { module, cm: 0 };
        match level {
            10 if login => pseudo(ModuleId::USER),
            10 => pseudo(ModuleId::SYSTEM),
            30 => pseudo(ModuleId::USER),
            70 if matches!(self.request.target, Target::Course(target) if target != course) => {
                pseudo(ModuleId::OUT_OF_TARGET)
            }
            70 => {
                let (known, of, _, place) = self.place;
                if known == context && of == instance {
                    return place;
                }
                let exact = self.request.policy.exactness == Exactness::Exact;
                let place = self.dims.place(context, instance, exact);
                self.place = (context, instance, 0, place);
                place
            }
            _ => pseudo(ModuleId::COURSE),
        }
    }
}

/// The texts of a batch.
struct RowWords<'a> {
    action: Words<'a>,
    target: Words<'a>,
    origin: Words<'a>,
}

impl RowWords<'_> {
    #[inline]
    fn action(&self, row: usize) -> Action {
        if self.action.is(row, LOGGED_IN) || self.action.is(row, LOGIN) {
            Action::Login
        } else if self.action.is(row, LOGGED_OUT) || self.action.is(row, LOGOUT) {
            Action::Logout
        } else if self.action.is(row, GRADED) && self.target.is(row, USER) {
            Action::GradedUser
        } else {
            Action::Other
        }
    }
}

fn as_ints(column: &ArrayRef) -> DfResult<Int64Array> {
    match column.as_primitive_opt::<Int64Type>() {
        Some(ints) => Ok(ints.clone()),
        None => Ok(arrow::compute::cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
    }
}

fn as_words(column: &ArrayRef) -> DfResult<StringViewArray> {
    match column.as_string_view_opt() {
        Some(words) => Ok(words.clone()),
        None => Ok(arrow::compute::cast(column, &DataType::Utf8View)?.as_string_view().clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_the_view_of_its_text() {
        let texts = ["loggedin", "loggedout", "login", "logout", "graded", "user", "", "twelve_bytes"];
        let column = StringViewArray::from_iter_values(texts);
        for (row, text) in texts.iter().enumerate() {
            assert_eq!(column.views()[row], word(text), "{text}");
        }
    }
}
