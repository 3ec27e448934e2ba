//! [`Problem`]: errors of the native routes as RFC 9457 tells them, in JSON or XML, in English or French.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use engine::{Error, ErrorKind, Lang, Text, text};
use serde::Serialize;

use crate::moodle::xml::escape;

/// Where the manual explains a code.
const TYPE: &str = "urn:assidu:";

/// A parameter that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParameterFault {
    /// Its name.
    pub name: String,
    /// What is wrong with it.
    pub reason: Text,
}

/// An error of a native route.
#[derive(Debug, Clone)]
pub struct Problem(Box<Told>);

/// What is told of a problem.
#[derive(Debug, Clone)]
struct Told {
    status: StatusCode,
    code: &'static str,
    title: Text,
    detail: Text,
    faults: Vec<ParameterFault>,
    retry_after: Option<u64>,
}

#[derive(Serialize)]
struct ProblemReply<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FaultReply<'a>>,
}

#[derive(Serialize)]
struct FaultReply<'a> {
    parameter: &'a str,
    reason: &'a str,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: Text, detail: Text) -> Self {
        Self(Box::new(Told { status, code, title, detail, faults: Vec::new(), retry_after: None }))
    }

    /// Tells when to come back.
    fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Parameters that are wrong, all of them.
    pub fn parameters(faults: Vec<ParameterFault>) -> Self {
        let count = faults.len();
        let title = text!("parameters are wrong", "des paramètres sont faux");
        let detail = text!("{count} wrong, see errors", "{count} à corriger, voir errors");
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "http.parameters", title, detail);
        problem.0.faults = faults;
        problem
    }

    /// One parameter that is wrong.
    pub fn parameter(name: &str, reason: Text) -> Self {
        Self::parameters(vec![ParameterFault { name: name.to_owned(), reason }])
    }

    /// The caller accepts no format that there is.
    pub fn not_acceptable(formats: &[impl AsRef<str>]) -> Self {
        let all = formats.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(", ");
        let title = text!("no acceptable format", "aucun format acceptable");
        let detail = text!("there are {all}", "il y a {all}");
        Self::new(StatusCode::NOT_ACCEPTABLE, "http.not_acceptable", title, detail)
    }

    /// What was there is gone, such as an old snapshot.
    pub fn gone(error: &Error) -> Self {
        let title = text!("gone", "disparu");
        let detail = Text { en: error.message(Lang::En).to_owned(), fr: error.message(Lang::Fr).to_owned() };
        Self::new(StatusCode::GONE, "http.gone", title, detail)
    }

    /// The state does not allow it now.
    pub fn conflict(code: &'static str, detail: Text) -> Self {
        Self::new(StatusCode::CONFLICT, code, text!("not now", "pas maintenant"), detail)
    }

    /// What is told, in English, for records.
    pub(crate) fn text(&self) -> String {
        let faults = self.0.faults.iter().map(|fault| format!("; {}: {}", fault.name, fault.reason.en));
        format!("{}{}", self.0.detail.en, faults.collect::<String>())
    }

    /// No token, or none that is good.
    pub fn unauthorized(detail: Text) -> Self {
        let title = text!("a token is needed", "un jeton est nécessaire");
        Self::new(StatusCode::UNAUTHORIZED, "http.unauthorized", title, detail)
    }

    /// A good token that may not do this.
    pub fn forbidden(detail: Text) -> Self {
        let title = text!("the token may not do this", "le jeton ne le permet pas");
        Self::new(StatusCode::FORBIDDEN, "http.forbidden", title, detail)
    }

    /// Nothing lies here.
    pub fn not_found(detail: Text) -> Self {
        Self::new(StatusCode::NOT_FOUND, "http.not_found", text!("not found", "introuvable"), detail)
    }

    /// The route does not know the method.
    pub fn method_not_allowed() -> Self {
        let title = text!("method not allowed", "méthode non permise");
        let detail = text!("this route does not know the method", "cette route ne connaît pas la méthode");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "http.method", title, detail)
    }

    /// More requests than agreed.
    pub fn too_many(retry_after: u64) -> Self {
        let title = text!("too many requests", "trop de requêtes");
        let detail = text!("wait {retry_after} s and try again", "attendez {retry_after} s et recommencez");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "http.too_many", title, detail).retry_after(retry_after)
    }

    /// The server has no room for more, or stops.
    pub fn unavailable(detail: Text) -> Self {
        let title = text!("not available now", "indisponible pour l'instant");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "http.unavailable", title, detail).retry_after(1)
    }

    /// The time of a request is over.
    pub fn timeout(seconds: u64) -> Self {
        let title = text!("the request took too long", "la requête a pris trop de temps");
        let detail = text!(
            "it was stopped after {seconds} s; ask for less, or have the limit raised",
            "elle a été arrêtée après {seconds} s ; demandez moins, ou faites relever la limite"
        );
        Self::new(StatusCode::GATEWAY_TIMEOUT, "http.timeout", title, detail)
    }

    /// A failure of ours; the log has the reason.
    pub fn internal() -> Self {
        let title = text!("the server failed", "le serveur a échoué");
        let detail = text!(
            "the log of the server has the reason, under the number of this request",
            "le journal du serveur en a la raison, sous le numéro de cette requête"
        );
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "http.internal", title, detail)
    }

    /// The status.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The problem as a document of the kind and in the language that the caller wants.
    pub(crate) fn response(&self, wanted: &HeaderMap, request: Option<&str>) -> Response {
        let lang = language(wanted);
        let faults: Vec<FaultReply<'_>> = self
            .0
            .faults
            .iter()
            .map(|fault| FaultReply { parameter: &fault.name, reason: fault.reason.get(lang) })
            .collect();
        let reply = ProblemReply {
            r#type: format!("{TYPE}{}", self.0.code),
            title: self.0.title.get(lang),
            status: self.0.status.as_u16(),
            detail: self.0.detail.get(lang),
            code: self.0.code,
            request,
            errors: faults,
        };
        let (body, content) = match wants_xml(wanted) {
            true => (xml(&reply), "application/problem+xml"),
            false => (serde_json::to_string(&reply).unwrap_or_default(), "application/problem+json"),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.0.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(if lang == Lang::Fr { "fr" } else { "en" }));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.0.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.0.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"assidu\""));
        }
        response
    }
}

/// The document is made at the end, where what the caller wants is known.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.response(&HeaderMap::new(), None);
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = || Text { en: error.message(Lang::En).to_owned(), fr: error.message(Lang::Fr).to_owned() };
        match error.kind() {
            ErrorKind::Invalid => {
                let title = text!("the request cannot be answered", "la requête ne peut être satisfaite");
                Self::new(StatusCode::BAD_REQUEST, "http.invalid", title, detail())
            }
            ErrorKind::NotFound => Self::not_found(detail()),
            ErrorKind::Limit => {
                let title = text!("a limit was reached", "une limite est atteinte");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "http.limit", title, detail())
            }
            ErrorKind::Conflict | ErrorKind::Locked | ErrorKind::Cancelled => Self::unavailable(detail()),
            ErrorKind::Newer | ErrorKind::Corrupt | ErrorKind::Io | ErrorKind::Bug => {
                tracing::error!(error = %error.describe(Lang::En), "a request failed");
                Self::internal()
            }
        }
    }
}

fn xml(reply: &ProblemReply<'_>) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<problem xmlns=\"urn:ietf:rfc:7807\">");
    let mut element = |name: &str, text: &str| {
        out.push_str(&format!("<{name}>"));
        escape(&mut out, text);
        out.push_str(&format!("</{name}>"));
    };
    element("type", &reply.r#type);
    element("title", reply.title);
    element("status", &reply.status.to_string());
    element("detail", reply.detail);
    element("code", reply.code);
    if let Some(request) = reply.request {
        element("request", request);
    }
    if !reply.errors.is_empty() {
        out.push_str("<errors>");
        for fault in &reply.errors {
            out.push_str("<i><parameter>");
            escape(&mut out, fault.parameter);
            out.push_str("</parameter><reason>");
            escape(&mut out, fault.reason);
            out.push_str("</reason></i>");
        }
        out.push_str("</errors>");
    }
    out.push_str("</problem>\n");
    out
}

/// Whether the caller prefers XML to JSON.
fn wants_xml(wanted: &HeaderMap) -> bool {
    let weights = preferences(wanted, header::ACCEPT);
    let weight = |kinds: &[&str]| {
        let of = weights.iter().filter(|(kind, _)| kinds.contains(&kind.as_str()));
        of.map(|(_, weight)| *weight).max().unwrap_or(0)
    };
    let xml = weight(&["application/xml", "text/xml", "application/problem+xml"]);
    xml > 0 && xml > weight(&["application/json", "application/problem+json", "*/*", "application/*"])
}

/// The language that the caller prefers of ours.
pub(crate) fn language(wanted: &HeaderMap) -> Lang {
    let weights = preferences(wanted, header::ACCEPT_LANGUAGE);
    // The first of the greatest weight.
    let ours = weights.iter().filter_map(|(code, weight)| Some((Lang::from_code(code)?, *weight)));
    let best = ours.fold(None, |best: Option<(Lang, u16)>, next| match best {
        Some(known) if known.1 >= next.1 => Some(known),
        _ => Some(next),
    });
    best.filter(|(_, weight)| *weight > 0).map_or(Lang::En, |(lang, _)| lang)
}

/// Items of a header with their weights in thousandths.
pub(crate) fn preferences(wanted: &HeaderMap, name: header::HeaderName) -> Vec<(String, u16)> {
    let values = wanted.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let items = values.flat_map(|value| value.split(','));
    items
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let kind = parts.next().filter(|kind| !kind.is_empty())?.to_ascii_lowercase();
            let weight = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
            Some((kind, (weight.clamp(0.0, 1.0) * 1000.0) as u16))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn kinds_and_languages_are_those_that_the_caller_prefers() {
        let xml = |accept| wants_xml(&headers(&[(header::ACCEPT, accept)]));
        assert!(xml("application/xml") && xml("text/xml, application/json;q=0.5"));
        assert!(!xml("*/*") && !xml("application/json, application/xml;q=0.9") && !xml("text/html"));
        let lang = |accept| language(&headers(&[(header::ACCEPT_LANGUAGE, accept)]));
        assert_eq!(lang("fr-FR,fr;q=0.9,en;q=0.8"), Lang::Fr);
        assert_eq!(lang("de, en;q=0.5, fr;q=0.2"), Lang::En);
        assert_eq!(lang("de"), Lang::En);
    }

    #[test]
    fn all_parameters_are_named() {
        let fault = |name: &str| ParameterFault { name: name.to_owned(), reason: text!("bad <x>", "faux <x>") };
        let problem = Problem::parameters(vec![fault("from"), fault("to")]);
        assert_eq!(problem.status(), StatusCode::BAD_REQUEST);
        let response = problem
            .response(&headers(&[(header::ACCEPT, "application/xml"), (header::ACCEPT_LANGUAGE, "fr")]), Some("r1"));
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+xml");
        assert_eq!(response.headers()[header::CONTENT_LANGUAGE], "fr");
    }
}
