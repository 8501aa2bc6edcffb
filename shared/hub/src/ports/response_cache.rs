//! The response cache.

use std::time::Duration;

use domain::{
    AccountRef, Day, TenantId,
    cache::{CacheEntry, CacheGenerations, CacheKey, CacheStats, Invalidation},
    call::MethodName,
};

use super::{Result, SealedAccount};

/// How long the statistics of a day are stored.
pub const STATS_RETENTION: Duration = Duration::from_secs(35 * 24 * 60 * 60);

/// What the cache has for an account and a key.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheView {
    /// How often the account's answers were invalidated.
    pub generations: CacheGenerations,
    /// Which job has the answer, or will have it.
    pub entry: Option<CacheEntry>,
}

/// A cache entry to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewCacheEntry<'a> {
    /// Whose it is.
    pub account: &'a AccountRef,
    /// What it answers.
    pub key: &'a CacheKey,
    pub entry: &'a CacheEntry,
    /// The entry that was seen, which it replaces.
    pub seen: Option<&'a CacheEntry>,
}

/// The response cache.
pub trait ResponseCache: Send + Sync {
    /// The account, and what the cache has for it under `key`.
    fn look_up(
        &self,
        account: &AccountRef,
        key: &CacheKey,
    ) -> impl Future<Output = Result<(Option<SealedAccount>, CacheView)>> + Send;

    /// Writes an entry if the stored one still is the one that was seen; `false` when it is another.
    fn set_entry(&self, new: NewCacheEntry<'_>) -> impl Future<Output = Result<bool>> + Send;

    /// Changes the account's generations as [`CacheGenerations::after`] says.
    fn invalidate(&self, account: &AccountRef, invalidation: &Invalidation) -> impl Future<Output = Result<()>> + Send;

    /// Adds to the statistics of the tenant's method on that day. A number may be some too high where an answer was
    /// lost. It is stored for [`STATS_RETENTION`].
    fn record_stats(
        &self,
        tenant: &TenantId,
        day: &Day,
        method: &MethodName,
        stats: &CacheStats,
    ) -> impl Future<Output = Result<()>> + Send;

    /// The tenant's statistics from the day `from` on, by method, in no order; a method may come several times.
    fn stats(
        &self,
        tenant: &TenantId,
        from: &Day,
    ) -> impl Future<Output = Result<Vec<(MethodName, CacheStats)>>> + Send;
}
