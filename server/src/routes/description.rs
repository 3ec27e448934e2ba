//! The description of all routes: `/openapi.json` for programs, `/docs` for people, and the pages of the manual.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use engine::{Lang, text};
use utoipa::openapi::path::{OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, HttpMethod, InfoBuilder, OpenApi, OpenApiBuilder, PathItem, PathsBuilder,
    Required, ResponseBuilder,
};

use super::table::{Group, Needs, ROUTES, Route};
use crate::http::{App, language};
use crate::moodle::functions;
use crate::moodle::param::{Decl, Missing, Param};
use crate::moodle::xml::escape;

const BEARER: &str = "bearer";

/// The OpenAPI document.
fn openapi() -> OpenApi {
    let mut paths = PathsBuilder::new();
    for route in ROUTES {
        let method = match route.method {
            "post" => HttpMethod::Post,
            "patch" => HttpMethod::Patch,
            "delete" => HttpMethod::Delete,
            _ => HttpMethod::Get,
        };
        // A rest of the path has no name in OpenAPI other than that of a parameter.
        let path = route.path.replace("{*rest}", "{rest}");
        paths = paths.path(path, PathItem::new(method, operation(route)));
    }
    let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("Assidu")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some("Time spent on learning platforms, for information systems.")),
        )
        .paths(paths)
        .components(Some(ComponentsBuilder::new().security_scheme(BEARER, scheme).build()))
        .build()
}

fn operation(route: &Route) -> OperationBuilder {
    let text = || Some(ObjectBuilder::new().schema_type(Type::String).build());
    let mut operation = OperationBuilder::new().summary(Some(route.doc[0])).tag(tag(route.group, Lang::En));
    for parameter in route.parameters {
        let place = if parameter.in_path { ParameterIn::Path } else { ParameterIn::Query };
        let required = if parameter.in_path { Required::True } else { Required::False };
        operation = operation.parameter(
            ParameterBuilder::new()
                .name(parameter.name)
                .parameter_in(place)
                .required(required)
                .description(Some(parameter.doc[0]))
                .schema(text()),
        );
    }
    if route.path.ends_with("{*rest}") {
        let rest = ParameterBuilder::new().name("rest").parameter_in(ParameterIn::Path).required(Required::True);
        operation = operation.parameter(rest.schema(text()));
    }
    if let Needs::Scope(scope) = route.needs {
        operation = operation.security(SecurityRequirement::new(BEARER, [scope]));
    }
    let content = || ContentBuilder::new().schema(text()).build();
    let mut success = ResponseBuilder::new().description("The answer.");
    for kind in route.answer.split(", ") {
        success = success.content(kind, content());
    }
    operation = operation.response("200", success);
    if route.group == Group::Native {
        let problem = |status: &str| {
            let description = format!("A problem document (RFC 9457) of status {status}.");
            ResponseBuilder::new().description(description).content("application/problem+json", content())
        };
        operation =
            operation.response("304", ResponseBuilder::new().description("The caller has this answer already."));
        for status in ["400", "401", "403", "404", "429", "503"] {
            operation = operation.response(status, problem(status));
        }
    }
    operation
}

fn tag(group: Group, lang: Lang) -> &'static str {
    match (group, lang) {
        (Group::Native, Lang::En) => "native interface",
        (Group::Native, Lang::Fr) => "interface native",
        (Group::Moodle, Lang::En) => "web services of Moodle",
        (Group::Moodle, Lang::Fr) => "services web de Moodle",
        (Group::Operator, Lang::En) => "operation",
        (Group::Operator, Lang::Fr) => "exploitation",
    }
}

fn needs(needs: Needs, lang: Lang) -> String {
    let text = match needs {
        Needs::Nothing => text!("open", "ouvert"),
        Needs::Scope(scope) => text!("token with the scope `{scope}`", "jeton avec le droit `{scope}`"),
        Needs::WsToken => text!("token as `wstoken`", "jeton dans `wstoken`"),
        Needs::Password => text!("user name and password", "nom d'utilisateur et mot de passe"),
    };
    text.get(lang).to_owned()
}

/// `/openapi.json`.
pub(crate) async fn for_programs() -> Response {
    let document = serde_json::to_string(&openapi()).unwrap_or_default();
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response()
}

/// `/docs`, in the language of the reader.
pub(crate) async fn for_people(State(app): State<Arc<App>>, headers: HeaderMap) -> Html<String> {
    Html(page(language(&headers), &app.settings.moodle.release))
}

fn page(lang: Lang, release: &str) -> String {
    let say = |en: &'static str, fr: &'static str| if lang == Lang::Fr { fr } else { en };
    let code = if lang == Lang::Fr { "fr" } else { "en" };
    let mut out = format!(
        "<!doctype html>\n<html lang=\"{code}\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Assidu</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>Assidu</h1>\n"
    );
    let intro = say(
        "Time spent on learning platforms. Programs read <a href=\"/openapi.json\">openapi.json</a>.",
        "Le temps passé sur les plateformes d'apprentissage. Les programmes lisent <a href=\"/openapi.json\">openapi.json</a>.",
    );
    out.push_str(&format!("<p>{intro}</p>\n"));
    for group in [Group::Native, Group::Moodle, Group::Operator] {
        out.push_str(&format!("<h2>{}</h2>\n", tag(group, lang)));
        for route in ROUTES.iter().filter(|route| route.group == group && !route.path.ends_with("{*rest}")) {
            route_section(&mut out, route, lang);
        }
        if group == Group::Moodle {
            functions_section(&mut out, lang, release);
        }
    }
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#1a1a1a;background:#fff}\
main{max-width:52rem;margin:0 auto;padding:1rem 1.5rem 4rem}h1{font-size:1.8rem}h2{margin-top:2.5rem}\
h3{margin:1.5rem 0 .25rem;font-size:1rem}code{font-family:ui-monospace,monospace;font-size:.95em}\
dl{margin:.25rem 0 0 1rem}dt{font-family:ui-monospace,monospace;font-size:.9em}dd{margin:0 0 .25rem 1.5rem}\
.needs{color:#555;font-size:.9em}@media(prefers-color-scheme:dark){body{color:#e8e8e8;background:#161616}\
a{color:#8ab4f8}.needs{color:#aaa}}";

fn route_section(out: &mut String, route: &Route, lang: Lang) {
    let at = usize::from(lang == Lang::Fr);
    let method = route.method.to_uppercase();
    out.push_str(&format!("<h3><code>{method} {}</code></h3>\n<p>", route.path));
    prose(out, route.doc[at]);
    out.push_str("<br><span class=\"needs\">");
    prose(out, &needs(route.needs, lang));
    out.push_str("</span></p>\n");
    if !route.parameters.is_empty() {
        out.push_str("<dl>\n");
        for parameter in route.parameters {
            out.push_str(&format!("<dt>{}</dt><dd>", parameter.name));
            prose(out, parameter.doc[at]);
            out.push_str("</dd>\n");
        }
        out.push_str("</dl>\n");
    }
}

/// The functions of the web service. Their texts are in English, as Moodle's own are.
fn functions_section(out: &mut String, lang: Lang, release: &str) {
    let title = text!("functions", "fonctions");
    out.push_str(&format!("<h3>{}</h3>\n<p class=\"needs\">Moodle ", title.get(lang)));
    escape(out, release);
    out.push_str("</p>\n<dl>\n");
    for function in functions::all() {
        out.push_str(&format!("<dt>{}</dt><dd>", function.name));
        prose(out, function.doc);
        out.push_str("</dd>\n");
    }
    out.push_str("</dl>\n");
}

/// A sentence, in which backquotes mark code.
fn prose(out: &mut String, text: &str) {
    for (at, part) in text.split('`').enumerate() {
        if at % 2 == 1 {
            out.push_str("<code>");
        }
        escape(out, part);
        if at % 2 == 1 {
            out.push_str("</code>");
        }
    }
}

/// The manual page of all routes.
pub fn http_markdown() -> String {
    let mut page = String::from("# Routes\n\nMade from the code; a test refuses a difference.\n");
    for group in [Group::Native, Group::Moodle, Group::Operator] {
        let title = tag(group, Lang::En);
        page.push_str(&format!("\n## {}{}\n", title[..1].to_uppercase(), &title[1..]));
        for route in ROUTES.iter().filter(|route| route.group == group) {
            let (method, needs) = (route.method.to_uppercase(), needs(route.needs, Lang::En));
            page.push_str(&format!(
                "\n### `{method} {}`\n\n{}\n\nNeeds: {needs}. Answers: `{}`.\n",
                route.path, route.doc[0], route.answer
            ));
            if !route.parameters.is_empty() {
                page.push_str("\n| parameter | what |\n|---|---|\n");
                for parameter in route.parameters {
                    page.push_str(&format!("| `{}` | {} |\n", parameter.name, parameter.doc[0].replace('|', "\\|")));
                }
            }
        }
    }
    page
}

/// The manual page of the functions of the web service.
pub fn functions_markdown() -> String {
    let mut page = String::from(
        "# Functions of the web service\n\nMade from the code; a test refuses a difference.\n\n\
         Times are Unix seconds, and lengths are seconds.\n",
    );
    for function in functions::all() {
        let scope =
            function.scope.as_ref().map_or_else(|| "any token".to_owned(), |scope| format!("the scope `{scope}`"));
        page.push_str(&format!("\n## `{}`\n\n{} Needs {scope}.\n", function.name, function.doc));
        if !function.params.is_empty() {
            page.push_str("\n| argument | type | default | what |\n|---|---|---|---|\n");
            for param in function.params {
                parameter_rows(&mut page, param, param.name);
            }
        }
    }
    page
}

fn parameter_rows(page: &mut String, param: &Param, name: &str) {
    let default = match param.missing {
        Missing::Refused => "required".to_owned(),
        Missing::Absent => "–".to_owned(),
        Missing::Int(number) => format!("`{number}`"),
        Missing::Bool(truth) => format!("`{}`", i64::from(truth)),
        Missing::Text(text) => format!("`{}`", if text.is_empty() { "''" } else { text }),
    };
    let (kind, inner) = match param.decl {
        Decl::Scalar(kind) => (kind.name().to_owned(), None),
        Decl::List(Decl::Scalar(kind)) => (format!("list of {}", kind.name()), None),
        Decl::List(_) => ("list".to_owned(), None),
        Decl::Struct(params) => ("map".to_owned(), Some(params)),
    };
    page.push_str(&format!("| `{name}` | {kind} | {default} | {} |\n", param.doc));
    for member in inner.into_iter().flatten() {
        parameter_rows(page, member, &format!("{name}[{}]", member.name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_for_people_is_well_formed_in_both_languages() {
        for lang in [Lang::En, Lang::Fr] {
            let page = page(lang, "4.5 <&>");
            let body = page.replace("<!doctype html>\n", "").replace("<br>", "<br/>");
            let body = regex_free_void_meta(&body);
            let mut reader = quick_xml::Reader::from_str(&body);
            loop {
                match reader.read_event() {
                    Ok(quick_xml::events::Event::Eof) => break,
                    Ok(_) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert!(
                ROUTES.iter().filter(|route| !route.path.ends_with("{*rest}")).all(|route| page.contains(route.path))
            );
        }
    }

    /// HTML closes no `meta`; XML does.
    fn regex_free_void_meta(page: &str) -> String {
        page.lines().map(|line| if line.starts_with("<meta") { "" } else { line }).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_document_for_programs_names_every_route() {
        let document = serde_json::to_value(openapi()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        // Routes of one path and several methods stand together.
        for route in ROUTES {
            let path = route.path.replace("{*rest}", "{rest}");
            assert!(paths[&path][route.method].is_object(), "{} {path}", route.method);
        }
        let operations: usize = paths.values().filter_map(|path| path.as_object()).map(serde_json::Map::len).sum();
        assert_eq!(operations, ROUTES.len());
        let user = &paths["/v1/stats/users/{id}"]["get"];
        assert_eq!(user["security"][0]["bearer"][0], "statistics");
        assert_eq!(user["parameters"][0]["required"], true);
    }
}
