//! Users and courses by the names that people know them by.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use datafusion::common::ScalarValue;
use futures::TryStreamExt;

use super::lookup::{ints, numbers, texts};
use super::services::{CourseSource, UserSource};
use super::source::Stats;
use crate::error::{Error, ErrorKind, Result};
use crate::fault::{nearest, quoted};
use crate::text::Text;

impl Stats {
    /// The ids of users, in the order of their names.
    ///
    /// # Errors
    ///
    /// `NotFound` for a name that no user has, with the nearest one; `Invalid` for an id that is no number.
    pub async fn user_ids(&self, by: UserSource, names: &[String]) -> Result<Vec<i64>> {
        self.ids("user", by.column(), names).await
    }

    /// The id of a course.
    ///
    /// # Errors
    ///
    /// As [`Stats::user_ids`].
    pub async fn course_id(&self, by: CourseSource, name: &str) -> Result<i64> {
        let ids = self.ids("course", by.column(), &[name.to_owned()]).await?;
        ids.first().copied().ok_or_else(|| Error::bug("one name without an id"))
    }

    /// User names by id, of those that the site knows.
    pub async fn user_names(&self, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
        self.names("user", "username", ids).await
    }

    /// Short names of courses by id, of those that the site knows.
    pub async fn course_names(&self, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
        self.names("course", "shortname", ids).await
    }

    async fn names(&self, table: &str, column: &str, ids: &[i64]) -> Result<BTreeMap<i64, String>> {
        let mut names = BTreeMap::new();
        if !self.has_table(table) {
            return Ok(names);
        }
        let sql = format!("SELECT id, {column} AS name FROM \"{table}\" WHERE id IN ({{}})");
        for batch in self.rows_of(&sql, &numbers(ids.iter().copied())).await? {
            let found = ints(&batch, "id").into_iter().zip(texts(&batch, "name"));
            names.extend(found.filter_map(|(id, name)| Some((id, name?))));
        }
        Ok(names)
    }

    async fn ids(&self, table: &str, column: &str, names: &[String]) -> Result<Vec<i64>> {
        if column == "id" && !self.has_table(table) {
            return names.iter().map(|name| number(table, name)).collect();
        }
        if !self.has_table(table) {
            return Err(Error::new(
                ErrorKind::NotFound,
                crate::text!(
                    "the site has no table `{table}` to look up `{column}`: load it, or give ids",
                    "le site n'a pas de table `{table}` pour chercher `{column}` : chargez-la, ou donnez des identifiants"
                ),
            ));
        }
        let values = match column {
            "id" => names.iter().map(|name| number(table, name).map(|id| ScalarValue::Int64(Some(id)))).collect(),
            _ => Ok(names.iter().map(|name| ScalarValue::Utf8(Some(name.clone()))).collect()),
        };
        let values: Vec<ScalarValue> = values?;
        let sql = format!(
            "SELECT id, CAST({column} AS STRING) AS name FROM \"{table}\" WHERE {column} IN ({{}}) ORDER BY id"
        );
        let mut found: BTreeMap<String, i64> = BTreeMap::new();
        for batch in self.rows_of(&sql, &values).await? {
            for (id, name) in ints(&batch, "id").into_iter().zip(texts(&batch, "name")) {
                found.entry(name.unwrap_or_default()).or_insert(id);
            }
        }
        let mut ids = Vec::with_capacity(names.len());
        for name in names {
            match found.get(name.trim()) {
                Some(id) => ids.push(*id),
                None => return Err(self.unknown(table, column, name).await?),
            }
        }
        Ok(ids)
    }

    async fn unknown(&self, table: &str, column: &str, name: &str) -> Result<Error> {
        let sql = format!("SELECT CAST({column} AS STRING) AS name FROM \"{table}\" WHERE {column} IS NOT NULL");
        let batches: Vec<RecordBatch> = self.session().query(&sql).await?.try_collect().await?;
        let all: Vec<String> = batches.iter().flat_map(|batch| texts(batch, "name")).flatten().collect();
        let Text { en, fr } = match nearest(name, all.iter().map(String::as_str)) {
            Some(near) => crate::text!("; did you mean \"{near}\"?", " ; vouliez-vous dire « {near} » ?"),
            None => crate::text!("", ""),
        };
        let (name, nom) = (quoted(name), if table == "user" { "aucun utilisateur n'a" } else { "aucun cours n'a" });
        Ok(Error::new(
            ErrorKind::NotFound,
            crate::text!("no {table} has the {column} \"{name}\"{en}", "{nom} pour {column} « {name} »{fr}"),
        ))
    }
}

fn number(table: &str, name: &str) -> Result<i64> {
    name.trim().parse().map_err(|_| {
        let name = quoted(name);
        Error::new(
            ErrorKind::Invalid,
            crate::text!("\"{name}\" is no id of a {table}", "« {name} » n'est pas un identifiant ({table})"),
        )
    })
}
