//! How a CSV file is written: its separator, whether it quotes, whether it escapes; and where its records end.

use csv::ReaderBuilder;

/// The writing of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    /// Field separator.
    pub(super) delimiter: u8,
    /// Whether fields may be quoted; tab-separated database dumps never quote.
    pub(super) quotes: bool,
    /// Whether `\t`, `\n`, `\\` stand for tab, line feed and backslash, as `mysql --batch` and `COPY` write them.
    pub(super) escapes: bool,
}

/// Separators that are looked for.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl Dialect {
    /// From the first bytes of a file: the separator that stands most often in the header.
    pub(super) fn detect(head: &[u8], delimiter: Option<u8>) -> Self {
        let end = head.iter().position(|byte| *byte == b'\n').unwrap_or(head.len());
        let header = &head[..end];
        let count = |delimiter: u8| count_outside_quotes(header, delimiter);
        let most = DELIMITERS.into_iter().rev().max_by_key(|delimiter| count(*delimiter)).unwrap_or(b',');
        let delimiter = delimiter.unwrap_or(most);
        let dumped =
            delimiter == b'\t' && !header.starts_with(b"\"") && memchr::memmem::find(header, b"\t\"").is_none();
        Self { delimiter, quotes: !dumped, escapes: dumped }
    }

    /// A reader of records of this dialect, without header row.
    pub(super) fn reader<R: std::io::Read>(self, input: R) -> csv::Reader<R> {
        ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(self.delimiter)
            .quoting(self.quotes)
            .buffer_capacity(256 << 10)
            .from_reader(input)
    }
}

fn count_outside_quotes(header: &[u8], delimiter: u8) -> usize {
    let mut quoted = false;
    let mut count = 0;
    for byte in header {
        match byte {
            b'"' => quoted = !quoted,
            byte if *byte == delimiter && !quoted => count += 1,
            _ => {}
        }
    }
    count
}

/// Undoes the backslash escapes of a dump in place; `false` when the field is `\N`, which means NULL.
pub(super) fn unescape(field: &mut Vec<u8>) -> bool {
    if field.as_slice() == b"\\N" {
        return false;
    }
    let mut write = 0;
    let mut read = 0;
    while read < field.len() {
        let byte = field[read];
        let (value, used) = match (byte, field.get(read + 1)) {
            (b'\\', Some(b't')) => (b'\t', 2),
            (b'\\', Some(b'n')) => (b'\n', 2),
            (b'\\', Some(b'r')) => (b'\r', 2),
            (b'\\', Some(b'0')) => (0, 2),
            (b'\\', Some(other)) => (*other, 2),
            (other, _) => (other, 1),
        };
        field[write] = value;
        write += 1;
        read += used;
    }
    field.truncate(write);
    true
}

/// Finds the ends of records in a stream that arrives in pieces.
///
/// It follows the rule of the `csv` crate, so that both agree on every byte: a quote opens a quoted field only at the
/// start of a field; inside, two quotes stand for one; after the closing quote the field goes on unquoted.
#[derive(Debug, Clone)]
pub(super) struct Splitter {
    dialect: Dialect,
    /// Inside a quoted field.
    quoted: bool,
    /// The byte before the next piece, when there is one.
    before: u8,
    /// The last byte was a quote inside a quoted field: the next byte tells whether it closes.
    pending: bool,
}

impl Splitter {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, quoted: false, before: b'\n', pending: false }
    }

    /// Feeds a piece; answers the position after the last line feed that ends a record, if any.
    pub(super) fn feed(&mut self, piece: &[u8]) -> Option<usize> {
        if !self.dialect.quotes {
            return memchr::memrchr(b'\n', piece).map(|position| position + 1);
        }
        let mut last_end = None;
        let mut at = 0;
        while at < piece.len() {
            if self.pending {
                self.pending = false;
                if piece[at] == b'"' {
                    at += 1;
                    self.before = b'"';
                    continue;
                }
                self.quoted = false;
            }
            let Some(offset) = memchr::memchr(b'"', &piece[at..]) else { break };
            let quote = at + offset;
            if self.quoted {
                self.pending = true;
            } else {
                if let Some(end) = memchr::memrchr(b'\n', &piece[at..quote]) {
                    last_end = Some(at + end + 1);
                }
                let before = if quote == 0 { self.before } else { piece[quote - 1] };
                self.quoted = before == self.dialect.delimiter || before == b'\n' || before == b'\r';
            }
            at = quote + 1;
            self.before = b'"';
        }
        if at < piece.len() {
            if !self.quoted
                && let Some(end) = memchr::memrchr(b'\n', &piece[at..])
            {
                last_end = Some(at + end + 1);
            }
            self.before = piece[piece.len() - 1];
        }
        last_end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAS: Dialect = Dialect { delimiter: b',', quotes: true, escapes: false };

    #[test]
    fn the_header_tells_the_separator() {
        assert_eq!(Dialect::detect(b"id;userid;other\n1;2;3", None).delimiter, b';');
        assert_eq!(Dialect::detect(b"\"a;b\",c,d\n", None).delimiter, b',');
        assert_eq!(Dialect::detect(b"id\tuserid\n", None), Dialect { delimiter: b'\t', quotes: false, escapes: true });
        assert_eq!(
            Dialect::detect(b"\"id\"\t\"userid\"\n", None),
            Dialect { delimiter: b'\t', quotes: true, escapes: false }
        );
        assert_eq!(Dialect::detect(b"single\n1\n", None).delimiter, b',');
        assert_eq!(Dialect::detect(b"a,b;c,d\n", Some(b';')).delimiter, b';');
    }

    /// Ends of records as the csv crate sees them.
    fn ends_by_csv(text: &[u8]) -> Vec<usize> {
        let mut reader = COMMAS.reader(text);
        let mut record = csv::ByteRecord::new();
        let mut starts = Vec::new();
        while reader.read_byte_record(&mut record).unwrap() {
            starts.push(record.position().unwrap().byte() as usize);
        }
        starts
    }

    #[test]
    fn splits_only_where_the_csv_reader_starts_a_record() {
        let texts: [&[u8]; 9] = [
            b"a,b\nc,d\n",
            b"a,\"x\ny\"\nc,d\n",
            b"a,\"x\"\"\ny\"\nc,d\n",
            b"5\" disk,b\nc,d\n",
            b"\"a\"b\",c\nd,e\n",
            b"a,\"\"\nb,\"\"\"\"\nc,d\n",
            b"\"\n\n\",x\r\n\"y\",\"z\"\r\nend,1\r\n",
            b"a,b \"quoted\n\" inside\nc,d\n",
            b"\"open and never closed\n,a\n,b\n",
        ];
        for text in texts {
            for cut in 1..=text.len() {
                let mut splitter = Splitter::new(COMMAS);
                let mut seen = 0;
                for piece in text.chunks(cut) {
                    if let Some(end) = splitter.feed(piece) {
                        let end = seen + end;
                        let known = ends_by_csv(text);
                        // The csv reader lets a record start at the line feed of a CR LF.
                        let starts =
                            known.contains(&end) || (text[..end].ends_with(b"\r\n") && known.contains(&(end - 1)));
                        assert!(
                            end == text.len() || starts,
                            "{:?} cut by {cut} at {end}",
                            String::from_utf8_lossy(text)
                        );
                    }
                    seen += piece.len();
                }
            }
        }
    }

    #[test]
    fn escapes_of_dumps_are_undone() {
        let undo = |text: &str| {
            let mut field = text.as_bytes().to_vec();
            unescape(&mut field).then(|| String::from_utf8(field).unwrap())
        };
        assert_eq!(undo("a\\tb\\nc\\\\d").as_deref(), Some("a\tb\nc\\d"));
        assert_eq!(undo("\\N"), None);
        assert_eq!(undo("end\\").as_deref(), Some("end\\"));
    }
}
