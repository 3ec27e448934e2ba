//! The golden requests of the web-service layer, sent to a server that was started on their fixture.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use serde_json::{Map, Value};
use server::access::{Access, AccessRegister, Gate};
use server::etl::InstanceSettings;
use server::http::{App, Clock, Server};
use server::settings::{Config, ServerSettings};

use super::case::json as read_json;
use super::diff::Report;
use super::ws_access::{access, services};
use super::ws_compare::compare;
use super::ws_etl::{compare_etl, rows_of};
use super::ws_figures::Recorded;

/// Sends every request of every group of a folder, and compares the answers.
///
/// # Errors
///
/// When a file cannot be read, or a server cannot be started; an answer that differs is no error.
pub async fn ws(dir: &Path) -> Result<Report> {
    let fixture = Fixture::load(&read_json(&dir.join("fixture.json"))?).await?;
    let mut report = Report::default();
    let mut paths: Vec<_> = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    for path in paths {
        let is_group = path.extension().is_some_and(|suffix| suffix == "json");
        if !is_group || path.file_stem().is_some_and(|name| name == "fixture") {
            continue;
        }
        let group = read_json(&path)?;
        let name = group["group"].as_str().unwrap_or_default();
        let cases = group["cases"].as_array().with_context(|| format!("{}: no cases", path.display()))?;
        let rows = rows_of(cases);
        for case in cases {
            let place = case["id"].as_str().unwrap_or("?");
            let replayed = fixture.replay(case).await;
            let compared = replayed.map(|answer| match name {
                "report-etl" => compare_etl(case, &rows, &answer),
                _ => compare(case, &answer),
            });
            match compared {
                Ok(None) => report.pass(),
                Ok(Some(difference)) => report.fail(place, &difference),
                Err(error) => report.fail(place, &format!("{error:#}")),
            }
        }
    }
    Ok(report)
}

/// The state that every case assumes.
struct Fixture {
    engine: Engine,
    access: Access,
    fixture: Value,
    client: reqwest::Client,
}

impl Fixture {
    async fn load(fixture: &Value) -> Result<Self> {
        let engine = Engine::open("memory://", &[]).await?;
        let tables = fixture["tables"].as_object().context("`tables` of the fixture")?;
        for (table, rows) in tables {
            load(&engine, table, rows.as_array().map_or(&[][..], Vec::as_slice)).await?;
        }
        // Redirects and compression are no part of any case.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { engine, access: access(fixture)?, fixture: fixture.clone(), client })
    }

    /// Sends the request of a case to a server of its own.
    async fn replay(&self, case: &Value) -> Result<Answer> {
        let server = self.start(&case["given"]).await?;
        let (address, stop) = (server.address, Arc::new(tokio::sync::Notify::new()));
        let stopping = Arc::clone(&stop);
        let running = tokio::spawn(server.run(async move { stopping.notified().await }));
        // The name tells that the same request was sent before.
        if case["id"].as_str().is_some_and(|id| id.contains("second-call")) {
            self.send(address, &case["request"]).await?;
        }
        let answer = self.send(address, &case["request"]).await;
        stop.notify_one();
        running.await??;
        answer
    }

    async fn start(&self, given: &Value) -> Result<Server> {
        let fixture = &self.fixture;
        let now = fixture["now_for_empty_to"].as_i64().context("`now_for_empty_to`")?;
        let settings = settings(fixture, given)?;
        // Accounts and tokens change while they are used, so that each server has those of the fixture.
        let keys = Engine::open("memory://", &[]).await?;
        let register = AccessRegister::new(&keys);
        register
            .update(|access| {
                access.clone_from(&self.access);
                Ok(())
            })
            .await?;
        let app = App::new(self.engine.clone(), settings, Gate::new(register), Clock::fixed(now));
        let figures = Recorded::new(&fixture["use_stats_results"])?;
        Ok(Server::start(Arc::new(app.with_figures(Arc::new(figures)))).await?)
    }

    async fn send(&self, address: std::net::SocketAddr, request: &Value) -> Result<Answer> {
        let method = request["method"].as_str().unwrap_or("GET").parse()?;
        let path = request["url"].as_str().context("`url` of the request")?;
        let mut sent = self.client.request(method, format!("http://{address}{path}"));
        for (name, value) in request["headers"].as_object().into_iter().flatten() {
            sent = sent.header(name, value.as_str().unwrap_or_default());
        }
        if let Some(body) = request["body"].as_str() {
            sent = sent.body(body.to_owned());
        }
        let answer = sent.send().await?;
        let headers = answer.headers().iter();
        Ok(Answer {
            status: answer.status().as_u16(),
            headers: headers
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: answer.text().await?,
        })
    }
}

/// What a server answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: String,
}

/// Settings as the fixture and the case want them.
fn settings(fixture: &Value, given: &Value) -> Result<ServerSettings> {
    let mut config = Config::default();
    let mut set = |key: &'static str, text: &str| {
        let value = server::settings::GivenValue {
            text: text.to_owned(),
            origin: server::settings::Origin::File,
            place: "fixture".to_owned(),
        };
        config.given.note(key, value);
    };
    set("server.listen", "127.0.0.1:0");
    set("server.drain_delay", "0");
    set("moodle.login_by_url", "true");
    set("limits.refusals", "0");
    let is = |key: &str, missing: bool| given[key].as_bool().unwrap_or(missing).to_string();
    set("moodle.debug", &is("debug", false));
    set("moodle.maintenance", &is("maintenance", false));
    set("moodle.rest", &is("rest_enabled", true));
    set("moodle.enabled", &is("webservices_enabled", true));
    config.services = services(fixture)?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let site = server::settings::SiteSettings {
        wwwroot: text(&fixture["wwwroot"]),
        fullname: fixture["site"]["fullname"].as_str().map(str::to_owned),
        lang: fixture["site"]["lang"].as_str().map(str::to_owned),
    };
    for instance in fixture["etl_instances"].as_array().into_iter().flatten() {
        let (plugin, number) = (text(&instance["plugin"]), instance["id"].as_i64());
        let settings = InstanceSettings {
            plugin: Some(plugin.clone()),
            number,
            identities: !instance["masquerade"].as_bool().unwrap_or(true),
            ..InstanceSettings::default()
        };
        config.instances.insert(format!("{plugin}-{}", number.unwrap_or_default()), settings);
    }
    config.sites.insert(engine::store::DEFAULT_SITE.to_owned(), site);
    Ok(ServerSettings::try_new(&config, 2)?)
}

/// Loads the rows of a table, as its export would hold them.
async fn load(engine: &Engine, table: &str, rows: &[Value]) -> Result<()> {
    let rows: Vec<&Map<String, Value>> = rows.iter().filter_map(Value::as_object).collect();
    let Some(first) = rows.first() else { return Ok(()) };
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(first.keys())?;
    for row in &rows {
        csv.write_record(first.keys().map(|name| match &row[name] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }))?;
    }
    let source = Source::Memory { name: format!("{table}.csv"), bytes: csv.into_inner()?.into() };
    let format = match table {
        "logstore_standard_log" => Format::Log,
        other => Format::Table(other.to_owned()),
    };
    let request = LoadRequest { format: Some(format), ..LoadRequest::new(vec![source], 1_700_000_000) };
    let summary = engine.load(&request, Arc::new(Silent)).await.with_context(|| format!("table {table}"))?;
    let rejected = summary.total().rejected;
    anyhow::ensure!(rejected == 0, "table {table}: {rejected} rows were rejected");
    Ok(())
}
