//! [`BackwardTime`]: time credited to the later row, as the distributed functions of block_use_stats sum it up.
//!
//! It is another computation than that of tracks: no credit for a last hit, no rule for logins and grading events, no
//! modules left out. A gap belongs to the row that ends it, and a gap of the threshold or more belongs to nobody.

use foldhash::fast::FixedState;
use hashbrown::HashMap;

use super::hit::Hit;
use super::seconds::Seconds;

/// The sums of one user's rows.
#[derive(Debug, Clone)]
pub struct BackwardTime {
    /// Time of the row before, in Unix seconds; of the start of the range before the first row.
    before: i64,
    threshold: i64,
    rows: u64,
    total: i64,
    courses: Shares,
    activities: Shares,
}

impl BackwardTime {
    /// No row yet, in a range that starts at `from` (Unix seconds). The first row ends a gap that began there.
    pub fn new(from: i64, threshold: Seconds) -> Self {
        let shares = Shares::default();
        Self {
            before: from,
            threshold: threshold.get(),
            rows: 0,
            total: 0,
            courses: shares.clone(),
            activities: shares,
        }
    }

    /// Takes the next row of the user, in ascending order of (time, id).
    #[inline]
    pub fn push(&mut self, hit: &Hit) {
        let gap = hit.time.saturating_sub(self.before);
        (self.before, self.rows) = (hit.time, self.rows.saturating_add(1));
        if gap >= self.threshold {
            return;
        }
        self.total = self.total.saturating_add(gap);
        self.courses.add(hit.course, gap);
        if hit.place.cm != 0 {
            self.activities.add(hit.place.cm, gap);
        }
    }

    /// Number of rows, those after too long a gap included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Sum of all gaps below the threshold, in seconds. Courses share in less: each lacks its first gap.
    pub fn total(&self) -> i64 {
        self.total
    }

    /// Courses with their seconds, in order of appearance; 0 stands for rows outside of courses. A course whose rows
    /// all follow too long gaps does not appear.
    pub fn courses(&self) -> &[(i64, i64)] {
        &self.courses.rows
    }

    /// Activities (course-module ids) with their seconds, by the same rule as courses.
    pub fn activities(&self) -> &[(i64, i64)] {
        &self.activities.rows
    }
}

/// Seconds by key, in order of appearance.
#[derive(Debug, Clone, Default)]
struct Shares {
    rows: Vec<(i64, i64)>,
    places: HashMap<i64, usize, FixedState>,
}

impl Shares {
    /// Adds the gap to its key; the first gap of a key makes the entry only, with nothing in it.
    #[inline]
    fn add(&mut self, key: i64, gap: i64) {
        match self.places.get(&key).and_then(|place| self.rows.get_mut(*place)) {
            Some((_, seconds)) => *seconds = seconds.saturating_add(gap),
            None => {
                self.places.insert(key, self.rows.len());
                self.rows.push((key, 0));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::{Action, ModuleId, Place};

    fn hit(time: i64, course: i64, cm: i64) -> Hit {
        Hit { id: time, time, course, action: Action::Other, place: Place { module: ModuleId::COURSE, cm } }
    }

    fn fold(from: i64, threshold: i64, hits: &[Hit]) -> BackwardTime {
        let mut time = BackwardTime::new(from, Seconds::try_new(threshold).unwrap());
        hits.iter().for_each(|hit| time.push(hit));
        time
    }

    #[test]
    fn a_gap_belongs_to_the_row_that_ends_it() {
        // Gaps: 10 (makes course 2), 20 (course 2), 30 (makes course 3), 40 (course 2).
        let time = fold(100, 3600, &[hit(110, 2, 0), hit(130, 2, 0), hit(160, 3, 0), hit(200, 2, 0)]);
        assert_eq!((time.rows(), time.total()), (4, 100));
        assert_eq!(time.courses(), [(2, 60), (3, 0)]);
        assert!(time.activities().is_empty());
    }

    #[test]
    fn a_gap_of_the_threshold_counts_nowhere() {
        let time = fold(0, 100, &[hit(5000, 2, 0), hit(5099, 2, 0), hit(5199, 2, 0), hit(5250, 2, 0)]);
        // The first row is far from the start and the third exactly the threshold away; the second makes the entry.
        assert_eq!((time.total(), time.courses()), (99 + 51, [(2, 51)].as_slice()));
    }

    #[test]
    fn an_activity_has_a_first_row_of_its_own() {
        let rows = [hit(0, 2, 0), hit(60, 2, 7), hit(100, 2, 7), hit(110, 2, 8), hit(150, 3, 7)];
        let time = fold(0, 3600, &rows);
        assert_eq!(time.activities(), [(7, 80), (8, 0)]);
        assert_eq!(time.courses(), [(2, 110), (3, 0)]);
    }

    #[test]
    fn no_row_and_no_threshold_are_nothing() {
        assert_eq!(fold(0, 3600, &[]).rows(), 0);
        let ties = fold(5, 0, &[hit(5, 2, 0), hit(5, 2, 0)]);
        assert_eq!((ties.rows(), ties.total(), ties.courses().len()), (2, 0, 0));
        let far = fold(i64::MIN, 3600, &[hit(i64::MAX, 2, 0)]);
        assert_eq!((far.rows(), far.total()), (1, 0));
    }

    proptest! {
        /// What courses lack is the gap before the first counted row of each, and activities are parts of the total.
        #[test]
        fn courses_and_their_first_gaps_are_the_total(
            steps in prop::collection::vec((0_i64..200, 0_i64..4, 0_i64..3), 0..40),
            threshold in 0_i64..150,
        ) {
            let mut now = 1000;
            let mut first: Vec<i64> = Vec::new();
            let mut lacking = 0;
            let mut hits = Vec::new();
            for (gap, course, cm) in steps {
                now += gap;
                hits.push(hit(now, course, cm));
                if gap < threshold && !first.contains(&course) {
                    first.push(course);
                    lacking += gap;
                }
            }
            let time = fold(1000, threshold, &hits);
            let sum = |rows: &[(i64, i64)]| rows.iter().map(|(_, seconds)| *seconds).sum::<i64>();
            prop_assert_eq!(sum(time.courses()) + lacking, time.total());
            prop_assert_eq!(time.courses().iter().map(|(course, _)| *course).collect::<Vec<_>>(), first);
            prop_assert!(sum(time.activities()) <= time.total());
        }
    }
}
