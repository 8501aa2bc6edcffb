//! What an answer from Flickr means.

use std::time::Duration;

/// What follows from an answer, or from the lack of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Flickr did what was asked, or it already was so.
    Done,
    /// Refused, and would be refused again.
    Permanent,
    /// The account's allowance is used up.
    Quota,
    /// The account's token is no longer good.
    Account,
    /// The app's key is no longer good.
    App,
    /// The signature is wrong: by the app's secret, or by the request.
    Signature,
    /// Time stamp or nonce refused: sign anew.
    Clock,
    /// Too many calls.
    Throttled,
    /// Not done, and worth another try.
    Transient,
    /// Not done: there was not enough time to send the file.
    TooSlow,
    /// A write that was sent and may have taken effect.
    UnknownOutcome,
}

/// One answer, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// What follows.
    pub class: Class,
    /// Flickr's own error code, where there was one.
    pub flickr_code: Option<i64>,
    /// Flickr's message, or ours for what never became an answer. Free of secrets.
    pub message: String,
    /// The answer's `Retry-After`, where there was one.
    pub retry_after: Option<Duration>,
}

impl Outcome {
    /// An outcome of `class` that says `message`.
    pub fn new(class: Class, message: impl Into<String>) -> Self {
        Self { class, flickr_code: None, message: message.into(), retry_after: None }
    }

    /// The same with Flickr's error code.
    pub fn with_code(self, code: i64) -> Self {
        Self { flickr_code: Some(code), ..self }
    }
}
