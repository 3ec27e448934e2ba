//! `policy`: what counts as time spent.

use engine::time::{PARAMETERS, Policy};
use serde::Serialize;

use super::Console;
use super::args::{Globals, PolicyVerb};
use super::config;
use super::exit::{Exit, Failure};

/// Runs `policy`.
pub(crate) fn run(verb: &PolicyVerb, globals: &Globals, console: &mut Console) -> Result<Exit, Failure> {
    let config = config::load(globals)?;
    match verb {
        PolicyVerb::List { json } => {
            let names = config.policies.names();
            if *json {
                console.json(&names)?;
            } else {
                console.data(&format!("{}\n", names.join("\n")))?;
            }
        }
        PolicyVerb::Show { policy, json } => show(&config.policies.resolve(policy)?, *json, console)?,
    }
    Ok(Exit::Done)
}

#[derive(Serialize)]
struct Shown<'a> {
    parameter: &'a str,
    value: String,
    meaning: &'a str,
}

fn show(policy: &Policy, json: bool, console: &mut Console) -> Result<(), Failure> {
    let shown = PARAMETERS.iter().map(|parameter| Shown {
        parameter: parameter.name,
        value: parameter.value(policy),
        meaning: parameter.doc,
    });
    if json {
        return Ok(console.json(&shown.collect::<Vec<_>>())?);
    }
    for Shown { parameter, value, .. } in shown {
        console.data(&format!("{parameter} = {value}\n"))?;
    }
    Ok(())
}
