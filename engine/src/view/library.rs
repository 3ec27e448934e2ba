//! [`Views`]: the views of the product and the operator's own, each in its last good version.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::file::ViewFile;
use super::spec::View;
use crate::fault::Fault;
use crate::query::Session;
use crate::text;

macro_rules! bundled {
    ($($name:literal),* $(,)?) => {
        /// The views of the product by name: the text of their files in `sql/views`.
        pub const BUNDLED: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../../sql/views/", $name, ".sql")))),*
        ];
    };
}

bundled!(
    "academics",
    "actions",
    "activity_summary",
    "activity_time",
    "cohort_summary",
    "communications",
    "course_summary",
    "course_time",
    "daily_time",
    "day_summary",
    "documents",
    "grades",
    "group_summary",
    "laps",
    "loads",
    "pulls",
    "section_time",
    "sessions",
    "sync_rows",
    "sync_runs",
    "test",
    "user_time",
);

/// The text of one view file.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Source {
    file: String,
    text: String,
    /// Whether it comes with the product.
    bundled: bool,
}

/// One name: its file now, its last good version, and what is wrong with the file now.
#[derive(Debug, Clone)]
struct Entry {
    source: Source,
    published: Option<Arc<View>>,
    faults: Vec<Fault>,
}

/// All views of a program.
#[derive(Debug, Clone, Default)]
pub struct Views {
    entries: BTreeMap<String, Entry>,
    /// Failures that belong to no view, such as a folder that cannot be read.
    faults: Vec<Fault>,
}

/// What one look at the files found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ViewsReport {
    /// Names that are new or have a new good version.
    pub published: Vec<String>,
    /// Names that are gone.
    pub removed: Vec<String>,
    /// What is wrong now.
    pub faults: Vec<Fault>,
}

impl Views {
    /// Reads the views of the product and those of a folder, where a file of the same name stands for the product's.
    /// Each must fit the session; one that does not keeps the version of `before`.
    ///
    /// Views whose files have not changed, and which were good, are not checked again.
    pub async fn load(folder: Option<&Path>, session: &Session, before: &Self) -> (Self, ViewsReport) {
        let mut report = ViewsReport::default();
        let (sources, faults) = sources(folder);
        let mut views = Self { entries: BTreeMap::new(), faults };
        for (name, source) in sources {
            let known = before.entries.get(&name);
            if let Some(known) = known.filter(|known| known.source == source && known.faults.is_empty()) {
                views.entries.insert(name, known.clone());
                continue;
            }
            let (view, faults) = match (ViewFile { file: &source.file, name: &name, text: &source.text }).read() {
                Ok(view) => {
                    let faults = view.check(session).await;
                    (faults.is_empty().then(|| Arc::new(view)), faults)
                }
                Err(faults) => (None, faults),
            };
            if view.is_some() {
                report.published.push(name.clone());
            }
            let published = view.or_else(|| known.and_then(|known| known.published.clone()));
            views.entries.insert(name, Entry { source, published, faults });
        }
        report.removed = before.entries.keys().filter(|name| !views.entries.contains_key(*name)).cloned().collect();
        report.faults = views.faults().cloned().collect();
        (views, report)
    }

    /// The views that can be pulled, by name.
    pub fn published(&self) -> impl Iterator<Item = &Arc<View>> {
        self.entries.values().filter_map(|entry| entry.published.as_ref())
    }

    /// The view of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<View>> {
        self.entries.get(name)?.published.as_ref()
    }

    /// The view that `report_etl_get` knows by this name.
    pub fn extract(&self, name: &str) -> Option<&Arc<View>> {
        self.published().find(|view| view.is_called(name))
    }

    /// Text and origin of the file of a name: whether it comes with the product.
    pub fn source(&self, name: &str) -> Option<(&str, bool)> {
        self.entries.get(name).map(|entry| (entry.source.text.as_str(), entry.source.bundled))
    }

    /// All that is wrong with the files now.
    pub fn faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().chain(self.entries.values().flat_map(|entry| &entry.faults))
    }
}

/// All view files by the names of their views.
fn sources(folder: Option<&Path>) -> (BTreeMap<String, Source>, Vec<Fault>) {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for (name, text) in BUNDLED {
        let file = format!("sql/views/{name}.sql");
        sources.insert((*name).to_owned(), Source { file, text: (*text).to_owned(), bundled: true });
    }
    let Some(folder) = folder else { return (sources, Vec::new()) };
    let mut faults = Vec::new();
    let unreadable = |path: &Path, error: &std::io::Error| Fault {
        code: "view.unreadable",
        file: Arc::from(path.display().to_string()),
        line: 0,
        column: None,
        value: None,
        reason: text!("it cannot be read: {error}", "lecture impossible : {error}"),
        hint: None,
    };
    let listed = match std::fs::read_dir(folder) {
        Ok(listed) => listed,
        // Most configurations have no views of their own.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return (sources, faults),
        Err(error) => return (sources, vec![unreadable(folder, &error)]),
    };
    for entry in listed {
        let path = match entry {
            Ok(entry) => entry.path(),
            Err(error) => {
                faults.push(unreadable(folder, &error));
                continue;
            }
        };
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_none_or(|suffix| suffix != "sql") || name.starts_with(['.', '_']) {
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                sources.insert(name, Source { file: path.display().to_string(), text, bundled: false });
            }
            Err(error) => faults.push(unreadable(&path, &error)),
        }
    }
    (sources, faults)
}
