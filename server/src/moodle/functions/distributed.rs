//! `use_stats_rpc_get_stats` and `use_stats_rpc_get_scores`, each also with one map of all arguments: computed here,
//! in another site of the store, or passed on to a peer.

use engine::stats::services::{
    CallingUser, Capability, DistributedError, DistributedFault, Hosts, ScoresCall, StatsCall, status,
};
use futures::FutureExt;

use crate::access::Scope;
use crate::moodle::exception::Exception;
use crate::moodle::function::{Context, Function};
use crate::moodle::param::{Decl, Kind, Missing, Param};
use crate::moodle::shape::Shape;
use crate::moodle::value::Value;
use crate::moodle::{DistributedAnswer, calling_user};
use crate::peer::Peer;

const fn param(name: &'static str, kind: Kind, missing: Missing, doc: &'static str) -> Param {
    Param { name, decl: Decl::Scalar(kind), missing, doc }
}

/// A missing key is no wrong argument: it has its own status.
const CALLING_USER: Param = Param {
    name: "callinguser",
    decl: Decl::Struct(&[
        param("username", Kind::Text, Missing::Absent, "login name of the caller"),
        param("remoteuserhostroot", Kind::Text, Missing::Absent, "address of the site that the caller belongs to"),
        param("remotehostroot", Kind::Text, Missing::Absent, "address of the site that calls"),
    ]),
    missing: Missing::Absent,
    doc: "who calls",
};
const TARGET: Param = param("targetuser", Kind::Text, Missing::Refused, "login name of the user who is asked about");
const WHERE: Param =
    param("whereroot", Kind::Text, Missing::Text(""), "address of the site that answers; empty for this one");
const JSON: Param = param(
    "json_response",
    Kind::Bool,
    Missing::Bool(true),
    "whether the answer is a text that holds JSON, or a structure",
);
const OF_STATS: &[Param] = &[
    CALLING_USER,
    TARGET,
    WHERE,
    param("statsscope", Kind::Int, Missing::Int(1), "1 for the site, 2 for courses, 3 for modules"),
    param("timefrom", Kind::Int, Missing::Int(0), "start of the range, in Unix seconds; it ends now"),
    JSON,
];
const OF_SCORES: &[Param] = &[
    CALLING_USER,
    TARGET,
    WHERE,
    param(
        "scorescope",
        Kind::Text,
        Missing::Text("notes/global"),
        "which score: notes/global is the grade of the course",
    ),
    param("courseidfield", Kind::Alpha, Missing::Refused, "what identifies the course: id, shortname or idnumber"),
    param("courseidentifier", Kind::Text, Missing::Refused, "its identifier"),
    JSON,
];
const fn wrapped(params: &'static [Param]) -> Param {
    Param { name: "wrapped", decl: Decl::Struct(params), missing: Missing::Refused, doc: "all arguments as one map" }
}

const GET_STATS: &str = "use_stats_rpc_get_stats";
const GET_SCORES: &str = "use_stats_rpc_get_scores";

pub(crate) static FUNCTIONS: &[Function] = &[
    Function {
        name: GET_STATS,
        params: OF_STATS,
        returns: Shape::Any,
        scope: Some(Scope::Statistics),
        doc: "Time of a user in a site, its courses or its modules, as a document in XML.",
        handler: |context, arguments| async move { stats(&context, &arguments).await }.boxed(),
    },
    Function {
        name: "use_stats_rpc_get_stats_wrapped",
        params: &[wrapped(OF_STATS)],
        returns: Shape::Any,
        scope: Some(Scope::Statistics),
        doc: "The same, with all arguments in one map.",
        handler: |context, arguments| async move { stats(&context, unwrapped(&arguments)).await }.boxed(),
    },
    Function {
        name: GET_SCORES,
        params: OF_SCORES,
        returns: Shape::Any,
        scope: Some(Scope::Statistics),
        doc: "Score of a user in a course, as a document in XML.",
        handler: |context, arguments| async move { scores(&context, &arguments).await }.boxed(),
    },
    Function {
        name: "use_stats_rpc_get_scores_wrapped",
        params: &[wrapped(OF_SCORES)],
        returns: Shape::Any,
        scope: Some(Scope::Statistics),
        doc: "The same, with all arguments in one map.",
        handler: |context, arguments| async move { scores(&context, unwrapped(&arguments)).await }.boxed(),
    },
];

fn unwrapped(arguments: &Value) -> &Value {
    arguments.get("wrapped").unwrap_or(arguments)
}

fn text<'a>(arguments: &'a Value, name: &str) -> &'a str {
    arguments.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(arguments: &Value, name: &str) -> i64 {
    match arguments.get(name) {
        Some(Value::Int(number)) => *number,
        _ => 0,
    }
}

fn calling(arguments: &Value) -> CallingUser {
    arguments.get("callinguser").map(calling_user).unwrap_or_default()
}

/// Who answers a call.
enum Place {
    /// The site that the token is at home in.
    Home,
    /// Another site of the store.
    Site(String),
    /// Another server.
    Peer(Peer),
}

async fn stats(context: &Context, arguments: &Value) -> Result<Value, Exception> {
    let policy = context.app.settings.moodle_policy.clone();
    let call = StatsCall {
        calling: calling(arguments),
        hosts: context.app.hosts(context).await?,
        capability: Capability::Granted,
        target: text(arguments, "targetuser").to_owned(),
        scope: number(arguments, "statsscope"),
        from: number(arguments, "timefrom"),
        now: context.now,
        policy,
    };
    let exactness = call.policy.exactness;
    let answer = match place(context, &call.calling, &call.hosts, text(arguments, "whereroot")).await? {
        Err(refused) => refused,
        Ok(Place::Home) => {
            let _turn = context.app.turn().await?;
            DistributedAnswer::of_stats(context.stats().await?.distributed_stats(&call).await, exactness)?
        }
        Ok(Place::Site(site)) => {
            let _turn = context.app.turn().await?;
            let hosts = context.app.hosts_of(&site);
            let stats = context.app.stats(Some(&site), None).await?;
            DistributedAnswer::of_stats(stats.passed_on_stats(&StatsCall { hosts, ..call }).await, exactness)?
        }
        Ok(Place::Peer(peer)) => relay(context, &peer, GET_STATS, arguments).await,
    };
    Ok(told(&answer, arguments))
}

async fn scores(context: &Context, arguments: &Value) -> Result<Value, Exception> {
    let exactness = context.app.settings.moodle_policy.exactness;
    let call = ScoresCall {
        calling: calling(arguments),
        hosts: context.app.hosts(context).await?,
        capability: Capability::Granted,
        target: text(arguments, "targetuser").to_owned(),
        scope: text(arguments, "scorescope").to_owned(),
        field: text(arguments, "courseidfield").to_owned(),
        identifier: text(arguments, "courseidentifier").to_owned(),
        exactness,
    };
    let answer = match place(context, &call.calling, &call.hosts, text(arguments, "whereroot")).await? {
        Err(refused) => refused,
        Ok(Place::Home) => {
            let _turn = context.app.turn().await?;
            DistributedAnswer::of_scores(context.stats().await?.distributed_scores(&call).await, exactness)?
        }
        Ok(Place::Site(site)) => {
            let _turn = context.app.turn().await?;
            let hosts = context.app.hosts_of(&site);
            let stats = context.app.stats(Some(&site), None).await?;
            DistributedAnswer::of_scores(stats.passed_on_scores(&ScoresCall { hosts, ..call }).await, exactness)?
        }
        Ok(Place::Peer(peer)) => relay(context, &peer, GET_SCORES, arguments).await,
    };
    Ok(told(&answer, arguments))
}

/// The answer in the form that the caller wants.
fn told(answer: &DistributedAnswer, arguments: &Value) -> Value {
    match arguments.get("json_response") {
        Some(Value::Bool(false)) => answer.to_value(),
        _ => Value::text(answer.to_json()),
    }
}

/// Who answers; a refusal is an answer too. A caller is checked by the home site before the call goes anywhere else.
async fn place(
    context: &Context,
    calling: &CallingUser,
    hosts: &Hosts,
    root: &str,
) -> Result<Result<Place, DistributedAnswer>, Exception> {
    if root.trim().is_empty() || hosts.is_own(root) {
        return Ok(Ok(Place::Home));
    }
    let exactness = context.app.settings.moodle_policy.exactness;
    let checked = context.stats().await?.check_caller(calling, hosts, Capability::Granted, exactness).await;
    if let Err(error) = checked {
        return match error {
            DistributedError::Refused(fault) => Ok(Err(DistributedAnswer::refused(&fault))),
            other => Err(other.into()),
        };
    }
    let refused = |status, text: &str| Ok(Err(DistributedAnswer::refused(&DistributedFault::call(status, text))));
    if let Some(site) = context.app.site_of_root(root) {
        // What a token may not see is not told from what does not exist.
        return match context.caller.sees(&site) {
            true => Ok(Ok(Place::Site(site))),
            false => refused(status::CAPABILITY, "Local user's identity has no capability to run"),
        };
    }
    match Peer::of_root(&context.app.peers, root) {
        Some(peer) => Ok(Ok(Place::Peer(peer.clone()))),
        None => refused(status::FAILURE, "REMOTE : the site is not known here"),
    }
}

/// Passes a call on. The far site computes itself, and answers JSON. No turn is held meanwhile: two servers that ask each
/// other must not wait for each other.
async fn relay(context: &Context, peer: &Peer, function: &str, arguments: &Value) -> DistributedAnswer {
    let mut flat = Vec::new();
    if let Value::Struct(members) = arguments {
        let passed_on = members.iter().filter(|(name, _)| name != "whereroot" && name != "json_response");
        for (name, value) in passed_on {
            flatten(&mut flat, name.clone(), value);
        }
    }
    flat.push(("json_response".to_owned(), "1".to_owned()));
    let outcome = context.app.relay.call(peer, function, &flat).await;
    if let Err(failure) = &outcome {
        tracing::warn!(peer = %peer.name, function, "{failure}");
    }
    DistributedAnswer::relayed(outcome)
}

fn flatten(flat: &mut Vec<(String, String)>, name: String, value: &Value) {
    match value {
        Value::Null => {}
        Value::Bool(truth) => flat.push((name, i64::from(*truth).to_string())),
        Value::Int(number) => flat.push((name, number.to_string())),
        Value::Float(number) => flat.push((name, number.to_string())),
        Value::Text(text) => flat.push((name, text.clone())),
        Value::List(items) => {
            for (at, item) in items.iter().enumerate() {
                flatten(flat, format!("{name}[{at}]"), item);
            }
        }
        Value::Struct(members) => {
            for (member, value) in members {
                flatten(flat, format!("{name}[{member}]"), value);
            }
        }
    }
}

impl From<DistributedError> for Exception {
    fn from(error: DistributedError) -> Self {
        match error {
            DistributedError::Refused(fault) => Self::general(fault.text),
            DistributedError::Stopped(fault) => fault.into(),
            DistributedError::Engine(error) => error.into(),
        }
    }
}
