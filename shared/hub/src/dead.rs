//! The dead-letter desk: what becomes of messages that crashed their workers, and of dead jobs.

use domain::{
    JobId, TenantId,
    job::{Event, Job, Phase, Refusal, step},
    timing,
};

use crate::{
    Error, Kind,
    dispatch::{self, Dispatch},
    ports::{Clock, DiscardDead, FindJob, ListDead, Look, Quarantine, SaveJob, SendDispatch, SettleJob},
};

/// The most dead jobs one page holds, and the most one request replays.
pub const PAGE_JOBS: u16 = 100;

/// What becomes of a dead letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Burial {
    /// Its job is dead.
    Buried,
    /// It cannot be read: its body is kept.
    Quarantined,
    /// Its job goes on without it.
    Stale,
    /// No worker held its job, which was sent anew.
    Resent,
    /// A worker holds its job, or just did: it comes again.
    ComesAgain,
}

/// Deals with a message of a dead-letter queue.
///
/// # Errors
/// A failure of the ports: the message must come again.
pub async fn bury<P>(ports: &P, message_id: &str, body: &str) -> Result<Burial, Error>
where
    P: Clock + FindJob + SaveJob + SendDispatch + Quarantine,
{
    let now = ports.now();
    let Ok(message) = serde_json::from_str::<Dispatch>(body) else {
        ports.quarantine(message_id, body, now + timing::JOB_RETENTION).await?;
        tracing::error!(message_id, "a message that cannot be read is quarantined");
        return Ok(Burial::Quarantined);
    };
    let Some(job) = ports.job(&message.tenant, &message.job).await? else {
        tracing::warn!(message_id, job_id = %message.job, "a dead letter of an unknown job is dropped");
        return Ok(Burial::Stale);
    };
    match step(&job.state, Event::Poison { dispatch: message.dispatch }, now) {
        Ok((state, effects)) => {
            let after = Job { state, ..job.clone() };
            if !ports.save_job(&after, &job.state, Look::AsTold).await? {
                Ok(Burial::ComesAgain)
            } else if !after.state.is_terminal() {
                tracing::warn!(job_id = %job.id, trace_id = %job.trace, "a job that no worker held is sent anew");
                dispatch::send(ports, &after, effects, now).await?;
                Ok(Burial::Resent)
            } else {
                tracing::error!(job_id = %job.id, trace_id = %job.trace, "a job is dead: its worker crashed");
                Ok(Burial::Buried)
            }
        }
        Err(Refusal::Busy) => Ok(Burial::ComesAgain),
        Err(_) => Ok(Burial::Stale),
    }
}

/// One page of dead jobs.
#[derive(Debug)]
pub struct Page {
    /// The jobs, the longest dead first.
    pub jobs: Vec<Job>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<String>,
}

/// Up to [`PAGE_JOBS`] of the tenant's dead jobs after `cursor`.
///
/// # Errors
/// A failure of the ports.
pub async fn list(ports: &(impl ListDead + FindJob), tenant: &TenantId, cursor: Option<&str>) -> Result<Page, Error> {
    let mut listed = ports.dead_jobs(tenant, cursor, PAGE_JOBS + 1).await?;
    let more = listed.len() > usize::from(PAGE_JOBS);
    listed.truncate(usize::from(PAGE_JOBS));
    let next = listed.last().filter(|_| more).map(|(_, cursor)| cursor.clone());
    let mut jobs = Vec::with_capacity(listed.len());
    for (id, _) in listed {
        // One that was replayed a moment ago is dead no more.
        jobs.extend(ports.job(tenant, &id).await?.filter(is_dead));
    }
    Ok(Page { jobs, next })
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
}

/// Replays a dead job of the tenant as a new run; with `dry_run` only says what would happen.
///
/// # Errors
/// A failure of the ports. The new run may have begun all the same: then the sweep sends its
/// message.
pub async fn replay<P>(ports: &P, tenant: &TenantId, id: &JobId, force: bool, dry_run: bool) -> Result<Replayed, Error>
where
    P: Clock + FindJob + SaveJob + SettleJob + SendDispatch,
{
    let Some(job) = ports.job(tenant, id).await? else { return Ok(Replayed::Unknown) };
    let now = ports.now();
    let (state, effects) = match step(&job.state, Event::Replay { force }, now) {
        Ok(next) => next,
        Err(Refusal::NeedsForce) => return Ok(Replayed::NeedsForce),
        Err(_) => return Ok(Replayed::NotDead),
    };
    if dry_run {
        return Ok(Replayed::Yes);
    }
    // An end that is still counted would be counted twice with the new run.
    ports.settle_job(tenant, id).await?;
    let after = Job { state, ..job.clone() };
    if !ports.save_job(&after, &job.state, Look::Anew).await? {
        return Ok(Replayed::NotDead);
    }
    tracing::info!(job_id = %job.id, run = after.state.run, force, "job replayed");
    dispatch::send(ports, &after, effects, now).await?;
    Ok(Replayed::Yes)
}

/// Takes a dead job of the tenant off the desk: it stays dead.
///
/// # Errors
/// [`Kind::JobNotFound`] when it is not on the desk, or a failure of the ports.
pub async fn discard(
    ports: &(impl FindJob + SettleJob + DiscardDead),
    tenant: &TenantId,
    id: &JobId,
) -> Result<(), Error> {
    let job = ports.job(tenant, id).await?.filter(is_dead).ok_or(Kind::JobNotFound)?;
    // Settled later, it would come back to the desk.
    ports.settle_job(tenant, id).await?;
    if ports.discard_dead(&job).await? { Ok(()) } else { Err(Kind::JobNotFound.into()) }
}
