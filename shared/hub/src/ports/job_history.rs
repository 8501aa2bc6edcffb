//! The jobs of an account, in the order in which they were accepted.

use domain::{AccountRef, JobId, JobRef, Timestamp, job::Job};

use super::Result;

/// A job in the history of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedJob {
    pub id: JobId,
    pub created_at: Timestamp,
}

/// A time from `from` on, until before `until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSpan {
    pub from: Timestamp,
    pub until: Timestamp,
}

impl TimeSpan {
    pub fn contains(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// The jobs of an account, in the order in which they were accepted.
pub trait JobHistory: Send + Sync {
    /// Up to `limit` jobs of the account that were accepted in `span`, the latest first, from the one on that comes
    /// behind `after`. The list may be some seconds behind.
    fn accepted_jobs(
        &self,
        account: &AccountRef,
        span: TimeSpan,
        after: Option<&ListedJob>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<ListedJob>>> + Send;

    /// These jobs, in this order, of which there may be 100 at most; `None` for one that is gone.
    fn read_jobs(&self, jobs: &[JobRef]) -> impl Future<Output = Result<Vec<Option<Job>>>> + Send;
}
