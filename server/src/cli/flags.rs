//! Values of flags that clap does not know.
//!
//! They are read when the command runs, because only then the language of the operator is known.

use engine::{Text, text};

use super::exit::Failure;
pub(crate) use crate::values::*;

/// Applies a parser to the value of a flag, and names the flag in the failure.
pub(crate) fn parse<T>(
    flag: &str,
    value: Option<&str>,
    parser: impl FnOnce(&str) -> Result<T, Text>,
) -> Result<Option<T>, Failure> {
    let Some(value) = value else { return Ok(None) };
    parser(value).map(Some).map_err(|reason| {
        let Text { en, fr } = reason;
        Failure::Usage(text!("`--{flag}`: {en}", "`--{flag}` : {fr}"))
    })
}
