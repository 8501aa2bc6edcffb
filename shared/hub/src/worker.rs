//! Running a job: one received message, from claim to the write that is the only truth about it.
//!
//! Whatever fails, the message stays until the job's state is written and the message that the new
//! state needs is sent: so no job is lost. What a message finds already done it leaves alone: so
//! duplicates and stale messages are harmless.

use std::time::Duration;

use domain::{
    AppId, ClaimId, Timestamp,
    account::Status,
    budget::{HostClass, Why},
    cache::Use,
    job::{
        Attempt, Carrier, Claim, Doing, Effect, Event, Failure, FailureCode, Job, Next, Phase, Policy, Random, Refusal,
        StoredResult, next, step,
    },
    outcome::{Class, Finding, Nature, Outcome},
    timing,
};
use vault::DataKeys;

use crate::{
    Error, Kind,
    budget::{self, Granted, Limits, Refused},
    cache::{self, Asked, Reply, Tally},
    chain,
    credentials::{AppCredentials, TokenCredentials},
    dispatch::{self, Dispatch},
    line,
    ports::{
        Cached, CallFlickr, ClaimJob, Claimed, Clock, CountUses, Entropy, FindAccount, FindApp, FindCached, FindJob,
        FindLine, JoinLine, KeepBudget, KeepObject, KeepResult, Look, MarkAccount, SaveJob, SealedAccount,
        SendDispatch, SetPointer, TakeTurn,
    },
    vaults::Vaults,
};

/// How long a job is put off when something it stands on fails.
const OUTAGE_PAUSE: Duration = Duration::from_secs(60);

/// Over how long the jobs are spread that wait for their account's budget, or to look.
const BUDGET_SPREAD: Duration = Duration::from_secs(60);

/// All that running a job asks of the world.
pub trait Ports:
    Clock
    + Entropy
    + ClaimJob
    + FindJob
    + SaveJob
    + KeepResult
    + KeepObject
    + FindAccount
    + FindApp
    + MarkAccount
    + FindCached
    + SetPointer
    + CountUses
    + KeepBudget
    + FindLine
    + TakeTurn
    + JoinLine
    + SendDispatch
{
}

impl<P> Ports for P where
    P: Clock
        + Entropy
        + ClaimJob
        + FindJob
        + SaveJob
        + KeepResult
        + KeepObject
        + FindAccount
        + FindApp
        + MarkAccount
        + FindCached
        + SetPointer
        + CountUses
        + KeepBudget
        + FindLine
        + TakeTurn
        + JoinLine
        + SendDispatch
{
}

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
    /// How many calls may be made.
    pub limits: Limits,
    /// What is still to be written of how kept answers were used: by whoever ends a batch.
    pub tally: Tally,
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
    /// The job is another worker's by now: the message goes.
    LostLease,
    /// Another worker holds the job: it comes again after the visibility timeout.
    ComesAgain,
}

impl<P, F, K> Worker<P, F, K>
where
    P: Ports,
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
            Claimed::Held(job) => {
                let begun = (*job).clone();
                match self.run(*job, claim.clone()).await {
                    Err(error) if *error.kind() == Kind::Unavailable => self.put_off(begun, claim, error).await,
                    ended => ended,
                }
            }
            Claimed::Refused(job) => self.refused(*job, message, claim, now).await,
            Claimed::Unknown => {
                tracing::warn!("a message for an unknown job is dropped");
                Ok(Disposition::Finished)
            }
        }
    }

    /// Puts off a job because something it stands on failed: that is no attempt, and nothing that
    /// should bring its message to the dead-letter queue. Where the job has moved on, or a write may
    /// have been sent, it stays as it is and its message comes again.
    async fn put_off(&self, mut job: Job, claim: ClaimId, error: Error) -> Result<Disposition, Error> {
        let due_at = (self.ports.now() + OUTAGE_PAUSE).min(job.state.deadline());
        let why = "something the hub stands on did not answer".to_owned();
        let checks = matches!(&job.state.phase, Phase::Running(Claim { doing: Doing::Check { .. }, .. }));
        if checks || job.nature == Nature::UnrepeatableWrite {
            return Err(error);
        }
        tracing::warn!(error = chain(&error), "the job is put off");
        match self.advance(&mut job, Event::Defer { claim, due_at, why, attempted: false }).await {
            Ok(Disposition::Finished) => Ok(Disposition::Finished),
            _ => Err(error),
        }
    }

    async fn run(&self, mut job: Job, claim: ClaimId) -> Result<Disposition, Error> {
        let checks_until = match &job.state.phase {
            Phase::Running(Claim { doing: Doing::Check { until }, .. }) => Some(*until),
            _ => None,
        };
        if checks_until.is_none() && self.ports.now() >= job.state.deadline() {
            return self.advance(&mut job, Event::Expire(claim)).await;
        }
        let asked = if checks_until.is_none() { Asked::by(&self.flickr, &job.order) } else { None };
        let (account, cached) = self.account(&job, asked.as_ref()).await?;
        let sealed = match account {
            Ok(sealed) => sealed,
            Err(failure) if checks_until.is_none() => return self.advance(&mut job, Event::Fail(claim, failure)).await,
            Err(_) => {
                let unknown = failure(FailureCode::OutcomeUnknown, "the account went before its write could be found");
                return self.advance(&mut job, Event::Fail(claim, unknown)).await;
            }
        };
        let Some(asked) = asked else { return self.spend(job, claim, &sealed, checks_until, None).await };
        let (event, made) = self.ask(&job, &claim, &asked, cached).await;
        let Some(event) = event else { return self.spend(job, claim, &sealed, checks_until, Some(made)).await };
        let done = self.advance(&mut job, event).await?;
        if done == Disposition::Finished && job.state.is_terminal() {
            self.tally.count(&job, made, self.ports.now());
        }
        Ok(done)
    }

    /// Asks for a call and makes it, or has the job wait for one. `made` is what to count of a call
    /// whose answer could have been kept.
    async fn spend(
        &self,
        mut job: Job,
        claim: ClaimId,
        sealed: &SealedAccount,
        checks_until: Option<Timestamp>,
        made: Option<Use>,
    ) -> Result<Disposition, Error> {
        let (app, narrow) = (&sealed.account.app, self.limits.of_account(&job.tenant, &job.order.user));
        let granted = match budget::take(&self.ports, &self.limits.app, app, narrow, HostClass::Rest).await? {
            Ok(granted) => granted,
            Err(refused) => {
                let event = self.wait(&job, claim, app, checks_until.is_some(), &refused).await?;
                return self.advance(&mut job, event).await;
            }
        };
        let signing = self.signing(&job, sealed).await?;
        let event = match checks_until {
            Some(until) => self.check(&job, &claim, &signing, until).await?,
            None => {
                if job.nature == Nature::UnrepeatableWrite {
                    let marked = self.advance(&mut job, Event::Calling(claim.clone())).await?;
                    if marked == Disposition::LostLease {
                        return Ok(marked);
                    }
                }
                if !granted.holds(self.ports.now()) {
                    // Something took long: the grant is void, and the job comes back for another.
                    let event = defer(&job, claim, self.ports.now(), "the grant to call was too old");
                    return self.advance(&mut job, event).await;
                }
                if let Some(made) = made {
                    self.tally.count(&job, made, self.ports.now());
                }
                self.call(&job, &claim, &signing, &granted).await?
            }
        };
        self.advance(&mut job, event).await
    }

    /// Asks for a kept answer: what the job is to become, unless it is to call; and what to count of it.
    /// A cache that cannot be asked says so, and the job calls.
    async fn ask(&self, job: &Job, claim: &ClaimId, asked: &Asked, cached: Option<Cached>) -> (Option<Event>, Use) {
        let Some(cached) = cached else { return (None, Use::Unavailable) };
        let waited = if job.state.follows.is_some() { Use::Shared } else { Use::Hit };
        match cache::ask(&self.ports, asked, job, cached).await {
            Ok(Reply::Answered(result)) => (Some(Event::Complete(claim.clone(), result)), waited),
            Ok(Reply::Refused(failure)) => (Some(Event::Fail(claim.clone(), failure)), waited),
            Ok(Reply::Follow(leader, due_at)) => {
                let due_at = due_at.min(job.state.deadline());
                (Some(Event::Follow { claim: claim.clone(), leader, due_at }), waited)
            }
            Ok(Reply::Call) if job.order.cache.bypass() => (None, Use::Bypassed),
            Ok(Reply::Call) => (None, Use::Miss),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the cache cannot be asked: the job runs without it");
                (None, Use::Unavailable)
            }
        }
    }

    /// The wait of a job that may not call: in its app's line, where it is the app's budget that is
    /// spent, else for a time that is spread, so that those who wait do not come together.
    async fn wait(
        &self,
        job: &Job,
        claim: ClaimId,
        app: &AppId,
        checks: bool,
        refused: &Refused,
    ) -> Result<Event, Error> {
        let why = match refused.why {
            Why::Spent => "the budget of calls is spent",
            Why::CircuitOpen => "Flickr refuses calls: the circuit is open",
        };
        if refused.by_app && !checks {
            let outlook = line::outlook(&self.ports, &self.limits.app, app).await?;
            let (place, expected_at) = outlook.wait(&self.ports, job).await?;
            return Ok(Event::Line { claim, place, expected_at, why: why.to_owned() });
        }
        let spread = BUDGET_SPREAD.mul_f64(f64::from(self.random_bits()) / f64::from(u32::MAX));
        let due_at = refused.retry_at.max(self.ports.now()) + spread;
        Ok(if checks { Event::Verify { claim, due_at } } else { defer(job, claim, due_at, why) })
    }

    /// Calls Flickr; what the job is to become.
    async fn call(&self, job: &Job, claim: &ClaimId, signing: &Signing, granted: &Granted) -> Result<Event, Error> {
        let order = &job.order;
        let repeated = job.state.attempts > 1 || job.state.run > 1;
        let answer = self.flickr.call(&signing.app, &signing.token, &order.method, &order.params, repeated).await;
        log(&answer.outcome);
        granted.hear(&self.ports, Some(&answer.outcome)).await;
        if answer.outcome.class == Class::Account {
            // The job's end says the same; a mark that fails is made by the account's next job.
            let mark = self.ports.mark_reconnect_needed(&job.tenant, &order.user, signing.connected_at).await;
            if let Err(error) = mark {
                tracing::warn!(error = chain(&error), "an account could not be marked");
            }
        }
        let now = self.ports.now();
        let attempt = Attempt {
            nature: job.nature,
            checkable: job.checkable,
            number: job.state.attempts,
            deadline: job.state.deadline(),
        };
        Ok(match next(&answer.outcome, &attempt, &self.policy, Random::from_bits(self.random_bits()), now) {
            Next::Complete => self.keep(job, claim, answer.result, now).await?,
            Next::Fail(failure) => Event::Fail(claim.clone(), failure),
            Next::Bury(failure) => Event::Bury(claim.clone(), failure),
            Next::Verify { due_at } => Event::Verify { claim: claim.clone(), due_at },
            Next::Defer { due_at, attempted } => {
                Event::Defer { claim: claim.clone(), due_at, why: answer.outcome.message, attempted }
            }
        })
    }

    /// Looks whether the job's write took effect; what the job is to become.
    async fn check(&self, job: &Job, claim: &ClaimId, signing: &Signing, until: Timestamp) -> Result<Event, Error> {
        let order = &job.order;
        let (finding, result) = self.flickr.check(&signing.app, &signing.token, &order.method, &order.params).await;
        tracing::info!(?finding, "looked whether the write took effect");
        let now = self.ports.now();
        Ok(match finding {
            Finding::Done => self.keep(job, claim, result, now).await?,
            Finding::NotSeen if now < until => {
                Event::Verify { claim: claim.clone(), due_at: now + timing::VERIFICATION_INTERVAL }
            }
            Finding::NotSeen => Event::Fail(
                claim.clone(),
                failure(FailureCode::OutcomeUnknown, "the write was sent, and nothing shows that it took effect"),
            ),
        })
    }

    /// The job's account, or why it cannot be used; and what is known of the answer that it asks for.
    async fn account(
        &self,
        job: &Job,
        asked: Option<&Asked>,
    ) -> Result<(Result<SealedAccount, Failure>, Option<Cached>), Error> {
        let (tenant, user) = (&job.tenant, &job.order.user);
        let found = match asked {
            Some(asked) => asked.find(&self.ports, tenant, user).await.map(|(account, cached)| (account, Some(cached))),
            None => self.ports.account(tenant, user).await.map(|account| (account, None)),
        };
        let (account, cached) = match found {
            Err(error) if asked.is_some() => {
                tracing::warn!(error = chain(&error), "the cache cannot be asked: the job runs without it");
                (self.ports.account(tenant, user).await?, None)
            }
            found => found?,
        };
        Ok((usable(account), cached))
    }

    /// What the job's call is signed with.
    async fn signing(&self, job: &Job, sealed: &SealedAccount) -> Result<Signing, Error> {
        let app = self.vaults.open_app(&self.ports, &job.tenant, &sealed.account.app).await?;
        let token = self.vaults.open_account(sealed).await?;
        Ok(Signing { app, token, connected_at: sealed.account.connected_at })
    }

    /// Keeps a result where it fits, before the job is said to have one.
    async fn keep(&self, job: &Job, claim: &ClaimId, result: Option<String>, now: Timestamp) -> Result<Event, Error> {
        let text = result.as_deref().unwrap_or("{}");
        let place = StoredResult::place(text);
        match place {
            None | Some(StoredResult::Inline(_) | StoredResult::Shared { .. }) => {}
            Some(StoredResult::Beside) => {
                self.ports.keep_result(&job.tenant, &job.id, text, now + timing::RECORD_RETENTION).await?;
            }
            Some(StoredResult::Object { .. }) => self.ports.keep_object(&job.tenant, &job.id, text).await?,
        }
        Ok(match place {
            Some(result) => Event::Complete(claim.clone(), result),
            None => Event::Fail(
                claim.clone(),
                failure(FailureCode::ResultTooLarge, "Flickr did what was asked; its answer is too large to keep"),
            ),
        })
    }

    /// Takes the job one step on, writes it, and does what must follow.
    async fn advance(&self, job: &mut Job, event: Event) -> Result<Disposition, Error> {
        let now = self.ports.now();
        let (state, effects) =
            step(&job.state, event, now).map_err(|refusal| Error::internal(format!("{refusal:?}")))?;
        let before = std::mem::replace(&mut job.state, state);
        if !self.ports.save_job(job, &before, Look::AsTold).await? {
            tracing::warn!("the lease was lost, the job is another worker's");
            return Ok(Disposition::LostLease);
        }
        tracing::info!(state = job.state.phase.name(), attempts = job.state.attempts, "job moved on");
        dispatch::send(&self.ports, job, effects, now).await?;
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
        let event = Event::Claim { dispatch: message.dispatch, claim, lease_until: now + timing::LEASE };
        let resend = match step(&job.state, event, now) {
            Err(Refusal::Busy) => return Ok(Disposition::ComesAgain),
            Err(Refusal::Doubtful) => {
                let checkable = job.checkable;
                return self.advance(&mut job, Event::Doubt { checkable }).await;
            }
            // The clocks of the worker and of the queue differ: the message goes its way again.
            Err(Refusal::Early) => true,
            // A worker that stopped between writing a wait and sending its message left the message
            // of the dispatch before: it stands for the one that may be missing.
            Err(Refusal::Stale) => {
                let waits = matches!(&job.state.phase, Phase::Deferred { .. } | Phase::Verifying { .. });
                waits && message.dispatch + 1 == job.state.dispatch && job.state.carrier == Carrier::Queue
            }
            _ => false,
        };
        if resend {
            let effect = Effect::Send { dispatch: job.state.dispatch, at: job.state.due_at };
            dispatch::send(&self.ports, &job, vec![effect], now).await?;
        }
        Ok(Disposition::Finished)
    }

    fn random_bits(&self) -> u32 {
        let [a, b, c, d, ..] = self.ports.random();
        u32::from_be_bytes([a, b, c, d])
    }
}

/// The account of a job, or why it cannot be used.
fn usable(account: Option<SealedAccount>) -> Result<SealedAccount, Failure> {
    let sealed = account.ok_or_else(|| failure(FailureCode::AccountDisconnected, "the account was disconnected"))?;
    if sealed.account.status == Status::ReconnectNeeded {
        let message = "Flickr refused the account's token: the user must connect again";
        return Err(failure(FailureCode::ReconnectNeeded, message));
    }
    Ok(sealed)
}

/// Puts a job off that has not called.
fn defer(job: &Job, claim: ClaimId, due_at: Timestamp, why: &str) -> Event {
    let due_at = due_at.min(job.state.deadline());
    Event::Defer { claim, due_at, why: why.to_owned(), attempted: false }
}

fn failure(code: FailureCode, message: &str) -> Failure {
    Failure { code, message: message.to_owned(), flickr_code: None }
}

fn log(outcome: &Outcome) {
    tracing::info!(class = ?outcome.class, code = outcome.flickr_code, message = outcome.message, "Flickr answered");
}
