//! Running a job: one received message, from the claim to the write that is the only truth about it.
//!
//! Whatever fails, the message stays until the job's state is written and the message that the new state needs is
//! sent: so no job is lost. What a message finds already done it leaves alone: so duplicates and stale messages are
//! harmless.

mod account;
mod allowance;
mod call;
mod circuit;
mod digest;
mod file;
mod flow;
mod lease;
mod outcome;
mod results;
mod spool;
mod tickets;
mod upload_lock;
mod verify;
mod verify_file;

use std::{sync::Arc, time::Duration};

use domain::{
    ClaimId, Timestamp,
    cache::CacheEvent,
    catalogue::Catalogue,
    idempotency::Idempotency,
    job::{Activity, Claim, Event, Job, PerTarget, Phase, Refusal, RetryPolicy, WaitReason, WakeBy, Work, step},
    upload::FileRules,
};
use vault::DataKeys;

use crate::{
    Error, Kind,
    budget::Grants,
    chain,
    limits::Limits,
    message::Dispatch,
    ports::{
        Accounts, Apps, Budgets, ClaimRequest, Claimed, Clock, Entropy, FairQueues, FlickrApi, FlickrFiles, Results,
        Sources, StoredBytes, UploadTickets, Uploads,
    },
    response_cache::CacheUse,
    transition::{self, Applied, apply, apply_as_holder, send},
    vaults::Vaults,
};

/// About how long a job is put off when something it depends on fails.
const OUTAGE_PAUSE: Duration = Duration::from_secs(60);

/// When a job is tried again that something failed on which it depends: half a pause to one and a half, so that those
/// who failed together do not come back together.
fn after_outage(ports: &(impl Clock + Entropy)) -> Timestamp {
    ports.now() + OUTAGE_PAUSE / 2 + ports.jitter().of(OUTAGE_PAUSE)
}

/// All that running a job asks of the world.
pub trait Ports:
    transition::Ports + Entropy + Results + Accounts + Apps + Budgets + FairQueues + Uploads + UploadTickets + StoredBytes
{
}

impl<P> Ports for P where
    P: transition::Ports
        + Entropy
        + Results
        + Accounts
        + Apps
        + Budgets
        + FairQueues
        + Uploads
        + UploadTickets
        + StoredBytes
{
}

/// All that running a job asks of Flickr.
pub trait Flickr: FlickrApi + FlickrFiles {}

impl<F: FlickrApi + FlickrFiles> Flickr for F {}

/// What running a job needs.
pub struct Worker<P, F, K> {
    pub ports: P,
    pub flickr: F,
    /// What is known of Flickr's methods.
    pub catalogue: &'static Catalogue,
    /// Opens tokens and app secrets.
    pub vaults: Vaults<K>,
    /// How often and how far apart jobs are tried.
    pub retries: PerTarget<RetryPolicy>,
    /// How files are sent.
    pub file_rules: FileRules,
    /// Fetches files from where callers say that they are.
    pub sources: Arc<dyn Sources>,
    /// How many calls may be made.
    pub limits: Limits,
    /// The grants of this process.
    pub grants: Grants,
}

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing more is to be done: it goes.
    Ack,
    /// The job is another worker's by now: the message goes.
    LostLease,
    /// Another worker holds the job: it comes again after the visibility timeout.
    Retry,
}

/// What handling a message came to.
#[derive(Debug)]
pub struct Handled {
    /// What becomes of the message; after a failure of the ports it must come again.
    pub disposition: Result<Disposition, Error>,
    /// The outcome of the job's cache lookup, if it had one.
    pub cache_use: Option<CacheUse>,
}

impl From<Result<Disposition, Error>> for Handled {
    fn from(disposition: Result<Disposition, Error>) -> Self {
        Self { disposition, cache_use: None }
    }
}

impl<P, F, K> Worker<P, F, K>
where
    P: Ports,
    F: Flickr,
    K: DataKeys,
{
    /// Does what `message` asks for, as far as it is still to be done.
    pub async fn handle(&self, message: &Dispatch) -> Handled {
        let now = self.ports.now();
        let request = ClaimRequest {
            job: message.job_ref(),
            fencing_number: message.fencing_number,
            claim: ClaimId::from_bytes(self.ports.random()),
            lease_until: now + message.target.timing().lease,
            now,
        };
        match self.ports.claim(&request).await {
            Ok(Claimed::Held(job)) => self.run(*job, &request.claim).await,
            Ok(Claimed::Refused(job)) => self.refused(&job, request).await.into(),
            Ok(Claimed::Unknown) => {
                tracing::warn!("a message for an unknown job is dropped");
                Ok(Disposition::Ack).into()
            }
            Err(error) => Err(error.into()).into(),
        }
    }

    /// Runs a job that the claim holds.
    async fn run(&self, job: Job, claim: &ClaimId) -> Handled {
        // Files are the exception: what they need makes no other job's future larger.
        let ran = match (&job.spec.work, until_verified(&job)) {
            (Work::Rest(call), Some(until)) => self.verify(&job, claim, call, until).await.map(Some),
            (Work::Upload(_) | Work::Replace(_), Some(until)) => {
                Box::pin(self.verify_file(&job, claim, until)).await.map(Some)
            }
            (Work::Rest(call), None) => self.call(&job, claim, call).await,
            (Work::Upload(call) | Work::Replace(call), None) => Box::pin(self.send_file(&job, claim, call)).await,
        };
        let ran = match ran {
            Ok(Some(ran)) => ran,
            Ok(None) => return Ok(Disposition::LostLease).into(),
            Err(error) => return self.put_off(&job, claim, false, error).await.into(),
        };
        let called = ran.called;
        let applied = apply_as_holder(&self.ports, &ran.job, claim, ran.event).await;
        let ended = matches!(&applied, Ok(Some(transition)) if transition.is_end());
        let counts = |event: &CacheEvent| ended || !saves_a_call(*event);
        let cache_use = ran.cache.filter(counts).and_then(|event| CacheUse::of(&job, event, self.ports.now()));
        if let (Ok(Some(transition)), Some(_)) = (&applied, job.spec.work.file()) {
            Box::pin(self.file_moved(transition)).await;
        }
        let disposition = match applied {
            Ok(Some(_)) => Ok(Disposition::Ack),
            Ok(None) => Ok(Disposition::LostLease),
            Err(error) => self.put_off(&job, claim, called, error).await,
        };
        Handled { disposition, cache_use }
    }

    /// Puts off a job, given as it was claimed, because something it depends on failed: nothing that should bring its
    /// message to the dead-letter queue, and an attempt only where Flickr was `called`. Where the job has moved on, or a
    /// write that must not be repeated may have been sent, it stays as it is and its message comes again.
    async fn put_off(&self, job: &Job, claim: &ClaimId, called: bool, error: Error) -> Result<Disposition, Error> {
        if *error.kind() != Kind::Unavailable {
            return Err(error);
        }
        tracing::warn!(error = chain(&error), "the job is put off");
        let due_at = after_outage(&self.ports);
        let is_put_off = match (&job.state.phase, job.idempotency) {
            (Phase::Running(Claim { activity: Activity::Verify { .. }, .. }), _) => {
                let event = self.verify_later(job, claim, due_at);
                matches!(apply_as_holder(&self.ports, job, claim, event).await, Ok(Some(_)))
            }
            // Before such a write is sent, the job is moved on: then it is no longer as it was claimed.
            (_, Idempotency::NonIdempotent) => {
                let event = defer(job, claim, due_at, WaitReason::Outage, false);
                matches!(apply(&self.ports, job, event).await, Ok(Applied::Done(_)))
            }
            (_, Idempotency::Safe | Idempotency::Idempotent) => {
                let event = defer(job, claim, due_at, WaitReason::Outage, called);
                matches!(apply_as_holder(&self.ports, job, claim, event).await, Ok(Some(_)))
            }
        };
        if is_put_off { Ok(Disposition::Ack) } else { Err(error) }
    }

    /// What to do with a message whose job may not be claimed.
    async fn refused(&self, job: &Job, request: ClaimRequest) -> Result<Disposition, Error> {
        let ClaimRequest { fencing_number, claim, lease_until, now, .. } = request;
        let resend = match step(job, Event::Claim { fencing_number, claim, lease_until }, now) {
            Err(Refusal::Busy) => return Ok(Disposition::Retry),
            Err(Refusal::InDoubt) => {
                let lease_expired = Event::LeaseExpired { window: self.verification_window(job) };
                return Ok(match apply(&self.ports, job, lease_expired).await? {
                    Applied::Done(_) => Disposition::Ack,
                    Applied::Refused(_) => Disposition::Retry,
                    Applied::Conflict => Disposition::LostLease,
                });
            }
            // The clocks of the worker and of the queue differ: the message goes its way again.
            Err(Refusal::Early) => true,
            // A worker that stopped between writing a wait and sending its message left the message with the number
            // before: it stands for the one that may be missing.
            Err(Refusal::Stale) => fencing_number.checked_add(1) == Some(job.state.fencing_number) && was_put_off(job),
            _ => false,
        };
        if resend {
            send(&self.ports, job, job.state.due_at, now).await?;
        }
        Ok(Disposition::Ack)
    }
}

/// Until when the job verifies its write, if it was claimed for that.
fn until_verified(job: &Job) -> Option<Timestamp> {
    match &job.state.phase {
        Phase::Running(Claim { activity: Activity::Verify { until }, .. }) => Some(*until),
        _ => None,
    }
}

/// Whether a worker put the job off, for the queue to wake it.
fn was_put_off(job: &Job) -> bool {
    job.state.waiting().is_some_and(|wait| {
        let first = matches!(wait.reason(), WaitReason::Schedule | WaitReason::Worker | WaitReason::Turn);
        !first && wait.wake_by() == WakeBy::Queue
    })
}

fn saves_a_call(event: CacheEvent) -> bool {
    matches!(event, CacheEvent::Hit | CacheEvent::Shared)
}

/// Puts a job off: an attempt only where Flickr was called. A job is never put off beyond its deadline, so that it
/// expires in time.
fn defer(job: &Job, claim: &ClaimId, due_at: Timestamp, reason: WaitReason, attempted: bool) -> Event {
    let due_at = due_at.min(job.deadline());
    Event::Defer { claim: claim.clone(), due_at, reason, attempted }
}
