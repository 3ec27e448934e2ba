//! `rpc` requests: the distributed functions.

use anyhow::{Context, Result, bail};
use engine::stats::services::{Capability, DistributedError, DistributedResult, Hosts, ScoresCall, StatsCall};
use serde_json::{Value, json};
use server::moodle::{DistributedAnswer, Value as Argument, calling_user};

use super::case::{Case, integer};

/// The site that the recorded calls were made on.
const OWN_ROOT: &str = "https://moodle.example.org";

impl Case {
    /// The answer to an `rpc` request: what the answer holds, and whether it is a JSON text.
    pub(super) async fn rpc(&self, request: &Value) -> Result<Value> {
        let args = &request["args"];
        let hosts = Hosts { own: vec![OWN_ROOT.to_owned()], known: Vec::new() };
        anyhow::ensure!(["", OWN_ROOT].contains(&text(&args["whereroot"]).as_str()), "a call for another site");
        let answer = match request["function"].as_str() {
            Some("use_stats_rpc_get_stats") => self.rpc_stats(args, hosts).await,
            Some("use_stats_rpc_get_scores") => self.rpc_scores(args, hosts).await,
            other => bail!("no function {other:?}"),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(DistributedError::Stopped(fault)) => {
                return Ok(json!({"error": {"class": fault.exception, "message": fault.message}}));
            }
            Err(other) => return Err(other.into()),
        };
        let is_text = args["json_response"].as_bool().unwrap_or(true);
        let response = if is_text { serde_json::from_str(&answer.to_json())? } else { plain(&answer.to_value()) };
        Ok(json!({"response": response, "response_is_string": is_text}))
    }

    async fn rpc_stats(&self, args: &Value, hosts: Hosts) -> DistributedResult<DistributedAnswer> {
        let policy = self.policy().map_err(|error| engine::Error::bug(error.to_string()))?;
        let exactness = policy.exactness;
        let call = StatsCall {
            calling: calling_user(&argument(&args["callinguser"])),
            hosts,
            capability: Capability::Granted,
            target: text(&args["targetuser"]),
            scope: integer(&args["statsscope"]).unwrap_or(1),
            from: integer(&args["timefrom"]).unwrap_or(0),
            now: self.now,
            policy,
        };
        DistributedAnswer::of_stats(self.stats.distributed_stats(&call).await, exactness)
    }

    async fn rpc_scores(&self, args: &Value, hosts: Hosts) -> DistributedResult<DistributedAnswer> {
        let policy = self.policy().map_err(|error| engine::Error::bug(error.to_string()))?;
        let call = ScoresCall {
            calling: calling_user(&argument(&args["callinguser"])),
            hosts,
            capability: Capability::Granted,
            target: text(&args["targetuser"]),
            scope: text(&args["scorescope"]),
            field: text(&args["courseidfield"]),
            identifier: text(&args["courseidentifier"]),
            exactness: policy.exactness,
        };
        DistributedAnswer::of_scores(self.stats.distributed_scores(&call).await, policy.exactness)
    }

    /// Compares the recorded answers of the distributed functions.
    pub(super) async fn rpc_results(&self, expected: &Value, report: &mut super::Report) -> Result<()> {
        let results = expected["results"].as_array().context("`results`")?;
        for (at, result) in results.iter().enumerate() {
            let place = format!("{} rpc #{at}", self.name);
            let mut recorded = result.clone();
            let request = recorded.as_object_mut().and_then(|result| result.remove("request")).unwrap_or_default();
            match self.rpc(&request).await {
                Ok(answer) => report.compare(&place, &recorded, &answer),
                Err(error) => report.fail(&place, &format!("{error:#}")),
            }
        }
        if results.len() != self.requests.len() {
            report.note(format!("{}: {} requests, {} results", self.name, self.requests.len(), results.len()));
        }
        Ok(())
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("").to_owned()
}

/// An argument as the web service has it.
fn argument(value: &Value) -> Argument {
    match value {
        Value::Object(members) => {
            Argument::Struct(members.iter().map(|(name, value)| (name.clone(), argument(value))).collect())
        }
        Value::String(text) => Argument::text(text.as_str()),
        _ => Argument::Null,
    }
}

/// A value of an answer as JSON.
fn plain(value: &Argument) -> Value {
    match value {
        Argument::Null => Value::Null,
        Argument::Bool(truth) => json!(truth),
        Argument::Int(number) => json!(number),
        Argument::Float(number) => json!(number),
        Argument::Text(text) => json!(text),
        Argument::List(items) => items.iter().map(plain).collect(),
        Argument::Struct(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
    }
}
