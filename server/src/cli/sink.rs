//! Where a result goes: the console, or a file that appears when it is complete.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use engine::{Error, ErrorKind, Result, text};
use tempfile::NamedTempFile;

use super::Console;

/// An output that can be given up without a trace.
pub(crate) enum Sink<'a> {
    /// Standard output.
    Console(&'a mut Console),
    /// A file beside the wanted one, renamed by [`Sink::commit`].
    Beside(BufWriter<NamedTempFile>, PathBuf),
    /// A device or a pipe with a name, which cannot be replaced.
    Device(BufWriter<File>),
}

impl<'a> Sink<'a> {
    /// Opens the output that was asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when nothing can be written there.
    pub(crate) fn open(path: Option<&Path>, console: &'a mut Console) -> Result<Self> {
        match path {
            None => Ok(Self::Console(console)),
            Some(path) => Self::file(path).map_err(|source| cannot_write(path, source)),
        }
    }

    fn file(path: &Path) -> io::Result<Self> {
        // A link keeps pointing where it points; only what it points to is replaced.
        let target = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        match std::fs::metadata(&target) {
            Ok(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(found) if !found.is_file() => {
                return Ok(Self::Device(BufWriter::new(File::options().write(true).open(&target)?)));
            }
            _ => {}
        }
        let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix).suffix(".part");
        permit_as_usual(&mut builder, &target);
        Ok(Self::Beside(BufWriter::new(builder.tempfile_in(folder)?), target))
    }

    /// Makes the result visible under its name.
    pub(crate) fn commit(self) -> Result<()> {
        match self {
            Self::Console(console) => Ok(console.flush()?),
            Self::Device(mut file) => Ok(file.flush()?),
            Self::Beside(buffer, target) => {
                let persist = || -> io::Result<()> {
                    let file = buffer.into_inner().map_err(io::IntoInnerError::into_error)?;
                    file.as_file().sync_all()?;
                    file.persist(&target)?;
                    Ok(())
                };
                persist().map_err(|source| cannot_write(&target, source))
            }
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Console(console) => console.write(bytes),
            Self::Beside(file, _) => file.write(bytes),
            Self::Device(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Console(console) => console.flush(),
            Self::Beside(file, _) => file.flush(),
            Self::Device(file) => file.flush(),
        }
    }
}

/// Temporary files are private by default; a result has the permissions that any new file, or the old one, has.
#[cfg(unix)]
fn permit_as_usual(builder: &mut tempfile::Builder<'_, '_>, target: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(target).map_or(0o666, |found| found.permissions().mode() & 0o777);
    builder.permissions(std::fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn permit_as_usual(_builder: &mut tempfile::Builder<'_, '_>, _target: &Path) {}

fn cannot_write(path: &Path, source: io::Error) -> Error {
    let path = path.display();
    Error::new(ErrorKind::Io, text!("`{path}` cannot be written", "`{path}` ne peut être écrit")).because(source)
}

#[cfg(test)]
mod tests {
    use engine::Lang;

    use super::*;

    #[test]
    fn a_file_appears_when_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        let (mut console, _, _) = Console::captured(Lang::En);
        let mut sink = Sink::open(Some(&path), &mut console).unwrap();
        sink.write_all(b"whole").unwrap();
        assert!(!path.exists());
        sink.commit().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn a_result_that_is_given_up_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        let (mut console, _, _) = Console::captured(Lang::En);
        let mut sink = Sink::open(Some(&path), &mut console).unwrap();
        sink.write_all(b"half").unwrap();
        drop(sink);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_is_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let (mut console, _, _) = Console::captured(Lang::En);
        let error = Sink::open(Some(folder.path()), &mut console).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Io);
    }

    #[cfg(unix)]
    #[test]
    fn a_device_is_written_and_not_replaced() {
        let (mut console, _, _) = Console::captured(Lang::En);
        let mut sink = Sink::open(Some(Path::new("/dev/null")), &mut console).unwrap();
        sink.write_all(b"gone").unwrap();
        sink.commit().unwrap();
        assert!(!std::fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn the_permissions_of_an_old_file_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let (mut console, _, _) = Console::captured(Lang::En);
        Sink::open(Some(&path), &mut console).unwrap().commit().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
