//! Accepting a job.
//!
//! The job is counted as pending, then written once, then its message is sent. If that fails the job is accepted all the
//! same: the sweep sends it. A caller that hears of no success may ask again with the same idempotency key, and gets the
//! same job, however many are pending.
//!
//! Where more is asked for than the app's budget allows, the job waits in the app's fair queue, unless its account has
//! used less than its share. Either way the answer says about when it will run.
//!
//! A tenant may have a quota of jobs in an hour and in a day; then, and only then, each job costs a write more.
//!
//! An account has a limited number of pending jobs, and a fair queue is no longer than what can run before its jobs'
//! deadlines: beyond that new ones are refused, with the time in which a part of them will be done.

use domain::{
    JobId, JobRef, Timestamp, TraceId,
    budget::retry_after,
    catalogue::Catalogue,
    egress,
    idempotency::{Fingerprint, Key},
    job::{Job, JobSpec, Start, State, Transition},
    timing::LONGEST_SCHEDULE,
    upload::FileSource,
};

use crate::{
    Error, Kind,
    fair_queue::{Admitted, QueueForecast},
    job_quota, pending_jobs,
    ports::{Entropy, FairQueues, Inserted, JobCounts, Uploads},
    response_cache,
    tenants::Principal,
    transition::{self, announce},
    uploads,
};

/// What accepting a job needs.
pub struct Submit<P> {
    pub ports: P,
    /// What is known of Flickr's methods.
    pub catalogue: &'static Catalogue,
    /// Where files may be fetched from.
    pub sources: egress::Policy,
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
    P: transition::Ports + Entropy + FairQueues + JobCounts + Uploads,
{
    /// Accepts a request of `principal`, whose account the request must name, once for each idempotency key.
    ///
    /// # Errors
    /// An invalid start, [`Kind::AccountNotFound`], [`Kind::KeyReused`], [`Kind::TooManyPending`],
    /// [`Kind::QuotaExceeded`], for a file [`Kind::UploadNotFound`] and [`Kind::UploadNotArrived`], or a failure of the ports.
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
        let reference = JobRef::new(tenant, &id);
        let asked = key.is_some().then_some(&reference);
        let (context, earlier) = if spec.account.tenant == *tenant {
            self.ports.submit_context(&spec.account, pending_jobs::yesterday(now), asked).await?
        } else {
            (None, None)
        };
        let limits = principal.limits();
        let forecast = context.as_ref().map(|context| QueueForecast::of(context, &limits.app, now));
        if let Some(earlier) = earlier {
            // What is refused by now, an account that is gone or a time that has passed, does not make an old key
            // forgotten.
            return replay(earlier, &fingerprint, forecast);
        }
        let (Some(context), Some(forecast)) = (context, forecast) else { return Err(Kind::AccountNotFound.into()) };
        let start = start_at(start, now)?;
        match spec.work.file() {
            Some(FileSource::Upload(id)) => uploads::pin_arrived(&self.ports, &spec.account, id).await?,
            Some(FileSource::Url(url)) => self.check_source(url)?,
            None => {}
        }
        let mut job = Job {
            id,
            idempotency: facts.idempotency,
            verification: facts.verification,
            invalidates: facts.invalidates.clone(),
            fingerprint,
            spec,
            trace,
            created_at: now,
            state: State::first(start, now),
        };
        let max = limits.max_pending_jobs;
        if !pending_jobs::count(&self.ports, &job, context.pending_jobs, max, now).await? {
            // The job that took the last place may be that of the same key.
            return match self.earlier(asked).await? {
                Some(earlier) => replay(earlier, &job.fingerprint, Some(forecast)),
                None => Err(too_many(principal, &forecast)),
            };
        }
        if let Some(refusal) = job_quota::count(&self.ports, principal, now).await? {
            pending_jobs::discount(&self.ports, &job).await;
            // The last one that the quota allowed may be that of the same key.
            return match self.earlier(asked).await? {
                Some(earlier) => replay(earlier, &job.fingerprint, Some(forecast)),
                None => Err(refusal),
            };
        }
        if start <= now {
            match self.admit(&job.spec, &forecast).await {
                Ok(Admitted::Freely) => {}
                Ok(Admitted::As(admission)) => job.state = job.state.admitted(admission),
                refused => {
                    pending_jobs::discount(&self.ports, &job).await;
                    job_quota::discount(&self.ports, principal, now).await;
                    return Err(refused.err().unwrap_or_else(|| too_many(principal, &forecast)));
                }
            }
        }
        let acceptance = Transition::accepted(job);
        match self.insert(&acceptance, asked).await? {
            Inserted::New => {
                announce(&self.ports, &acceptance).await;
                Ok(Accepted { job: acceptance.after, replayed: false, forecast: Some(forecast) })
            }
            Inserted::Exists(earlier) => {
                pending_jobs::discount(&self.ports, &acceptance.after).await;
                job_quota::discount(&self.ports, principal, now).await;
                replay(*earlier, &acceptance.after.fingerprint, Some(forecast))
            }
        }
    }

    fn check_source(&self, url: &str) -> Result<(), Error> {
        self.sources.url(url).map(|_| ()).map_err(|refused| Error::invalid("source_url", refused.to_string()))
    }

    /// Inserts the job. Where that fails, others with the same key may have been in its way, and one of them has made the
    /// job.
    async fn insert(&self, acceptance: &Transition, asked: Option<&JobRef>) -> Result<Inserted, Error> {
        match self.ports.insert(acceptance).await {
            Ok(inserted) => Ok(inserted),
            Err(error) => match self.earlier(asked).await {
                Ok(Some(stored)) => Ok(Inserted::found(stored, &acceptance.after)),
                // Where the job cannot be read either, what the insertion met says more.
                Ok(None) | Err(_) => Err(error.into()),
            },
        }
    }

    /// The job that an earlier request with the same key made.
    async fn earlier(&self, asked: Option<&JobRef>) -> Result<Option<Job>, Error> {
        match asked {
            Some(reference) => Ok(self.ports.job(reference).await?),
            None => Ok(None),
        }
    }

    /// Where a new job that could run now begins. One that needs no call takes no tag.
    async fn admit(&self, spec: &JobSpec, forecast: &QueueForecast) -> Result<Admitted, Error> {
        if !forecast.queue_is_needed() || response_cache::needs_no_call(&self.ports, self.catalogue, spec).await {
            return Ok(Admitted::Freely);
        }
        forecast.admit(&self.ports, &spec.account, spec.priority).await
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
