//! [`Fields`]: arguments of a request as PHP would see them, because clients were written for PHP.
//!
//! Query and form hold flat pairs such as `uids[0]=a`; brackets make arrays, of a repeated key the last value counts,
//! and keys keep the place of their first appearance. Observed on a running Moodle.

use std::collections::HashMap;

use axum::http::{HeaderMap, Method, header};
use bytes::Bytes;

/// Deepest nesting of arguments; no function declares more than three.
const MAX_DEPTH: usize = 8;

/// An argument. Texts are bytes, because the declaration decides whether they must be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A value.
    Scalar(Vec<u8>),
    /// Values by key, in order of appearance.
    Array(Vec<(Vec<u8>, Field)>),
}

/// The arguments of a request, in order of appearance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields(Vec<(Vec<u8>, Field)>);

/// Why the arguments cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldsError {
    /// More values than the limit, which is here. PHP would silently drop the others.
    TooMany(usize),
    /// Brackets within brackets beyond all declarations.
    TooDeep,
    /// The form of several parts is broken.
    Multipart(String),
}

impl Fields {
    /// The arguments of a request: those of the query, then those of the form, which win. `limit` bounds their number.
    ///
    /// # Errors
    ///
    /// When there are too many, when they are nested too deeply, or when a form of several parts is broken.
    pub async fn read(
        method: &Method,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Bytes,
        limit: usize,
    ) -> Result<Self, FieldsError> {
        let mut fields = Self::of_pairs(decoded(query.unwrap_or_default().as_bytes()), limit)?;
        let content = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let kind = content.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        // Like PHP: the form of a POST alone, and no other kind of body.
        if method == Method::POST && kind == "application/x-www-form-urlencoded" {
            fields.merge(Self::of_pairs(decoded(&body), limit)?);
        } else if method == Method::POST && kind == "multipart/form-data" {
            fields.merge(Self::of_pairs(parts(content, body, limit).await?.into_iter(), limit)?);
        }
        Ok(fields)
    }

    /// The arguments of these pairs of names and values.
    ///
    /// # Errors
    ///
    /// As [`Fields::read`].
    pub fn of_pairs(pairs: impl Iterator<Item = (Vec<u8>, Vec<u8>)>, limit: usize) -> Result<Self, FieldsError> {
        let mut items = Items::default();
        for (number, (name, value)) in pairs.enumerate() {
            if number >= limit {
                return Err(FieldsError::TooMany(limit));
            }
            items.assign(&name, value)?;
        }
        Ok(Self(items.into_pairs()))
    }

    /// Those of `other` replace those of the same name.
    fn merge(&mut self, other: Self) {
        for (name, field) in other.0 {
            match self.0.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = field,
                None => self.0.push((name, field)),
            }
        }
    }

    /// Takes an argument out.
    pub fn take(&mut self, name: &str) -> Option<Field> {
        let at = self.0.iter().position(|(known, _)| known == name.as_bytes())?;
        Some(self.0.remove(at).1)
    }

    /// Takes an argument out as text; arrays and texts that are not UTF-8 count as absent.
    pub fn take_text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Field::Scalar(bytes) => String::from_utf8(bytes).ok(),
            Field::Array(_) => None,
        }
    }

    /// Drops the arguments whose names begin with a prefix.
    pub fn drop_prefix(&mut self, prefix: &str) {
        self.0.retain(|(name, _)| !name.starts_with(prefix.as_bytes()));
    }

    /// What is left, in order.
    pub fn into_pairs(self) -> Vec<(Vec<u8>, Field)> {
        self.0
    }
}

/// The pairs of a query or of a URL-encoded form.
fn decoded(text: &[u8]) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> + '_ {
    let plain = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        percent_encoding::percent_decode(&spaced).collect::<Vec<u8>>()
    };
    text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).map(move |pair| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (plain(&pair[..at]), plain(pair.get(at + 1..).unwrap_or_default()))
    })
}

/// The values of a form of several parts; files are none.
async fn parts(content: &str, body: Bytes, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, FieldsError> {
    let broken = |error: multer::Error| FieldsError::Multipart(error.to_string());
    let boundary = multer::parse_boundary(content).map_err(broken)?;
    let stream = futures::stream::once(async move { Ok::<Bytes, std::convert::Infallible>(body) });
    let mut form = multer::Multipart::new(stream, boundary);
    let mut pairs = Vec::new();
    while let Some(part) = form.next_field().await.map_err(broken)? {
        if pairs.len() >= limit {
            return Err(FieldsError::TooMany(limit));
        }
        let name = part.name().map(|name| name.as_bytes().to_vec());
        let is_file = part.file_name().is_some();
        let value = part.bytes().await.map_err(broken)?;
        if let Some(name) = name.filter(|_| !is_file) {
            pairs.push((name, value.to_vec()));
        }
    }
    Ok(pairs)
}

/// Values by key while they are collected: found by their keys, kept in order of appearance.
#[derive(Debug, Default)]
struct Items {
    slots: Vec<(Vec<u8>, Slot)>,
    places: HashMap<Vec<u8>, usize>,
    /// The number after the greatest number among the keys.
    next: u64,
}

/// A value while it is collected.
#[derive(Debug)]
enum Slot {
    Scalar(Vec<u8>),
    Array(Items),
}

impl Items {
    /// Puts a value where its name with brackets says.
    fn assign(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), FieldsError> {
        let (base, keys) = path(name.trim_ascii_start());
        if base.is_empty() {
            return Ok(());
        }
        if keys.len() > MAX_DEPTH {
            return Err(FieldsError::TooDeep);
        }
        let mut slot = self.slot(base);
        for key in keys {
            if let Slot::Scalar(_) = slot {
                *slot = Slot::Array(Self::default());
            }
            let Slot::Array(items) = slot else { return Ok(()) };
            let key = if key.is_empty() { items.next.to_string().into_bytes() } else { key };
            slot = items.slot(key);
        }
        *slot = Slot::Scalar(value);
        Ok(())
    }

    /// The value of that key, which is made at the end when there is none.
    fn slot(&mut self, key: Vec<u8>) -> &mut Slot {
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None => {
                let number = std::str::from_utf8(&key).ok().and_then(|key| key.parse::<u64>().ok());
                self.next = number.map_or(self.next, |number| self.next.max(number.saturating_add(1)));
                self.places.insert(key.clone(), self.slots.len());
                self.slots.push((key, Slot::Scalar(Vec::new())));
                self.slots.len() - 1
            }
        };
        &mut self.slots[at].1
    }

    fn into_pairs(self) -> Vec<(Vec<u8>, Field)> {
        let field = |slot| match slot {
            Slot::Scalar(bytes) => Field::Scalar(bytes),
            Slot::Array(items) => Field::Array(items.into_pairs()),
        };
        self.slots.into_iter().map(|(key, slot)| (key, field(slot))).collect()
    }
}

/// A name without brackets, and the keys in its brackets. PHP writes an underscore for dots and blanks in the name.
fn path(name: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let plain = |name: &[u8]| -> Vec<u8> {
        name.iter().map(|byte| if matches!(byte, b'.' | b' ' | b'[') { b'_' } else { *byte }).collect()
    };
    let Some(open) = name.iter().position(|byte| *byte == b'[').filter(|open| *open > 0) else {
        return (plain(name), Vec::new());
    };
    let mut keys = Vec::new();
    let mut rest = &name[open..];
    while let Some(inner) = rest.strip_prefix(b"[") {
        let Some(close) = inner.iter().position(|byte| *byte == b']') else { break };
        keys.push(inner[..close].to_vec());
        rest = &inner[close + 1..];
    }
    // A bracket that nobody closes is a part of the name.
    if keys.is_empty() { (plain(name), keys) } else { (plain(&name[..open]), keys) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> Field {
        Field::Scalar(value.as_bytes().to_vec())
    }

    fn array(items: &[(&str, Field)]) -> Field {
        Field::Array(items.iter().map(|(key, field)| (key.as_bytes().to_vec(), field.clone())).collect())
    }

    fn parse(query: &str) -> Result<Vec<(Vec<u8>, Field)>, FieldsError> {
        Fields::of_pairs(decoded(query.as_bytes()), 100).map(Fields::into_pairs)
    }

    #[rstest::rstest]
    #[case("a=1&b=x+y%20z", &[("a", text("1")), ("b", text("x y z"))])]
    #[case("a=1&b=2&a=3", &[("a", text("3")), ("b", text("2"))])]
    #[case("u[0]=a&u[1]=b", &[("u", array(&[("0", text("a")), ("1", text("b"))]))])]
    #[case("u[]=a&u[7]=b&u[]=c", &[("u", array(&[("0", text("a")), ("7", text("b")), ("8", text("c"))]))])]
    #[case("o[0][name]=x&o[0][value]=y", &[("o", array(&[("0", array(&[("name", text("x")), ("value", text("y"))]))]))])]
    #[case("a=1&a[0]=2", &[("a", array(&[("0", text("2"))]))])]
    #[case("a[0]=1&a=2", &[("a", text("2"))])]
    #[case("a.b=1& c=2&a[b=3", &[("a_b", text("3")), ("c", text("2"))])]
    #[case("a[x]y=1", &[("a", array(&[("x", text("1"))]))])]
    #[case("a&=1&&b=", &[("a", text("")), ("b", text(""))])]
    #[case("u%5B0%5D=%C3%A9", &[("u", array(&[("0", text("é"))]))])]
    fn pairs_become_what_php_makes_of_them(#[case] query: &str, #[case] expected: &[(&str, Field)]) {
        let expected: Vec<_> = expected.iter().map(|(name, field)| (name.as_bytes().to_vec(), field.clone())).collect();
        assert_eq!(parse(query).unwrap(), expected);
    }

    #[test]
    fn limits_are_errors_and_never_silent() {
        let many = "u[]=1&".repeat(101);
        assert_eq!(parse(&many), Err(FieldsError::TooMany(100)));
        assert_eq!(parse(&format!("a{}=1", "[x]".repeat(9))), Err(FieldsError::TooDeep));
        assert!(parse(&format!("a{}=1", "[x]".repeat(8))).is_ok());
    }

    #[tokio::test]
    async fn the_form_wins_over_the_query_and_other_bodies_are_not_read() {
        let read = async |method: Method, content: &str, body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, content.parse().unwrap());
            let mut fields =
                Fields::read(&method, Some("a=1&u[0]=x"), &headers, Bytes::from_static(body.as_bytes()), 10).await?;
            Ok::<_, FieldsError>((fields.take_text("a").unwrap(), fields.take("u").unwrap()))
        };
        let url = "application/x-www-form-urlencoded; charset=UTF-8";
        let query = (String::from("1"), array(&[("0", text("x"))]));
        let form = (String::from("2"), array(&[("1", text("y"))]));
        assert_eq!(read(Method::POST, url, "a=2&u[1]=y").await.unwrap(), form);
        assert_eq!(read(Method::PUT, url, "a=2&u[1]=y").await.unwrap(), query);
        assert_eq!(read(Method::POST, "application/json", "{\"a\":2}").await.unwrap(), query);
        let parts = "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n2\r\n--X\r\nContent-Disposition: \
                     form-data; name=\"u[1]\"\r\n\r\ny\r\n--X\r\nContent-Disposition: form-data; name=\"a\"; \
                     filename=\"f\"\r\n\r\nfile\r\n--X--\r\n";
        assert_eq!(read(Method::POST, "multipart/form-data; boundary=X", parts).await.unwrap(), form);
        let broken = read(Method::POST, "multipart/form-data; boundary=X", "--X\r\nnonsense").await;
        assert!(matches!(broken, Err(FieldsError::Multipart(_))));
    }
}
