//! How many jobs of each account are pending, by the day on which their runs could first start.

use std::collections::BTreeMap;

use domain::{AccountRef, Day};

use super::Result;

/// The counts of pending jobs.
///
/// A count is never below the number of the open jobs that it counts. It may be above, where a process stopped or an
/// answer was lost. Some days after its day it is forgotten, so that this heals by itself: none of its jobs is open by
/// then.
pub trait PendingJobs: Send + Sync {
    /// Counts one more job of that day if fewer than `most` are counted. Whether it was counted. It may be counted twice
    /// where an answer was lost.
    fn count_pending(&self, account: &AccountRef, day: Day, most: u32) -> impl Future<Output = Result<bool>> + Send;

    /// Counts one less, at most once: a count that is gone stays as it is, and a request whose answer is lost is not
    /// repeated. Only whoever ended the job, or counted it in vain, may ask for it.
    fn discount_pending(&self, account: &AccountRef, day: Day) -> impl Future<Output = Result<()>> + Send;

    /// The counts of that day and all later ones.
    fn pending_jobs(&self, account: &AccountRef, from: Day) -> impl Future<Output = Result<BTreeMap<Day, u32>>> + Send;
}
