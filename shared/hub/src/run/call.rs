//! Running a job's call: the cache, the budget, Flickr, and what its answer means.

use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    budget::{Circuit, HostClass, Party, Why},
    cache::CacheEvent,
    call::RestCall,
    catalogue::OWN_CODES,
    idempotency::Idempotency,
    job::{Attempt, Event, Job, Next, WaitReason, next},
    outcome::{Class, Outcome},
    timing::NEW_PHOTO_PAUSE,
    upload::named_photos,
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker, account::usable, after_outage, defer, outcome::Ran, results};
use crate::{
    Error,
    budget::{CallRequest, Granted, Refused},
    chain, fair_queue,
    ports::{CacheView, Clock, Entropy, ErrorKind, SealedAccount, Signing},
    response_cache::{CacheLookup, LookupResult, forget},
    transition::apply_as_holder,
};

/// Over how long the jobs are spread that wait for their account's budget, or to verify.
const BUDGET_SPREAD: Duration = Duration::from_secs(60);

/// In `length` or up to twice as long, so that those who wait do not come together.
fn spread_over(ports: &(impl Clock + Entropy), length: Duration) -> Timestamp {
    ports.now() + length + ports.jitter().of(length)
}

/// `at` or now, and some time later, so that those who wait do not come together.
pub(super) fn spread(ports: &(impl Clock + Entropy), at: Timestamp) -> Timestamp {
    at.max(ports.now()) + ports.jitter().of(BUDGET_SPREAD)
}

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Runs the job's call; `None` when the claim holds the job no more.
    pub(super) async fn call(&self, job: &Job, claim: &ClaimId, call: &RestCall) -> Result<Option<Ran>, Error> {
        if self.ports.now() >= job.deadline() {
            return Ok(Some(Ran::new(job, Event::Expire(claim.clone()))));
        }
        let lookup = CacheLookup::of(self.catalogue, &job.spec);
        let (account, view) = self.account_and_view(job, lookup.as_ref()).await?;
        let sealed = match usable(account) {
            Ok(sealed) => sealed,
            Err(failure) => return Ok(Some(Ran::new(job, Event::Fail(claim.clone(), failure)))),
        };
        let Some(lookup) = lookup else { return self.spend(job, claim, call, &sealed, None).await };
        match self.look_up(job, claim, &lookup, view).await {
            (Some(event), cache) => Ok(Some(Ran { cache: Some(cache), ..Ran::new(job, event) })),
            (None, cache) => self.spend(job, claim, call, &sealed, Some(cache)).await,
        }
    }

    /// The job's account, and what the cache has for it. A cache that does not answer is left out.
    async fn account_and_view(
        &self,
        job: &Job,
        lookup: Option<&CacheLookup>,
    ) -> Result<(Option<SealedAccount>, Option<CacheView>), Error> {
        if let Some(lookup) = lookup {
            match lookup.view(&self.ports, &job.spec.account).await {
                Ok((account, view)) => return Ok((account, Some(view))),
                Err(error) => {
                    tracing::warn!(error = chain(&error), "the cache does not answer: the job runs without it")
                }
            }
        }
        Ok((self.ports.account(&job.spec.account).await?, None))
    }

    /// Looks into the cache: what happens to the job, unless it is to call, and the outcome for the statistics.
    async fn look_up(
        &self,
        job: &Job,
        claim: &ClaimId,
        lookup: &CacheLookup,
        view: Option<CacheView>,
    ) -> (Option<Event>, CacheEvent) {
        let Some(view) = view else { return (None, CacheEvent::Unavailable) };
        let hit = if job.state.follows.is_some() { CacheEvent::Shared } else { CacheEvent::Hit };
        match lookup.look_up(&self.ports, job, view).await {
            Ok(LookupResult::Hit(result)) => (Some(Event::complete(claim.clone(), result)), hit),
            Ok(LookupResult::Refused(failure)) => (Some(Event::Fail(claim.clone(), failure)), hit),
            Ok(LookupResult::Wait(leader, due_at)) => {
                let due_at = due_at.min(job.deadline());
                (Some(Event::Follow { claim: claim.clone(), leader, due_at }), hit)
            }
            Ok(LookupResult::Fetch) if job.spec.cache.bypass() => (None, CacheEvent::Bypassed),
            Ok(LookupResult::Fetch) => (None, CacheEvent::Miss),
            Err(error) => {
                tracing::warn!(error = chain(&error), "the cache does not answer: the job runs without it");
                (None, CacheEvent::Unavailable)
            }
        }
    }

    /// Asks for a call and makes it, or has the job wait for one. `cache` is the outcome of the lookup, for a call that
    /// is made.
    async fn spend(
        &self,
        job: &Job,
        claim: &ClaimId,
        call: &RestCall,
        sealed: &SealedAccount,
        cache: Option<CacheEvent>,
    ) -> Result<Option<Ran>, Error> {
        let signing = match self.signing(job, sealed).await? {
            Ok(signing) => signing,
            Err(failure) => return Ok(Some(Ran::new(job, Event::GiveUp(claim.clone(), failure)))),
        };
        let circuit = match self.pass_circuit(job, sealed).await? {
            Ok(circuit) => circuit,
            Err(until) => {
                let event = defer(job, claim, spread(&self.ports, until), WaitReason::Circuit, false);
                return Ok(Some(Ran::new(job, event)));
            }
        };
        let granted = match self.take_call(job, sealed, HostClass::Rest).await? {
            Ok(granted) => granted,
            Err(refused) => return Ok(Some(Ran::new(job, self.wait(job, claim, sealed, &refused).await?))),
        };
        let mut job = job.clone();
        if job.idempotency == Idempotency::NonIdempotent {
            let started = Event::WriteStarted { claim: claim.clone(), photo_version: None };
            match apply_as_holder(&self.ports, &job, claim, started).await {
                Ok(Some(started)) => job = started.after,
                not_started => {
                    self.grants.give_back(&self.ports, granted).await;
                    return not_started.map(|_| None);
                }
            }
        }
        if !granted.holds(self.ports.now()) {
            // Something took long: the grant has expired, and the job comes back for another.
            let event = defer(&job, claim, self.ports.now(), WaitReason::GrantExpired, false);
            return Ok(Some(Ran::new(&job, event)));
        }
        let event = self.call_flickr(&job, claim, call, &signing, &granted, circuit).await?;
        Ok(Some(Ran { job, event, cache, called: true }))
    }

    /// Asks for one call of the job's account to these hosts.
    pub(super) async fn take_call(
        &self,
        job: &Job,
        sealed: &SealedAccount,
        class: HostClass,
    ) -> Result<Result<Granted, Refused>, Error> {
        let request = CallRequest {
            app: &sealed.account.app,
            limit: self.limits.app,
            class,
            party: Party::account(&job.spec.account),
            within: self.limits.of_account(&job.spec.account),
        };
        self.grants.take(&self.ports, request).await
    }

    /// The wait of a job that may not call: in its app's fair queue, where it is the app's budget that refuses, else
    /// for some time.
    pub(super) async fn wait(
        &self,
        job: &Job,
        claim: &ClaimId,
        sealed: &SealedAccount,
        refused: &Refused,
    ) -> Result<Event, Error> {
        if !refused.by_app {
            let at = spread(&self.ports, refused.retry_at);
            return Ok(defer(job, claim, at, WaitReason::AccountBudget, false));
        }
        let forecast = fair_queue::forecast(&self.ports, &self.limits.app, &sealed.account.app).await?;
        let reason = match (forecast.stopped(), refused.why) {
            (Some(stopped), _) => stopped,
            (None, Why::Spent) => WaitReason::AppBudget,
            (None, Why::CircuitOpen | Why::AppStopped) => WaitReason::Circuit,
        };
        let (ticket, expected_at) = forecast.enqueue(&self.ports, job).await?;
        Ok(Event::JoinQueue { claim: claim.clone(), ticket, expected_at, reason })
    }

    /// Calls Flickr; what the job is to become.
    async fn call_flickr(
        &self,
        job: &Job,
        claim: &ClaimId,
        call: &RestCall,
        signing: &Signing,
        granted: &Granted,
        circuit: Circuit,
    ) -> Result<Event, Error> {
        let repeated = job.state.attempts > 1 || job.state.run > 1;
        let answer = self.flickr.call(signing, call, repeated).await;
        self.record(job, signing, granted, circuit, &answer.outcome).await;
        let has_pages = self.catalogue.facts(&job.spec.work).cache_policy.is_some_and(|policy| policy.has_pages);
        if self.refuses_new_photo(job, call, &answer.outcome).await {
            let Outcome { message, flickr_code, .. } = answer.outcome;
            let reason = WaitReason::BackOff { message, flickr_code };
            return Ok(defer(job, claim, spread_over(&self.ports, NEW_PHOTO_PAUSE), reason, false));
        }
        if let Some(event) = self.unfinished(job, claim, &answer.outcome) {
            return Ok(event);
        }
        match results::store(&self.ports, job, claim, answer.result, has_pages).await {
            Ok(event) => Ok(event),
            // It was called, and that must be remembered: a repetition may find it done.
            Err(error) if error.kind() == ErrorKind::Unavailable && job.idempotency != Idempotency::NonIdempotent => {
                tracing::warn!(error = chain(&error), "a result could not be stored: the job is put off");
                Ok(defer(job, claim, after_outage(&self.ports), WaitReason::Outage, true))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether Flickr refuses a call that names a photo which it has made itself, minutes ago: its methods may not know it
    /// yet.
    async fn refuses_new_photo(&self, job: &Job, call: &RestCall, outcome: &Outcome) -> bool {
        let photos = named_photos(&call.params);
        // The other codes are common to all methods, and speak of the call.
        let of_method = outcome.flickr_code.is_some_and(|code| OWN_CODES.contains(&code));
        if outcome.class != Class::Permanent || !of_method || photos.is_empty() {
            return false;
        }
        match self.ports.is_noted_photo(&job.spec.account, &photos).await {
            Ok(is_new) => is_new,
            Err(error) => {
                tracing::warn!(error = chain(&error), "it is not known whether a photo is new: it counts as old");
                false
            }
        }
    }

    /// Records what became of a call, wherever later calls depend on it.
    pub(super) async fn record(
        &self,
        job: &Job,
        signing: &Signing,
        granted: &Granted,
        circuit: Circuit,
        outcome: &Outcome,
    ) {
        tracing::info!(class = ?outcome.class, code = outcome.flickr_code, message = outcome.message, "Flickr answered");
        self.grants.record(&self.ports, granted, Some(outcome)).await;
        self.record_in_circuit(job, circuit, outcome).await;
        if outcome.class == Class::Account {
            // The job's end says the same; a mark that fails is made by the account's next job.
            let mark = self.ports.mark_reconnect_needed(&job.spec.account, signing.connected_at).await;
            if let Err(error) = mark {
                tracing::warn!(error = chain(&error), "an account could not be marked");
            }
            if let Err(error) = forget(&self.ports, &job.spec.account).await {
                tracing::warn!(error = chain(&error), "an account's cached answers could not be invalidated");
            }
        }
    }

    /// What happens to a job whose attempt came to this; `None` where Flickr did what was asked.
    pub(super) fn unfinished(&self, job: &Job, claim: &ClaimId, outcome: &Outcome) -> Option<Event> {
        let attempt = Attempt {
            idempotency: job.idempotency,
            verification: job.verification,
            number: job.state.attempts,
            deadline: job.deadline(),
        };
        let policy = self.retries.get(job.spec.work.target());
        let claim = claim.clone();
        match next(outcome, &attempt, policy, self.ports.jitter(), self.ports.now()) {
            Next::Complete => None,
            Next::Fail(failure) => Some(Event::Fail(claim, failure)),
            Next::GiveUp(failure) => Some(Event::GiveUp(claim, failure)),
            Next::Verify { due_at } => Some(Event::Verify { claim, due_at, window: self.verification_window(job) }),
            Next::Defer { due_at, reason, attempted } => Some(Event::Defer { claim, due_at, reason, attempted }),
        }
    }
}
