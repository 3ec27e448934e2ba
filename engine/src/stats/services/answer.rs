//! The answers of the read functions.

use super::figures::SessionFigures;

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserIdentity {
    /// The id.
    pub id: i64,
    /// The identifier given by the institution; may be empty.
    pub idnumber: String,
    /// The login name.
    pub username: String,
}

/// The range that was computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryRange {
    /// Start, in Unix seconds.
    pub from: i64,
    /// End, in Unix seconds.
    pub to: i64,
}

/// A grade of a course.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Score {
    /// Grades were not asked for: the field is left out.
    #[default]
    NotAsked,
    /// The course is graded, and the user has no number yet: NULL.
    Null,
    /// The number with five decimals, or `-` when the course has no grade or the user none in it.
    Text(String),
}

/// Time of a user in a course, in seconds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CourseStats {
    /// The course.
    pub id: i64,
    /// The identifier given by the institution; may be empty.
    pub idnumber: String,
    /// Short name.
    pub shortname: String,
    /// Full name.
    pub fullname: String,
    /// Its activities.
    pub activitytime: i64,
    /// Its own pages; `None` only in the exact arithmetic, for a course that the user did not open.
    pub coursetime: Option<i64>,
    /// Everything in it; `None` as `coursetime`.
    pub coursetotal: Option<i64>,
    /// Neither its pages nor its activities; always 0 in the exact arithmetic.
    pub othertime: i64,
    /// Pages of the site course: the same for every course.
    pub sitecoursetime: i64,
    /// Its grade.
    pub score: Score,
}

/// Answer of `get_user_stats`, and one item of that of `get_users_stats`.
#[derive(Debug, Clone, PartialEq)]
pub struct UserStats {
    /// The user.
    pub user: UserIdentity,
    /// The range.
    pub query: QueryRange,
    /// Figures of the sessions; `None` without any.
    pub sessions: Option<SessionFigures>,
    /// Courses, in order of the user's first hit in them.
    pub courses: Vec<CourseStats>,
}

/// Time of a user in the one course of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseData {
    /// The course with its figures. Without any hit of the user the id is 0 and the texts are `-`.
    pub course: CourseStats,
    /// Start of the user's first session in any course, in Unix seconds; 0 for none.
    pub firstsession: i64,
    /// Start of the last one; 0 for none. Older versions of the plugin answer NULL for a single session.
    pub lastsession: Option<i64>,
}

/// One item of the answer of `get_users_course_stats`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCourseStats {
    /// The user.
    pub user: UserIdentity,
    /// The course.
    pub coursedata: CourseData,
}
