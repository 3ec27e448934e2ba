//! Dates and instants as RFC 3339 writes them, by arithmetic alone.
//!
//! RFC 3339 has four digits for the year, so that days before year 0 or after year 9999 have no written form.

/// Seconds of a day.
const DAY: i64 = 86_400;

/// Days from 1 March of year 0, where the eras of 400 years begin, to 1 January 1970.
const ERA_START: i64 = 719_468;

/// Days of 400 years.
const ERA: i64 = 146_097;

/// Days since 1970 of 0000-01-01 and 9999-12-31.
const WRITTEN_DAYS: std::ops::RangeInclusive<i64> = -719_528..=2_932_896;

/// Whether an instant lies so near to the written years that it has a form in some zone.
pub(super) fn is_near_written(seconds: i64) -> bool {
    // Offsets are shorter than a day.
    (WRITTEN_DAYS.start() - 1..=WRITTEN_DAYS.end() + 1).contains(&seconds.div_euclid(DAY))
}

/// Appends the date that lies `days` after 1970-01-01; `false` when it has no written form.
pub(super) fn push_date(days: i64, out: &mut Vec<u8>) -> bool {
    match date(days) {
        Some(text) => {
            out.extend_from_slice(&text);
            true
        }
        None => false,
    }
}

/// Appends an instant as the clocks of a zone show it: `offset` is what they are ahead of UTC, in seconds.
///
/// The fraction has 0, 3, 6 or 9 digits; `nanos` are below 1 000 000 000. `false` when there is no written form.
pub(super) fn push_instant(seconds: i64, nanos: u32, offset: i32, out: &mut Vec<u8>) -> bool {
    let Some(local) = seconds.checked_add(i64::from(offset)) else {
        return false;
    };
    let Some(date) = date(local.div_euclid(DAY)) else {
        return false;
    };
    // Below 86 400, so that no conversion cuts.
    let second = local.rem_euclid(DAY) as u32;
    let mut text = *b"0000-00-00T00:00:00";
    text[..10].copy_from_slice(&date);
    text[11..13].copy_from_slice(&two_digits(second / 3600));
    text[14..16].copy_from_slice(&two_digits(second / 60 % 60));
    text[17..].copy_from_slice(&two_digits(second % 60));
    out.extend_from_slice(&text);
    push_fraction(nanos, out);
    push_offset(offset, out);
    true
}

fn push_fraction(nanos: u32, out: &mut Vec<u8>) {
    if nanos == 0 {
        return;
    }
    let digits = match (nanos % 1_000_000, nanos % 1_000) {
        (0, _) => 3,
        (_, 0) => 6,
        _ => 9,
    };
    let mut text = *b".000000000";
    let mut rest = nanos;
    for digit in text[1..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&text[..=digits]);
}

/// `Z`, or hours and minutes; the local mean times of long ago, which have seconds, are rounded.
fn push_offset(offset: i32, out: &mut Vec<u8>) {
    if offset == 0 {
        out.push(b'Z');
        return;
    }
    let minutes = (offset.unsigned_abs() + 30) / 60;
    out.push(if offset < 0 { b'-' } else { b'+' });
    out.extend_from_slice(&two_digits(minutes / 60));
    out.push(b':');
    out.extend_from_slice(&two_digits(minutes % 60));
}

/// The text of a day. Years are counted from March, so that the day of leap years is the last one.
fn date(days: i64) -> Option<[u8; 10]> {
    if !WRITTEN_DAYS.contains(&days) {
        return None;
    }
    let shifted = days + ERA_START;
    // Below 146 097, so that no conversion cuts.
    let day_of_era = shifted.rem_euclid(ERA) as u32;
    // Leap days before this day: one in 4 years but not in 100, save in 400.
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March have 31, 30, 31, 30, 31 days and so on, 153 in five.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let (month, next_year) = if month_from_march < 10 { (month_from_march + 3, 0) } else { (month_from_march - 9, 1) };
    let year = (shifted.div_euclid(ERA) * 400 + i64::from(year_of_era) + next_year) as u32;
    let mut text = *b"0000-00-00";
    text[..2].copy_from_slice(&two_digits(year / 100));
    text[2..4].copy_from_slice(&two_digits(year % 100));
    text[5..7].copy_from_slice(&two_digits(month));
    text[8..].copy_from_slice(&two_digits(day));
    Some(text)
}

/// The digits of a number below 100.
fn two_digits(number: u32) -> [u8; 2] {
    [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn instant(seconds: i64, nanos: u32, offset: i32) -> Option<String> {
        let mut out = Vec::new();
        push_instant(seconds, nanos, offset, &mut out).then(|| String::from_utf8(out).unwrap())
    }

    #[rstest]
    #[case(0, 0, 0, "1970-01-01T00:00:00Z")]
    #[case(1_700_000_000, 0, 0, "2023-11-14T22:13:20Z")]
    #[case(951_782_400, 500_000_000, 0, "2000-02-29T00:00:00.500Z")]
    #[case(-1, 999_999_999, 0, "1969-12-31T23:59:59.999999999Z")]
    #[case(0, 1_000, 0, "1970-01-01T00:00:00.000001Z")]
    #[case(0, 0, 7_200, "1970-01-01T02:00:00+02:00")]
    #[case(0, 0, -12_600, "1969-12-31T20:30:00-03:30")]
    // Paris before 1911 was 9 minutes and 21 seconds ahead.
    #[case(-2_208_989_361, 0, 561, "1900-01-01T00:00:00+00:09")]
    #[case(253_402_300_799, 0, 0, "9999-12-31T23:59:59Z")]
    #[case(-62_167_219_200, 0, 0, "0000-01-01T00:00:00Z")]
    // Year 10000 in Greenwich is still year 9999 in the west.
    #[case(253_402_300_800, 0, -3_600, "9999-12-31T23:00:00-01:00")]
    fn instants_are_rfc_3339(#[case] seconds: i64, #[case] nanos: u32, #[case] offset: i32, #[case] expected: &str) {
        assert_eq!(instant(seconds, nanos, offset).as_deref(), Some(expected));
        assert!(is_near_written(seconds));
    }

    #[rstest]
    #[case(253_402_300_800, 0)]
    #[case(253_402_300_799, 1)]
    #[case(-62_167_219_201, 0)]
    #[case(i64::MAX, 1)]
    #[case(i64::MIN, -1)]
    fn other_years_have_no_form(#[case] seconds: i64, #[case] offset: i32) {
        assert_eq!(instant(seconds, 0, offset), None);
    }

    #[test]
    fn every_day_of_the_calendar_is_the_one_after_the_day_before() {
        let mut next = chrono::NaiveDate::from_ymd_opt(0, 1, 1);
        for days in WRITTEN_DAYS {
            let expected = next.unwrap();
            let mut out = Vec::new();
            assert!(push_date(days, &mut out));
            assert_eq!(String::from_utf8(out).unwrap(), expected.format("%Y-%m-%d").to_string());
            next = expected.succ_opt();
        }
        assert_eq!(next, chrono::NaiveDate::from_ymd_opt(10_000, 1, 1));
    }

    proptest! {
        #[test]
        fn instants_are_those_of_chrono(
            seconds in -62_167_219_200i64..=253_402_300_799,
            nanos in prop_oneof![Just(0u32), 0u32..1_000_000_000, (0u32..1_000).prop_map(|ms| ms * 1_000_000)],
        ) {
            let expected = chrono::DateTime::from_timestamp(seconds, nanos).unwrap();
            let expected = expected.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
            prop_assert_eq!(instant(seconds, nanos, 0), Some(expected));
        }
    }
}
