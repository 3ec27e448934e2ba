//! Every door through which SQL could come in: analysts' statements, view files, parameters, the compatible call.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rstest::rstest;
use serde_json::{Value, json};
use server::access::{NewToken, Scope};
use server::etl::{InstanceSettings, Instances};

use super::{NOW, Served, Setup};

/// Statements that write, configure, or reach for files. `{}` is a folder that must stay empty.
const REFUSED: &[&str] = &[
    "COPY logstore_standard_log TO '{}/x.csv'",
    "COPY (SELECT 1) TO '{}/x.parquet' STORED AS PARQUET",
    "EXPLAIN COPY (SELECT 1) TO '{}/x.csv'",
    "EXPLAIN ANALYZE COPY (SELECT 1) TO '{}/x.csv'",
    "EXPLAIN ANALYZE VERBOSE COPY (SELECT 1) TO '{}/x.csv'",
    "INSERT INTO user VALUES (1)",
    "INSERT INTO '{}/x.csv' SELECT 1",
    "UPDATE user SET deleted = 1",
    "DELETE FROM user",
    "TRUNCATE TABLE user",
    "CREATE TABLE x AS SELECT 1",
    "CREATE VIEW x AS SELECT 1",
    "CREATE DATABASE x",
    "CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE FUNCTION f() RETURNS INT RETURN 1",
    "DROP TABLE user",
    "ALTER TABLE user ADD COLUMN x INT",
    "SET datafusion.execution.batch_size = 1",
    "RESET datafusion.execution.batch_size",
    "PREPARE p AS SELECT 1",
    "EXECUTE p",
    "DEALLOCATE p",
    "BEGIN",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE user",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM 'file:///etc/passwd'",
    "SELECT * FROM 's3://bucket/x.parquet'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_parquet('{}/x.parquet')",
    "SELECT * FROM read_json('/etc/passwd')",
    "SELECT * FROM parquet_metadata('/etc/passwd')",
    "SELECT * FROM no_such_function(1)",
    "SELECT load_extension('x')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT input_file_name() FROM user",
    "SELECT 1 INTO x",
    "SELECT * FROM user FOR UPDATE",
    "",
];

/// Statements that would fill the memory or never end.
const BOMBS: &[&str] = &[
    "SELECT repeat('x', 900000000)",
    "SELECT repeat(repeat('x', 100000), 100000)",
    "SELECT lpad('x', 2000000000, 'y')",
    "SELECT range(1, 10000000000)",
    "SELECT array_repeat(repeat('x', 100000), 100000)",
    "SELECT string_agg(repeat('x', 1000), '') FROM generate_series(1, 10000000)",
    "SELECT array_agg(value) FROM generate_series(1, 100000000000)",
    "SELECT count(*) FROM generate_series(1, 100000000000)",
    "SELECT a.value FROM generate_series(1, 1000000) a CROSS JOIN generate_series(1, 1000000) b ORDER BY 1 LIMIT 1",
    "SELECT count(*) FROM generate_series(1, 10000000) a CROSS JOIN generate_series(1, 10000000) b",
    "WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
];

async fn analyst(setup: Setup) -> Result<(Served, String)> {
    let token = setup.token(NewToken { scopes: [Scope::Sql].into(), ..NewToken::default() }).await?.1;
    Ok((setup.serve().await?, token))
}

async fn sql(served: &Served, token: &str, body: Value) -> Result<reqwest::Response> {
    let request = served.post("/v1/sql").bearer_auth(token).header("content-type", "application/json");
    Ok(request.body(body.to_string()).send().await?)
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_that_write_or_reach_for_files_are_refused() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().to_str().context("path")?;
    let (served, token) = analyst(Setup::new().await?).await?;
    for statement in REFUSED {
        let statement = statement.replace("{}", path);
        let answer = sql(&served, &token, json!({ "sql": statement })).await?;
        let status = answer.status().as_u16();
        ensure!(status == 400 || status == 404, "{statement}: {status} {}", answer.text().await?);
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{statement}");
    }
    assert_eq!(std::fs::read_dir(folder.path())?.count(), 0, "a file appeared");
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_bounded_and_others_go_on() -> Result<()> {
    let setup = Setup::new().await?.set("etl.time", "2s").set("limits.memory", "64MiB");
    let (served, token) = analyst(setup).await?;
    for statement in BOMBS {
        let start = Instant::now();
        let bomb = async {
            let answer = sql(&served, &token, json!({ "sql": statement, "format": "csv" })).await?;
            let status = answer.status().as_u16();
            // An error with a status of its own, or a transfer that breaks.
            anyhow::Ok((status, answer.bytes().await.map(|bytes| bytes.len())))
        };
        let other = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let answer = sql(&served, &token, json!({ "sql": "SELECT count(*) AS n FROM user" })).await?;
            ensure!(answer.status() == 200, "another statement got {}", answer.status());
            super::json(answer).await
        };
        let (bomb, other) = tokio::join!(bomb, other);
        let (status, rest) = bomb?;
        ensure!(status != 200 || rest.is_err(), "{statement} was answered with {rest:?} bytes");
        ensure!(status == 200 || status == 400 || status == 503, "{statement}: {status}");
        ensure!(other?.is_array(), "{statement} kept others out");
        ensure!(start.elapsed() < Duration::from_secs(20), "{statement} took {:?}", start.elapsed());
    }
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn analysts_ask_with_named_parameters_in_every_format() -> Result<()> {
    let (served, token) = analyst(Setup::new().await?).await?;
    let statement =
        "SELECT $user AS userid, count(*) AS n, $words AS words FROM logstore_standard_log WHERE userid = $user";
    let body = json!({ "sql": statement, "params": { "user": 5, "words": ["it's", "x'); DROP"] } });
    let answer = super::json(sql(&served, &token, body.clone()).await?).await?;
    assert_eq!(answer[0]["userid"], 5);
    assert_eq!(answer[0]["words"], json!(["it's", "x'); DROP"]));
    assert!(answer[0]["n"].as_i64() > Some(0), "{answer}");
    for format in ["json", "ndjson", "xml", "csv", "parquet", "arrow"] {
        let mut body = json!({ "sql": "SELECT 1 AS one" });
        body["format"] = json!(format);
        let answer = sql(&served, &token, body).await?;
        assert_eq!(answer.status(), 200, "{format}");
        assert!(!answer.bytes().await?.is_empty());
    }
    // A text is a statement too, and a list binds by position.
    let plain = served.post("/v1/sql").bearer_auth(&token).header("content-type", "text/plain").body("SELECT 2 AS two");
    assert_eq!(super::json(plain.send().await?).await?, json!([{ "two": 2 }]));
    let listed = sql(&served, &token, json!({ "sql": "SELECT $1 + $2 AS sum", "params": [2, 3] })).await?;
    assert_eq!(super::json(listed).await?, json!([{ "sum": 5 }]));
    for wrong in [
        json!({}),
        json!({ "sql": "SELECT $missing" }),
        json!({ "sql": "SELECT 1", "params": 7 }),
        json!({ "sql": "SELECT 1", "params": { "x": {} } }),
        json!({ "sql": "SELECT 1", "colour": "red" }),
        json!({ "sql": "SELECT 1", "format": "yaml" }),
        json!({ "sql": "SELECT 1", "at": "soon" }),
        json!(["SELECT 1"]),
    ] {
        let answer = sql(&served, &token, wrong.clone()).await?;
        assert_eq!(answer.status(), 400, "{wrong}");
    }
    let catalog = super::json(served.get("/v1/catalog").bearer_auth(&token).send().await?).await?;
    let named =
        |list: &Value, name: &str| list.as_array().is_some_and(|list| list.iter().any(|item| item["name"] == name));
    assert!(named(&catalog["tables"], "user") && named(&catalog["functions"], "course_time"), "{catalog}");
    served.finish().await
}

#[rstest]
#[case("/v1/sql")]
#[case("/v1/catalog")]
#[tokio::test(flavor = "multi_thread")]
async fn consumers_of_views_send_no_sql(#[case] path: &str) -> Result<()> {
    let setup = Setup::new().await?;
    Instances::new(&setup.engine, Default::default()).add("erp", &InstanceSettings::default(), NOW).await?;
    let scopes = [Scope::Etl(Some("erp".to_owned())), Scope::Statistics].into();
    let token = setup.token(NewToken { scopes, ..NewToken::default() }).await?.1;
    let served = setup.serve().await?;
    let request = if path == "/v1/sql" { served.post(path).body(r#"{"sql": "SELECT 1"}"#) } else { served.get(path) };
    assert_eq!(request.bearer_auth(&token).send().await?.status(), 403);
    served.finish().await
}

/// A view file goes through the same checks, before anybody can pull it.
#[tokio::test(flavor = "multi_thread")]
async fn views_that_would_write_or_reach_for_files_are_not_published() -> Result<()> {
    let (views, empty) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let path = empty.path().to_str().context("path")?;
    for (number, statement) in REFUSED.iter().enumerate() {
        let head = "/*---\ntitle = { en = \"x\", fr = \"x\" }\ndescription = { en = \"x\", fr = \"x\" }\n[columns.a]\ntype = \"Int64\"\ndoc = { en = \"x\", fr = \"x\" }\n---*/\n";
        std::fs::write(
            views.path().join(format!("bad_{number}.sql")),
            format!("{head}{}\n", statement.replace("{}", path)),
        )?;
    }
    std::fs::write(
        views.path().join("bad_schema.sql"),
        "/*---\ntitle = { en = \"x\", fr = \"x\" }\ndescription = { en = \"x\", fr = \"x\" }\n[columns.table_name]\ntype = \"Utf8\"\ndoc = { en = \"x\", fr = \"x\" }\n---*/\nSELECT table_name FROM information_schema.tables\n",
    )?;
    let setup = Setup::new().await?.set("etl.views", views.path().to_str().context("path")?).set("etl.refresh", "0");
    let scopes = [Scope::Sql, Scope::Admin].into();
    let token = setup.token(NewToken { scopes, ..NewToken::default() }).await?.1;
    let served = setup.serve().await?;
    let report = super::json(served.post("/v1/admin/views/reload").bearer_auth(&token).send().await?).await?;
    let faults = report["faults"].to_string();
    for name in (0..REFUSED.len()).map(|number| format!("bad_{number}.sql")).chain(["bad_schema.sql".to_owned()]) {
        assert!(faults.contains(&name), "{name} has no fault: {faults}");
    }
    let all = super::json(served.get("/v1/views").bearer_auth(&token).send().await?).await?;
    assert!(!all.to_string().contains("bad_"), "{all}");
    assert_eq!(std::fs::read_dir(empty.path())?.count(), 0, "a file appeared");
    served.finish().await
}
