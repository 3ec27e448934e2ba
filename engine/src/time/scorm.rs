//! [`reported`]: the time that SCORM packages say a user has spent.

use std::collections::BTreeMap;

/// The element of the SCORM data model that a value belongs to. Other elements tell no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScormElement {
    /// `cmi.session_time`: the length of one sitting, written `PT1H2M3S`.
    SessionTime,
    /// `cmi.core_total_time`: the length of all sittings of an attempt, written `01:02:03.00`.
    TotalTime,
}

impl ScormElement {
    /// The element of this name, `None` when it tells no time.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "cmi.session_time" => Some(Self::SessionTime),
            "cmi.core_total_time" => Some(Self::TotalTime),
            _ => None,
        }
    }

    /// Whole seconds that a value of the element tells; the fraction is cut, texts of any other form count 0.
    ///
    /// A session time is `PT`, hours, `H`, minutes, `M`, seconds, where wanted a dot and digits, `S`: all three numbers
    /// have to be there. A total time is hours, minutes and seconds between colons, and a dot; what follows the dot
    /// does not count. Numbers have one digit or more; sums beyond `i64::MAX` are that.
    pub fn seconds(self, value: &str) -> i64 {
        match self {
            Self::SessionTime => session_time(value),
            Self::TotalTime => total_time(value),
        }
        .unwrap_or(0)
    }
}

/// A value that a package stored in an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScormValue {
    /// Number of the attempt, or any id that is its own.
    pub attempt: i64,
    /// What the value tells.
    pub element: ScormElement,
    /// The text as stored.
    pub value: String,
    /// When it was last changed, in Unix seconds.
    pub modified: i64,
}

/// Seconds reported by the values of one user in one SCORM activity, changed from `from` to `to`, both inclusive.
///
/// Per attempt the session times count; where it has none in the range, the total times of the range. `from` = 0 means
/// no lower bound. At most `i64::MAX`.
pub fn reported(values: &[ScormValue], from: i64, to: i64) -> i64 {
    let mut attempts: BTreeMap<i64, (Option<i64>, i64)> = BTreeMap::new();
    for value in values.iter().filter(|value| value.modified <= to && (from == 0 || value.modified >= from)) {
        let (sessions, total) = attempts.entry(value.attempt).or_default();
        let seconds = value.element.seconds(&value.value);
        match value.element {
            ScormElement::SessionTime => *sessions = Some(sessions.unwrap_or(0).saturating_add(seconds)),
            ScormElement::TotalTime => *total = total.saturating_add(seconds),
        }
    }
    attempts.values().map(|(sessions, total)| sessions.unwrap_or(*total)).fold(0, i64::saturating_add)
}

fn session_time(value: &str) -> Option<i64> {
    let (hours, rest) = value.strip_prefix("PT")?.split_once('H')?;
    let (minutes, rest) = rest.split_once('M')?;
    let seconds = rest.strip_suffix('S')?;
    let seconds = match seconds.split_once('.') {
        Some((whole, fraction)) => number(fraction).map(|_| whole)?,
        None => seconds,
    };
    sum(hours, minutes, seconds)
}

fn total_time(value: &str) -> Option<i64> {
    let (clock, _fraction) = value.split_once('.')?;
    let (hours, rest) = clock.split_once(':')?;
    let (minutes, seconds) = rest.split_once(':')?;
    sum(hours, minutes, seconds)
}

fn sum(hours: &str, minutes: &str, seconds: &str) -> Option<i64> {
    let (hours, minutes) = (number(hours)?.saturating_mul(3600), number(minutes)?.saturating_mul(60));
    Some(hours.saturating_add(minutes).saturating_add(number(seconds)?))
}

/// A number of ASCII digits, at most `i64::MAX`.
fn number(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::ScormElement::{SessionTime, TotalTime};
    use super::*;

    fn value(attempt: i64, element: ScormElement, value: &str, modified: i64) -> ScormValue {
        ScormValue { attempt, element, value: value.to_owned(), modified }
    }

    #[test]
    fn only_the_stated_forms_count() {
        for (text, seconds) in [
            ("PT0H10M30S", 630),
            ("PT1H2M3.25S", 3723),
            ("PT100H00M00S", 360_000),
            ("PT1H2M3.S", 0),
            ("PT10M30S", 0),
            ("PT1H2M", 0),
            ("P0DT1H2M3S", 0),
            ("PT-1H2M3S", 0),
            ("PT1H2M3S ", 0),
            ("pt1h2m3s", 0),
            ("01:02:03.00", 0),
            ("10:00", 0),
            ("", 0),
            ("PT99999999999999999999H0M0S", i64::MAX),
            ("PT9223372036854775807H59M59S", i64::MAX),
        ] {
            assert_eq!(SessionTime.seconds(text), seconds, "{text}");
        }
        for (text, seconds) in [
            ("00:01:40.50", 100),
            ("01:00:00.00", 3600),
            ("0001:00:00.", 3600),
            ("01:00:00", 0),
            ("00:40.5", 0),
            ("1:2:3:4.0", 0),
            ("é:00:01.0", 0),
            ("PT1H2M3.25S", 0),
        ] {
            assert_eq!(TotalTime.seconds(text), seconds, "{text}");
        }
    }

    /// The values of the recorded case `scorm-time`: three activities, of which the reference raised two.
    #[test]
    fn the_recorded_case_is_explained() {
        let first = [
            value(1, SessionTime, "PT0H10M30S", 1_704_099_800),
            value(1, SessionTime, "PT1H2M3.25S", 1_704_099_850),
            value(2, SessionTime, "10:00", 1_704_099_860),
        ];
        assert_eq!(reported(&first, 0, 1_717_200_000), 4353, "measured 300, raised to 4353");
        assert_eq!(reported(&first, 1_704_099_600, 1_704_099_820), 630, "measured 900, left");
        let second = [value(3, TotalTime, "00:01:40.50", 1_704_100_000)];
        assert_eq!(reported(&second, 0, 1_717_200_000), 100, "measured 340, left");
        let third = [value(4, TotalTime, "01:00:00.00", 1_704_100_500)];
        assert_eq!(reported(&third, 0, 1_717_200_000), 3600, "measured 300, raised to 3600");
    }

    #[test]
    fn totals_count_where_an_attempt_has_no_session_time_in_the_range() {
        let values = [
            value(1, TotalTime, "10:00:00.0", 100),
            value(1, SessionTime, "PT0H0M5S", 200),
            value(2, TotalTime, "00:01:00.0", 150),
        ];
        assert_eq!(reported(&values, 0, 300), 5 + 60);
        assert_eq!(reported(&values, 100, 199), 36_000 + 60, "both bounds belong to the range");
        assert_eq!(reported(&values, 151, 200), 5);
        assert_eq!(reported(&values, 201, 300), 0);
        assert_eq!(reported(&[], 0, 300), 0);
    }

    #[test]
    fn a_session_time_of_another_form_still_hides_the_total() {
        let values = [value(1, SessionTime, "a while", 100), value(1, TotalTime, "00:01:00.0", 100)];
        assert_eq!(reported(&values, 0, 100), 0);
    }

    #[test]
    fn elements_have_names() {
        assert_eq!(ScormElement::from_name("cmi.session_time"), Some(SessionTime));
        assert_eq!(ScormElement::from_name("cmi.core_total_time"), Some(TotalTime));
        assert_eq!(ScormElement::from_name("cmi.score.raw"), None);
    }
}
