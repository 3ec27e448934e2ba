//! [`Pull`]: a view with values, as rows.

use std::collections::HashMap;
use std::fmt::Write as _;

use chrono_tz::Tz;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::execution::SendableRecordBatchStream;

use super::param::{ParamSpec, ParamValue};
use super::spec::{IncrementalMode, View};
use crate::fault::nearest;
use crate::query::Session;
use crate::store::COMMIT;
use crate::{Result, Text, text};

/// Names of what a pull binds beside the parameters of its view.
const AFTER: &str = "assidu_after";
/// See [`AFTER`].
const UPTO: &str = "assidu_upto";
/// Beginning of the names of the key from which a page goes on.
const KEY: &str = "assidu_key_";

/// Values of the parameters of one view; what is absent is bound as its default, or as NULL.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Bound {
    values: Vec<(String, ParamValue)>,
}

/// What a caller gives for one parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// Texts of a query string, as often as the name occurs there.
    Texts(Vec<String>),
    /// A value of a JSON document.
    Json(serde_json::Value),
}

impl Bound {
    /// Reads what a caller gives. Values that are `fixed` are read first and cannot be given.
    ///
    /// # Errors
    ///
    /// Name and reason of everything that is wrong: unknown, missing, ill-typed, against a rule, fixed.
    pub fn read(
        view: &View,
        fixed: &[(String, serde_json::Value)],
        given: &[(String, Given)],
        zone: Tz,
    ) -> Result<Self, Vec<(String, Text)>> {
        let (mut values, mut faults) = (Vec::new(), Vec::new());
        for (name, _) in given {
            if view.param(name).is_none() {
                let reason = match nearest(name, view.params.iter().map(|param| param.name.as_str())) {
                    Some(near) => text!("unknown; did you mean `{near}`?", "inconnu ; vouliez-vous dire `{near}` ?"),
                    None => unknown(view),
                };
                faults.push((name.clone(), reason));
            }
        }
        for param in &view.params {
            let own = fixed.iter().find(|(name, _)| *name == param.name).map(|(_, value)| value);
            let asked = given.iter().find(|(name, _)| *name == param.name).map(|(_, value)| value);
            match value_of(param, own, asked, zone) {
                Ok(Some(value)) => values.push((param.name.clone(), value)),
                Ok(None) => {}
                Err(reason) => faults.push((param.name.clone(), reason)),
            }
        }
        if faults.is_empty() { Ok(Self { values }) } else { Err(faults) }
    }

    /// The value of a parameter, where it has one.
    pub fn value(&self, name: &str) -> Option<&ParamValue> {
        self.values.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// All values as JSON, by name.
    pub fn json(&self, view: &View) -> serde_json::Map<String, serde_json::Value> {
        let value = |(name, value): &(String, ParamValue)| Some((name.clone(), value.json(view.param(name)?.kind)));
        self.values.iter().filter_map(value).collect()
    }
}

fn value_of(
    param: &ParamSpec,
    fixed: Option<&serde_json::Value>,
    asked: Option<&Given>,
    zone: Tz,
) -> Result<Option<ParamValue>, Text> {
    match (fixed, asked) {
        (Some(_), Some(_)) => Err(text!("it is fixed by the instance", "il est fixé par l'instance")),
        (Some(value), None) => param.read_json(value, zone).map(Some),
        (None, Some(Given::Json(serde_json::Value::Null))) | (None, None) => match (&param.default, param.required) {
            (None, true) => Err(text!("it is required", "il est obligatoire")),
            (default, _) => Ok(default.clone()),
        },
        (None, Some(Given::Json(value))) => param.read_json(value, zone).map(Some),
        (None, Some(Given::Texts(texts))) => {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            param.read_texts(&texts, zone).map(Some)
        }
    }
}

fn unknown(view: &View) -> Text {
    let all = view.params.iter().map(|param| param.name.as_str()).collect::<Vec<_>>().join(", ");
    match all.is_empty() {
        true => text!("unknown; the view has no parameters", "inconnu ; la vue n'a pas de paramètre"),
        false => text!("unknown; there are {all}", "inconnu ; il y a {all}"),
    }
}

/// The commits whose rows a pull has: those after the first one up to the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The last commit that is not in it.
    pub after: u64,
    /// The last commit that is in it.
    pub upto: u64,
}

/// A view with values.
#[derive(Debug, Clone)]
pub struct Pull<'a> {
    /// The view.
    pub view: &'a View,
    /// Values of its parameters.
    pub bound: &'a Bound,
    /// The value of `$now`, in Unix seconds.
    pub now: i64,
    /// Only rows of these commits.
    pub window: Option<Window>,
    /// Whether rows come in the order of the key. Two pulls over one snapshot then give the same rows in the same order.
    pub ordered: bool,
    /// Only rows after this key, in the order of the key's columns.
    pub after_key: Option<&'a [ScalarValue]>,
    /// At most so many rows.
    pub limit: Option<usize>,
}

impl<'a> Pull<'a> {
    /// All rows, in the order in which they come.
    pub fn new(view: &'a View, bound: &'a Bound, now: i64) -> Self {
        Self { view, bound, now, window: None, ordered: false, after_key: None, limit: None }
    }

    /// Plans the pull and streams its rows.
    ///
    /// # Errors
    ///
    /// As [`Session::query_with`].
    pub async fn run(&self, session: &Session) -> Result<SendableRecordBatchStream> {
        session.query_with(&self.sql(), self.values()).await
    }

    /// The SELECT that is run: the view's own, or one around it. Values are bound, never written.
    fn sql(&self) -> String {
        let view = self.view;
        let plain = self.window.is_none() && !self.ordered && self.after_key.is_none() && self.limit.is_none();
        if plain && !view.has_commit() {
            return view.sql.clone();
        }
        let columns: Vec<String> = view.columns.iter().map(|column| pulled(&column.name)).collect();
        let mut sql = format!("SELECT {} FROM (\n{}\n) AS pulled", columns.join(", "), view.sql);
        let mut conditions = Vec::new();
        if self.window.is_some()
            && let Some(incremental) = &view.incremental
        {
            match &incremental.mode {
                IncrementalMode::Append => {
                    conditions.push(format!("pulled.{COMMIT} > ${AFTER} AND pulled.{COMMIT} <= ${UPTO}"));
                }
                IncrementalMode::ChangedKeys(pairs) => sql.push_str(&touched(&incremental.table, pairs)),
            }
        }
        if let Some(key) = self.after_key {
            conditions.push(later_key(&view.key[..key.len().min(view.key.len())]));
        }
        if !conditions.is_empty() {
            let _ = write!(sql, " WHERE {}", conditions.join(" AND "));
        }
        if self.ordered {
            let key: Vec<String> = view.key.iter().map(|name| pulled(name)).collect();
            if !key.is_empty() {
                let _ = write!(sql, " ORDER BY {}", key.join(", "));
            }
        }
        if let Some(limit) = self.limit {
            let _ = write!(sql, " LIMIT {limit}");
        }
        sql
    }

    fn values(&self) -> ParamValues {
        let mut values: HashMap<String, _> = HashMap::new();
        let mut bind = |name: String, value: ScalarValue| values.insert(name, value.into());
        for param in &self.view.params {
            let value =
                self.bound.value(&param.name).map_or_else(|| param.kind.null(), |value| value.bound(param.kind));
            bind(param.name.clone(), value);
        }
        bind("now".to_owned(), ScalarValue::Int64(Some(self.now)));
        if let Some(Window { after, upto }) = self.window {
            bind(AFTER.to_owned(), commit(after));
            bind(UPTO.to_owned(), commit(upto));
        }
        for (place, value) in self.after_key.unwrap_or_default().iter().enumerate() {
            bind(format!("{KEY}{place}"), value.clone());
        }
        ParamValues::Map(values)
    }
}

impl View {
    /// What is bound when no parameter is given: defaults, and NULL with the types of the parameters.
    pub fn absent(&self) -> ParamValues {
        let default = |param: &ParamSpec| Some((param.name.clone(), param.default.clone()?));
        let bound = Bound { values: self.params.iter().filter_map(default).collect() };
        Pull::new(self, &bound, 0).values()
    }
}

fn commit(number: u64) -> ScalarValue {
    ScalarValue::Int64(Some(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// A column of the view's rows.
fn pulled(name: &str) -> String {
    format!("pulled.{}", quote(name))
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Keeps the rows whose key occurs among the new rows of a table.
fn touched(table: &str, pairs: &[(String, String)]) -> String {
    let of = |(place, (_, column)): (usize, &(String, String))| format!("changed.{} AS k{place}", quote(column));
    let columns: Vec<String> = pairs.iter().enumerate().map(of).collect();
    let on = |(place, (column, _)): (usize, &(String, String))| format!("{} = touched.k{place}", pulled(column));
    let on: Vec<String> = pairs.iter().enumerate().map(on).collect();
    let table: Vec<String> = table.split('.').map(quote).collect();
    format!(
        " LEFT SEMI JOIN (SELECT DISTINCT {} FROM {} AS changed WHERE changed.{COMMIT} > ${AFTER} AND changed.{COMMIT} <= ${UPTO}) AS touched ON {}",
        columns.join(", "),
        table.join("."),
        on.join(" AND ")
    )
}

/// Rows whose key comes after the one that is bound.
fn later_key(key: &[String]) -> String {
    let mut alternatives = Vec::new();
    for place in 0..key.len() {
        let mut all: Vec<String> =
            (0..place).map(|before| format!("{} = ${KEY}{before}", pulled(&key[before]))).collect();
        all.push(format!("{} > ${KEY}{place}", pulled(&key[place])));
        alternatives.push(format!("({})", all.join(" AND ")));
    }
    format!("({})", alternatives.join(" OR "))
}
