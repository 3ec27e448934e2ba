//! [`View::check`]: whether a view fits what a session has.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

use super::column::type_name;
use super::spec::{Incremental, IncrementalMode, View};
use crate::fault::{Fault, nearest, quoted};
use crate::query::{Session, placeholders, select_relations};
use crate::store::COMMIT;
use crate::{Error, Text, text};

/// The schema of names about names, which tells what lies beside the data.
const INFORMATION: &str = "information_schema";

impl View {
    /// Compares the view with the tables, functions and columns of a session: its SELECT is planned with every parameter
    /// absent, and its columns, parameters and key must be those that it declares.
    ///
    /// Answers everything that is wrong; nothing when the view can be published.
    pub async fn check(&self, session: &Session) -> Vec<Fault> {
        let relations = match select_relations(&self.sql) {
            Ok(relations) => relations,
            Err(error) => return vec![self.because("view.sql", &error)],
        };
        let mut faults = Vec::new();
        if relations.iter().any(|name| name.to_lowercase().contains(INFORMATION)) {
            let reason = text!("a view may not read `{INFORMATION}`", "une vue ne peut lire `{INFORMATION}`");
            faults.push(self.fault("view.table", None, reason));
        }
        match placeholders(&self.sql) {
            Ok(named) => self.check_parameters(&named, &mut faults),
            Err(error) => return vec![self.because("view.sql", &error)],
        }
        if !faults.is_empty() {
            return faults;
        }
        match session.schema_with(&self.sql, self.absent()).await {
            Ok(schema) => self.check_columns(&schema, &mut faults),
            Err(error) => faults.push(self.because("view.sql", &error)),
        }
        if let Some(incremental) = &self.incremental {
            self.check_incremental(incremental, session, &mut faults).await;
        }
        faults
    }

    fn check_parameters(&self, named: &BTreeSet<String>, faults: &mut Vec<Fault>) {
        let declared = || self.params.iter().map(|param| param.name.as_str());
        for name in named.iter().filter(|name| !Self::RESERVED.contains(&name.as_str())) {
            if self.param(name).is_none() {
                let reason = match nearest(name, declared()) {
                    Some(near) => text!(
                        "the SELECT names this parameter, which is not declared; did you mean `{near}`?",
                        "le SELECT nomme ce paramètre, qui n'est pas déclaré ; vouliez-vous dire `{near}` ?"
                    ),
                    None => text!(
                        "the SELECT names this parameter, which is not declared: add [params.{name}]",
                        "le SELECT nomme ce paramètre, qui n'est pas déclaré : ajoutez [params.{name}]"
                    ),
                };
                faults.push(self.fault("view.parameter", Some(name), reason));
            }
        }
        for name in declared().filter(|name| !named.contains(*name)) {
            let reason = text!(
                "this parameter is declared, and the SELECT does not name `${name}`",
                "ce paramètre est déclaré, et le SELECT ne nomme pas `${name}`"
            );
            faults.push(self.fault("view.parameter", Some(name), reason));
        }
    }

    fn check_columns(&self, schema: &SchemaRef, faults: &mut Vec<Fault>) {
        let answered: Vec<&str> =
            schema.fields().iter().map(|field| field.name().as_str()).filter(|name| *name != COMMIT).collect();
        let declared: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        for name in answered.iter().filter(|name| !declared.contains(*name)) {
            let reason = text!(
                "the SELECT answers this column, which is not declared: add [columns.{name}]",
                "le SELECT répond cette colonne, qui n'est pas déclarée : ajoutez [columns.{name}]"
            );
            faults.push(self.fault("view.column", Some(name), reason));
        }
        for name in declared.iter().filter(|name| !answered.contains(*name)) {
            let reason = text!(
                "this column is declared, and the SELECT does not answer it",
                "cette colonne est déclarée, et le SELECT ne la répond pas"
            );
            faults.push(self.fault("view.column", Some(name), reason));
        }
        if faults.is_empty() && answered != declared {
            let order = answered.join(", ");
            let reason = text!(
                "the columns are declared in another order than that of the SELECT: {order}",
                "les colonnes sont déclarées dans un autre ordre que celui du SELECT : {order}"
            );
            faults.push(self.fault("view.column", None, reason));
        }
        let duplicate = answered.iter().enumerate().find(|(place, name)| answered[..*place].contains(name));
        if let Some((_, name)) = duplicate {
            let reason = text!("two columns have this name", "deux colonnes portent ce nom");
            faults.push(self.fault("view.column", Some(name), reason));
        }
        for field in schema.fields() {
            let Some(column) = self.column(field.name()) else { continue };
            let (is, says) = (type_name(field.data_type()), type_name(&column.data_type));
            // A column of NULL alone has every type.
            if is != says && *field.data_type() != DataType::Null {
                let reason = text!(
                    "the column is declared as {says}, and the SELECT answers {is}",
                    "la colonne est déclarée {says}, et le SELECT répond {is}"
                );
                faults.push(self.fault("view.column", Some(field.name()), reason));
            }
        }
        let has_commit = schema.column_with_name(COMMIT).is_some();
        if self.has_commit() != has_commit {
            let reason = match has_commit {
                true => text!(
                    "the SELECT answers `{COMMIT}`, which only views with [incremental] mode = \"append\" do",
                    "le SELECT répond `{COMMIT}`, ce que font seulement les vues [incremental] mode = \"append\""
                ),
                false => text!(
                    "mode = \"append\" needs the column `{COMMIT}` of the table in the SELECT",
                    "mode = \"append\" demande la colonne `{COMMIT}` de la table dans le SELECT"
                ),
            };
            faults.push(self.fault("view.incremental", None, reason));
        }
    }

    async fn check_incremental(&self, incremental: &Incremental, session: &Session, faults: &mut Vec<Fault>) {
        let columns = match session.columns(&incremental.table).await {
            Ok(columns) => columns,
            Err(error) => return faults.push(self.because("view.table", &error)),
        };
        let IncrementalMode::ChangedKeys(pairs) = &incremental.mode else { return };
        for (_, name) in pairs {
            if !columns.iter().any(|column| column.name == *name) {
                let table = &incremental.table;
                let reason = text!("table `{table}` has no such column", "la table `{table}` n'a pas cette colonne");
                faults.push(self.fault("view.incremental", Some(name), reason));
            }
        }
    }

    fn because(&self, code: &'static str, error: &Error) -> Fault {
        let of = |lang| error.message(lang).to_owned();
        self.fault(code, None, Text { en: of(crate::Lang::En), fr: of(crate::Lang::Fr) })
    }

    /// A fault of the SELECT.
    fn fault(&self, code: &'static str, value: Option<&str>, reason: Text) -> Fault {
        Fault {
            code,
            file: Arc::clone(&self.file),
            line: self.sql_line as u64,
            column: None,
            value: value.map(quoted),
            reason,
            hint: None,
        }
    }
}
