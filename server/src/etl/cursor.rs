//! [`Cursor`]: where a page ends, as a text that a caller gives back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::ScalarValue;
use engine::view::View;
use engine::{Error, Text, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The end of a page: the key of its last row, in the snapshot from which all pages come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cursor {
    /// The snapshot.
    #[serde(rename = "s")]
    pub(crate) commit: u64,
    /// The time of the first page, which is `$now` of all.
    #[serde(rename = "n")]
    pub(crate) now: i64,
    /// What the pages are of: view, version, parameters.
    #[serde(rename = "q")]
    digest: String,
    /// Values of the key's columns.
    #[serde(rename = "k")]
    key: Vec<Value>,
}

impl Cursor {
    /// The cursor behind the last row of a batch; `None` for a batch without rows.
    pub(crate) fn behind(
        batch: &RecordBatch,
        view: &View,
        parameters: &Value,
        (commit, now): (u64, i64),
    ) -> Result<Option<Self>, Error> {
        let Some(last) = batch.num_rows().checked_sub(1) else { return Ok(None) };
        let mut key = Vec::new();
        for name in &view.key {
            let column = batch.column_by_name(name).ok_or_else(|| Error::bug(format!("no column `{name}`")))?;
            key.push(json_of(&ScalarValue::try_from_array(column, last).map_err(Error::from)?)?);
        }
        Ok(Some(Self { commit, now, digest: digest(view, parameters), key }))
    }

    /// The text that a caller gives back.
    pub(crate) fn text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    /// Reads a text that a caller gave.
    pub(crate) fn read(text: &str, view: &View, parameters: &Value) -> Result<Self, Text> {
        let no_cursor = || {
            text!(
                "it is no cursor of this server: take `next_cursor` of the page before",
                "ce n'est pas un curseur de ce serveur : prenez `next_cursor` de la page précédente"
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| no_cursor())?;
        let cursor: Self = serde_json::from_slice(&bytes).map_err(|_| no_cursor())?;
        if cursor.key.len() != view.key.len() {
            return Err(no_cursor());
        }
        if cursor.digest != digest(view, parameters) {
            return Err(text!(
                "it belongs to other parameters, or to another version of the view",
                "il appartient à d'autres paramètres, ou à une autre version de la vue"
            ));
        }
        Ok(cursor)
    }

    /// The values of the key with the types of the columns.
    pub(crate) fn key(&self, view: &View, schema: &SchemaRef) -> Result<Vec<ScalarValue>, Text> {
        let pairs = view.key.iter().zip(&self.key);
        let value = |(name, value): (&String, &Value)| {
            let field = schema.field_with_name(name).ok()?;
            scalar_of(value, field.data_type())
        };
        pairs
            .map(value)
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| text!("it does not fit the key of the view", "il ne correspond pas à la clé de la vue"))
    }
}

/// What pages must have in common.
fn digest(view: &View, parameters: &Value) -> String {
    let text = format!("{}\n{}\n{}\n{parameters}", view.name, view.version, view.sql);
    Sha256::digest(text.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

fn json_of(value: &ScalarValue) -> Result<Value, Error> {
    Ok(match value {
        ScalarValue::Int64(Some(number)) => (*number).into(),
        ScalarValue::Float64(Some(number)) => (*number).into(),
        ScalarValue::Boolean(Some(flag)) => (*flag).into(),
        ScalarValue::Utf8(Some(text)) | ScalarValue::LargeUtf8(Some(text)) | ScalarValue::Utf8View(Some(text)) => {
            text.as_str().into()
        }
        value if value.is_null() => return Err(Error::bug("a key has a NULL")),
        // Days and times go through their number.
        value => match value.cast_to(&DataType::Int64)? {
            ScalarValue::Int64(Some(number)) => number.into(),
            _ => return Err(Error::bug("a key has a type that pages cannot be cut by")),
        },
    })
}

fn scalar_of(value: &Value, data_type: &DataType) -> Option<ScalarValue> {
    let plain = match value {
        Value::Number(number) if data_type.is_floating() => ScalarValue::Float64(Some(number.as_f64()?)),
        Value::Number(number) => ScalarValue::Int64(Some(number.as_i64()?)),
        Value::String(text) => ScalarValue::Utf8(Some(text.clone())),
        Value::Bool(flag) => ScalarValue::Boolean(Some(*flag)),
        _ => return None,
    };
    plain.cast_to(data_type).ok()
}
