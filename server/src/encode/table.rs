//! A drawn table for people: a limited number of rows, long cells cut, control characters visible.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema};
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table};
use engine::{Result, Text, text};

use super::Encoder;
use super::cell::{Cells, json_options};
use super::wire::{Medium, Wire};

/// Longest cell that a table shows, in characters.
const MAX_CELL: usize = 500;

/// What a null looks like.
const NULL: &str = "∅";

/// How tables are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableOptions {
    /// Rows that are shown; the others are counted.
    pub max_rows: usize,
    /// Columns of the terminal; `None` draws as wide as the cells are.
    pub width: Option<u16>,
    /// One line per cell instead of one per row; a result with too many columns for the terminal is drawn so anyway.
    pub expanded: bool,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self { max_rows: 100, width: None, expanded: false }
    }
}

/// Collects the rows that will be shown and counts the rest.
pub(super) struct TableEncoder<W> {
    wire: Wire,
    out: W,
    options: TableOptions,
    rows: Vec<Vec<String>>,
    hidden: u64,
}

impl<W: Write> TableEncoder<W> {
    /// Nothing is written before the end: widths depend on all rows.
    pub(super) fn try_new(schema: &Schema, out: W, options: &TableOptions) -> Result<Self> {
        let wire = Wire::try_new(schema, Medium::Text)?;
        Ok(Self { wire, out, options: options.clone(), rows: Vec::new(), hidden: 0 })
    }

    fn drawn(&self) -> String {
        let names: Vec<String> = self.wire.schema().fields().iter().map(|field| printable(field.name())).collect();
        if self.options.expanded || self.options.width.is_some_and(|width| !fits(&names, width)) {
            return draw_expanded(&names, &self.rows);
        }
        let fields = self.wire.schema().fields();
        let right: Vec<bool> = fields.iter().map(|field| is_number(field.data_type())).collect();
        draw(&names, &right, &self.rows, self.options.width)
    }
}

impl<W: Write + Send> Encoder for TableEncoder<W> {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let shown = self.options.max_rows.saturating_sub(self.rows.len()).min(batch.num_rows());
        self.hidden += (batch.num_rows() - shown) as u64;
        if shown == 0 {
            return Ok(());
        }
        let batch = self.wire.apply(&batch.slice(0, shown))?;
        let (schema, options) = (batch.schema(), json_options());
        let pairs = schema.fields().iter().zip(batch.columns());
        let mut columns =
            pairs.map(|(field, column)| Cells::try_new(field, column, &options)).collect::<Result<Vec<_>>>()?;
        let mut text = String::new();
        for row in 0..shown {
            let cells = columns.iter_mut().map(|cells| match cells.read(row, &mut text) {
                true => printable(&text),
                false => NULL.to_owned(),
            });
            self.rows.push(cells.collect());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.out.write_all(self.drawn().as_bytes())?;
        Ok(self.out.flush()?)
    }

    fn rows(&self) -> u64 {
        self.rows.len() as u64 + self.hidden
    }

    fn remark(&self) -> Option<Text> {
        let hidden = self.hidden;
        match hidden {
            0 => None,
            1 => Some(text!("… 1 more row", "… 1 ligne de plus")),
            _ => Some(text!("… {hidden} more rows", "… {hidden} lignes de plus")),
        }
    }
}

/// Draws a table that ends with a line end; `right` tells which columns are numbers.
///
/// Cells are drawn as they are: texts from outside go through `printable` before.
pub fn draw(names: &[String], right: &[bool], rows: &[Vec<String>], width: Option<u16>) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    match width {
        Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
        None => table.set_content_arrangement(ContentArrangement::Disabled),
    };
    table.set_header(names);
    for row in rows {
        table.add_row(row.iter().map(Cell::new));
    }
    for (idx, right) in right.iter().enumerate() {
        if let (true, Some(column)) = (*right, table.column_mut(idx)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text: String = table.lines().map(|line| line + "\n").collect();
    if names.is_empty() {
        text.clear();
    }
    text
}

/// Whether the columns have room for a few characters each; narrower ones would be columns of letters.
fn fits(names: &[String], width: u16) -> bool {
    let needed = names.iter().map(|name| name.chars().count().clamp(4, 8) + 3).sum::<usize>() + 1;
    needed <= usize::from(width)
}

/// One block per row, one line per cell.
fn draw_expanded(names: &[String], rows: &[Vec<String>]) -> String {
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (idx, row) in rows.iter().enumerate() {
        text.push_str(&format!("─── {} ───\n", idx + 1));
        for (name, cell) in names.iter().zip(row) {
            text.push_str(&format!("{name:width$} │ {cell}\n"));
        }
    }
    text
}

fn is_number(data_type: &DataType) -> bool {
    data_type.is_numeric()
}

/// The text without characters that would move the cursor, cut to a readable length.
fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len().min(MAX_CELL));
    for (idx, c) in text.chars().enumerate() {
        if idx == MAX_CELL {
            shown.push('…');
            break;
        }
        match c {
            // The marks that reverse the direction of text would reorder the frame.
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                shown.extend(c.escape_unicode());
            }
            c if c.is_control() => shown.extend(c.escape_default()),
            c => shown.push(c),
        }
    }
    shown
}
