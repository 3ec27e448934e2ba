//! Opens the accounts and tokens of the store that the operator named; they may be there before any data.

use std::path::{Path, PathBuf};

use engine::ErrorKind;

use super::args::Globals;
use super::exit::Failure;
use super::open;
use crate::access::AccessRegister;

/// Accounts and tokens, in a store that is prepared when there is none.
pub(crate) async fn prepared(globals: &Globals) -> Result<AccessRegister, Failure> {
    Ok(AccessRegister::new(&open::open(globals.store()).await?))
}

/// Accounts and tokens of a store that must exist: that has data, or accounts and tokens.
pub(crate) async fn existing(globals: &Globals) -> Result<AccessRegister, Failure> {
    let url = globals.store();
    let error = match open::open_existing(url).await {
        Ok(engine) => return Ok(AccessRegister::new(&engine)),
        Err(error) if error.kind() == ErrorKind::NotFound && is_openable(url) => error,
        Err(error) => return Err(error.into()),
    };
    let register = prepared(globals).await?;
    if register.version().await? == 0 { Err(error.into()) } else { Ok(register) }
}

/// Whether opening a store makes nothing: a folder that is there, or an object store.
fn is_openable(url: &str) -> bool {
    let folder = match url::Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "file" => parsed.to_file_path().ok(),
        Ok(_) if url.contains("://") => None,
        _ => Some(PathBuf::from(url)),
    };
    folder.as_deref().is_none_or(Path::is_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_are_not_there_are_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert!(is_openable(path) && is_openable(&format!("file://{path}")) && is_openable("s3://bucket/store"));
        assert!(!is_openable(&format!("{path}/none")) && !is_openable(&format!("file://{path}/none")));
        assert!(!is_openable("./no-such-store"));
    }
}
