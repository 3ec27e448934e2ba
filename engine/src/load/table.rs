//! Rows of any table but the activity log: typed, keyed, and merged with the rows that the table has.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayBuilder, ArrayRef, AsArray, BooleanArray, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use arrow::row::{RowConverter, SortField};
use csv::ByteRecord;
use foldhash::fast::FixedState;
use std::hash::BuildHasher;

use super::detect::{Body, Detected, invalid, no_rows, read_all};
use super::dialect::{Dialect, unescape};
use super::input::Input;
use super::log::{MAX_RECORD, endless_record};
use super::rejects::{HELD, Reject, Rejects};
use super::spool::Spool;
use super::value::{self, FieldFault};
use super::{Counts, Progress};
use crate::error::{Error, Result};
use crate::fault::{Column as FaultColumn, Fault, quoted};
use crate::model;
use crate::store::{
    self, COMMIT, Column, ColumnType, DataFile, FILE_ROWS, NewFile, Store, Table, TableChange, TableNeed, WriteTarget,
};
use crate::text::Text;

/// Rows of one batch.
const BATCH_ROWS: usize = 16 << 10;

/// Hash of a key or of a row's contents: wide enough that two different ones never meet in practice.
type Digest = u128;

/// One file of a table, or several of the same table, on their way into the store.
pub(super) struct TableLoad {
    pub(super) site: String,
    pub(super) name: String,
    /// Columns of the rows: those of the store's table, of the known schema, and of the files.
    columns: Vec<Column>,
    key: Vec<String>,
    spool: Spool,
    /// Per key: number of the last row that has it, and the digest of that row.
    rows_of_key: HashMap<Digest, (u64, Digest), FixedState>,
    rows: u64,
    last_id: i64,
}

/// What the rows of one file became; the rest is known when the table is merged.
pub(super) struct FileRows {
    pub(super) counts: Counts,
    pub(super) notes: Vec<Text>,
}

/// What merging a table with the store's rows did.
pub(super) struct Merged {
    pub(super) change: Option<TableChange>,
    pub(super) replaced: u64,
    /// Rows that the store had with the same contents.
    pub(super) unchanged: u64,
    /// Rows whose key stood again further down.
    pub(super) superseded: u64,
}

impl TableLoad {
    /// Prepares a load into a table that the store may have already.
    pub(super) fn new(
        site: &str,
        name: &str,
        table: Option<&Table>,
        temporary: Option<std::path::PathBuf>,
        budget: usize,
    ) -> Self {
        let spec = model::table(name);
        let key = match (table, spec) {
            (Some(table), _) => table.key.clone(),
            (None, Some(spec)) => spec.key.iter().map(|column| (*column).to_owned()).collect(),
            (None, None) => Vec::new(),
        };
        let mut columns = table.map(|table| table.columns.clone()).unwrap_or_default();
        if let Some(spec) = spec {
            for column in spec.columns {
                if !columns.iter().any(|known| known.name == column.name) {
                    columns.push(Column {
                        name: column.name.to_owned(),
                        kind: column.kind.into(),
                        nullable: !key.iter().any(|k| k == column.name),
                    });
                }
            }
        }
        Self {
            site: site.to_owned(),
            name: name.to_owned(),
            columns,
            key,
            spool: Spool::new(temporary, budget),
            rows_of_key: HashMap::default(),
            rows: 0,
            last_id: 0,
        }
    }

    /// Whether rows are told apart by a key.
    pub(super) fn has_key(&self) -> bool {
        !self.key.is_empty()
    }

    /// Reads one file.
    pub(super) fn read(
        &mut self,
        input: &Input,
        detected: &Detected,
        rejects: &Rejects,
        progress: &Arc<dyn Progress>,
    ) -> Result<FileRows> {
        match &detected.body {
            Body::Parquet { .. } => self.read_parquet(input),
            Body::Csv { dialect, header, .. } => {
                let mut notes = Vec::new();
                self.plan_columns(input, detected, *dialect, header, &mut notes)?;
                let source = CsvSource { input, detected, dialect: *dialect, header };
                let counts = self.read_csv(&source, rejects, progress)?;
                Ok(FileRows { counts, notes })
            }
        }
    }

    /// Adds the columns of the file that the table does not have; their types are those of all their values.
    fn plan_columns(
        &mut self,
        input: &Input,
        detected: &Detected,
        dialect: Dialect,
        header: &[Arc<str>],
        notes: &mut Vec<Text>,
    ) -> Result<()> {
        let unknown: Vec<usize> = (0..header.len()).filter(|index| self.is_new(&header[*index])).collect();
        if !unknown.is_empty() {
            let kinds = infer(input, detected, dialect, &unknown)?;
            let mut found = Vec::new();
            for (index, kind) in unknown.iter().zip(kinds) {
                let name = clean_name(&header[*index]);
                found.push(format!("`{name}` {}", type_name(kind)));
                self.columns.push(Column { name, kind, nullable: true });
            }
            let list = found.join(", ");
            notes.push(crate::text!(
                "columns not in the known schema, types inferred: {list}",
                "colonnes hors du schéma connu, types déduits : {list}"
            ));
        }
        if self.key.is_empty() && model::table(&self.name).is_none() && self.rows == 0 {
            let id = self.columns.iter_mut().find(|column| column.name == "id" && column.kind == ColumnType::Int);
            if let Some(id) = id {
                id.nullable = false;
                self.key = vec!["id".to_owned()];
            } else {
                notes.push(crate::text!(
                    "the rows have no key: another file with some of the same rows would add them again",
                    "les lignes n'ont pas de clé : un autre fichier contenant une partie de ces lignes les ajouterait de nouveau"
                ));
            }
        }
        let absent: Vec<String> = self
            .columns
            .iter()
            .filter(|column| !header.iter().any(|name| value::is_column(name, &column.name)))
            .map(|column| format!("`{}`", column.name))
            .collect();
        if !absent.is_empty() {
            let list = absent.join(", ");
            notes.push(crate::text!(
                "columns that the file does not have stay empty: {list}",
                "colonnes absentes du fichier, laissées vides : {list}"
            ));
        }
        Ok(())
    }

    fn is_new(&self, header: &str) -> bool {
        !header.is_empty()
            && !clean_name(header).starts_with('_')
            && !self.columns.iter().any(|column| value::is_column(header, &column.name))
    }

    fn schema(&self) -> SchemaRef {
        let kind = |kind| match kind {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Bytes => DataType::Binary,
            other => store::arrow_type(other),
        };
        Arc::new(Schema::new(
            self.columns
                .iter()
                .map(|column| Field::new(&column.name, kind(column.kind), column.nullable))
                .collect::<Vec<_>>(),
        ))
    }

    fn read_csv(&mut self, source: &CsvSource<'_>, rejects: &Rejects, progress: &Arc<dyn Progress>) -> Result<Counts> {
        let mut reader = source.dialect.reader(source.input.text(source.detected.charset, Some(Arc::clone(progress)))?);
        let mut record = ByteRecord::new();
        let columns = self.columns.clone();
        let mut builder = RowBuilder::new(&columns, source.header, source.dialect, &self.name);
        let mut counts = Counts::default();
        let mut faults = Vec::new();
        let mut is_header = true;
        while read_record(&mut reader, &mut record, source.input)? {
            if std::mem::take(&mut is_header) {
                continue;
            }
            counts.read += 1;
            if let Err((column, fault)) = builder.push(&record) {
                counts.rejected += 1;
                faults.push(Reject { fault: source.fault(&record, column, fault), record: record.clone() });
                if faults.len() >= HELD {
                    rejects.hand_over(0, &mut faults)?;
                }
            }
            if builder.rows == BATCH_ROWS {
                self.add(builder.finish()?)?;
            }
        }
        rejects.report(0, faults)?;
        if counts.read == 0 {
            return Err(no_rows(&source.input.name));
        }
        if builder.rows > 0 {
            self.add(builder.finish()?)?;
        }
        counts.loaded = counts.read - counts.rejected;
        Ok(counts)
    }

    fn read_parquet(&mut self, input: &Input) -> Result<FileRows> {
        let name = &input.name;
        let unreadable = |error: parquet::errors::ParquetError| {
            invalid(name, crate::text!("the Parquet file is damaged", "le fichier Parquet est endommagé"))
                .because(error)
        };
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(read_all(input)?)
            .map_err(unreadable)?;
        for field in reader.schema().fields() {
            if self.is_new(field.name()) {
                self.columns.push(Column {
                    name: clean_name(field.name()),
                    kind: type_of(field.data_type()),
                    nullable: true,
                });
            }
        }
        let schema = self.schema();
        let mut counts = Counts::default();
        for batch in reader.with_batch_size(BATCH_ROWS).build().map_err(unreadable)? {
            let batch = batch.map_err(|error| {
                invalid(name, crate::text!("the Parquet file is damaged", "le fichier Parquet est endommagé"))
                    .because(error)
            })?;
            counts.read += batch.num_rows() as u64;
            let typed = store::aligned(&batch, &schema).map_err(|error| {
                invalid(
                    name,
                    crate::text!(
                        "a column has another type than the table",
                        "une colonne a un autre type que la table"
                    ),
                )
                .because(error)
            })?;
            self.add(RecordBatch::try_new(Arc::clone(&schema), typed.columns().to_vec()).map_err(|error| {
                invalid(
                    name,
                    crate::text!("a key column has missing values", "une colonne de clé a des valeurs manquantes"),
                )
                .because(error)
            })?)?;
        }
        if counts.read == 0 {
            return Err(no_rows(name));
        }
        counts.loaded = counts.read;
        Ok(FileRows { counts, notes: Vec::new() })
    }

    /// Remembers the keys of a batch and puts it aside.
    fn add(&mut self, batch: RecordBatch) -> Result<()> {
        if self.has_key() {
            let (keys, contents) = (digests(&batch, Some(&self.key))?, digests(&batch, None)?);
            for (key, content) in keys.into_iter().zip(contents) {
                self.rows_of_key.insert(key, (self.rows, content));
                self.rows += 1;
            }
        } else {
            self.rows += batch.num_rows() as u64;
        }
        if let Some(ids) = batch.column_by_name("id").and_then(|ids| ids.as_primitive_opt::<Int64Type>()) {
            self.last_id = self.last_id.max(arrow::compute::max(ids).unwrap_or(0));
        }
        self.spool.push(batch)
    }

    /// Compares with the rows of the store and writes what changed. Call it from a blocking thread.
    pub(super) fn merge(
        mut self,
        store: &Store,
        table: Option<&Table>,
        handle: &tokio::runtime::Handle,
    ) -> Result<Merged> {
        let schema = self.schema();
        let mut merged = Merged { change: None, replaced: 0, unchanged: 0, superseded: 0 };
        let target = WriteTarget::new(handle, store.location(), &self.site, &self.name, false);
        let mut change = TableChange {
            site: self.site.clone(),
            table: self.name.clone(),
            columns: self.columns.clone(),
            key: self.key.clone(),
            clustered: false,
            add: Vec::new(),
            remove: BTreeSet::new(),
            last_id: self.last_id,
            // Keys were compared with all rows; without keys two loads of the same file at once must not both count.
            need: TableNeed::Unchanged,
        };
        if self.has_key() {
            merged.superseded = self.rows - self.rows_of_key.len() as u64;
            for file in table.iter().flat_map(|table| &table.files) {
                let table = table.ok_or_else(|| Error::bug("a file without table"))?;
                let bytes = handle.block_on(store.read_file(file))?;
                self.merge_file(
                    store::file_batches(table, file, bytes)?,
                    file,
                    &schema,
                    &target,
                    &mut change,
                    &mut merged,
                )?;
            }
        }
        let keep = |row: u64, key: Option<Digest>| match key {
            Some(key) => self.rows_of_key.get(&key).is_some_and(|(last, _)| *last == row),
            None => true,
        };
        let added = write_rows(&mut self.spool, &schema, &self.key, &keep, &target)?;
        change.add.extend(added);
        if !(change.add.is_empty() && change.remove.is_empty()) {
            merged.change = Some(change);
        }
        Ok(merged)
    }

    /// Takes the rows of an old file: unchanged ones leave the new rows, replaced ones leave the file.
    fn merge_file(
        &mut self,
        batches: Vec<RecordBatch>,
        file: &DataFile,
        schema: &SchemaRef,
        target: &WriteTarget,
        change: &mut TableChange,
        merged: &mut Merged,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(batches.len());
        let mut replaced = 0;
        for batch in batches {
            let plain = store::aligned(&batch, schema)?;
            let (keys, contents) = (digests(&plain, Some(&self.key))?, digests(&plain, None)?);
            let mut stays = Vec::with_capacity(keys.len());
            for (key, content) in keys.into_iter().zip(contents) {
                let new = self.rows_of_key.get(&key).copied();
                stays.push(new.is_none_or(|(_, new)| new == content));
                match new {
                    Some((_, new)) if new == content => {
                        self.rows_of_key.remove(&key);
                        merged.unchanged += 1;
                    }
                    Some(_) => replaced += 1,
                    None => {}
                }
            }
            kept.push((batch, BooleanArray::from(stays)));
        }
        if replaced == 0 {
            return Ok(());
        }
        merged.replaced += replaced;
        change.remove.insert(file.path.clone());
        let rewritten = with_commit(schema);
        let mut writer = target.open(&rewritten)?;
        for (batch, stays) in kept {
            let rows = store::aligned(&filter_record_batch(&batch, &stays)?, &rewritten)?;
            writer.write(&RecordBatch::try_new(Arc::clone(&rewritten), rows.columns().to_vec())?)?;
        }
        if writer.rows() > 0 {
            change.add.push(NewFile { file: writer.finish()?, keeps_commits: true });
        } else {
            writer.abandon();
        }
        Ok(())
    }
}

fn with_commit(schema: &Schema) -> SchemaRef {
    let fields = schema.fields().iter().cloned().chain([Arc::new(Field::new(COMMIT, DataType::Int64, true))]);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// Writes the rows that stay, in the order of the file.
fn write_rows(
    spool: &mut Spool,
    schema: &SchemaRef,
    key: &[String],
    keep: &dyn Fn(u64, Option<Digest>) -> bool,
    target: &WriteTarget,
) -> Result<Vec<NewFile>> {
    let mut files = Vec::new();
    let mut open = None;
    let mut row = 0;
    spool.replay(&mut |batch| {
        // Later files of the same load may have brought more columns.
        let batch = RecordBatch::try_new(Arc::clone(schema), store::aligned(&batch, schema)?.columns().to_vec())?;
        let keys = if key.is_empty() {
            vec![None; batch.num_rows()]
        } else {
            digests(&batch, Some(key))?.into_iter().map(Some).collect()
        };
        let stays: BooleanArray = keys
            .into_iter()
            .map(|key| {
                let stays = keep(row, key);
                row += 1;
                Some(stays)
            })
            .collect();
        let rows = filter_record_batch(&batch, &stays)?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        if open.as_ref().is_some_and(|writer: &store::FileWriter| writer.rows() >= FILE_ROWS) {
            files.extend(open.take().map(store::FileWriter::finish).transpose()?);
        }
        if open.is_none() {
            open = Some(target.open(schema)?);
        }
        match &mut open {
            Some(writer) => writer.write(&rows),
            None => Ok(()),
        }
    })?;
    files.extend(open.map(store::FileWriter::finish).transpose()?);
    Ok(files.into_iter().map(|file| NewFile { file, keeps_commits: false }).collect())
}

/// A digest per row, over some columns or over all that hold a value.
///
/// A column that is null counts like one that is absent, so that a table may gain columns without all rows changing.
fn digests(batch: &RecordBatch, columns: Option<&[String]>) -> Result<Vec<Digest>> {
    let mut totals = vec![0; batch.num_rows()];
    for (index, field) in batch.schema().fields().iter().enumerate() {
        if columns.is_some_and(|columns| !columns.contains(field.name())) {
            continue;
        }
        let array = batch.column(index);
        let converter = RowConverter::new(vec![SortField::new(array.data_type().clone())])?;
        let rows = converter.convert_columns(std::slice::from_ref(array))?;
        let seeds =
            (FixedState::with_seed(column_seed(field.name())), FixedState::with_seed(!column_seed(field.name())));
        for (row, total) in totals.iter_mut().enumerate() {
            if array.is_valid(row) {
                let bytes = rows.row(row);
                let digest =
                    (u128::from(seeds.0.hash_one(bytes.as_ref())) << 64) | u128::from(seeds.1.hash_one(bytes.as_ref()));
                *total = Digest::wrapping_add(*total, digest);
            }
        }
    }
    Ok(totals)
}

fn column_seed(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

/// The bytes of one CSV file.
struct CsvSource<'a> {
    input: &'a Input,
    detected: &'a Detected,
    dialect: Dialect,
    header: &'a [Arc<str>],
}

impl CsvSource<'_> {
    fn fault(&self, record: &ByteRecord, column: Option<usize>, fault: FieldFault) -> Fault {
        let named = column.and_then(|index| {
            self.header.get(index).map(|name| FaultColumn { name: Arc::clone(name), number: index + 1 })
        });
        let secret = named.as_ref().is_some_and(|column| is_secret(&column.name));
        let value = column
            .and_then(|index| record.get(index))
            .map(|field| if secret { "•••".to_owned() } else { quoted(&String::from_utf8_lossy(field)) });
        let line = record.position().map_or(0, csv::Position::line);
        Fault {
            code: fault.code,
            file: Arc::clone(&self.input.name),
            line,
            column: named,
            value,
            reason: fault.reason,
            hint: fault.hint.map(|hint| *hint),
        }
    }
}

fn is_secret(column: &str) -> bool {
    model::tables()
        .iter()
        .flat_map(|table| table.columns)
        .any(|known| known.secret && value::is_column(column, known.name))
}

/// Reads the next record; refuses one that does not end.
pub(super) fn read_record<R: std::io::Read>(
    reader: &mut csv::Reader<R>,
    record: &mut ByteRecord,
    input: &Input,
) -> Result<bool> {
    let more = reader.read_byte_record(record).map_err(|error| match error.into_kind() {
        csv::ErrorKind::Io(source) => input.failed(source),
        other => Error::bug(format!("a CSV record cannot be read: {other:?}")),
    })?;
    if record.as_slice().len() > MAX_RECORD {
        return Err(endless_record(&input.name, record.position().map_or(0, csv::Position::line)));
    }
    Ok(more)
}

/// Typed columns of rows under construction.
struct RowBuilder<'a> {
    columns: Vec<Slot<'a>>,
    width: usize,
    dialect: Dialect,
    rows: usize,
    schema: SchemaRef,
    scratch: Vec<u8>,
}

struct Slot<'a> {
    column: &'a Column,
    file: Option<usize>,
    /// Passwords and their like are never kept.
    secret: bool,
    /// An empty text stays one; elsewhere it is a missing value.
    keeps_empty: bool,
    values: Values,
}

enum Values {
    Int(Int64Builder),
    Float(Float64Builder),
    Text(StringBuilder),
}

enum Parsed {
    Null,
    Int(i64),
    Float(f64),
    Text(Vec<u8>),
}

impl<'a> RowBuilder<'a> {
    fn new(columns: &'a [Column], header: &[Arc<str>], dialect: Dialect, table: &str) -> Self {
        let spec = model::table(table);
        let slot = |column: &'a Column| {
            let known = spec.and_then(|spec| spec.column(&column.name));
            Slot {
                column,
                file: header.iter().position(|name| value::is_column(name, &column.name)),
                secret: known.is_some_and(|column| column.secret),
                keeps_empty: known.is_some_and(|column| !column.nullable),
                values: match column.kind {
                    ColumnType::Int => Values::Int(Int64Builder::new()),
                    ColumnType::Float => Values::Float(Float64Builder::new()),
                    ColumnType::Text | ColumnType::Bytes => Values::Text(StringBuilder::new()),
                },
            }
        };
        let fields = columns.iter().map(|column| {
            let kind = if column.kind == ColumnType::Bytes { DataType::Utf8 } else { plain_type(column.kind) };
            Field::new(&column.name, kind, column.nullable)
        });
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        Self {
            columns: columns.iter().map(slot).collect(),
            width: header.len(),
            dialect,
            rows: 0,
            schema,
            scratch: Vec::new(),
        }
    }

    /// Adds a row, or nothing when a field is at fault.
    fn push(&mut self, record: &ByteRecord) -> std::result::Result<(), (Option<usize>, FieldFault)> {
        if record.len() != self.width {
            return Err((None, value::field_count(record.len(), self.width, self.dialect)));
        }
        let mut row = Vec::with_capacity(self.columns.len());
        for slot in &self.columns {
            row.push(slot.parse(record, self.dialect, &mut self.scratch).map_err(|fault| (slot.file, fault))?);
        }
        for (slot, value) in self.columns.iter_mut().zip(row) {
            slot.append(value);
        }
        self.rows += 1;
        Ok(())
    }

    fn finish(&mut self) -> Result<RecordBatch> {
        self.rows = 0;
        let arrays = self.columns.iter_mut().map(|slot| slot.values.finish());
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), arrays.collect())?)
    }
}

impl Slot<'_> {
    fn parse(
        &self,
        record: &ByteRecord,
        dialect: Dialect,
        scratch: &mut Vec<u8>,
    ) -> std::result::Result<Parsed, FieldFault> {
        let Some(mut field) = self.file.and_then(|file| record.get(file)) else { return Ok(Parsed::Null) };
        if self.secret {
            return Ok(Parsed::Null);
        }
        if dialect.escapes && field.contains(&b'\\') {
            scratch.clear();
            scratch.extend_from_slice(field);
            field = if unescape(scratch) { scratch } else { b"\\N" };
        }
        if value::is_null(field) && !(self.keeps_empty && field.is_empty() && matches!(self.values, Values::Text(_))) {
            return if self.column.nullable { Ok(Parsed::Null) } else { Err(value::missing(&self.column.name)) };
        }
        match &self.values {
            Values::Int(_) => value::parse_int(field).map(Parsed::Int).ok_or_else(value::not_a_number),
            Values::Float(_) => value::parse_float(field).map(Parsed::Float).ok_or_else(value::not_a_decimal),
            Values::Text(_) => match std::str::from_utf8(field) {
                Ok(_) => Ok(Parsed::Text(field.to_vec())),
                Err(_) => Err(value::not_utf8()),
            },
        }
    }

    fn append(&mut self, value: Parsed) {
        match (&mut self.values, value) {
            (Values::Int(builder), Parsed::Int(number)) => builder.append_value(number),
            (Values::Int(builder), _) => builder.append_null(),
            (Values::Float(builder), Parsed::Float(number)) => builder.append_value(number),
            (Values::Float(builder), _) => builder.append_null(),
            (Values::Text(builder), Parsed::Text(text)) => builder.append_value(String::from_utf8_lossy(&text)),
            (Values::Text(builder), _) => builder.append_null(),
        }
    }
}

impl Values {
    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Int(builder) => ArrayBuilder::finish(builder),
            Self::Float(builder) => ArrayBuilder::finish(builder),
            Self::Text(builder) => ArrayBuilder::finish(builder),
        }
    }
}

/// The narrowest type that holds all values of some columns of a file.
fn infer(input: &Input, detected: &Detected, dialect: Dialect, columns: &[usize]) -> Result<Vec<ColumnType>> {
    let mut reader = dialect.reader(input.text(detected.charset, None)?);
    let mut record = ByteRecord::new();
    let mut kinds: Vec<Option<ColumnType>> = vec![None; columns.len()];
    let mut is_header = true;
    while read_record(&mut reader, &mut record, input)? {
        if std::mem::take(&mut is_header) {
            continue;
        }
        for (kind, column) in kinds.iter_mut().zip(columns) {
            let field = record.get(*column).unwrap_or_default();
            if !value::is_null(field) && *kind != Some(ColumnType::Text) {
                *kind = Some(widen(*kind, field));
            }
        }
    }
    Ok(kinds.into_iter().map(|kind| kind.unwrap_or(ColumnType::Text)).collect())
}

fn widen(kind: Option<ColumnType>, field: &[u8]) -> ColumnType {
    // A leading zero is part of a code, such as a postal code, and no number.
    let code = field.len() > 1 && field[0] == b'0' && field[1] != b'.';
    if kind != Some(ColumnType::Float) && !code && value::parse_int(field).is_some() {
        ColumnType::Int
    } else if !code && value::parse_float(field).is_some() {
        ColumnType::Float
    } else {
        ColumnType::Text
    }
}

fn clean_name(header: &str) -> String {
    let name = header.trim().trim_matches(|c| c == '`' || c == '"');
    let last = name.rsplit_once('.').map(|(_, last)| last.trim_matches(|c| c == '`' || c == '"'));
    last.filter(|last| !last.is_empty()).unwrap_or(name).to_lowercase()
}

fn plain_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Text => DataType::Utf8,
        ColumnType::Bytes => DataType::Binary,
    }
}

fn type_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Int => "int",
        ColumnType::Float => "float",
        ColumnType::Text => "text",
        ColumnType::Bytes => "bytes",
    }
}

fn type_of(kind: &DataType) -> ColumnType {
    if kind.is_integer() || matches!(kind, DataType::Boolean) {
        ColumnType::Int
    } else if kind.is_numeric() {
        ColumnType::Float
    } else if matches!(kind, DataType::Binary | DataType::LargeBinary | DataType::BinaryView) {
        ColumnType::Bytes
    } else {
        ColumnType::Text
    }
}
