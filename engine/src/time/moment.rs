//! [`moment`]: times as people write them.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Which second a date without a time means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DayEdge {
    /// The first second of the day.
    #[default]
    First,
    /// The last second of the day.
    Last,
}

/// A moment in Unix seconds: a number of them, RFC 3339, a local time such as `2024-01-31 08:30:00`, or a local date.
/// `None` for anything else.
///
/// A local time that the clocks show twice is the earlier one; one that they skip is none.
pub fn moment(text: &str, zone: Tz, edge: DayEdge) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Some(moment.timestamp());
    }
    if let Some(date) = date(text) {
        return match edge {
            DayEdge::First => midnight(date, zone),
            DayEdge::Last => midnight(date.succ_opt()?, zone).map(|next| next - 1),
        };
    }
    let local = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
        .iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())?;
    zone.from_local_datetime(&local).earliest().map(|moment| moment.timestamp())
}

/// Whether a text is a date without a time.
pub fn is_date(text: &str) -> bool {
    date(text.trim()).is_some()
}

fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

/// The first second of a local day; it begins after midnight where the clocks are put forward then.
fn midnight(date: NaiveDate, zone: Tz) -> Option<i64> {
    let mut local = date.and_hms_opt(0, 0, 0)?;
    for _ in 0..24 {
        if let Some(moment) = zone.from_local_datetime(&local).earliest() {
            return Some(moment.timestamp());
        }
        local = local.checked_add_signed(TimeDelta::minutes(15))?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_whole_local_days() {
        let paris = Tz::Europe__Paris;
        assert_eq!(moment("2024-01-01", paris, DayEdge::First), Some(1_704_063_600));
        assert_eq!(moment("2024-01-01", paris, DayEdge::Last), Some(1_704_149_999));
        assert_eq!(moment(" 2024-01-01 00:00 ", paris, DayEdge::Last), Some(1_704_063_600));
        assert_eq!(moment("2024-01-01T00:00:00Z", paris, DayEdge::Last), Some(1_704_067_200));
        assert_eq!(moment("-5", paris, DayEdge::First), Some(-5));
        // In São Paulo this day began at 01:00.
        assert_eq!(moment("2018-11-04", Tz::America__Sao_Paulo, DayEdge::First), Some(1_541_300_400));
        assert!(is_date("2024-02-29") && !is_date("2024-02-30") && !is_date("1704063600"));
        for text in ["31/12/2024", "soon", "", "2024-13-01", "2024-03-31 02:30:00"] {
            assert_eq!(moment(text, paris, DayEdge::First), None, "{text}");
        }
    }
}
