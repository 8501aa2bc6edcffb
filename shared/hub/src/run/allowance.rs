//! What an account may still upload, asked once after Flickr refused a file for that reason.

use domain::{
    budget::HostClass,
    job::Target,
    outcome::{Class, Outcome},
    timing::AWS_REQUEST,
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker, lease::Lease};
use crate::{
    Error, chain,
    ports::{SealedAccount, Signing},
};

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// The outcome of a file; where the account's allowance is used up, with what Flickr says of that. That is advice: it
    /// is asked only if a call is granted now, and what goes wrong leaves the outcome as it is.
    pub(super) async fn with_allowance(
        &self,
        lease: &mut Lease<'_, P>,
        sealed: &SealedAccount,
        signing: &Signing,
        outcome: Outcome,
    ) -> Outcome {
        if outcome.class != Class::Quota {
            return outcome;
        }
        match self.allowance(lease, sealed, signing).await {
            Ok(Some(said)) => Outcome { message: format!("{}. Flickr shows {said}", outcome.message), ..outcome },
            Ok(None) => outcome,
            Err(error) => {
                tracing::warn!(error = chain(&error), "it is not known what the account may upload");
                outcome
            }
        }
    }

    async fn allowance(
        &self,
        lease: &mut Lease<'_, P>,
        sealed: &SealedAccount,
        signing: &Signing,
    ) -> Result<Option<String>, Error> {
        if !lease.outlast(Target::Rest.timing().call_deadline + AWS_REQUEST).await? {
            return Ok(None);
        }
        let job = &lease.job;
        let Ok(circuit) = self.pass_circuit(job, sealed).await? else { return Ok(None) };
        let Ok(granted) = self.take_call(job, sealed, HostClass::Rest).await? else { return Ok(None) };
        let (outcome, allowance) = self.flickr.upload_allowance(signing).await;
        self.record(job, signing, &granted, circuit, &outcome).await;
        Ok(allowance.and_then(|allowance| allowance.sentence()))
    }
}
