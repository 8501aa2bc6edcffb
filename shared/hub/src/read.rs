//! Reading a job.

use domain::{
    JobId, TenantId, UserId,
    job::{Job, Phase, StoredResult},
};

use crate::{
    Error, Kind,
    ports::{FindJob, FindResult},
};

/// A job with its result, where it has one.
#[derive(Debug)]
pub struct Reading {
    /// The job.
    pub job: Job,
    /// Flickr's answer: JSON text.
    pub result: Option<String>,
}

/// The tenant's job; with `user`, only if it is that user's.
///
/// # Errors
/// [`Kind::JobNotFound`], or a failure of the ports.
pub async fn job(
    ports: &(impl FindJob + FindResult),
    tenant: &TenantId,
    id: &JobId,
    user: Option<&UserId>,
) -> Result<Reading, Error> {
    let found = ports.job(tenant, id).await?;
    let job = found.filter(|job| user.is_none_or(|user| *user == job.order.user)).ok_or(Kind::JobNotFound)?;
    let result = match &job.state.phase {
        Phase::Completed { result: StoredResult::Inline(text), .. } => Some(text.clone()),
        Phase::Completed { result: StoredResult::Beside, .. } => {
            let kept = ports.result(tenant, id).await?;
            Some(kept.ok_or_else(|| Error::internal(format!("the result of {id} is missing")))?)
        }
        Phase::Queued | Phase::Running(_) | Phase::Deferred { .. } | Phase::Failed { .. } | Phase::Expired { .. } => {
            None
        }
    };
    Ok(Reading { job, result })
}
