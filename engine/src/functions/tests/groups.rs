//! The group-wise accumulator: any order, any batches, any partial aggregation, prefixes emitted on the way.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array};
use arrow::datatypes::Int64Type;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use proptest::prelude::*;

use super::super::groups::GapGroups;
use super::super::sessions::Sessions;
use super::super::time_spent::TimeSpent;
use crate::time::{GapPolicy, Seconds, naive};

/// A row: its group, its time, and whether the filter passes it. A missing filter value passes nothing.
type Row = (usize, Option<i64>, Option<bool>);

/// Start, end, elapsed and events of each session of a group.
type Listed = Vec<[i64; 4]>;

const GROUPS: usize = 5;

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let time = prop_oneof![20 => (0..1500_i64).prop_map(Some), 1 => Just(None), 1 => Just(Some(i64::MIN))];
    let pass = prop_oneof![8 => Just(Some(true)), 1 => Just(Some(false)), 1 => Just(None)];
    prop::collection::vec((0..GROUPS, time, pass), 0..150)
}

fn policy(threshold: i64) -> GapPolicy {
    GapPolicy { threshold: Seconds::try_new(threshold).unwrap(), ..GapPolicy::default() }
}

fn times(rows: &[Row]) -> Vec<ArrayRef> {
    vec![Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>())]
}

fn filter(rows: &[Row]) -> BooleanArray {
    rows.iter().map(|row| row.2).collect()
}

fn update(groups: &mut GapGroups<Sessions>, rows: &[Row], first_group: usize, filtered: bool) {
    let indices: Vec<usize> = rows.iter().map(|row| row.0 - first_group).collect();
    let filter = filtered.then(|| filter(rows));
    groups.update_batch(&times(rows), &indices, filter.as_ref(), GROUPS - first_group).unwrap();
}

fn listed(array: &ArrayRef) -> Vec<Listed> {
    let lists = array.as_list::<i32>();
    let one = |list: ArrayRef| -> Listed {
        let columns = list.as_struct().columns().to_vec();
        let value = |column: usize, row: usize| columns[column].as_primitive::<Int64Type>().value(row);
        (0..list.len()).map(|row| [0, 1, 2, 3].map(|column| value(column, row))).collect()
    };
    (0..lists.len()).map(|row| one(lists.value(row))).collect()
}

fn expected(policy: &GapPolicy, rows: &[Row], filtered: bool) -> Vec<Listed> {
    let times = |group: usize| -> Vec<i64> {
        let counts = |row: &&Row| row.0 == group && (!filtered || row.2 == Some(true));
        rows.iter().filter(counts).filter_map(|row| row.1).collect()
    };
    let listed = |group| {
        let kept = naive::kept(policy, &times(group)).into_iter();
        kept.map(|kept| [kept.start, kept.end, kept.elapsed(policy).get(), kept.events.try_into().unwrap()]).collect()
    };
    (0..GROUPS).map(listed).collect()
}

proptest! {
    #[test]
    fn any_order_and_any_batches(
        policy in crate::time::properties::policies(),
        rows in rows(),
        batch in 1..200_usize,
        filtered in any::<bool>(),
    ) {
        let mut groups = GapGroups::<Sessions>::new(policy);
        groups.update_batch(&times(&[]), &[], None, GROUPS).unwrap();
        rows.chunks(batch).for_each(|rows| update(&mut groups, rows, 0, filtered));
        prop_assert_eq!(listed(&groups.evaluate(EmitTo::All).unwrap()), expected(&policy, &rows, filtered));
        prop_assert_eq!(listed(&groups.evaluate(EmitTo::All).unwrap()).len(), 0);
    }

    #[test]
    fn any_partial_aggregation(
        policy in crate::time::properties::policies(),
        rows in rows(),
        batch in 1..60_usize,
        direct in any::<bool>(),
        filtered in any::<bool>(),
    ) {
        let mut last = GapGroups::<Sessions>::new(policy);
        last.merge_batch(&GapGroups::<Sessions>::new(policy).state(EmitTo::All).unwrap(), &[], GROUPS).unwrap();
        for rows in rows.chunks(batch) {
            let mut partial = GapGroups::<Sessions>::new(policy);
            let (state, indices) = if direct {
                let filter = filtered.then(|| filter(rows));
                let state = partial.convert_to_state(&times(rows), filter.as_ref()).unwrap();
                (state, rows.iter().map(|row| row.0).collect())
            } else {
                update(&mut partial, rows, 0, filtered);
                (partial.state(EmitTo::All).unwrap(), (0..GROUPS).collect::<Vec<_>>())
            };
            last.merge_batch(&state, &indices, GROUPS).unwrap();
        }
        prop_assert_eq!(listed(&last.evaluate(EmitTo::All).unwrap()), expected(&policy, &rows, filtered));
    }

    #[test]
    fn prefixes_emitted_on_the_way(
        policy in crate::time::properties::policies(),
        mut rows in rows(),
        batch in 1..60_usize,
    ) {
        rows.sort_by_key(|row| row.0);
        let mut groups = GapGroups::<Sessions>::new(policy);
        groups.update_batch(&times(&[]), &[], None, GROUPS).unwrap();
        let (mut seen, mut emitted) = (Vec::new(), 0);
        for rows in rows.chunks(batch) {
            update(&mut groups, rows, emitted, false);
            let complete = rows.last().map_or(0, |row| row.0);
            seen.extend(listed(&groups.evaluate(EmitTo::First(complete - emitted)).unwrap()));
            emitted = complete;
        }
        seen.extend(listed(&groups.evaluate(EmitTo::All).unwrap()));
        prop_assert_eq!(seen, expected(&policy, &rows, false));
    }
}

#[test]
fn sizes_count_what_is_allocated_and_return_to_nothing() {
    let mut groups = GapGroups::<TimeSpent>::new(policy(0));
    let empty = groups.size();
    let rows: ArrayRef = Arc::new(Int64Array::from_iter_values((0..8192).map(|i| i * 10)));
    groups.update_batch(&[rows], &[1; 8192], None, 3).unwrap();
    assert!(groups.size() >= empty + 3 * 48 + 8191 * 24, "{}", groups.size());
    groups.evaluate(EmitTo::First(1)).unwrap();
    assert!(groups.size() >= empty + 8191 * 24, "the big group is still there: {}", groups.size());
    groups.evaluate(EmitTo::All).unwrap();
    assert_eq!(groups.size(), empty);
}

#[test]
fn a_broken_contract_is_an_error_and_no_panic() {
    let mut groups = GapGroups::<TimeSpent>::new(policy(10));
    let times: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    assert!(groups.update_batch(&[Arc::clone(&times)], &[3], None, 2).is_err());
    assert!(groups.update_batch(&[], &[0], None, 2).is_err());
    assert!(groups.merge_batch(&[times], &[0], 2).is_err());
}
