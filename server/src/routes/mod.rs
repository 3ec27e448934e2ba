//! All routes in one list, grouped by who calls.

mod admin;
mod asked;
mod description;
mod health;
mod instances;
pub(crate) mod moodle;
mod native;
mod parameters;
mod sql;
mod stats;
mod table;
mod views;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get, post};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::etl::pull::PULL_HEADERS;
use crate::http::{App, Problem, observe};
pub use description::{functions_markdown, http_markdown};
use table::ROUTES;

/// The pattern as a label; what matched no route is one label.
pub(crate) fn pattern(matched: Option<&str>) -> &'static str {
    let known = |matched: &str| ROUTES.iter().map(|route| route.path).find(|path| *path == matched);
    matched.and_then(known).unwrap_or("other")
}

const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

async fn not_allowed() -> Problem {
    Problem::method_not_allowed()
}

/// Web pages of these origins may call; `*` for all. Tokens are no cookies, so a page has only what its user gave it.
fn cors(origins: &[String]) -> CorsLayer {
    let allowed = match origins.iter().any(|origin| origin == "*") {
        true => AllowOrigin::any(),
        false => AllowOrigin::list(origins.iter().filter_map(|origin| HeaderValue::from_str(origin).ok())),
    };
    CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::IF_NONE_MATCH, API_KEY])
        .expose_headers(
            [header::ETAG, header::LINK, header::RETRY_AFTER, REQUEST_ID]
                .into_iter()
                .chain(PULL_HEADERS)
                .collect::<Vec<_>>(),
        )
}

/// The server as a service: no socket is needed to call it.
pub fn router(app: Arc<App>) -> Router {
    let operators = Router::new()
        .route("/live", get(health::live))
        .route("/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/openapi.json", get(description::for_programs))
        .route("/docs", get(description::for_people));
    let clients_of_moodle = Router::new()
        .route("/webservice/rest/server.php", any(moodle::rest))
        .route("/webservice/rest/server.php/", any(moodle::rest))
        .route("/webservice/rest/server.php/{*rest}", any(moodle::rest))
        .route("/service/rest/server.php", any(moodle::rest))
        .route("/service/rest/server.php/", any(moodle::rest))
        .route("/service/rest/server.php/{*rest}", any(moodle::rest))
        .route("/webservice/xmlrpc/server.php", post(moodle::xml_rpc))
        .route("/login/token.php", any(moodle::token))
        .route("/lib/ajax/service.php", any(moodle::ajax_batch));
    let native = Router::new()
        .route("/v1/stats/users/{id}", get(stats::user))
        .route("/v1/stats/courses/{id}", get(stats::course))
        .route("/v1/explain/users/{id}", get(stats::explain))
        .route("/v1/catalog", get(sql::catalog))
        .route("/v1/sql", post(sql::run))
        .route("/v1/views", get(views::list))
        .route("/v1/views/{view}", get(views::show))
        .route("/v1/views/{view}/{data}", get(views::data).post(views::data))
        .route("/v1/instances", get(instances::list))
        .route("/v1/instances/{instance}/{view}", get(instances::pull))
        .route("/v1/instances/{instance}/{view}/ack", post(instances::acknowledge))
        .route("/v1/instances/{instance}/{view}/batches", get(instances::batches))
        .route("/v1/instances/{instance}/{view}/batches/{batch}", get(instances::replay))
        .route("/v1/admin/instances", get(admin::list).post(admin::add))
        .route("/v1/admin/instances/{instance}", get(admin::show).patch(admin::edit).delete(admin::delete))
        .route("/v1/admin/instances/{instance}/pause", post(admin::pause))
        .route("/v1/admin/instances/{instance}/resume", post(admin::resume))
        .route("/v1/admin/instances/{instance}/reset", post(admin::reset))
        .route("/v1/admin/instances/{instance}/history", get(admin::history))
        .route("/v1/admin/instances/{instance}/tokens", get(admin::tokens).post(admin::add_token))
        .route("/v1/admin/instances/{instance}/tokens/{token}", axum::routing::delete(admin::revoke_token))
        .route("/v1/admin/views/reload", post(admin::reload))
        // Before the layer, which must also stand around the answer to methods that a route does not know: preflights.
        .method_not_allowed_fallback(not_allowed)
        .layer(cors(&app.settings.cors_origins));
    operators
        .merge(clients_of_moodle)
        .method_not_allowed_fallback(not_allowed)
        .merge(native)
        .fallback(async || Problem::not_found(engine::text!("there is nothing here", "il n'y a rien ici")))
        .layer(from_fn_with_state(Arc::clone(&app), observe))
        .layer(CompressionLayer::new())
        .with_state(app)
}
