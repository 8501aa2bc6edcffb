//! Finding out whether a write of unknown outcome took effect.

use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    budget::{Circuit, HostClass},
    call::RestCall,
    job::{Activity, Claim, Event, Failure, FailureCode, Job, Phase},
    timing::{VERIFICATION, VERIFICATION_INTERVAL},
    verification::Verified,
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker, account::usable, call::spread, outcome::Ran, results};
use crate::{
    Error,
    budget::Granted,
    ports::{SealedAccount, VerifyAnswer},
};

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Verifies the job's write once; the verification gives up at `until`. Where no call is granted for it, it waits
    /// longer, up to the job's deadline.
    pub(super) async fn verify(
        &self,
        job: &Job,
        claim: &ClaimId,
        call: &RestCall,
        until: Timestamp,
    ) -> Result<Ran, Error> {
        let unknown = |message| Failure::new(FailureCode::OutcomeUnknown, message);
        let fail = |message| Ok(Ran::new(job, Event::Fail(claim.clone(), unknown(message))));
        let give_up_at = until.max(job.deadline());
        if self.ports.now() >= give_up_at {
            return fail("the write was sent, and it could not be verified in time");
        }
        let Ok(sealed) = usable(self.ports.account(&job.spec.account).await?) else {
            return fail("the account went before its write could be verified");
        };
        if job.verification.is_none() {
            return fail("the write was sent, and it cannot be found out whether it took effect");
        }
        let Ok(signing) = self.signing(job, &sealed).await? else {
            return fail("the write was sent, and the account's token cannot be opened to verify it");
        };
        let (circuit, granted) = match self.call_to_verify(job, claim, &sealed, give_up_at).await? {
            Ok(granted) => granted,
            Err(later) => return Ok(Ran::new(job, later)),
        };
        let VerifyAnswer { verified, result, outcome } = self.flickr.verify(&signing, call).await;
        match &outcome {
            Some(outcome) => self.record(job, &signing, &granted, circuit, outcome).await,
            // Flickr was not called.
            None => self.grants.give_back(&self.ports, granted).await,
        }
        tracing::info!(?verified, "verified whether the write took effect");
        let now = self.ports.now();
        match verified {
            Verified::Done => Ok(Ran::new(job, results::store(&self.ports, job, claim, result, false).await?)),
            Verified::NotSeen if now < until => {
                Ok(Ran::new(job, self.verify_later(job, claim, now + VERIFICATION_INTERVAL)))
            }
            Verified::NotSeen => fail("the write was sent, and nothing shows that it took effect"),
        }
    }

    /// Asks for a call that verifies: with which circuit it may be made, or what happens to a job that has to wait for it.
    pub(super) async fn call_to_verify(
        &self,
        job: &Job,
        claim: &ClaimId,
        sealed: &SealedAccount,
        give_up_at: Timestamp,
    ) -> Result<Result<(Circuit, Granted), Event>, Error> {
        let later = |at| Ok(Err(self.verify_later(job, claim, spread(&self.ports, at).min(give_up_at))));
        let circuit = match self.pass_circuit(job, sealed).await? {
            Ok(circuit) => circuit,
            Err(until) => return later(until),
        };
        match self.take_call(job, sealed, HostClass::Rest).await? {
            Ok(granted) => Ok(Ok((circuit, granted))),
            Err(refused) => later(refused.retry_at),
        }
    }

    /// The job, which verifies, goes on with that at `due_at`.
    pub(super) fn verify_later(&self, job: &Job, claim: &ClaimId, due_at: Timestamp) -> Event {
        let claim = claim.clone();
        match (&job.state.file.ticket, &job.state.phase) {
            (Some(ticket), Phase::Running(Claim { activity: Activity::Verify { until }, .. })) => {
                Event::AwaitTicket { claim, ticket: ticket.clone(), due_at, until: *until }
            }
            _ => Event::Verify { claim, due_at, window: self.verification_window(job) },
        }
    }

    /// How long it is verified whether the job's write took effect.
    pub(super) fn verification_window(&self, job: &Job) -> Duration {
        if job.spec.work.file().is_some() { self.file_rules.index_lag } else { VERIFICATION }
    }
}
