//! The account of a job: whether it can be used, and what its calls are signed with.

use domain::{
    account::Status,
    job::{Failure, FailureCode, Job},
};
use vault::DataKeys;

use super::{Flickr, Ports, Worker};
use crate::{
    Error, Kind, chain,
    ports::{SealedAccount, Signing},
};

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// What the job's calls are signed with, or why they never can be. It is asked for before a call is granted: one that
    /// cannot be signed would spend the app's budget for nothing.
    pub(super) async fn signing(&self, job: &Job, sealed: &SealedAccount) -> Result<Result<Signing, Failure>, Error> {
        match self.open(job, sealed).await {
            Ok(signing) => Ok(Ok(signing)),
            Err(error) if *error.kind() == Kind::Unavailable => Err(error),
            Err(error) => {
                tracing::error!(error = chain(&error), "an account's token cannot be opened");
                let message = "the account's token, or its app's secret, cannot be opened: connect the account again";
                Ok(Err(Failure::new(FailureCode::TokenUnreadable, message)))
            }
        }
    }

    async fn open(&self, job: &Job, sealed: &SealedAccount) -> Result<Signing, Error> {
        let app = self.vaults.open_app(&self.ports, job.tenant(), &sealed.account.app).await?;
        let token = self.vaults.open_account(sealed).await?;
        Ok(Signing { app, token, connected_at: sealed.account.connected_at })
    }
}

/// The account of a job, or why it cannot be used.
pub(super) fn usable(account: Option<SealedAccount>) -> Result<SealedAccount, Failure> {
    let sealed =
        account.ok_or_else(|| Failure::new(FailureCode::AccountDisconnected, "the account was disconnected"))?;
    match sealed.account.status {
        Status::Connected => Ok(sealed),
        Status::ReconnectNeeded => {
            let message = "Flickr refused the account's token: the user must connect again";
            Err(Failure::new(FailureCode::ReconnectNeeded, message))
        }
    }
}
