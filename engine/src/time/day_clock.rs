//! [`DayClock`]: local days, fast for times that lie close together.

use chrono_tz::Tz;

use super::day::{day_of, next_date};

/// Most days that one lap is cut into; the rest stays with the last day.
const MAX_CUTS: usize = 400;

/// The local days of a time zone. It remembers the last day, so that following times cost a comparison.
#[derive(Debug, Clone)]
pub struct DayClock {
    zone: Tz,
    /// Unix seconds of a stretch of the remembered day, up to its end; empty at first.
    start: i64,
    end: i64,
    day: i32,
}

impl DayClock {
    /// A clock for a time zone.
    pub fn new(zone: Tz) -> Self {
        Self { zone, start: 0, end: 0, day: 0 }
    }

    /// The local day of a time, in days since 1970-01-01.
    #[inline]
    pub fn day(&mut self, time: i64) -> i32 {
        if time < self.start || time >= self.end {
            self.locate(time);
        }
        self.day
    }

    /// The local day that holds all of `elapsed` seconds from `time` on; `None` when a midnight lies between.
    #[inline]
    pub fn within(&mut self, time: i64, elapsed: i64) -> Option<i32> {
        let day = self.day(time);
        (time.saturating_add(elapsed.max(0)) <= self.end).then_some(day)
    }

    /// Cuts `elapsed` seconds from `time` on at local midnights, and calls with the day and the seconds of each part.
    /// A length of 0 or less is one part.
    #[inline]
    pub fn cut(&mut self, time: i64, elapsed: i64, mut part: impl FnMut(i32, i64)) {
        let (mut from, end) = (time, time.saturating_add(elapsed.max(0)));
        let day = self.day(from);
        if end <= self.end {
            part(day, elapsed);
            return;
        }
        for _ in 0..MAX_CUTS {
            let day = self.day(from);
            if end <= self.end || self.end <= from {
                break;
            }
            part(day, self.end - from);
            from = self.end;
        }
        if from < end {
            let day = self.day(from);
            part(day, end - from);
        }
    }

    fn locate(&mut self, time: i64) {
        let day = day_of(time, self.zone);
        self.day = i32::try_from(day).unwrap_or(if day < 0 { i32::MIN } else { i32::MAX });
        // What lies before in the same day is found again; times mostly ascend.
        (self.start, self.end) = (time, next_date(time, self.zone));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(zone: Tz, time: i64, elapsed: i64) -> Vec<(i32, i64)> {
        let mut parts = Vec::new();
        DayClock::new(zone).cut(time, elapsed, |day, seconds| parts.push((day, seconds)));
        parts
    }

    #[test]
    fn a_lap_is_cut_at_local_midnight() {
        // 2024-01-01 23:50 in Paris is 22:50 UTC.
        assert_eq!(parts(Tz::Europe__Paris, 1_704_149_400, 1200), [(19_723, 600), (19_724, 600)]);
        assert_eq!(parts(Tz::UTC, 1_704_149_400, 1200), [(19_723, 1200)]);
        assert_eq!(parts(Tz::UTC, 1_704_153_600, 0), [(19_724, 0)]);
        assert_eq!(parts(Tz::UTC, 1_704_153_599, 86_402), [(19_723, 1), (19_724, 86_400), (19_725, 1)]);
        assert_eq!(parts(Tz::UTC, 1_704_153_599, -5), [(19_723, -5)]);
    }

    #[test]
    fn days_of_23_and_25_hours() {
        // Europe/Paris, 2024-03-31 00:00 is 1711839600 and 2024-10-27 00:00 is 1729980000.
        assert_eq!(parts(Tz::Europe__Paris, 1_711_839_600, 23 * 3600), [(19_813, 23 * 3600)]);
        assert_eq!(parts(Tz::Europe__Paris, 1_711_839_600, 24 * 3600), [(19_813, 23 * 3600), (19_814, 3600)]);
        assert_eq!(parts(Tz::Europe__Paris, 1_729_980_000, 25 * 3600), [(20_023, 25 * 3600)]);
    }

    #[test]
    fn a_day_without_midnight_begins_when_the_clock_goes_on() {
        // America/Sao_Paulo, 2018-11-04: 00:00 became 01:00 at 1541300400.
        assert_eq!(parts(Tz::America__Sao_Paulo, 1_541_300_399, 2), [(17_838, 1), (17_839, 1)]);
    }

    #[test]
    fn the_ends_of_time_do_not_panic() {
        for time in [i64::MIN, i64::MAX, i64::MAX - 1] {
            let total: i64 = parts(Tz::Europe__Paris, time, 10).iter().map(|part| part.1).sum();
            assert!(total <= 10);
        }
    }
}
