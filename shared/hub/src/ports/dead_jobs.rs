//! The list of dead jobs, and messages that cannot be read.

use domain::{
    TenantId, Timestamp,
    job::{DeadJob, Job},
};

use super::Result;

/// An entry of the list of dead jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedDeadJob {
    /// Where it stands in the list.
    pub cursor: String,
    /// The job. `None` where an entry of a former version only names it, and it is dead no more.
    pub job: Option<DeadJob>,
}

/// The list of dead jobs, and messages that cannot be read.
pub trait DeadJobs: Send + Sync {
    /// Up to `limit` of the tenant's dead jobs that were not discarded, the longest dead first, with cursors above
    /// `after`. Entries that
    /// have expired may still be there.
    fn dead_jobs(
        &self,
        tenant: &TenantId,
        after: &str,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<ListedDeadJob>>> + Send;

    /// Takes a dead job off the list; it stays dead. `false` when it was not on it.
    fn discard_dead_job(&self, job: &Job) -> impl Future<Output = Result<bool>> + Send;

    /// Stores the body of the message with this id, until `expires_at`.
    fn quarantine(
        &self,
        message_id: &str,
        body: &str,
        expires_at: Timestamp,
    ) -> impl Future<Output = Result<()>> + Send;
}
