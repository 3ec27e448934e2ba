//! The table functions of SQL: `course_time('use_stats', '2024-01-01', '2024-07-01')` and its siblings.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use async_trait::async_trait;
use chrono_tz::Tz;
use datafusion::catalog::{Session, TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{DataFusionError, Result as DfResult, ScalarValue};
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::prelude::SessionContext;

use super::cache::LogCache;
use super::exec::{SpentExec, Work};
use super::library_view::{LibraryView, VIEWS};
use super::output::Output;
use super::request::Request;
use super::settings::Settings;
use super::source::Log;
use crate::error::{Error, ErrorKind};
use crate::fault::quoted;
use crate::functions;
use crate::privacy::{PrivateTable, PseudonymKey, Pseudonyms};
use crate::store::{Snapshot, Store};
use crate::time::{DayEdge, Policy, moment};

/// Most arguments of a call: policy, from, to, site.
const MAX_ARGUMENTS: usize = 4;

/// What the table functions of one session work on.
#[derive(Debug)]
pub(crate) struct Library {
    store: Arc<Store>,
    snapshot: Arc<Snapshot>,
    /// The site where a call names none.
    site: String,
    settings: Settings,
    cache: Arc<LogCache>,
    /// The key of the pseudonyms in which the rows speak of users; `None` for their numbers.
    pseudonyms: Option<PseudonymKey>,
}

impl Library {
    pub(crate) fn new(
        store: &Arc<Store>,
        snapshot: &Arc<Snapshot>,
        site: &str,
        settings: &Settings,
        cache: &Arc<LogCache>,
    ) -> Self {
        Self {
            store: Arc::clone(store),
            snapshot: Arc::clone(snapshot),
            site: site.to_owned(),
            settings: settings.clone(),
            cache: Arc::clone(cache),
            pseudonyms: None,
        }
    }

    /// The same functions, whose rows speak of users by pseudonyms. Library views are made of the session's tables
    /// and of these functions, so they have pseudonyms already.
    pub(crate) fn with_pseudonyms(self, key: Option<&PseudonymKey>) -> Self {
        Self { pseudonyms: key.cloned(), ..self }
    }

    /// Makes all table functions known to a session.
    pub(crate) fn register(self: &Arc<Self>, context: &SessionContext) {
        for (name, output) in Output::ALL {
            context.register_udtf(name, Arc::new(SpentFunction { name, output, shared: Arc::clone(self) }));
        }
        for (name, sql) in VIEWS {
            context.register_udtf(name, Arc::new(LibraryView { name, sql, shared: Arc::clone(self) }));
        }
        let Settings { policies, policy, now, .. } = self.settings.clone();
        context.register_udaf(functions::use_stats(policies, &policy, now));
    }

    async fn log(&self, site: &str) -> crate::Result<Arc<Log>> {
        self.cache.get(&self.store, &self.snapshot, site).await
    }
}

/// One table function.
#[derive(Debug)]
struct SpentFunction {
    name: &'static str,
    output: Output,
    shared: Arc<Library>,
}

impl TableFunctionImpl for SpentFunction {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> DfResult<Arc<dyn TableProvider>> {
        let call = self.shared.call_of(self.name, args.exprs()).map_err(external)?;
        let key = self.shared.pseudonyms.as_ref();
        let site = call.as_ref().map_or(&self.shared.site, |call| &call.site);
        let pseudonyms = key.map(|key| Arc::new(Pseudonyms::new(key, site)));
        let (output, shared) = (self.output, Arc::clone(&self.shared));
        let table = Arc::new(SpentTable { output, schema: output.schema(), shared, call });
        Ok(match pseudonyms {
            Some(pseudonyms) => {
                let personal = output.columns().into_iter().map(|column| column.personal);
                Arc::new(PrivateTable::of_rows(personal, table, &pseudonyms))
            }
            None => table,
        })
    }
}

/// What a call asks for.
#[derive(Debug, Clone)]
pub(super) struct Call {
    /// The policy as it was named.
    pub(super) policy: String,
    /// The site.
    pub(super) site: String,
    /// Policy, range, clock and time zone.
    pub(super) request: Request,
}

impl Library {
    /// The request of a call without arguments.
    pub(super) fn default_call(&self) -> Call {
        let site = self.site.clone();
        let request = Request { zone: self.settings.zone, ..Request::new(Policy::use_stats(), self.settings.now) };
        Call { policy: self.settings.policy.clone(), site, request }
    }

    /// The request of a call; `None` when an argument is a parameter without a value, as when a query is described.
    pub(super) fn call_of(&self, name: &'static str, exprs: &[Expr]) -> crate::Result<Option<Call>> {
        if exprs.is_empty() || exprs.len() > MAX_ARGUMENTS {
            let given = exprs.len();
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "`{name}` takes 1 to {MAX_ARGUMENTS} arguments (policy, from, to, site), not {given}",
                    "`{name}` prend de 1 à {MAX_ARGUMENTS} arguments (règle, début, fin, site), pas {given}"
                ),
            ));
        }
        let mut values = Vec::new();
        for (position, expr) in exprs.iter().enumerate() {
            match constant(expr) {
                Constant::Value(value) => values.push(value),
                Constant::Parameter => return Ok(None),
                Constant::None => return Err(refused(name, position, &expr.to_string())),
            }
        }
        let text = |position: usize| -> crate::Result<Option<String>> {
            match values.get(position) {
                None => Ok(None),
                Some(value) if value.is_null() => Ok(None),
                Some(ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text))) => Ok(Some(text.clone())),
                Some(value) => Err(refused(name, position, &value.to_string())),
            }
        };
        let settings = &self.settings;
        let named = text(0)?.unwrap_or_else(|| settings.policy.clone());
        // The operator's own policy may leave out whom it likes.
        if self.pseudonyms.is_some() && named != settings.policy && names_users(&named) {
            return Err(users_refused());
        }
        let policy: Policy = settings.policies.resolve(&named)?;
        let site = text(3)?.unwrap_or_else(|| self.site.clone());
        let time = |position: usize, absent: i64| match values.get(position) {
            None => Ok(absent),
            Some(value) if value.is_null() => Ok(absent),
            Some(value) => moment_of(value, settings.zone).ok_or_else(|| refused(name, position, &value.to_string())),
        };
        let request = Request { zone: settings.zone, ..Request::new(policy, settings.now) };
        let request = request.between(time(1, 0)?, time(2, settings.now)?)?;
        Ok(Some(Call { policy: named, site, request }))
    }
}

/// Whether the text of a policy lists users, by the numbers that they have at the site.
fn names_users(policy: &str) -> bool {
    let changes = policy.split(',').skip(1);
    changes.filter_map(|change| change.split_once('=')).any(|(name, _)| name.trim().eq_ignore_ascii_case("users"))
}

fn users_refused() -> Error {
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "the parameter `users` of a policy takes numbers of the site, which a session with pseudonyms does not know: leave users out with WHERE",
            "le paramètre `users` d'une règle prend des numéros du site, qu'une session avec pseudonymes ne connaît pas : écartez des utilisateurs avec WHERE"
        ),
    )
}

fn refused(name: &str, position: usize, value: &str) -> Error {
    let value = quoted(value);
    let (argument, allowed, permis) = match position {
        0 => ("policy", "the name of a policy", "le nom d'une règle"),
        3 => ("site", "the name of a site", "le nom d'un site"),
        _ => (
            if position == 1 { "from" } else { "to" },
            "Unix seconds, a date, a time as in RFC 3339, or NULL",
            "des secondes Unix, une date, un horodatage RFC 3339, ou NULL",
        ),
    };
    Error::new(
        ErrorKind::Invalid,
        crate::text!(
            "argument `{argument}` of `{name}` is \"{value}\": it must be {allowed}",
            "l'argument `{argument}` de `{name}` est « {value} » : il doit être {permis}"
        ),
    )
}

/// What an argument is before a query runs.
enum Constant {
    Value(ScalarValue),
    Parameter,
    None,
}

fn constant(expr: &Expr) -> Constant {
    match expr {
        Expr::Literal(value, _) => Constant::Value(value.clone()),
        Expr::Placeholder(_) => Constant::Parameter,
        Expr::Alias(alias) => constant(&alias.expr),
        Expr::Negative(inner) => match constant(inner) {
            Constant::Value(value) => value.arithmetic_negate().map_or(Constant::None, Constant::Value),
            other => other,
        },
        Expr::Cast(cast) => match constant(&cast.expr) {
            Constant::Value(value) => value.cast_to(cast.field.data_type()).map_or(Constant::None, Constant::Value),
            other => other,
        },
        _ => Constant::None,
    }
}

/// A moment in Unix seconds: a number, a timestamp, a date (its local midnight), or a text with one of these.
fn moment_of(value: &ScalarValue, zone: Tz) -> Option<i64> {
    match value {
        ScalarValue::Utf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => moment(text, zone, DayEdge::First),
        ScalarValue::Date32(_) | ScalarValue::Date64(_) => {
            let text = value.cast_to(&DataType::Utf8).ok()?;
            let ScalarValue::Utf8(Some(text)) = text else { return None };
            moment(text.get(..10)?, zone, DayEdge::First)
        }
        ScalarValue::Float32(_) | ScalarValue::Float64(_) | ScalarValue::Boolean(_) => None,
        value if value.data_type().is_integer() => int_of(value),
        ScalarValue::TimestampSecond(..)
        | ScalarValue::TimestampMillisecond(..)
        | ScalarValue::TimestampMicrosecond(..)
        | ScalarValue::TimestampNanosecond(..) => {
            let seconds = DataType::Timestamp(arrow::datatypes::TimeUnit::Second, None);
            int_of(&value.cast_to(&seconds).ok()?)
        }
        _ => None,
    }
}

fn int_of(value: &ScalarValue) -> Option<i64> {
    match value.cast_to(&DataType::Int64).ok()? {
        ScalarValue::Int64(seconds) => seconds,
        _ => None,
    }
}

/// The rows of one call.
#[derive(Debug)]
struct SpentTable {
    output: Output,
    schema: SchemaRef,
    shared: Arc<Library>,
    call: Option<Call>,
}

#[async_trait]
impl TableProvider for SpentTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> DfResult<Vec<TableProviderFilterPushDown>> {
        let of_users = |filter: &&Expr| match users_of(filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(of_users).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> DfResult<Arc<dyn ExecutionPlan>> {
        let all = (0..self.schema.fields().len()).collect();
        let projection = projection.cloned().unwrap_or(all);
        let schema = Arc::new(self.schema.project(&projection)?);
        let Some(Call { request, site, .. }) = &self.call else {
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let log = self.shared.log(site).await.map_err(external)?;
        let mut request = request.clone();
        for filter in filters {
            if let Some(users) = users_of(filter) {
                request.users = Some(match request.users.take() {
                    Some(known) => known.into_iter().filter(|user| users.contains(user)).collect(),
                    None => users,
                });
            }
        }
        let rules = request.policy.rules(&log.dims.types, request.now);
        let mut needs = self.output.needs(&projection);
        needs.places |= rules.looks_at_modules();
        let Some(input) = log.scan(state, &request, needs).await? else {
            return Ok(Arc::new(EmptyExec::new(schema)));
        };
        let work = Work {
            request: Arc::new(request),
            dims: Arc::clone(&log.dims),
            shape: log.shape,
            output: self.output,
            projection,
            schema,
        };
        Ok(Arc::new(SpentExec::try_new(input, work)?))
    }
}

/// The users that a filter leaves, when it is about nothing else.
fn users_of(filter: &Expr) -> Option<Vec<i64>> {
    let is_user = |expr: &Expr| matches!(expr, Expr::Column(column) if column.name == "userid");
    let user = |expr: &Expr| match expr {
        Expr::Literal(value, _) if value.data_type().is_integer() => int_of(value),
        _ => None,
    };
    match filter {
        Expr::BinaryExpr(binary) if binary.op == Operator::Eq => {
            if is_user(&binary.left) {
                user(&binary.right).map(|user| vec![user])
            } else if is_user(&binary.right) {
                user(&binary.left).map(|user| vec![user])
            } else {
                None
            }
        }
        Expr::BinaryExpr(binary) if binary.op == Operator::Or => {
            let (mut left, right) = (users_of(&binary.left)?, users_of(&binary.right)?);
            left.extend(right);
            Some(left)
        }
        Expr::InList(list) if !list.negated && is_user(&list.expr) => list.list.iter().map(user).collect(),
        _ => None,
    }
}

pub(super) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
