//! [`ViewFile`]: one `.sql` file, read. All that is wrong is told at once, with its line.

use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::DataType;
use chrono_tz::Tz;
use regex::Regex;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::column::{TYPES, type_of};
use super::param::{ParamKind, ParamSpec, ParamValue};
use super::spec::{ColumnNote, Incremental, IncrementalMode, Personal, View, ViewLimits, XmlNames};
use crate::fault::{Column, Fault, nearest, quoted};
use crate::time::DayEdge;
use crate::{Text, text};

/// What begins and ends the description.
const OPENING: &str = "/*---";
/// See [`OPENING`].
const CLOSING: &str = "---*/";

/// Longest name of a view.
const MAX_NAME: usize = 60;

/// Keys of each table of the description.
const TOP: &[&str] = &[
    "title",
    "description",
    "version",
    "extract",
    "params",
    "key",
    "columns",
    "incremental",
    "time",
    "output",
    "limits",
];
const PARAM: &[&str] =
    &["type", "required", "default", "min", "max", "min_length", "max_length", "values", "pattern", "edge", "help"];
const COLUMN: &[&str] = &["type", "unit", "pii", "doc"];

/// A view file as text.
#[derive(Debug, Clone, Copy)]
pub struct ViewFile<'a> {
    /// Name of the file for messages.
    pub file: &'a str,
    /// Name of the view: the file's name without folder and `.sql`.
    pub name: &'a str,
    /// Contents.
    pub text: &'a str,
}

impl ViewFile<'_> {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, in the order of its lines.
    pub fn read(&self) -> Result<View, Vec<Fault>> {
        let mut reader = Reader { file: Arc::from(self.file), text: self.text, base: 0, faults: Vec::new() };
        let view = reader.view(self.name);
        let mut faults = reader.faults;
        match view {
            Some(view) if faults.is_empty() => Ok(view),
            _ => {
                faults.sort_by_key(|fault| fault.line);
                Err(faults)
            }
        }
    }
}

type Value<'d> = Spanned<DeValue<'d>>;

/// The file while it is read. What is wrong becomes a fault and `None`.
struct Reader<'a> {
    file: Arc<str>,
    text: &'a str,
    /// Where the description begins, in bytes.
    base: usize,
    faults: Vec<Fault>,
}

impl Reader<'_> {
    fn view(&mut self, name: &str) -> Option<View> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(plain) || name.len() > MAX_NAME {
            let reason = text!(
                "the name of a view has small letters, digits and `_`, begins with a letter and is at most {MAX_NAME} long",
                "le nom d'une vue a des minuscules, des chiffres et `_`, commence par une lettre et a {MAX_NAME} caractères au plus"
            );
            self.fault_at_line(1, "view.name", Some(name), reason);
        }
        let start = self.text.find(OPENING).filter(|start| self.text[..*start].trim().is_empty());
        let end = start.and_then(|start| Some((start + OPENING.len(), self.text[start..].find(CLOSING)? + start)));
        let Some((from, to)) = end else {
            let reason = text!(
                "a view file begins with its description between `{OPENING}` and `{CLOSING}`",
                "un fichier de vue commence par sa description entre `{OPENING}` et `{CLOSING}`"
            );
            self.fault_at_line(1, "view.description", None, reason);
            return None;
        };
        self.base = from;
        let (text, after) = (self.text, to + CLOSING.len());
        let table = match DeTable::parse(&text[from..to]) {
            Ok(table) => table,
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start);
                let message = error.message().to_owned();
                self.fault(at, "view.syntax", None, text!("{message}", "{message}"));
                return None;
            }
        };
        let sql = text[after..].trim_end();
        let blank = sql.len() - sql.trim_start().len();
        let sql_line = self.line_of(after + blank);
        let sql = sql.trim_start().trim_end_matches(';').trim_end();
        self.described(name, table.get_ref(), sql, sql_line)
    }

    fn described(&mut self, name: &str, table: &DeTable<'_>, sql: &str, sql_line: usize) -> Option<View> {
        self.known(table, TOP);
        let title = self.required(table, "title", 0).and_then(|value| self.words(value, "title"));
        let description = self.required(table, "description", 0).and_then(|value| self.words(value, "description"));
        let version = match table.get("version") {
            Some(value) => self.number(value, "version").and_then(|number| u32::try_from(number).ok()).unwrap_or(0),
            None => 1,
        };
        let params = self.params(table);
        let columns = self.columns(table);
        let key = self.key(table, &columns);
        let incremental = table.get("incremental").and_then(|value| self.incremental(value, &key));
        let time_column = self.part(table, "time", &["column"]).and_then(|time| {
            let value = time.get("column")?;
            let name = self.string(value, "column")?;
            self.column_exists(&columns, &name, value);
            Some(name)
        });
        let extracts = table.get("extract").and_then(|value| self.strings(value, "extract")).unwrap_or_default();
        let xml = self.xml(table, &columns);
        let limits = self.limits(table);
        Some(View {
            name: name.to_owned(),
            file: Arc::clone(&self.file),
            sql_line,
            sql: sql.to_owned(),
            title: title?,
            description: description?,
            version,
            params,
            key,
            columns,
            incremental,
            time_column,
            extracts,
            xml,
            limits,
        })
    }

    fn params(&mut self, table: &DeTable<'_>) -> Vec<ParamSpec> {
        let Some(of) = table.get("params").and_then(|value| self.table(value, "params")) else { return Vec::new() };
        let mut params: Vec<(usize, ParamSpec)> = Vec::new();
        for (name, value) in of {
            let start = name.span().start;
            let word = name.get_ref().as_ref();
            if View::RESERVED.contains(&word) || !is_identifier(word) {
                let reason = text!(
                    "a parameter has a name like those of SQL, and not `now`, which every view has",
                    "un paramètre a un nom comme ceux de SQL, et pas `now`, que toute vue possède"
                );
                self.fault(start, "view.parameter", Some(word), reason);
                continue;
            }
            if let Some(param) = self.table(value, word).and_then(|table| self.param(word, table, start)) {
                params.push((start, param));
            }
        }
        params.sort_by_key(|(start, _)| *start);
        params.into_iter().map(|(_, param)| param).collect()
    }

    fn param(&mut self, name: &str, table: &DeTable<'_>, start: usize) -> Option<ParamSpec> {
        self.known(table, PARAM);
        let kind = self.required(table, "type", start).and_then(|value| self.one_of(value, "type", &ParamKind::ALL))?;
        let mut spec = ParamSpec::new(name, kind);
        spec.required = table.get("required").and_then(|value| self.bool(value, "required")).unwrap_or(false);
        if let Some(value) = table.get("edge") {
            let edges = [("first", DayEdge::First), ("last", DayEdge::Last)];
            spec.edge = self.one_of(value, "edge", &edges).unwrap_or_default();
        }
        spec.help = table.get("help").and_then(|value| self.words(value, "help"));
        spec.min_length = self.length(table, "min_length");
        spec.max_length = self.length(table, "max_length");
        if let Some(value) = table.get("pattern")
            && let Some(pattern) = self.string(value, "pattern")
        {
            match Regex::new(&format!("^(?:{pattern})$")) {
                Ok(pattern) => spec.pattern = Some(pattern),
                Err(error) => {
                    let detail = error.to_string().replace('\n', " ");
                    let reason = text!("the pattern is not valid: {detail}", "le motif n'est pas valable : {detail}");
                    self.fault(value.span().start, "view.value", Some(&pattern), reason);
                }
            }
        }
        let item = ParamSpec::new(name, kind.item());
        spec.min = table.get("min").and_then(|value| self.param_value(value, &item));
        spec.max = table.get("max").and_then(|value| self.param_value(value, &item));
        if let Some(value) = table.get("values") {
            match value.get_ref() {
                DeValue::Array(items) => {
                    spec.values = items.iter().filter_map(|value| self.param_value(value, &item)).collect();
                }
                _ => self.mistyped(value, "values", text!("a list", "une liste")),
            }
        }
        // Last, because it has to keep the other rules.
        spec.default = table.get("default").and_then(|value| self.param_value(value, &spec));
        if spec.required && spec.default.is_some() {
            let reason = text!("a required parameter has no default", "un paramètre obligatoire n'a pas de défaut");
            self.fault(start, "view.parameter", Some(name), reason);
        }
        Some(spec)
    }

    fn param_value(&mut self, value: &Value<'_>, spec: &ParamSpec) -> Option<ParamValue> {
        let read = match json(value.get_ref()) {
            Some(json) => spec.read_json(&json, Tz::UTC),
            None => Err(text!("it is no value", "ce n'est pas une valeur")),
        };
        match read {
            Ok(value) => Some(value),
            Err(reason) => {
                self.fault(value.span().start, "view.value", None, reason);
                None
            }
        }
    }

    fn columns(&mut self, table: &DeTable<'_>) -> Vec<ColumnNote> {
        let Some(of) = self.required(table, "columns", 0).and_then(|value| self.table(value, "columns")) else {
            return Vec::new();
        };
        let mut columns: Vec<(usize, ColumnNote)> = Vec::new();
        for (name, value) in of {
            let (start, name) = (name.span().start, name.get_ref().as_ref());
            let Some(of) = self.table(value, name) else { continue };
            self.known(of, COLUMN);
            let data_type = self.required(of, "type", start).and_then(|value| self.column_type(value));
            let doc = self.required(of, "doc", start).and_then(|value| self.words(value, "doc"));
            let personal = of.get("pii").and_then(|value| self.one_of(value, "pii", &Personal::ALL));
            let unit = of.get("unit").and_then(|value| self.string(value, "unit"));
            if let (Some(data_type), Some(doc)) = (data_type, doc) {
                let personal = personal.unwrap_or_default();
                columns.push((start, ColumnNote { name: name.to_owned(), data_type, unit, personal, doc }));
            }
        }
        columns.sort_by_key(|(start, _)| *start);
        columns.into_iter().map(|(_, column)| column).collect()
    }

    fn column_type(&mut self, value: &Value<'_>) -> Option<DataType> {
        let name = self.string(value, "type")?;
        let found = type_of(&name);
        if found.is_none() {
            let all = TYPES.map(|(name, _)| name).join(", ");
            let reason =
                text!("no type of columns; there are {all}, List<…>", "pas un type de colonne ; il y a {all}, List<…>");
            self.fault(value.span().start, "view.value", Some(&name), reason);
        }
        found
    }

    fn key(&mut self, table: &DeTable<'_>, columns: &[ColumnNote]) -> Vec<String> {
        let Some(key) = self.part(table, "key", &["columns"]) else { return Vec::new() };
        let Some(value) = key.get("columns") else { return Vec::new() };
        let names = self.strings(value, "columns").unwrap_or_default();
        for name in &names {
            self.column_exists(columns, name, value);
        }
        names
    }

    fn incremental(&mut self, value: &Value<'_>, key: &[String]) -> Option<Incremental> {
        let table = self.table(value, "incremental")?;
        self.known(table, &["table", "mode", "columns"]);
        let start = value.span().start;
        let name = self.required(table, "table", start).and_then(|value| self.string(value, "table"))?;
        let modes = [("append", false), ("changed_keys", true)];
        let by_keys = self.required(table, "mode", start).and_then(|value| self.one_of(value, "mode", &modes))?;
        if key.is_empty() {
            let reason = text!(
                "an incremental view needs a key, because a repeated pull has to give the same rows in the same order",
                "une vue incrémentale demande une clé, car un tirage répété doit donner les mêmes lignes dans le même ordre"
            );
            self.fault(start, "view.key", None, reason);
        }
        if !by_keys {
            return Some(Incremental { table: name, mode: IncrementalMode::Append });
        }
        let mut pairs = Vec::new();
        if let Some(of) = self.required(table, "columns", start).and_then(|value| self.table(value, "columns")) {
            for (column, value) in of {
                let column_name = column.get_ref().to_string();
                if !key.contains(&column_name) {
                    let reason = text!("it is no column of the key", "ce n'est pas une colonne de la clé");
                    self.fault(column.span().start, "view.key", Some(&column_name), reason);
                }
                pairs.push((column_name, self.string(value, "columns")?));
            }
        }
        Some(Incremental { table: name, mode: IncrementalMode::ChangedKeys(pairs) })
    }

    fn xml(&mut self, table: &DeTable<'_>, columns: &[ColumnNote]) -> XmlNames {
        let Some(output) = self.part(table, "output", &["xml"]) else { return XmlNames::default() };
        let Some(value) = output.get("xml") else { return XmlNames::default() };
        let Some(xml) = self.table(value, "xml") else { return XmlNames::default() };
        self.known(xml, &["root", "row", "fields"]);
        let fields = xml.get("fields").and_then(|value| self.strings(value, "fields")).unwrap_or_default();
        for name in &fields {
            self.column_exists(columns, name, value);
        }
        XmlNames { root: self.xml_name(xml, "root"), row: self.xml_name(xml, "row"), fields }
    }

    fn xml_name(&mut self, table: &DeTable<'_>, key: &str) -> Option<String> {
        let value = table.get(key)?;
        let name = self.string(value, key)?;
        if is_identifier(&name) {
            return Some(name);
        }
        let reason = text!("it is no name of an element", "ce n'est pas un nom d'élément");
        self.fault(value.span().start, "view.value", Some(&name), reason);
        None
    }

    fn limits(&mut self, table: &DeTable<'_>) -> ViewLimits {
        let Some(limits) = self.part(table, "limits", &["timeout", "max_rows"]) else { return ViewLimits::default() };
        let interval = ParamSpec { min: Some(ParamValue::Int(1)), ..ParamSpec::new("timeout", ParamKind::Interval) };
        let timeout = limits.get("timeout").and_then(|value| self.param_value(value, &interval));
        let timeout = match timeout {
            Some(ParamValue::Int(seconds)) => u64::try_from(seconds).ok().map(Duration::from_secs),
            _ => None,
        };
        let rows = limits.get("max_rows").and_then(|value| self.number(value, "max_rows"));
        ViewLimits { timeout, max_rows: rows.and_then(|rows| u64::try_from(rows).ok()) }
    }

    // What the parts above are made of.

    fn part<'v, 'd>(&mut self, table: &'v DeTable<'d>, name: &str, keys: &[&str]) -> Option<&'v DeTable<'d>> {
        let part = self.table(table.get(name)?, name)?;
        self.known(part, keys);
        Some(part)
    }

    fn known(&mut self, table: &DeTable<'_>, keys: &[&str]) {
        for (key, _) in table {
            let name = key.get_ref().as_ref();
            if keys.contains(&name) {
                continue;
            }
            let reason = match nearest(name, keys.iter().copied()) {
                Some(near) => {
                    text!("unknown key; did you mean `{near}`?", "clé inconnue ; vouliez-vous dire `{near}` ?")
                }
                None => {
                    let all = keys.join(", ");
                    text!("unknown key; there are {all}", "clé inconnue ; il y a {all}")
                }
            };
            self.fault(key.span().start, "view.unknown_key", Some(name), reason);
        }
    }

    fn required<'v, 'd>(&mut self, table: &'v DeTable<'d>, key: &str, start: usize) -> Option<&'v Value<'d>> {
        let found = table.get(key);
        if found.is_none() {
            self.fault(start, "view.missing", None, text!("`{key}` is missing", "`{key}` manque"));
        }
        found
    }

    fn column_exists(&mut self, columns: &[ColumnNote], name: &str, value: &Value<'_>) {
        if columns.iter().any(|column| column.name == name) {
            return;
        }
        let reason = match nearest(name, columns.iter().map(|column| column.name.as_str())) {
            Some(near) => {
                text!(
                    "no such column; did you mean `{near}`?",
                    "aucune colonne de ce nom ; vouliez-vous dire `{near}` ?"
                )
            }
            None => text!("no such column is declared", "aucune colonne de ce nom n'est déclarée"),
        };
        self.fault(value.span().start, "view.column", Some(name), reason);
    }

    /// A text in both languages: `{ en = "…", fr = "…" }`.
    fn words(&mut self, value: &Value<'_>, name: &str) -> Option<Text> {
        let table = match value.get_ref() {
            DeValue::Table(table) => table,
            _ => {
                let reason = text!("{{ en = \"…\", fr = \"…\" }}", "{{ en = \"…\", fr = \"…\" }}");
                self.mistyped(value, name, reason);
                return None;
            }
        };
        self.known(table, &["en", "fr"]);
        let start = value.span().start;
        let en = self.required(table, "en", start).and_then(|value| self.string(value, "en"));
        let fr = self.required(table, "fr", start).and_then(|value| self.string(value, "fr"));
        Some(Text { en: en?, fr: fr? })
    }

    fn one_of<T: Copy>(&mut self, value: &Value<'_>, name: &str, known: &[(&'static str, T)]) -> Option<T> {
        let word = self.string(value, name)?;
        if let Some((_, found)) = known.iter().find(|(name, _)| *name == word) {
            return Some(*found);
        }
        let all = known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let reason = text!("`{name}` must be one of {all}", "`{name}` doit être l'un de {all}");
        self.fault(value.span().start, "view.value", Some(&word), reason);
        None
    }

    fn table<'v, 'd>(&mut self, value: &'v Value<'d>, name: &str) -> Option<&'v DeTable<'d>> {
        if let DeValue::Table(table) = value.get_ref() {
            return Some(table);
        }
        self.mistyped(value, name, text!("a table", "une table"));
        None
    }

    fn string(&mut self, value: &Value<'_>, name: &str) -> Option<String> {
        if let DeValue::String(text) = value.get_ref() {
            return Some(text.to_string());
        }
        self.mistyped(value, name, text!("a text", "un texte"));
        None
    }

    fn strings(&mut self, value: &Value<'_>, name: &str) -> Option<Vec<String>> {
        match value.get_ref() {
            DeValue::Array(items) => items.iter().map(|item| self.string(item, name)).collect(),
            DeValue::String(text) => Some(vec![text.to_string()]),
            _ => {
                self.mistyped(value, name, text!("a list of texts", "une liste de textes"));
                None
            }
        }
    }

    fn number(&mut self, value: &Value<'_>, name: &str) -> Option<i64> {
        if let DeValue::Integer(number) = value.get_ref()
            && let Ok(number) = i64::from_str_radix(number.as_str(), number.radix())
            && number >= 0
        {
            return Some(number);
        }
        self.mistyped(value, name, text!("a number, not negative", "un nombre, non négatif"));
        None
    }

    fn length(&mut self, table: &DeTable<'_>, name: &str) -> Option<usize> {
        self.number(table.get(name)?, name).and_then(|number| usize::try_from(number).ok())
    }

    fn bool(&mut self, value: &Value<'_>, name: &str) -> Option<bool> {
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(*flag);
        }
        self.mistyped(value, name, text!("true or false", "true ou false"));
        None
    }

    fn mistyped(&mut self, value: &Value<'_>, name: &str, must: Text) {
        let Text { en, fr } = must;
        self.fault(value.span().start, "view.value", None, text!("`{name}` must be {en}", "`{name}` doit être {fr}"));
    }

    fn line_of(&self, byte: usize) -> usize {
        self.text.get(..byte).unwrap_or(self.text).matches('\n').count() + 1
    }

    /// A fault at a byte of the description.
    fn fault(&mut self, at: usize, code: &'static str, value: Option<&str>, reason: Text) {
        let line = self.line_of(self.base + at);
        self.fault_at_line(line, code, value, reason);
    }

    fn fault_at_line(&mut self, line: usize, code: &'static str, value: Option<&str>, reason: Text) {
        self.faults.push(Fault {
            code,
            file: Arc::clone(&self.file),
            line: line as u64,
            column: None::<Column>,
            value: value.map(quoted),
            reason,
            hint: None,
        });
    }
}

/// A value of TOML as JSON; `None` for tables.
fn json(value: &DeValue<'_>) -> Option<serde_json::Value> {
    Some(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok()?.into(),
        DeValue::Float(number) => number.as_str().parse::<f64>().ok()?.into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Datetime(moment) => moment.to_string().into(),
        DeValue::Array(items) => items.iter().map(|item| json(item.get_ref())).collect::<Option<Vec<_>>>()?.into(),
        DeValue::Table(_) => return None,
    })
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.len() <= MAX_NAME
}
