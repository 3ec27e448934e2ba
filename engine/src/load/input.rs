//! The bytes of one source: opened as often as needed, decompressed, and decoded to UTF-8.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::Bytes;
use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use super::{Progress, Source};
use crate::error::{Error, ErrorKind, Result};

/// Bytes read from the disk at once.
const BLOCK: usize = 1 << 20;

/// One source that can be read from its start several times.
pub(super) struct Input {
    /// Name in faults and summaries.
    pub(super) name: Arc<str>,
    /// Size as stored, where known.
    pub(super) size: Option<u64>,
    place: Place,
}

enum Place {
    File(std::path::PathBuf),
    /// The standard input, copied to an unnamed temporary file.
    Spooled(File),
    Memory(Bytes),
}

impl Input {
    /// Opens a source; copies the standard input to a temporary file, so that it can be read twice.
    pub(super) fn open(source: &Source, temporary: Option<&std::path::Path>) -> Result<Self> {
        match source {
            Source::File(path) => Self::open_file(path),
            Source::Memory { name, bytes } => Ok(Self {
                name: name.as_str().into(),
                size: Some(bytes.len() as u64),
                place: Place::Memory(bytes.clone()),
            }),
            Source::Stdin => {
                let mut spool = temporary_file(temporary)?;
                let size = std::io::copy(&mut std::io::stdin().lock(), &mut spool)?;
                spool.flush()?;
                Ok(Self { name: "stdin".into(), size: Some(size), place: Place::Spooled(spool) })
            }
        }
    }

    fn open_file(path: &std::path::Path) -> Result<Self> {
        let name = path.display().to_string();
        let metadata = std::fs::metadata(path).map_err(|source| unreadable(&name, source))?;
        if metadata.is_dir() {
            return Err(Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "`{name}` is a folder; name its files, such as `{name}/*.csv`",
                    "`{name}` est un dossier ; nommez ses fichiers, par exemple `{name}/*.csv`"
                ),
            ));
        }
        Ok(Self { name: name.as_str().into(), size: Some(metadata.len()), place: Place::File(path.to_owned()) })
    }

    /// A reader of the decompressed bytes, from the start. `progress` hears of the bytes as stored.
    pub(super) fn raw(&self, progress: Option<Arc<dyn Progress>>) -> Result<Box<dyn Read + Send>> {
        let stored: Box<dyn Read + Send> = match &self.place {
            Place::File(path) => Box::new(File::open(path).map_err(|source| unreadable(&self.name, source))?),
            Place::Spooled(file) => {
                let mut file = file.try_clone()?;
                file.seek(SeekFrom::Start(0))?;
                Box::new(file)
            }
            Place::Memory(bytes) => Box::new(Cursor::new(bytes.clone())),
        };
        let mut counted = BufReader::with_capacity(BLOCK, Counted { inner: stored, progress });
        let head = std::io::BufRead::fill_buf(&mut counted).map_err(|source| self.failed(source))?;
        // The content decides, not the extension: exports are renamed more often than they are compressed differently.
        Ok(match head {
            [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(counted)),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(zstd::Decoder::with_buffer(counted)?),
            _ => Box::new(counted),
        })
    }

    /// A reader of UTF-8 without byte-order mark. For [`Charset::Utf8`] the bytes are passed on unchecked.
    pub(super) fn text(&self, charset: Charset, progress: Option<Arc<dyn Progress>>) -> Result<Box<dyn Read + Send>> {
        let mut raw = self.raw(progress)?;
        let mut head = [0; 3];
        let read = read_up_to(&mut raw, &mut head).map_err(|source| self.failed(source))?;
        let head = &head[..read];
        let rest = match head {
            [0xef, 0xbb, 0xbf] => &[],
            _ => head,
        };
        let joined = Cursor::new(rest.to_vec()).chain(raw);
        Ok(match charset {
            Charset::Utf8 => Box::new(joined),
            other => Box::new(Decoded::new(joined, other.encoding())),
        })
    }

    /// A failure while reading, with what probably happened.
    pub(super) fn failed(&self, source: std::io::Error) -> Error {
        let name = &self.name;
        let compressed = matches!(
            source.kind(),
            std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData
        ) || source.to_string().contains("incomplete frame");
        if compressed {
            return Error::new(
                ErrorKind::Invalid,
                crate::text!(
                    "the compressed data of `{name}` ends early or is damaged; transfer the file again",
                    "les données compressées de `{name}` sont tronquées ou endommagées ; transférez le fichier à nouveau"
                ),
            )
            .because(source);
        }
        unreadable(name, source)
    }
}

/// An unnamed temporary file; the system removes it when the process ends, however it ends.
pub(super) fn temporary_file(folder: Option<&std::path::Path>) -> Result<File> {
    let file = match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    };
    Ok(file?)
}

fn unreadable(name: &str, source: std::io::Error) -> Error {
    let (kind, message) = match source.kind() {
        std::io::ErrorKind::NotFound => {
            (ErrorKind::NotFound, crate::text!("there is no file `{name}`", "il n'y a pas de fichier `{name}`"))
        }
        std::io::ErrorKind::PermissionDenied => {
            (ErrorKind::Io, crate::text!("no permission to read `{name}`", "pas le droit de lire `{name}`"))
        }
        _ => (ErrorKind::Io, crate::text!("`{name}` cannot be read", "`{name}` ne peut pas être lu")),
    };
    Error::new(kind, message).because(source)
}

/// Encoding of a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// UTF-8, with or without byte-order mark.
    Utf8,
    /// UTF-16 with a byte-order mark, as spreadsheets write "Unicode text".
    Utf16(Endian),
    /// Windows-1252: what a file is that is not UTF-8. It contains ISO-8859-1's letters.
    Windows1252,
}

/// Byte order of UTF-16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Charset {
    /// From the first bytes: UTF-16 by its mark, else UTF-8 until the contrary shows.
    pub(super) fn of_head(head: &[u8]) -> Self {
        match head {
            [0xff, 0xfe, ..] => Self::Utf16(Endian::Little),
            [0xfe, 0xff, ..] => Self::Utf16(Endian::Big),
            _ => Self::Utf8,
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.encoding().name()
    }

    fn encoding(self) -> &'static Encoding {
        match self {
            Self::Utf8 => UTF_8,
            Self::Utf16(Endian::Little) => UTF_16LE,
            Self::Utf16(Endian::Big) => UTF_16BE,
            Self::Windows1252 => WINDOWS_1252,
        }
    }
}

/// Fills the buffer as far as the reader has bytes.
pub(super) fn read_up_to(reader: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

struct Counted<R> {
    inner: R,
    progress: Option<Arc<dyn Progress>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(progress) = &self.progress {
            progress.read(read as u64);
        }
        Ok(read)
    }
}

/// Decodes another encoding to UTF-8 while reading.
struct Decoded<R> {
    inner: R,
    decoder: Decoder,
    input: Vec<u8>,
    output: Vec<u8>,
    position: usize,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder(),
            input: vec![0; 64 << 10],
            output: Vec::new(),
            position: 0,
            ended: false,
        }
    }

    fn fill(&mut self) -> std::io::Result<()> {
        let read = read_up_to(&mut self.inner, &mut self.input)?;
        self.ended = read < self.input.len();
        let needed = self.decoder.max_utf8_buffer_length(read).unwrap_or(read * 3 + 16);
        self.output.resize(needed, 0);
        let (_, _, written, _) = self.decoder.decode_to_utf8(&self.input[..read], &mut self.output, self.ended);
        self.output.truncate(written);
        self.position = 0;
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while self.position == self.output.len() && !self.ended {
            self.fill()?;
        }
        let count = buffer.len().min(self.output.len() - self.position);
        buffer[..count].copy_from_slice(&self.output[self.position..self.position + count]);
        self.position += count;
        Ok(count)
    }
}
