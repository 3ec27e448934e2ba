//! `/v1/sql` and `/v1/catalog`: statements of analysts, and what they can name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use engine::etl::PullRecord;
use engine::query::{FunctionKind, Session};
use engine::{Result, Text, text};
use serde_json::{Value, json};

use super::asked::Asked;
use super::native;
use super::views::{body_of, json_answer, traced, who};
use crate::access::{Caller, Scope};
use crate::encode::{Format, Wrapping, type_word};
use crate::etl::pull::{Seat, Who, Wire, common_headers, crowded, session};
use crate::etl::{Ending, Rows, body};
use crate::http::{App, Problem};

/// A statement and what it is run with.
struct Statement {
    sql: String,
    values: ParamValues,
    site: Option<String>,
    at: Option<u64>,
    wire: Wire,
    /// For the record.
    parameters: Value,
    who: Who,
}

/// `POST /v1/sql`: one SELECT with named parameters.
pub(crate) async fn run(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let caller = native::admit(&app, &parts, &Scope::Sql).await?;
    let body = body_of(&app, body).await?;
    let is_text = parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.starts_with("text/plain") || kind.starts_with("application/sql"))
    });
    let mut asked = Asked::read(&parts, if is_text { &EMPTY } else { &body })?;
    let sql = match is_text {
        true => String::from_utf8(body.to_vec()).ok(),
        false => asked.take("sql"),
    };
    if sql.as_deref().is_none_or(|sql| sql.trim().is_empty()) {
        asked.fault("sql", text!("it is required: one SELECT", "il est obligatoire : un seul SELECT"));
    }
    let params = asked.member("params").unwrap_or(Value::Null);
    let values = values(&params).unwrap_or_else(|reason| {
        asked.fault("params", reason);
        ParamValues::List(Vec::new())
    });
    let wire = asked.wire(None, &parts.headers)?;
    let (site, at) = (asked.take("site"), asked.commit("at"));
    let site = seen(&caller, site, &mut asked);
    asked.finish(|_| {
        text!(
            "unknown; there are sql, params, site, at, format, shape, footer",
            "inconnu ; il y a sql, params, site, at, format, shape, footer"
        )
    })?;
    let sql = sql.unwrap_or_default();
    let parameters = json!({ "sql": sql, "params": params });
    let statement = Statement { sql, values, site, at, wire, parameters, who: who(&caller, &parts) };
    Ok(traced(statement.send(&app).await?, &caller))
}

static EMPTY: Bytes = Bytes::new();

/// The site that a caller names, when it sees it.
fn seen(caller: &Caller, site: Option<String>, asked: &mut Asked) -> Option<String> {
    if let Some(site) = site.as_deref().filter(|site| !caller.sees(site)) {
        let site = engine::fault::quoted(site);
        asked.fault("site", text!("the token does not see \"{site}\"", "le jeton ne voit pas « {site} »"));
    }
    site.or_else(|| caller.home().map(str::to_owned))
}

impl Statement {
    async fn send(&self, app: &Arc<App>) -> Result<Response, Problem> {
        let record = PullRecord {
            time: app.now(),
            kind: "sql".to_owned(),
            site: self.site.clone().unwrap_or_default(),
            format: self.wire.format.name().to_owned(),
            parameters: self.parameters.to_string(),
            status: 200,
            address: Some(self.who.address.to_string()),
            caller: Some(self.who.token.to_string()),
            request: self.who.request.clone(),
            ..PullRecord::default()
        };
        let mut ending = Ending {
            app: Arc::clone(app),
            record,
            start: Instant::now(),
            max_rows: None,
            max_bytes: None,
            trailers: false,
            held: Vec::new(),
            noted: false,
        };
        match self.sent(app, &mut ending).await {
            Ok((commit, rows)) => {
                ending.trailers = self.wire.trailers;
                self.respond(commit, rows, ending)
            }
            Err(problem) => {
                ending.record.status = i64::from(problem.status().as_u16());
                let outcome = if problem.status().is_server_error() { "failed" } else { "refused" };
                ending.note(outcome, Some(problem.text()));
                Err(problem)
            }
        }
    }

    async fn sent(&self, app: &Arc<App>, ending: &mut Ending) -> Result<(u64, Rows), Problem> {
        ending.held.push(Box::new(app.desk.enter(None).map_err(crowded)?));
        let commit = match self.at {
            Some(commit) => commit,
            None => app.engine.snapshot(None).await?.commit(),
        };
        ending.record.upto_commit = i64::try_from(commit).ok();
        let seat = Seat {
            instance: None,
            site: self.site.as_deref(),
            commit: Some(commit),
            now: app.now(),
            timeout: app.settings.etl.time,
            repeatable: false,
        };
        let session = session(app, &seat).await?;
        let stream = session.query_with(&self.sql, self.values.clone()).await?;
        Ok((commit, Rows::of_stream(stream).await?))
    }

    fn respond(&self, commit: u64, rows: Rows, ending: Ending) -> Result<Response, Problem> {
        let wrapping = Wrapping {
            shape: self.wire.shape,
            footer: self.wire.footer,
            end_mark: self.wire.format == Format::Xml,
            meta: vec![("snapshot".to_owned(), json!(commit))],
            ..Wrapping::default()
        };
        let trailers = ending.trailers;
        let mut response = Response::new(body(rows, self.wire.format, &wrapping, ending)?);
        common_headers(response.headers_mut(), "result", self.wire.format, trailers);
        response.headers_mut().insert("assidu-snapshot", HeaderValue::from(commit));
        Ok(response)
    }
}

/// Parameters of a statement: an object for `$name`, a list for `$1`, `$2` …
fn values(params: &Value) -> Result<ParamValues, Text> {
    match params {
        Value::Null => Ok(ParamValues::List(Vec::new())),
        Value::Object(members) => {
            let pair = |(name, value): (&String, &Value)| Ok((name.clone(), scalar(value)?.into()));
            Ok(ParamValues::Map(members.iter().map(pair).collect::<Result<HashMap<_, _>, Text>>()?))
        }
        Value::Array(items) => {
            let items: Result<Vec<_>, Text> = items.iter().map(|value| Ok(scalar(value)?.into())).collect();
            Ok(ParamValues::List(items?))
        }
        _ => Err(text!("write an object or a list", "écrivez un objet ou une liste")),
    }
}

fn scalar(value: &Value) -> Result<ScalarValue, Text> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(flag) => ScalarValue::Boolean(Some(*flag)),
        Value::String(text) => ScalarValue::Utf8(Some(text.clone())),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => ScalarValue::Int64(Some(number)),
            (None, number) => ScalarValue::Float64(number),
        },
        Value::Array(items) => {
            let items = items.iter().map(scalar).collect::<Result<Vec<_>, Text>>()?;
            let Some(first) = items.first() else {
                return Ok(ScalarValue::List(ScalarValue::new_list(&[], &DataType::Int64, true)));
            };
            let kind = first.data_type();
            if items.iter().any(|item| item.data_type() != kind) {
                return Err(text!(
                    "the items of a list must have one type",
                    "les éléments d'une liste doivent avoir un seul type"
                ));
            }
            ScalarValue::List(ScalarValue::new_list(&items, &kind, true))
        }
        Value::Object(_) => return Err(text!("a value cannot be an object", "une valeur ne peut être un objet")),
    })
}

/// `GET /v1/catalog`: tables with their columns, and functions.
pub(crate) async fn catalog(State(app): State<Arc<App>>, request: Request) -> Result<Response, Problem> {
    let (parts, _) = request.into_parts();
    let caller = native::admit(&app, &parts, &Scope::Sql).await?;
    let mut asked = Asked::read(&parts, &Bytes::new())?;
    let site = asked.take("site");
    let site = seen(&caller, site, &mut asked);
    asked.finish(|_| text!("unknown; there is site", "inconnu ; il y a site"))?;
    let seat = Seat {
        instance: None,
        site: site.as_deref(),
        commit: None,
        now: app.now(),
        timeout: app.settings.limits.time,
        repeatable: false,
    };
    let session = session(&app, &seat).await?;
    let value = json!({ "tables": tables(&session, &caller).await?, "functions": functions(&session) });
    Ok(json_answer(&value, &caller))
}

async fn tables(session: &Session, caller: &Caller) -> Result<Vec<Value>, Problem> {
    let mut tables = Vec::new();
    for table in session.tables().into_iter().filter(|table| caller.sees(&table.schema)) {
        let name = format!("{}.{}", quote(&table.schema), quote(&table.name));
        let columns = session.columns(&name).await?;
        let columns: Vec<Value> = columns
            .iter()
            .map(|column| {
                json!({ "name": column.name, "type": type_word(&column.data_type), "nullable": column.nullable })
            })
            .collect();
        tables.push(json!({ "site": table.schema, "name": table.name, "columns": columns }));
    }
    Ok(tables)
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn functions(session: &Session) -> Vec<Value> {
    let kind = |kind| match kind {
        FunctionKind::Scalar => "scalar",
        FunctionKind::Aggregate => "aggregate",
        FunctionKind::Window => "window",
        FunctionKind::Table => "table",
    };
    let functions = session.functions();
    functions.iter().map(|function| json!({ "name": function.name, "kind": kind(function.kind) })).collect()
}
