//! Where a store lies: a local folder or a prefix of an object store, and the few operations that it needs there.
//!
//! Local folders are written with the standard library, because a commit must survive a loss of power: the file and
//! its folder are synced before the next step. Object stores give that promise themselves.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use tokio::runtime::Handle;

use super::step::step;
use crate::error::{Error, ErrorKind, Result, is_disk_full};

/// Bytes of one part of an upload to an object store.
const PART_SIZE: usize = 8 << 20;

/// The place of a store. Paths are relative to it.
#[derive(Debug, Clone)]
pub(crate) struct Location {
    /// As the operator gave it.
    name: String,
    objects: Arc<dyn ObjectStore>,
    /// The folder, when it is a local one.
    folder: Option<PathBuf>,
}

impl Location {
    /// Understands a folder, `file://`, `memory://`, and the URLs that `object_store` knows (`s3://bucket/prefix` …).
    ///
    /// Options of object stores (keys, region, endpoint) come as pairs with the names of `object_store`, such as
    /// `aws_endpoint`.
    pub(crate) fn parse(name: &str, options: &[(String, String)]) -> Result<Self> {
        if name == "memory://" {
            return Ok(Self::of_objects(name, Arc::new(InMemory::new())));
        }
        let url = match url::Url::parse(name) {
            Ok(url) if name.contains("://") => url,
            _ => return Ok(Self::of_folder(name, PathBuf::from(name))),
        };
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| {
                Error::new(
                    ErrorKind::Invalid,
                    crate::text!("\"{name}\" is not the URL of a folder", "\"{name}\" n'est pas l'URL d'un dossier"),
                )
            })?;
            return Ok(Self::of_folder(name, folder));
        }
        let (objects, prefix) = object_store::parse_url_opts(&url, options.iter().cloned()).map_err(|source| {
            Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "\"{name}\" is not the URL of a store; give a folder, `s3://bucket/prefix` or `memory://`",
                    "\"{name}\" n'est pas l'URL d'un magasin ; donnez un dossier, `s3://bucket/préfixe` ou `memory://`"
                ),
            )
            .because(source)
        })?;
        let objects: Arc<dyn ObjectStore> = Arc::from(objects);
        Ok(Self::of_objects(name, Arc::new(PrefixStore::new(objects, prefix))))
    }

    /// A store inside an object store that the caller made.
    pub(crate) fn of_objects(name: &str, objects: Arc<dyn ObjectStore>) -> Self {
        Self { name: name.to_owned(), objects, folder: None }
    }

    fn of_folder(name: &str, folder: PathBuf) -> Self {
        // Replaced by `prepare_folder`, which needs the folder to exist.
        Self { name: name.to_owned(), objects: Arc::new(InMemory::new()), folder: Some(folder) }
    }

    /// Makes the folder of a local store; refuses a path that is a file.
    pub(crate) fn prepare_folder(&mut self, create: bool) -> Result<()> {
        let Some(folder) = self.folder.take() else { return Ok(()) };
        let shown = folder.display().to_string();
        if folder.exists() && !folder.is_dir() {
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!("`{shown}` is a file, not a folder", "`{shown}` est un fichier, pas un dossier"),
            ));
        }
        if !folder.exists() {
            if !create {
                return Err(no_store(&shown));
            }
            std::fs::create_dir_all(&folder).map_err(|source| cannot_write(&shown, source))?;
        }
        let folder = folder.canonicalize()?;
        self.objects = Arc::new(LocalFileSystem::new_with_prefix(&folder)?);
        self.folder = Some(folder);
        Ok(())
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn objects(&self) -> &Arc<dyn ObjectStore> {
        &self.objects
    }

    /// Folder for temporary files of loads: inside a local store, so that it has the disk's size and not the memory's.
    pub(crate) fn temporary_folder(&self) -> Result<Option<PathBuf>> {
        let Some(folder) = &self.folder else { return Ok(None) };
        let folder = folder.join("tmp");
        std::fs::create_dir_all(&folder).map_err(|source| cannot_write(&folder.display().to_string(), source))?;
        Ok(Some(folder))
    }

    /// The bytes of one object.
    pub(crate) async fn read(&self, path: &Path) -> Result<Bytes> {
        Ok(self.objects.get(path).await?.bytes().await?)
    }

    /// Objects below a folder, optionally only those whose path is greater than `after`.
    pub(crate) async fn list(&self, folder: &Path, after: Option<&Path>) -> Result<Vec<ObjectMeta>> {
        let stream = match after {
            Some(after) => self.objects.list_with_offset(Some(folder), after),
            None => self.objects.list(Some(folder)),
        };
        Ok(stream.try_collect().await?)
    }

    /// Creates an object if and only if none has this name; `false` when one has.
    pub(crate) async fn create(&self, path: &Path, bytes: Vec<u8>) -> Result<bool> {
        if let Some(folder) = &self.folder {
            let target = folder.join(path.as_ref());
            let shown = target.display().to_string();
            return tokio::task::spawn_blocking(move || create_durably(&target, &bytes))
                .await
                .map_err(|error| Error::bug("a task ended early").because(error))?
                .map_err(|source| cannot_write(&shown, source));
        }
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(path, bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. } | object_store::Error::Precondition { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Deletes an object; one that is not there counts as deleted.
    pub(crate) async fn delete(&self, path: &Path) -> Result<()> {
        match self.objects.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Opens a new object for writing; it is complete after [`Sink::finish`]. Call it from a blocking thread.
    pub(crate) fn sink(&self, path: &Path, handle: &Handle) -> Result<Sink> {
        let inner = match &self.folder {
            Some(folder) => {
                let target = folder.join(path.as_ref());
                let shown = target.display().to_string();
                let open = || -> std::io::Result<File> {
                    if let Some(parent) = target.parent() {
                        create_folder_durably(parent)?;
                    }
                    OpenOptions::new().write(true).create_new(true).open(&target)
                };
                let file = open().map_err(|source| cannot_write(&shown, source))?;
                SinkInner::Local { file: BufWriter::with_capacity(1 << 20, file), path: target }
            }
            None => {
                let upload = handle.block_on(self.objects.put_multipart(path))?;
                SinkInner::Remote { upload, handle: handle.clone(), buffer: Vec::with_capacity(PART_SIZE) }
            }
        };
        step("file:created");
        Ok(Sink { inner: Some(inner), checksum: crc32fast::Hasher::new(), bytes: 0 })
    }
}

/// A new object while it is written; counts its bytes and their CRC-32.
pub(crate) struct Sink {
    /// `None` once the object is complete or given up.
    inner: Option<SinkInner>,
    checksum: crc32fast::Hasher,
    bytes: u64,
}

enum SinkInner {
    Local { file: BufWriter<File>, path: PathBuf },
    Remote { upload: Box<dyn MultipartUpload>, handle: Handle, buffer: Vec<u8> },
}

impl Sink {
    /// Makes the object durable and answers its size and checksum. Nothing can be written afterwards.
    pub(crate) fn finish(&mut self) -> Result<(u64, u32)> {
        match self.inner.take().ok_or_else(|| Error::bug("an object was finished twice"))? {
            SinkInner::Local { file, path } => {
                let shown = path.display().to_string();
                let close = || -> std::io::Result<()> {
                    let file = file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
                    step("file:written");
                    file.sync_all()?;
                    sync_folder(path.parent())
                };
                close().map_err(|source| cannot_write(&shown, source))?;
            }
            SinkInner::Remote { mut upload, handle, buffer } => {
                step("file:written");
                if !buffer.is_empty() {
                    handle.block_on(upload.put_part(buffer.into()))?;
                }
                handle.block_on(upload.complete())?;
            }
        }
        step("file:synced");
        Ok((self.bytes, self.checksum.clone().finalize()))
    }

    /// Gives up; a local file is removed, parts of an upload are dropped.
    pub(crate) fn abandon(&mut self) {
        match self.inner.take() {
            Some(SinkInner::Local { path, .. }) => drop(std::fs::remove_file(path)),
            Some(SinkInner::Remote { mut upload, handle, .. }) => drop(handle.block_on(upload.abort())),
            None => {}
        }
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match &mut self.inner {
            None => return Err(std::io::ErrorKind::BrokenPipe.into()),
            Some(SinkInner::Local { file, .. }) => file.write_all(bytes)?,
            Some(SinkInner::Remote { upload, handle, buffer }) => {
                buffer.extend_from_slice(bytes);
                if buffer.len() >= PART_SIZE {
                    let part = std::mem::replace(buffer, Vec::with_capacity(PART_SIZE));
                    handle.block_on(upload.put_part(part.into()))?;
                }
            }
        }
        self.checksum.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes beside the target, syncs, and links the target to it: the name appears with all its bytes or not at all.
fn create_durably(target: &std::path::Path, bytes: &[u8]) -> std::io::Result<bool> {
    let Some(folder) = target.parent() else { return Err(std::io::ErrorKind::InvalidInput.into()) };
    create_folder_durably(folder)?;
    let mut staged = tempfile::Builder::new().prefix(".staged-").tempfile_in(folder)?;
    staged.write_all(bytes)?;
    staged.as_file().sync_all()?;
    step("commit:staged");
    match std::fs::hard_link(staged.path(), target) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    sync_folder(Some(folder))?;
    Ok(true)
}

fn create_folder_durably(folder: &std::path::Path) -> std::io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(folder)?;
    sync_folder(folder.parent())
}

fn sync_folder(folder: Option<&std::path::Path>) -> std::io::Result<()> {
    match folder {
        // Only Unix can open and sync a folder; elsewhere the file system orders its own metadata.
        Some(folder) if cfg!(unix) => File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

/// The failure of a place that holds no store.
pub(crate) fn no_store(name: &str) -> Error {
    Error::new(
        ErrorKind::NotFound,
        crate::text!(
            "there is no store at `{name}`; create one with `assidu --store {name} load FILE`",
            "il n'y a pas de magasin dans `{name}` ; créez-en un avec `assidu --store {name} load FICHIER`"
        ),
    )
}

fn cannot_write(path: &str, source: std::io::Error) -> Error {
    let message = if is_disk_full(&source) {
        crate::text!(
            "the disk is full: `{path}` was not written and the store is unchanged; free some space and repeat",
            "le disque est plein : `{path}` n'a pas été écrit et le magasin est inchangé ; libérez de la place et recommencez"
        )
    } else {
        crate::text!("`{path}` cannot be written", "`{path}` ne peut pas être écrit")
    };
    Error::new(ErrorKind::Io, message).because(source)
}

/// Deletes many objects, at most eight at once.
pub(crate) async fn delete_all(location: &Location, paths: Vec<Path>) -> Result<()> {
    futures::stream::iter(paths)
        .map(|path| async move { location.delete(&path).await })
        .buffer_unordered(8)
        .try_collect::<Vec<()>>()
        .await
        .map(drop)
}
