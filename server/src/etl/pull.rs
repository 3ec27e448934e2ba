//! A pull from the request to the answer: session, rows, document, headers, record.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::execution::SendableRecordBatchStream;
use engine::etl::{Batch, PullRecord};
use engine::query::{Limits, Session};
use engine::stats::Settings;
use engine::view::{Bound, ColumnNote as ViewColumn, Pull, View, Window};
use engine::{Error, ErrorKind, Result, SessionRequest, text};
use futures::StreamExt;
use serde_json::{Value, json};

use super::body::{self, Ending, OUTCOME, ROWS, Rows};
use super::desk::Crowded;
use super::{Cursor, Instance};
use crate::encode::{ColumnNote, Format, Shape, Wrapping};
use crate::http::{App, Problem};

/// Rows of a sample.
pub(crate) const SAMPLE_ROWS: usize = 30;

const VIEW: HeaderName = HeaderName::from_static("assidu-view");
const SNAPSHOT: HeaderName = HeaderName::from_static("assidu-snapshot");
const BATCH: HeaderName = HeaderName::from_static("assidu-batch");
const WINDOW: HeaderName = HeaderName::from_static("assidu-window");
const NEXT_CURSOR: HeaderName = HeaderName::from_static("assidu-next-cursor");
const CONSISTENT: HeaderName = HeaderName::from_static("consistent-through");

/// Headers of ours that tell a caller about a pull.
pub(crate) const PULL_HEADERS: [HeaderName; 6] = [VIEW, SNAPSHOT, BATCH, WINDOW, NEXT_CURSOR, CONSISTENT];

/// Who pulls, for the record.
#[derive(Debug, Clone)]
pub(crate) struct Who {
    /// Number of the token.
    pub(crate) token: u64,
    /// Address.
    pub(crate) address: IpAddr,
    /// Number of the request.
    pub(crate) request: Option<String>,
}

/// How the answer is written.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    /// Format.
    pub(crate) format: Format,
    /// Shape of JSON.
    pub(crate) shape: Shape,
    /// Whether NDJSON ends with a footer.
    pub(crate) footer: bool,
    /// Whether the caller takes trailers.
    pub(crate) trailers: bool,
    /// Address of the next page without its cursor, where there may be one.
    pub(crate) next: Option<String>,
}

/// Which rows of a view.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    /// All.
    Full,
    /// A page in the order of the key.
    Page { limit: usize, after: Option<Cursor> },
    /// Those of a batch.
    Batch { batch: Batch, replay: bool },
    /// None, because nothing was committed since the mark.
    Nothing { mark: u64 },
    /// A few, which move no mark.
    Sample { window: Option<Window> },
}

impl Which {
    /// The word in the table of pulls.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Full | Self::Page { .. } => "full",
            Self::Batch { replay: true, .. } => "replay",
            Self::Batch { .. } | Self::Nothing { .. } => "incremental",
            Self::Sample { .. } => "sample",
        }
    }

    fn window(&self, commit: u64) -> Option<Window> {
        match self {
            Self::Full | Self::Page { .. } => None,
            Self::Batch { batch, .. } => Some(Window { after: batch.after, upto: batch.upto }),
            Self::Nothing { mark } => Some(Window { after: *mark, upto: (*mark).min(commit) }),
            Self::Sample { window } => *window,
        }
    }
}

/// A pull of a view.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The consumer; `None` for an analyst.
    pub(crate) instance: Option<Arc<Instance>>,
    /// The view.
    pub(crate) view: Arc<View>,
    /// Values of its parameters.
    pub(crate) bound: Bound,
    /// `$now`.
    pub(crate) now: i64,
    /// Site; `None` for the default one.
    pub(crate) site: Option<String>,
    /// The snapshot.
    pub(crate) commit: u64,
    /// Which rows.
    pub(crate) which: Which,
    /// Who pulls.
    pub(crate) who: Who,
}

/// What a session is made for.
pub(crate) struct Seat<'a> {
    /// The consumer; `None` for an analyst, who sees everything.
    pub(crate) instance: Option<&'a Instance>,
    /// Site; `None` for the default one.
    pub(crate) site: Option<&'a str>,
    /// Snapshot; `None` for the newest.
    pub(crate) commit: Option<u64>,
    /// `$now`, and the clock of the statistics.
    pub(crate) now: i64,
    /// Longest time.
    pub(crate) timeout: Duration,
    /// Whether the same rows must come in the same way each time.
    pub(crate) repeatable: bool,
}

/// A session for a consumer or an analyst.
pub(crate) async fn session(app: &App, seat: &Seat<'_>) -> Result<Session> {
    let settings = &app.settings;
    let mut limits = Limits { memory: settings.limits.memory, timeout: Some(seat.timeout), ..Limits::default() };
    if seat.repeatable {
        // Sums of floating-point numbers depend on the order of their terms, and that on the threads.
        limits.threads = 1;
    }
    let settings = Settings {
        policies: settings.policies.clone(),
        policy: settings.policy.name.clone(),
        now: seat.now,
        zone: settings.zone,
    };
    let hidden = seat.instance.filter(|instance| !instance.settings.identities);
    app.engine
        .session_for(&SessionRequest {
            commit: seat.commit,
            site: seat.site.map(str::to_owned),
            settings,
            known_tables: true,
            pseudonyms: hidden.map(Instance::pseudonym_key),
            ..SessionRequest::new(limits)
        })
        .await
}

impl Order {
    /// Longest time of the pull: the least that server, instance and view allow.
    pub(crate) fn timeout(&self, app: &App) -> Duration {
        let of_instance = self.instance.as_ref().and_then(|instance| instance.settings.timeout);
        let all = [Some(app.settings.etl.time), of_instance.map(Duration::from_secs), self.view.limits.timeout];
        all.into_iter().flatten().min().unwrap_or(app.settings.etl.time)
    }

    fn max_rows(&self) -> Option<u64> {
        let of_instance = self.instance.as_ref().and_then(|instance| instance.settings.max_rows);
        of_instance.into_iter().chain(self.view.limits.max_rows).min()
    }

    /// The record of the pull as far as it is known before its rows.
    fn record(&self, kind: &str, format: &str) -> PullRecord {
        let window = self.which.window(self.commit);
        let int = |number: u64| i64::try_from(number).ok();
        let batch = match &self.which {
            Which::Batch { batch, .. } => Some(batch.id.clone()),
            _ => None,
        };
        PullRecord {
            time: self.now,
            kind: kind.to_owned(),
            site: self.site.clone().unwrap_or_default(),
            instance: self.instance.as_ref().map(|instance| instance.name.clone()),
            view: Some(self.view.name.clone()),
            format: format.to_owned(),
            parameters: Value::Object(self.bound.json(&self.view)).to_string(),
            after_commit: window.and_then(|window| int(window.after)),
            upto_commit: int(window.map_or(self.commit, |window| window.upto)),
            batch,
            status: 200,
            address: Some(self.who.address.to_string()),
            caller: Some(self.who.token.to_string()),
            request: self.who.request.clone(),
            ..PullRecord::default()
        }
    }

    /// What is given back and noted at the end of the pull.
    pub(crate) fn ending(&self, app: &Arc<App>, (kind, format): (&str, &str), now: i64) -> Ending {
        let record = PullRecord { time: now, ..self.record(kind, format) };
        Ending {
            app: Arc::clone(app),
            record,
            start: Instant::now(),
            max_rows: self.max_rows(),
            max_bytes: self.instance.as_ref().and_then(|instance| instance.settings.max_bytes),
            trailers: false,
            held: Vec::new(),
            noted: false,
        }
    }

    /// The session that the pull runs in.
    pub(crate) async fn session(&self, app: &App) -> Result<Session> {
        let seat = Seat {
            instance: self.instance.as_deref(),
            site: self.site.as_deref(),
            commit: Some(self.commit),
            now: self.now,
            timeout: self.timeout(app),
            repeatable: matches!(self.which, Which::Batch { .. } | Which::Page { .. }),
        };
        session(app, &seat).await
    }

    /// The pull as the engine knows it.
    pub(crate) fn pull(&self) -> Pull<'_> {
        let pull = Pull::new(&self.view, &self.bound, self.now);
        let window = self.which.window(self.commit);
        // Rows come in the order of the store, which is that of the users' numbers: pseudonyms would be told by it.
        let hides = self.instance.as_ref().is_some_and(|instance| !instance.settings.identities);
        match &self.which {
            Which::Full => Pull { ordered: hides, ..pull },
            // One more than the page, to know whether another one follows.
            Which::Page { limit, .. } => Pull { ordered: true, limit: Some(limit + 1), ..pull },
            Which::Batch { .. } => Pull { ordered: true, window, ..pull },
            Which::Nothing { .. } => Pull { limit: Some(0), ..pull },
            Which::Sample { .. } => {
                Pull { window, limit: Some(SAMPLE_ROWS), ordered: window.is_some() || hides, ..pull }
            }
        }
    }

    /// Runs the pull and answers with its document.
    pub(crate) async fn send(&self, app: &Arc<App>, wire: &Wire) -> Result<Response, Problem> {
        let mut ending = self.ending(app, (self.which.kind(), wire.format.name()), app.now());
        let sent = self.sent(app, wire, &mut ending).await;
        match sent {
            Ok(rows) => {
                ending.trailers = wire.trailers;
                self.respond(rows, wire, ending)
            }
            Err(problem) => {
                ending.record.status = i64::from(problem.status().as_u16());
                ending
                    .note(if problem.status().is_server_error() { "failed" } else { "refused" }, Some(problem.text()));
                Err(problem)
            }
        }
    }

    async fn sent(&self, app: &Arc<App>, wire: &Wire, ending: &mut Ending) -> Result<(Rows, Option<Cursor>), Problem> {
        self.admit(app, wire.format, ending)?;
        let session = self.session(app).await.map_err(gone)?;
        let mut pull = self.pull();
        let Which::Page { limit, after } = &self.which else {
            let stream = pull.run(&session).await.map_err(gone)?;
            return Ok((Rows::of_stream(stream).await?, None));
        };
        let parameters = Value::Object(self.bound.json(&self.view));
        let key = match after {
            None => None,
            Some(after) => {
                let schema = session.schema_with(&self.view.sql, self.view.absent()).await?;
                Some(after.key(&self.view, &schema).map_err(|reason| Problem::parameter("cursor", reason))?)
            }
        };
        pull.after_key = key.as_deref();
        let (schema, batches) = collect(pull.run(&session).await.map_err(gone)?).await?;
        let (batches, more) = cut(batches, *limit);
        let next = match (more, batches.last()) {
            (true, Some(last)) => Cursor::behind(last, &self.view, &parameters, (self.commit, self.now))?,
            _ => None,
        };
        Ok((Rows::of_batches(schema, batches), next))
    }

    /// Takes what a pull needs before it runs.
    pub(crate) fn admit(&self, app: &Arc<App>, format: Format, ending: &mut Ending) -> Result<(), Problem> {
        if let Some(instance) = self.instance.as_deref() {
            may_pull(instance, &self.view, self.who.address)?;
            if !instance.settings.formats.is_empty()
                && !instance.settings.formats.iter().any(|name| name == format.name())
            {
                return Err(Problem::not_acceptable(&instance.settings.formats));
            }
        }
        if let (Some(instance), Which::Batch { replay: false, .. } | Which::Nothing { .. }) =
            (&self.instance, &self.which)
        {
            let only = app.desk.only_pull(&instance.name, &self.view.name).map_err(crowded)?;
            ending.held.push(Box::new(only));
        }
        let place = app.desk.enter(self.instance.as_deref()).map_err(crowded)?;
        ending.held.push(Box::new(place));
        Ok(())
    }

    fn respond(&self, (rows, next): (Rows, Option<Cursor>), wire: &Wire, ending: Ending) -> Result<Response, Problem> {
        let next = next.map(|next| next.text());
        let window = self.which.window(self.commit);
        let through = window.map_or(self.commit, |window| window.upto);
        let mut meta = vec![
            ("view".to_owned(), json!(self.view.name)),
            ("version".to_owned(), json!(self.view.version)),
            ("snapshot".to_owned(), json!(self.commit)),
        ];
        if let Which::Batch { batch, .. } = &self.which {
            meta.push(("batch".to_owned(), json!(batch.id)));
            meta.push(("after".to_owned(), json!(batch.after)));
        }
        meta.push(("consistent_through".to_owned(), json!(through)));
        meta.push(("next_cursor".to_owned(), json!(next)));
        let wrapping = Wrapping {
            shape: wire.shape,
            footer: wire.footer,
            end_mark: wire.format == Format::Xml,
            xml_root: self.view.xml.root.clone().unwrap_or_else(|| "records".to_owned()),
            xml_row: self.view.xml.row.clone().unwrap_or_else(|| "record".to_owned()),
            meta,
            notes: self.view.columns.iter().map(note).collect(),
        };
        let trailers = ending.trailers;
        let mut response = Response::new(body::body(rows, wire.format, &wrapping, ending)?);
        let headers = response.headers_mut();
        common_headers(headers, &self.view.name, wire.format, trailers);
        insert(headers, VIEW, &format!("{}; version={}", self.view.name, self.view.version));
        headers.insert(SNAPSHOT, HeaderValue::from(self.commit));
        headers.insert(CONSISTENT, HeaderValue::from(through));
        if let Some(Window { after, upto }) = window {
            insert(headers, WINDOW, &format!("{after}-{upto}"));
        }
        if let Which::Batch { batch, .. } = &self.which {
            insert(headers, BATCH, &batch.id);
        }
        if let (Some(cursor), Some(base)) = (&next, &wire.next) {
            insert(headers, NEXT_CURSOR, cursor);
            let joint = if base.contains('?') { '&' } else { '?' };
            insert(headers, header::LINK, &format!("<{base}{joint}cursor={cursor}>; rel=\"next\""));
        }
        Ok(response)
    }
}

/// What a document that describes itself says of a column: in English, because a repeated pull gives the same bytes.
fn note(column: &ViewColumn) -> ColumnNote {
    ColumnNote { name: column.name.clone(), unit: column.unit.clone(), doc: Some(column.doc.en.clone()) }
}

/// Whether an instance may pull a view from an address now.
pub(crate) fn may_pull(instance: &Instance, view: &View, address: IpAddr) -> Result<(), Problem> {
    let name = &instance.name;
    if !instance.settings.addresses.contains(address) {
        return Err(Problem::forbidden(text!(
            "instance `{name}` may not be used from this address",
            "l'instance `{name}` ne peut être utilisée depuis cette adresse"
        )));
    }
    if !instance.settings.may_pull(&view.name) {
        return Err(Problem::not_found(text!(
            "instance `{name}` has no such view",
            "l'instance `{name}` n'a pas cette vue"
        )));
    }
    if let Some(pause) = &instance.paused {
        let reason = &pause.reason;
        return Err(Problem::forbidden(text!(
            "instance `{name}` is paused: {reason}",
            "l'instance `{name}` est suspendue : {reason}"
        )));
    }
    Ok(())
}

/// Headers of every answer with rows.
pub(crate) fn common_headers(headers: &mut HeaderMap, name: &str, format: Format, trailers: bool) {
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::VARY, HeaderValue::from_static("accept, accept-encoding"));
    insert(headers, header::CONTENT_DISPOSITION, &format!("inline; filename=\"{name}.{}\"", format.name()));
    if trailers {
        insert(headers, header::TRAILER, &format!("{ROWS}, {OUTCOME}"));
    }
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// A snapshot that is gone is told as such: whoever pages has to begin anew.
fn gone(error: Error) -> Problem {
    match error.kind() {
        ErrorKind::NotFound => Problem::gone(&error),
        _ => Problem::from(error),
    }
}

pub(crate) fn crowded(crowded: Crowded) -> Problem {
    match crowded {
        Crowded::Server => Problem::unavailable(text!(
            "the server runs as many pulls as it may; try again",
            "le serveur exécute déjà autant de tirages que permis ; réessayez"
        )),
        Crowded::Instance => Problem::too_many(1),
        Crowded::Rate(seconds) => Problem::too_many(seconds),
        Crowded::View => Problem::conflict(
            "etl.busy",
            text!(
                "this instance pulls this view already; wait until that pull ends",
                "cette instance tire déjà cette vue ; attendez la fin de ce tirage"
            ),
        ),
    }
}

async fn collect(mut stream: SendableRecordBatchStream) -> Result<(SchemaRef, Vec<RecordBatch>)> {
    let (schema, mut batches) = (stream.schema(), Vec::new());
    while let Some(batch) = stream.next().await {
        batches.push(batch?);
    }
    Ok((schema, batches))
}

/// The first rows of the batches, and whether there are more.
fn cut(batches: Vec<RecordBatch>, limit: usize) -> (Vec<RecordBatch>, bool) {
    let (mut kept, mut left) = (Vec::new(), limit);
    for batch in batches {
        if batch.num_rows() > left {
            if left > 0 {
                kept.push(batch.slice(0, left));
            }
            return (kept, true);
        }
        left -= batch.num_rows();
        if batch.num_rows() > 0 {
            kept.push(batch);
        }
    }
    (kept, false)
}
