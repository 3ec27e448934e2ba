//! `report_etl_get`: extracts of the ETL plugin, which are views of an instance here.

use std::sync::Arc;

use engine::etl::{Batch, Marks, NewBatch, Opened, Position, REPLAY_SECONDS};
use engine::view::{Bound, Given, View, Window};
use engine::{Error, ErrorKind, Lang};
use futures::FutureExt;
use serde_json::{Map, Value as Json};

use crate::access::Scope;
use crate::encode::Format;
use crate::etl::pull::{Order, Which, Who};
use crate::etl::{Instance, Rows, whole};
use crate::http::Problem;
use crate::moodle::etl_document::EtlDocument;
use crate::moodle::exception::Exception;
use crate::moodle::function::{Context, Function};
use crate::moodle::param::{Decl, Kind, Missing, Param};
use crate::moodle::shape::{Shape, member};
use crate::moodle::value::Value;

/// Words that are no parameters of a view.
const OWN: [&str; 5] = ["query", "ackquery", "date", "login", "fields"];

const fn param(name: &'static str, kind: Kind, missing: Missing, doc: &'static str) -> Param {
    Param { name, decl: Decl::Scalar(kind), missing, doc }
}

pub(crate) static FUNCTION: Function = Function {
    name: "report_etl_get",
    params: &[
        param("plugin", Kind::Text, Missing::Refused, "name of the plugin of the instance"),
        param("id", Kind::Int, Missing::Refused, "number of the instance within the plugin"),
        param(
            "queryparams",
            Kind::Text,
            Missing::Text("{}"),
            "JSON object: query (name of the extract), from (exclusive) and to (inclusive) in Unix seconds, ackquery, and parameters of the view; without from and to the rows since the last acknowledgement",
        ),
        param("testmode", Kind::Text, Missing::Text(""), "test for a sample of 30 rows that moves nothing"),
    ],
    returns: Shape::Struct(&[
        member("recordset", Kind::Raw),
        member("records", Kind::Int),
        member("firsttime", Kind::Int),
        member("lasttime", Kind::Int),
        member("xmlcontent", Kind::Raw),
    ]),
    // Which instance a token may use is checked with the instance.
    scope: None,
    doc: "Rows of a view of an instance, as an XML document in a text.",
    handler: |context, arguments| async move { answer(&context, &arguments).await }.boxed(),
};

/// A call that was understood.
struct Call {
    instance: Arc<Instance>,
    query: String,
    members: Map<String, Json>,
    sample: bool,
}

impl Call {
    async fn read(context: &Context, arguments: &Value) -> Result<Self, Exception> {
        let text = |name: &str| arguments.get(name).and_then(Value::as_str).unwrap_or_default();
        let plugin = text("plugin");
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !plugin.starts_with(|c: char| c.is_ascii_lowercase()) || !plugin.chars().all(is_name) {
            return Err(Exception::invalid_parameter("plugin: small letters, digits and _, a letter first"));
        }
        let number = match arguments.get("id") {
            Some(Value::Int(number)) => *number,
            _ => 0,
        };
        if number == 0 {
            return Err(Exception::invalid_parameter("ETL id cannot be null"));
        }
        let sample = match text("testmode") {
            "" | "0" => false,
            "test" | "1" => true,
            _ => return Err(Exception::invalid_parameter("testmode: test, or nothing")),
        };
        let members = members(text("queryparams"))?;
        let found = context.app.desk.instances.numbered(plugin, number, context.now).await?;
        let instance = found.ok_or_else(|| Exception::no_record("report_etl instances"))?;
        if !context.caller.may(&Scope::Etl(Some(instance.name.clone()))) {
            return Err(Exception::access(format!("the token has no scope etl:{}", instance.name)));
        }
        let has_window = members.contains_key("from") || members.contains_key("to");
        let query = match members.get("query").and_then(Json::as_str).filter(|query| !query.is_empty()) {
            Some(query) => query.to_owned(),
            None => return Err(Exception::no_query(has_window)),
        };
        Ok(Self { instance, query, members, sample })
    }

    /// Whether the call says of when: both bounds missing, or both 0, mean the rows since the mark.
    fn has_window(&self) -> bool {
        let bound = |name: &str| self.members.get(name).filter(|value| !is_zero(value));
        bound("from").is_some() || bound("to").is_some()
    }
}

fn is_zero(value: &Json) -> bool {
    value.is_null() || value.as_i64() == Some(0) || value.as_str().is_some_and(|text| text.is_empty() || text == "0")
}

/// The object of `queryparams`; of no text an empty one.
fn members(text: &str) -> Result<Map<String, Json>, Exception> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_str(text) {
        Ok(Json::Object(members)) => Ok(members),
        // What PHP makes of an empty object.
        Ok(Json::Array(items)) if items.is_empty() => Ok(Map::new()),
        Ok(_) => Err(Exception::invalid_parameter("queryparams is no JSON object")),
        Err(error) => Err(Exception::invalid_parameter(format!("queryparams is no JSON: {error}"))),
    }
}

async fn answer(context: &Context, arguments: &Value) -> Result<Value, Exception> {
    let call = Call::read(context, arguments).await?;
    let views = context.app.desk.shelf.views(&context.app.engine).await?;
    let find = |name: &str| {
        let view = views.extract(name).filter(|view| call.instance.settings.may_pull(&view.name));
        view.cloned().ok_or_else(|| Exception::no_record("report_etl_query"))
    };
    if matches!(call.query.as_str(), "special_acknowledge" | "acknowledge") {
        let Some(name) = call.members.get("ackquery").and_then(Json::as_str) else {
            return Err(Exception::invalid_parameter("ackquery is missing: the name of the extract"));
        };
        return acknowledge(context, &call, &*find(name)?).await;
    }
    let view = find(&call.query)?;
    let order = order(context, &call, &view).await?;
    send(context, &call, &order).await
}

/// Which rows the call means.
async fn order(context: &Context, call: &Call, view: &Arc<View>) -> Result<Order, Exception> {
    let app = &context.app;
    let snapshot = app.engine.snapshot(None).await?;
    let site = call.instance.settings.site.clone().or_else(|| context.home().map(str::to_owned));
    let site = site.unwrap_or_else(|| snapshot.manifest().default_site.clone());
    if !context.caller.sees(&site) {
        return Err(Exception::access("the token does not see the site of the instance"));
    }
    let order = |bound: Bound, now: i64, commit: u64, which: Which| Order {
        instance: Some(Arc::clone(&call.instance)),
        view: Arc::clone(view),
        bound,
        now,
        site: Some(site.clone()),
        commit,
        which,
        who: Who { token: context.caller.token.id, address: context.address, request: context.request.clone() },
    };
    let commit = snapshot.commit();
    let incremental = view.incremental.as_ref().filter(|_| !call.has_window());
    let bound = bound(context, call, view, incremental.is_some())?;
    let Some(incremental) = incremental else {
        let which = if call.sample { Which::Sample { window: None } } else { Which::Full };
        return Ok(order(bound, context.now, commit, which));
    };
    let (of, table) = incremental.table.split_once('.').unwrap_or((&site, &incremental.table));
    let position = Position::of(&snapshot, of, table);
    let marks = Marks::new(app.engine.store(), &call.instance.name, &view.name);
    let mark = marks.load().await?.mark;
    if call.sample {
        let window = Some(Window { after: mark.min(commit), upto: commit });
        return Ok(order(bound, context.now, commit, Which::Sample { window }));
    }
    let new = NewBatch {
        instance: &call.instance.name,
        view: &view.name,
        view_version: view.version,
        parameters: bound.json(view),
        now: context.now,
    };
    match marks.open(position, &new).await {
        Ok(Opened::Nothing) => Ok(order(bound, context.now, commit, Which::Nothing { mark })),
        Ok(Opened::Batch(batch)) => {
            let bound = bound_of(context, view, &batch)?;
            let (now, commit) = (batch.opened_at, batch.upto);
            Ok(order(bound, now, commit, Which::Batch { batch, replay: false }))
        }
        Err(error) if error.kind() == ErrorKind::Conflict => Err(Exception::etl("etlresetneeded", message(&error))),
        Err(error) => Err(error.into()),
    }
}

/// Values of the view's parameters. A view that has no window ignores one, because every client sends it.
fn bound(context: &Context, call: &Call, view: &View, incremental: bool) -> Result<Bound, Exception> {
    let is_window = |name: &str| matches!(name, "from" | "to");
    let given: Vec<(String, Given)> = call
        .members
        .iter()
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .filter(|(name, _)| !(is_window(name) && (incremental || view.param(name).is_none())))
        .map(|(name, value)| (name.clone(), Given::Json(value.clone())))
        .collect();
    Bound::read(view, &call.instance.settings.fixed(view), &given, context.app.settings.zone).map_err(|faults| {
        let all: Vec<String> = faults.iter().map(|(name, reason)| format!("{name}: {}", reason.en)).collect();
        Exception::invalid_parameter(all.join("; "))
    })
}

fn bound_of(context: &Context, view: &View, batch: &Batch) -> Result<Bound, Exception> {
    let given: Vec<(String, Given)> =
        batch.parameters.iter().map(|(name, value)| (name.clone(), Given::Json(value.clone()))).collect();
    Bound::read(view, &[], &given, context.app.settings.zone).map_err(|_| {
        Exception::etl("etlviewchanged", "the view changed since the batch was opened; reset it for this instance")
    })
}

async fn send(context: &Context, call: &Call, order: &Order) -> Result<Value, Exception> {
    let app = &context.app;
    let mut ending = order.ending(app, ("report_etl_get", "xml"), context.now);
    let limit = app.settings.etl.document;
    ending.max_bytes = Some(ending.max_bytes.map_or(limit, |own| own.min(limit)));
    let sent: Result<EtlDocument, Exception> = async {
        order.admit(app, Format::Xml, &mut ending).map_err(|problem| refused(&problem))?;
        let session = order.session(app).await?;
        let rows = Rows::of_stream(order.pull().run(&session).await?).await?;
        let mut document = EtlDocument::new(&order.view, rows.schema(), call.sample);
        whole(rows, |batch| document.write(batch), &mut ending).await?;
        Ok(document)
    }
    .await;
    match sent {
        Ok(document) => {
            ending.note("complete", None);
            let times = document.times;
            Ok(Value::members([
                ("recordset", call.query.as_str().into()),
                ("records", document.records.into()),
                ("firsttime", times.map(|(first, _)| first).into()),
                ("lasttime", times.map(|(_, last)| last).into()),
                ("xmlcontent", Value::text(document.finish())),
            ]))
        }
        Err(exception) => {
            ending.note("failed", Some(exception.debug.clone().unwrap_or_else(|| exception.message.clone())));
            Err(exception)
        }
    }
}

/// Acknowledges the open batch of an extract.
async fn acknowledge(context: &Context, call: &Call, view: &View) -> Result<Value, Exception> {
    let marks = Marks::new(context.app.engine.store(), &call.instance.name, &view.name);
    let open = marks.load().await?.open;
    let content = match open {
        Some(batch) => {
            marks.acknowledge(&batch.id, context.now, REPLAY_SECONDS).await?;
            "<lastextract>0</lastextract>"
        }
        None => "<nochange/>",
    };
    let document = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<acknowledge>\n\t{content}\n</acknowledge>\n");
    Ok(Value::members([
        ("recordset", call.query.as_str().into()),
        ("records", Value::Null),
        ("firsttime", Value::Null),
        ("lasttime", Value::Null),
        ("xmlcontent", Value::text(document)),
    ]))
}

/// A refusal before the rows, in the words of the protocol.
fn refused(problem: &Problem) -> Exception {
    match problem.status().as_u16() {
        403 | 406 => Exception::access(problem.text()),
        404 => Exception::no_record("report_etl_query"),
        409 => Exception::etl("etlbusy", "This extract is being pulled already; wait until that ends"),
        _ => Exception::busy("The server runs as many extracts as it may; try again later"),
    }
}

fn message(error: &Error) -> String {
    error.message(Lang::En).to_owned()
}
