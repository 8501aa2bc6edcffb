//! I1: an accepted job ends in exactly one terminal state per run, within its deadline.

use std::time::Duration;

use domain::{job::Job, timing, upload::TICKET_LIFETIME};

use super::final_state::FinalState;

pub(super) fn once(state: &FinalState) -> Vec<String> {
    state.jobs.iter().filter(|job| state.accepted.contains(&job.id)).flat_map(|job| ends_of(state, job)).collect()
}

fn ends_of(state: &FinalState, job: &Job) -> Vec<String> {
    if !job.state.is_terminal() {
        return vec![format!("{} never ended: {:?}", job.id, job.state)];
    }
    let ends = |run| (run, state.history.ends.get(&(job.id.clone(), run)).copied().unwrap_or_default());
    let wrong = (1..=job.state.run).map(ends).filter(|(_, ends)| *ends != 1);
    wrong.map(|(run, ends)| format!("run {run} of {} ended {ends} times", job.id)).collect()
}

/// Give or take a sweep; the verification of a write has its own time.
pub(super) fn in_time(state: &FinalState) -> Vec<String> {
    let is_late = |job: &&Job| {
        let timing = job.spec.work.target().timing();
        let slack = timing.lease + timing.orphaned_after + Duration::from_secs(180);
        // What was sent at the last moment may take as long as its function, and its ticket be asked for.
        let of_file = job.spec.work.file().map(|_| timing.function_timeout + TICKET_LIFETIME).unwrap_or_default();
        let latest = job.deadline() + timing::VERIFICATION + slack + of_file;
        job.state.phase.ended_at().is_some_and(|at| at > latest)
    };
    state.jobs.iter().filter(is_late).map(|job| format!("{} ended late: {:?}", job.id, job.state)).collect()
}
