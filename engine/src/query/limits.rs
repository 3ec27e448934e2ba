//! What one session may cost.

use std::time::Duration;

use crate::error::Error;
use crate::query::settings::BATCH_ROWS;
use crate::{ErrorKind, text};

/// How many texts of the longest length the functions may make for one batch of rows.
const TEXTS_PER_BATCH: usize = 64;

/// Limits of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of DataFusion's memory pool.
    pub memory: usize,
    /// Bytes that sorts, joins and aggregates may put into temporary files when the memory is full; 0 forbids
    /// temporary files.
    pub spill: u64,
    /// Threads (partitions) of a query; 0 counts as 1.
    pub threads: usize,
    /// Longest text, in bytes, that one call of a function such as `repeat` may make.
    pub max_text: usize,
    /// Longest list, in elements, that one call of a function such as `range` may make.
    pub max_list: usize,
    /// Time from the call of [`query`](super::Session::query) to the last batch; `None` is without end.
    pub timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory: 1 << 30, spill: 8 << 30, threads: 2, max_text: 1 << 20, max_list: 1 << 20, timeout: None }
    }
}

impl Limits {
    /// What the functions of one session may make.
    pub(super) fn budget(&self) -> Budget {
        let max_batch = self.max_text.saturating_mul(TEXTS_PER_BATCH);
        Budget { max_text: self.max_text, max_list: self.max_list, max_batch }
    }
}

/// What the functions of one session may make: the part of [`Limits`] that travels into the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    /// Longest text, in bytes.
    pub(super) max_text: usize,
    /// Longest list, in elements.
    pub(super) max_list: usize,
    /// Bytes that one call may make for one batch of rows.
    pub(super) max_batch: usize,
}

impl Budget {
    /// Widest value, in bytes, that a whole batch of rows may repeat.
    pub(super) fn max_row(&self) -> usize {
        self.max_batch / BATCH_ROWS
    }

    /// The failure of a call that would make too long a text.
    pub(super) fn text_too_long(&self, function: &str, bytes: usize) -> Error {
        let limit = self.max_text;
        Error::new(
            ErrorKind::Limit,
            text!(
                "`{function}` would make a text of {bytes} bytes; the limit is {limit} bytes (`max_text`)",
                "`{function}` produirait un texte de {bytes} octets ; la limite est de {limit} octets (`max_text`)"
            ),
        )
    }

    /// The failure of a call that would make too long a list.
    pub(super) fn list_too_long(&self, function: &str, items: usize) -> Error {
        let limit = self.max_list;
        Error::new(
            ErrorKind::Limit,
            text!(
                "`{function}` would make a list of {items} elements; the limit is {limit} elements (`max_list`)",
                "`{function}` produirait une liste de {items} éléments ; la limite est de {limit} éléments (`max_list`)"
            ),
        )
    }

    /// The failure of a call that would make too much for one batch of rows.
    pub(super) fn batch_too_wide(&self, function: &str, bytes: usize) -> Error {
        let limit = self.max_batch;
        Error::new(
            ErrorKind::Limit,
            text!(
                "`{function}` would make {bytes} bytes for one batch of rows; the limit is {limit} bytes (64 × `max_text`): make shorter values or select fewer rows",
                "`{function}` produirait {bytes} octets pour un lot de lignes ; la limite est de {limit} octets (64 × `max_text`) : produisez des valeurs plus courtes ou choisissez moins de lignes"
            ),
        )
    }
}
