//! What surrounds every request: its number, its limits, its line in the log, its metrics; and failures of ours, which
//! end as an answer of the right form.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;
use tracing::Instrument;

use super::App;
use super::problem::Problem;
use super::request;
use crate::moodle::Exception;
use crate::moodle::call::Trace;
use crate::routes::{self, moodle};

/// What a pull that is too late has to tell that itself.
const GRACE: Duration = Duration::from_secs(5);

/// Header of the number of a request.
const REQUEST_ID: &str = "x-request-id";

/// Address of the caller, for handlers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallerAddress(pub(crate) IpAddr);

/// Number of the request, for handlers.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Counts a request as abandoned, unless it ended before.
struct Running<'a> {
    app: &'a App,
    route: &'static str,
    method: &'static str,
    ended: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.app.metrics.abandon(self.route, self.method);
            tracing::info!(target: "server::access", route = self.route, method = self.method, "the caller left");
        }
    }
}

/// Surrounds a request.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let start = Instant::now();
    let (mut parts, body) = request.into_parts();
    let id = request_id(&parts.headers);
    let address = request::address(&parts, app.settings.trusted_proxies.as_ref());
    parts.extensions.insert(CallerAddress(address));
    parts.extensions.insert(RequestId(id.clone()));
    let matched = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let (route, method) = (routes::pattern(matched), method_name(&parts.method));
    let (wanted, uri) = (parts.headers.clone(), parts.uri.clone());
    app.metrics.begin();
    let mut running = Running { app: &app, route, method, ended: false };

    let span = tracing::info_span!("request", request = %id);
    let handler = next.run(Request::from_parts(parts, body)).instrument(span);
    // Who watches over the server must learn that it lives also when it is full.
    let is_watch = ["/live", "/ready", "/metrics"].contains(&route);
    let entered = app.enter();
    let response = match entered.is_some() || is_watch {
        true => within(&app, (&id, time_of(&app, route)), handler).await,
        false => Err(Failed::Full),
    };
    let mut response = match response {
        Ok(response) => finish(response, &wanted, &id),
        Err(failed) => failed.response(&app, &uri, &wanted, &id),
    };
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    running.ended = true;
    let (status, time) = (response.status().as_u16(), start.elapsed());
    app.metrics.end(route, method, status, time);
    let trace = response.extensions().get::<Trace>().cloned().unwrap_or_default();
    let ms = (time.as_secs_f64() * 1e6).round() / 1e3;
    tracing::info!(
        target: "server::access",
        request = %id, %address, method, route, status, ms, token = trace.token, function = trace.function,
        "{method} {route} {status} in {ms:.1} ms"
    );
    response
}

/// How long a handler may take until its answer begins: a pull has the time of pulls, which its plan keeps by itself.
fn time_of(app: &App, route: &str) -> Duration {
    let is_pull = route == "/v1/sql" || route.starts_with("/v1/views/") || route.starts_with("/v1/instances/");
    let time = app.settings.limits.time;
    if is_pull { time.max(app.settings.etl.time.saturating_add(GRACE)) } else { time }
}

/// Why a request has no answer of its handler.
enum Failed {
    Full,
    Time,
    Panic,
}

/// Runs a handler for as long as the limit allows; a bug in it ends this request alone.
async fn within(
    app: &App,
    (id, time): (&str, Duration),
    handler: impl Future<Output = Response>,
) -> Result<Response, Failed> {
    let guarded = AssertUnwindSafe(handler).catch_unwind();
    match tokio::time::timeout(time, guarded).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_)) => {
            app.metrics.panicked();
            tracing::error!(request = id, "a handler panicked; its request got an error");
            Err(Failed::Panic)
        }
        Err(_) => Err(Failed::Time),
    }
}

impl Failed {
    fn response(&self, app: &App, uri: &Uri, wanted: &HeaderMap, id: &str) -> Response {
        let seconds = app.settings.limits.time.as_secs();
        if moodle::is_below(uri.path()) {
            let (status, exception) = match self {
                Self::Full => (StatusCode::SERVICE_UNAVAILABLE, Exception::busy("The server is busy; try again later")),
                Self::Time => (StatusCode::GATEWAY_TIMEOUT, Exception::busy("The call took too long; ask for less")),
                Self::Panic => (StatusCode::OK, Exception::general("a bug of the server")),
            };
            let mut response = moodle::error(app, moodle::wants_json(uri.query().unwrap_or_default()), &exception);
            *response.status_mut() = status;
            match self {
                Self::Full => drop(response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"))),
                Self::Time | Self::Panic => drop(response.headers_mut().remove(header::RETRY_AFTER)),
            }
            return response;
        }
        let problem = match self {
            Self::Full => Problem::unavailable(engine::text!(
                "the server answers as many requests as it may; try again",
                "le serveur traite déjà autant de requêtes que permis ; réessayez"
            )),
            Self::Time => Problem::timeout(seconds),
            Self::Panic => Problem::internal(),
        };
        problem.response(wanted, Some(id))
    }
}

/// Gives problems the form and the language that the caller wants.
fn finish(mut response: Response, wanted: &HeaderMap, id: &str) -> Response {
    let Some(problem) = response.extensions_mut().remove::<Problem>() else { return response };
    let mut told = problem.response(wanted, Some(id));
    // What tells a browser that its page may read the answer.
    for (name, value) in response.headers() {
        if name.as_str().starts_with("access-control-") || name == header::VARY {
            told.headers_mut().append(name, value.clone());
        }
    }
    if let Some(trace) = response.extensions_mut().remove::<Trace>() {
        told.extensions_mut().insert(trace);
    }
    told
}

/// The number that a proxy gave, if it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    given.filter(harmless).map_or_else(|| uuid::Uuid::new_v4().simple().to_string(), str::to_owned)
}

/// Methods as labels.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        _ => "other",
    }
}
