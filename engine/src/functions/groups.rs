//! [`GapGroups`]: all groups of a gap function at once, fast where the rows of a group lie together.

use std::marker::PhantomData;
use std::mem::size_of;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::buffer::NullBuffer;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::aggregate::GapAnswer;
use super::args;
use super::state::{self, States};
use crate::error::Error;
use crate::time::{GapPolicy, GapRule, Runs};

/// The sessions of all groups, 48 bytes per group and 24 per session beyond a group's first.
///
/// Every function keeps the closed sessions, also those that only want a sum: a late hit can join two of them.
/// Adjacent rows of one group are folded in one go, with the open session in registers.
pub(super) struct GapGroups<A> {
    policy: GapPolicy,
    rule: GapRule,
    /// By group index.
    groups: Vec<Runs>,
    /// Bytes that the groups have allocated, kept up to date because `size` is asked after every batch.
    allocated: usize,
    answer: PhantomData<A>,
}

impl<A> GapGroups<A> {
    pub(super) fn new(policy: GapPolicy) -> Self {
        Self { policy, rule: policy.rule(), groups: Vec::new(), allocated: 0, answer: PhantomData }
    }

    /// Applies `change` to a group and accounts for what it allocates.
    #[inline]
    fn change(&mut self, group: usize, change: impl FnOnce(&mut Runs, GapRule)) -> DfResult<()> {
        let Some(runs) = self.groups.get_mut(group) else {
            return Err(args::external(Error::bug("a group index beyond the number of groups")));
        };
        let before = runs.heap_size();
        change(runs, self.rule);
        self.allocated = self.allocated + runs.heap_size() - before;
        Ok(())
    }

    /// Folds rows that all count.
    fn fold(&mut self, times: &[i64], groups: &[usize]) -> DfResult<()> {
        let mut times = times;
        for rows in groups.chunk_by(|one, next| one == next) {
            let (now, later) = times.split_at(rows.len().min(times.len()));
            times = later;
            self.change(rows[0], |runs, rule| runs.fold(rule, now))?;
        }
        Ok(())
    }

    /// Takes the groups to emit, tidied.
    fn take(&mut self, emit_to: EmitTo) -> Vec<Runs> {
        let mut taken = emit_to.take_needed(&mut self.groups);
        for runs in &mut taken {
            self.allocated = self.allocated.saturating_sub(runs.heap_size());
            runs.tidy(self.rule);
        }
        taken
    }
}

impl<A: GapAnswer> GroupsAccumulator for GapGroups<A> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> DfResult<()> {
        self.groups.resize_with(total_num_groups, Runs::default);
        let times = hit_times(values)?;
        match counted(&times, opt_filter) {
            None => self.fold(times.values(), group_indices),
            Some(counted) => counted
                .valid_slices()
                .try_for_each(|(from, to)| self.fold(&times.values()[from..to], &group_indices[from..to])),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> DfResult<ArrayRef> {
        let taken = self.take(emit_to);
        A::answer(&self.policy, &taken)
    }

    fn state(&mut self, emit_to: EmitTo) -> DfResult<Vec<ArrayRef>> {
        Ok(vec![state::write(&self.take(emit_to))?])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> DfResult<()> {
        self.groups.resize_with(total_num_groups, Runs::default);
        let states = States::try_new(values)?;
        for (row, group) in group_indices.iter().enumerate().take(states.len()) {
            self.change(*group, |runs, rule| states.merge_into(row, rule, runs))?;
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> DfResult<Vec<ArrayRef>> {
        let times = hit_times(values)?;
        Ok(vec![state::write_rows(times.values(), counted(&times, opt_filter).as_ref())?])
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.groups.capacity() * size_of::<Runs>() + self.allocated
    }
}

/// The hit times, the first of a call's arguments.
pub(super) fn hit_times(values: &[ArrayRef]) -> DfResult<Int64Array> {
    args::times(values.first().ok_or_else(|| args::external(Error::bug("an aggregate without arguments")))?)
}

/// Which rows count: those with a time that pass the filter; `None` when all do.
fn counted(times: &Int64Array, filter: Option<&BooleanArray>) -> Option<NullBuffer> {
    let passed = filter.map(|filter| match filter.nulls() {
        Some(nulls) => NullBuffer::new(filter.values() & nulls.inner()),
        None => NullBuffer::new(filter.values().clone()),
    });
    NullBuffer::union(times.nulls(), passed.as_ref()).filter(|counted| counted.null_count() > 0)
}
