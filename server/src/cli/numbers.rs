//! Numbers for people: groups of three digits, sizes, durations.

pub(crate) use crate::answers::instant;

use engine::Lang;

/// Between groups of digits in French: the narrow space that breaks no line.
const FRENCH_GROUP: char = '\u{202f}';

/// `95626` as `95,626` or `95 626`.
pub(crate) fn count(number: u64, lang: Lang) -> String {
    let group = match lang {
        Lang::En => ',',
        Lang::Fr => FRENCH_GROUP,
    };
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 2);
    for (idx, digit) in digits.chars().enumerate() {
        if idx > 0 && (digits.len() - idx).is_multiple_of(3) {
            text.push(group);
        }
        text.push(digit);
    }
    text
}

/// Like [`count`], for numbers that SQL gives as signed.
pub(crate) fn signed(number: i64, lang: Lang) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", count(number.unsigned_abs(), lang))
}

/// A number with so many decimals, with the mark of the language.
pub(crate) fn decimal(number: f64, decimals: usize, lang: Lang) -> String {
    let text = format!("{number:.decimals$}");
    match lang {
        Lang::En => text,
        Lang::Fr => text.replace('.', ","),
    }
}

/// Bytes with one decimal in the largest binary unit that fits: `1.5 MiB`, in French `1,5 Mio`.
pub(crate) fn size(bytes: u64, lang: Lang) -> String {
    let (suffix, byte) = match lang {
        Lang::En => ("iB", "B"),
        Lang::Fr => ("io", "o"),
    };
    if bytes < 1024 {
        return format!("{bytes} {byte}");
    }
    let mut value = bytes as f64;
    let mut unit = ' ';
    for next in ['K', 'M', 'G', 'T', 'P', 'E'] {
        if value < 1023.95 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    format!("{} {unit}{suffix}", decimal(value, 1, lang))
}

/// Seconds as hours, minutes and seconds: `937 h 13 min 30 s`; the same in both languages but for the digits.
pub(crate) fn duration(seconds: i64, lang: Lang) -> String {
    let total = seconds.unsigned_abs();
    let sign = if seconds < 0 { "-" } else { "" };
    let (hours, minutes, seconds) = (total / 3600, total / 60 % 60, total % 60);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds} s"),
        (0, _) => format!("{sign}{minutes} min {seconds:02} s"),
        _ => format!("{sign}{} h {minutes:02} min {seconds:02} s", count(hours, lang)),
    }
}

/// Rows per second, of a time that may be too short to measure.
pub(crate) fn rate(rows: u64, seconds: f64) -> u64 {
    (rows as f64 / seconds.max(0.001)) as u64
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(0, "0", "0")]
    #[case(999, "999", "999")]
    #[case(1000, "1,000", "1\u{202f}000")]
    #[case(1_234_567, "1,234,567", "1\u{202f}234\u{202f}567")]
    fn counts_are_grouped(#[case] number: u64, #[case] en: &str, #[case] fr: &str) {
        assert_eq!((count(number, Lang::En), count(number, Lang::Fr)), (en.to_owned(), fr.to_owned()));
    }

    #[rstest]
    #[case(0, "0 B", "0 o")]
    #[case(1023, "1023 B", "1023 o")]
    #[case(1024, "1.0 KiB", "1,0 Kio")]
    #[case(1_572_864, "1.5 MiB", "1,5 Mio")]
    #[case(1_048_575, "1.0 MiB", "1,0 Mio")]
    #[case(u64::MAX, "16.0 EiB", "16,0 Eio")]
    fn sizes_use_the_largest_unit(#[case] bytes: u64, #[case] en: &str, #[case] fr: &str) {
        assert_eq!((size(bytes, Lang::En), size(bytes, Lang::Fr)), (en.to_owned(), fr.to_owned()));
    }

    #[rstest]
    #[case(0, "0 s")]
    #[case(59, "59 s")]
    #[case(61, "1 min 01 s")]
    #[case(3600, "1 h 00 min 00 s")]
    #[case(3_374_010, "937 h 13 min 30 s")]
    #[case(-61, "-1 min 01 s")]
    fn durations_read_as_people_say_them(#[case] seconds: i64, #[case] text: &str) {
        assert_eq!(duration(seconds, Lang::En), text);
    }

    #[test]
    fn instants_are_utc() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(i64::MAX), i64::MAX.to_string());
    }
}
