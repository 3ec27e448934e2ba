//! Users and courses by their identifiers, and grades.

use std::collections::{BTreeSet, HashMap};

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;

use super::answer::{Score, UserIdentity};
use super::call::{Call, CourseSource, UserSource};
use super::fault::{ServiceFault, ServiceResult};
use crate::error::Result;
use crate::stats::Stats;
use crate::stats::lookup::{floats, ints, numbers, texts};

/// What the answers say of a course.
#[derive(Debug, Clone)]
pub(super) struct CourseIdentity {
    pub(super) id: i64,
    pub(super) idnumber: String,
    pub(super) shortname: String,
    pub(super) fullname: String,
}

/// Grades by user and course; a course that is missing has none, `None` is a grade without number.
pub(super) type Scores = HashMap<(i64, i64), Option<f64>>;

/// The score of a user in a course; `None` for scores that were not asked for.
pub(super) fn score(scores: Option<&Scores>, user: i64, course: i64) -> Score {
    match scores.map(|scores| scores.get(&(user, course))) {
        None => Score::NotAsked,
        Some(None) => Score::Text("-".to_owned()),
        Some(Some(None)) => Score::Null,
        Some(Some(Some(grade))) => Score::Text(format!("{grade:.5}")),
    }
}

impl Stats {
    /// The users of a call, in its order.
    pub(super) async fn people(&self, call: &Call) -> ServiceResult<Vec<UserIdentity>> {
        let source = call.uidsource;
        let wanted: BTreeSet<&str> = call.uids.iter().map(String::as_str).collect();
        let known = self.known_users(source, &wanted).await?;
        let user = |uid: &String| {
            known.get(uid.as_str()).cloned().ok_or_else(|| {
                // The plugin says `username` for mail addresses too.
                let named = if call.exact() && source == UserSource::Email { "username" } else { source.column() };
                ServiceFault::invalid_parameter(format!("Invalid user by {named} {uid}"))
            })
        };
        Ok(call.uids.iter().map(user).collect::<Result<Vec<_>, _>>()?)
    }

    async fn known_users(&self, source: UserSource, wanted: &BTreeSet<&str>) -> Result<HashMap<String, UserIdentity>> {
        let mut known: HashMap<String, UserIdentity> = HashMap::new();
        if !self.has_table("user") {
            return Ok(known);
        }
        let column = source.column();
        let sql = format!("SELECT id, username, idnumber, {column} AS uid FROM \"user\" WHERE {column} IN ({{}})");
        let values = identifiers(wanted.iter().copied(), source == UserSource::Id);
        for batch in self.rows_of(&sql, &values).await? {
            let (id, uid) = (ints(&batch, "id"), texts(&batch, "uid"));
            let (username, idnumber) = (texts(&batch, "username"), texts(&batch, "idnumber"));
            for row in 0..batch.num_rows() {
                let text = |texts: &[Option<String>]| texts[row].clone().unwrap_or_default();
                let user = UserIdentity { id: id[row], idnumber: text(&idnumber), username: text(&username) };
                let first = known.entry(text(&uid)).or_insert_with(|| user.clone());
                if user.id < first.id {
                    *first = user;
                }
            }
        }
        Ok(known)
    }

    /// The course of a call; `None` when it means all courses.
    pub(super) async fn one_course(&self, call: &Call) -> ServiceResult<Option<CourseIdentity>> {
        let Some(source) = call.cidsource else { return Ok(None) };
        let cid = call.cid.as_str();
        if !call.exact() && (cid.is_empty() || cid == "0") {
            return Ok(None);
        }
        let mut found = Vec::new();
        if self.has_table("course") {
            let column = source.column();
            let sql =
                format!("SELECT id, idnumber, shortname, fullname FROM course WHERE {column} IN ({{}}) ORDER BY id");
            let batches = self.rows_of(&sql, &identifiers([cid], source == CourseSource::Id)).await?;
            found.extend(batches.iter().flat_map(courses));
        }
        match found.into_iter().min_by_key(|course| course.id) {
            Some(course) => Ok(Some(course)),
            None => Err(no_course(call, source).into()),
        }
    }

    /// The courses of these ids that exist.
    pub(super) async fn courses_of(&self, ids: BTreeSet<i64>) -> Result<HashMap<i64, CourseIdentity>> {
        if !self.has_table("course") {
            return Ok(HashMap::new());
        }
        let sql = "SELECT id, idnumber, shortname, fullname FROM course WHERE id IN ({})";
        let batches = self.rows_of(sql, &numbers(ids)).await?;
        Ok(batches.iter().flat_map(courses).map(|course| (course.id, course)).collect())
    }

    /// The grades of these users in all courses, as their modules gave them; `None` when they are not asked for.
    pub(super) async fn scores(&self, call: &Call, users: &[UserIdentity]) -> Result<Option<Scores>> {
        let mut scores = Scores::new();
        if !call.score {
            return Ok(None);
        }
        if self.has_table("grade_items") && self.has_table("grade_grades") {
            let sql = "SELECT i.courseid, g.userid, g.rawgrade FROM grade_items i JOIN grade_grades g ON g.itemid = i.id \
                 WHERE i.itemtype = 'course' AND g.userid IN ({})";
            let ids: BTreeSet<i64> = users.iter().map(|user| user.id).collect();
            for batch in self.rows_of(sql, &numbers(ids)).await? {
                let keys = ints(&batch, "userid").into_iter().zip(ints(&batch, "courseid"));
                scores.extend(keys.zip(floats(&batch, "rawgrade")));
            }
        }
        Ok(Some(scores))
    }
}

fn no_course(call: &Call, source: CourseSource) -> ServiceFault {
    // The plugin says `idnumber` for short names too.
    let named = if call.exact() && source == CourseSource::Shortname { "idnumber" } else { source.column() };
    ServiceFault::invalid_parameter(format!("Invalid course by {named} {}", call.cid))
}

/// Identifiers as parameters. Ids that are no numbers identify nothing.
fn identifiers<'a>(texts: impl IntoIterator<Item = &'a str>, are_ids: bool) -> Vec<ScalarValue> {
    let texts = texts.into_iter();
    if are_ids {
        return numbers(texts.filter_map(|text| text.parse().ok()));
    }
    texts.map(|text| ScalarValue::Utf8(Some(text.to_owned()))).collect()
}

fn courses(batch: &RecordBatch) -> Vec<CourseIdentity> {
    let id = ints(batch, "id");
    let [idnumber, shortname, fullname] = ["idnumber", "shortname", "fullname"].map(|name| texts(batch, name));
    let course = |row: usize| {
        let text = |texts: &[Option<String>]| texts[row].clone().unwrap_or_default();
        let (idnumber, shortname, fullname) = (text(&idnumber), text(&shortname), text(&fullname));
        CourseIdentity { id: id[row], idnumber, shortname, fullname }
    };
    (0..batch.num_rows()).map(course).collect()
}
