//! The server as its callers see it: a store in memory, a socket, requests.

mod clients;
mod doors;
mod hostile;
mod moodle;
mod native;
mod process;
mod pulls;
mod security;
mod stop;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use server::access::{AccessRegister, Gate, GateSettings, NewAccount, NewToken, Password, Scope, Secret};
use server::http::{App, Clock, Server};
use server::settings::{Config, GivenValue, Origin, ServerSettings};
use tests::WORKED_EXAMPLE;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// The clock: long after the worked example.
const NOW: i64 = 1_717_200_000;

/// Password of the account `erp`.
const PASSWORD: &str = "correct horse battery";

/// What a server is started with.
struct Setup {
    engine: Engine,
    config: Config,
}

impl Setup {
    /// The worked example in an empty store, no settings.
    async fn new() -> Result<Self> {
        Self::on(Engine::open("memory://", &[]).await?).await
    }

    /// The same in a store that is there.
    async fn on(engine: Engine) -> Result<Self> {
        load(&engine, None).await?;
        let mut setup = Self { engine, config: Config::default() };
        for (key, value) in [("server.listen", "127.0.0.1:0"), ("server.drain_delay", "0"), ("limits.refusals", "0")] {
            setup = setup.set(key, value);
        }
        Ok(setup)
    }

    /// Sets a value, as a flag would.
    fn set(mut self, key: &'static str, text: &str) -> Self {
        let value = GivenValue { text: text.to_owned(), origin: Origin::Flag, place: "test".to_owned() };
        self.config.given.note(key, value);
        self
    }

    /// Makes a token.
    async fn token(&self, new: NewToken) -> Result<(u64, String)> {
        let secret = Secret::generate()?;
        let new = NewToken { label: "test".to_owned(), ..new };
        let register = AccessRegister::new(&self.engine);
        let id = register.update(|access| access.create_token(&new, &secret, NOW - 1000)).await?;
        Ok((id, secret.expose().to_owned()))
    }

    /// A token for statistics.
    async fn statistics(&self) -> Result<String> {
        Ok(self.token(NewToken { scopes: [Scope::Statistics].into(), ..NewToken::default() }).await?.1)
    }

    /// Makes the account `erp`, which may ask for statistics.
    async fn account(&self) -> Result<()> {
        let new = NewAccount {
            password: Some(Password::new(&Secret::new(PASSWORD))?),
            scopes: [Scope::Statistics].into(),
            ..NewAccount::new("erp")
        };
        AccessRegister::new(&self.engine).update(|access| access.create_account(&new, 0)).await?;
        Ok(())
    }

    fn app(&self) -> Result<App> {
        let settings = ServerSettings::try_new(&self.config, 2)?;
        let gate = GateSettings { refresh: std::time::Duration::ZERO, ..GateSettings::default() };
        let gate = Gate::with_settings(AccessRegister::new(&self.engine), gate);
        Ok(App::new(self.engine.clone(), settings, gate, Clock::fixed(NOW)))
    }

    async fn serve(&self) -> Result<Served> {
        Served::start(self.app()?).await
    }
}

/// Loads the worked example into a site (`None`: the default one).
async fn load(engine: &Engine, site: Option<&str>) -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/use-stats/worked-example");
    for (file, table) in WORKED_EXAMPLE {
        let source = Source::File(folder.join(format!("{file}.csv")));
        let format = if file == "log" { Format::Log } else { Format::Table(table.to_owned()) };
        let mut request = LoadRequest { format: Some(format), ..LoadRequest::new(vec![source], NOW) };
        request.site = site.map(str::to_owned);
        engine.load(&request, Arc::new(Silent)).await?;
    }
    Ok(())
}

/// A server that listens.
struct Served {
    address: SocketAddr,
    client: Client,
    stop: Arc<Notify>,
    running: JoinHandle<engine::Result<()>>,
}

impl Served {
    async fn start(app: App) -> Result<Self> {
        let server = Server::start(Arc::new(app)).await?;
        let (address, stop) = (server.address, Arc::new(Notify::new()));
        let stopping = Arc::clone(&stop);
        let running = tokio::spawn(server.run(async move { stopping.notified().await }));
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { address, client, stop, running })
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// A call of REST by POST; the answer as JSON.
    async fn call(&self, token: &str, function: &str, arguments: &[(&str, &str)]) -> Result<Value> {
        let own = [("wstoken", token), ("wsfunction", function), ("moodlewsrestformat", "json")];
        let form: Vec<(&str, &str)> = own.iter().chain(arguments).copied().collect();
        let answer = self.post("/webservice/rest/server.php").form(&form).send().await?;
        anyhow::ensure!(answer.status() == 200, "{}", answer.status());
        json(answer).await
    }

    /// Stops and waits for the end.
    async fn finish(self) -> Result<()> {
        self.stop.notify_one();
        Ok(self.running.await??)
    }
}

async fn json(answer: Response) -> Result<Value> {
    let text = answer.text().await?;
    serde_json::from_str(&text).with_context(|| text)
}
