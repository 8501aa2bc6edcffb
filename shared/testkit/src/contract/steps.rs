//! Steps of jobs, as the suites take them: each claim and each commit is held to what [`step`] says.

use domain::{
    ClaimId, Timestamp,
    job::{Event, Job, Transition, step},
};
use hub::ports::{ClaimRequest, Claimed, Committed, Entropy, Inserted, Jobs};

use crate::build;

/// A job of a tenant of its own, not inserted, with `params`. A suite that claims jobs creates all of them at the time
/// that it calls now, or else one may not be due yet.
pub(super) fn job(ports: &impl Entropy, params: &str, created_at: Timestamp) -> Job {
    let account = build::account_ref(&build::tenant(ports), "1@N00");
    build::job(ports.random(), build::spec(&account, "flickr.test.echo", params), created_at)
}

/// Another job of the same account.
pub(super) fn another(ports: &impl Entropy, job: &Job, params: &str) -> Job {
    build::job(ports.random(), build::spec(&job.spec.account, "flickr.test.echo", params), job.created_at)
}

/// The holder is about to write.
pub(super) fn write_started(claim: &ClaimId) -> Event {
    Event::WriteStarted { claim: claim.clone(), photo_version: None }
}

pub(super) fn claim_id(ports: &impl Entropy) -> ClaimId {
    ClaimId::from_bytes(ports.random())
}

/// Inserts a job that is new.
pub(super) async fn insert(ports: &impl Jobs, job: &Job) {
    assert_eq!(ports.insert(&build::acceptance(job)).await.unwrap(), Inserted::New);
}

/// The claim that a message with this number makes.
pub(super) fn claim_request(job: &Job, fencing_number: u32, claim: &ClaimId, now: Timestamp) -> ClaimRequest {
    let lease_until = now + job.spec.work.target().timing().lease;
    ClaimRequest { job: job.reference(), fencing_number, claim: claim.clone(), lease_until, now }
}

/// Claims a job that is stored as given. The answer is the one that `step` gives, and the job is stored so.
pub(super) async fn claim(
    ports: &impl Jobs,
    stored: &Job,
    fencing_number: u32,
    claim: &ClaimId,
    now: Timestamp,
) -> Claimed {
    let request = claim_request(stored, fencing_number, claim, now);
    let event = Event::Claim { fencing_number, claim: claim.clone(), lease_until: request.lease_until };
    let (expected, after) = match step(stored, event, now) {
        Ok(Transition { after, .. }) => (Claimed::Held(Box::new(after.clone())), after),
        Err(_) => (Claimed::Refused(Box::new(stored.clone())), stored.clone()),
    };
    assert_eq!(ports.claim(&request).await.unwrap(), expected, "the claim is what `step` says");
    assert_eq!(ports.job(&stored.reference()).await.unwrap(), Some(after), "and what is stored");
    expected
}

/// The job once a claim holds it, by its present message.
pub(super) async fn held(ports: &impl Jobs, stored: &Job, by: &ClaimId, now: Timestamp) -> Job {
    match claim(ports, stored, stored.state.fencing_number, by, now).await {
        Claimed::Held(job) => *job,
        other => panic!("not held: {other:?}"),
    }
}

/// What follows for the job.
pub(super) fn stepped(job: &Job, event: Event, now: Timestamp) -> Transition {
    step(job, event, now).unwrap_or_else(|refusal| panic!("{refusal:?}: {job:?}"))
}

/// The job after this event, which is written.
pub(super) async fn committed(ports: &impl Jobs, stored: &Job, event: Event, now: Timestamp) -> Job {
    let transition = stepped(stored, event, now);
    assert_eq!(ports.commit(&transition).await.unwrap(), Committed::Written);
    let reference = stored.reference();
    assert_eq!(ports.job(&reference).await.unwrap().as_ref(), Some(&transition.after));
    assert_eq!(ports.state(&reference).await.unwrap().as_ref(), Some(&transition.after.state));
    transition.after
}
