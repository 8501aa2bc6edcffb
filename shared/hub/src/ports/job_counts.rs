//! How many jobs of each tenant were accepted, for those with a quota.

use domain::{
    TenantId, Timestamp,
    tenant::{JobCounts as Counts, JobQuotas, ViolatedQuota},
};

use super::Result;

/// How many jobs of each tenant were accepted in an hour and in a day of the clock. Only tenants with a quota are counted:
/// it is a write more for each of their jobs.
pub trait JobCounts: Send + Sync {
    /// Counts a job of the tenant that is accepted at `now`, unless that would violate a quota: then nothing is counted,
    /// and the quota is told. Many at once are never more than a quota allows. A count that is repeated because its answer
    /// was lost is too high until its window is over.
    fn count_job(
        &self,
        tenant: &TenantId,
        quotas: &JobQuotas,
        now: Timestamp,
    ) -> impl Future<Output = Result<Option<ViolatedQuota>>> + Send;

    /// How many jobs of the tenant are counted in the windows of `now`; 0 of a tenant that is not counted.
    fn job_counts(&self, tenant: &TenantId, now: Timestamp) -> impl Future<Output = Result<Counts>> + Send;

    /// Counts a job no more that was counted at `at`.
    fn discount_job(&self, tenant: &TenantId, at: Timestamp) -> impl Future<Output = Result<()>> + Send;
}
