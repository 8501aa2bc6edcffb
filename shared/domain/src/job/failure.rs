//! Why a job ended without success.

use serde::{Deserialize, Serialize};

/// Why a job failed or died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What callers branch on.
    pub code: FailureCode,
    /// For people. Free of secrets.
    pub message: String,
    /// Flickr's own error code, where Flickr gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flickr_code: Option<i64>,
}

impl Failure {
    /// A failure that Flickr gave no code for.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), flickr_code: None }
    }
}

/// What callers branch on when a job failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// Flickr refused the call and would refuse it again.
    FlickrRejected,
    /// The account's allowance at Flickr is used up.
    QuotaExceeded,
    /// Flickr refused the account's token: the user must connect again.
    ReconnectNeeded,
    /// The account was disconnected before the job ran.
    AccountDisconnected,
    /// The stored token of the account, or its app's secret, cannot be opened: no call was made.
    TokenUnreadable,
    /// Every attempt failed, and none took effect.
    AttemptsExhausted,
    /// The write was sent and may have taken effect; it was not sent again.
    OutcomeUnknown,
    /// The job's worker crashed, time and again.
    WorkerCrashed,
    /// Flickr did what was asked, and its answer is larger than can be stored.
    ResultTooLarge,
    /// The file to send is gone: its time was over, or the caller never sent it.
    FileGone,
    /// The file to send is not the one whose SHA-256 its owner gave.
    ChecksumMismatch,
    /// The file at the source URL cannot be had, or is none that Flickr takes.
    SourceRefused,
    /// The file could not be sent to Flickr in the time that one worker has.
    TooSlow,
}
