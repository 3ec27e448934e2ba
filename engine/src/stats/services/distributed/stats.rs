//! `use_stats_rpc_get_stats`: time of a user, of the whole site, by course or by module.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::physical_plan::execute_stream_partitioned;
use futures::TryStreamExt;

use super::call::StatsCall;
use super::fault::{DistributedError, DistributedFault, DistributedResult, status};
use super::people::Person;
use crate::error::Result;
use crate::stats::lookup::{ints, numbers, texts};
use crate::stats::reader::{HitReader, Needs};
use crate::stats::services::ServiceFault;
use crate::stats::{Request, Stats};
use crate::time::{BackwardTime, Exactness, Seconds};

/// Least time of a course that is listed, in seconds.
const LEAST_COURSE: i64 = 5 * 60;

/// Least time of a module that is listed, in seconds.
const LEAST_MODULE: i64 = 2 * 60;

/// Time of a course, by [`BackwardTime`]'s rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseTime {
    /// Full name; empty only in the exact arithmetic, for what is no course.
    pub name: String,
    /// Short name; empty as `name`.
    pub shortname: String,
    /// The identifier given by the institution; may be empty.
    pub idnumber: String,
    /// Seconds, 300 or more.
    pub elapsed: i64,
}

/// Time of an activity, by [`BackwardTime`]'s rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleTime {
    /// Name; type and number where the site has no table of its type.
    pub name: String,
    /// Type, such as `quiz`.
    pub kind: String,
    /// The identifier given by the teacher; may be empty.
    pub idnumber: String,
    /// Seconds, 120 or more.
    pub elapsed: i64,
}

/// What the time of the site is made of, as far as the scope asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breakdown {
    /// Scope 1: the sum alone.
    Site,
    /// Scope 2: courses of five minutes or more, in order of appearance.
    Courses(Vec<CourseTime>),
    /// Scope 3: modules of two minutes or more, in order of appearance.
    Modules(Vec<ModuleTime>),
}

/// Answer of `use_stats_rpc_get_stats`. Times are printed in whole minutes, rounded down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributedStats {
    /// The user.
    pub user: Person,
    /// Start of the range, in Unix seconds.
    pub from: i64,
    /// Seconds in the whole site.
    pub elapsed: i64,
    /// Courses or modules.
    pub breakdown: Breakdown,
}

impl Stats {
    /// The time of one user, as another site asks for it; `None` without any row.
    ///
    /// # Errors
    ///
    /// A refusal for the caller, the scope or the target; in the exact arithmetic also the exception in which the
    /// plugin ends as soon as it would list a course in scope 3.
    pub async fn distributed_stats(&self, call: &StatsCall) -> DistributedResult<Option<DistributedStats>> {
        self.check_caller(&call.calling, &call.hosts, call.capability, call.policy.exactness).await?;
        self.passed_on_stats(call).await
    }

    /// [`Self::distributed_stats`] for a caller whom another site of this store has checked and passed on.
    ///
    /// # Errors
    ///
    /// As [`Self::distributed_stats`], but for the caller.
    pub async fn passed_on_stats(&self, call: &StatsCall) -> DistributedResult<Option<DistributedStats>> {
        let exact = call.policy.exactness == Exactness::Exact;
        if !exact && !(1..=3).contains(&call.scope) {
            return Err(DistributedFault::call(status::DATA, "Bad statistics scope.").into());
        }
        let mut account = self.target(&call.target, &call.hosts).await?;
        let time = self.backward_time(call, account.id).await?;
        if time.rows() == 0 {
            return Ok(None);
        }
        if exact {
            account.person.lastname.clear();
        }
        let breakdown = match call.scope {
            3 if !exact => Breakdown::Modules(self.module_times(&time).await?),
            2.. => Breakdown::Courses(self.course_times(&time, call).await?),
            _ => Breakdown::Site,
        };
        Ok(Some(DistributedStats { user: account.person, from: call.from, elapsed: time.total(), breakdown }))
    }

    /// The sums of a user's rows, which the policy selects.
    async fn backward_time(&self, call: &StatsCall, user: i64) -> Result<BackwardTime> {
        let mut request = Request::new(call.policy.clone(), call.now);
        (request.from, request.users) = (call.from, Some(vec![user]));
        // The plugin means the site's setting, and asks for it in a place where there is none.
        let exact = call.policy.exactness == Exactness::Exact;
        let threshold = if exact { Seconds::HOUR } else { call.policy.gap.threshold };
        let mut time = BackwardTime::new(call.from, threshold);
        let needs = Needs { ids: true, places: call.scope == 3 && !exact };
        let state = self.session().state();
        let Some(plan) = self.log.scan(&state, &request, needs).await? else { return Ok(time) };
        let (schema, request) = (plan.schema(), Arc::new(request));
        for mut stream in execute_stream_partitioned(plan, state.task_ctx())? {
            let mut reader = HitReader::new(&request, self.dims(), self.log.shape, &schema);
            while let Some(batch) = stream.try_next().await? {
                reader.read(&batch, |_, hit| time.push(&hit))?;
            }
        }
        Ok(time)
    }

    async fn course_times(&self, time: &BackwardTime, call: &StatsCall) -> DistributedResult<Vec<CourseTime>> {
        let exact = call.policy.exactness == Exactness::Exact;
        let listed: Vec<(i64, i64)> = at_least(time.courses(), LEAST_COURSE);
        if exact && call.scope > 2 && !listed.is_empty() {
            return Err(DistributedError::Stopped(ServiceFault {
                exception: "Error",
                errorcode: None,
                message: "Unsupported operand types".to_owned(),
                detail: None,
            }));
        }
        let mut known = self.courses_of(listed.iter().map(|(course, _)| *course).collect()).await?;
        let mut times = Vec::with_capacity(listed.len());
        for (course, elapsed) in listed {
            let (name, shortname, idnumber) = match known.remove(&course) {
                Some(found) => (found.fullname, found.shortname, found.idnumber),
                // The plugin lists what is no course, or none any more, without names.
                None if exact => Default::default(),
                None => continue,
            };
            times.push(CourseTime { name, shortname, idnumber, elapsed });
        }
        Ok(times)
    }

    async fn module_times(&self, time: &BackwardTime) -> Result<Vec<ModuleTime>> {
        let listed = at_least(time.activities(), LEAST_MODULE);
        let ids: BTreeSet<i64> = listed.iter().map(|(cm, _)| *cm).collect();
        let names = self.activity_names(&ids).await?;
        let mut idnumbers = HashMap::new();
        if self.has_table("course_modules") {
            let sql = "SELECT id, idnumber FROM course_modules WHERE id IN ({})";
            for batch in self.rows_of(sql, &numbers(ids)).await? {
                idnumbers.extend(ints(&batch, "id").into_iter().zip(texts(&batch, "idnumber")));
            }
        }
        let module = |(cm, elapsed): (i64, i64)| {
            let kind = self.kind(cm).to_owned();
            let name = names.get(&cm).cloned().unwrap_or_else(|| format!("{kind} {cm}"));
            ModuleTime { name, kind, idnumber: idnumbers.get(&cm).cloned().flatten().unwrap_or_default(), elapsed }
        };
        Ok(listed.into_iter().map(module).collect())
    }

    /// Names of activities by course-module id, of those whose type has its table in the site.
    async fn activity_names(&self, ids: &BTreeSet<i64>) -> Result<HashMap<i64, String>> {
        let mut by_type: HashMap<&str, HashMap<i64, i64>> = HashMap::new();
        for cm in ids {
            if let Some(activity) = self.dims().activities.get(cm) {
                by_type.entry(self.kind(*cm)).or_default().insert(activity.instance, *cm);
            }
        }
        let mut names = HashMap::new();
        for (kind, instances) in by_type {
            if !self.names_activities(kind).await? {
                continue;
            }
            let sql = format!("SELECT id, CAST(name AS STRING) AS name FROM \"{kind}\" WHERE id IN ({{}})");
            for batch in self.rows_of(&sql, &numbers(instances.keys().copied())).await? {
                let found = ints(&batch, "id").into_iter().zip(texts(&batch, "name"));
                names.extend(found.filter_map(|(instance, name)| Some((*instances.get(&instance)?, name?))));
            }
        }
        Ok(names)
    }

    /// The type of an activity.
    fn kind(&self, cm: i64) -> &str {
        let dims = self.dims();
        let module = dims.activities.get(&cm).map(|activity| activity.module).or(dims.unknown);
        module.map_or("", |module| dims.module_name(module))
    }

    /// Whether the site has a table of this type of activities, with their names. The type is a value of a table, and
    /// goes into a query only when it is a plain word.
    async fn names_activities(&self, kind: &str) -> Result<bool> {
        let plain = kind.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if !plain || !self.has_table(kind) {
            return Ok(false);
        }
        let columns = self.session().columns(kind).await?;
        Ok(["id", "name"].iter().all(|name| columns.iter().any(|column| column.name == *name)))
    }
}

fn at_least(times: &[(i64, i64)], least: i64) -> Vec<(i64, i64)> {
    times.iter().copied().filter(|(_, elapsed)| *elapsed >= least).collect()
}
