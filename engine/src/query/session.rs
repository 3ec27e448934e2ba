//! Sessions: one catalog, one set of limits, statements that only read.

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::CatalogProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{ParamValues, TableReference};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{SendableRecordBatchStream, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionContext;
use tokio::time::{Instant, timeout_at};

use crate::error::Error;
use crate::query::columns::{ColumnInfo, FunctionInfo, FunctionKind, TableInfo};
use crate::query::settings::{CATALOG, session_config};
use crate::query::stream::{GuardedStream, Watch, failure, late};
use crate::query::{Limits, Runtime, call_arguments, expansion, guard, names, repeated, statement};
use crate::store::COMMIT;
use crate::{ErrorKind, Result, text};

/// Most operators of one plan, with those of the views that it uses.
const MAX_PLAN_NODES: usize = 5_000;

/// A session over one snapshot.
///
/// It sees the catalog that it was given and nothing else, and it cannot write: statements are checked before they
/// are planned, plans are checked before they are run, and no function and no table reads a file by its name.
/// Sessions are cheap to clone; clones share settings, functions and memory.
#[derive(Clone)]
pub struct Session {
    context: SessionContext,
    /// The same session over tables that show their hidden column; used by statements that name it.
    commits: Option<SessionContext>,
    limits: Limits,
}

impl Session {
    /// A session over a catalog with one schema per site.
    ///
    /// `setup` registers object stores and functions; the functions that it adds are guarded like the built-in ones
    /// when they carry the same names.
    ///
    /// # Errors
    ///
    /// `NotFound` when the catalog has no schema `default_schema`.
    pub fn new(
        catalog: Arc<dyn CatalogProvider>,
        default_schema: &str,
        limits: &Limits,
        setup: &dyn Fn(&SessionContext),
    ) -> Result<Self> {
        Self::builder(catalog, default_schema).limits(limits).build(setup)
    }

    /// Starts a session with more choices than [`Session::new`] offers.
    pub fn builder(catalog: Arc<dyn CatalogProvider>, default_schema: &str) -> SessionBuilder {
        SessionBuilder {
            catalog,
            default_schema: default_schema.to_owned(),
            limits: Limits::default(),
            runtime: None,
            spill_folder: None,
            physical_rules: Vec::new(),
            commit_catalog: None,
        }
    }

    /// Plans and runs one SELECT (or EXPLAIN, SHOW, DESCRIBE, VALUES) and streams its batches.
    ///
    /// Dropping the stream stops the work.
    ///
    /// # Errors
    ///
    /// `Invalid` for a statement that is not allowed or not understood, `NotFound` for an unknown table, `Limit` for
    /// a limit. The stream's own failures convert into [`Error`] with `Error::from`.
    pub async fn query(&self, sql: &str) -> Result<SendableRecordBatchStream> {
        self.query_with(sql, ParamValues::List(Vec::new())).await
    }

    /// [`Session::query`] with values for `$name` (a map or a list of pairs) or `$1`, `$2` … (a list).
    ///
    /// Values are bound to the plan; they never become SQL text. Values that the statement does not name are ignored,
    /// so that a caller can always offer the same ones.
    ///
    /// # Errors
    ///
    /// As [`Session::query`]; `Invalid` also for parameters without a value, all of them named.
    pub async fn query_with(&self, sql: &str, params: impl Into<ParamValues>) -> Result<SendableRecordBatchStream> {
        let params = params.into();
        // A duration that passes the clock's end is no limit.
        let deadline = self.limits.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let state = self.state_for(sql);
        let physical = self.in_time(deadline, self.physical(&state, sql, Some(params))).await?;
        let watch = Arc::new(Watch::new(deadline, &self.limits));
        let failed = |error| failure(error, &self.limits);
        let physical = guard::watch_joins(physical, &watch).map_err(failed)?;
        let stream = execute_stream(physical, state.task_ctx()).map_err(failed)?;
        Ok(Box::pin(GuardedStream::new(stream, watch, &self.limits)))
    }

    /// The physical plan of a statement as indented text, for tests and for the curious.
    ///
    /// Parameters need no values.
    pub async fn plan(&self, sql: &str) -> Result<String> {
        let state = self.state_for(sql);
        let physical = self.physical(&state, sql, None).await?;
        Ok(displayable(physical.as_ref()).indent(false).to_string())
    }

    /// The columns that a statement answers with. Parameters need no values.
    pub async fn schema(&self, sql: &str) -> Result<SchemaRef> {
        let state = self.state_for(sql);
        let plan = self.logical(&state, sql, None).await?.0;
        let plan = state.optimize(&plan).map_err(|error| failure(error, &self.limits))?;
        Ok(Arc::new(Schema::clone(plan.schema().as_arrow())))
    }

    /// [`Session::schema`] with values for parameters, for statements whose columns have the types of their values.
    pub async fn schema_with(&self, sql: &str, params: impl Into<ParamValues>) -> Result<SchemaRef> {
        let params = params.into();
        let state = self.state_for(sql);
        let (plan, in_calls) = self.logical(&state, sql, Some(&params)).await?;
        let plan = bind(plan, params, in_calls)?;
        let plan = state.optimize(&plan).map_err(|error| failure(error, &self.limits))?;
        Ok(Arc::new(Schema::clone(plan.schema().as_arrow())))
    }

    /// The parameters that a statement names, without `$`.
    pub async fn parameters(&self, sql: &str) -> Result<BTreeSet<String>> {
        let state = self.state_for(sql);
        let (plan, mut names) = self.logical(&state, sql, None).await?;
        names.extend(plan.get_parameter_names()?);
        Ok(names.iter().map(|name| name.trim_start_matches('$').to_owned()).collect())
    }

    /// The state that plans a statement. The hidden column `_commit` is there for those who name it, and in nobody's
    /// `SELECT *` otherwise.
    fn state_for(&self, sql: &str) -> SessionState {
        match &self.commits {
            Some(commits) if sql.to_ascii_lowercase().contains(COMMIT) => commits.state(),
            _ => self.context.state(),
        }
    }

    /// Tables and views of the catalog, sorted; `information_schema` is not among them.
    pub fn tables(&self) -> Vec<TableInfo> {
        table_names(&self.context.state())
    }

    /// Columns of a table that is named as in SQL, in the table's order.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is no such table.
    pub async fn columns(&self, table: &str) -> Result<Vec<ColumnInfo>> {
        let state = self.context.state();
        let reference = TableReference::from(table);
        let provider = match state.schema_for_ref(reference.clone()) {
            Ok(schema) => schema.table(reference.table()).await?,
            Err(_) => None,
        };
        let provider = provider.ok_or_else(|| names::no_table(table, &state))?;
        let column = |field: &Arc<arrow::datatypes::Field>| ColumnInfo {
            name: field.name().clone(),
            data_type: field.data_type().clone(),
            nullable: field.is_nullable(),
        };
        Ok(provider.schema().fields().iter().map(column).collect())
    }

    /// Functions that SQL can call, with their aliases, sorted by name.
    pub fn functions(&self) -> Vec<FunctionInfo> {
        function_names(&self.context.state())
    }

    /// The limits of the session.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Bytes that the queries of the session's runtime hold now.
    pub fn memory_used(&self) -> usize {
        self.context.runtime_env().memory_pool.reserved()
    }

    /// What plans and runs in the session, for operators that are not SQL.
    pub(crate) fn state(&self) -> SessionState {
        self.context.state()
    }

    /// The session with other settings of DataFusion.
    #[cfg(test)]
    pub(super) fn with_options(&self, change: impl FnOnce(&mut datafusion::config::ConfigOptions)) -> Self {
        let mut state = self.context.state();
        change(state.config_mut().options_mut());
        Self { context: SessionContext::new_with_state(state), commits: None, limits: self.limits.clone() }
    }

    /// Checks, plans and optimizes a statement down to what runs. Without `params`, parameters stay open.
    async fn physical(
        &self,
        state: &SessionState,
        sql: &str,
        params: Option<ParamValues>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (mut plan, in_calls) = self.logical(state, sql, params.as_ref()).await?;
        if let Some(params) = params {
            plan = bind(plan, params, in_calls)?;
        }
        state.create_physical_plan(&plan).await.map_err(|error| failure(error, &self.limits))
    }

    /// Checks and plans a statement; answers also the names of the parameters in the arguments of table functions,
    /// which have their values in the plan when `params` has them.
    async fn logical(
        &self,
        state: &SessionState,
        sql: &str,
        params: Option<&ParamValues>,
    ) -> Result<(LogicalPlan, BTreeSet<String>)> {
        let mut parsed = statement::parse(sql)?;
        let in_calls = call_arguments::bind(&mut parsed, params);
        let plan = match state.statement_to_plan(parsed).await {
            Ok(plan) => plan,
            // Parsed again, because cloning a tree for the rare failure takes more stack than making it.
            Err(error) => return Err(names::explain(error, &statement::parse(sql)?, state)),
        };
        read_only(&plan)?;
        within_size(&plan)?;
        expansion::check(&plan)?;
        repeated::check(&plan)?;
        Ok((plan, in_calls))
    }

    /// Runs a piece of planning up to the deadline.
    async fn in_time<T>(&self, deadline: Option<Instant>, work: impl Future<Output = Result<T>>) -> Result<T> {
        match deadline {
            None => work.await,
            Some(deadline) => match timeout_at(deadline, work).await {
                Ok(result) => result,
                Err(_) => Err(late(self.limits.timeout.unwrap_or_default())),
            },
        }
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Choices of a session before it is built.
#[derive(Clone)]
pub struct SessionBuilder {
    catalog: Arc<dyn CatalogProvider>,
    default_schema: String,
    limits: Limits,
    runtime: Option<Runtime>,
    spill_folder: Option<PathBuf>,
    physical_rules: Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>,
    commit_catalog: Option<Arc<dyn CatalogProvider>>,
}

impl SessionBuilder {
    /// Bounds the session; without it, [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self
    }

    /// Shares a runtime with other sessions: its memory and spilling then count, not those of the limits.
    #[must_use]
    pub fn runtime(mut self, runtime: &Runtime) -> Self {
        self.runtime = Some(runtime.clone());
        self
    }

    /// The folder for temporary files; without it, the system's. Ignored when a runtime is shared.
    #[must_use]
    pub fn spill_folder(mut self, folder: PathBuf) -> Self {
        self.spill_folder = Some(folder);
        self
    }

    /// Adds a rule that runs after DataFusion's own physical optimizer rules, in the order of the calls.
    #[must_use]
    pub fn physical_rule(mut self, rule: Arc<dyn PhysicalOptimizerRule + Send + Sync>) -> Self {
        self.physical_rules.push(rule);
        self
    }

    /// The same tables with their hidden column `_commit`, for statements that name it.
    #[must_use]
    pub fn commit_catalog(mut self, catalog: Arc<dyn CatalogProvider>) -> Self {
        self.commit_catalog = Some(catalog);
        self
    }

    /// Builds the session; `setup` registers object stores and functions.
    ///
    /// # Errors
    ///
    /// `NotFound` when the catalog has no schema of the default name.
    pub fn build(self, setup: &dyn Fn(&SessionContext)) -> Result<Session> {
        if self.catalog.schema(&self.default_schema).is_none() {
            let name = &self.default_schema;
            return Err(Error::new(ErrorKind::NotFound, text!("no site `{name}`", "aucun site `{name}`")));
        }
        let runtime = match &self.runtime {
            Some(runtime) => runtime.clone(),
            None => Runtime::new(&self.limits, self.spill_folder.clone())?,
        };
        let context = self.context(&runtime, &self.catalog, setup);
        let commits = self.commit_catalog.as_ref().map(|catalog| self.context(&runtime, catalog, setup));
        Ok(Session { context, commits, limits: self.limits })
    }

    fn context(
        &self,
        runtime: &Runtime,
        catalog: &Arc<dyn CatalogProvider>,
        setup: &dyn Fn(&SessionContext),
    ) -> SessionContext {
        let budget = self.limits.budget();
        let mut builder = SessionStateBuilder::new_with_default_features()
            .with_config(session_config(&self.default_schema, &self.limits))
            .with_runtime_env(Arc::clone(runtime.env()))
            // No table is made from a file, so the formats and factories for it stay out.
            .with_table_factories(Default::default())
            .with_file_formats(Vec::new());
        for rule in self.physical_rules.iter().cloned() {
            builder = builder.with_physical_optimizer_rule(rule);
        }
        let builder = builder.with_physical_optimizer_rule(guard::row_rule(budget));
        let context = SessionContext::new_with_state(builder.build());
        context.register_catalog(CATALOG, Arc::clone(catalog));
        // It tells the paths of the store's files.
        context.deregister_udf("input_file_name");
        setup(&context);
        guard::install(&context, budget);
        context
    }
}

impl fmt::Debug for SessionBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionBuilder").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// Refuses a plan that would define, change or set anything. The statement's check refuses them before; this one
/// stands whatever DataFusion learns to plan.
fn read_only(plan: &LogicalPlan) -> Result<()> {
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(plan).map_err(|error| {
        let detail = error.strip_backtrace();
        statement::refused(&text!("this statement ({detail})", "cette instruction ({detail})")).because(error)
    })
}

/// Refuses a plan with too many operators, counting as often as they would run.
fn within_size(plan: &LogicalPlan) -> Result<()> {
    let mut nodes = 0;
    plan.apply_with_subqueries(|_| {
        nodes += 1;
        Ok(if nodes > MAX_PLAN_NODES { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    if nodes <= MAX_PLAN_NODES {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Limit,
        text!(
            "the plan of the statement has more than {MAX_PLAN_NODES} operators: what it names counts as often as it is used",
            "le plan de l'instruction a plus de {MAX_PLAN_NODES} opérateurs : ce qu'il nomme compte autant de fois qu'il est utilisé"
        ),
    ))
}

/// Binds values to the parameters of a plan.
fn bind(plan: LogicalPlan, params: ParamValues, in_calls: BTreeSet<String>) -> Result<LogicalPlan> {
    let in_plan = plan.get_parameter_names()?;
    let to_bind = !in_plan.is_empty();
    let names: BTreeSet<String> = in_calls.into_iter().chain(in_plan).collect();
    if names.is_empty() {
        return Ok(plan);
    }
    let missing: Vec<String> = names
        .iter()
        .filter(|name| params.get_placeholders_with_values(name).is_err())
        .map(|n| format!("`{n}`"))
        .collect();
    if !missing.is_empty() {
        let list = missing.join(", ");
        return Err(Error::new(
            ErrorKind::Invalid,
            text!("no value for the parameters {list}", "aucune valeur pour les paramètres {list}"),
        ));
    }
    if to_bind { Ok(plan.with_param_values(params)?) } else { Ok(plan) }
}

/// Tables of the session's catalog, sorted.
pub(super) fn table_names(state: &SessionState) -> Vec<TableInfo> {
    let Some(catalog) = state.catalog_list().catalog(CATALOG) else {
        return Vec::new();
    };
    let mut tables = Vec::new();
    for schema in catalog.schema_names() {
        let names = catalog.schema(&schema).map(|provider| provider.table_names()).unwrap_or_default();
        tables.extend(names.into_iter().map(|name| TableInfo { schema: schema.clone(), name }));
    }
    tables.sort();
    tables
}

/// Functions of the session, sorted.
pub(super) fn function_names(state: &SessionState) -> Vec<FunctionInfo> {
    let scalar = state.scalar_functions().keys().chain(state.higher_order_functions().keys());
    let mut functions: Vec<FunctionInfo> = scalar
        .map(|name| (name, FunctionKind::Scalar))
        .chain(state.aggregate_functions().keys().map(|name| (name, FunctionKind::Aggregate)))
        .chain(state.window_functions().keys().map(|name| (name, FunctionKind::Window)))
        .chain(state.table_functions().keys().map(|name| (name, FunctionKind::Table)))
        .map(|(name, kind)| FunctionInfo { name: name.clone(), kind })
        .collect();
    functions.sort();
    functions.dedup();
    functions
}
