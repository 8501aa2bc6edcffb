//! Accepting a job.
//!
//! The job is written once, then its message is sent. If that fails the job is accepted all the
//! same: the sweep sends it. A caller that hears of no success may ask again with the same
//! idempotency key, and gets the same job.
//!
//! Where more is asked for than the app's budget allows, the job stands in the app's line, unless
//! its account has used less than its share. Either way the answer says about when it will run.
//!
//! An account has so many pending jobs at most, and a line is no longer than what can run before
//! its jobs' deadlines: beyond that new ones are refused, with the time in which a part of them will
//! be done.

use std::time::Duration;

use domain::{
    JobId, TenantId, Timestamp, TraceId,
    budget::relief,
    idempotency::{Fingerprint, Key},
    job::{Effect, Job, Order, State},
    timing::LONGEST_SCHEDULE,
};

use serde::Serialize;

use crate::{
    Error, Kind,
    budget::Limits,
    cache, chain, dispatch,
    line::{Outlook, Way},
    ports::{
        Catalogue, Clock, Entropy, FindCached, FindJob, FindReception, InsertJob, Inserted, JoinLine, Reception,
        SendDispatch, TakeTurn,
    },
};

/// What accepting a job needs.
pub struct Submit<P, F> {
    /// The ports.
    pub ports: P,
    /// Flickr's methods.
    pub catalogue: F,
    /// How many calls may be made.
    pub limits: Limits,
    /// How many jobs of one account may be pending.
    pub max_pending_jobs: u32,
}

/// When a job is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// As soon as may be.
    Now,
    /// At a point in time, in milliseconds since 1970.
    At(Timestamp),
    /// Some time after it was accepted.
    After(Duration),
}

/// A wish for a job.
#[derive(Debug, Clone)]
pub struct Wish {
    /// What is asked for.
    pub order: Order,
    /// When it is to run.
    pub start: Start,
    /// Makes one job of all wishes that carry it.
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
    /// How its app's budget and line stood; unknown for a job that an earlier request had made, if
    /// its account is gone.
    pub outlook: Option<Outlook>,
}

impl<P, F> Submit<P, F>
where
    P: Clock + Entropy + FindReception + FindCached + FindJob + TakeTurn + JoinLine + InsertJob + SendDispatch,
    F: Catalogue,
{
    /// Accepts a wish of `tenant`, once for each idempotency key.
    ///
    /// # Errors
    /// An invalid start, [`Kind::AccountNotFound`], [`Kind::KeyReused`], [`Kind::TooManyPending`], or
    /// a failure of the ports.
    pub async fn accept(&self, tenant: &TenantId, wish: Wish) -> Result<Accepted, Error> {
        let Wish { order, start, key, trace } = wish;
        if order.cache.ttl().is_some() && self.catalogue.kept(&order.method).is_none() {
            return Err(Error::invalid("cache.ttl_seconds", "is of no use: answers of this method are never kept"));
        }
        let now = self.ports.now();
        let fingerprint = Fingerprint::of(&(&order, start)).map_err(Error::internal)?;
        let id = key.as_ref().map_or_else(|| JobId::from_bytes(self.ports.random()), |key| JobId::of(tenant, key));
        let reception = self.ports.reception(tenant, &order.user).await?;
        let reception = reception.ok_or_else(|| Error::from(Kind::AccountNotFound));
        let (Reception { account: sealed, budget, line }, start) =
            match reception.and_then(|reception| Ok((reception, start_at(start, now)?))) {
                Ok(found) => found,
                Err(refusal) => {
                    // What is refused by now, an account that is gone or a time that has passed, does
                    // not make an old key forgotten.
                    let earlier = if key.is_some() { self.ports.job(tenant, &id).await? } else { None };
                    return replay(earlier.ok_or(refusal)?, &fingerprint, None);
                }
            };
        let outlook = Outlook::of(&sealed.account.app, &budget, line, &self.limits.app, now);
        let (state, effects) = if start > now || !outlook.line_is_needed() {
            State::first(start, now)
        } else {
            // A repeated request takes no second turn.
            let earlier = if key.is_some() { self.ports.job(tenant, &id).await? } else { None };
            if let Some(earlier) = earlier {
                return replay(earlier, &fingerprint, Some(outlook));
            }
            self.place(tenant, &order, &outlook, now).await?
        };
        let job = Job {
            tenant: tenant.clone(),
            id,
            nature: self.catalogue.nature(&order.method),
            checkable: self.catalogue.is_checkable(&order.method),
            raises: self.catalogue.raises(&order.method),
            fingerprint,
            order,
            trace,
            created_at: now,
            state,
        };
        match self.ports.insert_job(&job, self.max_pending_jobs).await? {
            Inserted::New => {
                tracing::info!(
                    job_id = %job.id, user = %job.order.user, method = %job.order.method,
                    in_line = job.state.place.is_some(), "job accepted"
                );
                self.send(&job, effects, now).await;
                Ok(Accepted { job, replayed: false, outlook: Some(outlook) })
            }
            Inserted::Exists(earlier) => replay(*earlier, &job.fingerprint, Some(outlook)),
            Inserted::TooMany => Err(self.too_many(&outlook)),
        }
    }

    /// Where a new job begins whose app has a line. One that needs no call takes no turn.
    async fn place(
        &self,
        tenant: &TenantId,
        order: &Order,
        outlook: &Outlook,
        now: Timestamp,
    ) -> Result<(State, Vec<Effect>), Error> {
        if cache::needs_no_call(&self.ports, &self.catalogue, tenant, order).await {
            return Ok(State::first(now, now));
        }
        let account = (tenant, &order.user);
        match outlook.way(&self.ports, account, order.priority, self.max_pending_jobs).await? {
            Way::Go(place) => {
                let (state, effects) = State::first(now, now);
                Ok((State { place: Some(place), ..state }, effects))
            }
            Way::Wait(place, expected_at) => Ok((State::in_line(place, expected_at, now), Vec::new())),
            Way::TooMany => Err(self.too_many(outlook)),
        }
    }

    /// When the account will have room again: its jobs run at the app's rate, as learned, or at its
    /// own if that is less.
    fn too_many(&self, outlook: &Outlook) -> Error {
        let of_app = outlook.standing.calls_per_hour;
        let calls_per_hour = self.limits.account.map_or(of_app, |limit| of_app.min(limit.calls_per_hour));
        Kind::TooManyPending { retry_after: relief(self.max_pending_jobs, calls_per_hour) }.into()
    }

    /// Sends the job's first message. The job is accepted whether or not that works.
    async fn send(&self, job: &Job, effects: Vec<Effect>, now: Timestamp) {
        if let Err(error) = dispatch::send(&self.ports, job, effects, now).await {
            tracing::warn!(error = chain(&error), job_id = %job.id, "the job's message was not sent: the sweep will send it");
        }
    }
}

/// The answer to a key that has made a job before.
fn replay(earlier: Job, fingerprint: &Fingerprint, outlook: Option<Outlook>) -> Result<Accepted, Error> {
    if earlier.fingerprint == *fingerprint {
        Ok(Accepted { job: earlier, replayed: true, outlook })
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
