//! What Flickr answers to files.

use std::time::Duration;

use domain::{
    Timestamp,
    outcome::Class,
    upload::{Endpoint, Uploaded},
};
use flickr::{
    Body, FileOutcome, Reply, RequestOutcome,
    answer::{self, MAX_MESSAGE_CHARACTERS},
};

const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// What no message may contain.
const SECRETS: [&str; 2] = ["secret-canary", "token-canary"];

/// The answers to uploads and replaces, and whatever comes instead. The first line says to what it came and how, as in
/// `200 replace early`: `early` where it came before all of the file had left; the rest is the body.
///
/// An id comes with success and only then, and is one that can be asked for; no message is long or contains a secret;
/// what did not leave whole is never of unknown outcome.
pub fn file_answer(data: &[u8]) {
    let (head, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let head = String::from_utf8_lossy(head);
    let words: Vec<&str> = head.split_ascii_whitespace().collect();
    let endpoint = if words.contains(&"replace") { Endpoint::Replace } else { Endpoint::Upload };
    let is_whole = !words.contains(&"early");
    let file_outcome = FileOutcome::Ended {
        request_outcome: RequestOutcome::Answered(Reply {
            status: words.iter().find_map(|word| word.parse().ok()).unwrap_or(200),
            retry_after: None,
            body: Body::Whole(body.to_vec()),
        }),
        is_whole,
    };
    let judged = answer::file(file_outcome.clone(), endpoint, &SECRETS, NOW);
    let outcome = &judged.outcome;
    assert!(outcome.message.chars().count() <= MAX_MESSAGE_CHARACTERS, "{outcome:?}");
    assert!(!outcome.message.contains(char::is_control), "{outcome:?}");
    assert!(!SECRETS.iter().any(|secret| outcome.message.contains(secret)), "{outcome:?}");
    assert!(outcome.retry_after.is_none_or(|wait| wait <= DAY), "{outcome:?}");
    assert!(is_whole || outcome.class != Class::UnknownOutcome, "{judged:?}");
    assert_eq!(judged.uploaded.is_some(), outcome.class == Class::Done, "{judged:?}");
    match &judged.uploaded {
        Some(Uploaded::Photo(id) | Uploaded::Duplicate { photo_id: Some(id), .. }) => {
            let is_number = id.bytes().all(|byte| byte.is_ascii_digit());
            assert!(is_number && (1..=20).contains(&id.len()), "{judged:?}");
        }
        Some(Uploaded::Ticket(id)) => {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            assert!(id.bytes().all(is_plain) && (1..=64).contains(&id.len()), "{judged:?}");
        }
        Some(Uploaded::Duplicate { photo_id: None, .. }) | None => {}
    }
    assert_eq!(answer::file(file_outcome, endpoint, &SECRETS, NOW), judged, "judged otherwise the second time");
}
