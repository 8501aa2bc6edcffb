//! Fencing: a message that carries another fencing number than its job's claims nothing.

use super::final_state::FinalState;

pub(super) fn stale_messages_claim_nothing(state: &FinalState) -> Vec<String> {
    state.history.stale_claims.iter().map(|id| format!("{id} was claimed by a stale message")).collect()
}
