//! [`Call`]: what a read function of the web service is asked.

use super::fault::ServiceFault;
use crate::stats::{Request, Target};
use crate::time::{Exactness, Policy};

/// What identifies a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserSource {
    /// The id.
    Id,
    /// The identifier given by the institution.
    Idnumber,
    /// The login name.
    Username,
    /// The mail address.
    Email,
}

impl UserSource {
    /// The source of this name.
    ///
    /// # Errors
    ///
    /// An invalid parameter for any other name, the empty one included; in the exact arithmetic the failure of PHP that
    /// the plugin has instead.
    pub fn parse(name: &str, exactness: Exactness) -> Result<Self, ServiceFault> {
        match name {
            "id" => Ok(Self::Id),
            "idnumber" => Ok(Self::Idnumber),
            "username" => Ok(Self::Username),
            "email" => Ok(Self::Email),
            _ => Err(unknown("user", name, "id, idnumber, username or email", exactness)),
        }
    }

    /// The column of the table of users.
    pub(in crate::stats) fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Idnumber => "idnumber",
            Self::Username => "username",
            Self::Email => "email",
        }
    }
}

/// What identifies a course.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CourseSource {
    /// The id.
    Id,
    /// The identifier given by the institution.
    Idnumber,
    /// The short name.
    Shortname,
}

impl CourseSource {
    /// The source of this name; `None` for the empty one: no course is meant.
    ///
    /// # Errors
    ///
    /// As [`UserSource::parse`].
    pub fn parse(name: &str, exactness: Exactness) -> Result<Option<Self>, ServiceFault> {
        match name {
            "" => Ok(None),
            "id" => Ok(Some(Self::Id)),
            "idnumber" => Ok(Some(Self::Idnumber)),
            "shortname" => Ok(Some(Self::Shortname)),
            _ => Err(unknown("course", name, "id, idnumber or shortname", exactness)),
        }
    }

    /// The column of the table of courses.
    pub(in crate::stats) fn column(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Idnumber => "idnumber",
            Self::Shortname => "shortname",
        }
    }
}

fn unknown(what: &str, name: &str, allowed: &str, exactness: Exactness) -> ServiceFault {
    if exactness == Exactness::Exact {
        return ServiceFault::missing_new();
    }
    ServiceFault::invalid_parameter(format!("Invalid {what} source {name}: it must be {allowed}"))
}

/// A call of one of the read functions.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// What counts as time spent, and which profile answers.
    pub policy: Policy,
    /// The clock, in Unix seconds.
    pub now: i64,
    /// The course that the request runs in, for the exact arithmetic: a real request runs in the site course, and so
    /// has no activity time. Otherwise it has no influence.
    pub page: Target,
    /// What identifies the users.
    pub uidsource: UserSource,
    /// Identifiers of the users; `get_user_stats` takes the first.
    pub uids: Vec<String>,
    /// What identifies the course; `None` for no course.
    pub cidsource: Option<CourseSource>,
    /// Identifier of the course.
    pub cid: String,
    /// Start of the range, in Unix seconds.
    pub from: i64,
    /// End of the range, in Unix seconds; 0 for now.
    pub to: i64,
    /// Whether grades are wanted.
    pub score: bool,
}

impl Call {
    /// A call for users by their ids: all courses, all times, no grades.
    pub fn new(policy: Policy, now: i64, uids: impl IntoIterator<Item = i64>) -> Self {
        Self {
            policy,
            now,
            page: Target::Course(super::SITE_COURSE),
            uidsource: UserSource::Id,
            uids: uids.into_iter().map(|id| id.to_string()).collect(),
            cidsource: None,
            cid: String::new(),
            from: 0,
            to: 0,
            score: false,
        }
    }

    /// Whether the answer has the defects of the plugin.
    pub(super) fn exact(&self) -> bool {
        self.policy.exactness == Exactness::Exact
    }

    /// The end of the range, in Unix seconds.
    pub(super) fn end(&self) -> i64 {
        if self.to == 0 { self.now } else { self.to }
    }

    /// The computation for these users.
    pub(super) fn request(&self, users: Vec<i64>, target: Target) -> Request {
        let target = if self.exact() { target } else { Target::All };
        let range = Request { from: self.from, to: self.end(), ..Request::new(self.policy.clone(), self.now) };
        Request { target, users: Some(users), ..range }
    }
}
