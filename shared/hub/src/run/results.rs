//! Storing the result of a job.

use domain::{
    ClaimId,
    cache::is_page_of_several,
    job::{Event, Failure, FailureCode, Job, Phase, StoredResult},
    timing::RECORD_RETENTION,
};

use serde::Deserialize;
use serde_json::json;

use crate::ports::{self, Clock, Results, SealedAccount};

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

/// The end of a job whose file the account holds: the photo, where Flickr named it, and whether it was there before.
pub(super) fn of_photo(claim: &ClaimId, sealed: &SealedAccount, photo_id: Option<&str>, is_duplicate: bool) -> Event {
    let url = photo_id.map(|id| format!("https://www.flickr.com/photos/{}/{id}", sealed.account.nsid));
    let duplicate_of = photo_id.filter(|_| is_duplicate);
    let result = json!({"stat": "ok", "photo_id": photo_id, "url": url, "duplicate_of": duplicate_of});
    Event::complete(claim.clone(), StoredResult::Inline(result.to_string()))
}

/// The photo that the job has made, where it is completed and has made one.
pub(super) fn new_photo(job: &Job) -> Option<String> {
    #[derive(Deserialize)]
    struct Made {
        photo_id: String,
        duplicate_of: Option<String>,
    }
    let Phase::Completed { result: StoredResult::Inline(text), .. } = &job.state.phase else { return None };
    let made: Made = serde_json::from_str(text).ok()?;
    made.duplicate_of.is_none().then_some(made.photo_id)
}
