//! `aggregate` requests, and aggregates in the form of the golden files.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use engine::stats::{Aggregate, Extras, Request, Target};
use engine::time::{Counter, CreditItem, CreditRule, TimeSource};
use serde_json::{Map, Value, json};

use super::case::{Case, integer};

/// Number of rows up to which the ids of selected rows are recorded.
const LISTED: usize = 60;

/// A target course, or all.
pub(super) fn target(value: &Value) -> Target {
    integer(value).map_or(Target::All, Target::Course)
}

impl Case {
    /// The computation that a request asks for.
    pub(super) fn request(&self, request: &Value) -> Result<Request> {
        let user = integer(&request["user"]).context("`user` of the request")?;
        let mut asked = Request::new(self.policy()?, self.now);
        asked.from = integer(&request["from"]).unwrap_or(0);
        asked.to = integer(&request["to"]).unwrap_or(self.now);
        asked.target = target(&request["target"]);
        asked.users = Some(vec![user]);
        Ok(asked)
    }

    /// The answer to an `aggregate` request.
    pub(super) async fn aggregate(&self, request: &Value) -> Result<Value> {
        let asked = self.request(request)?;
        let sessions = integer(&request["nosessions"]).unwrap_or(0) == 0;
        let ids = self.stats.selected(&asked).await?.pop().map(|(_, ids)| ids).unwrap_or_default();
        let mut answer = Map::new();
        answer.insert("selected_ids_count".to_owned(), json!(ids.len()));
        if ids.len() <= LISTED {
            answer.insert("selected_ids".to_owned(), json!(ids));
        }
        let extras = Extras { sessions, addresses: true, packages: true };
        let mut sums = self.stats.aggregates(&asked, extras).await?.pop().unwrap_or_default();
        if let Some(fault) = sums.section_fault {
            let error = json!({"class": "moodle_exception", "message": fault.to_string()});
            answer.insert("error".to_owned(), error);
            return Ok(Value::Object(answer));
        }
        self.credit(&request["ltc"], &mut sums)?;
        answer.insert("aggregate".to_owned(), self.sums(&sums));
        let user = integer(&request["user"]).unwrap_or(0);
        answer.insert("saved_sessions".to_owned(), saved(user, &sums));
        Ok(Value::Object(answer))
    }

    fn credit(&self, settings: &Value, sums: &mut Aggregate) -> Result<()> {
        if integer(&settings["allowoverrideusestats"]).unwrap_or(0) == 0 {
            return Ok(());
        }
        let rule = CreditRule::try_from(integer(&settings["strictcredits"]).unwrap_or(0))?;
        let item = |row: &Map<String, Value>| {
            let number = |name: &str| row.get(name).and_then(integer).unwrap_or(0);
            CreditItem {
                cm: number("cmid"),
                course: number("courseid"),
                module: row.get("modname").and_then(Value::as_str).unwrap_or("").to_owned(),
                enabled: number("enablecredit") != 0,
                credit: number("credittime"),
                marked: number("ismarked") != 0,
            }
        };
        let items: Vec<CreditItem> = self.credits.iter().map(item).collect();
        sums.credit(rule, &items, self.stats.dims(), true);
        Ok(())
    }

    fn sums(&self, sums: &Aggregate) -> Value {
        let mut answer = Map::new();
        let mut put = |name: &str, value: Value| {
            if !self.omitted.iter().any(|omitted| omitted == name) {
                answer.insert(name.to_owned(), value);
            }
        };
        put("coursetotal", by_key(&sums.coursetotal, long));
        put("course", course(sums));
        put("activities", by_key(&sums.activities, short));
        put("other", by_key(&sums.other, short));
        let pseudo = [("user", sums.user), ("system", sums.system), ("outoftargetcourse", sums.outoftargetcourse)];
        for (name, sum) in pseudo {
            if let Some(sum) = sum {
                put(name, long(&sum));
            }
        }
        put("modules", modules(sums));
        put("realmodule", by_key(&sums.realmodule, long));
        put("section", by_key(&sums.section, short));
        let mut coursesection: BTreeMap<i64, BTreeMap<i64, Counter>> = BTreeMap::new();
        for ((course, section), sum) in &sums.coursesection {
            coursesection.entry(*course).or_default().insert(*section, *sum);
        }
        put("coursesection", by_key(&coursesection, |sections| by_key(sections, short)));
        put("sessions", sessions(sums));
        Value::Object(answer)
    }
}

/// An object from the entries of a map.
pub(super) fn by_key<T>(map: &BTreeMap<i64, T>, value: impl Fn(&T) -> Value) -> Value {
    map.iter().map(|(key, entry)| (key.to_string(), value(entry))).collect::<Map<_, _>>().into()
}

/// A counter without its accesses.
pub(super) fn short(sum: &Counter) -> Value {
    json!({"elapsed": sum.elapsed, "events": sum.events})
}

fn long(sum: &Counter) -> Value {
    json!({"elapsed": sum.elapsed, "events": sum.events, "firstaccess": sum.first, "lastaccess": sum.last})
}

fn course(sums: &Aggregate) -> Value {
    let mut courses = by_key(&sums.course, long);
    for (course, addresses) in &sums.addresses {
        if let Some(course) = courses.get_mut(course.to_string()) {
            course["firstaccessip"] = json!(addresses.first);
            course["lastaccessip"] = json!(addresses.last);
        }
    }
    courses
}

fn modules(sums: &Aggregate) -> Value {
    let mut types = Map::new();
    for (module, activities) in &sums.modules {
        let of_type = by_key(activities, |time| {
            let mut entry = json!({"elapsed": time.elapsed, "events": time.events});
            let numbers =
                [("firstaccess", time.first), ("lastaccess", time.last), ("real", time.real), ("credit", time.credit)];
            for (name, number) in numbers {
                if let Some(number) = number {
                    entry[name] = json!(number);
                }
            }
            if let Some(source) = time.source.filter(|source| *source != TimeSource::Package) {
                entry["timesource"] = json!(source.as_str());
            }
            entry
        });
        types.insert(module.clone(), of_type);
    }
    types.into()
}

fn sessions(sums: &Aggregate) -> Value {
    let session = |session: &engine::stats::SessionTime| {
        json!({
            "sessionstart": session.start,
            "sessionend": session.end,
            "elapsed": session.elapsed,
            "events": session.events,
            "courses": session.courses,
        })
    };
    sums.sessions.iter().map(session).collect()
}

/// The rows that the plugin would add to its table of sessions.
fn saved(user: i64, sums: &Aggregate) -> Value {
    let mut seen = std::collections::BTreeSet::new();
    let stored = sums.sessions.iter().filter(|session| session.start != session.end);
    let new = stored.filter(|session| seen.insert((session.start, session.end)));
    let row = |session: &engine::stats::SessionTime| {
        let courses: Vec<String> = session.courses.iter().map(ToString::to_string).collect();
        let (start, end, courses) = (session.start, session.end, courses.join(","));
        json!({"userid": user, "sessionstart": start, "sessionend": end, "courses": courses})
    };
    new.map(row).collect()
}
