//! What a file is: its encoding, dialect, header and format, from its first bytes; and its fingerprint.

use std::io::Read;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::dialect::Dialect;
use super::input::{Charset, Input, read_up_to};
use super::log::MAX_RECORD;
use super::report;
use super::value;
use super::{Format, LoadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::fault::nearest;
use crate::model;

/// Bytes in which the header must end, unless it is broken.
const HEAD: usize = 256 << 10;

/// Columns without which a file is no activity log.
pub(super) const LOG_COLUMNS: [&str; 5] = ["id", "userid", "courseid", "action", "timecreated"];

/// What a file is.
pub(super) struct Detected {
    pub(super) charset: Charset,
    pub(super) body: Body,
}

/// How the rows are written.
pub(super) enum Body {
    Csv { dialect: Dialect, header: Vec<Arc<str>>, format: Format },
    Parquet { format: Format },
}

impl Detected {
    pub(super) fn format(&self) -> &Format {
        match &self.body {
            Body::Csv { format, .. } | Body::Parquet { format } => format,
        }
    }
}

/// Looks at the first bytes.
pub(super) fn detect(input: &Input, request: &LoadRequest) -> Result<Detected> {
    let mut head = vec![0; HEAD];
    let read = read_up_to(&mut input.raw(None)?, &mut head).map_err(|source| input.failed(source))?;
    head.truncate(read);
    let name = &input.name;
    if head.is_empty() {
        return Err(invalid(name, crate::text!("the file is empty", "le fichier est vide")));
    }
    if head.starts_with(b"PAR1") {
        let format = request.format.clone().map_or_else(|| format_of_name(name), Ok)?;
        return Ok(Detected { charset: Charset::Utf8, body: Body::Parquet { format } });
    }
    let charset = charset_of(&head);
    let text = decoded_head(input, charset)?;
    refuse_binary(name, &text)?;
    let dialect = Dialect::detect(&text, request.delimiter);
    let header = read_header(name, &text, dialect)?;
    let format = match &request.format {
        Some(format) => format.clone(),
        None => format_of(name, &header, request)?,
    };
    check_header(name, &header, &format, dialect)?;
    Ok(Detected { charset, body: Body::Csv { dialect, header, format } })
}

fn charset_of(head: &[u8]) -> Charset {
    match Charset::of_head(head) {
        Charset::Utf8 => match std::str::from_utf8(head) {
            Ok(_) => Charset::Utf8,
            // A character cut by the end of the head is no fault.
            Err(error) if error.error_len().is_none() => Charset::Utf8,
            Err(_) => Charset::Windows1252,
        },
        other => other,
    }
}

fn decoded_head(input: &Input, charset: Charset) -> Result<Vec<u8>> {
    let mut text = vec![0; HEAD];
    let read = read_up_to(&mut input.text(charset, None)?, &mut text).map_err(|source| input.failed(source))?;
    text.truncate(read);
    Ok(text)
}

fn refuse_binary(name: &str, text: &[u8]) -> Result<()> {
    match memchr::memchr(0, text) {
        None => Ok(()),
        Some(position) => Err(invalid(
            name,
            crate::text!(
                "the file is not text: byte {position} is zero; give a CSV, gzip, zstd or Parquet file",
                "le fichier n'est pas du texte : l'octet {position} est nul ; donnez un fichier CSV, gzip, zstd ou Parquet"
            ),
        )),
    }
}

fn read_header(name: &str, text: &[u8], dialect: Dialect) -> Result<Vec<Arc<str>>> {
    let mut record = csv::StringRecord::new();
    let read = dialect.reader(text).read_record(&mut record);
    let header: Vec<Arc<str>> = match read {
        Ok(true) => record.iter().map(|field| Arc::from(field.trim())).collect(),
        _ => Vec::new(),
    };
    if header.iter().all(|field| field.is_empty()) {
        return Err(invalid(name, crate::text!("line 1 holds no header", "la ligne 1 ne contient pas d'en-tête")));
    }
    if header.iter().map(|field| field.len()).sum::<usize>() > HEAD / 2 {
        let limit = MAX_RECORD >> 20;
        return Err(invalid(
            name,
            crate::text!(
                "line 1 is no header: it does not end within {HEAD} bytes (records end within {limit} MiB)",
                "la ligne 1 n'est pas un en-tête : elle ne finit pas dans les {HEAD} premiers octets (les enregistrements tiennent en {limit} Mio)"
            ),
        ));
    }
    let mut seen = std::collections::HashMap::new();
    for (index, field) in header.iter().enumerate() {
        if let Some(first) = seen.insert(field.to_lowercase(), index)
            && !field.is_empty()
        {
            let (first, second) = (first + 1, index + 1);
            return Err(invalid(
                name,
                crate::text!(
                    "line 1: columns {first} and {second} have the same name `{field}`; rename or remove one",
                    "ligne 1 : les colonnes {first} et {second} portent le même nom `{field}` ; renommez ou retirez-en une"
                ),
            ));
        }
    }
    Ok(header)
}

/// The format, from the header and the name of the file.
fn format_of(name: &str, header: &[Arc<str>], request: &LoadRequest) -> Result<Format> {
    let fields: Vec<&str> = header.iter().map(AsRef::as_ref).collect();
    if !request.map.is_empty() {
        return Ok(Format::Events);
    }
    if LOG_COLUMNS.iter().all(|column| has(header, column)) {
        return Ok(Format::Log);
    }
    if report::headers::detect(&fields).is_some() {
        return Ok(Format::LogReport);
    }
    format_of_name(name).map_err(|_| unknown_format(name, header))
}

/// `mdl_user.csv.gz` holds the table `user`.
fn format_of_name(name: &str) -> Result<Format> {
    let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = file.split('.').next().unwrap_or(file);
    match model::table(stem) {
        Some(spec) if spec.name == model::LOG => Ok(Format::Log),
        Some(spec) => Ok(Format::Table(spec.name.to_owned())),
        None => Err(invalid(
            name,
            crate::text!(
                "the name of the file is not the name of a table; say which with `--format table:NAME`",
                "le nom du fichier n'est pas celui d'une table ; indiquez-la avec `--format table:NOM`"
            ),
        )),
    }
}

fn has(header: &[Arc<str>], column: &str) -> bool {
    header.iter().any(|name| value::is_column(name, column))
}

fn unknown_format(name: &str, header: &[Arc<str>]) -> Error {
    let columns = header.iter().take(12).map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let hint = if header.len() == 1 {
        crate::text!(
            "the format cannot be told: the header is one column {columns}; the separator may be wrong, give it with `--delimiter`",
            "format inconnu : l'en-tête est une seule colonne {columns} ; le séparateur est peut-être faux, donnez-le avec `--delimiter`"
        )
    } else {
        crate::text!(
            "the format cannot be told from the columns {columns}; say it with `--format log`, `log-report`, `events` or `table:NAME`",
            "format inconnu d'après les colonnes {columns} ; indiquez-le avec `--format log`, `log-report`, `events` ou `table:NOM`"
        )
    };
    invalid(name, hint)
}

/// Refuses a header without the columns that the format cannot do without.
fn check_header(name: &str, header: &[Arc<str>], format: &Format, dialect: Dialect) -> Result<()> {
    let required: &[&str] = match format {
        Format::Log => &LOG_COLUMNS,
        Format::Table(table) => match model::table(table) {
            Some(spec) => spec.key,
            None => &[],
        },
        Format::LogReport | Format::Events => &[],
    };
    let missing: Vec<&str> = required.iter().copied().filter(|column| !has(header, column)).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let list = missing.iter().map(|column| format!("`{column}`")).collect::<Vec<_>>().join(", ");
    if header.len() == 1 {
        let delimiter = char::from(dialect.delimiter).escape_default().to_string();
        return Err(invalid(
            name,
            crate::text!(
                "line 1: no column {list}; the header is one column with the separator `{delimiter}`, give another with `--delimiter`",
                "ligne 1 : pas de colonne {list} ; l'en-tête est une seule colonne avec le séparateur `{delimiter}`, donnez-en un autre avec `--delimiter`"
            ),
        ));
    }
    let near = nearest(first, header.iter().map(AsRef::as_ref));
    let (en, fr) = match near {
        Some(near) => (format!("; did you mean `{near}`?"), format!(" ; vouliez-vous dire `{near}` ?")),
        None => (String::new(), String::new()),
    };
    Err(invalid(
        name,
        crate::Text { en: format!("line 1: no column {list}{en}"), fr: format!("ligne 1 : pas de colonne {list}{fr}") },
    ))
}

pub(super) fn invalid(name: &str, reason: crate::Text) -> Error {
    let crate::Text { en, fr } = reason;
    Error::new(ErrorKind::Invalid, crate::text!("`{name}`: {en}", "`{name}` : {fr}"))
}

/// The failure of a file without rows.
pub(super) fn no_rows(name: &str) -> Error {
    invalid(
        name,
        crate::text!(
            "the file has a header and no rows; check the export",
            "le fichier a un en-tête et aucune ligne ; vérifiez l'export"
        ),
    )
}

/// What one pass over all bytes tells.
pub(super) struct Fingerprint {
    /// The encoding: UTF-8 only when every byte agrees.
    pub(super) charset: Charset,
    /// SHA-256 of the decompressed bytes, in hexadecimal.
    pub(super) sha256: String,
}

/// Reads the file once.
pub(super) fn fingerprint(input: &Input, charset: Charset) -> Result<Fingerprint> {
    let mut reader = input.raw(None)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; 1 << 20];
    // Bytes of a character that was cut by the end of a block.
    let mut cut: Vec<u8> = Vec::new();
    let mut valid = true;
    loop {
        let read = read_up_to(&mut reader, &mut block).map_err(|source| input.failed(source))?;
        hash.update(&block[..read]);
        if charset == Charset::Utf8 && valid {
            let mut joined = std::mem::take(&mut cut);
            joined.extend_from_slice(&block[..read]);
            match std::str::from_utf8(&joined) {
                Ok(_) => {}
                Err(error) if error.error_len().is_none() && read > 0 => cut = joined.split_off(error.valid_up_to()),
                Err(_) => valid = false,
            }
        }
        if read == 0 {
            break;
        }
    }
    let charset = if charset == Charset::Utf8 && !(valid && cut.is_empty()) { Charset::Windows1252 } else { charset };
    let sha256 = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Fingerprint { charset, sha256 })
}

/// Reads everything into one buffer, for readers that need to seek.
pub(super) fn read_all(input: &Input) -> Result<bytes::Bytes> {
    let mut bytes = Vec::new();
    input.raw(None)?.read_to_end(&mut bytes).map_err(|source| input.failed(source))?;
    Ok(bytes.into())
}
