//! I4: one idempotency key makes at most one job, of one payload.

use super::final_state::FinalState;

pub(super) fn one_key_makes_one_job(state: &FinalState) -> Vec<String> {
    let several = state.told.iter().filter(|(_, told)| told.len() > 1);
    several.map(|((_, key), told)| format!("key {key} was answered with {told:?}")).collect()
}
