//! How many bytes of files each tenant has stored, by the day on which their uploads were made.

use std::collections::BTreeMap;

use domain::{Day, TenantId};

use super::Result;

/// The counts of stored bytes.
///
/// A count is never below the bytes of the uploads that it counts. It may be above, where a process stopped, an answer
/// was lost, or an upload's time is over. It is forgotten once no upload of its day is kept, so that this heals by
/// itself.
pub trait StoredBytes: Send + Sync {
    /// Counts the bytes of one more upload of that day if at most `most` are counted with it. Whether they were
    /// counted. They may be counted twice where an answer was lost.
    fn count_bytes(
        &self,
        tenant: &TenantId,
        day: Day,
        bytes: u64,
        most: u64,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// Counts so many bytes less, at most once: a count that is lower stays as it is, and a request whose answer is
    /// lost is not repeated. Only whoever removed the upload, or counted it in vain, may ask for it.
    fn discount_bytes(&self, tenant: &TenantId, day: Day, bytes: u64) -> impl Future<Output = Result<()>> + Send;

    /// The counts of that day and all later ones.
    fn stored_bytes(&self, tenant: &TenantId, from: Day) -> impl Future<Output = Result<BTreeMap<Day, u64>>> + Send;
}
