//! What Flickr sends, or another server in its place.

use std::time::{Duration, UNIX_EPOCH};

use domain::{
    Timestamp,
    call::{MethodName, is_reserved},
    catalogue::{CodeMeaning, ErrorCodes, MethodFacts},
    idempotency::Idempotency,
    outcome::Class,
};
use flickr::{
    Body, CATALOGUE, Reply, RequestOutcome,
    answer::{self, Call, MAX_MESSAGE_CHARACTERS, REPLACED_BYTES},
    oauth, token_check,
    token_reply::{self, MAX_VALUE_BYTES},
};
use hub::ports::{Answer, TokenOwner};
use serde_json::{Map, Value, json};

/// Sunday, 6 November 1994, 08:49:37 UTC.
const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// With these statuses, and no answer of Flickr's API, the edge before Flickr refused a request.
const REFUSALS_OF_THE_EDGE: [u16; 6] = [400, 401, 403, 404, 405, 411];
/// What no message may contain.
const SECRETS: [&str; 3] = ["key-canary", "secret-canary", "token-canary"];

/// The replies of the login's two steps: what is read is within bounds and reads back as written, and a refusal quotes
/// nothing.
pub fn oauth_reply(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match token_reply::request_token(&text) {
        Ok(token) => {
            let pairs = [
                ("oauth_callback_confirmed", "true"),
                ("oauth_token", token.token()),
                ("oauth_token_secret", token.secret()),
            ];
            let read = within_bounds(&pairs, |text| token_reply::request_token(text).ok());
            assert!(read == token, "another token is read back");
        }
        Err(invalid) => quotes_nothing(&invalid, &text),
    }
    match token_reply::access_token(&text) {
        Ok(access) => {
            let pairs = [
                ("fullname", &*access.fullname),
                ("oauth_token", access.token.token()),
                ("oauth_token_secret", access.token.secret()),
                ("user_nsid", &access.nsid),
                ("username", &access.username),
            ];
            let read = within_bounds(&pairs, |text| token_reply::access_token(text).ok());
            let same = read.token == access.token
                && (read.nsid, read.username, read.fullname) == (access.nsid, access.username, access.fullname);
            assert!(same, "another account is read back");
        }
        Err(invalid) => quotes_nothing(&invalid, &text),
    }
}

/// Answers that say what a token may do: one that is read is about our token and reads back as written, and a refusal
/// quotes nothing.
pub fn token_checked(data: &[u8]) {
    const TOKEN: &str = "7215-a";
    let text = String::from_utf8_lossy(data);
    match token_check::checked(&text, TOKEN) {
        Ok(checked) => {
            assert!(token_check::checked(&text, "7215-b").is_err(), "it is read of another token, too");
            let content = |text: &str| json!({ "_content": text });
            let owner = checked.owner.as_ref();
            let user = owner.map(|TokenOwner { nsid, username, fullname }| {
                json!({ "nsid": nsid, "username": username, "fullname": fullname })
            });
            let perms = content(checked.perms.as_str());
            let written = json!({ "oauth": { "token": content(TOKEN), "perms": perms, "user": user } });
            assert_eq!(token_check::checked(&written.to_string(), TOKEN), Ok(checked));
        }
        Err(invalid) => quotes_nothing(&invalid, &text),
    }
}

/// What `read` gives for `pairs`, written as a form.
fn within_bounds<T>(pairs: &[(&str, &str)], read: impl FnOnce(&str) -> Option<T>) -> T {
    for (name, value) in pairs {
        let may_be_empty = ["fullname", "username"].contains(name);
        assert!(may_be_empty || !value.is_empty(), "`{name}` is empty");
        assert!(value.len() <= MAX_VALUE_BYTES && !value.contains(char::is_control), "`{name}` is out of bounds");
    }
    read(&oauth::form(pairs)).expect("what was read is refused when written")
}

/// The message is one of a few, whatever the reply was.
fn quotes_nothing(invalid: &token_reply::Invalid, text: &str) {
    const FIELDS: [&str; 9] = [
        "fullname",
        "oauth",
        "oauth_callback_confirmed",
        "oauth_token",
        "oauth_token_secret",
        "perms",
        "token",
        "user_nsid",
        "username",
    ];
    let message = invalid.to_string();
    let named = message.split('`').nth(1);
    assert!(named.is_none_or(|field| FIELDS.contains(&field)), "{message} of {text:?}");
}

/// The answers to calls, JSON and XML, and whatever comes instead. The first line says what was asked and how the
/// answer came, as in `200 flickr.photos.delete again wait=120`, with `cut` or `long` for a body that was not read to
/// its end, or `unsent` or `silent` instead of a status; the rest is the body.
///
/// A result comes with success and only then, and reads as the same result again; no message is long or contains a
/// secret; a read is never of unknown outcome, and a non-idempotent write is judged transient only if it did not reach
/// Flickr, or by a code that says so (promise I7).
pub fn rest_answer(data: &[u8]) {
    let (head, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let head = String::from_utf8_lossy(head);
    let words: Vec<&str> = head.split_ascii_whitespace().collect();
    let has = |word| words.contains(&word);
    let method: Option<MethodName> = words.iter().find_map(|word| word.parse().ok());
    let unknown = MethodFacts::unknown();
    let facts = method.as_ref().map_or(&unknown, |method| CATALOGUE.method(method));
    let idempotency = facts.idempotency;
    let call = Call {
        method: method.as_ref(),
        idempotency,
        error_codes: &facts.error_codes,
        repeated: has("again"),
        secrets: &SECRETS,
    };
    let reason = || String::from_utf8_lossy(body).into_owned();
    let request_outcome = if has("unsent") {
        RequestOutcome::NotSent(reason())
    } else if has("silent") {
        RequestOutcome::NoAnswer(reason())
    } else {
        RequestOutcome::Answered(Reply {
            status: words.iter().find_map(|word| word.parse().ok()).unwrap_or(200),
            retry_after: words.iter().find_map(|word| word.strip_prefix("wait=")).map(str::to_owned),
            body: match () {
                () if has("cut") => Body::Cut(reason()),
                () if has("long") => Body::TooLong,
                () => Body::Whole(body.to_vec()),
            },
        })
    };

    let judged = judge(request_outcome.clone(), &call);
    let class = judged.outcome.class;
    assert_eq!(judged.result.is_some(), class == Class::Done, "{judged:?}");
    assert!(idempotency != Idempotency::Safe || class != Class::UnknownOutcome, "{judged:?}");
    let reached = match &request_outcome {
        RequestOutcome::NotSent(_) => false,
        RequestOutcome::NoAnswer(_) => true,
        RequestOutcome::Answered(reply) => !REFUSALS_OF_THE_EDGE.contains(&reply.status),
    };
    let meaning = judged.outcome.flickr_code.and_then(|code| facts.error_codes.meaning(code));
    let surely_undone = !reached || meaning == Some(CodeMeaning::Passing);
    assert!(surely_undone || idempotency != Idempotency::NonIdempotent || class != Class::Transient, "{judged:?}");
    assert_eq!(judge(request_outcome, &call), judged, "judged otherwise the second time");

    let Some(result) = &judged.result else { return };
    let again = judge(answered(200, result), &call);
    assert_eq!(again.result.as_ref(), Some(result), "a result does not read as itself");
    if method.is_some_and(|method| method.as_str().eq_ignore_ascii_case("flickr.test.echo")) {
        let members: Map<String, Value> = serde_json::from_str(result).unwrap_or_default();
        assert!(!members.keys().any(|name| is_reserved(name)), "{result}");
    } else {
        let is_said = judged.outcome.flickr_code.is_some() || result.contains(REPLACED_BYTES);
        assert!(result.as_bytes() == body || is_said, "a result was rewritten");
    }
}

/// Refusals of Flickr's OAuth layer, from the name of the problem on: the name alone decides, so that nothing of an
/// echoed base string is stored.
pub fn oauth_problem(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let name = text.split(['&', '\r', '\n']).next().unwrap_or_default();
    let call = without_method(Idempotency::NonIdempotent, &SECRETS);
    let judged = |problem: &str| judge(answered(401, &format!("oauth_problem={problem}")), &call);
    let plain = judged(name);
    for problem in [&*text, &format!("{name}&debug_sbs=GET&oauth_token%3Dtoken-canary"), &format!("{name}\n<b>")] {
        assert_eq!(judged(problem), plain, "{problem:?}");
    }
    let classes = [Class::Account, Class::App, Class::Signature, Class::Clock, Class::Permanent];
    assert!(classes.contains(&plain.outcome.class), "{plain:?}");
    let word = plain.outcome.message.strip_prefix("oauth_problem=");
    let is_word = |word: &str| word.len() <= 40 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    assert!(word.is_some_and(is_word), "{plain:?}");
}

/// `Retry-After`: a wait is never over a day, and as an HTTP date asks for the same.
pub fn retry_after(data: &[u8]) {
    let value = String::from_utf8_lossy(data);
    let call = without_method(Idempotency::Safe, &[]);
    let read = |value: String| {
        let reply = Reply { status: 429, retry_after: Some(value), body: Body::Whole(Vec::new()) };
        judge(RequestOutcome::Answered(reply), &call).outcome.retry_after
    };
    let wait = read(value.clone().into_owned());
    if let Ok(seconds) = value.parse::<u32>()
        && !value.starts_with('+')
    {
        let asked = Duration::from_secs(seconds.into());
        assert_eq!(wait, (asked <= DAY).then_some(asked), "{value:?}");
    }
    let Some(wait) = wait else { return };
    let now = Duration::from_secs(NOW.as_seconds().unsigned_abs());
    assert_eq!(read(wait.as_secs().to_string()), Some(wait), "{value:?}");
    assert_eq!(read(httpdate::fmt_http_date(UNIX_EPOCH + now + wait)), Some(wait), "{value:?}");
}

static NO_METHOD: ErrorCodes = ErrorCodes::unknown();

/// A call that is judged without its method, as a step of the login is.
const fn without_method<'a>(idempotency: Idempotency, secrets: &'a [&'a str]) -> Call<'a> {
    Call { method: None, idempotency, error_codes: &NO_METHOD, repeated: false, secrets }
}

fn answered(status: u16, body: &str) -> RequestOutcome {
    RequestOutcome::Answered(Reply { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) })
}

/// What the outcome of a request means, and what must hold of every meaning.
fn judge(request_outcome: RequestOutcome, call: &Call<'_>) -> Answer {
    let answer = answer::rest(request_outcome, call, NOW);
    let outcome = &answer.outcome;
    assert!(outcome.message.chars().count() <= MAX_MESSAGE_CHARACTERS, "{outcome:?}");
    assert!(!outcome.message.contains(char::is_control) && !outcome.message.contains("debug_sbs"), "{outcome:?}");
    assert!(!call.secrets.iter().any(|secret| outcome.message.contains(secret)), "{outcome:?}");
    assert!(outcome.retry_after.is_none_or(|wait| wait <= DAY), "{outcome:?}");
    answer
}
