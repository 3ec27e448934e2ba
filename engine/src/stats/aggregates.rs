//! Aggregates of the users of a request, with what other tables add to them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use datafusion::physical_plan::execute_stream_partitioned;
use futures::TryStreamExt;

use super::aggregate::{Addresses, Aggregate, keep};
use super::lookup::{ints, numbers, texts};
use super::reader::{HitReader, Needs};
use super::request::Request;
use super::source::{LOG, Stats, UserTime};
use crate::error::Result;
use crate::time::{ScormElement, ScormValue, reported};

/// What an aggregate has beside its sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extras {
    /// Sessions.
    pub sessions: bool,
    /// Network addresses of the first and last hit of each course.
    pub addresses: bool,
    /// Times that SCORM packages reported.
    pub packages: bool,
}

impl Default for Extras {
    /// What block_use_stats does always: sessions and the times of packages.
    fn default() -> Self {
        Self { sessions: true, addresses: false, packages: true }
    }
}

/// Values of SCORM packages by user and package.
type Packages = HashMap<(i64, i64), Vec<ScormValue>>;

impl Stats {
    /// The aggregates of the request's users, ordered by user. Users without a hit are not among them.
    ///
    /// # Errors
    ///
    /// As [`Stats::users`].
    pub async fn aggregates(&self, request: &Request, extras: Extras) -> Result<Vec<Aggregate>> {
        let timed = self.timed(request, extras, false).await?;
        Ok(timed.into_iter().map(|(_, aggregate)| aggregate).collect())
    }

    /// Aggregates beside what they were built from.
    pub(super) async fn timed(
        &self,
        request: &Request,
        extras: Extras,
        laps: bool,
    ) -> Result<Vec<(UserTime, Aggregate)>> {
        let times = self.users(request, keep(extras.sessions, laps)).await?;
        let mut timed: Vec<(UserTime, Aggregate)> = Vec::with_capacity(times.len());
        for time in times {
            let aggregate = Aggregate::new(&time, self.dims());
            timed.push((time, aggregate));
        }
        if extras.packages {
            self.raise_to_packages(request, &mut timed).await?;
        }
        if extras.addresses {
            self.address(&mut timed).await?;
        }
        Ok(timed)
    }

    /// Ids of the rows that the policy looks at, in their order, by user. Rows that count nowhere are among them.
    ///
    /// # Errors
    ///
    /// As [`Stats::users`].
    pub async fn selected(&self, request: &Request) -> Result<Vec<(i64, Vec<i64>)>> {
        let state = self.session().state();
        let Some(plan) = self.log.scan(&state, request, Needs { ids: true, places: false }).await? else {
            return Ok(Vec::new());
        };
        let (schema, request) = (plan.schema(), Arc::new(request.clone()));
        let mut users: Vec<(i64, Vec<i64>)> = Vec::new();
        for mut stream in execute_stream_partitioned(plan, state.task_ctx())? {
            let mut reader = HitReader::new(&request, self.dims(), self.log.shape, &schema);
            while let Some(batch) = stream.try_next().await? {
                reader.read(&batch, |user, hit| match users.last_mut() {
                    Some((known, ids)) if *known == user => ids.push(hit.id),
                    _ => users.push((user, vec![hit.id])),
                })?;
            }
        }
        users.sort_by_key(|(user, _)| *user);
        Ok(users)
    }

    async fn raise_to_packages(&self, request: &Request, timed: &mut [(UserTime, Aggregate)]) -> Result<()> {
        let users: Vec<i64> =
            timed.iter().filter(|(_, sums)| sums.packages().next().is_some()).map(|(_, sums)| sums.userid).collect();
        let values = self.package_values(&users).await?;
        let dims = Arc::clone(self.dims());
        for (_, sums) in timed {
            let user = sums.userid;
            let seconds = |cm: i64| {
                let package = dims.activities.get(&cm).map_or(0, |activity| activity.instance);
                values.get(&(user, package)).map_or(0, |values| reported(values, request.from, request.last()))
            };
            sums.raise_to_packages(&dims, seconds);
        }
        Ok(())
    }

    /// What packages reported of these users; nothing where the site lacks one of the tables.
    async fn package_values(&self, users: &[i64]) -> Result<Packages> {
        const SQL: &str = "SELECT a.userid, a.scormid, a.id, e.element, v.value, v.timemodified \
             FROM scorm_scoes_value v JOIN scorm_attempt a ON a.id = v.attemptid JOIN scorm_element e ON e.id = v.elementid \
             WHERE a.userid IN ({})";
        let mut packages = Packages::new();
        let tables = ["scorm_attempt", "scorm_element", "scorm_scoes_value"];
        if users.is_empty() || !tables.iter().all(|table| self.has_table(table)) {
            return Ok(packages);
        }
        for batch in self.rows_of(SQL, &numbers(users.iter().copied())).await? {
            let (user, package) = (ints(&batch, "userid"), ints(&batch, "scormid"));
            let (attempt, modified) = (ints(&batch, "id"), ints(&batch, "timemodified"));
            let (element, value) = (texts(&batch, "element"), texts(&batch, "value"));
            for row in 0..batch.num_rows() {
                let Some(element) = element[row].as_deref().and_then(ScormElement::from_name) else { continue };
                let value = value[row].clone().unwrap_or_default();
                let value = ScormValue { attempt: attempt[row], element, value, modified: modified[row] };
                packages.entry((user[row], package[row])).or_default().push(value);
            }
        }
        Ok(packages)
    }

    async fn address(&self, timed: &mut [(UserTime, Aggregate)]) -> Result<()> {
        let sql = format!("SELECT id, ip FROM {LOG} WHERE userid = $1 AND id IN ({{}})");
        for (_, sums) in timed {
            let ids: BTreeSet<i64> = sums.course.values().flat_map(|sum| [sum.first_id, sum.last_id]).collect();
            let user = numbers([sums.userid]).pop();
            let mut found: HashMap<i64, Option<String>> = HashMap::new();
            for batch in self.rows_with(&sql, user, &numbers(ids)).await? {
                found.extend(ints(&batch, "id").into_iter().zip(texts(&batch, "ip")));
            }
            let of = |id: i64| found.get(&id).cloned().flatten();
            let pair = |(course, sum): (&i64, &crate::time::Counter)| {
                (*course, Addresses { first: of(sum.first_id), last: of(sum.last_id) })
            };
            sums.addresses = sums.course.iter().map(pair).collect();
        }
        Ok(())
    }
}
