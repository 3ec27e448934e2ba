//! The documents of `report_etl_get`: a root, and one element per row with its fields in alphabetical order.
//!
//! As the plugin writes them, without its defects: no record is repeated, and the text is well formed.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, SchemaRef};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use engine::Result;
use engine::view::View;

use super::xml_text::xml_text;

/// Writes the document of a view.
#[derive(Debug)]
pub(crate) struct EtlDocument {
    text: String,
    root: String,
    row: Option<String>,
    /// Names of the fields, sorted, with the places of their columns.
    fields: Vec<(String, usize)>,
    time_column: Option<usize>,
    /// Rows so far.
    pub(crate) records: i64,
    /// Least and greatest time, in Unix seconds.
    pub(crate) times: Option<(i64, i64)>,
}

impl EtlDocument {
    /// The beginning of the document of a view with these columns. A sample has no declaration.
    pub(crate) fn new(view: &View, schema: &SchemaRef, sample: bool) -> Self {
        let chosen = &view.xml.fields;
        let named = schema.fields().iter().enumerate().map(|(place, field)| (field.name().clone(), place));
        let mut fields: Vec<(String, usize)> =
            named.filter(|(name, _)| chosen.is_empty() || chosen.contains(name)).collect();
        fields.sort();
        let root = view.xml.root.clone().unwrap_or_else(|| "records".to_owned());
        let declaration = if sample { "" } else { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" };
        let row = match (&view.xml.root, &view.xml.row) {
            // A root with its own name and no name of a row is one record.
            (Some(_), None) => None,
            (_, row) => Some(row.clone().unwrap_or_else(|| "record".to_owned())),
        };
        let time_column = view.time_column.as_ref().and_then(|name| schema.index_of(name).ok());
        let text = format!("{declaration}<{root}>\n");
        Self { text, root, row, fields, time_column, records: 0, times: None }
    }

    /// Adds rows; answers how many bytes they took.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<usize> {
        let before = self.text.len();
        let options = FormatOptions::new().with_display_error(false);
        let cells: Vec<Cells<'_>> = self
            .fields
            .iter()
            .map(|(_, place)| Cells::try_new(batch.column(*place), &options))
            .collect::<Result<_>>()?;
        for row in 0..batch.num_rows() {
            self.record(row, &cells);
        }
        self.note_times(batch);
        Ok(self.text.len() - before)
    }

    fn record(&mut self, row: usize, cells: &[Cells<'_>]) {
        let number = self.records;
        self.records += 1;
        let indent = match &self.row {
            Some(name) => {
                self.text.push_str(&format!("\t<{name} id=\"{number}\">\n\t\t<ix>{number}</ix>\n"));
                "\t\t"
            }
            None => "\t",
        };
        for ((name, _), cells) in self.fields.iter().zip(cells) {
            let value = cells.text(row).map(|text| xml_text(&text)).unwrap_or_default();
            self.text.push_str(&format!("{indent}<{name}>{value}</{name}>\n"));
        }
        if let Some(name) = &self.row {
            self.text.push_str(&format!("\t</{name}>\n"));
        }
    }

    fn note_times(&mut self, batch: &RecordBatch) {
        let Some(column) = self.time_column.map(|place| batch.column(place)) else { return };
        let Some(times) = column.as_primitive_opt::<Int64Type>() else { return };
        for time in times.iter().flatten() {
            let (first, last) = self.times.unwrap_or((time, time));
            self.times = Some((first.min(time), last.max(time)));
        }
    }

    /// The whole document.
    pub(crate) fn finish(mut self) -> String {
        self.text.push_str(&format!("</{}>\n", self.root));
        self.text
    }
}

/// The cells of one column as texts.
enum Cells<'a> {
    /// Grades and the like, which Moodle keeps and writes with five decimals.
    Float(&'a ArrayRef),
    Other(&'a ArrayRef, ArrayFormatter<'a>),
}

impl<'a> Cells<'a> {
    fn try_new(column: &'a ArrayRef, options: &'a FormatOptions<'a>) -> Result<Self> {
        Ok(match column.data_type() {
            DataType::Float64 => Self::Float(column),
            _ => Self::Other(column, ArrayFormatter::try_new(column.as_ref(), options)?),
        })
    }

    /// The text of a cell; `None` when it is null.
    fn text(&self, row: usize) -> Option<String> {
        match self {
            Self::Float(column) => {
                column.is_valid(row).then(|| format!("{:.5}", column.as_primitive::<Float64Type>().value(row)))
            }
            Self::Other(column, cells) => column.is_valid(row).then(|| cells.value(row).to_string()),
        }
    }
}
