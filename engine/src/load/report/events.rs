//! From the display names of the report to the event of Moodle's log.
//!
//! The report shows names (`System`, `Course viewed`), the log holds identifiers (`core`, `\core\event\course_viewed`).
//! What is known stands in `events.toml`: English names first; where the report is in another language, phrases of the
//! description, which is always English. An unknown event keeps a name made of the words that the report shows.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use hashbrown::HashMap;
use serde::Deserialize;

use super::description::Description;
use super::headers::{Dictionary, Login, fold};

/// Level of the system's context.
pub(super) const CONTEXT_SYSTEM: i64 = 10;
/// Level of a user's context.
pub(super) const CONTEXT_USER: i64 = 30;
/// Level of a course's context.
pub(super) const CONTEXT_COURSE: i64 = 50;
/// Level of a course module's context.
pub(super) const CONTEXT_MODULE: i64 = 70;

/// Kind of an event: what does not depend on the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventKind {
    /// Class name, such as `\core\event\course_viewed`.
    pub eventname: String,
    /// Plugin, such as `mod_resource`.
    pub component: String,
    /// Last word of the class: `viewed`.
    pub action: String,
    /// The rest of the class: `course`.
    pub target: String,
    /// `c`, `r`, `u` or `d`.
    pub crud: &'static str,
    /// 0 other, 1 teaching, 2 participating.
    pub edulevel: i64,
    /// Table of the object. It may be known while the description does not give the object's number.
    pub objecttable: Option<String>,
    context: Place,
    object: Object,
}

/// Where an event happened and to what: what depends on the row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventPlace {
    /// Number of the object, where the description names it.
    pub objectid: Option<i64>,
    /// 10 system, 30 user, 50 course, 70 course module.
    pub contextlevel: i64,
    /// Number of the user, course or course module; 0 for the system, and where the description does not name it.
    pub contextinstanceid: i64,
}

impl EventKind {
    /// The place of one row.
    pub fn place(&self, description: &Description) -> EventPlace {
        let module = || description.module().map(|id| (CONTEXT_MODULE, id));
        let course = || description.course().map(|id| (CONTEXT_COURSE, id));
        let user = description.related().or_else(|| description.user()).unwrap_or(0);
        let (contextlevel, contextinstanceid) = match self.context {
            Place::Module => module().unwrap_or((CONTEXT_MODULE, 0)),
            Place::Course => course().unwrap_or((CONTEXT_COURSE, 0)),
            Place::User => (CONTEXT_USER, user),
            Place::System => (CONTEXT_SYSTEM, 0),
            Place::Named if self.component.starts_with("mod_") => {
                module().or_else(course).unwrap_or((CONTEXT_MODULE, 0))
            }
            Place::Named => module().or_else(course).unwrap_or(match self.object {
                Object::Related => (CONTEXT_USER, user),
                _ => (CONTEXT_SYSTEM, 0),
            }),
        };
        EventPlace { objectid: self.objectid(description), contextlevel, contextinstanceid }
    }

    fn objectid(&self, description: &Description) -> Option<i64> {
        match &self.object {
            Object::Unnamed => None,
            Object::User => description.user(),
            Object::Related => description.related().or_else(|| description.user()),
            Object::Course => description.course(),
            Object::Module => description.module(),
            Object::Last => description.last(),
            Object::Noun(noun) => description.number_of(noun),
        }
    }
}

/// Finds kinds of events; remembers the pairs of names that it has met.
#[derive(Debug, Default)]
pub struct EventFinder {
    known: HashMap<String, Arc<EventKind>>,
    key: String,
}

impl EventFinder {
    /// The kind of an event from the names that the report shows. It never fails: a name that is not known is kept as a
    /// slug, in the component that the report shows.
    pub fn find(
        &mut self,
        component: &str,
        event: &str,
        description: &Description,
        dictionary: &Dictionary,
    ) -> Arc<EventKind> {
        let quoted = description.module_name().unwrap_or("");
        self.key.clear();
        for part in [component, "\0", event, "\0", quoted] {
            self.key.push_str(part);
        }
        if let Some(kind) = self.known.get(self.key.as_str()) {
            return Arc::clone(kind);
        }
        let plugin = plugin(component, event, description);
        if let Some(kind) = by_name(plugin.as_deref(), event, description, dictionary) {
            let kind = Arc::new(kind);
            self.known.insert(self.key.clone(), Arc::clone(&kind));
            return kind;
        }
        // These depend on the whole description, so they are not remembered by the names.
        Arc::new(
            by_phrase(plugin.as_deref(), description)
                .unwrap_or_else(|| slugged(plugin.as_deref(), component, event, description)),
        )
    }
}

fn by_name(plugin: Option<&str>, event: &str, description: &Description, dictionary: &Dictionary) -> Option<EventKind> {
    let name = fold(event);
    let of_core = plugin.is_none_or(|plugin| plugin == "core");
    if let Some(login) = dictionary.login(&name).filter(|_| of_core) {
        let class = match login {
            Login::In => "user_loggedin",
            Login::Out => "user_loggedout",
            Login::Failed => "user_login_failed",
            Login::InAs => "user_loggedinas",
        };
        return TABLE
            .events
            .iter()
            .find(|entry| entry.plugin == "core" && entry.class == class)
            .map(|entry| entry.kind("core"));
    }
    let entries = TABLE.by_name.get(&name)?;
    let module = module_of(plugin, description);
    entries.iter().find_map(|&index| {
        let entry = &TABLE.events[index];
        match (plugin, module.as_deref()) {
            (Some(plugin), _) if entry.plugin == plugin => Some(entry.kind(plugin)),
            (_, Some(module)) if entry.plugin == "mod_*" => Some(entry.kind(module)),
            _ => None,
        }
    })
}

/// The event whose phrase the description has; the longest of several.
fn by_phrase(plugin: Option<&str>, description: &Description) -> Option<EventKind> {
    let (_, entry) = TABLE
        .events
        .iter()
        .flat_map(|entry| entry.says.iter().map(move |phrase| (phrase, entry)))
        .filter(|(phrase, _)| description.says(phrase))
        .max_by_key(|(phrase, _)| phrase.len())?;
    match entry.plugin.as_str() {
        "mod_*" => module_of(plugin, description).map(|module| entry.kind(&module)),
        own => Some(entry.kind(own)),
    }
}

/// An event that is not known: its names as identifiers, its action from the last word.
fn slugged(plugin: Option<&str>, component: &str, event: &str, description: &Description) -> EventKind {
    let component = plugin.map(str::to_owned).unwrap_or_else(|| {
        let name = slug(component);
        if description.module().is_some() { format!("mod_{}", name.replace('_', "")) } else { name }
    });
    let class = slug(event);
    let (target, action) = split(&class);
    let crud = crud_of(action);
    EventKind {
        eventname: format!("\\{component}\\event\\{class}"),
        action: action.to_owned(),
        target: target.to_owned(),
        component,
        crud,
        edulevel: 0,
        objecttable: None,
        context: Place::Named,
        object: Object::Unnamed,
    }
}

/// The plugin behind a display name: the one that the description or the event's name spells out, else the table's.
fn plugin(component: &str, event: &str, description: &Description) -> Option<String> {
    let known = TABLE.plugins.get(&fold(component)).cloned();
    // The module of a System event is what it happened to, not what wrote it.
    let quoted = description.module_name().filter(|_| match known.as_deref() {
        Some(known) => known.starts_with("mod_"),
        None => description.says("viewed the '*' activity"),
    });
    if let Some(name) = quoted {
        return Some(format!("mod_{name}"));
    }
    // `mod_hvp: attempt submitted`: a plugin without translated names shows its own.
    let prefix = event.split_once(':').map(|(prefix, _)| prefix).filter(|prefix| is_plugin(prefix));
    prefix.map(str::to_owned).or(known).or_else(|| is_plugin(component).then(|| component.to_owned()))
}

/// The module whose event it is.
fn module_of(plugin: Option<&str>, description: &Description) -> Option<String> {
    plugin
        .filter(|plugin| plugin.starts_with("mod_"))
        .map(str::to_owned)
        .or_else(|| description.module_name().map(|name| format!("mod_{name}")))
}

/// Whether a text is the identifier of a plugin, such as `mod_hvp`.
fn is_plugin(text: &str) -> bool {
    let name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    text.chars().all(name) && text.split_once('_').is_some_and(|(kind, name)| !kind.is_empty() && !name.is_empty())
}

/// Letters and digits in lower case without accents, words joined by `_`; `unknown` when nothing is left.
fn slug(text: &str) -> String {
    let words: Vec<String> =
        text.split(|c: char| !c.is_alphanumeric()).map(fold).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "unknown".to_owned() } else { words.join("_") }
}

/// Target and action of a class name, as Moodle splits it: at the last `_`.
fn split(class: &str) -> (&str, &str) {
    class.rsplit_once('_').unwrap_or(("", class))
}

fn crud_of(action: &str) -> &'static str {
    match action {
        "created" | "added" | "uploaded" | "imported" | "sent" | "posted" | "started" | "awarded" | "assigned" => "c",
        "updated" | "submitted" | "graded" | "moved" | "saved" | "edited" | "changed" | "approved" | "completed" => "u",
        "deleted" | "removed" | "unassigned" | "revoked" => "d",
        _ => "r",
    }
}

/// Which context an event has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Course,
    Module,
    User,
    System,
    /// The module if the description names one, else the course.
    #[default]
    #[serde(skip)]
    Named,
}

/// Which number of the description is the object's.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
enum Object {
    #[default]
    Unnamed,
    User,
    Related,
    Course,
    Module,
    Last,
    Noun(String),
}

impl From<String> for Object {
    fn from(text: String) -> Self {
        match text.as_str() {
            "user" => Self::User,
            "related" => Self::Related,
            "course" => Self::Course,
            "module" => Self::Module,
            "last" => Self::Last,
            _ => Self::Noun(text),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Crud {
    C,
    R,
    U,
    D,
}

/// One event of the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    plugin: String,
    class: String,
    names: Vec<String>,
    #[serde(default)]
    says: Vec<String>,
    crud: Crud,
    level: i64,
    #[serde(default)]
    context: Place,
    #[serde(default)]
    table: Option<String>,
    #[serde(default)]
    object: Object,
}

impl Entry {
    fn kind(&self, component: &str) -> EventKind {
        let (target, action) = split(&self.class);
        let crud = match self.crud {
            Crud::C => "c",
            Crud::R => "r",
            Crud::U => "u",
            Crud::D => "d",
        };
        let own = || component.strip_prefix("mod_").unwrap_or(component).to_owned();
        EventKind {
            eventname: format!("\\{component}\\event\\{}", self.class),
            component: component.to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            crud,
            edulevel: self.level,
            objecttable: self.table.as_ref().map(|table| if table == "*" { own() } else { table.clone() }),
            context: self.context,
            object: self.object.clone(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    components: BTreeMap<String, Vec<String>>,
    events: Vec<Entry>,
}

/// The file, ready to be looked up.
#[derive(Debug, Default)]
struct Table {
    /// Folded display name to plugin.
    plugins: HashMap<String, String>,
    /// Folded English name to the events that have it.
    by_name: HashMap<String, Vec<usize>>,
    events: Vec<Entry>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read(include_str!("events.toml")).unwrap_or_default());

impl Table {
    fn read(text: &str) -> Result<Self, toml::de::Error> {
        let file: File = toml::from_str(text)?;
        let plugins = file
            .components
            .iter()
            .flat_map(|(plugin, names)| names.iter().map(move |name| (fold(name), plugin.clone())))
            .collect();
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, entry) in file.events.iter().enumerate() {
            for name in &entry.names {
                by_name.entry(fold(name)).or_default().push(index);
            }
        }
        Ok(Self { plugins, by_name, events: file.events })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(component: &str, event: &str, description: &str) -> (Arc<EventKind>, EventPlace) {
        let description = Description::read(description);
        let kind = EventFinder::default().find(component, event, &description, Dictionary::builtin());
        let place = kind.place(&description);
        (kind, place)
    }

    #[test]
    fn the_file_is_valid() {
        let table = Table::read(include_str!("events.toml")).unwrap();
        assert!(table.events.len() > 100);
        for entry in &table.events {
            assert!((0..=2).contains(&entry.level), "{}", entry.class);
            assert!(!entry.names.is_empty(), "{}", entry.class);
            assert!(entry.object == Object::Unnamed || entry.table.is_some(), "{}", entry.class);
            for phrase in &entry.says {
                assert_eq!(*phrase, phrase.to_ascii_lowercase());
                assert!(phrase.len() > 8 && !phrase.starts_with('*'), "{phrase}");
                let owners = table.events.iter().filter(|other| other.says.contains(phrase)).count();
                assert_eq!(owners, 1, "{phrase}");
            }
        }
        // No display name stands for two plugins.
        let file: File = toml::from_str(include_str!("events.toml")).unwrap();
        let mut names: Vec<(String, &String)> = file
            .components
            .iter()
            .flat_map(|(plugin, names)| names.iter().map(move |name| (fold(name), plugin)))
            .collect();
        names.sort();
        names.dedup();
        for pair in names.windows(2) {
            assert_ne!(pair[0].0, pair[1].0, "{pair:?}");
        }
    }

    #[test]
    fn english_names_with_component_and_place() {
        // Component, event, description; event name, action, target, crud, level, table, object, context.
        type Expected = (
            &'static str,
            &'static str,
            &'static str,
            &'static str,
            i64,
            Option<&'static str>,
            Option<i64>,
            (i64, i64),
        );
        let cases: [(&str, &str, &str, Expected); 14] = [
            (
                "System",
                "Course viewed",
                "The user with id '4' viewed the course with id '111'.",
                (r"\core\event\course_viewed", "viewed", "course", "r", 2, None, None, (50, 111)),
            ),
            (
                "File",
                "Course module viewed",
                "The user with id '4' viewed the 'resource' activity with course module id '2427'.",
                (
                    r"\mod_resource\event\course_module_viewed",
                    "viewed",
                    "course_module",
                    "r",
                    2,
                    Some("resource"),
                    None,
                    (70, 2427),
                ),
            ),
            (
                "H5P",
                "Course module viewed",
                "The user with id '4' viewed the 'hvp' activity with course module id '7'.",
                (r"\mod_hvp\event\course_module_viewed", "viewed", "course_module", "r", 2, Some("hvp"), None, (70, 7)),
            ),
            (
                "Checklist",
                "Course module viewed",
                "The user with id '4' viewed the 'checklist' activity with course module id '7'.",
                (
                    r"\mod_checklist\event\course_module_viewed",
                    "viewed",
                    "course_module",
                    "r",
                    2,
                    Some("checklist"),
                    None,
                    (70, 7),
                ),
            ),
            (
                "System",
                "Course module updated",
                "The user with id '4' updated the 'label' activity with course module id '8'.",
                (
                    r"\core\event\course_module_updated",
                    "updated",
                    "course_module",
                    "u",
                    1,
                    Some("course_modules"),
                    Some(8),
                    (70, 8),
                ),
            ),
            (
                "System",
                "Course activity completion updated",
                "The user with id '1' updated the completion state for the course module with id '2' for the user with id '3'.",
                (
                    r"\core\event\course_module_completion_updated",
                    "updated",
                    "course_module_completion",
                    "u",
                    2,
                    Some("course_modules_completion"),
                    None,
                    (70, 2),
                ),
            ),
            (
                "System",
                "User graded",
                "The user with id '-1' updated the grade with id '5' for the user with id '6' for the grade item with id '7'.",
                (r"\core\event\user_graded", "graded", "user", "u", 1, Some("grade_grades"), Some(5), (50, 0)),
            ),
            (
                "System",
                "User has logged in",
                "The user with id '9' has logged in.",
                (r"\core\event\user_loggedin", "loggedin", "user", "r", 0, Some("user"), Some(9), (10, 0)),
            ),
            (
                "System",
                "User logged out",
                "The user with id '9' has logged out.",
                (r"\core\event\user_loggedout", "loggedout", "user", "r", 0, Some("user"), Some(9), (10, 0)),
            ),
            (
                "System",
                "User login failed",
                "Login failed for the username 'bob' for the reason with id '1'.",
                (r"\core\event\user_login_failed", "failed", "user_login", "r", 0, None, None, (10, 0)),
            ),
            (
                "Logs",
                "Log report viewed",
                "The user with id '4' viewed the log report for the course with id '111'.",
                (r"\report_log\event\report_viewed", "viewed", "report", "r", 1, None, None, (50, 111)),
            ),
            (
                "Turnitin Assignment 2",
                "List Submissions",
                "User viewed their submission inbox at course: 113",
                (r"\mod_turnitintooltwo\event\list_submissions", "submissions", "list", "r", 2, None, None, (70, 0)),
            ),
            (
                "System",
                "Calendar event updated",
                "The user with id '1' updated the event 'Quiz closes' with id '44'.",
                (
                    r"\core\event\calendar_event_updated",
                    "updated",
                    "calendar_event",
                    "u",
                    0,
                    Some("event"),
                    Some(44),
                    (50, 0),
                ),
            ),
            (
                "System",
                "User profile viewed",
                "The user with id '1' viewed the profile for the user with id '2'.",
                (r"\core\event\user_profile_viewed", "viewed", "user_profile", "r", 2, Some("user"), Some(2), (30, 2)),
            ),
        ];
        for (component, event, description, expected) in cases {
            let (kind, place) = find(component, event, description);
            let found = (
                kind.eventname.as_str(),
                kind.action.as_str(),
                kind.target.as_str(),
                kind.crud,
                kind.edulevel,
                kind.objecttable.as_deref(),
                place.objectid,
                (place.contextlevel, place.contextinstanceid),
            );
            assert_eq!(found, expected, "{event}");
            assert!(kind.eventname.starts_with(&format!(r"\{}\event\", kind.component)));
        }
    }

    #[test]
    fn other_languages_by_description_and_by_the_names_of_session_events() {
        for (component, event, description, name) in [
            (
                "Système",
                "Cours consulté",
                "The user with id '4' viewed the course with id '1'.",
                r"\core\event\course_viewed",
            ),
            (
                "Fichier",
                "Module de cours consulté",
                "The user with id '4' viewed the 'resource' activity with course module id '2'.",
                r"\mod_resource\event\course_module_viewed",
            ),
            (
                "Sistema",
                "Módulo de curso actualizado",
                "The user with id '4' updated the 'label' activity with course module id '2'.",
                r"\core\event\course_module_updated",
            ),
            ("Système", "Utilisateur connecté", "", r"\core\event\user_loggedin"),
            ("System", "Nutzer/in angemeldet", "", r"\core\event\user_loggedin"),
            ("Sistema", "El usuario ha cerrado sesión", "", r"\core\event\user_loggedout"),
            ("Systeem", "Aanmelden gebruiker mislukt", "", r"\core\event\user_login_failed"),
            ("Σύστημα", "…", "The user with id '2' has logged in.", r"\core\event\user_loggedin"),
            (
                "Σύστημα",
                "…",
                "The user with id '2' has logged in as the user with id '3'.",
                r"\core\event\user_loggedinas",
            ),
            (
                "Système",
                "Utilisateur désinscrit",
                "The user with id '2' unenrolled the user with id '3' using the enrolment method 'self' from the course with id '4'.",
                r"\core\event\user_enrolment_deleted",
            ),
            (
                "Test",
                "Tentative de test commencée",
                "The user with id '2' has started the attempt with id '3' for the quiz with course module id '4'.",
                r"\mod_quiz\event\attempt_started",
            ),
        ] {
            assert_eq!(find(component, event, description).0.eventname, name, "{component} {event}");
        }
    }

    #[test]
    fn unknown_events_keep_their_names() {
        for (component, event, description, name, action, target, crud) in [
            ("My Plugin", "Thing Opened!", "", r"\my_plugin\event\thing_opened", "opened", "thing", "r"),
            ("Élèves", "Note supprimée", "", r"\eleves\event\note_supprimee", "supprimee", "note", "r"),
            (
                "Card Game",
                "Card deleted",
                "The user with id '1' deleted a card in the game with course module id '5'.",
                r"\mod_cardgame\event\card_deleted",
                "deleted",
                "card",
                "d",
            ),
            ("", "", "", r"\unknown\event\unknown", "unknown", "", "r"),
            ("H5P", "mod_hvp: attempt submitted", "", r"\mod_hvp\event\attempt_submitted", "submitted", "attempt", "u"),
            ("Forum", "Something new", "", r"\mod_forum\event\something_new", "new", "something", "r"),
            ("local_kopere", "Page opened", "", r"\local_kopere\event\page_opened", "opened", "page", "r"),
        ] {
            let (kind, _) = find(component, event, description);
            let found = (kind.eventname.as_str(), kind.action.as_str(), kind.target.as_str(), kind.crud);
            assert_eq!(found, (name, action, target, crud));
        }
    }

    #[test]
    fn every_event_name_splits_as_the_catalogue_of_events_does() {
        // From the shared catalogue of Moodle's events: class, target, action.
        for (class, target, action) in [
            ("course_module_viewed", "course_module", "viewed"),
            ("user_loggedin", "user", "loggedin"),
            ("attempt_becameoverdue", "attempt", "becameoverdue"),
            ("cancel_booking", "cancel", "booking"),
            ("h5p_viewed", "h5p", "viewed"),
        ] {
            assert_eq!(split(class), (target, action));
        }
    }
}
