//! I6: every id that was accepted has exactly one record.

use std::collections::BTreeMap;

use domain::JobId;

use super::final_state::FinalState;

pub(super) fn one_for_each_id(state: &FinalState) -> Vec<String> {
    let mut records: BTreeMap<&JobId, u32> = BTreeMap::new();
    for job in &state.jobs {
        *records.entry(&job.id).or_default() += 1;
    }
    let of = |id: &JobId| records.get(id).copied().unwrap_or_default();
    state.accepted.iter().filter(|id| of(id) != 1).map(|id| format!("{id} has {} records", of(id))).collect()
}
