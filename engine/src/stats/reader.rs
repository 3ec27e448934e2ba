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
}

impl Needs {
    /// The columns to read: what decides nothing is not even decoded.
    pub(super) fn columns(self, request: &Request, shape: LogShape, has_contexts: bool) -> Vec<&'static str> {
        let (policy, exclude) = (&request.policy, &request.policy.exclude);
        let by_origin = exclude.missing_origin || !exclude.origins.is_empty();
        let by_login = policy.logins || exclude.outside == Outside::Logins;
        let needed = |name: &str| match name {
            "id" => self.ids,
            "action" => by_login || self.places || !exclude.actions.is_empty(),
            "target" => policy.logins,
            "origin" => by_origin && shape.has_origin,
            "courseid" => shape.has_course,
            "realuserid" => exclude.logged_in_as && shape.has_real_user,
            "contextlevel" => self.places,
            "contextid" => self.places && has_contexts,
            "contextinstanceid" => self.places && !has_contexts,
            _ => true,
        };
        COLUMNS.into_iter().filter(|name| needed(name)).collect()
    }
}

/// A column of short texts, compared without looking behind the 16 bytes of their views.
struct Words(Option<StringViewArray>);

impl Words {
    #[inline]
    fn is(&self, row: usize, word: u128) -> bool {
        self.0.as_ref().is_some_and(|column| column.views()[row] == word && column.is_valid(row))
    }

    fn is_null(&self, row: usize) -> bool {
        self.0.as_ref().is_none_or(|column| column.is_null(row))
    }
}

/// Texts that a policy excludes, the short ones as views.
#[derive(Debug, Clone)]
struct Excluded {
    short: Vec<u128>,
    long: Vec<String>,
}

impl Excluded {
    fn new(texts: &[String]) -> Self {
        let (short, long): (Vec<String>, Vec<String>) = texts.iter().cloned().partition(|text| text.len() <= 12);
        Self { short: short.iter().map(|text| word(text)).collect(), long }
    }

    #[inline]
    fn holds(&self, words: &Words, row: usize) -> bool {
        words.0.as_ref().is_some_and(|column| {
            column.is_valid(row)
                && (self.short.contains(&column.views()[row])
                    || (!self.long.is_empty() && self.long.iter().any(|text| text == column.value(row))))
        })
    }
}

/// The view of a text of up to 12 bytes, as Arrow lays it out: its length, then its bytes.
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
    /// The last context, with its instance and its place.
    place: (i64, i64, Place),
    origins: Excluded,
    actions: Excluded,
}

impl HitReader {
    pub(super) fn new(request: &Arc<Request>, dims: &Arc<Dims>, shape: LogShape, schema: &SchemaRef) -> Self {
        let positions = COLUMNS.map(|name| schema.index_of(name).ok());
        let exclude = &request.policy.exclude;
        Self {
            request: Arc::clone(request),
            dims: Arc::clone(dims),
            shape,
            positions,
            user: None,
            place: (i64::MIN, 0, Place::default()),
            origins: Excluded::new(&exclude.origins),
            actions: Excluded::new(&exclude.actions),
        }
    }

    /// Calls with the user and the hit of each row that the policy looks at, in the order of the rows.
    pub(super) fn read(&mut self, batch: &RecordBatch, mut each: impl FnMut(i64, Hit)) -> DfResult<()> {
        let columns = HitColumns::of(&self.positions, batch)?;
        let (Some(users), Some(times)) = (&columns.users, &columns.times) else { return Ok(()) };
        let (users, times) = (users.values(), times.values());
        let request = Arc::clone(&self.request);
        let last = request.last();
        let plain = self.looks_at_all();
        for (row, (&user, &time)) in users.iter().zip(times).enumerate() {
            if time > last || time < self.from(user) {
                continue;
            }
            let course = columns.course(row);
            let action = columns.action(row);
            if !plain && !self.looks_at(row, user, course, action, &columns) {
                continue;
            }
            let place = self.place(row, action, course.unwrap_or(0), &columns);
            each(user, Hit { id: at(&columns.ids, row), time, course: course.unwrap_or(0), action, place });
        }
        Ok(())
    }

    /// Whether the policy looks at every row of the range.
    fn looks_at_all(&self) -> bool {
        let (policy, exclude) = (&self.request.policy, &self.request.policy.exclude);
        let by_course = exclude.outside != Outside::Keep && self.shape.has_course;
        let by_origin = exclude.missing_origin && self.shape.has_origin;
        let by_person = exclude.logged_in_as && self.shape.has_real_user;
        let lists = [&exclude.origins, &exclude.actions];
        let by_list = lists.iter().any(|list| !list.is_empty()) || !exclude.users.is_empty();
        !(by_course || by_origin || by_person || by_list) && policy.courses.is_empty()
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
    fn looks_at(&self, row: usize, user: i64, course: Option<i64>, action: Action, columns: &HitColumns) -> bool {
        let policy = &self.request.policy;
        let exclude = &policy.exclude;
        let in_or_out = matches!(action, Action::Login | Action::Logout);
        let outside = match exclude.outside {
            Outside::Keep => true,
            _ if !self.shape.has_course => true,
            Outside::Logins => course.is_some_and(|course| course != 0 || in_or_out),
            Outside::Drop => course.is_some_and(|course| course != 0),
        };
        let as_other = exclude.logged_in_as && columns.real.as_ref().is_some_and(|real| real.is_valid(row));
        outside
            && !as_other
            && !(exclude.missing_origin && self.shape.has_origin && columns.origin.is_null(row))
            && (exclude.origins.is_empty() || !self.origins.holds(&columns.origin, row))
            && (exclude.actions.is_empty() || !self.actions.holds(&columns.action, row))
            && (exclude.users.is_empty() || !exclude.users.contains(&user))
            && (policy.courses.is_empty() || policy.courses.contains(&course.unwrap_or(0)))
    }

    /// Where a hit happened.
    #[inline]
    fn place(&mut self, row: usize, action: Action, course: i64, columns: &HitColumns) -> Place {
        let pseudo = |module| Place { module, cm: 0 };
        let Some(level) = &columns.level else { return pseudo(ModuleId::COURSE) };
        match level.value(row) {
            10 if action == Action::Login && columns.action.is(row, LOGGED_IN) => pseudo(ModuleId::USER),
            10 => pseudo(ModuleId::SYSTEM),
            30 => pseudo(ModuleId::USER),
            70 if matches!(self.request.target, Target::Course(target) if target != course) => {
                pseudo(ModuleId::OUT_OF_TARGET)
            }
            70 => {
                let (context, instance) = (at(&columns.context, row), at(&columns.instance, row));
                let (known, of, place) = self.place;
                if known == context && of == instance {
                    return place;
                }
                let exact = self.request.policy.exactness == Exactness::Exact;
                let place = self.dims.place(context, instance, exact);
                self.place = (context, instance, place);
                place
            }
            _ => pseudo(ModuleId::COURSE),
        }
    }
}

/// A value of a column that may be absent; 0 for NULL too, since nulls of our files hold 0.
#[inline]
fn at(column: &Option<Int64Array>, row: usize) -> i64 {
    column.as_ref().map_or(0, |column| if column.is_valid(row) { column.value(row) } else { 0 })
}

/// The columns of a batch; those that were not read are absent.
struct HitColumns {
    users: Option<Int64Array>,
    times: Option<Int64Array>,
    ids: Option<Int64Array>,
    courses: Option<Int64Array>,
    action: Words,
    target: Words,
    origin: Words,
    real: Option<Int64Array>,
    level: Option<Int64Array>,
    context: Option<Int64Array>,
    instance: Option<Int64Array>,
}

impl HitColumns {
    fn of(positions: &[Option<usize>; COLUMNS.len()], batch: &RecordBatch) -> DfResult<Self> {
        let column = |at: usize| positions[at].map(|position| batch.column(position));
        let ints = |at: usize| column(at).map(as_ints).transpose();
        let words = |at: usize| column(at).map(as_words).transpose().map(Words);
        Ok(Self {
            users: ints(0)?,
            times: ints(1)?,
            ids: ints(2)?,
            courses: ints(3)?,
            action: words(4)?,
            target: words(5)?,
            origin: words(6)?,
            real: ints(7)?,
            level: ints(8)?,
            context: ints(9)?,
            instance: ints(10)?,
        })
    }

    #[inline]
    fn course(&self, row: usize) -> Option<i64> {
        self.courses.as_ref().filter(|courses| courses.is_valid(row)).map(|courses| courses.value(row))
    }

    #[inline]
    fn action(&self, row: usize) -> Action {
        let Some(action) = &self.action.0 else { return Action::Other };
        if action.is_null(row) {
            return Action::Other;
        }
        match action.views()[row] {
            LOGGED_IN | LOGIN => Action::Login,
            LOGGED_OUT | LOGOUT => Action::Logout,
            GRADED if self.target.is(row, USER) => Action::GradedUser,
            _ => Action::Other,
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
