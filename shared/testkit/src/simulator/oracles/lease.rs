//! Lease: a job is held by one worker at a time.

use super::final_state::FinalState;

pub(super) fn one_worker_at_a_time(state: &FinalState) -> Vec<String> {
    let stolen = state.history.stolen_claims.iter();
    stolen.map(|id| format!("{id} was claimed while another worker held it")).collect()
}
