//! The message that sends a worker to a job: ids and numbers, never parameters or secrets.

use domain::{
    JobId, JobRef, TenantId, TraceId, UserId,
    job::{Job, Target},
};
use serde::{Deserialize, Serialize};

/// The message that sends a worker to a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// Whose the job is: messages of one tenant share a message group, so that queues stay fair.
    pub tenant: TenantId,
    pub job: JobId,
    /// What kind of work it is, and so which queue the message takes.
    pub target: Target,
    /// The account.
    pub user: UserId,
    /// The number that must agree with the job's.
    pub fencing_number: u32,
    /// The trace of the request that made the job.
    pub trace: TraceId,
}

impl Dispatch {
    /// The message for the job as it stands.
    pub fn of(job: &Job) -> Self {
        Self {
            tenant: job.tenant().clone(),
            job: job.id.clone(),
            target: job.spec.work.target(),
            user: job.spec.account.user.clone(),
            fencing_number: job.state.fencing_number,
            trace: job.trace.clone(),
        }
    }

    /// Which job it is for.
    pub fn job_ref(&self) -> JobRef {
        JobRef::new(&self.tenant, &self.job)
    }
}
