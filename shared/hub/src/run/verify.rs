//! Finding out whether a write of unknown outcome took effect.

use domain::{
    ClaimId, Timestamp,
    job::{Event, Failure, FailureCode, Job},
    timing::VERIFICATION_INTERVAL,
    verification::Verified,
};
use vault::DataKeys;

use super::{Ports, Worker, account::usable, call::spread, outcome::Ran, results};
use crate::{
    Error,
    ports::{FlickrApi, VerifyAnswer},
};

impl<P: Ports, F: FlickrApi, K: DataKeys> Worker<P, F, K> {
    /// Verifies the job's write once; the verification gives up at `until`. Where no call is granted for it, it waits
    /// longer, up to the job's deadline.
    pub(super) async fn verify(&self, job: &Job, claim: &ClaimId, until: Timestamp) -> Result<Ran, Error> {
        let unknown = |message| Failure::new(FailureCode::OutcomeUnknown, message);
        let fail = |message| Ok(Ran::new(job, Event::Fail(claim.clone(), unknown(message))));
        let give_up_at = until.max(job.deadline());
        if self.ports.now() >= give_up_at {
            return fail("the write was sent, and it could not be verified in time");
        }
        let Ok(sealed) = usable(self.ports.account(&job.spec.account).await?) else {
            return fail("the account went before its write could be verified");
        };
        let Some(verification) = job.verification else {
            return fail("the write was sent, and it cannot be found out whether it took effect");
        };
        let Ok(signing) = self.signing(job, &sealed).await? else {
            return fail("the write was sent, and the account's token cannot be opened to verify it");
        };
        let later = |at| {
            let due_at = spread(&self.ports, at).min(give_up_at);
            Ok(Ran::new(job, Event::Verify { claim: claim.clone(), due_at }))
        };
        let circuit = match self.pass_circuit(job, &sealed).await? {
            Ok(circuit) => circuit,
            Err(until) => return later(until),
        };
        let granted = match self.take_call(job, &sealed).await? {
            Ok(granted) => granted,
            Err(refused) => return later(refused.retry_at),
        };
        let VerifyAnswer { verified, result, outcome } =
            self.flickr.verify(&signing, &job.spec.work, verification).await;
        match &outcome {
            Some(outcome) => {
                self.grants.record(&self.ports, &granted, Some(outcome)).await;
                self.record_in_circuit(job, circuit, outcome).await;
            }
            // Flickr was not called.
            None => self.grants.give_back(&self.ports, granted).await,
        }
        tracing::info!(?verified, "verified whether the write took effect");
        let now = self.ports.now();
        match verified {
            Verified::Done => Ok(Ran::new(job, results::store(&self.ports, job, claim, result, false).await?)),
            Verified::NotSeen if now < until => {
                let due_at = now + VERIFICATION_INTERVAL;
                Ok(Ran::new(job, Event::Verify { claim: claim.clone(), due_at }))
            }
            Verified::NotSeen => fail("the write was sent, and nothing shows that it took effect"),
        }
    }
}
