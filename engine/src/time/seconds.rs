//! [`Seconds`]: a length of time.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// A length of time in whole seconds, never negative.
///
/// Moments are plain `i64` Unix seconds; lengths are `Seconds`, so that the two cannot be mixed up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seconds(i64);

impl Seconds {
    /// No time at all.
    pub const ZERO: Self = Self(0);
    /// 3,600 seconds.
    pub const HOUR: Self = Self(3600);
    /// The longest length that can be told; longer ones are shortened to it.
    pub const MAX: Self = Self(i64::MAX);

    /// A length of this many seconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] when the number is negative.
    pub fn try_new(seconds: i64) -> Result<Self> {
        if seconds < 0 {
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "a length of time is 0 seconds or more, not {seconds}",
                    "une durée est de 0 seconde ou plus, pas de {seconds}"
                ),
            ));
        }
        Ok(Self(seconds))
    }

    /// The length between two moments; zero when the second is not after the first.
    pub fn between(from: i64, to: i64) -> Self {
        Self(to.saturating_sub(from).max(0))
    }

    /// The number of seconds, 0 or more.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// Half of it; the half second of an odd length is dropped.
    #[must_use]
    pub const fn half(self) -> Self {
        Self(self.0 / 2)
    }

    /// The sum of two lengths, at most [`Seconds::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_lengths_are_refused_in_both_languages() {
        let error = Seconds::try_new(-5).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert_eq!(error.message(crate::Lang::En), "a length of time is 0 seconds or more, not -5");
        assert_eq!(error.message(crate::Lang::Fr), "une durée est de 0 seconde ou plus, pas de -5");
    }

    #[test]
    fn arithmetic_stays_in_range() {
        assert_eq!(Seconds::between(i64::MIN, i64::MAX), Seconds::MAX);
        assert_eq!(Seconds::between(i64::MAX, i64::MIN), Seconds::ZERO);
        assert_eq!(Seconds::MAX.saturating_add(Seconds::HOUR), Seconds::MAX);
        assert_eq!(Seconds::try_new(901).unwrap().half().get(), 450);
    }
}
