//! Counting accepted jobs of tenants with a quota. No crash in between makes a count too low.

use domain::Timestamp;

use crate::{
    Error, Kind, chain,
    ports::{JobCounts, Result as PortResult},
    tenants::Principal,
};

/// Counts a job that is about to be accepted; the refusal where a quota of its tenant is used up.
pub(crate) async fn count(ports: &impl JobCounts, principal: &Principal, now: Timestamp) -> PortResult<Option<Error>> {
    let quotas = principal.limits().job_quotas;
    if !quotas.are_set() {
        return Ok(None);
    }
    let violated = ports.count_job(principal.tenant(), &quotas, now).await?;
    Ok(violated.map(|quota| Kind::QuotaExceeded { quota, retry_after: quota.window.end(now).since(now) }.into()))
}

/// Counts a job no more that was not accepted. If that fails the count stays too high until its windows are over.
pub(crate) async fn discount(ports: &impl JobCounts, principal: &Principal, counted_at: Timestamp) {
    if !principal.limits().job_quotas.are_set() {
        return;
    }
    if let Err(error) = ports.discount_job(principal.tenant(), counted_at).await {
        tracing::warn!(error = chain(&error), tenant_id = %principal.tenant(), "a job that was not accepted is counted");
    }
}
