//! A view as JSON, for catalogues.

use engine::view::{IncrementalMode, ParamSpec, View, type_name};
use engine::{Lang, Text};
use serde_json::{Map, Value, json};

/// What a reader has to know of a view; texts in both languages.
pub(crate) fn view_json(view: &View) -> Value {
    let incremental = view.incremental.as_ref().map(|incremental| {
        let (mode, columns) = match &incremental.mode {
            IncrementalMode::Append => ("append", Value::Null),
            IncrementalMode::ChangedKeys(pairs) => {
                let pairs: Map<String, Value> = pairs.iter().map(|(of, from)| (of.clone(), json!(from))).collect();
                ("changed_keys", Value::Object(pairs))
            }
        };
        json!({ "table": incremental.table, "mode": mode, "columns": columns })
    });
    let columns: Vec<Value> = view
        .columns
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": type_name(&column.data_type),
                "unit": column.unit,
                "personal": column.personal.word(),
                "key": view.key.contains(&column.name),
                "doc": both(&column.doc),
            })
        })
        .collect();
    json!({
        "name": view.name,
        "version": view.version,
        "title": both(&view.title),
        "description": both(&view.description),
        "parameters": view.params.iter().map(param_json).collect::<Vec<_>>(),
        "key": view.key,
        "columns": columns,
        "incremental": incremental,
        "time_column": view.time_column,
        "extracts": view.extracts,
        "limits": {
            "timeout_seconds": view.limits.timeout.map(|timeout| timeout.as_secs()),
            "max_rows": view.limits.max_rows,
        },
    })
}

fn param_json(param: &ParamSpec) -> Value {
    let value = |value: &Option<engine::view::ParamValue>| value.as_ref().map(|value| value.json(param.kind));
    let item = |value: &Option<engine::view::ParamValue>| value.as_ref().map(|value| value.json(param.kind.item()));
    json!({
        "name": param.name,
        "type": param.kind.word(),
        "required": param.required,
        "default": value(&param.default),
        "min": item(&param.min),
        "max": item(&param.max),
        "min_length": param.min_length,
        "max_length": param.max_length,
        "values": param.values.iter().map(|value| value.json(param.kind.item())).collect::<Vec<_>>(),
        "pattern": param.pattern.as_ref().map(|pattern| pattern.as_str()),
        "help": param.help.as_ref().map(both),
    })
}

fn both(text: &Text) -> Value {
    json!({ "en": text.get(Lang::En), "fr": text.get(Lang::Fr) })
}
