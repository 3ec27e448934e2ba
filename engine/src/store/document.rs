//! [`Document`]: a register whose versions are one JSON document, and how processes change it together.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Register;
use crate::{Error, ErrorKind, Result, text};

/// How often a change is tried while others write; a hundred writers at once need fewer.
const ATTEMPTS: u32 = 200;

/// A document of a register. Its JSON has a member `format`.
pub trait Document: Default + Clone + PartialEq + Serialize + DeserializeOwned {
    /// The form that this version writes, and the newest that it reads.
    const FORMAT: u32;
    /// What it is, in English and in French, for messages.
    const WHAT: (&'static str, &'static str);
}

impl Register {
    /// The newest version as a document, with its number; the default one and 0 when nothing was written yet.
    ///
    /// # Errors
    ///
    /// `Io` when the store cannot be reached, `Newer` or `Corrupt` when the document cannot be read.
    pub async fn read_document<D: Document>(&self) -> Result<(u64, D)> {
        match self.read().await? {
            Some(entry) => Ok((entry.version, parse(&entry.bytes)?)),
            None => Ok((0, D::default())),
        }
    }

    /// Changes the document. When another process writes at the same time, the change is made anew on what that one
    /// wrote, so nothing is lost; `pause` tells how long to wait before the next attempt. A change that changes nothing
    /// writes nothing.
    ///
    /// # Errors
    ///
    /// The error of the change, after which nothing is written; those of [`Register::read_document`]; `Conflict` when
    /// others write without a pause.
    pub async fn update_document<D: Document, T>(
        &self,
        pause: impl Fn(u32) -> Duration,
        mut change: impl FnMut(&mut D) -> Result<T>,
    ) -> Result<T> {
        for attempt in 0..ATTEMPTS {
            let (version, before) = self.read_document::<D>().await?;
            let mut after = before.clone();
            let result = change(&mut after)?;
            if after == before {
                return Ok(result);
            }
            let bytes =
                serde_json::to_vec(&after).map_err(|error| Error::bug("a register is no JSON").because(error))?;
            if self.write(version, bytes).await? {
                return Ok(result);
            }
            tokio::time::sleep(pause(attempt)).await;
        }
        let (en, fr) = D::WHAT;
        Err(Error::new(
            ErrorKind::Conflict,
            text!(
                "{en} are being changed by others without a pause; repeat the request",
                "{fr} : d'autres les modifient sans cesse ; recommencez"
            ),
        ))
    }
}

/// The form of a document, which is read before the rest.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

fn parse<D: Document>(bytes: &[u8]) -> Result<D> {
    let (en, fr) = D::WHAT;
    let damaged = |error: serde_json::Error| {
        let message = text!("a register of the store is damaged: {en}", "un registre du magasin est endommagé : {fr}");
        Error::new(ErrorKind::Corrupt, message).because(error)
    };
    let Head { format } = serde_json::from_slice(bytes).map_err(damaged)?;
    if format > D::FORMAT {
        return Err(Error::new(
            ErrorKind::Newer,
            text!(
                "a newer version of the program wrote a register of the store: {en}",
                "une version plus récente du programme a écrit un registre du magasin : {fr}"
            ),
        ));
    }
    serde_json::from_slice(bytes).map_err(damaged)
}
