//! Texts that may be a figure or the words of a person, such as what a SCORM package keeps.

/// Most digits before the point of a number: scores have no more, and numbers of students have.
const DIGITS: usize = 3;

/// Words of status in SCORM 1.2 and 2004.
const WORDS: [&str; 13] = [
    "ab-initio",
    "browsed",
    "completed",
    "credit",
    "failed",
    "incomplete",
    "logout",
    "no-credit",
    "normal",
    "not attempted",
    "passed",
    "resume",
    "unknown",
];

/// Whether a text is a duration, a number of at most three digits before its point, or a word of status.
pub(super) fn is_measure(text: &str) -> bool {
    let text = text.trim();
    WORDS.contains(&text) || is_number(text) || is_clock(text) || is_iso_duration(text)
}

fn is_digits(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    match text.split_once('.') {
        Some((whole, fraction)) => is_digits(whole, DIGITS) && is_digits(fraction, 7),
        None => is_digits(text, DIGITS),
    }
}

/// `01:02:03.00`, as SCORM 1.2 writes durations.
fn is_clock(text: &str) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    let [hours, minutes, seconds] = parts.as_slice() else { return false };
    let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    is_digits(hours, 4) && is_digits(minutes, 2) && is_digits(whole, 2) && is_digits(fraction, 7)
}

/// `PT1H2M3.5S`, as SCORM 2004 writes durations: each number has at most six digits before its unit.
fn is_iso_duration(text: &str) -> bool {
    let Some(rest) = text.strip_prefix('P').filter(|rest| rest.contains(|c: char| c.is_ascii_digit())) else {
        return false;
    };
    rest.split_inclusive(|c: char| "YMDTHS".contains(c)).all(|piece| {
        let number = piece.strip_suffix(['Y', 'M', 'D', 'H', 'S']).unwrap_or_default();
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        piece == "T" || (is_digits(whole, 6) && is_digits(fraction, 7))
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("PT1H2M3S")]
    #[case("PT90.25S")]
    #[case("P1DT2H")]
    #[case("PT0S")]
    #[case("01:02:03")]
    #[case("0001:02:03.00")]
    #[case("85")]
    #[case("100.00000")]
    #[case("-0.5")]
    #[case("completed")]
    #[case(" not attempted ")]
    fn figures_stay(#[case] text: &str) {
        assert!(is_measure(text), "{text}");
    }

    #[rstest]
    #[case("")]
    #[case("Curie, Marie")]
    #[case("mcurie")]
    #[case("20231234")]
    #[case("1234")]
    #[case("P")]
    #[case("PT")]
    #[case("Paul")]
    #[case("P12345678S")]
    #[case("P2023")]
    #[case("PTMarieS")]
    #[case("PT1.2.3S")]
    #[case("10.0.0.1")]
    #[case("01:02")]
    #[case("01:02:Marie")]
    #[case("1:2:3:4")]
    #[case("--1")]
    #[case("completed by Marie")]
    #[case("٣")]
    fn words_of_people_go(#[case] text: &str) {
        assert!(!is_measure(text), "{text}");
    }
}
