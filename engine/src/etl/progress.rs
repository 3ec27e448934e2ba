//! [`Progress`]: how far one consumer has come with one view. Pure: times, commits and limits are arguments.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::store::Document;
use crate::{Error, ErrorKind, Result, text};

/// Most acknowledged batches that are remembered.
const MAX_HISTORY: usize = 1_000;

/// Most resets that are remembered.
const MAX_RESETS: usize = 100;

/// Digits of a batch's name.
const ID_BYTES: usize = 12;

/// How far one consumer has come with one view.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Version of this form.
    format: u32,
    /// The consumer has the rows of all commits up to this one; 0 before the first acknowledgement.
    pub mark: u64,
    /// Unix seconds at which the mark was set; `None` for the beginning.
    #[serde(default)]
    pub marked_at: Option<i64>,
    /// How often the store had been brought back to an older state when the mark was set.
    #[serde(default)]
    pub restores: u64,
    /// How often the mark was set by hand.
    #[serde(default)]
    pub reset_count: u64,
    /// The batch that waits for its acknowledgement.
    #[serde(default)]
    pub open: Option<Batch>,
    /// Acknowledged batches, the newest first.
    #[serde(default)]
    pub history: Vec<Batch>,
    /// Marks that were set by hand, the newest first.
    #[serde(default)]
    pub resets: Vec<Reset>,
}

/// Rows of the commits after one and up to another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Name.
    pub id: String,
    /// The last commit that is not in it.
    pub after: u64,
    /// The last commit that is in it, and the snapshot that its rows are computed from.
    pub upto: u64,
    /// Unix seconds of the first pull, which is `$now` in all pulls of it.
    pub opened_at: i64,
    /// How often the store had been brought back to an older state.
    #[serde(default)]
    pub restores: u64,
    /// Values of the view's parameters.
    #[serde(default)]
    pub parameters: Map<String, Value>,
    /// Version of the view.
    pub view_version: u32,
    /// Unix seconds of the acknowledgement.
    #[serde(default)]
    pub acknowledged_at: Option<i64>,
}

/// A mark that somebody set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// Unix seconds.
    pub at: i64,
    /// Why.
    pub reason: String,
    /// The mark before.
    pub from: u64,
    /// The mark after.
    pub to: u64,
}

/// Where the store is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The newest commit.
    pub commit: u64,
    /// The newest commit with rows of the table that the view counts by.
    pub changed: u64,
    /// How often an older state was brought back.
    pub restores: u64,
}

/// What a new batch is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBatch<'a> {
    /// Name of the consumer.
    pub instance: &'a str,
    /// Name of the view.
    pub view: &'a str,
    /// Version of the view.
    pub view_version: u32,
    /// Values of its parameters.
    pub parameters: Map<String, Value>,
    /// Unix seconds.
    pub now: i64,
}

/// What a pull finds.
#[derive(Debug, Clone, PartialEq)]
pub enum Opened {
    /// The open batch, be it new or not.
    Batch(Batch),
    /// The consumer has everything up to the newest commit.
    Nothing,
}

/// The answer to an acknowledgement, which is the same when it is repeated.
#[derive(Debug, Clone, PartialEq)]
pub struct Acknowledged {
    /// The batch.
    pub batch: Batch,
    /// Whether it was acknowledged before.
    pub again: bool,
}

impl Document for Progress {
    const FORMAT: u32 = 1;
    const WHAT: (&'static str, &'static str) = ("the marks of a consumer", "les marques d'un consommateur");
}

impl Default for Progress {
    fn default() -> Self {
        Self {
            format: Self::FORMAT,
            mark: 0,
            marked_at: None,
            restores: 0,
            reset_count: 0,
            open: None,
            history: Vec::new(),
            resets: Vec::new(),
        }
    }
}

impl Progress {
    /// The open batch, or a new one when commits came since the mark.
    ///
    /// # Errors
    ///
    /// `Conflict` when an older state was brought back since the mark was set: rows that the consumer has may be gone,
    /// and rows that it once had may be back, so somebody has to decide.
    pub fn open(&mut self, at: Position, new: NewBatch<'_>) -> Result<Opened> {
        if let Some(open) = &self.open {
            return Ok(Opened::Batch(open.clone()));
        }
        if self.mark == 0 {
            self.restores = at.restores;
        } else if self.restores != at.restores {
            let mark = self.mark;
            return Err(Error::new(
                ErrorKind::Conflict,
                text!(
                    "an older state of the store was brought back after commit {mark}, up to which this consumer has all rows; reset the view for it (`assidu instance reset`), and load its copy anew",
                    "un état antérieur du magasin a été rétabli après la validation {mark}, jusqu'à laquelle ce consommateur a toutes les lignes ; réinitialisez la vue pour lui (`assidu instance reset`), et rechargez sa copie"
                ),
            ));
        }
        if at.changed <= self.mark {
            return Ok(Opened::Nothing);
        }
        let batch = Batch {
            id: self.id_of(&new, at.commit),
            after: self.mark,
            upto: at.commit,
            opened_at: new.now,
            restores: at.restores,
            parameters: new.parameters,
            view_version: new.view_version,
            acknowledged_at: None,
        };
        self.open = Some(batch.clone());
        Ok(Opened::Batch(batch))
    }

    /// Acknowledges a batch: the consumer has its rows. A repeated call answers the same and changes nothing.
    ///
    /// `replay` is how many seconds acknowledged batches are kept for replay.
    ///
    /// # Errors
    ///
    /// `NotFound` for a batch that is not open and was not acknowledged of late.
    pub fn acknowledge(&mut self, id: &str, now: i64, replay: i64) -> Result<Acknowledged> {
        if let Some(known) = self.history.iter().find(|batch| batch.id == id) {
            return Ok(Acknowledged { batch: known.clone(), again: true });
        }
        let Some(mut batch) = self.open.take_if(|open| open.id == id) else { return Err(no_batch(id)) };
        batch.acknowledged_at = Some(now);
        (self.mark, self.marked_at, self.restores) = (batch.upto, Some(now), batch.restores);
        self.history.retain(|old| old.is_replayable(now, replay));
        self.history.insert(0, batch.clone());
        self.history.truncate(MAX_HISTORY);
        Ok(Acknowledged { batch, again: false })
    }

    /// Sets the mark: the next batch has the rows after commit `to` (0: all rows). An open batch is given up.
    pub fn reset(&mut self, to: u64, reason: &str, now: i64, restores: u64) {
        let reset = Reset { at: now, reason: reason.to_owned(), from: self.mark, to };
        self.resets.insert(0, reset);
        self.resets.truncate(MAX_RESETS);
        (self.mark, self.marked_at, self.restores, self.open) = (to, Some(now), restores, None);
        self.reset_count += 1;
    }

    /// The batch of this name, open or acknowledged.
    ///
    /// # Errors
    ///
    /// `NotFound` when it is not known any more.
    pub fn batch(&self, id: &str) -> Result<&Batch> {
        self.open.iter().chain(&self.history).find(|batch| batch.id == id).ok_or_else(|| no_batch(id))
    }

    /// Commits whose snapshots a pull may still need.
    pub fn pinned(&self, now: i64, replay: i64) -> impl Iterator<Item = u64> {
        let replayable = self.history.iter().filter(move |batch| batch.is_replayable(now, replay));
        self.open.iter().chain(replayable).map(|batch| batch.upto)
    }

    /// A name that says nothing, the same for the same rows of the same consumer.
    fn id_of(&self, new: &NewBatch<'_>, upto: u64) -> String {
        let NewBatch { instance, view, view_version, parameters, .. } = new;
        let parameters = Value::Object(parameters.clone());
        let (after, resets) = (self.mark, self.reset_count);
        let text = format!("{instance}\n{view}\n{view_version}\n{parameters}\n{after}\n{upto}\n{resets}");
        let digest = Sha256::digest(text.as_bytes());
        digest.iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Batch {
    /// Whether it is still kept for replay.
    pub fn is_replayable(&self, now: i64, replay: i64) -> bool {
        self.acknowledged_at.is_none_or(|at| at.saturating_add(replay) >= now)
    }
}

fn no_batch(id: &str) -> Error {
    let id = crate::fault::quoted(id);
    Error::new(
        ErrorKind::NotFound,
        text!(
            "there is no batch \"{id}\": it never was, was reset, or is older than batches are kept",
            "il n'y a pas de lot « {id} » : il n'a jamais existé, a été réinitialisé, ou est plus vieux que la conservation des lots"
        ),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn new(now: i64) -> NewBatch<'static> {
        NewBatch { instance: "erp", view: "actions", view_version: 1, parameters: Map::new(), now }
    }

    fn at(commit: u64) -> Position {
        Position { commit, changed: commit, restores: 0 }
    }

    fn opened(progress: &mut Progress, position: Position) -> Batch {
        match progress.open(position, new(5)).unwrap() {
            Opened::Batch(batch) => batch,
            Opened::Nothing => panic!("nothing to pull"),
        }
    }

    #[test]
    fn a_batch_stays_the_same_until_it_is_acknowledged() {
        let mut progress = Progress::default();
        let first = opened(&mut progress, at(3));
        assert_eq!((first.after, first.upto), (0, 3));
        assert_eq!(opened(&mut progress, at(9)), first, "later commits wait");
        assert!(!progress.acknowledge(&first.id, 10, 60).unwrap().again);
        assert!(progress.acknowledge(&first.id, 11, 60).unwrap().again);
        assert_eq!(progress.mark, 3);
        let second = opened(&mut progress, at(9));
        assert_eq!((second.after, second.upto), (3, 9));
        assert_ne!(second.id, first.id);
        assert_eq!(progress.acknowledge("x", 12, 60).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn commits_of_other_tables_open_nothing() {
        let mut progress = Progress::default();
        let first = opened(&mut progress, at(3));
        progress.acknowledge(&first.id, 10, 60).unwrap();
        let position = Position { commit: 8, changed: 3, restores: 0 };
        assert_eq!(progress.open(position, new(11)).unwrap(), Opened::Nothing);
    }

    #[test]
    fn a_reset_gives_the_open_batch_up_and_says_why() {
        let mut progress = Progress::default();
        let first = opened(&mut progress, at(3));
        progress.reset(0, "the warehouse was emptied", 20, 0);
        let again = opened(&mut progress, at(3));
        assert_ne!(first.id, again.id, "an acknowledgement of the old one must not move the new mark");
        assert_eq!(progress.resets[0].reason, "the warehouse was emptied");
        assert_eq!(progress.acknowledge(&first.id, 21, 60).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn an_older_state_of_the_store_asks_for_a_decision() {
        let mut progress = Progress::default();
        let first = opened(&mut progress, at(3));
        progress.acknowledge(&first.id, 10, 60).unwrap();
        let restored = Position { commit: 9, changed: 9, restores: 1 };
        assert_eq!(progress.open(restored, new(11)).unwrap_err().kind(), ErrorKind::Conflict);
        progress.reset(0, "after a restore", 12, 1);
        assert_eq!(opened(&mut progress, restored).after, 0);
    }

    #[test]
    fn snapshots_are_pinned_as_long_as_a_batch_may_be_pulled() {
        let mut progress = Progress::default();
        let first = opened(&mut progress, at(3));
        assert_eq!(progress.pinned(1_000_000, 60).collect::<Vec<_>>(), [3]);
        progress.acknowledge(&first.id, 10, 60).unwrap();
        assert_eq!(progress.pinned(70, 60).collect::<Vec<_>>(), [3]);
        assert_eq!(progress.pinned(71, 60).count(), 0);
    }

    proptest! {
        /// Whatever happens in whatever order: acknowledged windows follow each other without gap and overlap.
        #[test]
        fn acknowledged_windows_tile_the_commits(steps in prop::collection::vec((0u8..4, 1u64..4), 1..60)) {
            let mut progress = Progress::default();
            let (mut commit, mut acknowledged) = (0u64, Vec::new());
            for (step, amount) in steps {
                match step {
                    0 => commit += amount,
                    1 => { progress.open(at(commit), new(5)).unwrap(); }
                    _ => {
                        if let Some(open) = progress.open.clone() {
                            let answer = progress.acknowledge(&open.id, 6, 60).unwrap();
                            acknowledged.push((answer.batch.after, answer.batch.upto));
                            prop_assert!(progress.acknowledge(&open.id, 7, 60).unwrap().again);
                        }
                    }
                }
            }
            let mut last = 0;
            for (after, upto) in acknowledged {
                prop_assert_eq!(after, last);
                prop_assert!(upto > after);
                last = upto;
            }
            prop_assert_eq!(progress.mark, last);
        }
    }
}
