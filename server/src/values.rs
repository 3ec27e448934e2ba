//! Values as people write them: durations, sizes, moments, time zones, mappings, formats. Flags, settings and parameters
//! of requests are read alike.

use chrono_tz::Tz;
use engine::fault::nearest;
use engine::load::Format;
use engine::time::DayEdge;
use engine::{Text, text};

/// Seconds of `7d`, `12h`, `1d12h`, `90min`, `45s`; a bare number is seconds.
pub(crate) fn duration(value: &str) -> Result<i64, Text> {
    let wrong = || {
        text!(
            "\"{value}\" is not a duration; write a number with w, d, h, min or s, such as 7d or 1d12h",
            "\"{value}\" n'est pas une durée ; écrivez un nombre suivi de w, d, h, min ou s, par exemple 7d ou 1d12h"
        )
    };
    let mut rest = value.trim();
    let mut total: Option<i64> = None;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let factor = match unit.to_ascii_lowercase().as_str() {
            "w" => 7 * 86_400,
            "d" => 86_400,
            "h" => 3_600,
            "m" | "min" => 60,
            "s" => 1,
            // A bare number only stands alone: in `1d12` nobody knows twelve of what.
            "" if total.is_none() && tail.is_empty() => 1,
            _ => return Err(wrong()),
        };
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let seconds = number.checked_mul(factor).ok_or_else(wrong)?;
        total = Some(total.unwrap_or(0).checked_add(seconds).ok_or_else(wrong)?);
        rest = tail;
    }
    total.ok_or_else(wrong)
}

/// Bytes of `384MiB`, `1.5GiB`, `2G`, `500MB`; a bare number is bytes, K, M, G and T alone are binary.
pub(crate) fn size(value: &str) -> Result<usize, Text> {
    let wrong = || {
        text!(
            "\"{value}\" is not a size; write a number above 0 with KiB, MiB, GiB or TiB, such as 384MiB",
            "\"{value}\" n'est pas une taille ; écrivez un nombre positif suivi de KiB, MiB, GiB ou TiB, par exemple 384MiB"
        )
    };
    let value = value.trim();
    let split = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let (number, unit) = value.split_at(split);
    let factor: f64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" | "o" => 1.0,
        "k" | "kib" | "kio" => 1024.0,
        "m" | "mib" | "mio" => 1024.0 * 1024.0,
        "g" | "gib" | "gio" => 1024.0 * 1024.0 * 1024.0,
        "t" | "tib" | "tio" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "kb" | "ko" => 1e3,
        "mb" | "mo" => 1e6,
        "gb" | "go" => 1e9,
        "tb" | "to" => 1e12,
        _ => return Err(wrong()),
    };
    let bytes = number.parse::<f64>().map_err(|_| wrong())? * factor;
    // 2^53 bytes is more than any machine has, and every number below it is exact.
    if (1.0..=9_007_199_254_740_992.0).contains(&bytes) { Ok(bytes as usize) } else { Err(wrong()) }
}

/// The format of a load: `table:<name>`, `log`, `log-report`, `events`.
pub(crate) fn load_format(value: &str) -> Result<Format, Text> {
    match value {
        "log" => Ok(Format::Log),
        "log-report" => Ok(Format::LogReport),
        "events" => Ok(Format::Events),
        _ => match value.strip_prefix("table:") {
            Some(name) if !name.is_empty() => Ok(Format::Table(name.to_owned())),
            _ => Err(text!(
                "\"{value}\" is no format; choose table:<name>, log, log-report or events",
                "\"{value}\" n'est pas un format ; choisissez table:<nom>, log, log-report ou events"
            )),
        },
    }
}

/// A time zone by its name, such as `Europe/Paris` or `UTC`.
pub(crate) fn timezone(value: &str) -> Result<Tz, Text> {
    let found = chrono_tz::TZ_VARIANTS.iter().find(|zone| zone.name().eq_ignore_ascii_case(value));
    found.copied().ok_or_else(|| match nearest(value, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
        Some(near) => text!(
            "\"{value}\" is no time zone; did you mean {near}?",
            "\"{value}\" n'est pas un fuseau horaire ; vouliez-vous dire {near} ?"
        ),
        None => text!(
            "\"{value}\" is no time zone; write a name such as Europe/Paris or UTC",
            "\"{value}\" n'est pas un fuseau horaire ; écrivez un nom comme Europe/Paris ou UTC"
        ),
    })
}

/// One field separator: a single ASCII character, `tab` or `\t`.
pub(crate) fn delimiter(value: &str) -> Result<u8, Text> {
    match value.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err(text!(
            "\"{value}\" is no separator; write one ASCII character, or tab",
            "\"{value}\" n'est pas un séparateur ; écrivez un caractère ASCII, ou tab"
        )),
    }
}

/// Pairs (column of the log, column of the file) of `userid=user,timecreated=time`.
///
/// A piece without `=` belongs to the name before it, so that names of columns may hold commas.
pub(crate) fn mapping(value: &str) -> Result<Vec<(String, String)>, Text> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for piece in value.split(',') {
        match (piece.split_once('='), pairs.last_mut()) {
            (Some((log, file)), _) if !log.trim().is_empty() && !file.is_empty() => {
                pairs.push((log.trim().to_owned(), file.to_owned()));
            }
            (None, Some((_, file))) => {
                file.push(',');
                file.push_str(piece);
            }
            _ => {
                return Err(text!(
                    "\"{value}\" is no mapping; write <column of the log>=<column of the file>, such as userid=user",
                    "\"{value}\" n'est pas une correspondance ; écrivez <colonne du journal>=<colonne du fichier>, par exemple userid=user"
                ));
            }
        }
    }
    Ok(pairs)
}

/// A moment; a date is its first second, or its last one where a range ends.
pub(crate) fn moment(value: &str, zone: Tz, edge: DayEdge) -> Result<i64, Text> {
    engine::time::moment(value, zone, edge).ok_or_else(|| {
        text!(
            "write Unix seconds, a date such as 2024-01-31, or RFC 3339",
            "écrivez des secondes Unix, une date comme 2024-01-31, ou RFC 3339"
        )
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("7d", 604_800)]
    #[case("1d12h", 129_600)]
    #[case("2w", 1_209_600)]
    #[case("90min", 5_400)]
    #[case("5m", 300)]
    #[case("45s", 45)]
    #[case("0s", 0)]
    #[case("3600", 3_600)]
    #[case(" 1H ", 3_600)]
    fn durations(#[case] value: &str, #[case] seconds: i64) {
        assert_eq!(duration(value), Ok(seconds));
    }

    #[rstest]
    fn no_durations(
        #[values("", "d", "7", "-7d", "7 d", "1d12", "soon", "9223372036854775807w", "7dd", "1.5h", "é")] value: &str,
    ) {
        // A bare number is seconds, everything else in this list is refused.
        assert_eq!(duration(value).ok(), (value == "7").then_some(7));
    }

    #[rstest]
    #[case("384MiB", 402_653_184)]
    #[case("1.5GiB", 1_610_612_736)]
    #[case("2g", 2_147_483_648)]
    #[case("500MB", 500_000_000)]
    #[case("512 Mio", 536_870_912)]
    #[case("1024", 1024)]
    fn sizes(#[case] value: &str, #[case] bytes: usize) {
        assert_eq!(size(value), Ok(bytes));
    }

    #[rstest]
    fn no_sizes(
        #[values("", "0", "-1MiB", "MiB", "12 lots", "1e9", "1..5G", "99999999TiB", "NaN", "0.1")] value: &str,
    ) {
        assert!(size(value).is_err(), "{value}");
    }

    #[rstest]
    #[case("log", Some(Format::Log))]
    #[case("log-report", Some(Format::LogReport))]
    #[case("events", Some(Format::Events))]
    #[case("table:user", Some(Format::Table("user".to_owned())))]
    #[case("table:", None)]
    #[case("user", None)]
    fn formats(#[case] value: &str, #[case] format: Option<Format>) {
        assert_eq!(load_format(value).ok(), format);
    }

    #[test]
    fn time_zones_are_suggested() {
        assert_eq!(timezone("Europe/Paris"), Ok(Tz::Europe__Paris));
        assert_eq!(timezone("utc"), Ok(Tz::UTC));
        assert!(timezone("Europe/Pari").unwrap_err().en.contains("did you mean Europe/Paris?"));
    }

    #[rstest]
    #[case(";", Some(b';'))]
    #[case("tab", Some(b'\t'))]
    #[case("\\t", Some(b'\t'))]
    #[case("\"", None)]
    #[case("é", None)]
    #[case("", None)]
    fn delimiters(#[case] value: &str, #[case] byte: Option<u8>) {
        assert_eq!(delimiter(value).ok(), byte);
    }

    #[test]
    fn mappings_allow_commas_in_the_names_of_the_file() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(mapping("userid=user,timecreated=ts"), Ok(vec![pair("userid", "user"), pair("timecreated", "ts")]));
        assert_eq!(
            mapping("timecreated=Date, time,userid=u"),
            Ok(vec![pair("timecreated", "Date, time"), pair("userid", "u")])
        );
        assert_eq!(mapping("userid=a=b"), Ok(vec![pair("userid", "a=b")]));
        for wrong in ["", "userid", "=user", "userid=", ",userid=user"] {
            assert!(mapping(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(value in ".{0,20}") {
            let _ = (duration(&value), size(&value), load_format(&value), timezone(&value), delimiter(&value), mapping(&value));
        }
    }
}
