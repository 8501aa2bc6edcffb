//! What the outcome of a request with a file means.

use domain::{
    Timestamp,
    catalogue::{CodeMeaning, ErrorCodes},
    idempotency::Idempotency,
    outcome::{Class, Outcome},
    upload::{Endpoint, Uploaded},
};
use hub::ports::FileAnswer;

use super::{
    Call, contradicted,
    envelope::{self, Envelope},
    failed,
    failure::Failure,
    file_codes::{DUPLICATE, file_code},
    in_doubt, is_success, is_unavailable, outcome,
    repair::Text,
    retry_after,
    rsp::Rsp,
    text, unreadable,
};
use crate::request_outcome::FileOutcome;

/// What the outcome of sending a file to `endpoint` means; `secrets` are in no message.
///
/// Flickr answers in XML here, whatever is asked for. What did not leave whole cannot have taken effect, and is never of
/// unknown outcome.
pub fn file(file_outcome: FileOutcome, endpoint: Endpoint, secrets: &[&str], now: Timestamp) -> FileAnswer {
    let (request_outcome, is_whole) = match file_outcome {
        FileOutcome::TooSlow { sent_bytes, bytes, deadline } => {
            let seconds = deadline.as_secs();
            let message =
                format!("Flickr took {sent_bytes} of {bytes} bytes in {seconds} s, and there is no more time");
            return FileAnswer { outcome: Outcome::new(Class::TooSlow, message), uploaded: None };
        }
        FileOutcome::Ended { request_outcome, is_whole } => (request_outcome, is_whole),
    };
    // A code that the endpoint's table does not have belongs to another call's answer. Were there no codes here, any would
    // be a refusal.
    let no_codes: ErrorCodes = [(DUPLICATE, CodeMeaning::InDoubt)].into_iter().collect();
    let call = Call {
        method: None,
        idempotency: Idempotency::NonIdempotent,
        error_codes: &no_codes,
        repeated: false,
        secrets,
    };
    let mut answer = match text(request_outcome, &call, now) {
        Ok((status, Text { text, .. })) => judged(status, &text, endpoint, &call, now),
        Err(outcome) => not_done(outcome),
    };
    if !is_whole && answer.outcome.class == Class::UnknownOutcome {
        answer.outcome.class = Class::Transient;
    }
    answer
}

fn judged(status: u16, text: &str, endpoint: Endpoint, call: &Call<'_>, now: Timestamp) -> FileAnswer {
    if let Some(rsp) = Rsp::read(text) {
        return match &rsp.failure {
            Some(failure) => refused(failure, &rsp, endpoint, call, now),
            None if rsp.is_failure => not_done(in_doubt(&format!("HTTP {status}: a failure without a code"), call)),
            None if !is_success(status) => not_done(contradicted(status, call)),
            None => taken(status, &rsp, call),
        };
    }
    match envelope::read(text) {
        Envelope::Failed(failure) => refused(&failure, &Rsp::default(), endpoint, call, now),
        Envelope::Ok => not_done(in_doubt(&format!("HTTP {status}: an answer in JSON"), call)),
        Envelope::Xml(_) | Envelope::Unreadable => not_done(unreadable(status, call)),
    }
}

/// What became of a file that Flickr took.
fn taken(status: u16, rsp: &Rsp, call: &Call<'_>) -> FileAnswer {
    let photo = photo_id(rsp, "photoid").map(Uploaded::Photo);
    let ticket = rsp.value("ticketid").filter(|id| is_ticket(id)).map(|id| Uploaded::Ticket(id.to_owned()));
    match photo.or(ticket) {
        Some(uploaded) => FileAnswer { outcome: Outcome::new(Class::Done, "ok"), uploaded: Some(uploaded) },
        None => not_done(in_doubt(&format!("HTTP {status}: an answer of success without an id"), call)),
    }
}

fn refused(failure: &Failure, rsp: &Rsp, endpoint: Endpoint, call: &Call<'_>, now: Timestamp) -> FileAnswer {
    let known = failure.code.filter(|_| !is_unavailable(&failure.message));
    let known = known.and_then(|code| Some((code, file_code(endpoint, code, &failure.message)?)));
    let Some((code, meaning)) = known else { return not_done(failed(failure, call)) };
    let wait = rsp.value("non_pro_desktop_upload_wait_time").and_then(|seconds| retry_after::read(seconds, now));
    let judged = outcome(meaning.class, &meaning.message(&failure.message), call).with_code(code);
    let uploaded = (meaning.class == Class::Done).then(|| Uploaded::Duplicate {
        photo_id: photo_id(rsp, "duplicate_photo_id"),
        is_deleted: rsp.value("duplicate_photo_status").is_some_and(|status| status.eq_ignore_ascii_case("deleted")),
    });
    FileAnswer { outcome: Outcome { retry_after: wait, ..judged }, uploaded }
}

const fn not_done(outcome: Outcome) -> FileAnswer {
    FileAnswer { outcome, uploaded: None }
}

fn photo_id(rsp: &Rsp, name: &str) -> Option<String> {
    let is_number = |id: &&str| id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
    rsp.value(name).filter(is_number).map(str::to_owned)
}

/// Tickets are asked for in a list with commas.
fn is_ticket(id: &str) -> bool {
    id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests;
