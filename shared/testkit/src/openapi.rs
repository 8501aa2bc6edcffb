//! Answers of the API, compared with the OpenAPI document.
//!
//! Everything that tests ask of routes passes through here: what the document does not say, no test sees.

#![expect(clippy::panic, clippy::unwrap_used, reason = "an answer that is not documented fails its test")]

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use http::{HeaderMap, Method, StatusCode};
use jsonschema::Validator;
use serde_json::{Map, Value, json};

/// The document, as it is checked in and served.
pub const TEXT: &str = include_str!("../../../docs/openapi.json");

/// Headers that mean something, so that an answer has them only where it is documented.
const NOTABLE: [&str; 7] = [
    "content-security-policy",
    "etag",
    "idempotent-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = serde_json::from_str(TEXT).unwrap();
    close(&mut document);
    document
});

/// The validators of bodies that were seen before, by the schema's text.
static VALIDATORS: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);

/// Compares an answer to a request with the document. `path` is that of the route, with or without a query.
///
/// # Panics
/// When the answer is not as the document says.
pub fn check(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &str) {
    if let Err(reason) = checked(method, path, status, headers, body) {
        let body: String = body.chars().take(2_000).collect();
        panic!("{method} {path} answered {status}, which is not in docs/openapi.json: {reason}\n{headers:?}\n{body}");
    }
}

fn checked(method: &Method, path: &str, status: StatusCode, headers: &HeaderMap, body: &str) -> Result<(), String> {
    let path = path.split('?').next().unwrap_or_default();
    let Some(operation) = operation(method, path) else {
        let is_unknown = [404, 405].contains(&status.as_u16());
        return if is_unknown { problem(headers, body) } else { Err("no such route".to_owned()) };
    };
    let response = resolved(&operation["responses"][status.as_str()]);
    let response = response.as_object().ok_or("no such status")?;
    of_headers(response, headers, status)?;
    let content = response.get("content").and_then(Value::as_object);
    let Some(content) = content else {
        return if body.is_empty() { Ok(()) } else { Err("it has a body".to_owned()) };
    };
    let media_type = media_type(headers);
    let documented = content.get(media_type).ok_or_else(|| format!("its type is {media_type:?}"))?;
    if media_type.ends_with("json") { valid(&documented["schema"], body) } else { Ok(()) }
}

/// An answer to what is no route.
fn problem(headers: &HeaderMap, body: &str) -> Result<(), String> {
    match media_type(headers) {
        "application/problem+json" => valid(&json!({ "$ref": "#/components/schemas/Problem" }), body),
        other => Err(format!("its type is {other:?}")),
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

/// Headers that every answer has, those that a client waits by, and none that are not documented.
fn of_headers(response: &Map<String, Value>, headers: &HeaderMap, status: StatusCode) -> Result<(), String> {
    let documented = response.get("headers").and_then(Value::as_object);
    let is_documented = |name: &str| {
        documented.is_some_and(|documented| documented.keys().any(|known| known.eq_ignore_ascii_case(name)))
    };
    for name in NOTABLE {
        if headers.contains_key(name) && !is_documented(name) {
            return Err(format!("it has the header {name}"));
        }
    }
    for name in ["x-request-id", "cache-control", "retry-after"] {
        // Of a success only a job that is open says when to come back.
        let is_always_there = name != "retry-after" || !status.is_success();
        if is_always_there && is_documented(name) && !headers.contains_key(name) {
            return Err(format!("it lacks the header {name}"));
        }
    }
    Ok(())
}

/// The operation of a route: a path without parameters goes before one with some.
fn operation(method: &Method, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?;
    let item = paths.get(path).or_else(|| {
        let found = paths.iter().find(|(template, _)| template.contains('{') && fits(template, path));
        found.map(|(_, item)| item)
    })?;
    item.get(method.as_str().to_ascii_lowercase())
}

fn fits(template: &str, path: &str) -> bool {
    let (of_template, of_path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    let part_fits = |(known, given): (&&str, &&str)| known == given || (known.starts_with('{') && !given.is_empty());
    of_template.len() == of_path.len() && of_template.iter().zip(&of_path).all(part_fits)
}

/// What a reference refers to.
fn resolved(value: &'static Value) -> &'static Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix('#'));
    target.and_then(|pointer| DOCUMENT.pointer(pointer)).unwrap_or(value)
}

fn valid(schema: &Value, body: &str) -> Result<(), String> {
    let body = serde_json::from_str(body).map_err(|error| format!("its body is no JSON: {error}"))?;
    let errors: Vec<String> =
        validator(schema).iter_errors(&body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
}

fn validator(schema: &Value) -> Arc<Validator> {
    let mut known = VALIDATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let make = || {
        let whole = json!({ "components": { "schemas": DOCUMENT["components"]["schemas"] }, "allOf": [schema] });
        Arc::new(jsonschema::options().should_validate_formats(true).build(&whole).unwrap())
    };
    Arc::clone(known.entry(schema.to_string()).or_insert_with(make))
}

/// Makes each object have the members that it lists and no others. The document itself leaves room for more, which later
/// releases may add; a test is to see them.
fn close(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object_mut().unwrap().values_mut();
    schemas.for_each(close_object);
    for item in document["paths"].as_object_mut().unwrap().values_mut() {
        for operation in item.as_object_mut().unwrap().values_mut() {
            for response in operation["responses"].as_object_mut().unwrap().values_mut() {
                if let Some(envelope) = response.pointer_mut("/content/application~1json/schema") {
                    close_object(envelope);
                }
            }
        }
    }
}

fn close_object(schema: &mut Value) {
    if schema.get("properties").is_some() {
        schema["additionalProperties"] = json!(false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: &str = r#"{"request_id": "r", "data": {"status": "ok"}, "error": null}"#;

    fn answer(status: u16, lines: &[(&'static str, &'static str)], body: &str) -> Result<(), String> {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("content-type", "application/json"), ("x-request-id", "r"), ("cache-control", "no-store")]
                .iter()
                .chain(lines)
        {
            headers.insert(*name, value.parse().unwrap());
        }
        checked(&Method::GET, "/v1/health?x=1", StatusCode::from_u16(status).unwrap(), &headers, body)
    }

    fn refused(code: &str, status: u16) -> String {
        let error = json!({ "code": code, "message": "m", "details": [] });
        let (kind, instance) = (format!("urn:flickrhub:error:{code}"), "urn:flickrhub:request:r");
        json!({
            "type": kind, "title": "t", "status": status, "detail": "d", "instance": instance, "request_id": "r",
            "error": error,
        })
        .to_string()
    }

    #[test]
    fn an_answer_is_as_it_is_documented() {
        assert_eq!(answer(200, &[], HEALTHY), Ok(()));
        let problem = [("content-type", "application/problem+json"), ("retry-after", "5")];
        assert_eq!(answer(503, &problem, &refused("ERR_UNAVAILABLE", 503)), Ok(()));
    }

    #[test]
    fn what_is_not_documented_is_noticed() {
        let problem = ("content-type", "application/problem+json");
        for (status, headers, body, expected) in [
            (418, &[] as &[_], HEALTHY, "no such status"),
            (200, &[("etag", "\"x\"")], HEALTHY, "it has the header etag"),
            (200, &[("content-type", "text/html")], HEALTHY, "its type is \"text/html\""),
            (200, &[], "{", "its body is no JSON"),
            (200, &[], r#"{"request_id": "r", "data": {"status": "ok", "more": 1}, "error": null}"#, "more"),
            (200, &[], r#"{"request_id": "r", "data": {"status": "ok"}, "error": null, "more": 1}"#, "more"),
            (200, &[], r#"{"request_id": "r", "data": {}, "error": null}"#, "status"),
            (503, &[problem], &refused("ERR_UNAVAILABLE", 503), "it lacks the header retry-after"),
            (500, &[problem], &refused("ERR_UNAVAILABLE", 500), "ERR_UNAVAILABLE"),
            (500, &[problem], &refused("ERR_INTERNAL", 501), "501"),
        ] {
            let reason = answer(status, headers, body).unwrap_err();
            assert!(reason.contains(expected), "{status} {body}: {reason}");
        }
    }

    #[test]
    fn a_path_without_parameters_goes_first() {
        let id = |method, path| operation(&method, path).map(|operation| operation["operationId"].clone());
        assert_eq!(id(Method::POST, "/v1/flickr/jobs/status"), Some(json!("getJobOfAccount")));
        assert_eq!(id(Method::GET, "/v1/flickr/jobs/job_1"), Some(json!("getJob")));
        assert_eq!((id(Method::GET, "/v1/flickr/jobs/"), id(Method::PUT, "/v1/health")), (None, None));
    }
}
