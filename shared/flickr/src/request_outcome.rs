//! The outcome of one HTTP request: what came back, if anything did.

use std::time::Duration;

/// The longest answer that is read, in bytes.
pub const MAX_BODY_BYTES: usize = domain::job::MAX_RESULT_BYTES;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestOutcome {
    /// It did not leave whole, and so cannot take effect, for this reason: no address, no connection, no TLS, or a file
    /// that ended early.
    NotSent(String),
    /// It was sent, or may have been, and no answer came, for this reason.
    NoAnswer(String),
    /// The head of an answer came.
    Answered(Reply),
}

/// What became of a request with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileOutcome {
    /// The deadline passed when so much of the file had left.
    TooSlow {
        /// How many bytes of the file had left.
        sent_bytes: u64,
        /// How many it has.
        bytes: u64,
        /// How long there was.
        deadline: Duration,
    },
    /// It ended otherwise.
    Ended {
        /// How.
        request_outcome: RequestOutcome,
        /// Whether all of it had left by then: Flickr may answer before.
        is_whole: bool,
    },
}

/// An answer, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The value of `Retry-After`, if the answer had one.
    pub retry_after: Option<String>,
    /// The body, as far as it came.
    pub body: Body,
}

/// The body of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// Longer than [`MAX_BODY_BYTES`].
    TooLong,
    /// It ended early, for this reason.
    Cut(String),
}
