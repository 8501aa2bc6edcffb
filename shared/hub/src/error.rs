//! What can go wrong in a use case: a kind that callers branch on, and its cause, which is logged
//! and never shown.

use std::{error::Error as StdError, time::Duration};

use domain::{api_key::Scope, outcome::Outcome, tenant::ViolatedQuota, upload::Incomplete};

use crate::{credentials::Unreadable, ports};

/// An error and its causes in one line, for the log.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", chain(cause)),
        None => error.to_string(),
    }
}

/// What went wrong, for callers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A field of the request.
    InvalidField {
        /// Its name.
        field: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// A method that is not called.
    MethodRefused(String),
    /// The return URL is not on the allow-list.
    ReturnUrlNotAllowed,
    /// No such account of this tenant.
    AccountNotFound,
    /// No such Flickr app of this tenant.
    AppNotFound,
    /// No such job of this tenant.
    JobNotFound,
    /// No such upload of this tenant and account.
    UploadNotFound,
    /// The file of the upload has not arrived.
    UploadNotArrived,
    /// Parts of the file have not arrived.
    UploadIncomplete(Incomplete),
    /// So many bytes of files are stored for the tenant that no other upload is made.
    TooManyBytes {
        /// How many are counted as stored.
        stored_bytes: u64,
        /// How many may be.
        max_stored_bytes: u64,
        /// When to ask again.
        retry_after: Duration,
    },
    /// No such pending login of this tenant, or another state: all refusals look alike.
    LoginNotFound,
    /// Flickr refused the app's key or secret.
    AppRefused(Outcome),
    /// Flickr refused the verifier or the request token.
    VerifierRefused(Outcome),
    /// Flickr did not answer, or answered that it cannot now.
    FlickrUnavailable(Outcome),
    /// The budget of calls is spent, or its circuit open.
    BudgetSpent {
        /// When to ask again.
        retry_after: Duration,
    },
    /// So many jobs of the account are pending that no other is accepted.
    TooManyPending {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The tenant has had as many jobs accepted as its quota allows.
    QuotaExceeded {
        /// Which one.
        quota: ViolatedQuota,
        /// When the next window begins.
        retry_after: Duration,
    },
    /// The idempotency key was used with another payload.
    KeyReused,
    /// No API key, or one that is unknown, disabled, revoked or expired: all look alike.
    Unauthenticated,
    /// The tenant is suspended.
    TenantSuspended,
    /// The tenant's requests may not come from this address.
    AddressNotAllowed,
    /// Web pages of this origin may not send the tenant's requests.
    OriginNotAllowed,
    /// The API key may not be used for this.
    ScopeMissing(Scope),
    /// No such tenant.
    TenantNotFound,
    /// The API key already belongs to a tenant.
    ApiKeyTaken,
    /// The API key belongs to no tenant.
    ApiKeyNotFound,
    /// Something FlickrHub depends on failed, and may work later.
    Unavailable,
    /// Something FlickrHub depends on failed, and needs a person.
    Internal,
}

/// What went wrong in a use case.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}")]
pub struct Error {
    kind: Kind,
    #[source]
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// What went wrong, for callers.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// A fault that needs a person.
    pub fn internal(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Internal, source: Some(source.into()) }
    }

    /// A failure that may pass.
    pub fn unavailable(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { kind: Kind::Unavailable, source: Some(source.into()) }
    }

    /// A field of the request is wrong.
    pub fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Kind::InvalidField { field, message: problem.into() }.into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind, source: None }
    }
}

impl From<ports::Error> for Error {
    fn from(error: ports::Error) -> Self {
        let kind = match error.kind() {
            ports::ErrorKind::Unavailable => Kind::Unavailable,
            ports::ErrorKind::Broken => Kind::Internal,
        };
        Self { kind, source: Some(error.into()) }
    }
}

impl From<vault::Error> for Error {
    fn from(error: vault::Error) -> Self {
        let kind = if error.is_retryable() { Kind::Unavailable } else { Kind::Internal };
        Self { kind, source: Some(error.into()) }
    }
}

impl From<Unreadable> for Error {
    fn from(error: Unreadable) -> Self {
        Error::internal(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Error::internal(error)
    }
}
