//! [`PrivateTable`]: a table that is read through pseudonyms.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::exec::PseudonymExec;
use super::pseudonyms::Pseudonyms;
use super::replace::Recipe;
use super::rules::{self, Rule};
use crate::model::Personal;

/// A table with the same columns and rows as another one, in which persons have pseudonyms.
///
/// Filters reach the other table when they name columns that stay only: about the others they mean pseudonyms, and
/// are applied to the answer.
#[derive(Debug)]
pub(crate) struct PrivateTable {
    inner: Arc<dyn TableProvider>,
    schema: SchemaRef,
    rules: Vec<Rule>,
    pseudonyms: Arc<Pseudonyms>,
}

impl PrivateTable {
    /// A table of a site under its name there, with or without its prefix.
    pub(crate) fn of_table(name: &str, inner: Arc<dyn TableProvider>, pseudonyms: &Arc<Pseudonyms>) -> Self {
        let schema = inner.schema();
        let rules = rules::of_table(name, &schema);
        Self { inner, schema, rules, pseudonyms: Arc::clone(pseudonyms) }
    }

    /// Rows that are no table, such as those of a table function: `personal` says for each column what it is.
    pub(crate) fn of_rows(
        personal: impl IntoIterator<Item = Personal>,
        inner: Arc<dyn TableProvider>,
        pseudonyms: &Arc<Pseudonyms>,
    ) -> Self {
        let schema = inner.schema();
        let personal: Vec<_> = personal.into_iter().map(|personal| (personal, None)).collect();
        let user = personal.iter().position(|(personal, _)| *personal == Personal::UserId);
        let rules = rules::of_columns(&schema, &personal, user);
        Self { inner, schema, rules, pseudonyms: Arc::clone(pseudonyms) }
    }

    /// Whether a filter means the same below: it names only columns that stay.
    fn means_the_same(&self, filter: &Expr) -> bool {
        let stays = |name: &str| {
            let at = self.schema.index_of(name).ok();
            at.and_then(|at| self.rules.get(at)).is_some_and(|rule| !rule.replaces())
        };
        filter.column_refs().iter().all(|column| stays(&column.name))
    }
}

#[async_trait]
impl TableProvider for PrivateTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        self.inner.table_type()
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let below: Vec<&Expr> = filters.iter().copied().filter(|filter| self.means_the_same(filter)).collect();
        let mut answers = self.inner.supports_filters_pushdown(&below)?.into_iter();
        let answer = |filter: &&Expr| match self.means_the_same(filter) {
            true => answers.next().unwrap_or(TableProviderFilterPushDown::Unsupported),
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(answer).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let recipe = Arc::new(Recipe::try_new(&self.schema, &self.rules, &wanted)?);
        let below: Vec<Expr> = filters.iter().filter(|filter| self.means_the_same(filter)).cloned().collect();
        // A limit below a filter that is still to come would lose rows.
        let limit = limit.filter(|_| below.len() == filters.len());
        let input = self.inner.scan(state, Some(&recipe.read), &below, limit).await?;
        Ok(Arc::new(PseudonymExec::try_new(input, recipe, Arc::clone(&self.pseudonyms))?))
    }
}
