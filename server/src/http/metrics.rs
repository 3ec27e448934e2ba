//! [`Metrics`]: what /metrics tells Prometheus. All label sets are closed: a caller cannot make new ones.

use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text::encode};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

/// Bounds of the histogram, in seconds.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    function: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabels {
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PullLabels {
    outcome: &'static str,
}

/// Counters of the server.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    seconds: Family<RouteLabels, Histogram, fn() -> Histogram>,
    running: Gauge,
    calls: Family<CallLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    snapshot: Gauge,
    draining: Gauge,
    turns: Gauge,
    panics: Counter,
    pulls: Family<PullLabels, Counter>,
    pulled_rows: Counter,
    pulled_bytes: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Counters at zero.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("assidu");
        let seconds: Family<RouteLabels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new(BOUNDS));
        let metrics = Self {
            requests: Family::default(),
            seconds,
            running: Gauge::default(),
            calls: Family::default(),
            refusals: Family::default(),
            snapshot: Gauge::default(),
            draining: Gauge::default(),
            turns: Gauge::default(),
            panics: Counter::default(),
            pulls: Family::default(),
            pulled_rows: Counter::default(),
            pulled_bytes: Counter::default(),
            registry: Registry::default(),
        };
        registry.register("http_requests", "Requests by route, method and class of status", metrics.requests.clone());
        registry.register("http_request_seconds", "Time until the answer began", metrics.seconds.clone());
        registry.register("http_requests_running", "Requests that are being answered", metrics.running.clone());
        registry.register("webservice_calls", "Calls of functions of the web service", metrics.calls.clone());
        registry.register("refusals", "Callers that were refused, by reason", metrics.refusals.clone());
        registry.register("store_commit", "Number of the newest commit", metrics.snapshot.clone());
        registry.register("draining", "1 while the server stops", metrics.draining.clone());
        registry.register("turns_taken", "Computations that run", metrics.turns.clone());
        registry.register("panics", "Requests that ended in a bug of ours", metrics.panics.clone());
        registry.register("pulls", "Pulls of views and answers to SQL, by outcome", metrics.pulls.clone());
        registry.register("pulled_rows", "Rows that they sent", metrics.pulled_rows.clone());
        registry.register("pulled_bytes", "Bytes that they made, before compression", metrics.pulled_bytes.clone());
        Self { registry, ..metrics }
    }

    /// A request begins.
    pub(crate) fn begin(&self) {
        self.running.inc();
    }

    /// A request ends; `route` is the pattern of the route, never the path.
    pub(crate) fn end(&self, route: &'static str, method: &'static str, status: u16, time: Duration) {
        self.running.dec();
        self.requests.get_or_create(&RequestLabels { route, method, status: class(status) }).inc();
        self.seconds.get_or_create(&RouteLabels { route }).observe(time.as_secs_f64());
    }

    /// A request ended because its caller left.
    pub(crate) fn abandon(&self, route: &'static str, method: &'static str) {
        self.running.dec();
        self.requests.get_or_create(&RequestLabels { route, method, status: "left" }).inc();
    }

    /// A function of the web service was called.
    pub(crate) fn called(&self, function: &'static str, outcome: &'static str) {
        self.calls.get_or_create(&CallLabels { function, outcome }).inc();
    }

    /// A caller was refused.
    pub(crate) fn refused(&self, reason: &'static str) {
        self.refusals.get_or_create(&RefusalLabels { reason }).inc();
    }

    /// A pull ended.
    pub(crate) fn pulled(&self, outcome: &'static str, rows: u64, bytes: u64) {
        self.pulls.get_or_create(&PullLabels { outcome }).inc();
        self.pulled_rows.inc_by(rows);
        self.pulled_bytes.inc_by(bytes);
    }

    /// A handler panicked.
    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    /// The text for Prometheus.
    pub(crate) fn text(&self, commit: u64, draining: bool, turns_taken: usize) -> String {
        self.snapshot.set(i64::try_from(commit).unwrap_or(i64::MAX));
        self.draining.set(i64::from(draining));
        self.turns.set(i64::try_from(turns_taken).unwrap_or(i64::MAX));
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

fn class(status: u16) -> &'static str {
    match status {
        100..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    }
}
