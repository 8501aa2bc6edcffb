//! What becomes of a request, and what it means.
//!
//! Pure functions from what happened to an [`Answer`]. Whatever is not clearly an answer to a write
//! that was sent leaves its outcome unknown.

mod envelope;
mod message;
mod problem;
mod retry_after;

use domain::{
    Timestamp,
    call::MethodName,
    outcome::{Class, Nature, Outcome},
};
use hub::ports::Answer;

use self::envelope::{Envelope, Failure};
pub use self::message::MAX_MESSAGE_CHARACTERS;
use crate::{Catalogue, token_reply, transport::MAX_BODY_BYTES};

/// What Flickr answers to a write that has nothing to tell.
pub(crate) const NOTHING_TO_TELL: &str = r#"{"stat":"ok"}"#;

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// Not a byte of it was sent, for this reason: no address, no connection, no TLS.
    NotSent(String),
    /// It was sent, or may have been, and this came instead of an answer.
    NoAnswer(String),
    /// The head of an answer came.
    Answered(Reply),
}

/// An answer, as far as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its HTTP status.
    pub status: u16,
    /// Its `Retry-After`, where there was one.
    pub retry_after: Option<String>,
    /// Its body.
    pub body: Body,
}

/// An answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// All of it.
    Whole(Vec<u8>),
    /// It was longer than is read.
    TooLong,
    /// It ended early, for this reason.
    Cut(String),
}

/// What was asked, as far as it says how an answer is to be read.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The method; a step of the login has none.
    pub method: Option<&'a MethodName>,
    /// Whether repeating it can change its result.
    pub nature: Nature,
    /// Whether an earlier call of the same may have taken effect.
    pub repeated: bool,
    /// What no message may hold: keys, tokens and their secrets.
    pub secrets: &'a [&'a str],
}

/// What the fate of a REST call means. The result is the answer's JSON text, byte for byte; only
/// `flickr.test.echo`'s loses the parameters that the hub itself sets.
pub fn rest(fate: Fate, call: &Call<'_>, now: Timestamp) -> Answer {
    let (status, text) = match text(fate, call, now) {
        Ok(answered) => answered,
        Err(outcome) => return Answer { outcome, result: None },
    };
    match envelope::read(&text) {
        Envelope::Ok if is_success(status) => {
            let result = if call.is_echo() { envelope::without_reserved(&text) } else { text };
            Answer { outcome: Outcome::new(Class::Done, "ok"), result: Some(result) }
        }
        Envelope::Failed(failure) => {
            let outcome = failed(&failure, call);
            let result = (outcome.class == Class::Done).then(|| NOTHING_TO_TELL.to_owned());
            Answer { outcome, result }
        }
        Envelope::Ok | Envelope::Unreadable => Answer { outcome: unreadable(status, call), result: None },
    }
}

/// What the fate of a step of the login means; `read` reads the reply of a successful one.
///
/// # Errors
/// The [`Outcome`] of any other fate.
pub fn login<T>(
    fate: Fate,
    call: &Call<'_>,
    now: Timestamp,
    read: impl FnOnce(&str) -> Result<T, token_reply::Invalid>,
) -> Result<T, Outcome> {
    let (status, text) = text(fate, call, now)?;
    match envelope::read(&text) {
        Envelope::Failed(failure) => Err(failed(&failure, call)),
        Envelope::Ok | Envelope::Unreadable if is_success(status) => {
            read(&text).map_err(|invalid| doubtful(&format!("HTTP {status}: {invalid}"), call))
        }
        Envelope::Ok | Envelope::Unreadable => Err(unreadable(status, call)),
    }
}

impl Call<'_> {
    fn is_echo(&self) -> bool {
        self.method.is_some_and(|method| method.as_str().eq_ignore_ascii_case("flickr.test.echo"))
    }

    /// Whether error `code` says that an earlier call of the same did what was asked.
    fn is_already_so(&self, code: i64) -> bool {
        self.repeated && self.method.is_some_and(|method| Catalogue.is_already_so(method, code))
    }
}

/// Status and text of an answer that Flickr's API may have written; every other fate is judged here.
fn text(fate: Fate, call: &Call<'_>, now: Timestamp) -> Result<(u16, String), Outcome> {
    let reply = match fate {
        Fate::NotSent(why) => return Err(outcome(Class::Transient, &format!("not sent: {why}"), call)),
        Fate::NoAnswer(why) => return Err(doubtful(&format!("no answer: {why}"), call)),
        Fate::Answered(reply) => reply,
    };
    let status = reply.status;
    let retry_after = reply.retry_after.and_then(|value| retry_after::read(&value, now));
    match status {
        429 => return Err(Outcome { retry_after, ..outcome(Class::Throttled, "HTTP 429: too many calls", call) }),
        500.. => return Err(Outcome { retry_after, ..doubtful(&format!("HTTP {status}"), call) }),
        413 | 414 | 431 => {
            return Err(outcome(Class::Permanent, &format!("HTTP {status}: the request is too large"), call));
        }
        _ => {}
    }
    let text = match reply.body {
        Body::Whole(bytes) => String::from_utf8(bytes).map_err(|_| unreadable(status, call))?,
        Body::TooLong => {
            let what = format!("HTTP {status}: the answer is longer than {MAX_BODY_BYTES} bytes");
            // Asking again would bring the same; a write may have taken effect all the same.
            return Err(match call.nature {
                Nature::Read => outcome(Class::Permanent, &what, call),
                Nature::NaturalWrite | Nature::UnrepeatableWrite => doubtful(&what, call),
            });
        }
        Body::Cut(why) => return Err(doubtful(&format!("HTTP {status}: the answer ended early: {why}"), call)),
    };
    match problem::read(&text) {
        Some(name) => Err(outcome(problem::class(name), &format!("oauth_problem={name}"), call)),
        None => Ok((status, text)),
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What `stat=fail` means. Codes 1 to 94 are the method's own, the others Flickr's common ones; 0
/// and 201 are undocumented and come when the service is not available.
fn failed(failure: &Failure, call: &Call<'_>) -> Outcome {
    let Some(code) = failure.code else {
        return doubtful(&failure.message, call);
    };
    let class = match code {
        _ if call.is_already_so(code) => Class::Done,
        98 => Class::Account,
        100 => Class::App,
        0 | 105 | 106 | 201 => doubtful_class(call.nature),
        _ if failure.message.contains("not currently available") => doubtful_class(call.nature),
        _ => Class::Permanent,
    };
    outcome(class, &failure.message, call).with_code(code)
}

/// Not what Flickr's API answers: a page of HTML, broken JSON, a redirect.
fn unreadable(status: u16, call: &Call<'_>) -> Outcome {
    doubtful(&format!("HTTP {status}: not an answer of Flickr's API"), call)
}

/// The outcome of a call that was sent and may have taken effect.
fn doubtful(message: &str, call: &Call<'_>) -> Outcome {
    outcome(doubtful_class(call.nature), message, call)
}

fn doubtful_class(nature: Nature) -> Class {
    match nature {
        Nature::Read => Class::Transient,
        Nature::NaturalWrite | Nature::UnrepeatableWrite => Class::UnknownOutcome,
    }
}

fn outcome(class: Class, message: &str, call: &Call<'_>) -> Outcome {
    Outcome::new(class, message::clean(message, call.secrets))
}

#[cfg(test)]
mod tests;
