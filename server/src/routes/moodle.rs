//! The routes that clients of Moodle know. Their answers have status 200, errors too, and the headers of Moodle.

use std::sync::Arc;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use crate::http::{App, CallerAddress, RequestId, origin};
use crate::moodle::call::{self, Arguments, Protocol, Source, Trace};
use crate::moodle::{Exception, Fields, Shape, Value, ajax, json, login, xml, xmlrpc};
use crate::settings::Authentication;

/// Beginnings of the paths of REST.
const REST: [&str; 2] = ["/webservice/rest/server.php", "/service/rest/server.php"];

/// Number of all faults of XML-RPC; the code of the error is in the text.
const FAULT: i64 = 1;

/// Whether a path is one of REST, whose failures have its form too.
pub(crate) fn is_below(path: &str) -> bool {
    let rest = REST.iter().find_map(|prefix| path.strip_prefix(prefix));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a query or a form asks for JSON: the last value of the key counts, and nothing but `json` is JSON.
pub(crate) fn wants_json(text: &str) -> bool {
    let pairs = url::form_urlencoded::parse(text.as_bytes());
    pairs.filter(|(name, _)| name == "moodlewsrestformat").last().is_some_and(|(_, value)| value == "json")
}

/// What a request consists of.
struct Asked {
    source: Source,
    method: Method,
    query: String,
    headers: HeaderMap,
    body: Result<Bytes, Exception>,
}

impl Asked {
    async fn read(app: &App, request: Request, protocol: Protocol) -> Self {
        let (parts, body) = request.into_parts();
        let address = parts.extensions.get::<CallerAddress>().map(|address| address.0);
        let address = address.unwrap_or(std::net::IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
        let origin = origin(&parts.headers, &app.settings);
        let limit = app.settings.limits.body;
        let body = to_bytes(body, limit).await;
        Self {
            source: Source {
                address,
                origin,
                protocol,
                request: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
            },
            method: parts.method,
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.map_err(|_| Exception::invalid_parameter(format!("the body has more than {limit} bytes"))),
        }
    }

    async fn fields(&self, app: &App) -> Result<Fields, Exception> {
        let body = self.body.clone()?;
        let limit = app.settings.limits.fields;
        Ok(Fields::read(&self.method, Some(&self.query), &self.headers, body, limit).await?)
    }

    /// Whether an error that was found before the arguments could be read is told in JSON.
    fn wants_json(&self) -> bool {
        let form = self.body.as_ref().ok().and_then(|body| std::str::from_utf8(body).ok());
        wants_json(&self.query) || form.is_some_and(wants_json)
    }
}

/// `/webservice/rest/server.php` and its alias, with any method.
pub(crate) async fn rest(State(app): State<Arc<App>>, request: Request) -> Response {
    let settings = &app.settings.moodle;
    if !settings.enabled || !settings.rest {
        return disabled();
    }
    let asked = Asked::read(&app, request, Protocol::Rest).await;
    let mut trace = Trace::default();
    let (is_json, answer) = match asked.fields(&app).await {
        Err(exception) => (asked.wants_json(), Err(exception)),
        Ok(mut fields) => {
            let format = fields.take_text("moodlewsrestformat");
            (format.as_deref() == Some("json"), call::rest(&app, fields, &asked.source, &mut trace).await)
        }
    };
    let function = trace.function.unwrap_or("other");
    let mut response = match &answer {
        Ok((shape, value)) => {
            app.metrics.called(function, "ok");
            success(is_json, *shape, value)
        }
        Err(exception) => {
            note(&app, function, exception);
            error(&app, is_json, exception)
        }
    };
    response.extensions_mut().insert(trace);
    response
}

/// `/webservice/xmlrpc/server.php`: the token is in the query, the function and its arguments are in the document.
pub(crate) async fn xml_rpc(State(app): State<Arc<App>>, request: Request) -> Response {
    let settings = &app.settings.moodle;
    if !settings.enabled || !settings.xmlrpc {
        return disabled();
    }
    let asked = Asked::read(&app, request, Protocol::XmlRpc).await;
    let mut trace = Trace::default();
    let answer = xml_rpc_answer(&app, &asked, &mut trace).await;
    let function = trace.function.unwrap_or("other");
    match &answer {
        Ok(_) => app.metrics.called(function, "ok"),
        Err(exception) => note(&app, function, exception),
    }
    let body = match &answer {
        Ok(value) => xmlrpc::write_response(value),
        Err(exception) => {
            let detail = exception.debug.as_ref().filter(|_| settings.debug);
            let detail = detail.map(|detail| format!(" | {detail}")).unwrap_or_default();
            xmlrpc::write_fault(FAULT, &format!("{} | ERRORCODE: {}{detail}", exception.message, exception.code))
        }
    };
    let mut response = with_headers(body, &[(header::CONTENT_TYPE, "text/xml; charset=utf-8")]);
    response.extensions_mut().insert(trace);
    response
}

async fn xml_rpc_answer(app: &Arc<App>, asked: &Asked, trace: &mut Trace) -> Result<Value, Exception> {
    let body = asked.body.clone()?;
    let pairs = url::form_urlencoded::parse(asked.query.as_bytes());
    let token = pairs.filter(|(name, _)| name == "wstoken").last().map(|(_, value)| value.into_owned());
    // Who has no token does not have documents read either.
    let token = token.unwrap_or_default();
    if token.is_empty() && app.settings.authentication == Authentication::Required {
        return Err(Exception::invalid_token());
    }
    let call = xmlrpc::read_call(&body, app.settings.limits.fields)
        .map_err(|error| Exception::invalid_parameter(error.to_string()))?;
    let arguments = Arguments::Positional(call.params);
    Ok(call::answer(app, &token, &call.method, arguments, &asked.source, trace).await?.1)
}

/// `/lib/ajax/service.php`: what clients ask before they log in.
pub(crate) async fn ajax_batch(State(app): State<Arc<App>>, request: Request) -> Response {
    if !app.settings.moodle.enabled {
        return disabled();
    }
    let asked = Asked::read(&app, request, Protocol::Rest).await;
    // By GET the calls are in the query.
    let of_query = || {
        let pairs = url::form_urlencoded::parse(asked.query.as_bytes());
        pairs.filter(|(name, _)| name == "args").last().map(|(_, value)| value.into_owned().into_bytes())
    };
    let body = asked.body.as_ref().map(|body| body.to_vec()).unwrap_or_default();
    let body = if body.is_empty() { of_query().unwrap_or_default() } else { body };
    let reply = ajax::answer(&app, &body, asked.source.origin.as_deref()).await;
    with_headers(reply.to_string(), &[(header::CONTENT_TYPE, "application/json; charset=utf-8")])
}

/// Counts and logs a call that has no answer. What is wrong with an argument may hold somebody's name.
fn note(app: &App, function: &'static str, exception: &Exception) {
    let (outcome, code, reason) = (outcome(exception), &exception.code, &exception.debug);
    app.metrics.called(function, outcome);
    match outcome {
        "failed" => tracing::error!(code, function, reason, "a call failed"),
        "invalid" => {
            tracing::info!(code, function, "a call was refused");
            tracing::debug!(code, function, reason, "what is wrong with it");
        }
        _ => tracing::info!(code, function, reason, "a call was refused"),
    }
}

/// Outcomes as labels.
fn outcome(exception: &Exception) -> &'static str {
    match exception.code.as_str() {
        "invalidtoken" | "accessexception" => "refused",
        "invalidparameter" | "invalidrecord" => "invalid",
        "servertoobusy" => "busy",
        "generalexceptionmessage" | "invalidresponse" => "failed",
        _ => "other",
    }
}

fn success(is_json: bool, shape: Shape, value: &Value) -> Response {
    let body = if is_json { json::response(value) } else { xml::response(shape, value) };
    reply(is_json, body)
}

/// An error in the form of REST.
pub(crate) fn error(app: &App, is_json: bool, exception: &Exception) -> Response {
    let debug = app.settings.moodle.debug;
    let body = if is_json { json::error(exception, debug) } else { xml::error(exception, debug) };
    let mut response = reply(is_json, body);
    if exception.code == "servertoobusy" {
        // Proxies and well-behaved clients look at the status.
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}

/// The headers of Moodle's REST server.
fn reply(is_json: bool, body: String) -> Response {
    let mut headers = vec![
        (header::CACHE_CONTROL, "private, must-revalidate, pre-check=0, post-check=0, max-age=0"),
        (header::EXPIRES, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (header::PRAGMA, "no-cache"),
    ];
    if is_json {
        headers.push((header::CONTENT_TYPE, "application/json"));
    } else {
        headers.push((header::CONTENT_TYPE, "application/xml; charset=utf-8"));
        headers.push((header::CONTENT_DISPOSITION, "inline; filename=\"response.xml\""));
    }
    with_headers(body, &headers)
}

fn with_headers(body: String, headers: &[(HeaderName, &'static str)]) -> Response {
    let mut response = Response::new(Body::from(body));
    let both = [(header::ACCEPT_RANGES, "none"), (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*")];
    for (name, value) in headers.iter().chain(&both) {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A protocol that the operator switched off.
pub(crate) fn disabled() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// `/login/token.php`.
pub(crate) async fn token(State(app): State<Arc<App>>, request: Request) -> Response {
    let asked = Asked::read(&app, request, Protocol::Rest).await;
    let in_url = url::form_urlencoded::parse(asked.query.as_bytes()).any(|(name, _)| name == "password");
    let body = match asked.fields(&app).await {
        Ok(fields) => login::login(&app, fields, in_url, asked.source.address).await,
        Err(exception) => Err(login::LoginError { code: "invalidparameter", message: exception.message }),
    };
    let (body, is_busy) = match body {
        Ok(body) => (body, false),
        Err(error) => {
            tracing::info!(code = error.code, "a login was refused");
            (error.json(), error.code == "servertoobusy")
        }
    };
    let headers = [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::CACHE_CONTROL, "post-check=0, pre-check=0"),
        (header::EXPIRES, "Mon, 20 Aug 1969 09:23:00 GMT"),
        (header::PRAGMA, "no-cache"),
    ];
    let mut response = with_headers(body, &headers);
    if is_busy {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
    }
    response
}
