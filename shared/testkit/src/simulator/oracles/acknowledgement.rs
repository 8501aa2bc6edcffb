//! Acknowledgement: a message stays until what it asks for is written, so that the sweep finds no run whose worker and
//! message are both gone.

use super::final_state::FinalState;

pub(super) fn messages_stay_while_jobs_run(state: &FinalState) -> Vec<String> {
    state.orphaned.iter().map(|id| format!("{id} ran, and its message was gone")).collect()
}
