//! A consumer as JSON; its key is in no document.

use serde_json::{Value, json};

use super::instant;
use crate::etl::Instance;

/// What an operator has to know of an instance.
pub(crate) fn instance_json(instance: &Instance) -> Value {
    let mut value = serde_json::to_value(&instance.settings).unwrap_or_default();
    if let Some(members) = value.as_object_mut() {
        members.insert("name".to_owned(), json!(instance.name));
        members.insert("declared".to_owned(), json!(instance.declared));
        members.insert("created_at".to_owned(), json!(instant(instance.created_at)));
        let paused = instance.paused.as_ref();
        let paused = paused.map(|pause| json!({ "at": instant(pause.at), "reason": pause.reason }));
        members.insert("paused".to_owned(), json!(paused));
    }
    value
}
