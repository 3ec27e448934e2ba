//! `get_user_stats`, `get_users_stats` and `get_users_course_stats`.

use std::collections::{BTreeSet, HashMap};

use super::SITE_COURSE;
use super::answer::{CourseData, CourseStats, QueryRange, UserCourseStats, UserIdentity, UserStats};
use super::call::Call;
use super::fault::{ServiceFault, ServiceResult};
use super::figures::SessionFigures;
use super::people::{CourseIdentity, Scores, score};
use crate::stats::shared_sessions::SharedSessions;
use crate::stats::{Aggregate, Extras, SessionTime, Stats, Target, UserTime};

/// What the log tells of the users of a call.
struct Answers<'a> {
    call: &'a Call,
    users: HashMap<i64, (UserTime, Aggregate)>,
    scores: Option<Scores>,
    /// Sessions of the users so far, where they leak.
    shared: Option<SharedSessions>,
}

impl Stats {
    /// The time of one user: sessions, and all courses, or those of the call.
    ///
    /// # Errors
    ///
    /// A fault for an unknown user or course; in the exact arithmetic also where the plugin stops.
    pub async fn get_user_stats(&self, call: &Call) -> ServiceResult<UserStats> {
        let uids = call.uids.iter().take(1).cloned().collect();
        let mut answers = self.get_users_stats(&Call { uids, ..call.clone() }).await?;
        Ok(answers
            .pop()
            .ok_or_else(|| ServiceFault::invalid_parameter(format!("Invalid user by {} ", call.uidsource.column())))?)
    }

    /// The time of several users, in the order of the call. In the exact arithmetic the sessions of each user begin
    /// with those of the users before.
    ///
    /// # Errors
    ///
    /// As [`Stats::get_user_stats`]: one unknown user fails the call.
    pub async fn get_users_stats(&self, call: &Call) -> ServiceResult<Vec<UserStats>> {
        let people = self.people(call).await?;
        let only = self.one_course(call).await?;
        let mut answers = self.answers(call, &people, call.page).await?;
        let visited = answers.users.values().flat_map(|(_, sums)| sums.coursetotal.keys().copied()).collect();
        let mut courses = self.courses_of(visited).await?;
        if let Some(only) = only.filter(|_| !call.exact()) {
            courses.retain(|id, _| *id == only.id);
        }
        let query = QueryRange { from: call.from, to: call.end() };
        Ok(people.iter().map(|user| answers.user(user, query, &courses)).collect())
    }

    /// The time of several users in one course, in the order of the call.
    ///
    /// # Errors
    ///
    /// As [`Stats::get_users_stats`]; a fault also when the call names no course.
    pub async fn get_users_course_stats(&self, call: &Call) -> ServiceResult<Vec<UserCourseStats>> {
        let people = self.people(call).await?;
        let Some(course) = self.one_course(call).await? else {
            let named = call.cidsource.map_or("id", super::CourseSource::column);
            return Err(ServiceFault::invalid_parameter(format!("Invalid course by {named} {}", call.cid)).into());
        };
        let mut answers = self.answers(call, &people, Target::Course(course.id)).await?;
        Ok(people.iter().map(|user| answers.in_course(user, &course)).collect())
    }

    async fn answers<'a>(&self, call: &'a Call, people: &[UserIdentity], target: Target) -> ServiceResult<Answers<'a>> {
        let ids: BTreeSet<i64> = people.iter().map(|user| user.id).collect();
        // With one user there is nobody to leak from.
        let leaks = call.exact() && people.len() > 1;
        let mut users = HashMap::new();
        if !ids.is_empty() {
            let request = call.request(ids.into_iter().collect(), target);
            for (time, sums) in self.timed(&request, Extras::default(), leaks).await? {
                if let Some(fault) = sums.section_fault.filter(|_| call.exact()) {
                    return Err(ServiceFault::stopped(fault.to_string()).into());
                }
                users.insert(time.userid, (time, sums));
            }
        }
        let shared = leaks.then(|| SharedSessions::new(call.policy.session_per_course));
        Ok(Answers { call, users, scores: self.scores(call, people).await?, shared })
    }
}

impl Answers<'_> {
    fn user(&mut self, user: &UserIdentity, query: QueryRange, courses: &HashMap<i64, CourseIdentity>) -> UserStats {
        let mut answer = UserStats { user: user.clone(), query, sessions: None, courses: Vec::new() };
        let sessions = self.sessions(user.id);
        let Some((_, sums)) = self.users.get(&user.id) else { return answer };
        let exact = self.call.exact();
        if exact && sums.course.is_empty() {
            return answer;
        }
        answer.sessions = SessionFigures::of(&sessions, exact);
        let listed = Aggregate::in_order(if exact { &sums.course } else { &sums.coursetotal });
        let listed = listed.into_iter().filter(|id| *id != 0 && *id != SITE_COURSE);
        let known = listed.filter_map(|id| courses.get(&id));
        answer.courses = known.map(|course| self.course(sums, user.id, course)).collect();
        answer
    }

    fn in_course(&mut self, user: &UserIdentity, course: &CourseIdentity) -> UserCourseStats {
        let sessions = self.sessions(user.id);
        let coursedata = match self.users.get(&user.id) {
            Some((_, sums)) if !(self.call.exact() && sums.course.is_empty()) => CourseData {
                course: self.course(sums, user.id, course),
                firstsession: sessions.first().map_or(0, |session| session.start),
                lastsession: Some(sessions.last().map_or(0, |session| session.start)),
            },
            _ => CourseData { course: self.nothing(), firstsession: 0, lastsession: Some(0) },
        };
        UserCourseStats { user: user.clone(), coursedata }
    }

    /// The sessions that the plugin sees of this user.
    fn sessions(&mut self, user: i64) -> Vec<SessionTime> {
        let Some((time, sums)) = self.users.get(&user) else { return Vec::new() };
        match &mut self.shared {
            Some(shared) => {
                shared.take(&time.laps);
                shared.sessions().to_vec()
            }
            None => sums.sessions.clone(),
        }
    }

    fn course(&self, sums: &Aggregate, user: i64, course: &CourseIdentity) -> CourseStats {
        let exact = self.call.exact();
        let seconds =
            |sum: &std::collections::BTreeMap<i64, crate::time::Counter>, id| sum.get(&id).map(|sum| sum.elapsed);
        let or_null = |seconds: Option<i64>| if exact { seconds } else { Some(seconds.unwrap_or(0)) };
        CourseStats {
            id: course.id,
            idnumber: course.idnumber.clone(),
            shortname: course.shortname.clone(),
            fullname: course.fullname.clone(),
            activitytime: seconds(&sums.activities, course.id).unwrap_or(0),
            coursetime: or_null(seconds(&sums.course, course.id)),
            coursetotal: or_null(seconds(&sums.coursetotal, course.id)),
            othertime: seconds(&sums.other, course.id).filter(|_| !exact).unwrap_or(0),
            sitecoursetime: seconds(&sums.course, SITE_COURSE).unwrap_or(0),
            score: score(self.scores.as_ref(), user, course.id),
        }
    }

    /// A user without any hit.
    fn nothing(&self) -> CourseStats {
        let dash = || "-".to_owned();
        CourseStats {
            idnumber: dash(),
            shortname: dash(),
            fullname: dash(),
            coursetime: Some(0),
            coursetotal: Some(0),
            score: score(self.scores.as_ref(), 0, 0),
            ..CourseStats::default()
        }
    }
}
