//! The recipes of the page for consumers, run as they stand there against a server in a process of its own.
//!
//! Each recipe runs five times: the document breaks off, the acknowledgement is lost, all goes well, nothing is new,
//! there are new rows. At the end its copy must have every row once.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use engine::Engine;
use engine::load::{Format, LoadRequest, Silent, Source};
use server::access::{AccessRegister, NewToken, Scope, Secret};
use server::etl::{InstanceSettings, Instances};
use tests::{LOG_HEADER, NOW, WORKED_EXAMPLE};

/// Tables of the types of activities, whose names the view `actions` looks up.
const ACTIVITIES: [&str; 25] = [
    "assign",
    "bigbluebuttonbn",
    "book",
    "chat",
    "choice",
    "data",
    "feedback",
    "folder",
    "forum",
    "glossary",
    "h5pactivity",
    "imscp",
    "label",
    "lesson",
    "lti",
    "page",
    "qbank",
    "quiz",
    "resource",
    "scorm",
    "subsection",
    "survey",
    "url",
    "wiki",
    "workshop",
];

/// A fenced block of the page that can be run.
#[derive(Debug, PartialEq, Eq)]
struct Recipe {
    /// `sh` or `python`.
    language: String,
    /// What has to be there: modules of Python.
    needs: Vec<String>,
    text: String,
}

/// The blocks whose fence says `test` behind the language; names of modules may follow.
fn recipes(page: &str) -> Vec<Recipe> {
    let mut found: Vec<Recipe> = Vec::new();
    let (mut fenced, mut wanted) = (false, false);
    for line in page.lines() {
        if let Some(fence) = line.strip_prefix("```") {
            let mut words = fence.split(' ');
            let language = words.next().unwrap_or_default().to_owned();
            (fenced, wanted) = (!fenced, !fenced && words.next() == Some("test"));
            if wanted {
                found.push(Recipe { language, needs: words.map(str::to_owned).collect(), text: String::new() });
            }
        } else if let (true, true, Some(recipe)) = (fenced, wanted, found.last_mut()) {
            recipe.text.push_str(line);
            recipe.text.push('\n');
        }
    }
    found
}

fn page() -> Result<String> {
    Ok(std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guide/consumers.md"))?)
}

/// A server on a store in a folder of its own.
struct Server {
    child: Child,
    address: SocketAddr,
    engine: Engine,
    token: String,
    folder: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // A process that has ended already is just as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    /// Loads the worked example and a hit of user 6, makes the instance `bi` with its token, and starts.
    async fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let store = folder.path().join("store");
        let engine = Engine::open(store.to_str().context("path")?, &[]).await?;
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/use-stats/worked-example");
        for (file, table) in WORKED_EXAMPLE {
            let format = if file == "log" { Format::Log } else { Format::Table(table.to_owned()) };
            load(&engine, Source::File(example.join(format!("{file}.csv"))), format).await?;
        }
        for table in ACTIVITIES {
            let source = Source::Memory { name: format!("{table}.csv"), bytes: "id,course,name\n1,2,First\n".into() };
            load(&engine, source, Format::Table(table.to_owned())).await?;
        }
        add(&engine, &[(50, 6, 2, 1_704_099_700)]).await?;
        let settings = InstanceSettings { identities: true, ..InstanceSettings::default() };
        Instances::new(&engine, Default::default()).add("bi", &settings, NOW).await?;
        let secret = Secret::generate()?;
        let new = NewToken {
            label: "recipes".to_owned(),
            scopes: [Scope::Etl(Some("bi".to_owned()))].into(),
            ..NewToken::default()
        };
        AccessRegister::new(&engine).update(|access| access.create_token(&new, &secret, NOW)).await?;
        let (child, address) = spawn(folder.path())?;
        Ok(Self { child, address, engine, token: secret.expose().to_owned(), folder })
    }
}

fn spawn(folder: &Path) -> Result<(Child, SocketAddr)> {
    let log = folder.join("log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_assidu-child"))
        .current_dir(folder)
        .args(["--store", "store", "--lang", "en", "--log", "warn", "serve", "--listen", "127.0.0.1:0"])
        .stderr(std::fs::File::create(&log)?)
        .spawn()?;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let text = std::fs::read_to_string(&log)?;
        let told = text.lines().find_map(|line| line.strip_prefix("serving store on http://")?.split(';').next());
        if let Some(address) = told {
            return Ok((child, address.parse()?));
        }
        if child.try_wait()?.is_some() || Instant::now() > end {
            child.kill()?;
            bail!("the server does not start: {text}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

async fn load(engine: &Engine, source: Source, format: Format) -> Result<()> {
    let request = LoadRequest { format: Some(format), ..LoadRequest::new(vec![source], NOW) };
    let summary = engine.load(&request, Arc::new(Silent)).await?;
    ensure!(summary.total().rejected == 0, "rows were rejected");
    Ok(())
}

/// Adds views of courses to the log: (id, user, course, time).
async fn add(engine: &Engine, hits: &[(i64, i64, i64, i64)]) -> Result<()> {
    let mut csv = format!("{LOG_HEADER}\n");
    for (id, user, course, time) in hits {
        let context = 100 + course;
        csv.push_str(&format!(
            "{id},\\core\\event\\course_viewed,core,viewed,course,,,r,2,{context},50,{course},{user},{course},,0,N;,{time},web,192.0.2.6,\n"
        ));
    }
    load(engine, Source::Memory { name: "more.csv".to_owned(), bytes: csv.into() }, Format::Log).await
}

/// What goes wrong between a recipe and the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// Nothing.
    None,
    /// Documents break off after so many bytes.
    Tail(usize),
    /// What is posted does not arrive.
    Post,
}

/// Stands between a recipe and the server.
struct Wire {
    address: SocketAddr,
    loss: Arc<Mutex<Loss>>,
}

impl Wire {
    fn to(server: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let (address, loss) = (listener.local_addr()?, Arc::new(Mutex::new(Loss::None)));
        let told = Arc::clone(&loss);
        // It ends with the process of the tests.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let loss = *told.lock().unwrap_or_else(PoisonError::into_inner);
                std::thread::spawn(move || pass(stream, server, loss));
            }
        });
        Ok(Self { address, loss })
    }

    fn set(&self, loss: Loss) {
        *self.loss.lock().unwrap_or_else(PoisonError::into_inner) = loss;
    }
}

/// Passes one connection on, as far as nothing is lost.
fn pass(mut client: TcpStream, server: SocketAddr, loss: Loss) -> std::io::Result<()> {
    let mut start = [0; 4];
    client.read_exact(&mut start)?;
    if start == *b"POST" && loss == Loss::Post {
        return Ok(());
    }
    let mut upstream = TcpStream::connect(server)?;
    upstream.write_all(&start)?;
    let (mut from, mut to) = (client.try_clone()?, upstream.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut from, &mut to));
    if let Loss::Tail(kept) = loss {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            upstream.read_exact(&mut byte)?;
            head.extend_from_slice(&byte);
        }
        let mut body = vec![0; kept];
        upstream.read_exact(&mut body)?;
        client.write_all(&head)?;
        client.write_all(&body)?;
    } else {
        std::io::copy(&mut upstream, &mut client)?;
    }
    client.shutdown(std::net::Shutdown::Both)
}

/// A recipe in a folder of its own.
struct Kitchen {
    server: Server,
    wire: Wire,
    folder: PathBuf,
    command: Vec<&'static str>,
}

impl Kitchen {
    async fn new(recipe: &Recipe) -> Result<Self> {
        let server = Server::start().await?;
        let folder = server.folder.path().join("recipe");
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("recipe"), &recipe.text)?;
        let command = if recipe.language == "sh" { vec!["sh", "recipe"] } else { vec!["python3", "recipe"] };
        Ok(Self { wire: Wire::to(server.address)?, server, folder, command })
    }

    fn run(&self) -> Result<Output> {
        let output = Command::new(self.command[0])
            .args(&self.command[1..])
            .current_dir(&self.folder)
            .env("ASSIDU_URL", format!("http://{}", self.wire.address))
            .env("ASSIDU_TOKEN", &self.server.token)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            // dlt keeps its state outside of the folder and tells its makers about runs.
            .env("DLT_DATA_DIR", self.folder.join("dlt"))
            .env("HOME", &self.folder)
            .env("RUNTIME__DLTHUB_TELEMETRY", "false")
            .stdin(Stdio::null())
            .output()?;
        Ok(output)
    }

    /// The lines that the recipe prints when all goes well.
    fn printed(&self) -> Result<Vec<String>> {
        let output = self.run()?;
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "{}: {out}\n{err}", output.status);
        Ok(out.lines().map(str::to_owned).collect())
    }

    /// The five runs; `first` and `second` are the rows of the two batches.
    async fn try_out(&self, first: usize, second: usize) -> Result<Vec<String>> {
        // All documents are longer than that, with the lengths of their chunks.
        self.wire.set(Loss::Tail(300));
        ensure!(!self.run()?.status.success(), "a document that broke off was not noticed");
        self.wire.set(Loss::Post);
        let lost = self.run()?;
        ensure!(!lost.status.success(), "a lost acknowledgement was not noticed");
        self.wire.set(Loss::None);
        let printed = self.printed()?;
        ensure!(
            printed.iter().any(|line| line.starts_with(&format!("{first} rows in batch "))),
            "{printed:?} {}",
            String::from_utf8_lossy(&lost.stderr)
        );
        let printed = self.printed()?;
        ensure!(printed.first().map(String::as_str) == Some("nothing new"), "{printed:?}");
        add(&self.server.engine, &[(101, 5, 4, 1_704_110_000), (102, 5, 2, 1_500_000_000)]).await?;
        let printed = self.printed()?;
        ensure!(printed.iter().any(|line| line.starts_with(&format!("{second} rows in batch "))), "{printed:?}");
        Ok(printed)
    }
}

/// Says on standard error, past the capture of the tests, that a recipe could not be run.
fn skipped(what: &str) -> Result<()> {
    Ok(writeln!(std::io::stderr(), "skipped: the recipe of docs/guide/consumers.md that needs {what}")?)
}

fn works(command: &str, args: &[&str]) -> bool {
    let run = Command::new(command).args(args).stdin(Stdio::null()).output();
    run.is_ok_and(|output| output.status.success())
}

/// Runs the recipe in Python that needs these modules, where they are.
async fn try_python(needs: &[&str]) -> Result<()> {
    if !works("python3", &["-c", &format!("import {}", needs.join(", "))]) {
        return skipped(&format!("python3 with {}", needs.join(", ")));
    }
    let all = recipes(&page()?);
    let recipe = all.iter().find(|recipe| recipe.language == "python" && recipe.needs == needs).context("recipe")?;
    // User 5 has hits in courses 1, 2, 3 and outside of courses, user 6 in course 2. The new ones are of user 5, one of
    // them in course 4: all five rows of user 5 come again, and the row of user 6 does not.
    let printed = Kitchen::new(recipe).await?.try_out(5, 5).await?;
    ensure!(printed.iter().any(|line| line == "copy: 6 rows"), "{printed:?}");
    Ok(())
}

#[test]
fn the_page_has_these_recipes() -> Result<()> {
    let all = recipes(&page()?);
    let known: Vec<(&str, String)> =
        all.iter().map(|recipe| (recipe.language.as_str(), recipe.needs.join(" "))).collect();
    let expected = [("sh", ""), ("python", "pandas pyarrow"), ("python", "duckdb"), ("python", "dlt duckdb")];
    assert_eq!(known, expected.map(|(language, needs)| (language, needs.to_owned())));
    let found = recipes("```sh\na\n```\n```python test x y\nb\n\nc\n```\n```test\nd\n```\n");
    let expected = Recipe {
        language: "python".to_owned(),
        needs: vec!["x".to_owned(), "y".to_owned()],
        text: "b\n\nc\n".to_owned(),
    };
    assert_eq!(found, [expected]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_with_curl_takes_every_row_once() -> Result<()> {
    if !works("curl", &["--version"]) {
        return skipped("curl");
    }
    let all = recipes(&page()?);
    let recipe = all.iter().find(|recipe| recipe.language == "sh").context("recipe")?;
    let kitchen = Kitchen::new(recipe).await?;
    // The worked example has 13 hits, 3 of them outside of courses; user 6 has no account.
    kitchen.try_out(10, 2).await?;
    let mut ids = Vec::new();
    for file in std::fs::read_dir(kitchen.folder.join("batches"))? {
        for line in std::fs::read_to_string(file?.path())?.lines() {
            ids.push(serde_json::from_str::<serde_json::Value>(line)?["id"].as_i64().context("id")?);
        }
    }
    ids.sort_unstable();
    assert_eq!(ids, [2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 101, 102]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_with_pandas_takes_every_row_once() -> Result<()> {
    try_python(&["pandas", "pyarrow"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_with_duckdb_takes_every_row_once() -> Result<()> {
    try_python(&["duckdb"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recipe_with_dlt_takes_every_row_once() -> Result<()> {
    try_python(&["dlt", "duckdb"]).await
}
