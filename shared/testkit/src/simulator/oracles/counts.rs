//! Counts: the count of an account's pending jobs is never below the number of its open ones, and above it by no more
//! than what went wrong.

use super::final_state::FinalState;

pub(super) fn pending_jobs(state: &FinalState) -> Vec<String> {
    let under = state.undercounted.iter().map(|account| format!("{account} was counted too low"));
    let over: u64 = state.counts.values().map(|(open, pending)| u64::from(pending.saturating_sub(*open))).sum();
    let drift = (over > state.faults)
        .then(|| format!("{over} jobs too many are counted at {}, where {} calls went wrong", state.now, state.faults));
    under.chain(drift).collect()
}
