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
    budget::{self, CallRequest},
    ports::FlickrApi,
};

impl<P: Ports, F: FlickrApi, K: DataKeys> Worker<P, F, K> {
    /// Verifies the job's write once; the verification gives up at `until`.
    pub(super) async fn verify(&self, job: &Job, claim: &ClaimId, until: Timestamp) -> Result<Ran, Error> {
        let unknown = |message| Failure::new(FailureCode::OutcomeUnknown, message);
        let fail = |message| Ok(Ran::new(job, Event::Fail(claim.clone(), unknown(message))));
        let Ok(sealed) = usable(self.ports.account(&job.spec.account).await?) else {
            return fail("the account went before its write could be verified");
        };
        let Some(verification) = job.verification else {
            return fail("the write was sent, and it cannot be found out whether it took effect");
        };
        let Ok(signing) = self.signing(job, &sealed).await? else {
            return fail("the write was sent, and the account's token cannot be opened to verify it");
        };
        let request = CallRequest {
            app: &sealed.account.app,
            limit: self.limits.app,
            class: job.spec.work.target().profile().host_class,
            within: self.limits.of_account(&job.spec.account),
        };
        if let Err(refused) = budget::take(&self.ports, request).await? {
            let due_at = spread(&self.ports, refused.retry_at);
            return Ok(Ran::new(job, Event::Verify { claim: claim.clone(), due_at }));
        }
        let (verified, result) = self.flickr.verify(&signing, &job.spec.work, verification).await;
        tracing::info!(?verified, "verified whether the write took effect");
        let now = self.ports.now();
        match verified {
            Verified::Done => Ok(Ran::new(job, results::store(&self.ports, job, claim, result).await?)),
            Verified::NotSeen if now < until => {
                let due_at = now + VERIFICATION_INTERVAL;
                Ok(Ran::new(job, Event::Verify { claim: claim.clone(), due_at }))
            }
            Verified::NotSeen => fail("the write was sent, and nothing shows that it took effect"),
        }
    }
}
