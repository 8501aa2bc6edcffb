//! Reading a job.

use std::{ops::RangeInclusive, time::Duration};

use domain::{
    JobId, JobRef, Timestamp, UserId,
    budget::Limit,
    job::{Delivery, Job, Phase, ResultForm, StoredResult, WaitReason},
    timing::JOB_RETENTION,
};

use crate::{
    Error, Kind, chain, fair_queue,
    ports::{Clock, FairQueues, Jobs, Results},
    tenants::Principal,
};

/// A job, with where its result is, or when it will about start.
#[derive(Debug)]
pub struct Reading {
    pub job: Job,
    /// Where Flickr's answer is; `None` when the job has none.
    pub source: Option<ResultSource>,
    /// When it will about start; `None` when it started, or nobody can say.
    pub estimated_start: Option<Timestamp>,
    /// Why its app's jobs wait, while Flickr refuses the app: whatever it waited for before.
    pub stopped: Option<WaitReason>,
    /// After how long asking again may tell more; `None` for a job that has ended.
    pub ask_again_after: Option<Duration>,
}

/// The shortest and the longest time after which to ask again for a job that is open.
const ASK_AGAIN_AFTER: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(300);

/// After how long asking again may tell more: a job that runs may end at any moment, one that waits will not before it
/// starts.
fn ask_again_after(phase: &Phase, estimated_start: Option<Timestamp>, now: Timestamp) -> Option<Duration> {
    match phase {
        Phase::Running(_) => Some(*ASK_AGAIN_AFTER.start()),
        Phase::Waiting(_) => {
            let until_start = estimated_start.map_or(Duration::ZERO, |at| at.since(now));
            Some(until_start.clamp(*ASK_AGAIN_AFTER.start(), *ASK_AGAIN_AFTER.end()))
        }
        _ => None,
    }
}

/// Where Flickr's answer to a job is stored: with the job itself, or with the one whose answer it shares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResultSource {
    /// The job that called Flickr.
    caller: JobRef,
    stored: StoredResult,
}

impl ResultSource {
    /// Whether the answer in this form has a URL, which is another each time and works for a while only.
    pub fn has_url(&self, form: ResultForm) -> bool {
        self.stored.delivery(form) != Delivery::Text
    }
}

/// Flickr's answer to a job: its text, a URL, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// The JSON text; `None` when it is too long, or only the URL was asked for.
    pub text: Option<String>,
    /// Where the text can be read for a while, if it is long or that was asked for.
    pub url: Option<String>,
}

/// The longest answer of a function, in bytes of its JSON: AWS Lambda's quota of 6 MB for a
/// synchronous response, with room for the envelope.
const MAX_ESCAPED_BYTES: usize = 5_900_000;

/// Whether a result can be answered: its text becomes a JSON string in the function's response, in
/// which quotes and backslashes grow, and all of it has to fit there.
fn is_answerable(text: &str) -> bool {
    let grown = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
        0..0x20 => 5,
        _ => 0,
    };
    text.len() + text.bytes().map(grown).sum::<usize>() <= MAX_ESCAPED_BYTES
}

/// The tenant's job; with `user`, only if it is that user's.
///
/// # Errors
/// [`Kind::JobNotFound`], or a failure of the ports.
pub async fn job(
    ports: &(impl Clock + Jobs + FairQueues),
    principal: &Principal,
    id: &JobId,
    user: Option<&UserId>,
) -> Result<Reading, Error> {
    let tenant = principal.tenant();
    let found = ports.job(&JobRef::new(tenant, id)).await?;
    let now = ports.now();
    let is_it = |job: &Job| is_readable(job, now) && user.is_none_or(|user| *user == job.spec.account.user);
    let job = found.filter(is_it).ok_or(Kind::JobNotFound)?;
    let source = match &job.state.phase {
        Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } => {
            let caller = JobRef::new(tenant, leader);
            match ports.state(&caller).await?.map(|state| state.phase) {
                Some(Phase::Completed { result, .. }) if result.is_own() => {
                    Some(ResultSource { caller, stored: result })
                }
                _ => return Err(missing(&caller)),
            }
        }
        Phase::Completed { result, .. } => Some(ResultSource { caller: job.reference(), stored: result.clone() }),
        _ => None,
    };
    let (estimated_start, stopped) = forecast_of(ports, &principal.limits().app, &job).await;
    let ask_again_after = ask_again_after(&job.state.phase, estimated_start, now);
    Ok(Reading { job, source, estimated_start, stopped, ask_again_after })
}

/// Whether a job can be read: its record is stored longer, for the jobs that share its answer.
pub(crate) fn is_readable(job: &Job, now: Timestamp) -> bool {
    job.state.phase.ended_at().is_none_or(|at| (at + JOB_RETENTION).as_seconds() > now.as_seconds())
}

/// Flickr's answer, in the form that is asked for where it has that.
///
/// # Errors
/// A failure of the ports, or [`Kind::Internal`] when the answer is lost.
pub async fn result(ports: &impl Results, source: &ResultSource, form: ResultForm) -> Result<Content, Error> {
    let ResultSource { caller, stored } = source;
    let delivery = stored.delivery(form);
    let text = match stored {
        _ if delivery == Delivery::Url => None,
        StoredResult::Inline(text) => Some(text.clone()),
        StoredResult::SeparateItem => Some(ports.result(caller).await?.ok_or_else(|| missing(caller))?),
        StoredResult::Object { .. } => {
            Some(ports.result_object(caller).await?.ok_or_else(|| missing(caller))?).filter(|text| is_answerable(text))
        }
        StoredResult::Shared { .. } => return Err(missing(caller)),
    };
    let has_url = text.is_none() || delivery == Delivery::TextAndUrl;
    let url = if has_url { Some(ports.result_object_url(caller).await?) } else { None };
    Ok(Content { text, url })
}

fn missing(job: &JobRef) -> Error {
    Error::internal(format!("the result of {} is missing", job.id))
}

/// When the job will about start, and what stops its app's jobs. The app's fair queue is asked only if it waits there; a
/// queue that does not answer leaves what was expected when the job joined it.
async fn forecast_of(
    ports: &(impl Clock + FairQueues),
    limit: &Limit,
    job: &Job,
) -> (Option<Timestamp>, Option<WaitReason>) {
    if let Some(ticket) = job.state.queued_ticket() {
        match fair_queue::forecast(ports, limit, &ticket.app).await {
            Ok(forecast) => return (forecast.estimated_start(job), forecast.stopped()),
            Err(error) => tracing::warn!(error = chain(&error), job_id = %job.id, "a fair queue did not answer"),
        }
    }
    (fair_queue::due(job, ports.now()), None)
}
