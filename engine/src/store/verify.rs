//! `store verify`: reads everything that the newest snapshot names and compares it with what the manifest says.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{Array, Int64Array, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::manifest::{DataFile, Table};
use super::{Snapshot, Store, VerifyReport, sort_columns};
use crate::error::Result;
use crate::text::Text;

impl Store {
    /// Checks every file that the newest snapshot names: presence, size, checksum, rows, order, bounds.
    ///
    /// # Errors
    ///
    /// Only when the store cannot be read at all; what is wrong inside is in [`VerifyReport::problems`].
    pub async fn verify(self: &Arc<Self>) -> Result<VerifyReport> {
        let snapshot = self.snapshot(None).await?;
        let mut report = VerifyReport { commit: snapshot.commit(), ..VerifyReport::default() };
        for (site, tables) in &snapshot.manifest().sites {
            for (name, table) in &tables.tables {
                for file in &table.files {
                    self.verify_file(&mut report, table, file).await;
                }
                verify_ids(&mut report, site, name, table);
            }
        }
        report.orphans = self.orphans(&snapshot).await?;
        Ok(report)
    }

    async fn verify_file(&self, report: &mut VerifyReport, table: &Table, file: &DataFile) {
        let path = &file.path;
        report.files += 1;
        let bytes = match self.location().read(&file.object_path()).await {
            Ok(bytes) => bytes,
            Err(error) => {
                let cause = error.to_string();
                report
                    .problems
                    .push(crate::text!("`{path}` cannot be read: {cause}", "`{path}` est illisible : {cause}"));
                return;
            }
        };
        report.bytes += bytes.len() as u64;
        if bytes.len() as u64 != file.bytes || crc32fast::hash(&bytes) != file.crc32 {
            report.problems.push(crate::text!(
                "`{path}` is damaged: its size or checksum differs from the manifest",
                "`{path}` est endommagé : sa taille ou sa somme de contrôle diffère du manifeste"
            ));
            return;
        }
        match verify_rows(bytes, table, file) {
            Ok((rows, problems)) => {
                report.rows += rows;
                report.problems.extend(problems);
            }
            Err(error) => {
                let cause = error.to_string();
                report.problems.push(crate::text!(
                    "`{path}` cannot be decoded: {cause}",
                    "`{path}` ne peut être décodé : {cause}"
                ));
            }
        }
    }

    /// Data files that the newest snapshot, and every other kept one, does not name.
    async fn orphans(&self, newest: &Snapshot) -> Result<u64> {
        let mut named: BTreeSet<String> = newest.manifest().files().map(|file| file.path.clone()).collect();
        for commit in self.kept_commits().await? {
            let snapshot = self.snapshot(Some(commit)).await?;
            named.extend(snapshot.manifest().files().map(|file| file.path.clone()));
        }
        Ok(self.present_files().await?.keys().filter(|path| !named.contains(*path)).count() as u64)
    }
}

fn verify_rows(bytes: Bytes, table: &Table, file: &DataFile) -> Result<(u64, Vec<Text>)> {
    let path = &file.path;
    let mut problems = Vec::new();
    let mut rows = 0;
    let mut last: Option<[i64; 3]> = None;
    let mut sorted = true;
    let mut users: Option<(i64, i64)> = None;
    for batch in ParquetRecordBatchReaderBuilder::try_new(bytes)?.build()? {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        if table.clustered {
            let keys = sort_keys(&batch)?;
            for row in 0..batch.num_rows() {
                let key = [keys[0].value(row), keys[1].value(row), keys[2].value(row)];
                sorted &= last.is_none_or(|last| last <= key);
                users = Some(users.map_or((key[0], key[0]), |(min, max)| (min.min(key[0]), max.max(key[0]))));
                last = Some(key);
            }
        }
    }
    if rows != file.rows {
        let said = file.rows;
        problems.push(crate::text!(
            "`{path}` holds {rows} rows, the manifest says {said}",
            "`{path}` contient {rows} lignes, le manifeste en annonce {said}"
        ));
    }
    if !sorted {
        problems.push(crate::text!(
            "`{path}` is not sorted by user, time and id",
            "`{path}` n'est pas trié par utilisateur, date et id"
        ));
    }
    if table.clustered && users != file.int_range("userid") {
        problems.push(crate::text!(
            "the users of `{path}` are not those of the manifest",
            "les utilisateurs de `{path}` ne sont pas ceux du manifeste"
        ));
    }
    Ok((rows, problems))
}

fn sort_keys(batch: &RecordBatch) -> Result<[Int64Array; 3]> {
    let key = |name: &str| -> Result<Int64Array> {
        let column = batch.schema().index_of(name)?;
        let cast = cast(batch.column(column), &DataType::Int64)?;
        Ok(Int64Array::from(cast.to_data()))
    };
    let [user, time, id] = sort_columns();
    Ok([key(user)?, key(time)?, key(id)?])
}

fn verify_ids(report: &mut VerifyReport, site: &str, name: &str, table: &Table) {
    let greatest = table.files.iter().filter_map(|file| file.int_range("id")).map(|(_, max)| max).max();
    let last = table.last_id;
    if let Some(greatest) = greatest
        && greatest > last
    {
        report.problems.push(crate::text!(
            "`{site}.{name}` has id {greatest} but remembers {last} as its greatest",
            "`{site}.{name}` a l'id {greatest} mais retient {last} comme le plus grand"
        ));
    }
}
