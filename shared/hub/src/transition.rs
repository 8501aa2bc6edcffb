//! The one place that applies an event to a job: it computes what follows, writes it, says so in the log, and sends
//! the message.
//!
//! What else changes with a job's state is said by [`domain::job::Effects`]. What is invalidated comes before the
//! state, so that no one who knows of the end is given an older answer; the count of pending jobs comes after it, so
//! that it is never too low. The message is sent last: if that fails the transition has happened all the same, and the
//! sweep sends the message.

use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    call::MethodName,
    job::{Event, FailureCode, Job, PendingCount, Phase, Refusal, Transition, step},
    timing,
};

use crate::{
    Error, chain,
    message::Dispatch,
    pending_jobs,
    ports::{self, Clock, Committed, Jobs, Messages, PendingJobs, ResponseCache},
};

/// What applying an event asks of the world.
pub trait Ports: Clock + Jobs + PendingJobs + ResponseCache + Messages {}

impl<P: Clock + Jobs + PendingJobs + ResponseCache + Messages> Ports for P {}

/// How often a holder whose write was refused applies its event anew.
const TRIES: u32 = 3;

/// What came of an event.
#[derive(Debug)]
pub enum Applied {
    /// The job moved on: what was written.
    Done(Box<Transition>),
    /// The event changes nothing.
    Refused(Refusal),
    /// The job was moved on by another since it was read.
    Conflict,
}

/// Applies `event` to the job as it was read.
///
/// # Errors
/// A failure of the ports. The transition may have happened all the same.
pub async fn apply(ports: &impl Ports, job: &Job, event: Event) -> Result<Applied, Error> {
    apply_at(ports, job, event, ports.now()).await
}

/// The same, of an event that came at `now`.
pub(crate) async fn apply_at(ports: &impl Ports, job: &Job, event: Event, now: Timestamp) -> Result<Applied, Error> {
    let transition = match step(job, event, now) {
        Ok(transition) => transition,
        Err(refusal) => return Ok(Applied::Refused(refusal)),
    };
    if write(ports, &transition).await? == Committed::Conflict {
        return Ok(Applied::Conflict);
    }
    log(&transition);
    if let Some(at) = transition.effects.message {
        send(ports, &transition.after, at, now).await?;
    }
    Ok(Applied::Done(Box::new(transition)))
}

/// Writes a transition with its effects, but for the message.
async fn write(ports: &impl Ports, transition: &Transition) -> ports::Result<Committed> {
    let Transition { after, effects, .. } = transition;
    if let Some(invalidation) = &effects.invalidation {
        ports.invalidate(&after.spec.account, invalidation).await?;
    }
    let committed = ports.commit(transition).await?;
    // Who only finds the end may not be who brought it about: then another counts it.
    if committed == Committed::Written && effects.pending == PendingCount::Down {
        pending_jobs::discount(ports, after).await;
    }
    Ok(committed)
}

/// Applies an event of the holder `claim` to the job that it runs. Where another moved the job on meanwhile, as the
/// sweep does when it sends a message again, and the claim still holds it, the event is applied anew. `None` when the
/// claim holds the job no more.
///
/// # Errors
/// A failure of the ports, or an event that a holder cannot bring about.
pub async fn apply_as_holder(
    ports: &impl Ports,
    job: &Job,
    claim: &ClaimId,
    event: Event,
) -> Result<Option<Transition>, Error> {
    let mut found = None;
    for _ in 0..TRIES {
        match apply(ports, found.as_ref().unwrap_or(job), event.clone()).await? {
            Applied::Done(transition) => return Ok(Some(*transition)),
            Applied::Refused(refusal) => return Err(Error::internal(format!("{refusal:?}"))),
            Applied::Conflict => {}
        }
        match ports.job(&job.reference()).await?.filter(|job| job.state.is_held_by(claim)) {
            Some(held) => found = Some(held),
            None => {
                tracing::warn!(job_id = %job.id, "the lease was lost, the job is another worker's");
                return Ok(None);
            }
        }
    }
    Err(Error::unavailable("the job is moved on by others all the time"))
}

/// Writes an accepted job's message. The job is accepted whether or not that works.
pub(crate) async fn announce(ports: &(impl Clock + Messages), acceptance: &Transition) {
    let (job, now) = (&acceptance.after, ports.now());
    let work = &job.spec.work;
    tracing::info!(
        job_id = %job.id, user = %job.spec.account.user, target = work.target().as_str(),
        method = work.method().map(MethodName::as_str), state = job.state.phase.name(), in_queue = job.state.queued_ticket().is_some(), "job accepted"
    );
    let Some(at) = acceptance.effects.message else { return };
    if let Err(error) = send(ports, job, at, now).await {
        tracing::warn!(error = chain(&error), job_id = %job.id, "the job's message was not sent: the sweep will send it");
    }
}

fn log(transition: &Transition) {
    let Job { id, trace, state, .. } = &transition.after;
    let (phase, run, revision, attempts) = (state.phase.name(), state.run, state.revision, state.attempts);
    match &state.phase {
        Phase::Dead { failure, .. } if failure.code == FailureCode::WorkerCrashed => {
            tracing::error!(job_id = %id, trace_id = %trace, run, revision, "a job is dead: its worker crashed");
        }
        _ => {
            let reason = state.waiting().map(|waiting| waiting.reason().name());
            tracing::info!(job_id = %id, trace_id = %trace, state = phase, reason, run, revision, attempts, "job moved on");
        }
    }
}

/// Sends a job's message, to be seen at `at`.
pub(crate) async fn send(ports: &impl Messages, job: &Job, at: Timestamp, now: Timestamp) -> ports::Result<()> {
    ports.send(&Dispatch::of(job), delay(at, now)).await
}

/// The delay of a message to be seen at `at`, in whole seconds, rounded up: a job does not run before it is due.
fn delay(at: Timestamp, now: Timestamp) -> Duration {
    let seconds = at.since(now).as_millis().div_ceil(1000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)).min(timing::LONGEST_QUEUE_DELAY)
}
