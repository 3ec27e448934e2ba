//! [`GapRule`]: when a gap ends a session.

use super::policy::Boundary;
use super::seconds::Seconds;

/// The gap rule alone: how long a gap between two hits must be to open a new session.
///
/// Threshold and boundary in one number, so that the test in the inner loop is a single comparison. Two ways to write
/// the same rule are equal: `> 899` and `>= 900`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GapRule {
    /// Shortest gap, in seconds, that opens a session; at most 2^63, hence unsigned.
    break_gap: u64,
}

impl GapRule {
    /// The rule of a threshold and its boundary.
    pub fn new(threshold: Seconds, boundary: Boundary) -> Self {
        let threshold = threshold.get().unsigned_abs();
        Self {
            break_gap: match boundary {
                Boundary::Longer => threshold + 1,
                Boundary::LongerOrEqual => threshold,
            },
        }
    }

    /// Whether a hit at `time` continues a session whose last hit was at `end`. False for a hit before `end`.
    #[inline]
    pub fn continues(self, end: i64, time: i64) -> bool {
        time >= end && time.wrapping_sub(end).cast_unsigned() < self.break_gap
    }

    /// Whether a session that starts at `start` comes after one that ends at `end`, with a break between them.
    #[inline]
    pub fn separates(self, end: i64, start: i64) -> bool {
        start >= end && start.wrapping_sub(end).cast_unsigned() >= self.break_gap
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boundary_decides_the_gap_that_equals_the_threshold() {
        let longer = GapRule::new(Seconds::HOUR, Boundary::Longer);
        assert!(longer.continues(0, 3600) && !longer.continues(0, 3601));
        let longer_or_equal = GapRule::new(Seconds::HOUR, Boundary::LongerOrEqual);
        assert!(longer_or_equal.continues(0, 3599) && !longer_or_equal.continues(0, 3600));
    }

    #[test]
    fn no_time_and_no_threshold_overflows() {
        let longest = GapRule::new(Seconds::MAX, Boundary::Longer);
        assert!(longest.continues(0, i64::MAX));
        assert!(longest.continues(-1, i64::MAX - 1));
        assert!(!longest.continues(-1, i64::MAX), "this gap is 2^63 s, one more than the threshold");
        assert!(!longest.continues(i64::MAX, i64::MIN), "a hit before the end never continues");
        assert!(longest.separates(i64::MIN, i64::MAX));
    }

    #[test]
    fn threshold_zero_joins_the_same_second_or_nothing() {
        let longer = GapRule::new(Seconds::ZERO, Boundary::Longer);
        assert!(longer.continues(5, 5) && !longer.continues(5, 6));
        let longer_or_equal = GapRule::new(Seconds::ZERO, Boundary::LongerOrEqual);
        assert!(!longer_or_equal.continues(5, 5) && longer_or_equal.separates(5, 5));
    }
}
