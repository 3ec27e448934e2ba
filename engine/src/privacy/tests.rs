//! Leaves of plans over a table that remembers what it was asked.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Int64Type, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::rules::{self, Treatment};
use super::*;
use crate::model::{self, MarkValue, Personal};

fn pseudonyms() -> Arc<Pseudonyms> {
    Arc::new(Pseudonyms::new(&PseudonymKey::from_bytes([3; 32]), "main"))
}

/// What one scan was asked: columns, filters, limit.
type Asked = (Vec<String>, Vec<String>, Option<usize>);

/// A table that remembers its scans and claims to apply every filter that it is given.
#[derive(Debug)]
struct Remembering {
    table: MemTable,
    asked: Mutex<Vec<Asked>>,
}

impl Remembering {
    fn new(columns: Vec<(&str, ArrayRef)>) -> Arc<Self> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        Arc::new(Self { table, asked: Mutex::default() })
    }
}

#[async_trait]
impl TableProvider for Remembering {
    fn schema(&self) -> SchemaRef {
        self.table.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let schema = self.schema();
        let columns = projection.unwrap().iter().map(|at| schema.field(*at).name().clone()).collect();
        self.asked.lock().unwrap().push((columns, filters.iter().map(ToString::to_string).collect(), limit));
        self.table.scan(state, projection, &[], None).await
    }
}

fn int(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

fn text(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn log() -> Arc<Remembering> {
    Remembering::new(vec![
        ("id", int(&[1, 2, 3, 4])),
        ("userid", int(&[5, 5, 6, 0])),
        ("courseid", int(&[2, 3, 2, 2])),
        ("objecttable", Arc::new(StringArray::from(vec![Some("user"), Some("forum"), None, Some("MDL_User")]))),
        ("objectid", int(&[6, 6, 6, 6])),
        ("ip", text(&["10.0.0.5", "10.0.0.5", "10.0.0.6", "10.0.0.7"])),
        ("_commit", int(&[1, 1, 2, 2])),
    ])
}

async fn ask(table: &Arc<Remembering>, name: &str, sql: &str) -> Vec<RecordBatch> {
    let context = SessionContext::new();
    let private = PrivateTable::of_table(name, Arc::clone(table) as Arc<dyn TableProvider>, &pseudonyms());
    context.register_table("t", Arc::new(private)).unwrap();
    context.sql(sql).await.unwrap().collect().await.unwrap()
}

async fn ints(table: &Arc<Remembering>, name: &str, sql: &str) -> Vec<i64> {
    let batches = ask(table, name, sql).await;
    let values = batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter());
    values.map(Option::unwrap_or_default).collect()
}

#[tokio::test]
async fn filters_on_columns_that_stay_reach_the_table() {
    let log = log();
    let name = "logstore_standard_log";
    let found =
        ints(&log, name, "SELECT id FROM t WHERE courseid = 2 AND _commit > 1 AND userid <> 7 ORDER BY id").await;
    assert_eq!(found, [3, 4]);
    let asked = log.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked.1, ["courseid = Int64(2)", "_commit > Int64(1)"]);
    assert!(!asked.0.contains(&"ip".to_owned()), "{asked:?}");
}

#[tokio::test]
async fn filters_on_replaced_columns_mean_pseudonyms() {
    let log = log();
    let name = "logstore_standard_log";
    let five = pseudonyms().user(5).unwrap();
    for filter in ["userid = 5", "5 = userid", "userid IN (5, 6)", "userid + 0 = 5", "objectid = 5 OR userid = 5"] {
        assert_eq!(ints(&log, name, &format!("SELECT id FROM t WHERE {filter}")).await, [0_i64; 0], "{filter}");
    }
    assert_eq!(ints(&log, name, &format!("SELECT id FROM t WHERE userid = {five} LIMIT 5")).await, [1, 2]);
    assert_eq!(ints(&log, name, "SELECT id FROM t WHERE ip = '10.0.0.5'").await, [0_i64; 0]);
    let asked = log.asked.lock().unwrap();
    assert!(asked.iter().all(|(_, filters, limit)| filters.is_empty() && limit.is_none()), "{asked:?}");
}

#[tokio::test]
async fn a_column_that_is_left_out_is_not_read() {
    let log = log();
    let batches = ask(&log, "mdl_logstore_standard_log", "SELECT ip, courseid FROM t LIMIT 2").await;
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 2);
    let asked = log.asked.lock().unwrap().pop().unwrap();
    assert_eq!(asked, (vec!["courseid".to_owned()], Vec::new(), Some(2)));
    ask(&log, "logstore_standard_log", "SELECT ip FROM t").await;
    assert!(log.asked.lock().unwrap().pop().unwrap().0.is_empty());
}

#[tokio::test]
async fn a_number_is_replaced_where_its_row_is_about_a_person_or_may_be() {
    let log = log();
    let six = pseudonyms().user(6).unwrap();
    let found = ints(&log, "logstore_standard_log", "SELECT objectid FROM t ORDER BY id").await;
    assert_eq!(found, [six, 6, six, six]);
    // Without the column that decides, every row may be.
    let without = Remembering::new(vec![("id", int(&[1])), ("objectid", int(&[6]))]);
    assert_eq!(ints(&without, "logstore_standard_log", "SELECT objectid FROM t").await, [six]);
}

#[tokio::test]
async fn counts_and_bounds_of_columns_that_stay_are_known_and_others_are_not() {
    let log = log();
    let five_and_six = [5, 6].map(|id| pseudonyms().user(id).unwrap());
    let found = ints(&log, "logstore_standard_log", "SELECT max(userid) FROM t").await;
    assert_eq!(found, [five_and_six.into_iter().max().unwrap()]);
    assert_eq!(ints(&log, "logstore_standard_log", "SELECT max(courseid) FROM t").await, [3]);
    assert_eq!(ints(&log, "logstore_standard_log", "SELECT count(*) FROM t").await, [4]);
}

#[tokio::test]
async fn texts_become_handles_or_go() {
    let users = Remembering::new(vec![
        ("id", int(&[5, 0])),
        ("username", text(&["ada", "nobody"])),
        ("firstname", text(&["Ada", "No"])),
        ("department", text(&["Maths", "None"])),
    ]);
    let batches = ask(&users, "user", "SELECT username, firstname, department FROM t").await;
    let column = |at: usize| {
        let texts = arrow::compute::cast(batches[0].column(at), &DataType::Utf8).unwrap();
        texts.as_string::<i32>().iter().map(|text| text.unwrap_or("NULL").to_owned()).collect::<Vec<_>>()
    };
    let handle = format!("user-{}", pseudonyms().user(5).unwrap());
    assert_eq!(column(0), [handle, String::new()]);
    assert_eq!(column(1), ["", ""]);
    assert_eq!(column(2), ["Maths", "None"]);
}

/// A number that no site gives is nobody's where a column is never NULL.
#[tokio::test]
async fn impossible_numbers_are_not_shown() {
    let table = Remembering::new(vec![("userid", int(&[1 << 52, i64::MAX, -5]))]);
    assert_eq!(ints(&table, "user_lastaccess", "SELECT userid FROM t").await, [0, 0, -5]);
}

#[test]
fn a_user_number_of_another_type_is_left_out() {
    let schema = arrow::datatypes::Schema::new(vec![
        arrow::datatypes::Field::new("userid", DataType::Utf8View, true),
        arrow::datatypes::Field::new("username", DataType::Utf8View, true),
        arrow::datatypes::Field::new("value", DataType::Float64, true),
    ]);
    let treatments: Vec<_> = rules::of_table("plugin", &schema).into_iter().map(|rule| rule.treatment).collect();
    assert_eq!(treatments, [Treatment::Drop, Treatment::Drop, Treatment::Drop]);
}

/// Known columns whose names are those of persons elsewhere, and which are not about persons.
const NOT_PERSONS: [&str; 5] =
    ["course.fullname", "course.marker", "course_resets.comments", "course_resets.notes", "mnet_host.ip_address"];

/// Columns whose name says that they are about persons are declared so, and what a mark names is there.
#[test]
fn declarations_agree_with_names_and_tables() {
    for table in model::tables() {
        let schema = table.schema();
        for column in table.columns {
            let at = format!("{}.{}", table.name, column.name);
            let is_user = column.name.contains("userid") || USER_NAMES.contains(&column.name);
            let is_text = TEXT_NAMES.contains(&column.name) && !column.secret;
            let is_not = NOT_PERSONS.contains(&at.as_str());
            assert!(is_not || !is_user || column.personal == Personal::UserId, "{at}");
            assert!(is_not || !is_text || column.personal == Personal::Text, "{at}");
            let Some(mark) = column.personal_where else { continue };
            assert_ne!(column.personal, Personal::No, "{at}");
            let decider = schema.field_with_name(mark.column).unwrap();
            let wanted = match mark.value {
                MarkValue::Ints(_) => DataType::Int64,
                MarkValue::Text(_) => DataType::Utf8View,
            };
            assert_eq!(*decider.data_type(), wanted, "{at}");
        }
    }
}

/// No declaration is lost because a column has the wrong type, and handles have a number to be made of.
#[test]
fn declarations_can_be_followed() {
    for table in model::tables() {
        let rules = rules::of_table(table.name, &table.schema());
        for (column, rule) in table.columns.iter().zip(&rules) {
            let dropped = rule.treatment == Treatment::Drop;
            assert_eq!(dropped, column.personal == Personal::Text, "{}.{}", table.name, column.name);
            assert_eq!(rule.only.is_some(), column.personal_where.is_some(), "{}.{}", table.name, column.name);
        }
    }
}
