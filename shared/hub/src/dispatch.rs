//! The message that sends a worker to a job: ids and numbers, never parameters or secrets.

use std::time::Duration;

use domain::{
    JobId, TenantId, Timestamp, TraceId, UserId,
    job::{Effect, Job},
    timing,
};
use serde::{Deserialize, Serialize};

use crate::ports::{self, SendDispatch};

/// The message that sends a worker to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Whose the job is.
    pub tenant: TenantId,
    /// The job.
    pub job: JobId,
    /// The account: messages of one account share a message group, so that queues stay fair.
    pub user: UserId,
    /// The number that must agree with the job's.
    pub dispatch: u32,
    /// The trace of the request that made the job.
    pub trace: TraceId,
}

impl Dispatch {
    /// The message for the job as it stands.
    pub fn of(job: &Job) -> Self {
        Self {
            tenant: job.tenant.clone(),
            job: job.id.clone(),
            user: job.order.user.clone(),
            dispatch: job.state.dispatch,
            trace: job.trace.clone(),
        }
    }
}

/// Sends the messages that must follow a transition of `job`.
///
/// # Errors
/// A failure of the port.
pub async fn send(ports: &impl SendDispatch, job: &Job, effects: Vec<Effect>, now: Timestamp) -> ports::Result<()> {
    for Effect::Send { dispatch, at } in effects {
        ports.send_dispatch(&Dispatch { dispatch, ..Dispatch::of(job) }, delay(at, now)).await?;
    }
    Ok(())
}

/// The delay of a message to be seen at `at`, in whole seconds, rounded up: a job does not run
/// before it is due.
fn delay(at: Timestamp, now: Timestamp) -> Duration {
    let seconds = at.since(now).as_millis().div_ceil(1000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)).min(timing::LONGEST_QUEUE_DELAY)
}
