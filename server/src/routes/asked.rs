//! [`Asked`]: what a pull asks for besides the parameters of its view, from the query string or a JSON body.

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use engine::fault::quoted;
use engine::view::{Bound, Given, View};
use engine::{Text, text};
use serde_json::{Map, Value};

use crate::encode::{Format, Shape};
use crate::etl::pull::Wire;
use crate::etl::{DATA_FORMATS, NoFormat, negotiate};
use crate::http::{App, ParameterFault, Problem, origin};

/// What a request says, while it is read. Names that are not taken are parameters of the view.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pairs: Vec<(String, String)>,
    members: Map<String, Value>,
    faults: Vec<ParameterFault>,
}

impl Asked {
    /// Reads the query string and, of a POST, the body.
    ///
    /// # Errors
    ///
    /// 400 for a body that is no JSON object.
    pub(crate) fn read(parts: &Parts, body: &Bytes) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        let pairs = pairs.filter(|(name, _)| name != "token").collect();
        if body.is_empty() {
            return Ok(Self { pairs, ..Self::default() });
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self { pairs, members, faults: Vec::new() }),
            Ok(_) => Err(not_json(&text!("it is no object", "ce n'est pas un objet"))),
            Err(error) => {
                let error = error.to_string();
                Err(not_json(&text!("{error}", "{error}")))
            }
        }
    }

    /// Takes a value of the request itself; an empty one counts as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<String> {
        let mut values: Vec<String> = Vec::new();
        self.pairs.retain_mut(|(known, value)| {
            let found = known == name;
            if found {
                values.push(std::mem::take(value));
            }
            !found
        });
        values.extend(self.members.remove(name).map(|value| match value {
            Value::String(text) => text,
            Value::Null => String::new(),
            other => other.to_string(),
        }));
        if values.len() > 1 {
            self.fault(name, text!("it is given several times", "il est donné plusieurs fois"));
        }
        values.into_iter().next().filter(|value| !value.is_empty())
    }

    /// Takes a member of the body as it is.
    pub(crate) fn member(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Takes a value and reads it; a bad one is noted.
    pub(crate) fn parse<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Text>) -> Option<T> {
        let value = self.take(name)?;
        parse(&value).map_err(|reason| self.fault(name, reason)).ok()
    }

    /// Takes a truth value: `1`, `true`, `0`, `false`.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        let read = |value: &str| match value {
            "1" | "true" => Ok(true),
            "0" | "false" => Ok(false),
            _ => Err(text!("write 0 or 1", "écrivez 0 ou 1")),
        };
        self.parse(name, read).unwrap_or(false)
    }

    /// Takes a whole number from 1 up to `most`.
    pub(crate) fn count(&mut self, name: &str, most: usize) -> Option<usize> {
        self.parse(name, |value| match value.parse::<usize>() {
            Ok(number) if (1..=most).contains(&number) => Ok(number),
            _ => {
                let value = quoted(value);
                Err(text!("\"{value}\" is no number from 1 to {most}", "« {value} » n'est pas un nombre de 1 à {most}"))
            }
        })
    }

    /// Takes the number of a commit.
    pub(crate) fn commit(&mut self, name: &str) -> Option<u64> {
        self.parse(name, |value| {
            value.parse().map_err(|_| {
                let value = quoted(value);
                text!("\"{value}\" is no number of a commit", "« {value} » n'est pas le numéro d'une validation")
            })
        })
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, name: &str, reason: Text) {
        self.faults.push(ParameterFault { name: name.to_owned(), reason });
    }

    /// Takes format and shape of the answer.
    ///
    /// # Errors
    ///
    /// 406 when the caller accepts no format that there is.
    pub(crate) fn wire(&mut self, suffix: Option<&str>, headers: &HeaderMap) -> Result<Wire, Problem> {
        let named = self.take("format");
        let format = match negotiate(suffix, named.as_deref(), headers, &DATA_FORMATS) {
            Ok(format) => format,
            Err(NoFormat::NotAcceptable) => return Err(Problem::not_acceptable(&DATA_FORMATS.map(Format::name))),
            Err(NoFormat::Unknown(reason)) => {
                self.fault("format", reason);
                Format::Json
            }
        };
        let shapes = [("rows", Shape::Rows), ("full", Shape::Full), ("columns", Shape::Columns)];
        let shape = self.parse("shape", |value| {
            let known = shapes.iter().find(|(name, _)| *name == value).map(|(_, shape)| *shape);
            known.ok_or_else(|| text!("write rows, full or columns", "écrivez rows, full ou columns"))
        });
        if shape.is_some() && format != Format::Json {
            self.fault("shape", text!("only JSON has shapes", "seul JSON a des formes"));
        }
        let footer = self.flag("footer");
        if footer && format != Format::Ndjson {
            self.fault("footer", text!("only NDJSON has a footer", "seul NDJSON a une ligne de fin"));
        }
        let trailers = headers.get_all(header::TE).iter().filter_map(|value| value.to_str().ok());
        let mut trailers =
            trailers.flat_map(|value| value.split(',')).map(|item| item.split(';').next().unwrap_or(item));
        Ok(Wire {
            format,
            shape: shape.unwrap_or(Shape::Rows),
            footer,
            trailers: trailers.any(|item| item.trim().eq_ignore_ascii_case("trailers")),
            next: None,
        })
    }

    /// Ends the reading: everything that is left must be a parameter of the view.
    ///
    /// # Errors
    ///
    /// 400 with all that is wrong.
    pub(crate) fn bind(mut self, app: &App, view: &View, fixed: &[(String, Value)]) -> Result<Bound, Problem> {
        let mut given: Vec<(String, Given)> = Vec::new();
        for (name, value) in std::mem::take(&mut self.pairs) {
            match given.iter_mut().find(|(known, _)| *known == name) {
                Some((_, Given::Texts(values))) => values.push(value),
                _ => given.push((name, Given::Texts(vec![value]))),
            }
        }
        for (name, value) in std::mem::take(&mut self.members) {
            if given.iter().any(|(known, _)| *known == name) {
                self.fault(&name, text!("it is given several times", "il est donné plusieurs fois"));
            }
            given.push((name, Given::Json(value)));
        }
        match Bound::read(view, fixed, &given, app.settings.zone) {
            Ok(bound) if self.faults.is_empty() => Ok(bound),
            Ok(_) => Err(Problem::parameters(self.faults)),
            Err(faults) => {
                self.faults.extend(faults.into_iter().map(|(name, reason)| ParameterFault { name, reason }));
                Err(Problem::parameters(self.faults))
            }
        }
    }

    /// Ends the reading where nothing more may be given.
    ///
    /// # Errors
    ///
    /// 400 with all that is wrong.
    pub(crate) fn finish(mut self, hint: impl Fn(&str) -> Text) -> Result<(), Problem> {
        let left: Vec<String> =
            self.pairs.iter().map(|(name, _)| name.clone()).chain(self.members.keys().cloned()).collect();
        for name in left {
            let reason = hint(&name);
            self.fault(&name, reason);
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::parameters(self.faults)) }
    }

    /// Address of the request without its cursor and its token, for the next page.
    pub(crate) fn address(app: &App, parts: &Parts) -> String {
        let origin = origin(&parts.headers, &app.settings).unwrap_or_default();
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let mut kept = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in pairs.filter(|(name, _)| name != "cursor" && name != "token") {
            kept.append_pair(&name, &value);
        }
        let kept = kept.finish();
        let query = if kept.is_empty() { String::new() } else { format!("?{kept}") };
        format!("{origin}{}{query}", parts.uri.path())
    }
}

fn not_json(reason: &Text) -> Problem {
    let Text { en, fr } = reason;
    Problem::parameter("body", text!("the body must be a JSON object: {en}", "le corps doit être un objet JSON : {fr}"))
}
