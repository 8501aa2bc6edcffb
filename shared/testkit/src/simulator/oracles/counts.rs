//! Counts: the count of an account's pending jobs is never below the number of its open ones, and comes back to it.

use super::final_state::FinalState;

pub(super) fn pending_jobs(state: &FinalState) -> Vec<String> {
    let under = state.undercounted.iter().map(|account| format!("{account} was counted too low"));
    let drift = state.counts.iter().filter(|(_, (open, pending))| open != pending);
    let drift = drift.map(|(account, (open, pending))| {
        format!("{account} has {open} open and {pending} pending jobs at {}", state.now)
    });
    under.chain(drift).collect()
}
