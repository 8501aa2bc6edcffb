//! What clients send, and what comes back through the queue.

use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

use axum::{body::Body, extract::FromRequest};
use domain::{
    AppId, ClaimId, JobId, TenantId, TraceId, UserId,
    call::{MAX_METHOD_CHARACTERS, MAX_PARAMS_BYTES, MethodName, MethodPattern, Params, is_reserved},
    idempotency::{Fingerprint, Key, MAX_KEY_CHARACTERS},
    job::Target,
    login,
};
use edge::{Json, Problem};
use hub::dispatch::Dispatch;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::now;

/// Stands for a value that could be a secret in the wrong place.
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

/// The method of a call, and a pattern of methods: what it is written with, it matches.
pub fn method_name(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(pattern) = text.parse::<MethodPattern>() {
        assert!(pattern.matches(text.strip_suffix('*').unwrap_or(&text)), "{text:?}");
    }
    let Some(method) = reads_as_written::<MethodName>(&text) else { return };
    let words: Vec<&str> = method.as_str().split('.').collect();
    assert!(words.len() > 2 && words[0] == "flickr" && text.len() <= MAX_METHOD_CHARACTERS, "{text:?}");
    assert!(words.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric())), "{text:?}");
    assert!(!words[1].eq_ignore_ascii_case("auth"), "a method whose answer holds tokens: {text:?}");
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

/// `text` as a `T`, which is written as it was read, in JSON, too. What is refused is not quoted.
fn reads_as_written<T>(text: &str) -> Option<T>
where
    T: FromStr<Err: Debug + Display> + Display + Serialize + DeserializeOwned + PartialEq + Debug,
{
    let refused = format!("{text}{CANARY}").parse::<T>().expect_err("a hyphen is in none");
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
    if let Ok(values) = serde_json::from_slice::<Map<String, Value>>(data) {
        check_params(&values);
    }
}

/// What is accepted is bounded, free of what only the hub sets, and reads back as written; what is
/// refused is named by the parameter and never by its value.
fn check_params(values: &Map<String, Value>) {
    if let Ok(params) = Params::from_json(values) {
        let bytes: usize = params.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bytes <= MAX_PARAMS_BYTES && params.iter().count() == values.len());
        for (name, _) in params.iter() {
            assert!(!is_reserved(name) && (1..=100).contains(&name.chars().count()), "{name:?}");
            assert!(!name.contains(char::is_control), "{name:?}");
        }
        let written = serde_json::to_string(&params).expect("parameters are JSON");
        let values: Map<String, Value> = serde_json::from_str(&written).expect("parameters are an object");
        let read = Params::from_json(&values).expect("what was accepted is refused when written");
        assert_eq!(read, params);
        assert_eq!(Fingerprint::of(&read).ok(), Fingerprint::of(&params).ok());
    }
    let marked = values.iter().map(|(name, value)| (name.clone(), marked(value))).collect();
    if let Err(error) = Params::from_json(&marked) {
        let named = values.keys().any(|name| name.contains(CANARY));
        assert!(named || !format!("{error} {error:?}").contains(CANARY), "{error}");
    }
}

/// `value` with `CANARY` for every text in it; members keep their names.
fn marked(value: &Value) -> Value {
    match value {
        Value::String(_) => Value::from(CANARY),
        Value::Array(values) => values.iter().map(marked).collect(),
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), marked(value))).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// A body in the shape of a job's, with fields of every kind that bodies have.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    method: MethodName,
    #[serde(default)]
    params: Map<String, Value>,
    #[expect(dead_code, reason = "only read")]
    user_id: UserId,
    #[expect(dead_code, reason = "only read")]
    target: Option<Target>,
    #[expect(dead_code, reason = "only read")]
    meta: Option<Map<String, Value>>,
}

/// The body of a request: read or refused by naming a field, whose value is never quoted.
pub fn request_body(data: &[u8]) {
    if let Ok(submission) = submission(data) {
        assert!(submission.method.as_str().starts_with("flickr."));
        check_params(&submission.params);
    }
    let Ok(value) = serde_json::from_slice::<Value>(data) else { return };
    if value.to_string().contains(CANARY) {
        return;
    }
    if let Err(problem) = submission(marked(&value).to_string().as_bytes()) {
        let shown = format!("{problem:?}");
        assert!(!shown.contains(CANARY), "{shown}");
    }
}

fn submission(body: &[u8]) -> Result<Submission, Problem> {
    let request = http::Request::new(Body::from(body.to_vec()));
    now(Json::from_request(request, &())).map(|Json(submission)| submission)
}
