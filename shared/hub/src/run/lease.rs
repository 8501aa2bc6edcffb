//! A worker's hold on a job for as long as bytes flow.

use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    job::{Event, Job},
};

use super::Ports;
use crate::{Error, transition::apply_as_holder};

/// How much of a lease is used before it is renewed, as its part.
const USED: u32 = 3;

/// A worker's hold on a job, which is renewed while the work goes on.
pub(super) struct Lease<'a, P> {
    ports: &'a P,
    claim: &'a ClaimId,
    /// The job as it stands.
    pub(super) job: Job,
    renew_at: Timestamp,
    ends_at: Timestamp,
}

impl<'a, P: Ports> Lease<'a, P> {
    /// The hold that `claim` has on the job, which it got just now.
    pub(super) fn new(ports: &'a P, job: &Job, claim: &'a ClaimId) -> Self {
        let mut lease = Self { ports, claim, job: job.clone(), renew_at: ports.now(), ends_at: ports.now() };
        lease.begin();
        lease
    }

    /// Renews the lease when a part of it is used. Whether the claim still holds the job: who does not must stop.
    ///
    /// # Errors
    /// A failure of the ports that lasts as long as the lease.
    pub(super) async fn keep(&mut self) -> Result<bool, Error> {
        if self.ports.now() < self.renew_at { Ok(true) } else { self.renew().await }
    }

    /// Renews the lease where it would end before so much time has passed, as [`Lease::keep`] does.
    ///
    /// # Errors
    /// As for [`Lease::keep`].
    pub(super) async fn outlast(&mut self, length: Duration) -> Result<bool, Error> {
        if self.ports.now() + length < self.ends_at { Ok(true) } else { self.renew().await }
    }

    async fn renew(&mut self) -> Result<bool, Error> {
        let event = Event::Renew { claim: self.claim.clone(), lease_until: self.ports.now() + self.length() };
        match apply_as_holder(self.ports, &self.job, self.claim, event).await {
            Ok(Some(renewed)) => {
                self.job = renewed.after;
                self.begin();
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(_) if self.ports.now() + self.length() / USED < self.ends_at => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// The claim that holds the job.
    pub(super) const fn claim(&self) -> &'a ClaimId {
        self.claim
    }

    fn begin(&mut self) {
        let now = self.ports.now();
        self.renew_at = now + self.length() / USED;
        self.ends_at = now + self.length();
    }

    fn length(&self) -> Duration {
        self.job.spec.work.target().timing().lease
    }
}
