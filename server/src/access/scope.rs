//! [`Scope`]: what a token may do.

use std::fmt;
use std::str::FromStr;

use engine::{Error, ErrorKind, text};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Something that a token may do. A token names all that it may do: no scope holds another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Statistics of users and courses, of any user of its sites.
    Statistics,
    /// Pulls of an ETL instance; `None` for all instances.
    Etl(Option<String>),
    /// SQL that only reads.
    Sql,
    /// Instances, accounts, metrics.
    Admin,
}

impl Scope {
    /// Names of all scopes, for messages.
    pub const NAMES: &str = "statistics, etl, etl:INSTANCE, sql, admin";

    /// Whether who may do this may do the other.
    pub fn covers(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Etl(None), Self::Etl(Some(_))))
    }

    /// The capability of Moodle that stands for the scope.
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

    fn from_str(text: &str) -> Result<Self, Error> {
        match text.trim() {
            "statistics" => Ok(Self::Statistics),
            "etl" => Ok(Self::Etl(None)),
            "sql" => Ok(Self::Sql),
            "admin" => Ok(Self::Admin),
            other => match other.strip_prefix("etl:").map(str::trim).filter(|instance| !instance.is_empty()) {
                Some(instance) => Ok(Self::Etl(Some(instance.to_owned()))),
                None => {
                    let (other, all) = (engine::fault::quoted(other), Self::NAMES);
                    Err(Error::new(
                        ErrorKind::Invalid,
                        text!("no scope \"{other}\"; there are {all}", "aucun droit « {other} » ; il y a {all}"),
                    ))
                }
            },
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_and_written_and_hold_no_other() {
        for text in ["statistics", "etl", "etl:bi", "sql", "admin"] {
            let scope: Scope = text.parse().unwrap();
            assert_eq!(scope.to_string(), text);
            assert!(scope.covers(&scope) && !scope.covers(&Scope::Etl(Some("other".to_owned()))) || text == "etl");
        }
        assert!(!Scope::Admin.covers(&Scope::Statistics));
        assert!("etl:".parse::<Scope>().is_err() && "root".parse::<Scope>().is_err());
    }
}
