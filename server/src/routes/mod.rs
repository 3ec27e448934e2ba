//! All routes in one list, grouped by who calls.

mod health;
pub(crate) mod moodle;
mod native;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use tower_http::compression::CompressionLayer;

use crate::http::{App, Problem, observe};

/// Patterns of all routes: the labels of the metrics.
const PATTERNS: &[&str] = &[
    "/live",
    "/ready",
    "/metrics",
    "/webservice/rest/server.php",
    "/webservice/rest/server.php/{*rest}",
    "/service/rest/server.php",
    "/service/rest/server.php/{*rest}",
    "/login/token.php",
];

/// The pattern as a label; what matched no route is one label.
pub(crate) fn pattern(matched: Option<&str>) -> &'static str {
    let known = |matched: &str| PATTERNS.iter().copied().find(|pattern| *pattern == matched);
    matched.and_then(known).unwrap_or("other")
}

/// The server as a service: no socket is needed to call it.
pub fn router(app: Arc<App>) -> Router {
    let operators = Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics));
    let clients_of_moodle = Router::new()
        .route("/webservice/rest/server.php", any(moodle::rest))
        .route("/webservice/rest/server.php/{*rest}", any(moodle::rest))
        .route("/service/rest/server.php", any(moodle::rest))
        .route("/service/rest/server.php/{*rest}", any(moodle::rest))
        .route("/login/token.php", any(moodle::token));
    operators
        .merge(clients_of_moodle)
        .fallback(async || Problem::not_found(engine::text!("there is nothing here", "il n'y a rien ici")))
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .layer(CompressionLayer::new())
        .with_state(app)
}
