//! Which files of a clustered table overlap: pure arithmetic on their user ranges.

use super::manifest::DataFile;

/// Files whose user ranges touch each other, directly or through others. Clusters are disjoint and ascending.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cluster<'a> {
    /// Least user of any file.
    pub(crate) first_user: i64,
    /// Greatest user of any file.
    pub(crate) last_user: i64,
    /// Rows of all files.
    pub(crate) rows: u64,
    /// The files as few chains as possible; the files of a chain are disjoint and ascending, so that a chain is one
    /// sorted stream.
    pub(crate) chains: Vec<Vec<&'a DataFile>>,
}

impl<'a> Cluster<'a> {
    fn open(file: &'a DataFile, (first_user, last_user): (i64, i64)) -> Self {
        Self { first_user, last_user, rows: file.rows, chains: vec![vec![file]] }
    }

    fn add(&mut self, file: &'a DataFile, (first_user, last_user): (i64, i64)) {
        self.last_user = self.last_user.max(last_user);
        self.rows += file.rows;
        let ends_before = |chain: &&mut Vec<&DataFile>| chain.last().is_none_or(|last| user_range(last).1 < first_user);
        match self.chains.iter_mut().find(ends_before) {
            Some(chain) => chain.push(file),
            None => self.chains.push(vec![file]),
        }
    }

    /// All files of the cluster.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'a DataFile> + '_ {
        self.chains.iter().flatten().copied()
    }
}

/// Groups the files of a clustered table. Greedy assignment in ascending order gives the least number of chains.
pub(crate) fn clusters(files: &[DataFile]) -> Vec<Cluster<'_>> {
    let mut ordered: Vec<&DataFile> = files.iter().filter(|file| file.rows > 0).collect();
    ordered.sort_by_key(|file| user_range(file));
    let mut clusters: Vec<Cluster<'_>> = Vec::new();
    for file in ordered {
        let range = user_range(file);
        match clusters.last_mut() {
            Some(cluster) if range.0 <= cluster.last_user => cluster.add(file, range),
            _ => clusters.push(Cluster::open(file, range)),
        }
    }
    clusters
}

/// Users of a file; a file without statistics may hold any.
fn user_range(file: &DataFile) -> (i64, i64) {
    file.int_range("userid").unwrap_or((i64::MIN, i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Bound, ColumnStats};
    use super::*;

    fn file(name: &str, first: i64, last: i64) -> DataFile {
        let stats = ColumnStats { min: Some(Bound::Int(first)), max: Some(Bound::Int(last)), nulls: 0 };
        DataFile {
            path: name.to_owned(),
            rows: 10,
            bytes: 1,
            crc32: 0,
            commit: Some(1),
            columns: [("userid".to_owned(), stats)].into(),
        }
    }

    fn names(files: &[DataFile]) -> Vec<Vec<Vec<&str>>> {
        let name = |file: &&DataFile| -> &str { files.iter().find(|f| f.path == file.path).unwrap().path.as_str() };
        clusters(files)
            .iter()
            .map(|cluster| cluster.chains.iter().map(|chain| chain.iter().map(name).collect()).collect())
            .collect()
    }

    #[test]
    fn disjoint_files_are_clusters_of_one_chain() {
        let files = [file("b", 10, 19), file("a", 1, 9), file("c", 20, 20)];
        assert_eq!(names(&files), [[["a"]], [["b"]], [["c"]]]);
    }

    #[test]
    fn overlapping_files_share_a_cluster_with_as_few_chains_as_possible() {
        let files = [file("a", 1, 9), file("b", 10, 19), file("x", 5, 12), file("y", 13, 14), file("c", 30, 40)];
        assert_eq!(names(&files), [vec![vec!["a", "b"], vec!["x", "y"]], vec![vec!["c"]]]);
    }

    #[test]
    fn a_shared_user_joins_two_files() {
        assert_eq!(names(&[file("a", 1, 9), file("b", 9, 12)]), [[["a"], ["b"]]]);
    }
}
