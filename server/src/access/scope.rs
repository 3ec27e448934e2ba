//! [`Scope`]: what a token or an account may do.

use std::fmt;
use std::str::FromStr;

use engine::fault::nearest;
use engine::{Error, ErrorKind, text};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The words of scopes, as messages list them.
pub const SCOPES: &str = "statistics, etl, etl:INSTANCE, sql, admin";

/// Longest name of an instance, in characters.
const MAX_INSTANCE: usize = 100;

/// One right. A token or account names all rights that it has: none contains another kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Time spent: `statistics`.
    Statistics,
    /// Extractions: `etl` of every instance, `etl:INSTANCE` of one.
    Etl(Option<String>),
    /// Statements of one's own: `sql`.
    Sql,
    /// Looking after the server: `admin`.
    Admin,
}

impl Scope {
    /// Whether who has this scope may do what needs the other one.
    ///
    /// `etl` covers every `etl:INSTANCE`; apart from that a scope covers itself only, `admin` too.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Etl(None), Self::Etl(Some(_))))
    }

    /// The capability of Moodle that stands for this scope, where there is one.
    pub fn capability(&self) -> Option<&'static str> {
        match self {
            Self::Statistics => Some("block/use_stats:export"),
            Self::Etl(_) => Some("report/etl:export"),
            Self::Sql | Self::Admin => None,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Statistics => f.write_str("statistics"),
            Self::Etl(None) => f.write_str("etl"),
            Self::Etl(Some(instance)) => write!(f, "etl:{instance}"),
            Self::Sql => f.write_str("sql"),
            Self::Admin => f.write_str("admin"),
        }
    }
}

impl FromStr for Scope {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "statistics" => return Ok(Self::Statistics),
            "etl" => return Ok(Self::Etl(None)),
            "sql" => return Ok(Self::Sql),
            "admin" => return Ok(Self::Admin),
            _ => {}
        }
        let Some(instance) = word.strip_prefix("etl:") else { return Err(unknown(word)) };
        let visible = instance.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != ',');
        if visible && (1..=MAX_INSTANCE).contains(&instance.chars().count()) {
            return Ok(Self::Etl(Some(instance.to_owned())));
        }
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "scope \"{word}\": the name of the instance must be 1 to {MAX_INSTANCE} characters without blanks and commas",
                "portée \"{word}\" : le nom de l'instance doit avoir de 1 à {MAX_INSTANCE} caractères, sans espace ni virgule"
            ),
        ))
    }
}

fn unknown(word: &str) -> Error {
    let message = match nearest(word, ["statistics", "etl", "sql", "admin"]) {
        Some(near) => text!(
            "no scope \"{word}\"; did you mean `{near}`?",
            "aucune portée \"{word}\" ; vouliez-vous dire `{near}` ?"
        ),
        None => text!("no scope \"{word}\"; there are {SCOPES}", "aucune portée \"{word}\" ; il y a {SCOPES}"),
    };
    Error::new(ErrorKind::Invalid, message)
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use engine::Lang;
    use rstest::rstest;

    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    #[rstest]
    #[case("statistics")]
    #[case("etl")]
    #[case("etl:crm-2")]
    #[case("etl:Année")]
    #[case("sql")]
    #[case("admin")]
    fn texts_come_back(#[case] text: &str) {
        assert_eq!(scope(text).to_string(), text);
        let json = serde_json::to_string(&scope(text)).unwrap();
        assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), scope(text));
    }

    #[rstest]
    #[case("etl", "etl:a", true)]
    #[case("etl", "etl", true)]
    #[case("etl:a", "etl:a", true)]
    #[case("etl:a", "etl:b", false)]
    #[case("etl:a", "etl", false)]
    #[case("admin", "admin", true)]
    #[case("admin", "statistics", false)]
    #[case("admin", "sql", false)]
    #[case("statistics", "etl", false)]
    fn a_scope_covers_itself_and_etl_its_instances(#[case] one: &str, #[case] other: &str, #[case] covers: bool) {
        assert_eq!(scope(one).covers(&scope(other)), covers);
    }

    #[test]
    fn capabilities_are_those_of_the_plugins() {
        assert_eq!(scope("statistics").capability(), Some("block/use_stats:export"));
        assert_eq!(scope("etl:a").capability(), Some("report/etl:export"));
        assert_eq!((scope("sql").capability(), scope("admin").capability()), (None, None));
    }

    #[test]
    fn unknown_words_are_told_with_the_nearest() {
        let error = "statistic".parse::<Scope>().unwrap_err();
        assert_eq!(error.message(Lang::En), "no scope \"statistic\"; did you mean `statistics`?");
        assert_eq!(error.message(Lang::Fr), "aucune portée \"statistic\" ; vouliez-vous dire `statistics` ?");
        let error = "everything".parse::<Scope>().unwrap_err();
        assert!(error.message(Lang::En).ends_with("there are statistics, etl, etl:INSTANCE, sql, admin"));
        for wrong in ["etl:", "etl:a b", "etl:a,b", "", "Statistics "] {
            assert!(wrong.parse::<Scope>().is_err(), "{wrong}");
        }
    }
}
