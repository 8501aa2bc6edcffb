//! Accepting a job.
//!
//! The job is written once, then its message is sent. If that fails the job is accepted all the same: the sweep sends
//! it. A caller that hears of no success may ask again with the same idempotency key, and gets the same job.
//!
//! Where more is asked for than the app's budget allows, the job waits in the app's fair queue, unless its account has
//! used less than its share. Either way the answer says about when it will run.
//!
//! An account has a limited number of pending jobs, and a fair queue is no longer than what can run before its jobs'
//! deadlines: beyond that new ones are refused, with the time in which a part of them will be done.

use domain::{
    JobId, JobRef, Timestamp, TraceId,
    budget::retry_after,
    catalogue::Catalogue,
    idempotency::{Fingerprint, Key},
    job::{Job, JobSpec, Start, State, Transition},
    timing::LONGEST_SCHEDULE,
};

use crate::{
    Error, Kind,
    fair_queue::{Admission, QueueForecast},
    ports::{Clock, Entropy, FairQueues, Inserted, Jobs, Messages, ResponseCache, SubmitContext},
    response_cache,
    tenants::Principal,
    transition::announce,
};

/// What accepting a job needs.
pub struct Submit<P> {
    pub ports: P,
    /// What is known of Flickr's methods.
    pub catalogue: &'static Catalogue,
}

/// A request for a job.
#[derive(Debug, Clone)]
pub struct SubmitRequest {
    /// What is asked for.
    pub spec: JobSpec,
    /// When it is to run.
    pub start: Start,
    /// Makes one job of all requests that carry it.
    pub key: Option<Key>,
    /// The trace of the request.
    pub trace: TraceId,
}

/// A job, accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The job as it stands.
    pub job: Job,
    /// Whether an earlier request with the same idempotency key had made it.
    pub replayed: bool,
    /// How its app's budget and fair queue stood; unknown for a job that an earlier request had made, if its account is
    /// gone.
    pub forecast: Option<QueueForecast>,
}

impl<P> Submit<P>
where
    P: Clock + Entropy + Jobs + FairQueues + ResponseCache + Messages,
{
    /// Accepts a request of `principal`, whose account the request must name, once for each idempotency key.
    ///
    /// # Errors
    /// An invalid start, [`Kind::AccountNotFound`], [`Kind::KeyReused`], [`Kind::TooManyPending`], or a failure of the
    /// ports.
    pub async fn accept(&self, principal: &Principal, request: SubmitRequest) -> Result<Accepted, Error> {
        let SubmitRequest { spec, start, key, trace } = request;
        let facts = self.catalogue.facts(&spec.work);
        if spec.cache.ttl().is_some() && facts.cache_policy.is_none() {
            let message = "has no effect: answers of this method are never cached";
            return Err(Error::invalid("cache.ttl_seconds", message));
        }
        let tenant = principal.tenant();
        let now = self.ports.now();
        let fingerprint = spec.fingerprint(start).map_err(Error::internal)?;
        let id = key.as_ref().map_or_else(|| JobId::from_bytes(self.ports.random()), |key| JobId::of(tenant, key));
        let earlier = async || match key {
            Some(_) => self.ports.job(&JobRef::new(tenant, &id)).await,
            None => Ok(None),
        };
        let context =
            if spec.account.tenant == *tenant { self.ports.submit_context(&spec.account).await? } else { None };
        let context = context.ok_or_else(|| Error::from(Kind::AccountNotFound));
        let (SubmitContext { account: sealed, budget, queue }, start) =
            match context.and_then(|context| Ok((context, start_at(start, now)?))) {
                Ok(found) => found,
                // What is refused by now, an account that is gone or a time that has passed, does not make an old key
                // forgotten.
                Err(refusal) => return replay(earlier().await?.ok_or(refusal)?, &fingerprint, None),
            };
        let forecast = QueueForecast::new(&sealed.account.app, &budget, queue, &principal.limits().app, now);
        let state = if start > now || !forecast.queue_is_needed() {
            State::first(start, now)
        } else {
            // A repeated request takes no second tag.
            if let Some(earlier) = earlier().await? {
                return replay(earlier, &fingerprint, Some(forecast));
            }
            self.first_state(principal, &spec, &forecast, now).await?
        };
        let acceptance = Transition::accepted(Job {
            id,
            idempotency: facts.idempotency,
            verification: facts.verification,
            invalidates: facts.invalidates.clone(),
            fingerprint,
            spec,
            trace,
            created_at: now,
            state,
        });
        match self.ports.insert(&acceptance, principal.limits().max_pending_jobs).await? {
            Inserted::New => {
                announce(&self.ports, &acceptance).await;
                Ok(Accepted { job: acceptance.after, replayed: false, forecast: Some(forecast) })
            }
            Inserted::Exists(earlier) => replay(*earlier, &acceptance.after.fingerprint, Some(forecast)),
            Inserted::TooManyPending => Err(too_many(principal, &forecast)),
        }
    }

    /// Where a new job begins whose app has a fair queue. One that needs no call takes no tag.
    async fn first_state(
        &self,
        principal: &Principal,
        spec: &JobSpec,
        forecast: &QueueForecast,
        now: Timestamp,
    ) -> Result<State, Error> {
        if response_cache::needs_no_call(&self.ports, self.catalogue, spec).await {
            return Ok(State::first(now, now));
        }
        let max_pending_jobs = principal.limits().max_pending_jobs;
        match forecast.admit(&self.ports, &spec.account, spec.priority, max_pending_jobs).await? {
            Admission::RunNow(ticket) => Ok(State { ticket: Some(ticket), ..State::first(now, now) }),
            Admission::Enqueue(ticket, expected_at) => Ok(State::first_in_queue(ticket, expected_at, now)),
            Admission::Reject => Err(too_many(principal, forecast)),
        }
    }
}

/// When the account will have room again: its jobs run at the app's rate, as learned, or at its own if that is less.
fn too_many(principal: &Principal, forecast: &QueueForecast) -> Error {
    let limits = principal.limits();
    let of_app = forecast.status.calls_per_hour;
    let calls_per_hour = limits.account.map_or(of_app, |limit| of_app.min(limit.calls_per_hour));
    Kind::TooManyPending { retry_after: retry_after(limits.max_pending_jobs, calls_per_hour) }.into()
}

/// The answer to a key that has made a job before.
fn replay(earlier: Job, fingerprint: &Fingerprint, forecast: Option<QueueForecast>) -> Result<Accepted, Error> {
    if earlier.fingerprint == *fingerprint {
        Ok(Accepted { job: earlier, replayed: true, forecast })
    } else {
        Err(Kind::KeyReused.into())
    }
}

/// When a job that is accepted `now` is to run.
fn start_at(start: Start, now: Timestamp) -> Result<Timestamp, Error> {
    const TOO_FAR: &str = "is over a year away";
    match start {
        Start::Now => Ok(now),
        Start::At(at) if at < now => Err(Error::invalid("run_at", "is in the past")),
        Start::At(at) if at.since(now) > LONGEST_SCHEDULE => Err(Error::invalid("run_at", TOO_FAR)),
        Start::At(at) => Ok(at),
        Start::After(length) if length > LONGEST_SCHEDULE => Err(Error::invalid("delay_seconds", TOO_FAR)),
        Start::After(length) => Ok(now + length),
    }
}
