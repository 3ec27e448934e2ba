//! [`Instance`]: one consumer, and what it may do.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::fault::{nearest, quoted};
use engine::privacy::PseudonymKey;
use engine::view::{Bound, View};
use engine::{Error, ErrorKind, Text, text};
use serde::{Deserialize, Serialize};

use super::format::DATA_FORMATS;
use crate::access::AddressList;

/// Longest name of an instance.
const MAX_NAME: usize = 60;

/// What an operator says about a consumer. The same members in `[instances.NAME]` of the configuration, in flags of the
/// command line and in documents of the administration.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct InstanceSettings {
    /// What people call it.
    pub label: String,
    /// Site of the store whose tables it sees; `None` for the default one.
    pub site: Option<String>,
    /// Name of the plugin by which `report_etl_get` calls it.
    pub plugin: Option<String>,
    /// Number by which `report_etl_get` calls it, within the plugin.
    pub number: Option<i64>,
    /// Views that it may pull; empty for all.
    pub views: Vec<String>,
    /// Formats that it may ask for; empty for all.
    pub formats: Vec<String>,
    /// Parameters that are fixed, in all views that have them.
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Addresses that it may pull from; empty for everywhere.
    pub addresses: AddressList,
    /// Pulls per minute; `None` for no limit.
    pub rate: Option<u32>,
    /// Pulls at once; `None` for no limit but that of the server.
    pub concurrency: Option<u32>,
    /// Longest time for a pull, in seconds.
    pub timeout: Option<u64>,
    /// Most rows of a pull.
    pub max_rows: Option<u64>,
    /// Most bytes of a pull, before compression.
    pub max_bytes: Option<u64>,
    /// Whether it sees who people are; else it sees pseudonyms of its own.
    pub identities: bool,
}

/// Why an instance may not pull now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Since when, in Unix seconds.
    pub at: i64,
    /// Why.
    pub reason: String,
}

/// One consumer.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Name, which tokens have in their scope `etl:NAME`.
    pub name: String,
    /// What the operator says.
    pub settings: InstanceSettings,
    /// Whether the configuration declares it.
    pub declared: bool,
    /// Unix seconds.
    pub created_at: i64,
    /// Set while it may not pull.
    pub paused: Option<Pause>,
    /// What its pseudonyms are made with.
    pub(crate) key: Key,
}

/// A key of pseudonyms. It is in the store and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) [u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Instance {
    /// What the pseudonyms of people are made with, in pulls of this instance.
    pub(crate) fn pseudonym_key(&self) -> PseudonymKey {
        PseudonymKey::from_bytes(self.key.0)
    }
}

impl InstanceSettings {
    /// Names of all members.
    pub const MEMBERS: &[&str] = &[
        "label",
        "site",
        "plugin",
        "number",
        "views",
        "formats",
        "parameters",
        "addresses",
        "rate",
        "concurrency",
        "timeout",
        "max_rows",
        "max_bytes",
        "identities",
    ];

    /// Checks the settings by themselves: names, formats, numbers.
    ///
    /// # Errors
    ///
    /// `Invalid` with everything that is wrong.
    pub fn check(&self) -> Result<(), Error> {
        let mut faults = Vec::new();
        for format in &self.formats {
            let known = || DATA_FORMATS.iter().map(|format| format.name());
            if !known().any(|known| known == format) {
                let (format, all) = (quoted(format), known().collect::<Vec<_>>().join(", "));
                faults
                    .push(text!("no format \"{format}\"; there are {all}", "aucun format « {format} » ; il y a {all}"));
            }
        }
        if let Some(plugin) = self.plugin.as_deref().filter(|plugin| !is_name(plugin, "_")) {
            let plugin = quoted(plugin);
            faults.push(text!(
                "plugin \"{plugin}\": write small letters, digits and `_`",
                "plugin « {plugin} » : écrivez des minuscules, des chiffres et `_`"
            ));
        }
        if self.number.is_some_and(|number| number < 1) {
            faults.push(text!("`number` must be at least 1", "`number` doit valoir au moins 1"));
        }
        if self.plugin.is_some() != self.number.is_some() {
            faults.push(text!(
                "`plugin` and `number` go together: report_etl_get names both",
                "`plugin` et `number` vont ensemble : report_etl_get nomme les deux"
            ));
        }
        for (name, value) in [("rate", self.rate), ("concurrency", self.concurrency)] {
            if value == Some(0) {
                faults.push(text!("`{name}` must be at least 1", "`{name}` doit valoir au moins 1"));
            }
        }
        join(&faults)
    }

    /// Whether it may pull this view.
    pub fn may_pull(&self, view: &str) -> bool {
        self.views.is_empty() || self.views.iter().any(|known| known == view)
    }

    /// The fixed values of the parameters that a view has.
    pub(crate) fn fixed(&self, view: &View) -> Vec<(String, serde_json::Value)> {
        let of_view = self.parameters.iter().filter(|(name, _)| view.param(name).is_some());
        of_view.map(|(name, value)| (name.clone(), value.clone())).collect()
    }

    /// What is wrong between the instance and the views that there are: names of views, fixed parameters.
    pub(crate) fn remarks(&self, views: &[Arc<View>]) -> Vec<Text> {
        let mut remarks = Vec::new();
        for name in &self.views {
            if views.iter().all(|view| view.name != *name) {
                let near = nearest(name, views.iter().map(|view| view.name.as_str())).unwrap_or_default();
                let name = quoted(name);
                remarks.push(match near.is_empty() {
                    true => text!("there is no view \"{name}\"", "il n'y a pas de vue « {name} »"),
                    false => text!(
                        "there is no view \"{name}\"; did you mean `{near}`?",
                        "il n'y a pas de vue « {name} » ; vouliez-vous dire `{near}` ?"
                    ),
                });
            }
        }
        let pulled: Vec<&View> = views.iter().map(|view| &**view).filter(|view| self.may_pull(&view.name)).collect();
        for name in self.parameters.keys() {
            if pulled.iter().all(|view| view.param(name).is_none()) {
                let name = quoted(name);
                remarks.push(text!(
                    "no view of the instance has a parameter \"{name}\"",
                    "aucune vue de l'instance n'a de paramètre « {name} »"
                ));
            }
        }
        for view in pulled {
            for (name, reason) in
                Bound::read(view, &self.fixed(view), &[], chrono_tz::Tz::UTC).err().unwrap_or_default()
            {
                if self.parameters.contains_key(&name) {
                    let (view, Text { en, fr }) = (&view.name, reason);
                    remarks.push(text!(
                        "parameter `{name}` of view `{view}`: {en}",
                        "paramètre `{name}` de la vue `{view}` : {fr}"
                    ));
                }
            }
        }
        remarks
    }
}

/// Sets one member to a value; NULL sets it to its default.
///
/// # Errors
///
/// `Invalid` for a value of another type.
pub(crate) fn set_member(settings: &mut InstanceSettings, name: &str, value: serde_json::Value) -> Result<(), Error> {
    let mut all =
        serde_json::to_value(&*settings).map_err(|error| Error::bug("settings are no JSON").because(error))?;
    if let Some(members) = all.as_object_mut() {
        match value.is_null() {
            true => drop(members.remove(name)),
            false => drop(members.insert(name.to_owned(), value)),
        }
    }
    *settings = serde_json::from_value(all).map_err(|error| {
        let error = error.to_string();
        Error::new(ErrorKind::Invalid, text!("{error}", "{error}"))
    })?;
    Ok(())
}

/// Checks the name of an instance, which stands in paths and in scopes.
///
/// # Errors
///
/// `Invalid` for another name.
pub(crate) fn check_name(name: &str) -> Result<(), Error> {
    if is_name(name, "-_") {
        return Ok(());
    }
    let name = quoted(name);
    Err(Error::new(
        ErrorKind::Invalid,
        text!(
            "\"{name}\" is no name of an instance: write small letters, digits, `-` and `_`, at most {MAX_NAME}, a letter first",
            "« {name} » n'est pas un nom d'instance : écrivez des minuscules, des chiffres, `-` et `_`, {MAX_NAME} au plus, une lettre d'abord"
        ),
    ))
}

fn is_name(name: &str, more: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || more.contains(c))
        && name.len() <= MAX_NAME
}

fn join(faults: &[Text]) -> Result<(), Error> {
    if faults.is_empty() {
        return Ok(());
    }
    let of = |get: fn(&Text) -> &str| faults.iter().map(get).collect::<Vec<_>>().join("; ");
    Err(Error::new(ErrorKind::Invalid, Text { en: of(|text| &text.en), fr: of(|text| &text.fr) }))
}
