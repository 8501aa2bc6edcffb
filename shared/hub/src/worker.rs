//! Running a job: one received message, from claim to the write that is the only truth about it.
//!
//! Whatever fails, the message stays until the job's state is written and the message that the new
//! state needs is sent: so no job is lost. What a message finds already done it leaves alone: so
//! duplicates and stale messages are harmless.

use std::time::Duration;

use domain::{
    ClaimId, JobId, TenantId, Timestamp,
    account::Status,
    job::{Effect, Event, Failure, FailureCode, Job, Next, Phase, Policy, Random, Refusal, StoredResult, next, step},
    outcome::{Class, Nature, Outcome},
    timing,
};
use vault::DataKeys;

use crate::{
    Error,
    credentials::{AppCredentials, TokenCredentials},
    dispatch::Dispatch,
    ports::{
        Answer, CallFlickr, ClaimJob, Claimed, Clock, Entropy, FindAccount, FindApp, KeepObject, KeepResult,
        MarkAccount, SaveJob, SendDispatch,
    },
    vaults::Vaults,
};

/// What running a job needs.
pub struct Worker<P, F, K> {
    /// The ports.
    pub ports: P,
    /// Flickr.
    pub flickr: F,
    /// Opens tokens and app secrets.
    pub vaults: Vaults<K>,
    /// How often and how far apart attempts are.
    pub policy: Policy,
}

/// What a call is signed with.
struct Signing {
    app: AppCredentials,
    token: TokenCredentials,
    /// When the token was got: tells it from a later one.
    connected_at: Timestamp,
}

/// What becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Nothing more is to be done: it goes.
    Finished,
    /// Another worker holds the job: it comes again after the visibility timeout.
    ComesAgain,
}

impl<P, F, K> Worker<P, F, K>
where
    P: Clock
        + Entropy
        + ClaimJob
        + SaveJob
        + KeepResult
        + KeepObject
        + FindAccount
        + FindApp
        + MarkAccount
        + SendDispatch,
    F: CallFlickr,
    K: DataKeys,
{
    /// Does what `message` asks for, as far as it is still to be done.
    ///
    /// # Errors
    /// A failure of the ports: the message must come again.
    pub async fn handle(&self, message: &Dispatch) -> Result<Disposition, Error> {
        let claim = ClaimId::from_bytes(self.ports.random());
        let now = self.ports.now();
        let claimed = self
            .ports
            .claim_job(&message.tenant, &message.job, message.dispatch, &claim, now + timing::LEASE, now)
            .await?;
        match claimed {
            Claimed::Held(job) => self.run(*job, claim).await,
            Claimed::Refused(job) => self.refused(*job, message, claim, now).await,
            Claimed::Unknown => {
                tracing::warn!("a message for an unknown job is dropped");
                Ok(Disposition::Finished)
            }
        }
    }

    async fn run(&self, mut job: Job, claim: ClaimId) -> Result<Disposition, Error> {
        if self.ports.now() >= job.deadline() {
            return self.advance(&mut job, &claim, Event::Expire(claim.clone())).await;
        }
        let signing = match self.signing(&job).await? {
            Ok(signing) => signing,
            Err(failure) => return self.advance(&mut job, &claim, Event::Fail(claim.clone(), failure)).await,
        };
        if job.nature == Nature::UnrepeatableWrite {
            self.advance(&mut job, &claim, Event::Calling(claim.clone())).await?;
        }
        let repeated = job.state.attempts > 1;
        let order = &job.order;
        let answer = self.flickr.call(&signing.app, &signing.token, &order.method, &order.params, repeated).await;
        log(&answer.outcome);
        if answer.outcome.class == Class::Account {
            self.ports.mark_reconnect_needed(&job.tenant, &job.order.user, signing.connected_at).await?;
        }
        let event = self.conclude(&job, &claim, answer).await?;
        self.advance(&mut job, &claim, event).await
    }

    /// What the job's call is signed with, or why there is nothing.
    async fn signing(&self, job: &Job) -> Result<Result<Signing, Failure>, Error> {
        let Some(sealed) = self.ports.account(&job.tenant, &job.order.user).await? else {
            return Ok(Err(failure(FailureCode::AccountDisconnected, "the account was disconnected")));
        };
        if sealed.account.status == Status::ReconnectNeeded {
            return Ok(Err(failure(
                FailureCode::ReconnectNeeded,
                "Flickr refused the account's token: the user must connect again",
            )));
        }
        let app = self.vaults.open_app(&self.ports, &job.tenant, &sealed.account.app).await?;
        let token = self.vaults.open_account(&sealed).await?;
        Ok(Ok(Signing { app, token, connected_at: sealed.account.connected_at }))
    }

    /// What Flickr's answer makes of the job. A result is kept before the job is said to have one.
    async fn conclude(&self, job: &Job, claim: &ClaimId, answer: Answer) -> Result<Event, Error> {
        let now = self.ports.now();
        let deadline = job.deadline();
        let random = Random::from_bits(self.random_bits());
        let next = next(&answer.outcome, job.nature, job.state.attempts, &self.policy, random, deadline, now);
        Ok(match next {
            Next::Fail(failure) => Event::Fail(claim.clone(), failure),
            Next::Defer { due_at, attempted } => {
                Event::Defer { claim: claim.clone(), due_at, why: answer.outcome.message, attempted }
            }
            Next::Complete => {
                let text = answer.result.unwrap_or_else(|| "{}".to_owned());
                match self.keep(&job.tenant, &job.id, &text, now).await? {
                    Some(result) => Event::Complete(claim.clone(), result),
                    None => Event::Fail(
                        claim.clone(),
                        failure(FailureCode::ResultTooLarge, "Flickr did what was asked; its answer is too large"),
                    ),
                }
            }
        })
    }

    /// Keeps a result where it fits; `None` when it fits nowhere.
    async fn keep(
        &self,
        tenant: &TenantId,
        id: &JobId,
        text: &str,
        now: Timestamp,
    ) -> Result<Option<StoredResult>, Error> {
        let place = StoredResult::place(text);
        match place {
            None | Some(StoredResult::Inline(_)) => {}
            Some(StoredResult::Beside) => {
                self.ports.keep_result(tenant, id, text, now + timing::JOB_RETENTION).await?;
            }
            Some(StoredResult::Object { .. }) => self.ports.keep_object(tenant, id, text).await?,
        }
        Ok(place)
    }

    /// Takes the job one step on, writes it, and does what must follow.
    async fn advance(&self, job: &mut Job, claim: &ClaimId, event: Event) -> Result<Disposition, Error> {
        let now = self.ports.now();
        let (state, effects) =
            step(&job.state, event, now).map_err(|refusal| Error::internal(format!("{refusal:?}")))?;
        job.state = state;
        if !self.ports.save_job(job, claim).await? {
            tracing::warn!("the lease was lost, the job is another worker's");
            return Ok(Disposition::Finished);
        }
        tracing::info!(state = job.state.phase.name(), attempts = job.state.attempts, "job moved on");
        for Effect::Send { dispatch, at } in effects {
            let message = Dispatch { dispatch, ..Dispatch::of(job) };
            self.ports.send_dispatch(&message, delay(at, now)).await?;
        }
        Ok(Disposition::Finished)
    }

    /// What to do with a message whose job may not be claimed.
    async fn refused(
        &self,
        mut job: Job,
        message: &Dispatch,
        claim: ClaimId,
        now: Timestamp,
    ) -> Result<Disposition, Error> {
        let event = Event::Claim { dispatch: message.dispatch, claim: claim.clone(), lease_until: now + timing::LEASE };
        match (step(&job.state, event, now), &job.state.phase) {
            (Err(Refusal::Busy), _) => Ok(Disposition::ComesAgain),
            (Err(Refusal::Doubtful), Phase::Running(held)) => {
                let held = held.id.clone();
                self.advance(&mut job, &held, Event::Doubt).await
            }
            // A worker that stopped between writing a deferral and sending its message left the
            // message of the dispatch before: it stands for the one that may be missing.
            (Err(Refusal::Stale), Phase::Deferred { due_at, .. }) if message.dispatch + 1 == job.state.dispatch => {
                self.ports.send_dispatch(&Dispatch::of(&job), delay(*due_at, now)).await?;
                Ok(Disposition::Finished)
            }
            _ => Ok(Disposition::Finished),
        }
    }

    fn random_bits(&self) -> u32 {
        let [a, b, c, d, ..] = self.ports.random();
        u32::from_be_bytes([a, b, c, d])
    }
}

fn failure(code: FailureCode, message: &str) -> Failure {
    Failure { code, message: message.to_owned(), flickr_code: None }
}

/// The delay of a message to be seen at `at`, in whole seconds, rounded up: a job does not run
/// before it is due. A longer wait than the queue has is cut short by design of the policy.
fn delay(at: Timestamp, now: Timestamp) -> Duration {
    let seconds = at.since(now).as_millis().div_ceil(1000);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX)).min(timing::LONGEST_QUEUE_DELAY)
}

fn log(outcome: &Outcome) {
    tracing::info!(class = ?outcome.class, code = outcome.flickr_code, message = outcome.message, "Flickr answered");
}
