//! [`Parameters`]: the query of a native route. Unknown names and bad values are collected, so that a caller learns all
//! of them at once.

use engine::fault::{nearest, quoted};
use engine::{Text, text};

use crate::http::{ParameterFault, Problem};

/// The parameters of a request while they are read.
#[derive(Debug)]
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    faults: Vec<ParameterFault>,
}

impl Parameters {
    /// The parameters of a query. `token` is for the gate.
    pub(crate) fn of_query(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let pairs = pairs.map(|(name, value)| (name.into_owned(), value.into_owned()));
        Self { pairs: pairs.filter(|(name, _)| name != "token").collect(), known: Vec::new(), faults: Vec::new() }
    }

    /// The value of a parameter; one that is given twice is a fault, because nobody could tell which was meant.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone());
        let value = values.next();
        if values.next().is_some() {
            self.fault(name, text!("it is given twice", "il est donné deux fois"));
        }
        value.filter(|value| !value.is_empty())
    }

    /// The value of a parameter, read by `parse`; a bad one is noted.
    pub(crate) fn parse<T>(&mut self, name: &'static str, parse: impl FnOnce(&str) -> Result<T, Text>) -> Option<T> {
        let value = self.text(name)?;
        match parse(&value) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(name, reason);
                None
            }
        }
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, name: &str, reason: Text) {
        self.faults.push(ParameterFault { name: name.to_owned(), reason });
    }

    /// Ends the reading: names that nobody asked for are faults.
    pub(crate) fn finish(mut self) -> Result<(), Problem> {
        let unknown: Vec<String> = self
            .pairs
            .iter()
            .filter(|(name, _)| !self.known.contains(&name.as_str()))
            .map(|(name, _)| name.clone())
            .collect();
        for name in unknown {
            let all = self.known.join(", ");
            let reason = match nearest(&name, self.known.iter().copied()) {
                Some(near) => text!("unknown; did you mean `{near}`?", "inconnu ; vouliez-vous dire `{near}` ?"),
                None => text!("unknown; there are {all}", "inconnu ; il y a {all}"),
            };
            self.fault(&quoted(&name), reason);
        }
        if self.faults.is_empty() { Ok(()) } else { Err(Problem::parameters(self.faults)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_named_at_once() {
        let mut parameters = Parameters::of_query("form=1&from=x&by=a&by=b&token=secret&site=");
        assert_eq!(parameters.text("by").as_deref(), Some("a"));
        assert_eq!(parameters.text("site"), None);
        let from =
            parameters.parse("from", |value| value.parse::<i64>().map_err(|_| text!("no number", "pas un nombre")));
        assert_eq!(from, None);
        let faults = parameters.faults.len();
        assert_eq!(faults, 2, "twice, and no number");
        assert!(parameters.finish().is_err());
        let mut good = Parameters::of_query("from=5");
        assert_eq!(good.text("from").as_deref(), Some("5"));
        assert!(good.finish().is_ok());
    }
}
