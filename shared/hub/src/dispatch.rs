//! The message that sends a worker to a job: ids and numbers, never parameters or secrets.

use domain::{JobId, TenantId, TraceId, UserId, job::Job};
use serde::{Deserialize, Serialize};

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
