//! Why a request failed.

use std::{error::Error as StdError, fmt, io};

use domain::egress::{AddressNotAllowed, UrlNotAllowed};

use crate::guard::Refusal;

/// Why a request failed. No text of it, causes included, holds the URL, and so no secret of its query.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The URL breaks a rule.
    #[error(transparent)]
    UrlNotAllowed(UrlNotAllowed),
    /// The host is, or resolves to, an address that is not allowed.
    #[error(transparent)]
    AddressNotAllowed(#[from] AddressNotAllowed),
    /// The host's name was not resolved. Systems do not say whether there is no such name or no answer.
    #[error("the name of the host was not found")]
    NameNotFound(#[source] Box<dyn StdError + Send + Sync>),
    /// The server's certificate is not one of the host's by an authority that is trusted.
    #[error("the server's certificate was not accepted")]
    Certificate(#[source] Box<dyn StdError + Send + Sync>),
    /// There is no connection, or it ended early, or what came is not HTTP.
    #[error("the connection failed")]
    Connection(#[source] Box<dyn StdError + Send + Sync>),
    /// A limit of time was reached.
    #[error("the time ran out while {0}")]
    Timeout(Step),
    /// No byte came for too long.
    #[error("the server stopped sending")]
    Stalled,
    /// Too few bytes came a second.
    #[error("the server sends too slowly")]
    TooSlow,
    /// The body is longer than this many bytes.
    #[error("the body is longer than {0} bytes")]
    TooLarge(u64),
    /// The server compressed the body, which was not asked for.
    #[error("the body came compressed, which was not asked for")]
    Compressed,
    /// The server answered with another place to ask, with this status.
    #[error("the server redirects (HTTP {0}), which is not followed")]
    Redirect(u16),
    /// The server answered with this status.
    #[error("the server answered HTTP {0}")]
    Status(u16),
}

/// How far a request was when its time ran out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The name was being resolved, or the connection made.
    Connecting,
    /// The request was sent, or was being sent.
    Waiting,
    /// The body was being read.
    Reading,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Waiting => "waiting for the answer",
            Self::Reading => "reading the answer",
        })
    }
}

impl Error {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NameNotFound(_) | Self::Connection(_) | Self::Timeout(_) | Self::Stalled | Self::TooSlow => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..),
            Self::UrlNotAllowed(_)
            | Self::AddressNotAllowed(_)
            | Self::Certificate(_)
            | Self::TooLarge(_)
            | Self::Compressed
            | Self::Redirect(_) => false,
        }
    }
}

impl From<UrlNotAllowed> for Error {
    fn from(error: UrlNotAllowed) -> Self {
        match error {
            UrlNotAllowed::Address(address) => Self::AddressNotAllowed(address),
            other => Self::UrlNotAllowed(other),
        }
    }
}

/// What the HTTP client met, by the cause that says most.
impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        let mut cause: Option<&(dyn StdError + 'static)> = Some(&error);
        while let Some(found) = cause {
            match found.downcast_ref::<Refusal>() {
                Some(Refusal::Address(address)) => return Self::AddressNotAllowed(*address),
                Some(Refusal::Name(_)) => return Self::NameNotFound(error.without_url().into()),
                None if is_about_a_certificate(found) => return Self::Certificate(error.without_url().into()),
                None => cause = beneath(found),
            }
        }
        if error.is_timeout() {
            return Self::Timeout(if error.is_connect() { Step::Connecting } else { Step::Waiting });
        }
        Self::Connection(error.without_url().into())
    }
}

/// What caused `error`. The source of an `io::Error` is not the error that it holds, but that one's source.
fn beneath<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(held) => Some(held),
        None => error.source(),
    }
}

fn is_about_a_certificate(error: &(dyn StdError + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(rustls::Error::InvalidCertificate(_)))
}
