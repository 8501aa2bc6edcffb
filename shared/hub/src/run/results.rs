//! Storing the result of a job.

use domain::{
    ClaimId,
    cache::is_page_of_several,
    job::{Event, Failure, FailureCode, Job, StoredResult},
    timing::RECORD_RETENTION,
};

use crate::ports::{self, Clock, Results};

/// Stores a result where it fits, before the job is said to have one; what the job is to become. `has_pages` says whether
/// the call is one of a listing.
pub(super) async fn store(
    ports: &(impl Clock + Results),
    job: &Job,
    claim: &ClaimId,
    result: Option<String>,
    has_pages: bool,
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
    let page_of_several = has_pages && is_page_of_several(job.spec.work.params(), text);
    Ok(Event::Complete { claim: claim.clone(), result: stored, page_of_several })
}
