//! I7: a write that must not be repeated takes effect at most once, unless an operator forced it; and what is said to be
//! done was done.

use domain::{
    idempotency::Idempotency,
    job::{Job, Phase},
};

use super::final_state::FinalState;
use crate::simulator::flickr::marker_of;

pub(super) fn none_is_repeated(state: &FinalState) -> Vec<String> {
    // What files came to is judged by the photos that are there.
    state.jobs.iter().filter(|job| job.spec.work.file().is_none()).filter_map(|job| wrong(state, job)).collect()
}

fn wrong(state: &FinalState, job: &Job) -> Option<String> {
    let marker = marker_of(&job.spec.work);
    let times = state.effects.get(&marker).copied().unwrap_or_default();
    let is_forced = state.forced.contains(&marker);
    if job.idempotency == Idempotency::NonIdempotent && times > 1 && !is_forced {
        return Some(format!("the write of {} took effect {times} times: {:?}", job.id, job.state));
    }
    let is_completed = matches!(job.state.phase, Phase::Completed { .. });
    (is_completed && times == 0).then(|| format!("{} is completed, and Flickr did nothing", job.id))
}
