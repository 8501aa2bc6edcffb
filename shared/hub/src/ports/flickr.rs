//! Flickr.

use domain::{
    Timestamp,
    account::Perms,
    job::Work,
    outcome::Outcome,
    verification::{Verification, Verified},
};

use crate::credentials::{AppCredentials, TokenCredentials};

/// What a call is signed with.
#[derive(Debug, Clone)]
pub struct Signing {
    pub app: AppCredentials,
    /// The account's token.
    pub token: TokenCredentials,
    /// When the account was connected: tells its token from a later one.
    pub connected_at: Timestamp,
}

/// Flickr's answer to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What it means.
    pub outcome: Outcome,
    /// The answer's JSON text, when the call is done.
    pub result: Option<String>,
}

/// What one verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyAnswer {
    pub verified: Verified,
    /// On [`Verified::Done`] what stands for the write's answer.
    pub result: Option<String>,
    /// What the answer to the read means; `None` where nothing was sent.
    pub outcome: Option<Outcome>,
}

impl VerifyAnswer {
    /// Nothing shows that the write took effect.
    pub fn not_seen(outcome: Option<Outcome>) -> Self {
        Self { verified: Verified::NotSeen, result: None, outcome }
    }
}

/// Does the work of jobs at Flickr.
pub trait FlickrApi: Send + Sync {
    /// Does `work` once, within its target's call deadline. `repeated` says that an earlier call of the same may have
    /// taken effect.
    fn call(&self, signing: &Signing, work: &Work, repeated: bool) -> impl Future<Output = Answer> + Send;

    /// Finds out once, by reading, whether `work` took effect, within its target's call deadline.
    fn verify(
        &self,
        signing: &Signing,
        work: &Work,
        verification: Verification,
    ) -> impl Future<Output = VerifyAnswer> + Send;
}

/// What Flickr answered to the exchange of a request token.
#[derive(Debug)]
pub struct Access {
    /// The account's token.
    pub token: TokenCredentials,
    /// The account's id at Flickr.
    pub nsid: String,
    /// The account's name.
    pub username: String,
    /// Its owner's name.
    pub fullname: String,
}

/// Connects accounts at Flickr.
pub trait FlickrLogin: Send + Sync {
    /// Asks for a request token that comes back to `callback` (a URL, or `oob`).
    fn request_token(
        &self,
        app: &AppCredentials,
        callback: &str,
    ) -> impl Future<Output = Result<TokenCredentials, Outcome>> + Send;

    /// Where the user allows `perms` to the holder of the request token.
    fn authorize_url(&self, request_token: &str, perms: Perms) -> String;

    /// Exchanges a request token and its verifier for the account's token.
    fn access_token(
        &self,
        app: &AppCredentials,
        request_token: &TokenCredentials,
        verifier: &str,
    ) -> impl Future<Output = Result<Access, Outcome>> + Send;

    /// Asks what the account's token may do.
    fn granted_perms(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
    ) -> impl Future<Output = Result<Perms, Outcome>> + Send;
}
