//! The views of `sql/lib`: readable SQL over the table functions, called like them.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::catalog::{
    CatalogProviderList, MemoryCatalogProviderList, TableFunctionArgs, TableFunctionImpl, TableProvider,
    view::ViewTable,
};
use datafusion::common::{ParamValues, Result as DfResult, ScalarValue};
use datafusion::execution::{SessionState, SessionStateBuilder};
use futures::FutureExt;

use super::table_function::{Call, Library, external};
use crate::error::Error;
use crate::query::{CATALOG, KnownCatalog, bind_calls, parse};

/// Seconds of a week.
const WEEK: i64 = 7 * 86_400;

/// Views by name: their SQL, as it lies in `sql/lib`.
pub(super) const VIEWS: [(&str, &str); 6] = [
    ("hits", include_str!("../../../sql/lib/hits.sql")),
    ("course_summary", include_str!("../../../sql/lib/course_summary.sql")),
    ("activity_summary", include_str!("../../../sql/lib/activity_summary.sql")),
    ("day_summary", include_str!("../../../sql/lib/day_summary.sql")),
    ("cohort_summary", include_str!("../../../sql/lib/cohort_summary.sql")),
    ("group_summary", include_str!("../../../sql/lib/group_summary.sql")),
];

/// One view as a table function: `course_summary('use_stats', '2024-01-01', '2024-07-01')`.
#[derive(Debug)]
pub(super) struct LibraryView {
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
    pub(super) shared: Arc<Library>,
}

impl TableFunctionImpl for LibraryView {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> DfResult<Arc<dyn TableProvider>> {
        let call = self.shared.call_of(self.name, args.exprs()).map_err(external)?;
        let bug = |what: &str| external(Error::bug(format!("view `{}`: {what}", self.name)));
        let state = args.session().as_any().downcast_ref::<SessionState>().ok_or_else(|| bug("no session"))?;
        let call = call.unwrap_or_else(|| self.shared.default_call());
        let state = with_known_tables(state, &call.site);
        let mut statement = parse(self.sql).map_err(external)?;
        let parameters = parameters(&call);
        bind_calls(&mut statement, &parameters);
        // Nothing waits there: the tables of a snapshot are known already.
        let planned = state.statement_to_plan(statement).now_or_never().ok_or_else(|| bug("planning waits"))?;
        let plan = planned?;
        let plan = if plan.get_parameter_names()?.is_empty() { plan } else { plan.with_param_values(parameters)? };
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

/// Values of the parameters of all views.
fn parameters(call: &Call) -> ParamValues {
    let (from, to) = (call.request.from, call.request.to);
    let week = from.max(to.saturating_sub(WEEK));
    let text = |text: &str| ScalarValue::Utf8(Some(text.to_owned()));
    let int = |number| ScalarValue::Int64(Some(number));
    let values = [
        ("policy", text(&call.policy)),
        ("from", int(from)),
        ("to", int(to)),
        ("week", int(week)),
        ("site", text(&call.site)),
    ];
    ParamValues::Map(values.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect::<HashMap<_, _>>())
}

/// The session with the site as its default schema, where known tables that the site does not have are empty.
fn with_known_tables(state: &SessionState, site: &str) -> SessionState {
    let mut builder = SessionStateBuilder::new_from_existing(state.clone());
    if let Some(catalog) = state.catalog_list().catalog(CATALOG) {
        let list = MemoryCatalogProviderList::new();
        list.register_catalog(CATALOG.to_owned(), Arc::new(KnownCatalog::new(catalog, false)));
        builder = builder.with_catalog_list(Arc::new(list));
    }
    let mut state = builder.build();
    site.clone_into(&mut state.config_mut().options_mut().catalog.default_schema);
    state
}
