//! Which format an answer has: the suffix of the path, then `format=`, then `Accept`.

use axum::http::{HeaderMap, header};
use engine::fault::{nearest, quoted};
use engine::{Text, text};

use crate::encode::Format;
use crate::http::preferences;

/// Formats of data over HTTP.
pub(crate) const DATA_FORMATS: [Format; 6] =
    [Format::Json, Format::Ndjson, Format::Xml, Format::Csv, Format::Parquet, Format::Arrow];

/// A name and the suffix behind its last dot.
pub(crate) fn split_suffix(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((name, suffix)) => (name, Some(suffix)),
        None => (name, None),
    }
}

/// Why there is no format.
pub(crate) enum NoFormat {
    /// The suffix or the parameter names none.
    Unknown(Text),
    /// The caller accepts none of ours.
    NotAcceptable,
}

/// The format that a caller gets, of those that are allowed.
pub(crate) fn negotiate(
    suffix: Option<&str>,
    parameter: Option<&str>,
    headers: &HeaderMap,
    allowed: &[Format],
) -> Result<Format, NoFormat> {
    if let Some(name) = suffix.or(parameter) {
        let known = allowed.iter().copied().find(|format| format.name().eq_ignore_ascii_case(name));
        return known.ok_or_else(|| NoFormat::Unknown(unknown(name, allowed)));
    }
    let wanted = preferences(headers, header::ACCEPT);
    if wanted.is_empty() {
        return allowed.first().copied().ok_or(NoFormat::NotAcceptable);
    }
    let weight = |format: Format| {
        let of = |(kind, weight): &(String, u16)| match kind.as_str() {
            "*/*" => Some((0, *weight)),
            "text/*" if matches!(format, Format::Csv) => Some((1, *weight)),
            "application/*" if !matches!(format, Format::Csv) => Some((1, *weight)),
            kind => (Format::from_media_type(kind) == Some(format)).then_some((2, *weight)),
        };
        // The most precise range that speaks of the format decides.
        wanted.iter().filter_map(of).max_by_key(|(precision, _)| *precision).map_or(0, |(_, weight)| weight)
    };
    let mut best: Option<(Format, u16)> = None;
    for format in allowed.iter().copied() {
        let weight = weight(format);
        if weight > 0 && best.is_none_or(|(_, known)| weight > known) {
            best = Some((format, weight));
        }
    }
    best.map(|(format, _)| format).ok_or(NoFormat::NotAcceptable)
}

fn unknown(name: &str, allowed: &[Format]) -> Text {
    let all = allowed.iter().map(|format| format.name()).collect::<Vec<_>>().join(", ");
    let near = nearest(name, allowed.iter().map(|format| format.name()));
    let name = quoted(name);
    match near {
        Some(near) => text!(
            "\"{name}\" is none of {all}; did you mean `{near}`?",
            "« {name} » n'est pas dans {all} ; vouliez-vous dire `{near}` ?"
        ),
        None => text!("\"{name}\" is none of {all}", "« {name} » n'est pas dans {all}"),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use rstest::rstest;

    use super::*;

    fn chosen(suffix: Option<&str>, parameter: Option<&str>, accept: Option<&'static str>) -> Option<Format> {
        let mut headers = HeaderMap::new();
        if let Some(accept) = accept {
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        }
        negotiate(suffix, parameter, &headers, &DATA_FORMATS).ok()
    }

    #[rstest]
    #[case(Some("csv"), Some("xml"), Some("application/json"), Some(Format::Csv))]
    #[case(None, Some("xml"), Some("application/json"), Some(Format::Xml))]
    #[case(None, None, None, Some(Format::Json))]
    #[case(None, None, Some("*/*"), Some(Format::Json))]
    #[case(None, None, Some("text/csv"), Some(Format::Csv))]
    #[case(None, None, Some("application/json;q=0.5, text/csv"), Some(Format::Csv))]
    #[case(None, None, Some("application/json;q=0, */*;q=0.1"), Some(Format::Ndjson))]
    #[case(None, None, Some("image/png"), None)]
    #[case(None, Some("yaml"), Some("*/*"), None)]
    #[case(Some("table"), None, None, None)]
    fn the_suffix_then_the_parameter_then_the_header(
        #[case] suffix: Option<&str>,
        #[case] parameter: Option<&str>,
        #[case] accept: Option<&'static str>,
        #[case] expected: Option<Format>,
    ) {
        assert_eq!(chosen(suffix, parameter, accept), expected);
    }
}
