//! What clients send, and what comes back through the queue.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use api::{
    CompleteLoginRequest, InvalidateCacheRequest, JobStatusRequest, ReplayRequest, StartLoginRequest, SubmitJobRequest,
};
use axum::{body::Body, extract::FromRequest};
use domain::{
    AppId, ClaimId, JobId, TenantId, Timestamp, TraceId, UserId,
    call::{MAX_METHOD_CHARACTERS, MAX_PARAMS_BYTES, MethodName, MethodPattern, Params, is_reserved},
    idempotency::{Fingerprint, Key, MAX_KEY_CHARACTERS},
    login,
};
use edge::{EntityTag, Json, Problem};
use http::{HeaderValue, header};
use hub::message::Dispatch;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::now;

/// In place of a value that could be a secret in the wrong place; it begins as the end of a JSON error does.
const CANARY: &str = "expected value-canary";

/// `Idempotency-Key`: a key is short and printable, and is the same bare and quoted.
pub fn idempotency_key(data: &[u8]) {
    let header = String::from_utf8_lossy(data);
    let Ok(key) = Key::parse(&header) else { return };
    let text = key.as_str();
    assert!((1..=MAX_KEY_CHARACTERS).contains(&text.len()), "{header:?}");
    assert!(text.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{header:?}");
    let quoted = format!("\"{}\"", text.replace('\\', r"\\").replace('"', "\\\""));
    assert_eq!(Key::parse(&quoted).as_ref(), Ok(&key), "{quoted}");
    assert!([text, &quoted].contains(&header.trim_matches([' ', '\t'])), "a key is more or less than {header:?}");
    if !text.starts_with('"') && text.trim() == text {
        assert_eq!(Key::parse(text).as_ref(), Ok(&key), "{text}");
    }
}

/// `If-None-Match`: a tag is known only where it is listed or all are, and is known beside whatever else is sent.
pub fn if_none_match(data: &[u8]) {
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let tag = EntityTag::of(&"an answer").expect("a text is JSON");
    let quoted = tag.to_string().trim_start_matches("W/").to_owned();
    let own = HeaderValue::from_str(&quoted).expect("a tag is the value of a header");
    let known = |lines: &[&HeaderValue]| {
        tag.is_known(&lines.iter().map(|line| (header::IF_NONE_MATCH, (*line).clone())).collect())
    };
    assert!(known(&[&value, &own]) && known(&[&own, &value]), "{value:?}");
    let text = String::from_utf8_lossy(data);
    assert!(!known(&[&value]) || text.trim() == "*" || text.contains(&quoted), "{value:?}");
}

/// The method of a call, and a pattern of methods: a pattern matches the text that it was read from.
pub fn method_name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(pattern) = text.parse::<MethodPattern>() {
        assert!(pattern.matches(text.strip_suffix('*').unwrap_or(&text)), "{text:?}");
    }
    let Some(method) = reads_as_written::<MethodName>(&text) else { return };
    let words: Vec<&str> = method.as_str().split('.').collect();
    assert!(words.len() > 2 && words[0] == "flickr" && text.len() <= MAX_METHOD_CHARACTERS, "{text:?}");
    assert!(words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric())), "{text:?}");
    assert!(!words[1].eq_ignore_ascii_case("auth"), "the answers of this method contain tokens: {text:?}");
}

/// Ids of every kind: a text is an id of one kind at most.
pub fn id(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let kinds = [
        reads_as_written::<TenantId>(&text).is_some(),
        reads_as_written::<UserId>(&text).is_some(),
        reads_as_written::<AppId>(&text).is_some(),
        reads_as_written::<JobId>(&text).is_some(),
        reads_as_written::<ClaimId>(&text).is_some(),
        reads_as_written::<TraceId>(&text).is_some(),
    ];
    assert!(kinds.into_iter().filter(|is_one| *is_one).count() <= 1, "{text:?}");
}

/// `text` as a `T`, which is written as it was read, also in JSON. A refusal does not quote it.
fn reads_as_written<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Debug + Display> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let refused = format!("{text}{CANARY}").parse::<T>().expect_err("no `T` has a hyphen");
    assert!(!format!("{refused} {refused:?}").contains(CANARY), "{refused}");

    let from_json = serde_json::from_value::<T>(Value::String(text.to_owned())).ok();
    let read = text.parse::<T>().ok();
    assert_eq!(from_json, read, "{text:?}");
    if let Some(read) = &read {
        assert_eq!((read.to_string(), serde_json::to_value(read).ok()), (text.to_owned(), Some(Value::from(text))));
    }
    read
}

/// The `state` of a login: it names the tenant that it begins with.
pub fn login_state(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Some(tenant) = login::tenant_of_state(&text) else { return };
    assert!(text.strip_prefix(tenant.as_str()).is_some_and(|rest| rest.starts_with('.')), "{text:?}");
    assert_eq!(login::tenant_of_state(&login::state(&tenant, [7; 16])), Some(tenant));
}

/// The message that sends a worker to a job: of a bounded length, and read as written.
pub fn dispatch(data: &[u8]) {
    let Ok(message) = serde_json::from_slice::<Dispatch>(data) else { return };
    let text = serde_json::to_string(&message).expect("a message is JSON");
    assert!(text.len() < 300, "{text}");
    assert_eq!(serde_json::from_str::<Dispatch>(&text).ok(), Some(message), "{text}");
}

/// The parameters of a call.
pub fn call_params(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data) {
        check_params(text);
    }
}

/// What is accepted is bounded, free of what only FlickrHub sets, and reads back as written; a refusal names the
/// parameter and never its value.
fn check_params(text: &str) {
    let values: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
    if let Ok(params) = Params::from_json(text) {
        for (name, value) in params.iter() {
            assert!(!is_reserved(name) && (1..=100).contains(&name.chars().count()), "{name:?}");
            assert!(!name.contains(char::is_control), "{name:?}");
            let is_number = values.get(name).is_some_and(Value::is_number);
            assert!(!is_number || value.bytes().all(|byte| b"0123456789-.".contains(&byte)), "{name:?} {value:?}");
        }
        let written = serde_json::to_string(&params).expect("parameters are JSON");
        assert!(written.len() <= MAX_PARAMS_BYTES);
        let read = Params::from_json(&written).expect("what was accepted is refused when written");
        assert_eq!(read, params);
        assert_eq!(Fingerprint::of(&read).ok(), Fingerprint::of(&params).ok());
    }
    let marked: Map<String, Value> = values.iter().map(|(name, value)| (name.clone(), marked(value))).collect();
    if let Err(error) = Params::from_json(&Value::Object(marked).to_string()) {
        let named = values.keys().any(|name| name.contains(CANARY));
        assert!(named || !format!("{error} {error:?}").contains(CANARY), "{error}");
    }
}

/// `value` with [`CANARY`] in place of every text; members keep their names.
fn marked(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::from(CANARY),
        Value::Array(values) => values.iter().map(marked).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), marked(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// The body of a request: read, or refused by naming a field, whose value is never quoted. Every body is tried as each
/// kind of request.
pub fn request_body(data: &[u8]) {
    if let Ok(request) = job(data) {
        check_params(request.params.get());
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if value.to_string().contains(CANARY) {
        return;
    }
    let marked = marked(&value).to_string();
    for refusal in refusals(marked.as_bytes()) {
        let shown = format!("{refusal:?}");
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

/// The refusals of `body` as each kind of request.
fn refusals(body: &[u8]) -> impl Iterator<Item = Problem> {
    let requests = [
        job(body).err(),
        read::<JobStatusRequest>(body).err(),
        read::<StartLoginRequest>(body).err(),
        read::<CompleteLoginRequest>(body).err(),
        read::<InvalidateCacheRequest>(body).err(),
        read::<ReplayRequest>(body).err(),
    ];
    requests.into_iter().flatten()
}

/// A request for a job whose texts are what they should be.
fn job(body: &[u8]) -> Result<SubmitJobRequest, Problem> {
    let request: SubmitJobRequest = read(body)?;
    if let Some(method) = &request.method {
        edge::parse::<MethodName>("method", method)?;
    }
    edge::parse::<UserId>("user_id", &request.user_id)?;
    if let Some(run_at) = &request.run_at {
        edge::parse::<Timestamp>("run_at", run_at)?;
    }
    Ok(request)
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let request = http::Request::new(Body::from(body.to_vec()));
    now(Json::from_request(request, &())).map(|Json(request)| request)
}

#[cfg(test)]
mod tests {
    use super::*;

    macro_rules! seed {
        ($path:literal) => {
            include_bytes!(concat!("../../corpus/", $path)).as_slice()
        };
    }

    #[test]
    fn a_seed_of_each_shape_is_accepted() {
        for seed in [seed!("dispatch/message"), seed!("dispatch/escaped"), seed!("dispatch/highest_number")] {
            assert!(serde_json::from_slice::<Dispatch>(seed).is_ok(), "{}", seed.escape_ascii());
        }
        for seed in [
            seed!("request_body/least"),
            seed!("request_body/whole"),
            seed!("request_body/every_member"),
            seed!("request_body/delay"),
        ] {
            assert!(job(seed).is_ok(), "{}", seed.escape_ascii());
        }
        assert!(read::<JobStatusRequest>(seed!("request_body/status")).is_ok());
        assert!(read::<StartLoginRequest>(seed!("request_body/login_start")).is_ok());
        assert!(read::<CompleteLoginRequest>(seed!("request_body/login_complete")).is_ok());
        assert!(read::<InvalidateCacheRequest>(seed!("request_body/invalidate")).is_ok());
        for seed in [seed!("request_body/replay"), seed!("request_body/replay_all")] {
            assert!(read::<ReplayRequest>(seed).is_ok(), "{}", seed.escape_ascii());
        }
    }
}
