//! What a session answers, what it refuses, and what it says about slips.

use arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use rstest::rstest;

use super::{ask, ask_with, catalog, session};
use crate::query::{FunctionInfo, FunctionKind, Limits, Session, TableInfo};
use crate::{ErrorKind, Lang};

#[rstest]
#[case("SELECT count(*) FROM hits", "4")]
#[case("SELECT count(*) FROM campus.hits", "4")]
#[case("SELECT id FROM other.user", "1")]
#[case("SELECT id FROM assidu.other.\"user\"", "1")]
#[case("WITH a AS (SELECT 1 AS x) SELECT x FROM a", "1")]
#[case("SELECT user.lastname FROM hits JOIN user ON user.id = hits.userid WHERE hits.id = 3", "Blaise")]
#[case("VALUES (1, 'a')", "1 | a")]
#[case("SELECT 1 UNION ALL SELECT 1", "1 / 1")]
#[case("SELECT sum(value) FROM generate_series(1, 4)", "10")]
#[case("SHOW datafusion.execution.batch_size", "datafusion.execution.batch_size | 8192")]
#[case("DESCRIBE other.user", "id | Int64 | NO")]
#[case("SELECT table_name FROM information_schema.tables WHERE table_schema = 'other'", "user")]
#[tokio::test]
async fn reading_answers(#[case] sql: &str, #[case] expected: &str) {
    let rows: Vec<String> = ask(&session(), sql).await.unwrap().iter().map(|row| row.join(" | ")).collect();
    assert_eq!(rows.join(" / "), expected, "{sql}");
}

#[rstest]
#[case("SHOW TABLES")]
#[case("SHOW COLUMNS FROM hits")]
#[case("SHOW FUNCTIONS LIKE 'repeat'")]
#[case("SHOW ALL")]
#[case("EXPLAIN SELECT * FROM hits")]
#[case("EXPLAIN VERBOSE SELECT * FROM hits")]
#[case("EXPLAIN ANALYZE SELECT lastname || '!' FROM user")]
#[case("EXPLAIN FORMAT TREE SELECT * FROM hits")]
#[tokio::test]
async fn showing_and_explaining_answer(#[case] sql: &str) {
    assert!(!ask(&session(), sql).await.unwrap().is_empty(), "{sql}");
}

#[tokio::test]
async fn writing_is_refused_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("out");
    let path = path.display();
    let session = session();
    for sql in [
        format!("COPY hits TO '{path}.csv'"),
        format!("COPY (SELECT * FROM hits) TO '{path}.parquet' STORED AS PARQUET"),
        format!("EXPLAIN ANALYZE COPY hits TO '{path}.csv'"),
        format!("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{path}.csv'"),
        format!("SELECT 1; COPY hits TO '{path}.csv'"),
        "INSERT INTO hits VALUES (1, 1, 1, 1)".to_owned(),
        "CREATE TABLE t AS SELECT * FROM hits".to_owned(),
        "SELECT * INTO t FROM hits".to_owned(),
        "DROP TABLE hits".to_owned(),
        "SET datafusion.execution.target_partitions = 100".to_owned(),
    ] {
        assert_eq!(ask(&session, &sql).await.unwrap_err().kind(), ErrorKind::Invalid, "{sql}");
        assert_eq!(session.plan(&sql).await.unwrap_err().kind(), ErrorKind::Invalid, "{sql}");
        assert_eq!(session.schema(&sql).await.unwrap_err().kind(), ErrorKind::Invalid, "{sql}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    assert_eq!(ask(&session, "SELECT count(*) FROM hits").await.unwrap(), [["4"]]);
}

#[tokio::test]
async fn files_are_no_tables() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret.csv");
    std::fs::write(&path, "a,b\n1,2\n").unwrap();
    let path = path.display();
    for (sql, kind) in [
        (format!("SELECT * FROM '{path}'"), ErrorKind::NotFound),
        (format!("SELECT * FROM \"{path}\""), ErrorKind::NotFound),
        (format!("SELECT * FROM 'file://{path}'"), ErrorKind::NotFound),
        (format!("SELECT * FROM read_csv('{path}')"), ErrorKind::Invalid),
        (format!("SELECT * FROM parquet_metadata('{path}')"), ErrorKind::Invalid),
        (format!("DESCRIBE '{path}'"), ErrorKind::NotFound),
        ("SELECT input_file_name() FROM hits".to_owned(), ErrorKind::Invalid),
    ] {
        assert_eq!(ask(&session(), &sql).await.unwrap_err().kind(), kind, "{sql}");
    }
}

#[rstest]
#[case("SELECT * FROM hit", ErrorKind::NotFound, "no table `hit`; did you mean `hits`?")]
#[case("SELECT * FROM other.usr", ErrorKind::NotFound, "no table `other.usr`; did you mean `other.user`?")]
#[case("SELECT * FROM nothing_like_it", ErrorKind::NotFound, "no table `nothing_like_it`")]
#[case("DESCRIBE hist", ErrorKind::NotFound, "no table `hist`; did you mean `hits`?")]
#[case("EXPLAIN SELECT * FROM hist", ErrorKind::NotFound, "no table `hist`; did you mean `hits`?")]
#[case("SELECT usrid FROM hits", ErrorKind::Invalid, "no column `usrid`; did you mean `userid`?")]
#[case("SELECT h.corseid FROM hits AS h", ErrorKind::Invalid, "no column `h.corseid`; did you mean `courseid`?")]
#[case("SELECT price FROM \"user\"", ErrorKind::Invalid, "no column `price`; there are `id`, `lastname`")]
#[case(
    "SELECT id FROM hits JOIN user ON userid = user.id",
    ErrorKind::Invalid,
    "column `id` is in more than one table"
)]
#[case("SELECT coutn(*) FROM hits", ErrorKind::Invalid, "no function `coutn`; did you mean `count`?")]
#[case("SELECT uppper(lastname) FROM user", ErrorKind::Invalid, "no function `uppper`; did you mean `upper`?")]
#[case(
    "SELECT * FROM generate_serie(1, 2)",
    ErrorKind::Invalid,
    "no table function `generate_serie`; did you mean `generate_series`?"
)]
#[case("SELECT nothing_like_it(1)", ErrorKind::Invalid, "no function `nothing_like_it`")]
#[tokio::test]
async fn slips_are_told_with_the_nearest_name(#[case] sql: &str, #[case] kind: ErrorKind, #[case] message: &str) {
    let error = ask(&session(), sql).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{sql}: {error}");
    assert!(error.message(Lang::En).starts_with(message), "{sql}: {error}");
    assert_ne!(error.message(Lang::En), error.message(Lang::Fr));
}

#[tokio::test]
async fn a_hint_is_asked_in_french_too() {
    let error = ask(&session(), "SELECT usrid FROM hits").await.unwrap_err();
    assert_eq!(error.message(Lang::Fr), "aucune colonne `usrid` ; vouliez-vous dire `userid` ?");
}

fn text(value: &str) -> ScalarValue {
    ScalarValue::Utf8(Some(value.to_owned()))
}

#[tokio::test]
async fn parameters_are_values_and_never_text() {
    let session = session();
    let sql = "SELECT id FROM user WHERE lastname = $name AND id > $least";
    let named = |name: &str| vec![("name", text(name)), ("least", ScalarValue::Int64(Some(0)))];
    assert_eq!(ask_with(&session, sql, named("Ada")).await.unwrap(), [["7"]]);
    assert!(ask_with(&session, sql, named("x' OR '1' = '1")).await.unwrap().is_empty());
    let positional = ParamValues::from(vec![ScalarValue::Int64(Some(7)), text("!")]);
    let sql = "SELECT lastname || $2 FROM user WHERE id = $1";
    assert_eq!(ask_with(&session, sql, positional).await.unwrap(), [["Ada!"]]);
}

#[tokio::test]
async fn missing_parameters_are_all_named_and_surplus_is_ignored() {
    let session = session();
    let sql = "SELECT id FROM hits WHERE userid = $user AND courseid = $course AND timecreated < $now";
    let error = ask_with(&session, sql, vec![("now", ScalarValue::Int64(Some(200)))]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(error.message(Lang::En), "no value for the parameters `$course`, `$user`");
    assert_eq!(ask(&session, "SELECT $1 + 1").await.unwrap_err().kind(), ErrorKind::Invalid);
    let surplus = vec![("now", ScalarValue::Int64(Some(1)))];
    assert_eq!(ask_with(&session, "SELECT count(*) FROM hits", surplus).await.unwrap(), [["4"]]);
}

#[tokio::test]
async fn a_statement_tells_its_columns_and_parameters_before_it_runs() {
    let session = session();
    let sql = "SELECT userid, count(*) AS n FROM hits WHERE courseid = $course GROUP BY userid";
    let schema = session.schema(sql).await.unwrap();
    let columns: Vec<_> = schema.fields().iter().map(|f| (f.name().as_str(), f.data_type().clone())).collect();
    assert_eq!(columns, [("userid", DataType::Int64), ("n", DataType::Int64)]);
    assert_eq!(session.parameters(sql).await.unwrap().into_iter().collect::<Vec<_>>(), ["course"]);
}

#[tokio::test]
async fn names_are_listed_for_completion() {
    let session = session();
    let table = |schema: &str, name: &str| TableInfo { schema: schema.to_owned(), name: name.to_owned() };
    assert_eq!(session.tables(), [table("campus", "hits"), table("campus", "user"), table("other", "user")]);
    let columns = session.columns("user").await.unwrap();
    assert_eq!(columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["id", "lastname"]);
    assert_eq!(session.columns("other.user").await.unwrap().len(), 1);
    assert_eq!(session.columns("usr").await.unwrap_err().kind(), ErrorKind::NotFound);
    let functions = session.functions();
    let has = |name: &str, kind| functions.contains(&FunctionInfo { name: name.to_owned(), kind });
    assert!(has("repeat", FunctionKind::Scalar) && has("count", FunctionKind::Aggregate));
    assert!(has("row_number", FunctionKind::Window) && has("generate_series", FunctionKind::Table));
    assert!(!has("input_file_name", FunctionKind::Scalar));
}

#[test]
fn a_site_that_does_not_exist_is_told() {
    let error = Session::new(catalog(), "nowhere", &Limits::default(), &|_| {}).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn an_expression_keeps_its_name_under_guard() {
    let session = session();
    let schema = session.schema("SELECT lastname || '!', repeat(lastname, 2), id FROM user").await.unwrap();
    let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names[0], "user.lastname || Utf8(\"!\")");
    assert_eq!(names[1], "repeat(user.lastname,Int64(2))");
}
