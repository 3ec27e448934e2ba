//! [`Stats`]: users of one site in one snapshot, and the time they spent.

use std::sync::Arc;

use datafusion::catalog::{Session as DfSession, TableProvider};
use datafusion::common::Result as DfResult;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::logical_expr::{Expr, col, lit};
use datafusion::physical_plan::{ExecutionPlan, execute_stream_partitioned};
use futures::TryStreamExt;
use tokio::task::JoinSet;

use super::dims::Dims;
use super::fold::Fold;
use super::reader::{LogShape, Needs};
use super::request::Request;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{nearest, quoted};
use crate::query::Session;
use crate::store::{Snapshot, Store, Table, TableScan};
use crate::text::Text;
use crate::time::{Counter, Keep, Key, Lap, Streams, UserSession};

/// Name of the activity log.
pub(super) const LOG: &str = "logstore_standard_log";

/// The time of one user.
#[derive(Debug, Clone)]
pub struct UserTime {
    /// The user.
    pub userid: i64,
    /// Every row that the policy looked at, where laps are kept.
    pub laps: Vec<Lap>,
    /// Sessions, dropped ones included, where sessions are kept.
    pub sessions: Vec<UserSession>,
    /// Totals at the grain that is kept.
    pub totals: Vec<(Key, Counter)>,
}

/// The log of one site in one snapshot, and what the fold must know besides.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    pub(super) store: Arc<Store>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) site: String,
    pub(super) dims: Arc<Dims>,
    pub(super) shape: LogShape,
}

/// The time spent of the users of one site in one snapshot.
#[derive(Debug, Clone)]
pub struct Stats {
    pub(super) log: Arc<Log>,
    session: Session,
}

impl Stats {
    /// The statistics of a log; `session` lends its memory, threads and limits, and its default site is that of the log.
    pub(crate) fn new(log: Arc<Log>, session: Session) -> Self {
        Self { log, session }
    }

    /// Activities, their types and sections.
    pub fn dims(&self) -> &Arc<Dims> {
        &self.log.dims
    }

    /// The snapshot that answers.
    pub fn snapshot(&self) -> &Arc<Snapshot> {
        &self.log.snapshot
    }

    /// The site that answers.
    pub fn site(&self) -> &str {
        &self.log.site
    }

    /// A session of SQL over the same snapshot.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The time of the request's users, ordered by user. Users without a hit are not among them.
    ///
    /// Everything that is kept is held in memory: for all users of a large log, use [`Stats::each_user`] or SQL.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be read, `Limit` for a limit of the session.
    pub async fn users(&self, request: &Request, keep: Keep) -> Result<Vec<UserTime>> {
        self.each_user(request, keep, UserTime::clone).await
    }

    /// What `make` makes of the time of each of the request's users, ordered by user; the time itself is dropped as
    /// soon as its user is complete.
    ///
    /// # Errors
    ///
    /// As [`Stats::users`].
    pub async fn each_user<T: Send + 'static>(
        &self,
        request: &Request,
        keep: Keep,
        make: fn(&UserTime) -> T,
    ) -> Result<Vec<T>> {
        let state = self.session.state();
        let needs = Needs { ids: true, places: true };
        let Some(plan) = self.log.scan(&state, request, needs).await? else { return Ok(Vec::new()) };
        let request = Arc::new(request.clone());
        let schema = plan.schema();
        let streams = execute_stream_partitioned(plan, state.task_ctx())?;
        // A set of tasks ends with its owner: a caller that leaves stops the work.
        let mut tasks = JoinSet::new();
        for stream in streams {
            let fold = Fold::new(&request, &self.log.dims, self.log.shape, &schema, keep);
            tasks.spawn(collect(stream, fold, make));
        }
        let mut users = Vec::new();
        while let Some(part) = tasks.join_next().await {
            users.extend(part.map_err(|error| Error::bug("a task failed").because(error))??);
        }
        users.sort_by_key(|(userid, _)| *userid);
        Ok(users.into_iter().map(|(_, made)| made).collect())
    }
}

impl Log {
    /// Reads what the fold must know of a site.
    pub(super) async fn load(store: &Arc<Store>, snapshot: &Arc<Snapshot>, site: &str) -> Result<Self> {
        let manifest = snapshot.manifest();
        if !manifest.sites.contains_key(site) && site != manifest.default_site {
            let Text { en, fr } = match nearest(site, manifest.sites.keys().map(String::as_str)) {
                Some(near) => crate::text!("; did you mean `{near}`?", " ; vouliez-vous dire `{near}` ?"),
                None => crate::text!("", ""),
            };
            let site = quoted(site);
            return Err(Error::new(
                ErrorKind::NotFound,
                crate::text!("no site `{site}`{en}", "aucun site `{site}`{fr}"),
            ));
        }
        Ok(Self {
            store: Arc::clone(store),
            snapshot: Arc::clone(snapshot),
            site: site.to_owned(),
            dims: Arc::new(Dims::load(store, snapshot, site).await?),
            shape: shape(snapshot, site),
        })
    }

    /// The rows of the log that the request may look at, clustered by user; `None` when the site has no log.
    pub(super) async fn scan(
        &self,
        state: &dyn DfSession,
        request: &Request,
        needs: Needs,
    ) -> DfResult<Option<Arc<dyn ExecutionPlan>>> {
        let Some(table) = self.snapshot.manifest().table(&self.site, LOG) else { return Ok(None) };
        let Some(scan) = TableScan::try_new(&self.store, &self.snapshot, &self.site, LOG, false) else {
            return Ok(None);
        };
        let schema = scan.schema();
        let wanted = needs.columns(request, self.shape, self.dims.contexts.is_some());
        let projection: Vec<usize> = wanted.iter().filter_map(|name| schema.index_of(name).ok()).collect();
        scan.scan(state, Some(&projection), &filters(table, request), None).await.map(Some)
    }
}

/// What the scan can leave out: users that are not asked for, and times outside of the range where files have them.
fn filters(table: &Table, request: &Request) -> Vec<Expr> {
    let mut filters = Vec::new();
    if let Some(users) = &request.users {
        filters.push(match users.as_slice() {
            [user] => col("userid").eq(lit(*user)),
            users => col("userid").in_list(users.iter().map(|user| lit(*user)).collect(), false),
        });
    }
    let ranges = table.files.iter().filter_map(|file| file.int_range("timecreated"));
    let (first, last) = ranges.fold((i64::MAX, i64::MIN), |sum, range| (sum.0.min(range.0), sum.1.max(range.1)));
    if first < request.from {
        filters.push(col("timecreated").gt_eq(lit(request.from)));
    }
    if last > request.last() {
        filters.push(col("timecreated").lt_eq(lit(request.last())));
    }
    filters
}

/// Which columns of the log hold anything.
fn shape(snapshot: &Snapshot, site: &str) -> LogShape {
    let filled = |name: &str| {
        let table = snapshot.manifest().table(site, LOG);
        table.is_some_and(|table| {
            table.files.iter().any(|file| file.columns.get(name).is_some_and(|stats| stats.nulls < file.rows))
        })
    };
    LogShape { has_origin: filled("origin"), has_course: filled("courseid"), has_real_user: filled("realuserid") }
}

/// Folds a stream whose users come one after the other.
async fn collect<T>(
    mut stream: SendableRecordBatchStream,
    mut fold: Fold,
    make: fn(&UserTime) -> T,
) -> Result<Vec<(i64, T)>> {
    let mut users = Vec::new();
    let mut take = |userid: i64, streams: &Streams| {
        let user = UserTime {
            userid,
            laps: streams.laps().to_vec(),
            sessions: streams.all_sessions().to_vec(),
            totals: streams.totals().to_vec(),
        };
        users.push((userid, make(&user)));
    };
    while let Some(batch) = stream.try_next().await? {
        fold.push(&batch, &mut take)?;
    }
    fold.finish(&mut take);
    Ok(users)
}
