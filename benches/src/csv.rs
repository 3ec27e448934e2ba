//! A log as CSV: the 21 columns of `logstore_standard_log`, quoted where needed, NULL as a given text.

use std::fmt::Write as _;
use std::io::{self, Write};

use crate::hit::Hit;

/// The columns, in Moodle's order.
pub const HEADER: &str = "id,eventname,component,action,target,objecttable,objectid,crud,edulevel,contextid,\
contextlevel,contextinstanceid,userid,courseid,relateduserid,anonymous,other,timecreated,origin,ip,realuserid";

/// Writes rows to anything; one text buffer, used again for every row.
#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    null: String,
    line: String,
    other: String,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be written.
    pub fn new(mut out: W, null: &str) -> io::Result<Self> {
        writeln!(out, "{HEADER}")?;
        Ok(Self { out, null: null.to_owned(), line: String::new(), other: String::new() })
    }

    /// Writes one row.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be written.
    pub fn write(&mut self, hit: &Hit) -> io::Result<()> {
        self.line.clear();
        self.other.clear();
        hit.other.write(hit.userid, hit.serialized, &mut self.other);
        let (line, event) = (&mut self.line, hit.event);
        let _ = write!(line, "{},{},{},{},{},", hit.id, event.name, event.component, event.action, event.target);
        line.push_str(if event.table.is_empty() { &self.null } else { event.table });
        line.push(',');
        nullable(line, hit.objectid, &self.null);
        let _ = write!(
            line,
            ",{},{},{},{},{},{},{},",
            event.crud,
            event.level,
            hit.contextid,
            event.scope.level(),
            hit.instanceid,
            hit.userid,
            hit.courseid
        );
        nullable(line, hit.relateduserid, &self.null);
        line.push_str(",0,");
        quoted(line, &self.other);
        let _ = write!(line, ",{},{},", hit.time, hit.origin.name());
        nullable(line, hit.ip, &self.null);
        line.push(',');
        nullable(line, hit.realuserid, &self.null);
        line.push('\n');
        self.out.write_all(line.as_bytes())
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    ///
    /// When the bytes cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

fn nullable(line: &mut String, value: Option<impl std::fmt::Display>, null: &str) {
    match value {
        Some(value) => drop(write!(line, "{value}")),
        None => line.push_str(null),
    }
}

/// The text, in quotes with doubled quotes inside where a CSV reader needs them.
fn quoted(line: &mut String, text: &str) {
    if !text.contains(['"', ',', '\n', '\r']) {
        return line.push_str(text);
    }
    line.push('"');
    for (n, part) in text.split('"').enumerate() {
        if n > 0 {
            line.push_str("\"\"");
        }
        line.push_str(part);
    }
    line.push('"');
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Generator, Shape, batch};

    #[test]
    fn quotes_are_doubled() {
        let mut line = String::new();
        quoted(&mut line, "{\"a\":\"b\"}");
        quoted(&mut line, "null");
        assert_eq!(line, "\"{\"\"a\"\":\"\"b\"\"}\"null");
    }

    /// Arrow's CSV reader, which is not ours, sees in the CSV what the batches hold.
    #[test]
    fn csv_and_batches_agree() {
        let generator = Generator::new(Shape { users: 40, ..Shape::sized(4_000, 2) }).unwrap();
        let mut writer = CsvWriter::new(Vec::new(), "").unwrap();
        generator.by_user().for_each(|hit| writer.write(&hit).unwrap());
        let bytes = writer.finish().unwrap();
        let per_row = bytes.len() as f64 / 4_000.0;
        assert!((120.0..180.0).contains(&per_row), "{per_row} bytes per row");
        let reader = arrow::csv::ReaderBuilder::new(Arc::clone(&batch::schema()))
            .with_header(true)
            .with_batch_size(1_500)
            .build(&bytes[..])
            .unwrap();
        let read: Vec<_> = reader.map(Result::unwrap).collect();
        let made: Vec<_> = batch::batches(generator.by_user(), 1_500).map(Result::unwrap).collect();
        assert_eq!(made.iter().map(|batch| batch.num_rows()).collect::<Vec<_>>(), [1_500, 1_500, 1_000]);
        assert_eq!(read, made);
    }
}
