//! Dead jobs: what becomes of messages that crashed their workers, and of the jobs that died of it.

use domain::{
    JobId, JobRef, Timestamp,
    budget::Limit,
    job::{DeadJob, Event, Job, Phase, Refusal, dead_list_start, may_replay, step},
    timing,
};

use crate::{
    Error, Kind,
    fair_queue::{Admitted, QueueForecast},
    message::Dispatch,
    page::Page,
    pending_jobs::{count, discount, yesterday},
    ports::{Clock, DeadJobs, FairQueues, Jobs, SubmitContext},
    tenants::Principal,
    transition::{self, Applied, apply, apply_at},
};

/// The most dead jobs one page holds, and the most one request replays.
pub const PAGE_JOBS: u16 = 100;

/// What became of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetterResult {
    /// Its job is dead.
    Dead,
    /// It cannot be read: its body is stored.
    Quarantined,
    /// Its job goes on without it.
    Stale,
    /// No worker held its job, which was sent anew.
    Resent,
    /// A worker holds its job, or just did: it comes again.
    Retry,
}

/// Deals with a message of a dead-letter queue.
///
/// # Errors
/// A failure of the ports: the message must come again.
pub async fn take_dead_letter(
    ports: &(impl transition::Ports + DeadJobs),
    message_id: &str,
    body: &str,
) -> Result<DeadLetterResult, Error> {
    let Ok(message) = serde_json::from_str::<Dispatch>(body) else {
        ports.quarantine(message_id, body, ports.now() + timing::JOB_RETENTION).await?;
        tracing::error!(message_id, "a message that cannot be read is quarantined");
        return Ok(DeadLetterResult::Quarantined);
    };
    let Some(job) = ports.job(&message.job_ref()).await? else {
        tracing::warn!(message_id, job_id = %message.job, "a dead letter of an unknown job is dropped");
        return Ok(DeadLetterResult::Stale);
    };
    let event = Event::DeadLettered { fencing_number: message.fencing_number };
    Ok(match apply(ports, &job, event).await? {
        Applied::Done(transition) if transition.is_end() => DeadLetterResult::Dead,
        Applied::Done(_) => {
            tracing::warn!(job_id = %job.id, trace_id = %job.trace, "a job that no worker held is sent anew");
            DeadLetterResult::Resent
        }
        Applied::Refused(Refusal::Busy) | Applied::Conflict => DeadLetterResult::Retry,
        Applied::Refused(_) => DeadLetterResult::Stale,
    })
}

/// Up to [`PAGE_JOBS`] of the tenant's dead jobs after `cursor`, the longest dead first. The list itself says all that
/// is shown of them: a job leaves it by the write that replays it.
///
/// # Errors
/// A failure of the ports.
pub async fn list(
    ports: &(impl Clock + DeadJobs),
    principal: &Principal,
    cursor: Option<&str>,
) -> Result<Page<DeadJob, String>, Error> {
    // What has expired and is not deleted yet stands first.
    let start = dead_list_start(ports.now());
    let after = cursor.filter(|cursor| **cursor > *start).unwrap_or(&start);
    let listed = ports.dead_jobs(principal.tenant(), after, PAGE_JOBS + 1).await?;
    let Page { items, next } = Page::of(listed, PAGE_JOBS, |listed| listed.cursor.clone());
    Ok(Page { items: items.into_iter().filter_map(|listed| listed.job).collect(), next })
}

fn is_dead(job: &Job) -> bool {
    matches!(job.state.phase, Phase::Dead { .. })
}

/// What replaying a job did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// A new run began, or would begin.
    Yes,
    /// No such job of this tenant.
    Unknown,
    /// The job is not dead.
    NotDead,
    /// Its write may have taken effect: only force replays it.
    NeedsForce,
    /// So many jobs of its account are pending, or wait for their app's budget, that no other may.
    TooManyPending,
}

/// What replaying a dead job that is listed would do, as the list knows it.
pub fn would_replay_listed(job: &DeadJob, force: bool) -> Replayed {
    job.may_replay(force).map_or_else(refused, |()| Replayed::Yes)
}

/// What replaying the tenant's job would do.
///
/// # Errors
/// A failure of the ports.
pub async fn would_replay(
    ports: &impl Jobs,
    principal: &Principal,
    id: &JobId,
    force: bool,
) -> Result<Replayed, Error> {
    Ok(match ports.state(&JobRef::new(principal.tenant(), id)).await? {
        Some(state) => may_replay(&state, force).map_or_else(refused, |()| Replayed::Yes),
        None => Replayed::Unknown,
    })
}

fn refused(refusal: Refusal) -> Replayed {
    if refusal == Refusal::NeedsForce { Replayed::NeedsForce } else { Replayed::NotDead }
}

/// Replays a dead job of the tenant as a new run; one whose write may have taken effect only by `force`.
///
/// # Errors
/// A failure of the ports. The new run may have begun all the same: then the sweep sends its message.
pub async fn replay(
    ports: &(impl transition::Ports + FairQueues),
    principal: &Principal,
    id: &JobId,
    force: bool,
) -> Result<Replayed, Error> {
    let reference = JobRef::new(principal.tenant(), id);
    let Some(job) = ports.job(&reference).await? else { return Ok(Replayed::Unknown) };
    let event = |admission| Event::Replay { force, admission };
    let now = ports.now();
    let begun = match step(&job, event(None), now) {
        Ok(transition) => transition.after,
        Err(refusal) => return Ok(refused(refusal)),
    };
    let limits = principal.limits();
    let (context, _) = ports.submit_context(&job.spec.account, yesterday(now), None).await?;
    let of_yesterday = context.as_ref().map_or(0, |context| context.pending_jobs);
    if !count(ports, &begun, of_yesterday, limits.max_pending_jobs, now).await? {
        return Ok(Replayed::TooManyPending);
    }
    let replayed = match admit(ports, &job, context.as_ref(), &limits.app, now).await {
        Ok(Admitted::Freely) => apply_at(ports, &job, event(None), now).await?,
        Ok(Admitted::As(admission)) => apply_at(ports, &job, event(Some(admission)), now).await?,
        other => {
            discount(ports, &begun).await;
            return other.map(|_| Replayed::TooManyPending);
        }
    };
    let replayed = match replayed {
        Applied::Done(transition) => {
            tracing::info!(job_id = %id, run = transition.after.state.run, force, "job replayed");
            return Ok(Replayed::Yes);
        }
        Applied::Refused(refusal) => refused(refusal),
        Applied::Conflict => Replayed::NotDead,
    };
    discount(ports, &begun).await;
    Ok(replayed)
}

/// Where the new run begins: as that of a new job would. One whose account is gone ends soon enough.
async fn admit(
    ports: &impl FairQueues,
    job: &Job,
    context: Option<&SubmitContext>,
    limit: &Limit,
    now: Timestamp,
) -> Result<Admitted, Error> {
    match context.map(|context| QueueForecast::of(context, limit, now)).filter(QueueForecast::queue_is_needed) {
        Some(forecast) => forecast.admit(ports, &job.spec.account, job.spec.priority).await,
        None => Ok(Admitted::Freely),
    }
}

/// Takes a dead job of the tenant off the list: it stays dead.
///
/// # Errors
/// [`Kind::JobNotFound`] when it is not on the list, or a failure of the ports.
pub async fn discard(ports: &(impl Jobs + DeadJobs), principal: &Principal, id: &JobId) -> Result<(), Error> {
    let reference = JobRef::new(principal.tenant(), id);
    let job = ports.job(&reference).await?.filter(is_dead).ok_or(Kind::JobNotFound)?;
    if ports.discard_dead_job(&job).await? { Ok(()) } else { Err(Kind::JobNotFound.into()) }
}
