//! [`Instances`]: all consumers. What is created while servers run is in a register of the store; what the
//! configuration declares is there too, as far as it changes: its key, its pause.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::etl::Marks;
use engine::fault::{nearest, quoted};
use engine::store::{Document, Register};
use engine::{Engine, Error, ErrorKind, Result, text};
use serde::{Deserialize, Serialize};

use super::instance::{Instance, InstanceSettings, Key, Pause, check_name};
use crate::access::{from_hex, random, to_hex};

/// How long the instances are taken as they were read.
const REFRESH: Duration = Duration::from_secs(1);

/// The document of all instances.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    format: u32,
    #[serde(default)]
    instances: BTreeMap<String, StoredInstance>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct StoredInstance {
    /// `None` for an instance that the configuration declares.
    #[serde(default)]
    settings: Option<InstanceSettings>,
    created_at: i64,
    #[serde(default)]
    paused: Option<Pause>,
    key: String,
}

impl Document for Stored {
    const FORMAT: u32 = 1;
    const WHAT: (&'static str, &'static str) = ("ETL instances", "instances ETL");
}

impl Default for Stored {
    fn default() -> Self {
        Self { format: Self::FORMAT, instances: BTreeMap::new() }
    }
}

/// All instances as of a look.
#[derive(Debug, Clone)]
struct Known {
    at: Instant,
    instances: Arc<BTreeMap<String, Arc<Instance>>>,
}

/// All instances of a store. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Instances {
    engine: Engine,
    register: Register,
    declared: Arc<BTreeMap<String, InstanceSettings>>,
    known: Arc<Mutex<Option<Known>>>,
}

impl Instances {
    /// The instances of a store, with those that the configuration declares.
    pub fn new(engine: &Engine, declared: BTreeMap<String, InstanceSettings>) -> Self {
        let register = engine.register("etl-instances");
        Self { engine: engine.clone(), register, declared: Arc::new(declared), known: Arc::default() }
    }

    /// All instances by name. What another process changes is seen within a second.
    ///
    /// # Errors
    ///
    /// Failures of the store.
    pub async fn all(&self, now: i64) -> Result<Arc<BTreeMap<String, Arc<Instance>>>> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
            && known.at.elapsed() < REFRESH
        {
            return Ok(known.instances);
        }
        let (_, mut stored) = self.register.read_document::<Stored>().await?;
        if self.declared.keys().any(|name| !stored.instances.contains_key(name)) {
            stored = self.register.update_document(pause, |stored: &mut Stored| self.introduce(stored, now)).await?;
        }
        let instances = Arc::new(self.merged(&stored)?);
        let known = Known { at: Instant::now(), instances: Arc::clone(&instances) };
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(instances)
    }

    /// The instance of this name.
    ///
    /// # Errors
    ///
    /// `NotFound` when there is none; failures of the store.
    pub async fn get(&self, name: &str, now: i64) -> Result<Arc<Instance>> {
        let all = self.all(now).await?;
        all.get(name).cloned().ok_or_else(|| no_instance(name, all.keys().map(String::as_str)))
    }

    /// The instance that `report_etl_get` calls by these.
    ///
    /// # Errors
    ///
    /// Failures of the store.
    pub async fn numbered(&self, plugin: &str, number: i64, now: i64) -> Result<Option<Arc<Instance>>> {
        let all = self.all(now).await?;
        let called =
            |settings: &InstanceSettings| settings.plugin.as_deref() == Some(plugin) && settings.number == Some(number);
        Ok(all.values().find(|instance| called(&instance.settings)).cloned())
    }

    /// Creates an instance.
    ///
    /// # Errors
    ///
    /// `Invalid` for settings that are wrong, and for a name or a number that is taken.
    pub async fn add(&self, name: &str, settings: &InstanceSettings, now: i64) -> Result<Arc<Instance>> {
        check_name(name)?;
        settings.check()?;
        let key = to_hex(&random::<32>()?);
        self.change(now, |stored| {
            if stored.instances.contains_key(name) || self.declared.contains_key(name) {
                let name = quoted(name);
                let message = text!("there is an instance \"{name}\" already", "il y a déjà une instance « {name} »");
                return Err(Error::new(ErrorKind::Invalid, message));
            }
            self.check_number(stored, name, settings)?;
            let settings = Some(settings.clone());
            let instance = StoredInstance { settings, created_at: now, paused: None, key: key.clone() };
            stored.instances.insert(name.to_owned(), instance);
            Ok(())
        })
        .await?;
        self.get(name, now).await
    }

    /// Changes the settings of an instance.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, `Invalid` for settings that are wrong and for a declared instance.
    pub async fn edit(
        &self,
        name: &str,
        now: i64,
        edit: impl Fn(&mut InstanceSettings) -> Result<()>,
    ) -> Result<Arc<Instance>> {
        self.refuse_declared(name)?;
        self.change(now, |stored| {
            let known = stored.instances.get(name).and_then(|instance| instance.settings.clone());
            let mut settings = known.ok_or_else(|| self.unknown(stored, name))?;
            edit(&mut settings)?;
            settings.check()?;
            self.check_number(stored, name, &settings)?;
            if let Some(instance) = stored.instances.get_mut(name) {
                instance.settings = Some(settings);
            }
            Ok(())
        })
        .await?;
        self.get(name, now).await
    }

    /// Lets an instance pull no more, or again.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name.
    pub async fn set_pause(&self, name: &str, paused: Option<Pause>, now: i64) -> Result<Arc<Instance>> {
        self.all(now).await?;
        self.change(now, |stored| {
            let unknown = self.unknown(stored, name);
            stored.instances.get_mut(name).ok_or(unknown)?.paused.clone_from(&paused);
            Ok(())
        })
        .await?;
        self.get(name, now).await
    }

    /// Deletes an instance with its marks. Its tokens stay, and open nothing any more.
    ///
    /// # Errors
    ///
    /// `NotFound` for an unknown name, `Invalid` for a declared instance.
    pub async fn delete(&self, name: &str, now: i64) -> Result<()> {
        self.refuse_declared(name)?;
        self.change(now, |stored| match stored.instances.remove(name) {
            Some(_) => Ok(()),
            None => Err(self.unknown(stored, name)),
        })
        .await?;
        Marks::forget(self.engine.store(), name).await
    }

    async fn change(&self, now: i64, mut change: impl FnMut(&mut Stored) -> Result<()>) -> Result<()> {
        self.register
            .update_document(pause, |stored: &mut Stored| {
                self.introduce(stored, now)?;
                change(stored)
            })
            .await?;
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(())
    }

    /// Gives every declared instance its place in the register.
    fn introduce(&self, stored: &mut Stored, now: i64) -> Result<Stored> {
        for name in self.declared.keys() {
            if !stored.instances.contains_key(name) {
                let key = to_hex(&random::<32>()?);
                let instance = StoredInstance { settings: None, created_at: now, paused: None, key };
                stored.instances.insert(name.clone(), instance);
            }
        }
        Ok(stored.clone())
    }

    fn merged(&self, stored: &Stored) -> Result<BTreeMap<String, Arc<Instance>>> {
        let mut instances = BTreeMap::new();
        for (name, known) in &stored.instances {
            let declared = self.declared.get(name);
            // An instance that is declared no more keeps its key and its marks, should it come back.
            let Some(settings) = declared.or(known.settings.as_ref()) else { continue };
            let key = from_hex(&known.key).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let key = key.ok_or_else(|| {
                let message =
                    text!("the key of instance `{name}` is damaged", "la clé de l'instance `{name}` est endommagée");
                Error::new(ErrorKind::Corrupt, message)
            })?;
            let instance = Instance {
                name: name.clone(),
                settings: settings.clone(),
                declared: declared.is_some(),
                created_at: known.created_at,
                paused: known.paused.clone(),
                key: Key(key),
            };
            instances.insert(name.clone(), Arc::new(instance));
        }
        Ok(instances)
    }

    fn refuse_declared(&self, name: &str) -> Result<()> {
        if !self.declared.contains_key(name) {
            return Ok(());
        }
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "the configuration declares instance `{name}`: change [instances.{name}] there",
                "la configuration déclare l'instance `{name}` : modifiez-y [instances.{name}]"
            ),
        ))
    }

    fn check_number(&self, stored: &Stored, name: &str, settings: &InstanceSettings) -> Result<()> {
        let (Some(plugin), Some(number)) = (&settings.plugin, settings.number) else { return Ok(()) };
        let created = stored.instances.iter().filter_map(|(name, known)| Some((name, known.settings.as_ref()?)));
        let mut others = created.chain(self.declared.iter()).filter(|(other, _)| *other != name);
        let taken = others.find(|(_, other)| other.plugin.as_ref() == Some(plugin) && other.number == Some(number));
        let Some((other, _)) = taken else { return Ok(()) };
        Err(Error::new(
            ErrorKind::Invalid,
            text!(
                "instance `{other}` is number {number} of plugin `{plugin}` already",
                "l'instance `{other}` est déjà le numéro {number} du plugin `{plugin}`"
            ),
        ))
    }

    fn unknown(&self, stored: &Stored, name: &str) -> Error {
        no_instance(name, stored.instances.keys().chain(self.declared.keys()).map(String::as_str))
    }
}

fn no_instance<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Error {
    let near = nearest(name, known);
    let name = quoted(name);
    Error::new(
        ErrorKind::NotFound,
        match near {
            Some(near) => text!(
                "there is no instance \"{name}\"; did you mean `{near}`?",
                "il n'y a pas d'instance « {name} » ; vouliez-vous dire `{near}` ?"
            ),
            None => text!("there is no instance \"{name}\"", "il n'y a pas d'instance « {name} »"),
        },
    )
}

/// Up to 50 milliseconds, by chance, so that those who met do not meet again.
fn pause(attempt: u32) -> Duration {
    let [chance] = random().unwrap_or_default();
    Duration::from_millis(u64::from(chance) % u64::from((attempt + 1) * 5).min(50))
}
