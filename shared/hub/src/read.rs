//! Reading a job.

use domain::{
    JobId, JobRef, Timestamp, UserId,
    budget::Limit,
    job::{Job, MAX_ANSWERED_RESULT_BYTES, Phase, StoredResult, WaitReason},
    timing::JOB_RETENTION,
};

use crate::{
    Error, Kind, chain, fair_queue,
    ports::{Clock, FairQueues, Jobs, Results},
    tenants::Principal,
};

/// A job with its result, where it has one, or when it will about start.
#[derive(Debug)]
pub struct Reading {
    pub job: Job,
    /// Flickr's answer.
    pub result: Option<Content>,
    /// When it will about start; `None` when it started, or nobody can say.
    pub estimated_start: Option<Timestamp>,
    /// Why its app's jobs wait, while Flickr refuses the app: whatever it waited for before.
    pub stopped: Option<WaitReason>,
}

/// Flickr's answer to a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The JSON text.
    Text(String),
    /// Where it can be read: it is too long to be answered.
    Url(String),
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
    ports: &(impl Clock + Jobs + Results + FairQueues),
    principal: &Principal,
    id: &JobId,
    user: Option<&UserId>,
) -> Result<Reading, Error> {
    let tenant = principal.tenant();
    let found = ports.job(&JobRef::new(tenant, id)).await?;
    let now = ports.now();
    // Its record is stored longer than it can be read, for the jobs that share its answer.
    let readable =
        |job: &Job| job.state.phase.ended_at().is_none_or(|at| (at + JOB_RETENTION).as_seconds() > now.as_seconds());
    let is_it = |job: &Job| readable(job) && user.is_none_or(|user| *user == job.spec.account.user);
    let job = found.filter(is_it).ok_or(Kind::JobNotFound)?;
    let result = match &job.state.phase {
        Phase::Completed { result: StoredResult::Shared { leader, .. }, .. } => {
            let leader = ports.job(&JobRef::new(tenant, leader)).await?.ok_or_else(|| missing(leader))?;
            Some(content(ports, &leader).await?)
        }
        Phase::Completed { .. } => Some(content(ports, &job).await?),
        _ => None,
    };
    let (estimated_start, stopped) = outlook(ports, &principal.limits().app, &job).await;
    Ok(Reading { job, result, estimated_start, stopped })
}

fn missing(id: &JobId) -> Error {
    Error::internal(format!("the result of {id} is missing"))
}

/// The answer that a completed job got to a call of its own.
async fn content(ports: &impl Results, job: &Job) -> Result<Content, Error> {
    let Phase::Completed { result, .. } = &job.state.phase else { return Err(missing(&job.id)) };
    let found = |text: Option<String>| text.ok_or_else(|| missing(&job.id));
    let reference = job.reference();
    Ok(match result {
        StoredResult::Inline(text) => Content::Text(text.clone()),
        StoredResult::SeparateItem => Content::Text(found(ports.result(&reference).await?)?),
        StoredResult::Object { bytes } if *bytes > MAX_ANSWERED_RESULT_BYTES => {
            Content::Url(ports.result_object_url(&reference).await?)
        }
        StoredResult::Object { .. } => match found(ports.result_object(&reference).await?)? {
            text if is_answerable(&text) => Content::Text(text),
            _ => Content::Url(ports.result_object_url(&reference).await?),
        },
        StoredResult::Shared { .. } => return Err(missing(&job.id)),
    })
}

/// When the job will about start, and what stops its app's jobs. The app's fair queue is asked only if it waits there; a
/// queue that does not answer leaves what was expected when the job joined it.
async fn outlook(
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
