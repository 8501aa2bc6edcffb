//! Counting pending jobs: up before a run begins, down after it ended. No crash in between makes a count too low.

use domain::{Day, Timestamp, budget::most_pending, job::Job};

use crate::{
    chain,
    ports::{PendingJobs, Result as PortResult},
};

/// The day before that of `now`: its pending jobs are the others that can run today.
pub(crate) fn yesterday(now: Timestamp) -> Day {
    Day::of(now).before()
}

/// Counts a job whose run is about to begin, where `of_yesterday` jobs of its account are pending. Whether there is room
/// for it.
pub(crate) async fn count(
    ports: &impl PendingJobs,
    job: &Job,
    of_yesterday: u32,
    max_pending_jobs: u32,
    now: Timestamp,
) -> PortResult<bool> {
    match most_pending(max_pending_jobs, of_yesterday, job.state.eligible_at, now) {
        0 => Ok(false),
        most => ports.count_pending(&job.spec.account, job.start_day(), most).await,
    }
}

/// Counts a job no more: its run ended, or did not begin. If that fails the count stays too high until its day is over.
pub(crate) async fn discount(ports: &impl PendingJobs, job: &Job) {
    if let Err(error) = ports.discount_pending(&job.spec.account, job.start_day()).await {
        tracing::warn!(error = chain(&error), job_id = %job.id, "a job is still counted as pending");
    }
}
