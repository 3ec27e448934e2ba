//! [`gaps`]: the time from each row of a log to the next row of the same user.

use std::collections::HashMap;

/// A row of the gap table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GapRow {
    /// Id of the log row.
    pub id: i64,
    /// Id of the user whose row it is; rows of nobody share the id 0.
    pub userid: i64,
    /// When it was logged, in Unix seconds.
    pub time: i64,
    /// Seconds until the next row of the same user, 0 for the user's last row; at most `i64::MAX`.
    pub gap: i64,
}

/// The gap table of rows `(id, userid, time)`, ordered by time, then id.
///
/// All rows count, whatever they tell: there is neither a selection nor a threshold. The order of the input has no
/// influence. It holds all rows in memory, 32 bytes each.
pub fn gaps(rows: impl IntoIterator<Item = (i64, i64, i64)>) -> Vec<GapRow> {
    let mut rows: Vec<GapRow> =
        rows.into_iter().map(|(id, userid, time)| GapRow { id, userid, time, gap: 0 }).collect();
    rows.sort_by_key(|row| (row.time, row.id));
    let mut next: HashMap<i64, i64> = HashMap::new();
    for row in rows.iter_mut().rev() {
        if let Some(later) = next.insert(row.userid, row.time) {
            row.gap = later.saturating_sub(row.time);
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/use-stats/compile-gaps");

    /// The rows `(id, userid, time)` of the log of the recorded case.
    fn log() -> Vec<(i64, i64, i64)> {
        let mut reader = csv::Reader::from_path(format!("{FOLDER}/log.csv")).unwrap();
        let headers = reader.headers().unwrap().clone();
        let column = |name: &str| headers.iter().position(|header| header == name).unwrap();
        let columns = ["id", "userid", "timecreated"].map(column);
        let row = |row: csv::StringRecord| columns.map(|column| row[column].parse().unwrap());
        reader.records().map(|record| row(record.unwrap())).map(|[id, userid, time]| (id, userid, time)).collect()
    }

    #[test]
    fn the_gaps_are_those_of_the_compile_task() {
        let expected: Value =
            serde_json::from_slice(&std::fs::read(format!("{FOLDER}/expected.json")).unwrap()).unwrap();
        let expected: Vec<GapRow> = expected["results"][0]["gaps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                let [id, userid, time, gap] =
                    ["logid", "userid", "time", "gap"].map(|name| row[name].as_i64().unwrap());
                GapRow { id, userid, time, gap }
            })
            .collect();
        assert_eq!(expected.len(), 25);
        assert_eq!(gaps(log()), expected);
        assert_eq!(gaps(log().into_iter().rev()), expected);
    }

    #[test]
    fn ties_are_taken_by_id_and_users_apart() {
        let rows = [(4, 1, 100), (3, 2, 100), (2, 1, 100), (1, 1, 130)];
        let told: Vec<(i64, i64)> = gaps(rows).iter().map(|row| (row.id, row.gap)).collect();
        assert_eq!(told, [(2, 0), (3, 0), (4, 30), (1, 0)]);
        assert_eq!(gaps([]), []);
    }

    #[test]
    fn gaps_do_not_overflow() {
        let told: Vec<i64> = gaps([(1, 1, i64::MIN), (2, 1, i64::MAX)]).iter().map(|row| row.gap).collect();
        assert_eq!(told, [i64::MAX, 0]);
    }
}
