//! How far a consumer has come with a view, as JSON.

use engine::etl::{Batch, Progress, REPLAY_SECONDS};
use serde_json::{Value, json};

use super::instant;

/// The progress of a consumer with a view.
pub(crate) fn progress_json(view: &str, progress: &Progress, now: i64, with_history: bool) -> Value {
    let batch = |batch: &Batch| {
        json!({
            "batch": batch.id,
            "after": batch.after,
            "upto": batch.upto,
            "opened_at": instant(batch.opened_at),
            "acknowledged_at": batch.acknowledged_at.map(instant),
            "parameters": batch.parameters,
            "view_version": batch.view_version,
        })
    };
    let mut value = json!({
        "view": view,
        "mark": progress.mark,
        "marked_at": progress.marked_at.map(instant),
        "open": progress.open.as_ref().map(batch),
    });
    if let (true, Some(members)) = (with_history, value.as_object_mut()) {
        let kept = progress.history.iter().filter(|batch| batch.is_replayable(now, REPLAY_SECONDS));
        members.insert("acknowledged".to_owned(), kept.map(batch).collect());
        let resets = progress.resets.iter().map(
            |reset| json!({ "at": instant(reset.at), "reason": reset.reason, "from": reset.from, "to": reset.to }),
        );
        members.insert("resets".to_owned(), resets.collect());
    }
    value
}
