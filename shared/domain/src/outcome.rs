//! What an answer from Flickr means.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Whether repeating a call can change its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Nature {
    /// Changes nothing.
    Read,
    /// A write that may be repeated with the same result: set, edit, delete, favourite, tag.
    NaturalWrite,
    /// A write that must never be sent again once it may have taken effect (promise I7).
    UnrepeatableWrite,
}

/// What a look at Flickr says of a write whose outcome is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// It took effect.
    Done,
    /// Nothing shows that it did: it may not have, or not yet.
    NotSeen,
}

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
    /// Time stamp or nonce refused: sign anew.
    Clock,
    /// Too many calls.
    Throttled,
    /// Not done, and worth another try.
    Transient,
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
