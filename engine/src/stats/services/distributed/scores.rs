//! `use_stats_rpc_get_scores`: the grade of a user in a course.

use super::call::ScoresCall;
use super::fault::{DistributedError, DistributedFault, DistributedResult, status};
use super::people::Person;
use crate::error::Result;
use crate::stats::Stats;
use crate::stats::lookup::{floats, numbers};
use crate::stats::services::people::CourseIdentity;
use crate::stats::services::{Call, CourseSource, ServiceError};
use crate::time::{Exactness, Policy};

/// The one scope that has an answer: the grade of the course.
const GLOBAL: &str = "notes/global";

/// The course of a score.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScoredCourse {
    /// Full name.
    pub name: String,
    /// Short name.
    pub shortname: String,
    /// The identifier given by the institution; may be empty.
    pub idnumber: String,
}

/// Answer of `use_stats_rpc_get_scores`.
#[derive(Debug, Clone, PartialEq)]
pub enum DistributedScores {
    /// No such scope; in the exact arithmetic there is none at all.
    NotImplemented,
    /// The grade of a course.
    Grade {
        /// The user.
        user: Person,
        /// The course.
        course: ScoredCourse,
        /// Raw grade of the course; `None` when it has none for the user.
        score: Option<f64>,
    },
}

impl Stats {
    /// A score of one user, as another site asks for it.
    ///
    /// # Errors
    ///
    /// A refusal for the caller, the course or the target, in this order.
    pub async fn distributed_scores(&self, call: &ScoresCall) -> DistributedResult<DistributedScores> {
        self.check_caller(&call.calling, &call.hosts, call.capability, call.exactness).await?;
        self.passed_on_scores(call).await
    }

    /// [`Self::distributed_scores`] for a caller whom another site of this store has checked and passed on.
    ///
    /// # Errors
    ///
    /// As [`Self::distributed_scores`], but for the caller.
    pub async fn passed_on_scores(&self, call: &ScoresCall) -> DistributedResult<DistributedScores> {
        let course = self.scored_course(call).await?;
        let account = self.target(&call.target, &call.hosts).await?;
        if call.exactness == Exactness::Exact || call.scope != GLOBAL {
            return Ok(DistributedScores::NotImplemented);
        }
        let score = self.course_grade(account.id, course.id).await?;
        let course = ScoredCourse { name: course.fullname, shortname: course.shortname, idnumber: course.idnumber };
        Ok(DistributedScores::Grade { user: account.person, course, score })
    }

    async fn scored_course(&self, call: &ScoresCall) -> DistributedResult<CourseIdentity> {
        let unknown = || DistributedError::from(DistributedFault::call(status::RECORD, "Unkown course."));
        let source = CourseSource::parse(&call.field, Exactness::Corrected).map_err(|_| unknown())?;
        // Courses may lack a number of their own, and then none of them is meant.
        if call.identifier.is_empty() && call.exactness == Exactness::Corrected {
            return Err(unknown());
        }
        let cid = call.identifier.clone();
        // In the exact arithmetic an empty identifier and 0 are identifiers like others, and not all courses.
        let lookup = Call { cidsource: source, cid, ..Call::new(Policy::use_stats_compat(), 0, []) };
        match self.one_course(&lookup).await {
            Ok(course) => course.ok_or_else(unknown),
            Err(ServiceError::Fault(_)) => Err(unknown()),
            Err(ServiceError::Engine(error)) => Err(error.into()),
        }
    }

    /// Raw grade of a user in a course.
    async fn course_grade(&self, user: i64, course: i64) -> Result<Option<f64>> {
        if !(self.has_table("grade_items") && self.has_table("grade_grades")) {
            return Ok(None);
        }
        let sql = "SELECT g.rawgrade FROM grade_items i JOIN grade_grades g ON g.itemid = i.id \
             WHERE i.itemtype = 'course' AND g.userid = $1 AND i.courseid IN ({}) ORDER BY g.id";
        let batches = self.rows_with(sql, numbers([user]).pop(), &numbers([course])).await?;
        Ok(batches.iter().flat_map(|batch| floats(batch, "rawgrade")).next().flatten())
    }
}
