//! Writes a generated log as CSV or Parquet.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use benches::{Generator, Hit, Shape, batch, csv::CsvWriter};
use chrono::NaiveDate;
use chrono_tz::Tz;
use clap::{Parser, ValueEnum};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

/// Rows per row group of the Parquet output.
const ROW_GROUP: usize = 1 << 17;

/// Writes a seeded, realistic Moodle activity log (`logstore_standard_log`, all 21 columns).
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows, exactly.
    #[arg(long, default_value_t = 1_000_000)]
    rows: u64,
    /// Seed: the same arguments give the same bytes on every machine.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Order of the rows: as a database exports them, or clustered by user. Rows and ids are the same.
    #[arg(long, value_enum, default_value_t = Order::Time)]
    order: Order,
    /// Format of the output.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// File to write.
    #[arg(long, short, required_unless_present = "stdout")]
    output: Option<PathBuf>,
    /// Write to the standard output instead.
    #[arg(long, conflicts_with = "output")]
    stdout: bool,
    /// Spelling of NULL in CSV.
    #[arg(long, default_value = "")]
    null: String,
    /// People [default: one per thousand rows].
    #[arg(long)]
    users: Option<u32>,
    /// Courses [default: one per ten people].
    #[arg(long)]
    courses: Option<u32>,
    /// First local day [default: 2023-09-04].
    #[arg(long)]
    start: Option<NaiveDate>,
    /// Nominal length in days [default: 365].
    #[arg(long)]
    days: Option<u32>,
    /// Time zone of the rhythm [default: Europe/Paris].
    #[arg(long)]
    timezone: Option<Tz>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// By timecreated and id.
    Time,
    /// By userid, timecreated and id.
    User,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Header, quotes where needed, NULL as the text of `--null`.
    Csv,
    /// Int64 and Utf8, zstd 1, row groups of 131072 rows.
    Parquet,
}

impl Arguments {
    fn shape(&self) -> Shape {
        let mut shape = Shape::sized(self.rows, self.seed);
        shape.users = self.users.unwrap_or(shape.users);
        shape.courses = self.courses.unwrap_or_else(|| (shape.users / 10).max(1));
        shape.start = self.start.unwrap_or(shape.start);
        shape.days = self.days.unwrap_or(shape.days);
        shape.zone = self.timezone.unwrap_or(shape.zone);
        shape
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let generator = Generator::new(arguments.shape())?;
    let out: Box<dyn Write + Send> = match &arguments.output {
        Some(path) => Box::new(File::create(path).with_context(|| path.display().to_string())?),
        None => Box::new(io::stdout()),
    };
    let out = BufWriter::with_capacity(1 << 20, out);
    match arguments.order {
        Order::Time => write(&arguments, generator.by_time(), out),
        Order::User => write(&arguments, generator.by_user(), out),
    }
}

fn write(arguments: &Arguments, hits: impl Iterator<Item = Hit>, out: BufWriter<Box<dyn Write + Send>>) -> Result<()> {
    match arguments.format {
        Format::Csv => {
            let mut writer = CsvWriter::new(out, &arguments.null)?;
            for hit in hits {
                writer.write(&hit)?;
            }
            writer.finish()?;
        }
        Format::Parquet => {
            let properties = WriterProperties::builder()
                .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
                .set_max_row_group_row_count(Some(ROW_GROUP))
                .build();
            let mut writer = ArrowWriter::try_new(out, batch::schema(), Some(properties))?;
            for batch in batch::batches(hits, ROW_GROUP) {
                writer.write(&batch?)?;
            }
            writer.into_inner()?.flush()?;
        }
    }
    Ok(())
}
