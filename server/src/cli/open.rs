//! Opens the store that the operator named, with what the environment says about object stores.

use engine::{Engine, Result};

/// Beginnings of the variables that object stores know, such as `AWS_ACCESS_KEY_ID` and `AWS_ENDPOINT`.
const PREFIXES: &[&str] = &["AWS_"];

/// Opens the store, and prepares an empty one when there is nothing.
pub(crate) async fn open(url: &str) -> Result<Engine> {
    Engine::open(url, &environment(url)).await
}

/// Opens a store that must exist.
pub(crate) async fn open_existing(url: &str) -> Result<Engine> {
    Engine::open_existing(url, &environment(url)).await
}

/// A folder needs no keys, so none are read for it.
fn environment(url: &str) -> Vec<(String, String)> {
    if url.contains("://") { options(std::env::vars_os().filter_map(text)) } else { Vec::new() }
}

/// Variables of other programs may be no text; they are none of ours.
fn text((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}

fn options(variables: impl Iterator<Item = (String, String)>) -> Vec<(String, String)> {
    let known = |name: &str| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    variables.filter(|(name, _)| known(name)).map(|(name, value)| (name.to_ascii_lowercase(), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_object_stores_become_options() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let found = options([pair("AWS_REGION", "eu-west-3"), pair("PATH", "/bin"), pair("MY_AWS_X", "1")].into_iter());
        assert_eq!(found, [pair("aws_region", "eu-west-3")]);
        assert_eq!(environment("./folder"), []);
    }
}
