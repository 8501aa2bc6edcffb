//! Accepting a job.
//!
//! The job is written once, then its message is sent. A caller that hears of no success may ask
//! again with the same idempotency key: it gets the same job, and a message that was never sent is
//! sent then.

use std::time::Duration;

use domain::{
    JobId, TenantId, TraceId,
    idempotency::{Fingerprint, Key},
    job::{Job, Order, Phase, State},
};

use crate::{
    Error, Kind,
    dispatch::Dispatch,
    ports::{Catalogue, Clock, Entropy, FindAccount, InsertJob, Inserted, SendDispatch},
};

/// What accepting a job needs.
pub struct Submit<P, F> {
    /// The ports.
    pub ports: P,
    /// Flickr's methods.
    pub catalogue: F,
}

/// A job, accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The job as it stands.
    pub job: Job,
    /// Whether an earlier request with the same idempotency key had made it.
    pub replayed: bool,
}

impl<P, F> Submit<P, F>
where
    P: Clock + Entropy + FindAccount + InsertJob + SendDispatch,
    F: Catalogue,
{
    /// Accepts `order` of `tenant`, once for each idempotency `key`.
    ///
    /// # Errors
    /// [`Kind::AccountNotFound`], [`Kind::KeyReused`], or a failure of the ports.
    pub async fn accept(
        &self,
        tenant: &TenantId,
        order: Order,
        key: Option<&Key>,
        trace: TraceId,
    ) -> Result<Accepted, Error> {
        self.ports.account(tenant, &order.user).await?.ok_or(Kind::AccountNotFound)?;
        let job = Job {
            tenant: tenant.clone(),
            id: key.map_or_else(|| JobId::from_bytes(self.ports.random()), |key| JobId::of(tenant, key)),
            nature: self.catalogue.nature(&order.method),
            fingerprint: Fingerprint::of(&order).map_err(Error::internal)?,
            order,
            trace,
            created_at: self.ports.now(),
            state: State::first(),
        };
        match self.ports.insert_job(&job).await? {
            Inserted::New => {
                self.send(&job).await?;
                tracing::info!(job_id = %job.id, user = %job.order.user, method = %job.order.method, "job accepted");
                Ok(Accepted { job, replayed: false })
            }
            Inserted::Exists(earlier) if earlier.fingerprint != job.fingerprint => Err(Kind::KeyReused.into()),
            Inserted::Exists(earlier) => {
                if earlier.state.phase == Phase::Queued {
                    self.send(&earlier).await?;
                }
                Ok(Accepted { job: *earlier, replayed: true })
            }
        }
    }

    async fn send(&self, job: &Job) -> Result<(), Error> {
        Ok(self.ports.send_dispatch(&Dispatch::of(job), Duration::ZERO).await?)
    }
}
