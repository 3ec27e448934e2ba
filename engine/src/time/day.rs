//! [`cut`]: the parts of a session on each day of a time zone.

use chrono::{DateTime, Offset, TimeZone};
use chrono_tz::Tz;

use crate::error::{Error, ErrorKind, Result};

/// Seconds of a day without a change of clocks.
const DAY: i64 = 86_400;

/// Longest session that is cut, in seconds: 36,525 days, a century.
const MAX_ELAPSED: i64 = 36_525 * DAY;

/// Time beyond which the offset of a zone is taken to be that of this moment, in Unix seconds: 200,000 years.
const FAR: i64 = 200_000 * 365 * DAY;

/// Where the days of a session end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DayRule {
    /// At the moments at which the local date changes: every part lies within one local date, of 23 or 25 hours too.
    #[default]
    LocalMidnight,
    /// At the first midnight as if no clock changed, then every 24 hours, as report_trainingsessions 4.1.0 cuts:
    /// behind a change of clocks within the session the cuts are an hour beside midnight.
    Fixed24h,
}

/// A part of a session that lies on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DayPart {
    /// Its beginning, in Unix seconds.
    pub start: i64,
    /// Its end, in Unix seconds, exclusive: the start of the next part, where there is one.
    pub end: i64,
    /// Its length in seconds, `end` less `start`, at least 1.
    pub elapsed: i64,
}

/// The parts of a session that starts at a Unix time and lasts `elapsed` seconds, in order and without holes.
///
/// A session of no or negative length has no part. Their lengths add up to `elapsed`.
///
/// # Errors
///
/// [`ErrorKind::Limit`] when it lasts more than 36,525 days, or ends after the last second that can be told.
pub fn cut(start: i64, elapsed: i64, zone: Tz, rule: DayRule) -> Result<Vec<DayPart>> {
    let end = start.checked_add(elapsed.max(0)).filter(|_| elapsed <= MAX_ELAPSED).ok_or_else(|| too_long(elapsed))?;
    let mut parts = Vec::new();
    let mut from = start;
    while from < end {
        let next = match rule {
            DayRule::Fixed24h if from > start => from.saturating_add(DAY),
            DayRule::Fixed24h => clock_midnight(from, zone),
            DayRule::LocalMidnight => next_date(from, zone),
        };
        let to = next.min(end);
        parts.push(DayPart { start: from, end: to, elapsed: to - from });
        from = to;
    }
    Ok(parts)
}

/// The local date of a Unix time, as days since 1970-01-01; negative before it.
pub fn day_of(time: i64, zone: Tz) -> i64 {
    time.saturating_add(offset(time, zone)).div_euclid(DAY)
}

fn too_long(elapsed: i64) -> Error {
    Error::new(
        ErrorKind::Limit,
        crate::text!(
            "a session of {elapsed} seconds cannot be cut into days: it lasts more than 36525 days, or ends after the last second that can be told",
            "une session de {elapsed} secondes ne peut être découpée en jours : elle dure plus de 36525 jours, ou finit après la dernière seconde exprimable"
        ),
    )
}

/// Local time less UTC, in seconds.
fn offset(time: i64, zone: Tz) -> i64 {
    DateTime::from_timestamp(time.clamp(-FAR, FAR), 0)
        .map_or(0, |time| i64::from(zone.offset_from_utc_datetime(&time.naive_utc()).fix().local_minus_utc()))
}

/// The end of the local day if no clock changes until then.
fn clock_midnight(time: i64, zone: Tz) -> i64 {
    let clock = time.saturating_add(offset(time, zone)).rem_euclid(DAY);
    time.saturating_add(DAY - clock)
}

/// The first moment after `time` at which the local date is another one.
///
/// A date may begin after midnight (clocks that go forward at midnight), contain it twice (back at 01:00), or be left
/// and entered again (back at 00:01): then each stay is a part of its own. Two changes of clocks within one day that
/// cancel each other are not seen; no zone has had any.
pub(super) fn next_date(time: i64, zone: Tz) -> i64 {
    let date = day_of(time, zone);
    let mut from = time;
    loop {
        let midnight = clock_midnight(from, zone);
        let moment = change(from, midnight, zone).unwrap_or(midnight);
        if moment <= from || day_of(moment, zone) != date {
            return moment;
        }
        from = moment;
    }
}

/// The moment in `from + 1 ..= to` at which the clocks change, `None` when they show the same offset at both ends.
fn change(from: i64, to: i64, zone: Tz) -> Option<i64> {
    let before = offset(from, zone);
    if offset(to, zone) == before {
        return None;
    }
    let (mut same, mut changed) = (from, to);
    while changed - same > 1 {
        let middle = same + (changed - same) / 2;
        if offset(middle, zone) == before { same = middle } else { changed = middle }
    }
    Some(changed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::{Africa, America, Europe, Pacific};
    use serde_json::Value;

    fn utc(text: &str) -> i64 {
        chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap().and_utc().timestamp()
    }

    /// The starts of the parts of a session from one UTC minute to another.
    fn starts(from: &str, to: &str, zone: Tz) -> Vec<i64> {
        let (from, to) = (utc(from), utc(to));
        let parts = cut(from, to - from, zone, DayRule::LocalMidnight).unwrap();
        assert_eq!(parts.iter().map(|part| part.elapsed).sum::<i64>(), to - from);
        for part in &parts {
            assert_eq!(part.end - part.start, part.elapsed);
            assert_eq!(day_of(part.start, zone), day_of(part.end - 1, zone), "{part:?}");
        }
        assert!(parts.windows(2).all(|pair| pair[0].end == pair[1].start));
        parts.iter().map(|part| part.start).collect()
    }

    fn all(times: &[&str]) -> Vec<i64> {
        times.iter().map(|time| utc(time)).collect()
    }

    #[test]
    fn days_of_24_hours_are_those_of_the_report() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/use-stats/report-day-split");
        let read = |name: &str| -> Value {
            serde_json::from_slice(&std::fs::read(format!("{folder}/{name}")).unwrap()).unwrap()
        };
        let (case, expected) = (read("case.json"), read("expected.json"));
        let mut compared = 0;
        for (request, result) in
            case["requests"].as_array().unwrap().iter().zip(expected["results"].as_array().unwrap())
        {
            let zone: Tz = request["timezone"].as_str().unwrap().parse().unwrap();
            let sessions = request["sessions"].as_array().unwrap();
            assert_eq!(sessions.len(), result["parts"].as_array().unwrap().len());
            for (session, parts) in sessions.iter().zip(result["parts"].as_array().unwrap()) {
                let start = session["sessionstart"].as_i64().unwrap();
                let ours = cut(start, session["elapsed"].as_i64().unwrap(), zone, DayRule::Fixed24h).unwrap();
                let ours: Vec<[i64; 3]> = ours.iter().map(|part| [part.start, part.end, part.elapsed]).collect();
                assert_eq!(serde_json::to_value(ours).unwrap(), *parts, "{zone} {session}");
                compared += 1;
            }
        }
        assert_eq!(compared, 36);
    }

    #[test]
    fn change_days_in_paris_have_23_and_25_hours() {
        let spring = starts("2024-03-30 22:00", "2024-04-01 00:00", Europe::Paris);
        assert_eq!(spring, all(&["2024-03-30 22:00", "2024-03-30 23:00", "2024-03-31 22:00"]));
        let autumn = starts("2024-10-26 21:00", "2024-10-28 01:00", Europe::Paris);
        assert_eq!(autumn, all(&["2024-10-26 21:00", "2024-10-26 22:00", "2024-10-27 23:00"]));
    }

    #[test]
    fn a_day_without_midnight_starts_when_the_clocks_change() {
        // São Paulo, 2018-11-04: 23:59:59 at UTC−3 is followed by 01:00 at UTC−2.
        let spring = starts("2018-11-04 02:00", "2018-11-05 03:00", America::Sao_Paulo);
        assert_eq!(spring, all(&["2018-11-04 02:00", "2018-11-04 03:00", "2018-11-05 02:00"]));
        // Cairo, Friday 2023-04-28: 23:59:59 at UTC+2 is followed by 01:00 at UTC+3.
        let cairo = starts("2023-04-27 21:00", "2023-04-28 22:00", Africa::Cairo);
        assert_eq!(cairo, all(&["2023-04-27 21:00", "2023-04-27 22:00", "2023-04-28 21:00"]));
    }

    #[test]
    fn an_hour_before_midnight_that_comes_twice_is_one_day() {
        // São Paulo, 2019-02-16: midnight at UTC−2 becomes 23:00 at UTC−3 of the same date.
        let autumn = starts("2019-02-17 01:00", "2019-02-17 04:00", America::Sao_Paulo);
        assert_eq!(autumn, all(&["2019-02-17 01:00", "2019-02-17 03:00"]));
        // Cairo, 2023-10-26: midnight at UTC+3 becomes 23:00 at UTC+2 of the same date.
        let cairo = starts("2023-10-26 20:00", "2023-10-26 23:00", Africa::Cairo);
        assert_eq!(cairo, all(&["2023-10-26 20:00", "2023-10-26 22:00"]));
    }

    #[test]
    fn midnight_that_comes_twice_starts_one_day() {
        // Havana, 2018-11-04: 01:00 at UTC−4 becomes 00:00 at UTC−5.
        let havana = starts("2018-11-04 03:00", "2018-11-05 06:00", America::Havana);
        assert_eq!(havana, all(&["2018-11-04 03:00", "2018-11-04 04:00", "2018-11-05 05:00"]));
    }

    #[test]
    fn a_date_that_is_left_and_entered_again_has_two_parts() {
        // Saint John's, 2010-11-07: 00:01 at UTC−2:30 becomes 23:01 of the day before, at UTC−3:30.
        let johns = starts("2010-11-07 02:00", "2010-11-07 04:00", America::St_Johns);
        assert_eq!(johns, all(&["2010-11-07 02:00", "2010-11-07 02:30", "2010-11-07 02:31", "2010-11-07 03:30"]));
    }

    #[test]
    fn a_date_that_a_zone_left_out_has_no_part() {
        // Apia went from the end of 2011-12-29, UTC−10, to 2011-12-31, UTC+14.
        let apia = starts("2011-12-30 09:00", "2011-12-30 11:00", Pacific::Apia);
        assert_eq!(apia, all(&["2011-12-30 09:00", "2011-12-30 10:00"]));
        let day = |text| day_of(utc(text), Pacific::Apia);
        assert_eq!(day("2011-12-30 10:00") - day("2011-12-30 09:00"), 2);
    }

    #[test]
    fn dates_count_from_1970() {
        assert_eq!(day_of(0, Tz::UTC), 0);
        assert_eq!(day_of(-1, Tz::UTC), -1);
        assert_eq!(day_of(86_399, Tz::UTC), 0);
        assert_eq!(day_of(86_400 - 3600, Europe::Paris), 1);
        assert_eq!(day_of(3600, America::Havana), -1);
    }

    #[test]
    fn absurd_sessions_are_refused_and_empty_ones_have_no_part() {
        for rule in [DayRule::LocalMidnight, DayRule::Fixed24h] {
            for (start, elapsed) in [(0, 0), (0, -1), (i64::MAX, 0), (i64::MIN, i64::MIN)] {
                assert_eq!(cut(start, elapsed, Europe::Paris, rule).unwrap(), []);
            }
            for (start, elapsed) in [(0, MAX_ELAPSED + 1), (0, i64::MAX), (i64::MIN, i64::MAX), (i64::MAX, 1)] {
                assert_eq!(cut(start, elapsed, Europe::Paris, rule).unwrap_err().kind(), ErrorKind::Limit);
            }
            assert_eq!(cut(0, MAX_ELAPSED, Tz::UTC, rule).unwrap().len(), 36_525);
            for start in [i64::MIN, i64::MAX - 200_000] {
                let parts = cut(start, 200_000, Europe::Paris, rule).unwrap();
                assert_eq!(parts.iter().map(|part| part.elapsed).sum::<i64>(), 200_000);
            }
        }
    }
}
