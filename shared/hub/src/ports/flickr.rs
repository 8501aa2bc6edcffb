//! Flickr.

use std::time::Duration;

use domain::{
    Timestamp,
    account::Perms,
    call::RestCall,
    outcome::Outcome,
    upload::{Endpoint, FoundPhoto, PhotoVersion, TicketState, UploadAllowance, Uploaded},
    verification::Verified,
};

use super::ByteStream;
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

/// Calls Flickr's REST API.
pub trait FlickrApi: Send + Sync {
    /// Makes `call` once, within the call deadline of [`domain::job::Target::Rest`]. `repeated` says that an earlier call
    /// of the same may have taken effect.
    fn call(&self, signing: &Signing, call: &RestCall, repeated: bool) -> impl Future<Output = Answer> + Send;

    /// Finds out once, by reading, whether `call`, a write, took effect, within the same deadline.
    fn verify(&self, signing: &Signing, call: &RestCall) -> impl Future<Output = VerifyAnswer> + Send;
}

/// A file to send, with the text fields that go with it. It has no `Debug`, since it is a stream.
pub struct FileRequest {
    pub endpoint: Endpoint,
    /// Name and value of each, all of them signed.
    pub fields: Vec<(String, String)>,
    /// The name of the file: printable ASCII with an extension.
    pub name: String,
    /// What it is, such as `image/jpeg`.
    pub content_type: String,
    /// How many bytes `body` gives.
    pub bytes: u64,
    pub body: ByteStream,
    /// The longest that all of it may take.
    pub deadline: Duration,
}

/// Flickr's answer to a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAnswer {
    /// What it means.
    pub outcome: Outcome,
    /// What became of the file, when the outcome is [`domain::outcome::Class::Done`].
    pub uploaded: Option<Uploaded>,
}

/// Sends files to Flickr, and finds out what became of them. Each reads or writes once.
pub trait FlickrFiles: Send + Sync {
    /// Sends a file. What did not leave whole cannot have taken effect, and is never of unknown outcome.
    fn send_file(&self, signing: &Signing, request: FileRequest) -> impl Future<Output = FileAnswer> + Send;

    /// Looks among the account's own photos for the one with `machine_tag`. On a failure of the read nothing is known
    /// yet.
    fn find_photo(&self, signing: &Signing, machine_tag: &str) -> impl Future<Output = (Outcome, FoundPhoto)> + Send;

    /// Asks for up to [`domain::upload::MAX_TICKETS`] tickets: what each says that Flickr answered for; on a failure
    /// nothing.
    fn check_tickets(
        &self,
        signing: &Signing,
        tickets: &[String],
    ) -> impl Future<Output = (Outcome, Vec<(String, TicketState)>)> + Send;

    /// Asks which file a photo has; `None` on a failure.
    fn photo_version(
        &self,
        signing: &Signing,
        photo_id: &str,
    ) -> impl Future<Output = (Outcome, Option<PhotoVersion>)> + Send;

    /// Asks what the account may still upload; `None` on a failure.
    fn upload_allowance(&self, signing: &Signing) -> impl Future<Output = (Outcome, Option<UploadAllowance>)> + Send;
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

/// What Flickr says of an account's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedToken {
    /// What it may do.
    pub perms: Perms,
    /// Whose it is, where Flickr says so.
    pub owner: Option<TokenOwner>,
}

/// Whose a token is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenOwner {
    /// The account's id at Flickr.
    pub nsid: String,
    /// The account's name; may be empty.
    pub username: String,
    /// Its owner's name; may be empty.
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

    /// Asks what the account's token may do, and whose it is.
    fn check_token(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
    ) -> impl Future<Output = Result<CheckedToken, Outcome>> + Send;
}
