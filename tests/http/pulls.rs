//! Pulls of views: formats, pages, increments, limits, broken transfers, the table of pulls.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use futures::StreamExt;
use reqwest::{RequestBuilder, Response};
use rstest::rstest;
use serde_json::{Value, json};
use server::access::{NewToken, Scope};
use server::etl::{InstanceSettings, Instances};
use std::sync::Arc;

use super::{NOW, Served, Setup};

/// All formats over HTTP.
const FORMATS: [&str; 6] = ["json", "ndjson", "xml", "csv", "parquet", "arrow"];

/// A server with the views of the tests and the instance `erp`, which sees identities.
struct Desk {
    setup: Setup,
    served: Served,
    token: String,
}

impl Desk {
    async fn new() -> Result<Self> {
        Self::with(InstanceSettings { identities: true, ..InstanceSettings::default() }).await
    }

    async fn with(settings: InstanceSettings) -> Result<Self> {
        Self::on(Setup::new().await?, settings).await
    }

    async fn on(setup: Setup, settings: InstanceSettings) -> Result<Self> {
        let views = concat!(env!("CARGO_MANIFEST_DIR"), "/views");
        let setup = setup.set("etl.views", views).set("etl.refresh", "0");
        Instances::new(&setup.engine, Default::default()).add("erp", &settings, NOW).await?;
        let token = etl_token(&setup, "erp").await?;
        Ok(Self { served: setup.serve().await?, setup, token })
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.served.get(path).bearer_auth(&self.token)
    }

    async fn ack(&self, path: &str, batch: &str) -> Result<Response> {
        let body = json!({ "batch": batch }).to_string();
        let request = self.served.post(&format!("/v1/instances/erp/{path}/ack")).bearer_auth(&self.token);
        Ok(request.header("content-type", "application/json").body(body).send().await?)
    }

    /// The rows of a pull in NDJSON, and its batch.
    async fn rows(&self, path: &str) -> Result<(Vec<Value>, Option<String>)> {
        let answer = self.get(path).header("accept", "application/x-ndjson").send().await?;
        ensure!(answer.status() == 200, "{path}: {} {}", answer.status(), answer.text().await?);
        let batch = answer.headers().get("assidu-batch").and_then(|batch| batch.to_str().ok()).map(str::to_owned);
        let text = answer.text().await?;
        let rows: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
        Ok((rows?, batch))
    }

    async fn ids(&self, path: &str) -> Result<(Vec<i64>, Option<String>)> {
        let (rows, batch) = self.rows(path).await?;
        let mut ids: Vec<i64> = rows.iter().filter_map(|row| row["id"].as_i64()).collect();
        ids.sort_unstable();
        Ok((ids, batch))
    }

    /// Rows of the table of pulls, oldest first.
    async fn pulls(&self, columns: &str) -> Result<Vec<String>> {
        // Its commits are made in the background.
        for _ in 0..100 {
            let sql = format!("SELECT {columns} FROM assidu.pulls ORDER BY id");
            if let Ok(rows) = tests::rows(&self.setup.engine, &sql).await {
                let rows = arrow::util::pretty::pretty_format_batches(&rows)?.to_string();
                let lines = rows.lines().skip(3).filter(|line| line.starts_with('|'));
                return Ok(lines.map(|line| line.replace(' ', "")).collect());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        anyhow::bail!("no pull was recorded")
    }
}

async fn etl_token(setup: &Setup, instance: &str) -> Result<String> {
    let scopes = [Scope::Etl(Some(instance.to_owned()))].into();
    Ok(setup.token(NewToken { scopes, ..NewToken::default() }).await?.1)
}

/// Adds hits to the log: (id, user, time).
async fn add(engine: &Engine, hits: &[(i64, i64, i64)]) -> Result<()> {
    let mut csv = "id,userid,courseid,action,timecreated\n".to_owned();
    for (id, user, time) in hits {
        csv.push_str(&format!("{id},{user},2,viewed,{time}\n"));
    }
    let source = Source::Memory { name: "more.csv".to_owned(), bytes: csv.into() };
    let request = LoadRequest { format: Some(Format::Log), ..LoadRequest::new(vec![source], NOW) };
    let summary = engine.load(&request, Arc::new(Silent)).await?;
    ensure!(summary.total().loaded == hits.len() as u64, "not all hits are new");
    Ok(())
}

async fn all_ids(engine: &Engine) -> Result<Vec<i64>> {
    let batches = tests::rows(engine, "SELECT id FROM logstore_standard_log ORDER BY id").await?;
    use arrow::array::AsArray;
    let ids = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<arrow::datatypes::Int64Type>().values().to_vec());
    Ok(ids.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_catalogue_tells_what_may_be_pulled() -> Result<()> {
    let settings = InstanceSettings { views: vec!["clicks".to_owned()], ..InstanceSettings::default() };
    let desk = Desk::with(settings).await?;
    let all = super::json(desk.get("/v1/views").send().await?).await?;
    let names: Vec<&str> = all["views"].as_array().unwrap().iter().filter_map(|view| view["name"].as_str()).collect();
    assert_eq!(names, ["clicks"]);
    let view = super::json(desk.get("/v1/views/clicks").send().await?).await?;
    assert_eq!(
        view["parameters"][1],
        json!({
            "name": "course", "type": "int", "required": false, "default": null, "min": 1, "max": 1000,
            "min_length": null, "max_length": null, "values": [], "pattern": null, "help": null,
        })
    );
    assert_eq!(view["incremental"], json!({ "table": "logstore_standard_log", "mode": "append", "columns": null }));
    assert_eq!(desk.get("/v1/views/per_user").send().await?.status(), 404);
    let problem = super::json(desk.get("/v1/views/clikcs").send().await?).await?;
    assert!(problem["detail"].as_str().unwrap().contains("did you mean `clicks`?"), "{problem}");
    // Another instance is none of the token's.
    assert_eq!(desk.get("/v1/instances/other/clicks").send().await?.status(), 403);
    assert_eq!(desk.served.get("/v1/views").send().await?.status(), 401);
    let statistics = desk.setup.statistics().await?;
    assert_eq!(desk.served.get("/v1/views").bearer_auth(statistics).send().await?.status(), 403);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_comes_in_every_format_by_suffix_parameter_and_header() -> Result<()> {
    let desk = Desk::new().await?;
    for (format, kind) in [
        ("json", "application/json"),
        ("ndjson", "application/x-ndjson"),
        ("xml", "application/xml"),
        ("csv", "text/csv; charset=utf-8; header=present"),
        ("parquet", "application/vnd.apache.parquet"),
        ("arrow", "application/vnd.apache.arrow.stream"),
    ] {
        let suffix = desk.get(&format!("/v1/views/per_user/data.{format}")).send().await?;
        assert_eq!((suffix.status().as_u16(), &suffix.headers()["content-type"]), (200, &kind.parse()?), "{format}");
        assert_eq!(suffix.headers()["content-disposition"], format!("inline; filename=\"per_user.{format}\""));
        let parameter = desk.get(&format!("/v1/views/per_user/data?format={format}")).send().await?;
        let accept = kind.split(';').next().unwrap_or_default();
        let header = desk.get("/v1/views/per_user/data").header("accept", accept).send().await?;
        assert_eq!(
            (&parameter.headers()["content-type"], &header.headers()["content-type"]),
            (&kind.parse()?, &kind.parse()?)
        );
        assert!(!suffix.bytes().await?.is_empty() && parameter.bytes().await?.len() == header.bytes().await?.len());
    }
    // The worked example has 11 hits of user 5 and one of user 6.
    let users = super::json(desk.get("/v1/views/per_user/data").send().await?).await?;
    assert_eq!(users.as_array().map(Vec::len), Some(all_users(&desk.setup.engine).await?));
    let refused = desk.get("/v1/views/per_user/data").header("accept", "image/png").send().await?;
    assert_eq!(refused.status(), 406);
    assert!(super::json(refused).await?["detail"].as_str().unwrap().contains("json, ndjson, xml, csv, parquet, arrow"));
    let unknown = desk.get("/v1/views/per_user/data.yaml").send().await?;
    assert_eq!(unknown.status(), 400);
    desk.served.finish().await
}

async fn all_users(engine: &Engine) -> Result<usize> {
    let count = tests::numbers(engine, "SELECT count(DISTINCT userid) FROM logstore_standard_log").await?;
    Ok(usize::try_from(count[0])?)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_wrong_parameters_are_named_and_none_is_ignored() -> Result<()> {
    let desk = Desk::new().await?;
    let path = "/v1/views/clicks/data?from=soon&course=0&actions=a,b,c,d&corse=2&limit=x&shape=cube&footer=1&cursor=zz&course=3";
    let answer = desk.get(path).send().await?;
    assert_eq!(answer.status(), 400);
    let problem = super::json(answer).await?;
    let mut names: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().filter_map(|error| error["parameter"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["actions", "corse", "course", "footer", "from", "limit", "shape"]);
    let reason = |name: &str| {
        let errors = problem["errors"].as_array().unwrap();
        errors.iter().find(|error| error["parameter"] == name).unwrap()["reason"].as_str().unwrap().to_owned()
    };
    assert_eq!(reason("corse"), "unknown; did you mean `course`?");
    // By POST with a JSON body the same rules hold.
    let body = r#"{"course": "0 OR 1=1", "from": true, "actions": ["viewed"], "x": 1}"#;
    let answer = desk.served.post("/v1/views/clicks/data").bearer_auth(&desk.token).body(body).send().await?;
    assert_eq!(answer.status(), 400);
    let problem = super::json(answer).await?;
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(3), "{problem}");
    let good = r#"{"course": 2, "actions": ["viewed", "loggedin"], "format": "ndjson"}"#;
    let answer = desk.served.post("/v1/views/clicks/data").bearer_auth(&desk.token).body(good).send().await?;
    assert_eq!(answer.status(), 200);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unacknowledged_pull_repeated_gives_identical_bytes_in_every_format() -> Result<()> {
    let desk = Desk::new().await?;
    for format in FORMATS {
        let path = format!("/v1/instances/erp/clicks.{format}");
        let first = desk.get(&path).send().await?;
        let batch = first.headers()["assidu-batch"].clone();
        let first = first.bytes().await?;
        // A commit in between changes nothing about the open batch.
        let id = 1_000 + FORMATS.iter().position(|known| *known == format).unwrap_or(0) as i64;
        add(&desk.setup.engine, &[(id, 5, 1_600_000_000)]).await?;
        desk.setup.engine.optimize(NOW).await?;
        let second = desk.get(&path).send().await?;
        assert_eq!(second.headers()["assidu-batch"], batch);
        assert_eq!(second.bytes().await?, first, "{format}");
    }
    let (ids, batch) = desk.ids("/v1/instances/erp/clicks").await?;
    assert!(ids.iter().all(|id| *id < 1_000), "{ids:?}");
    let batch = batch.context("a batch")?;
    let once = desk.ack("clicks", &batch).await?.text().await?;
    let twice = desk.ack("clicks", &batch).await?;
    assert_eq!((twice.status().as_u16(), twice.text().await?), (200, once));
    // What came meanwhile is the next batch, whatever its times are.
    let (next, next_batch) = desk.ids("/v1/instances/erp/clicks").await?;
    assert_eq!(next, (1_000..1_006).collect::<Vec<i64>>());
    assert_ne!(next_batch, Some(batch.clone()));
    // The acknowledged batch can be pulled again.
    let (replayed, replayed_batch) = desk.ids(&format!("/v1/instances/erp/clicks/batches/{batch}.ndjson")).await?;
    assert_eq!((replayed, replayed_batch), (ids, Some(batch)));
    assert_eq!(desk.ack("clicks", "nonsense").await?.status(), 404);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_batches_hold_every_row_once() -> Result<()> {
    let desk = Desk::new().await?;
    let engine = &desk.setup.engine;
    let mut pulled = Vec::new();
    for round in 0..6i64 {
        // Late rows, equal times, and a pull that nobody acknowledges.
        add(engine, &[(100 + round * 2, 5, 1_500_000_000), (101 + round * 2, 6, 1_500_000_000)]).await?;
        if round % 2 == 1 {
            desk.ids("/v1/instances/erp/clicks").await?;
            continue;
        }
        let (ids, batch) = desk.ids("/v1/instances/erp/clicks").await?;
        assert_eq!(desk.ack("clicks", &batch.context("a batch")?).await?.status(), 200);
        pulled.extend(ids);
    }
    loop {
        let (ids, batch) = desk.ids("/v1/instances/erp/clicks").await?;
        let Some(batch) = batch else {
            assert_eq!(ids, Vec::<i64>::new());
            break;
        };
        desk.ack("clicks", &batch).await?;
        pulled.extend(ids);
    }
    pulled.sort_unstable();
    assert_eq!(pulled, all_ids(engine).await?);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn views_of_changed_keys_give_whole_rows_of_the_users_that_changed() -> Result<()> {
    let desk = Desk::new().await?;
    let (all, batch) = desk.rows("/v1/instances/erp/per_user").await?;
    assert_eq!(all.len(), all_users(&desk.setup.engine).await?);
    desk.ack("per_user", &batch.context("a batch")?).await?;
    let before = all.iter().find(|row| row["userid"] == 5).and_then(|row| row["hits"].as_i64()).context("user 5")?;
    add(&desk.setup.engine, &[(500, 5, 1_500_000_000), (501, 77, 1_500_000_000)]).await?;
    let (changed, _) = desk.rows("/v1/instances/erp/per_user").await?;
    assert_eq!(changed, [json!({ "userid": 5, "hits": before + 1 }), json!({ "userid": 77, "hits": 1 })]);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_cut_from_one_snapshot() -> Result<()> {
    let desk = Desk::new().await?;
    let engine = &desk.setup.engine;
    let whole = all_ids(engine).await?;
    let mut path = "/v1/views/clicks/data?limit=3&shape=full&format=json".to_owned();
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let answer = desk.get(&path).send().await?;
        ensure!(answer.status() == 200, "{path}: {}", answer.text().await?);
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok()).map(str::to_owned);
        let page = super::json(answer).await?;
        ids.extend(page["rows"].as_array().unwrap().iter().filter_map(|row| row["id"].as_i64()));
        pages += 1;
        // Rows that come meanwhile belong to no page of this walk.
        add(engine, &[(2_000 + pages, 5, 1_400_000_000)]).await?;
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!((link, page["next_cursor"].clone()), (None, Value::Null));
            break;
        };
        let link = link.context("a link")?;
        assert!(link.starts_with(&format!("<{}/v1/views/clicks/data?", desk.served.url(""))), "{link}");
        assert!(link.ends_with("; rel=\"next\"") && link.contains(cursor), "{link}");
        path = format!("/v1/views/clicks/data?limit=3&shape=full&format=json&cursor={cursor}");
    }
    ids.sort_unstable();
    assert_eq!(ids, whole);
    assert_eq!(pages as usize, whole.len().div_ceil(3));

    // A cursor of other parameters, a forged one, and one of a snapshot that is gone.
    let first = super::json(desk.get("/v1/views/clicks/data?limit=3&shape=full").send().await?).await?;
    let cursor = first["next_cursor"].as_str().context("a cursor")?;
    assert_eq!(
        desk.get(&format!("/v1/views/clicks/data?limit=3&course=2&cursor={cursor}")).send().await?.status(),
        400
    );
    assert_eq!(desk.get("/v1/views/clicks/data?cursor=e30").send().await?.status(), 400);
    assert_eq!(desk.get("/v1/views/many/data?limit=3").send().await?.status(), 400, "a view without a key");
    add(engine, &[(3_000, 5, 1_400_000_000)]).await?;
    engine.vacuum(NOW + 100_000, 3600, false, false).await?;
    let gone = desk.get(&format!("/v1/views/clicks/data?limit=3&cursor={cursor}")).send().await?;
    assert_eq!(gone.status(), 410);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn vacuum_spares_the_snapshot_of_an_open_batch() -> Result<()> {
    let desk = Desk::new().await?;
    let engine = &desk.setup.engine;
    let first = desk.get("/v1/instances/erp/clicks.csv").send().await?.bytes().await?;
    add(engine, &[(3_000, 5, 1_400_000_000)]).await?;
    engine.optimize(NOW).await?;
    engine.vacuum(NOW + 1_000_000, 3600, false, false).await?;
    assert_eq!(desk.get("/v1/instances/erp/clicks.csv").send().await?.bytes().await?, first);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_move_nothing() -> Result<()> {
    let desk = Desk::new().await?;
    add(&desk.setup.engine, &(0..50).map(|id| (4_000 + id, 5, 1_400_000_000)).collect::<Vec<_>>()).await?;
    let (rows, batch) = desk.rows("/v1/instances/erp/clicks?testmode=test").await?;
    assert_eq!((rows.len(), batch), (30, None));
    let (rows, _) = desk.rows("/v1/views/clicks/data?testmode=test").await?;
    assert_eq!(rows.len(), 30);
    let marks = super::json(desk.get("/v1/instances/erp/clicks/batches").send().await?).await?;
    assert_eq!((&marks["mark"], &marks["open"]), (&json!(0), &Value::Null));
    assert_eq!(desk.get("/v1/instances/erp/clicks?testmode=maybe").send().await?.status(), 400);
    assert_eq!(desk.get("/v1/instances/erp/clicks?course=2").send().await?.status(), 400);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn two_pulls_of_a_view_at_once_are_one_too_many() -> Result<()> {
    let desk = Desk::new().await?;
    let hits: Vec<(i64, i64, i64)> = (0..60_000).map(|id| (10_000 + id, 5 + id % 7, 1_400_000_000 + id)).collect();
    add(&desk.setup.engine, &hits).await?;
    // The first one is not read, so it does not end.
    let mut first = desk.get("/v1/instances/erp/clicks.xml").send().await?;
    assert!(first.chunk().await?.is_some());
    let second = desk.get("/v1/instances/erp/clicks.csv").send().await?;
    assert_eq!(second.status(), 409);
    assert_eq!(super::json(second).await?["code"], "etl.busy");
    // Another view of the instance is free.
    assert_eq!(desk.get("/v1/instances/erp/per_user").send().await?.status(), 200);
    drop(first);
    for _ in 0..200 {
        if desk.get("/v1/instances/erp/clicks.csv").send().await?.status() == 200 {
            desk.served.finish().await?;
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    anyhow::bail!("a pull that was left is still running")
}

#[rstest]
#[case(false, None)]
#[case(false, Some("gzip"))]
#[case(false, Some("zstd"))]
#[case(false, Some("br"))]
#[case(true, None)]
#[case(true, Some("gzip"))]
#[tokio::test(flavor = "multi_thread")]
async fn an_error_after_the_first_byte_breaks_the_transfer(
    #[case] http2: bool,
    #[case] encoding: Option<&'static str>,
) -> Result<()> {
    let desk = Desk::new().await?;
    let client = match http2 {
        true => reqwest::Client::builder().http2_prior_knowledge().build()?,
        false => reqwest::Client::new(),
    };
    for format in FORMATS {
        let url = desk.served.url(&format!("/v1/views/many/data.{format}?rows=100000&bad=60000"));
        let mut request = client.get(url).bearer_auth(&desk.token);
        if let Some(encoding) = encoding {
            request = request.header("accept-encoding", encoding);
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            // Bytes that the compression still held are lost with the connection: that looks like no answer at all.
            Err(error) if encoding.is_some() && !error.is_connect() => continue,
            Err(error) => return Err(error.into()),
        };
        assert_eq!(answer.status(), 200, "{format}");
        assert_eq!(answer.headers().get("content-encoding").map(|value| value.to_str().unwrap()), encoding);
        let mut stream = answer.bytes_stream();
        let mut failed = false;
        while let (false, Some(chunk)) = (failed, stream.next().await) {
            failed = chunk.is_err();
        }
        assert!(failed, "{format}: the transfer ended as if it were complete");
    }
    let outcomes = desk.pulls("format, outcome, status").await?;
    assert!(outcomes.iter().all(|line| line.ends_with("|aborted|200|")), "{outcomes:?}");
    desk.served.finish().await
}

#[rstest]
#[case(false)]
#[case(true)]
#[tokio::test(flavor = "multi_thread")]
async fn whole_documents_come_compressed(#[case] http2: bool) -> Result<()> {
    let desk = Desk::new().await?;
    let builder = reqwest::Client::builder();
    let client = if http2 { builder.http2_prior_knowledge() } else { builder }.build()?;
    let plain = desk.get("/v1/views/many/data.csv").send().await?.bytes().await?;
    for encoding in ["gzip", "zstd", "br"] {
        let url = desk.served.url("/v1/views/many/data.csv");
        let answer = client.get(url).bearer_auth(&desk.token).header("accept-encoding", encoding).send().await?;
        assert_eq!(answer.headers()["content-encoding"], encoding);
        let bytes = answer.bytes().await?;
        assert!(bytes.len() < plain.len(), "{encoding}: {} bytes", bytes.len());
        let read: Vec<u8> = match encoding {
            "gzip" => std::io::Read::bytes(flate2::read::GzDecoder::new(&bytes[..])).collect::<Result<_, _>>()?,
            "zstd" => zstd::decode_all(&bytes[..])?,
            // Nothing here reads brotli: that the transfer ended as it should, with less, is all that is looked at.
            _ => continue,
        };
        assert_eq!(read, plain, "{encoding}");
    }
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_before_the_first_byte_has_a_status_of_its_own() -> Result<()> {
    let desk = Desk::new().await?;
    let answer = desk.get("/v1/views/many/data.csv?rows=10&bad=5").send().await?;
    assert_eq!(answer.status(), 400);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    assert!(super::json(answer).await?["detail"].as_str().unwrap().contains("Divide by zero"));
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_an_instance_hold() -> Result<()> {
    let settings = InstanceSettings {
        identities: true,
        formats: vec!["csv".to_owned()],
        max_rows: Some(20_000),
        rate: Some(6),
        ..InstanceSettings::default()
    };
    let desk = Desk::with(settings).await?;
    assert_eq!(desk.get("/v1/views/many/data.json").send().await?.status(), 406);
    assert_eq!(desk.get("/v1/views/many/data.csv").send().await?.status(), 200);
    let too_many = desk.get("/v1/views/many/data.csv?rows=100000").send().await?;
    assert_eq!(too_many.status(), 200);
    assert!(too_many.bytes().await.is_err(), "more rows than allowed must not look complete");
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(desk.get("/v1/views/many/data.csv").send().await?.status().as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");

    let instances = Instances::new(&desk.setup.engine, Default::default());
    let edit = |settings: &mut InstanceSettings| {
        settings.rate = None;
        settings.addresses = "10.0.0.0/8".parse()?;
        Ok(())
    };
    instances.edit("erp", NOW, edit).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    assert_eq!(desk.get("/v1/views/many/data.csv").send().await?.status(), 403);
    let edit = |settings: &mut InstanceSettings| {
        settings.addresses = Default::default();
        Ok(())
    };
    instances.edit("erp", NOW, edit).await?;
    let pause = server::etl::Pause { at: NOW, reason: "the warehouse moves".to_owned() };
    instances.set_pause("erp", Some(pause), NOW).await?;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let paused = desk.get("/v1/views/many/data.csv").send().await?;
    assert_eq!(paused.status(), 403);
    assert!(super::json(paused).await?["detail"].as_str().unwrap().contains("the warehouse moves"));
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_pull_is_in_the_table_of_pulls() -> Result<()> {
    let desk = Desk::new().await?;
    let (ids, batch) = desk.ids("/v1/instances/erp/clicks?format=ndjson").await?;
    desk.get("/v1/views/many/data.csv?rows=7").send().await?.bytes().await?;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let rows = desk.pulls("kind, instance, \"view\", format, rows, outcome, batch, caller").await?;
    let batch = batch.context("a batch")?;
    assert_eq!(rows[0], format!("|incremental|erp|clicks|ndjson|{}|complete|{batch}|1|", ids.len()));
    assert_eq!(rows[1], "|full|erp|many|csv|7|complete||1|");
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_and_footers_say_that_a_document_is_complete() -> Result<()> {
    let desk = Desk::new().await?;
    let answer = desk.get("/v1/views/many/data.ndjson?rows=3&footer=1").header("te", "trailers").send().await?;
    assert_eq!(answer.headers()["trailer"], "assidu-rows, assidu-outcome");
    let text = answer.text().await?;
    let last: Value = serde_json::from_str(text.lines().last().context("a line")?)?;
    assert_eq!((&last["_end"]["rows"], &last["_end"]["complete"]), (&json!(3), &json!(true)), "{text}");
    let full = super::json(desk.get("/v1/views/many/data.json?rows=3&shape=full").send().await?).await?;
    assert_eq!((&full["row_count"], &full["complete"], &full["view"]), (&json!(3), &json!(true), &json!("many")));
    let xml = desk.get("/v1/views/many/data.xml?rows=3").send().await?.text().await?;
    assert!(xml.contains("<?assidu-end rows=\"3\""), "{xml}");
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_file_that_becomes_wrong_leaves_its_last_good_version() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("per_user.sql");
    let good = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/views/per_user.sql"))?;
    std::fs::write(&file, &good)?;
    let setup = Setup::new().await?.set("etl.views", folder.path().to_str().context("path")?).set("etl.refresh", "0");
    let sql = setup.token(NewToken { scopes: [Scope::Sql, Scope::Admin].into(), ..NewToken::default() }).await?.1;
    let served = setup.serve().await?;
    let status = async || anyhow::Ok(served.get("/v1/views/per_user/data").bearer_auth(&sql).send().await?.status());
    assert_eq!(status().await?, 200);
    std::fs::write(&file, good.replace("count(*)", "cuont(*)"))?;
    assert_eq!(status().await?, 200, "the last good version serves");
    let report = served.post("/v1/admin/views/reload").bearer_auth(&sql).send().await?;
    let report = super::json(report).await?;
    assert!(report["faults"].to_string().contains("cuont"), "{report}");
    std::fs::write(&file, good.replace("AS hits", "AS hits, max(id) AS latest"))?;
    let report = super::json(served.post("/v1/admin/views/reload").bearer_auth(&sql).send().await?).await?;
    assert!(report["faults"].to_string().contains("add [columns.latest]"), "{report}");
    std::fs::remove_file(&file)?;
    assert_eq!(status().await?, 404);
    served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_store_asks_consumers_to_begin_anew() -> Result<()> {
    let desk = Desk::new().await?;
    let engine = &desk.setup.engine;
    let before = engine.snapshot(None).await?.commit();
    add(engine, &[(7_000, 5, 1_400_000_000)]).await?;
    let (_, batch) = desk.ids("/v1/instances/erp/clicks").await?;
    desk.ack("clicks", &batch.context("a batch")?).await?;
    engine.restore(before, NOW).await?;
    let answer = desk.get("/v1/instances/erp/clicks").send().await?;
    assert_eq!(answer.status(), 409);
    assert_eq!(super::json(answer).await?["code"], "etl.reset_needed");
    let admin = desk.setup.token(NewToken { scopes: [Scope::Admin].into(), ..NewToken::default() }).await?.1;
    let reset = desk.served.post("/v1/admin/instances/erp/reset").bearer_auth(&admin);
    let reset = reset.body(r#"{"view": "clicks", "reason": "the store was restored"}"#).send().await?;
    assert_eq!(super::json(reset).await?["resets"][0]["reason"], "the store was restored");
    let (ids, _) = desk.ids("/v1/instances/erp/clicks").await?;
    assert_eq!(ids, all_ids(engine).await?);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_are_looked_after_over_http() -> Result<()> {
    let desk = Desk::new().await?;
    let admin = desk.setup.token(NewToken { scopes: [Scope::Admin].into(), ..NewToken::default() }).await?.1;
    let post = |path: &str, body: &str| desk.served.post(path).bearer_auth(&admin).body(body.to_owned()).send();
    let made = post("/v1/admin/instances", r#"{"name": "bi", "label": "BI", "views": ["clicks", "clikcs"]}"#).await?;
    assert_eq!(made.status(), 201);
    let made = super::json(made).await?;
    assert!(made["remarks"][0]["en"].as_str().unwrap().contains("did you mean `clicks`?"), "{made}");
    assert!(!made.to_string().contains("key"), "{made}");
    let again = post("/v1/admin/instances", r#"{"name": "bi"}"#).await?;
    assert_eq!(again.status(), 400);
    let wrong =
        post("/v1/admin/instances", r#"{"name": "x", "rate": "many", "formats": [1], "colour": "red"}"#).await?;
    assert_eq!(super::json(wrong).await?["errors"].as_array().map(Vec::len), Some(3));
    let token = super::json(post("/v1/admin/instances/bi/tokens", r#"{"label": "job"}"#).await?).await?;
    let secret = token["secret"].as_str().context("a secret")?.to_owned();
    assert_eq!(desk.served.get("/v1/instances/bi/clicks").bearer_auth(&secret).send().await?.status(), 200);
    let patch = desk.served.client.patch(desk.served.url("/v1/admin/instances/bi")).bearer_auth(&admin);
    let patched = super::json(patch.body(r#"{"views": [], "max_rows": 5}"#).send().await?).await?;
    assert_eq!((&patched["views"], &patched["max_rows"]), (&json!([]), &json!(5)));
    assert_eq!(post("/v1/admin/instances/bi/pause", r#"{"reason": "stock-taking"}"#).await?.status(), 200);
    assert_eq!(desk.served.get("/v1/instances/bi/clicks").bearer_auth(&secret).send().await?.status(), 403);
    assert_eq!(post("/v1/admin/instances/bi/resume", "").await?.status(), 200);
    let history = desk.served.get("/v1/admin/instances/bi/history").bearer_auth(&admin).send().await?;
    assert_eq!(super::json(history).await?["views"][0]["view"], "clicks");
    let id = token["id"].as_u64().context("an id")?;
    let revoke = desk.served.client.delete(desk.served.url(&format!("/v1/admin/instances/bi/tokens/{id}")));
    assert_eq!(super::json(revoke.bearer_auth(&admin).send().await?).await?["state"], "revoked");
    assert_eq!(desk.served.get("/v1/instances/bi/clicks").bearer_auth(&secret).send().await?.status(), 401);
    let delete = desk.served.client.delete(desk.served.url("/v1/admin/instances/bi")).bearer_auth(&admin);
    assert_eq!(delete.send().await?.status(), 200);
    assert_eq!(desk.served.get("/v1/admin/instances/bi").bearer_auth(&admin).send().await?.status(), 404);
    // A consumer's token opens no administration.
    assert_eq!(desk.get("/v1/admin/instances").send().await?.status(), 403);
    desk.served.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_compatible_call_pulls_and_acknowledges() -> Result<()> {
    let settings = InstanceSettings {
        identities: true,
        plugin: Some("boardz".to_owned()),
        number: Some(4),
        ..InstanceSettings::default()
    };
    let desk = Desk::with(settings).await?;
    let call = async |arguments: &[(&str, &str)]| desk.served.call(&desk.token, "report_etl_get", arguments).await;
    let of = |params: &'static str| [("plugin", "boardz"), ("id", "4"), ("queryparams", params)];
    let window = call(&of(r#"{"query": "special_clicks", "from": 1, "to": 0}"#)).await?;
    assert_eq!(window["records"].as_i64(), Some(all_ids(&desk.setup.engine).await?.len() as i64), "{window}");
    assert_eq!(window["recordset"], "special_clicks");
    assert!(window["xmlcontent"].as_str().unwrap().starts_with(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<clicks>\n\t<click id=\"0\">\n\t\t<ix>0</ix>\n\t\t<action>"
    ));
    // An explicit window moves no mark; no window is a batch.
    let marks = super::json(desk.get("/v1/instances/erp/clicks/batches").send().await?).await?;
    assert_eq!(marks["open"], Value::Null);
    let first = call(&of(r#"{"query": "clicks"}"#)).await?;
    assert_eq!(call(&of(r#"{"query": "clicks", "from": 0, "to": 0}"#)).await?["xmlcontent"], first["xmlcontent"]);
    let sample =
        call(&[("plugin", "boardz"), ("id", "4"), ("queryparams", r#"{"query": "clicks"}"#), ("testmode", "test")])
            .await?;
    assert!(sample["xmlcontent"].as_str().unwrap().starts_with("<clicks>\n"), "{sample}");
    let acknowledged = call(&of(r#"{"query": "special_acknowledge", "ackquery": "special_clicks"}"#)).await?;
    assert!(acknowledged["xmlcontent"].as_str().unwrap().contains("<lastextract>0</lastextract>"));
    let again = call(&of(r#"{"query": "special_acknowledge", "ackquery": "special_clicks"}"#)).await?;
    assert!(again["xmlcontent"].as_str().unwrap().contains("<nochange/>"));
    assert_eq!(call(&of(r#"{"query": "clicks"}"#)).await?["records"], 0);

    let error = async |arguments: &[(&str, &str)]| anyhow::Ok(call(arguments).await?["errorcode"].clone());
    assert_eq!(error(&of(r#"{"query": "special_nosuch"}"#)).await?, "invalidrecord");
    assert_eq!(error(&of(r#"{"from": 1}"#)).await?, "Empty query in extractor");
    assert_eq!(error(&of("{}")).await?, "cannotconfigure");
    assert_eq!(error(&of("nonsense")).await?, "invalidparameter");
    assert_eq!(error(&of(r#"{"query": "clicks", "from": "0 OR 1=1"}"#)).await?, "invalidparameter");
    assert_eq!(error(&of(r#"{"query": "clicks", "from": 1, "colour": 1}"#)).await?, "invalidparameter");
    assert_eq!(error(&[("plugin", "boardz"), ("id", "0")]).await?, "invalidparameter");
    assert_eq!(
        error(&[("plugin", "boardz"), ("id", "9"), ("queryparams", r#"{"query": "clicks"}"#)]).await?,
        "invalidrecord"
    );
    assert_eq!(error(&[("plugin", "../boardz"), ("id", "4")]).await?, "invalidparameter");
    let sql = desk.served.call(&desk.token, "report_etl_get_sql", &[("sql", "SELECT 1")]).await?;
    assert_eq!(sql["errorcode"], "accessexception");
    desk.served.finish().await
}
