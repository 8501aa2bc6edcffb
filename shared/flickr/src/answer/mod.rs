//! What the outcome of a request means.
//!
//! Pure functions from a [`RequestOutcome`] to an [`Answer`]. Whatever is not clearly an answer to a write that was
//! sent leaves the write in doubt ([`Class::UnknownOutcome`]).

mod envelope;
mod failure;
mod file;
mod file_codes;
mod message;
mod problem;
mod repair;
mod retry_after;
mod rsp;

use domain::{
    Timestamp,
    call::MethodName,
    catalogue::{CodeMeaning, ErrorCodes},
    idempotency::Idempotency,
    outcome::{Class, Outcome},
};
use hub::ports::Answer;
use serde_json::json;

use self::{envelope::Envelope, failure::Failure, repair::Text};
pub use self::{file::file, message::MAX_MESSAGE_CHARACTERS};
use crate::{
    request_outcome::{Body, MAX_BODY_BYTES, RequestOutcome},
    token_reply,
};

/// The member of a result that says how many bytes of Flickr's answer belonged in no text and were replaced.
pub const REPLACED_BYTES: &str = "replaced_bytes";

/// What Flickr answers to a write that returns nothing.
pub(crate) const EMPTY_SUCCESS: &str = r#"{"stat":"ok"}"#;

/// What was asked, as far as the meaning of an answer depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Call<'a> {
    /// The method; a step of the login has none.
    pub method: Option<&'a MethodName>,
    /// Whether repeating it can change its result.
    pub idempotency: Idempotency,
    /// The error codes of the method's own, and what they say.
    pub error_codes: &'a ErrorCodes,
    /// Whether an earlier call of the same may have taken effect.
    pub repeated: bool,
    /// What no message may contain: keys, tokens and their secrets.
    pub secrets: &'a [&'a str],
}

/// What the outcome of a REST call means. The result is the answer's JSON text, byte for byte, except that
/// `flickr.test.echo` loses the parameters that FlickrHub itself sets. Where bytes had to be replaced to read it, it also
/// has their number as [`REPLACED_BYTES`]. Where the call is done although Flickr said "fail", the result is a success
/// with Flickr's `flickr_code` and `message`.
pub fn rest(request_outcome: RequestOutcome, call: &Call<'_>, now: Timestamp) -> Answer {
    let (status, Text { text, replaced_bytes }) = match text(request_outcome, call, now) {
        Ok(answered) => answered,
        Err(outcome) => return Answer { outcome, result: None },
    };
    match envelope::read(&text) {
        Envelope::Ok if is_success(status) => {
            let result = if call.is_echo() { envelope::without_reserved(&text) } else { text };
            let result = if replaced_bytes > 0 {
                envelope::with_number(&result, REPLACED_BYTES, replaced_bytes)
            } else {
                result
            };
            Answer { outcome: Outcome::new(Class::Done, "ok"), result: Some(result) }
        }
        Envelope::Failed(failure) => {
            let outcome = failed(&failure, call);
            let result = (outcome.class == Class::Done).then(|| success_of(&outcome));
            Answer { outcome, result }
        }
        Envelope::Ok => Answer { outcome: contradicted(status, call), result: None },
        // Every call asks for JSON: this may be another call's answer.
        Envelope::Xml(_) => {
            Answer { outcome: in_doubt(&format!("HTTP {status}: an answer in XML"), call), result: None }
        }
        Envelope::Unreadable => Answer { outcome: unreadable(status, call), result: None },
    }
}

/// What stands for the result of a call that is done although Flickr said "fail": it says so.
fn success_of(outcome: &Outcome) -> String {
    json!({"stat": "ok", "flickr_code": outcome.flickr_code, "message": outcome.message}).to_string()
}

/// What the outcome of a step of the login means; `read` reads the text of a successful reply.
///
/// # Errors
/// The [`Outcome`] of a step that did not succeed, or whose reply `read` refuses.
pub fn login<T>(
    request_outcome: RequestOutcome,
    call: &Call<'_>,
    now: Timestamp,
    read: impl FnOnce(&str) -> Result<T, token_reply::Invalid>,
) -> Result<T, Outcome> {
    let (status, Text { text, .. }) = text(request_outcome, call, now)?;
    match envelope::read(&text) {
        // No step of the login asks for a format.
        Envelope::Failed(failure) | Envelope::Xml(Some(failure)) => Err(failed(&failure, call)),
        Envelope::Ok | Envelope::Unreadable if is_success(status) => {
            read(&text).map_err(|invalid| in_doubt(&format!("HTTP {status}: {invalid}"), call))
        }
        Envelope::Ok => Err(contradicted(status, call)),
        Envelope::Xml(None) | Envelope::Unreadable => Err(unreadable(status, call)),
    }
}

impl Call<'_> {
    fn is_echo(&self) -> bool {
        self.method.is_some_and(|method| method.as_str().eq_ignore_ascii_case("flickr.test.echo"))
    }
}

/// Status and text of an answer that Flickr's API may have written.
///
/// # Errors
/// The [`Outcome`] of any other [`RequestOutcome`].
fn text(request_outcome: RequestOutcome, call: &Call<'_>, now: Timestamp) -> Result<(u16, Text), Outcome> {
    let reply = match request_outcome {
        RequestOutcome::NotSent(why) => return Err(outcome(Class::Transient, &format!("not sent: {why}"), call)),
        RequestOutcome::NoAnswer(why) => return Err(in_doubt(&format!("no answer: {why}"), call)),
        RequestOutcome::Answered(reply) => reply,
    };
    let status = reply.status;
    let retry_after = reply.retry_after.and_then(|value| retry_after::read(&value, now));
    match status {
        429 => return Err(Outcome { retry_after, ..outcome(Class::Throttled, "HTTP 429: too many calls", call) }),
        500.. => return Err(Outcome { retry_after, ..in_doubt(&format!("HTTP {status}"), call) }),
        413 | 414 | 431 => {
            return Err(outcome(Class::Permanent, &format!("HTTP {status}: the request is too large"), call));
        }
        _ => {}
    }
    let text = match reply.body {
        Body::Whole(bytes) => repair::text(bytes),
        Body::TooLong => {
            let message = format!("HTTP {status}: the answer is longer than {MAX_BODY_BYTES} bytes");
            // A repeated read would get the same answer; a write may have taken effect all the same.
            return Err(match call.idempotency {
                Idempotency::Safe => outcome(Class::Permanent, &message, call),
                Idempotency::Idempotent | Idempotency::NonIdempotent => in_doubt(&message, call),
            });
        }
        Body::Cut(why) => return Err(in_doubt(&format!("HTTP {status}: the answer ended early: {why}"), call)),
    };
    match problem::read(&text.text) {
        Some(name) => Err(outcome(problem::class(name), &format!("oauth_problem={name}"), call)),
        None => Ok((status, text)),
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// What `stat=fail` means. The codes below 95 are the method's own, the others are common to all methods; 0 and 201 are
/// not documented and come when the service is not available. A code that is neither belongs to another call's answer.
fn failed(failure: &Failure, call: &Call<'_>) -> Outcome {
    let Some(code) = failure.code else {
        return in_doubt(&failure.message, call);
    };
    let class = match code {
        98 => Class::Account,
        100 => Class::App,
        0 | 105 | 106 | 201 => in_doubt_class(call.idempotency),
        _ if is_unavailable(&failure.message) => in_doubt_class(call.idempotency),
        95..=97 | 99 | 108 | 111 | 112 | 114..=116 => Class::Permanent,
        _ => match call.error_codes.meaning(code) {
            Some(CodeMeaning::Done | CodeMeaning::AlreadySo) => Class::Done,
            Some(CodeMeaning::Gone) if call.repeated => Class::Done,
            Some(CodeMeaning::Gone | CodeMeaning::Refused) => Class::Permanent,
            Some(CodeMeaning::Passing) => Class::Transient,
            Some(CodeMeaning::InDoubt) => in_doubt_class(call.idempotency),
            None => {
                let message = format!("error code {code}, which the method does not have: {}", failure.message);
                return in_doubt(&message, call).with_code(code);
            }
        },
    };
    outcome(class, &failure.message, call).with_code(code)
}

/// Whether Flickr's message says that its API is not there, whatever the code.
fn is_unavailable(message: &str) -> bool {
    message.contains("not currently available")
}

/// Whether `status`, without an answer of Flickr's API, says that the request was not acted upon (RFC 9110, sections
/// 15.5.1 to 15.5.12): Flickr's API itself answers its refusals with 200, so the edge before it refused.
const fn is_refusal_of_the_edge(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 405 | 411)
}

/// The outcome of an answer that is not from Flickr's API: a page of HTML, broken JSON, a redirect. What the edge
/// refused was not done, so even a write may be sent again.
fn unreadable(status: u16, call: &Call<'_>) -> Outcome {
    if is_refusal_of_the_edge(status) {
        return outcome(Class::Transient, &format!("HTTP {status}: refused before it reached Flickr's API"), call);
    }
    in_doubt(&format!("HTTP {status}: not an answer of Flickr's API"), call)
}

/// The outcome of a success whose status says otherwise.
fn contradicted(status: u16, call: &Call<'_>) -> Outcome {
    in_doubt(&format!("HTTP {status}: an answer of success"), call)
}

/// The outcome of a call that was sent and may have taken effect.
fn in_doubt(message: &str, call: &Call<'_>) -> Outcome {
    outcome(in_doubt_class(call.idempotency), message, call)
}

fn in_doubt_class(idempotency: Idempotency) -> Class {
    match idempotency {
        Idempotency::Safe => Class::Transient,
        Idempotency::Idempotent | Idempotency::NonIdempotent => Class::UnknownOutcome,
    }
}

fn outcome(class: Class, message: &str, call: &Call<'_>) -> Outcome {
    Outcome::new(class, message::clean(message, call.secrets))
}

#[cfg(test)]
mod tests;
