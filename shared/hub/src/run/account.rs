//! The account of a job: whether it can be used, and what its calls are signed with.

use domain::{
    account::Status,
    job::{Failure, FailureCode, Job},
};
use vault::DataKeys;

use super::{Ports, Worker};
use crate::{
    Error,
    ports::{FlickrApi, SealedAccount, Signing},
};

impl<P: Ports, F: FlickrApi, K: DataKeys> Worker<P, F, K> {
    /// What the job's call is signed with.
    pub(super) async fn signing(&self, job: &Job, sealed: &SealedAccount) -> Result<Signing, Error> {
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
