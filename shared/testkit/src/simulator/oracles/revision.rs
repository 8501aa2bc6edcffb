//! Revision: no two states of a job are written under one revision, so that no write is lost under another.

use super::final_state::FinalState;

pub(super) fn each_is_written_once(state: &FinalState) -> Vec<String> {
    let rewritten = state.history.rewritten_revisions.iter();
    rewritten.map(|(id, revision)| format!("revision {revision} of {id} was written over")).collect()
}
