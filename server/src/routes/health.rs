//! Routes for operators: whether the server lives, whether it is ready, what it counts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::access::Scope;
use crate::http::{App, CallerAddress, Problem};
use crate::routes::native;

#[derive(Serialize)]
struct ReadyReply {
    /// `ready`, `draining`, or `store` when the store cannot be reached.
    status: &'static str,
    /// Number of the newest commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    snapshot: Option<u64>,
    version: &'static str,
}

/// `/live`: the process answers.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// `/ready`: the server takes work. 503 while it drains, or when the store cannot be reached.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    let snapshot = app.engine.snapshot(None).await.map(|snapshot| snapshot.commit());
    let status = match (&snapshot, app.is_draining()) {
        (_, true) => "draining",
        (Ok(_), false) => "ready",
        (Err(_), false) => "store",
    };
    if let Err(error) = &snapshot {
        tracing::error!(error = %error.describe(engine::Lang::En), "the store cannot be reached");
    }
    let reply = ReadyReply { status, snapshot: snapshot.ok(), version: env!("CARGO_PKG_VERSION") };
    let code = if status == "ready" { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = (code, serde_json::to_string(&reply).unwrap_or_default()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// `/metrics`, for addresses of the operator, or with an admin token.
pub(crate) async fn metrics(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let address = request.extensions().get::<CallerAddress>().map(|address| address.0);
    let is_operator = |list: &crate::access::AddressList| address.is_some_and(|address| list.contains(address));
    if !app.settings.metrics_from.as_ref().is_some_and(is_operator) {
        let (parts, _) = request.into_parts();
        native::admit(&app, &parts, &Scope::Admin).await?;
    }
    let commit = app.engine.snapshot(None).await.map_or(0, |snapshot| snapshot.commit());
    let (free, all) = app.turns();
    let mut response = app.metrics.text(commit, app.is_draining(), all - free).into_response();
    let content = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, content);
    Ok(response)
}
