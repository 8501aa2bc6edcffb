//! Storing the result of a job.

use domain::{
    ClaimId,
    job::{Event, Failure, FailureCode, Job, StoredResult},
    timing::RECORD_RETENTION,
};

use crate::ports::{self, Clock, Results};

/// Stores a result where it fits, before the job is said to have one; what the job is to become.
pub(super) async fn store(
    ports: &(impl Clock + Results),
    job: &Job,
    claim: &ClaimId,
    result: Option<String>,
) -> ports::Result<Event> {
    let text = result.as_deref().unwrap_or("{}");
    let Some(stored) = StoredResult::fitting(text) else {
        let message = "Flickr did what was asked; its answer is too large to store";
        return Ok(Event::Fail(claim.clone(), Failure::new(FailureCode::ResultTooLarge, message)));
    };
    match &stored {
        StoredResult::Inline(_) | StoredResult::Shared { .. } => {}
        StoredResult::SeparateItem => {
            ports.put_result(&job.reference(), text, ports.now() + RECORD_RETENTION).await?;
        }
        StoredResult::Object { .. } => ports.put_result_object(&job.reference(), text).await?,
    }
    Ok(Event::Complete(claim.clone(), stored))
}
