//! The raw event of API Gateway, before anything reads it as a request.
//!
//! API Gateway has decided which route a request takes and which API key it has, and has throttled and counted it so.
//! What a client sent beside must not decide it again: `lambda_http` builds a URL from `X-Forwarded-Proto` and `Host`
//! and resolves `..` in it, and takes one of several values of a header. So the event says one thing only once it has
//! been through here, and nothing that comes after can panic over it.

use api::ErrorCode;
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use url::Url;

use crate::{
    context::API_KEY_HEADER,
    problem::{Problem, UNAUTHORIZED},
    signature::{CONTENT_DIGEST, IDEMPOTENCY_KEY, SIGNATURE, SIGNATURE_INPUT, X_IDEMPOTENCY_KEY},
};

/// Headers of which two values could be read as one or the other.
const SINGLE: [&str; 11] = [
    API_KEY_HEADER,
    IDEMPOTENCY_KEY,
    X_IDEMPOTENCY_KEY,
    SIGNATURE,
    SIGNATURE_INPUT,
    CONTENT_DIGEST,
    "content-type",
    "content-length",
    "content-encoding",
    "origin",
    "traceparent",
];

/// What stays as it is in a segment of a path (RFC 3986, section 2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The event with its route, key, host and headers as API Gateway knows them.
///
/// # Errors
/// The problem to answer with, and the event without what is wrong with it.
pub(crate) fn normalized(event: Value) -> Result<Value, Box<(Problem, Value)>> {
    let Value::Object(mut event) = event else { return Ok(event) };
    let checked = check(&event);
    match checked {
        Ok(Checked { path, headers }) => {
            event.insert("path".to_owned(), json!(path));
            set_headers(&mut event, headers);
            forget_host(&mut event);
            Ok(Value::Object(event))
        }
        Err(problem) => {
            event.insert("path".to_owned(), json!("/"));
            for member in ["body", "pathParameters", "queryStringParameters", "multiValueQueryStringParameters"] {
                event.insert(member.to_owned(), Value::Null);
            }
            event.insert("isBase64Encoded".to_owned(), json!(false));
            set_headers(&mut event, Vec::new());
            forget_host(&mut event);
            Err(Box::new((problem, Value::Object(event))))
        }
    }
}

struct Checked {
    path: String,
    headers: Vec<(HeaderName, Vec<String>)>,
}

fn check(event: &Map<String, Value>) -> Result<Checked, Problem> {
    let context = event.get("requestContext").unwrap_or(&Value::Null);
    let mut headers = headers(event)?;
    for (name, values) in &headers {
        if SINGLE.contains(&name.as_str()) && values.len() > 1 {
            return Err(Problem::field(name.as_str(), "the header is given more than once"));
        }
    }
    if let Some(known) = context["identity"]["apiKey"].as_str().filter(|key| !key.is_empty()) {
        let sent = headers.iter().find(|(name, _)| name == API_KEY_HEADER).and_then(|(_, values)| values.first());
        if sent.is_some_and(|sent| sent != known) {
            return Err(Problem::new(ErrorCode::Unauthorized, UNAUTHORIZED));
        }
        headers.retain(|(name, _)| name != API_KEY_HEADER);
        headers.push((HeaderName::from_static(API_KEY_HEADER), vec![known.to_owned()]));
    }
    if event.get("isBase64Encoded") == Some(&json!(true)) {
        let body = event.get("body").and_then(Value::as_str).unwrap_or_default();
        STANDARD.decode(body).map_err(|_| Problem::field("body", "the body did not arrive whole"))?;
    }
    Ok(Checked { path: path(event, context)?, headers })
}

/// The path of the route that API Gateway found, with the request's parameters in their places.
fn path(event: &Map<String, Value>, context: &Value) -> Result<String, Problem> {
    let unknown = || Problem::new(ErrorCode::NotFound, "See the list of routes in the API's documentation");
    let resource = context["resourcePath"].as_str().or_else(|| event.get("resource").and_then(Value::as_str));
    let resource = resource.filter(|resource| resource.starts_with('/')).ok_or_else(unknown)?;
    let segments = resource.split('/').skip(1).map(|segment| {
        let parameter = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        let Some(name) = parameter else { return Ok(encoded(segment)) };
        // Of a route for all paths, the parameter has several segments.
        let (name, is_greedy) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
        let value = event.get("pathParameters").and_then(|given| given[name].as_str()).ok_or_else(unknown)?;
        let values: Vec<&str> = if is_greedy { value.split('/').collect() } else { vec![value] };
        // A URL's path is resolved: these would lead to another route.
        if values.iter().any(|value| ["", ".", ".."].contains(value)) {
            return Err(unknown());
        }
        Ok(values.into_iter().map(encoded).collect())
    });
    segments.collect()
}

/// A segment of a path, with its slash.
fn encoded(segment: &str) -> String {
    format!("/{}", utf8_percent_encode(segment, SEGMENT))
}

/// All headers with all their values, but for those by which a client or a proxy says what was asked of whom.
fn headers(event: &Map<String, Value>) -> Result<Vec<(HeaderName, Vec<String>)>, Problem> {
    let malformed = || Problem::new(ErrorCode::InvalidRequest, "A header of the request is malformed");
    let several = event.get("multiValueHeaders").and_then(Value::as_object).filter(|headers| !headers.is_empty());
    let sent = several.or_else(|| event.get("headers").and_then(Value::as_object));
    let mut headers: Vec<(HeaderName, Vec<String>)> = Vec::new();
    for (name, values) in sent.into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| malformed())?;
        if name == "host" || name == "forwarded" || name.as_str().starts_with("x-forwarded-") {
            continue;
        }
        let values = match values {
            Value::Array(values) => values.iter().filter_map(Value::as_str).collect(),
            Value::String(value) => vec![value.as_str()],
            _ => Vec::new(),
        };
        if values.iter().any(|value| HeaderValue::from_bytes(value.as_bytes()).is_err()) {
            return Err(malformed());
        }
        let values = values.into_iter().map(str::to_owned);
        // One name may come in several spellings.
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => known.extend(values),
            None => headers.push((name, values.collect())),
        }
    }
    Ok(headers)
}

fn set_headers(event: &mut Map<String, Value>, headers: Vec<(HeaderName, Vec<String>)>) {
    let headers: Map<String, Value> =
        headers.into_iter().map(|(name, values)| (name.as_str().to_owned(), json!(values))).collect();
    event.insert("headers".to_owned(), json!({}));
    event.insert("multiValueHeaders".to_owned(), Value::Object(headers));
}

/// Takes the domain out of the request's context, unless it is a host of a URL.
fn forget_host(event: &mut Map<String, Value>) {
    let Some(Value::Object(context)) = event.get_mut("requestContext") else { return };
    let is_host = |domain: &str| {
        let is_plain = domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        is_plain && Url::parse(&format!("https://{domain}/")).is_ok()
    };
    if !context.get("domainName").and_then(Value::as_str).is_some_and(is_host) {
        context.remove("domainName");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "key-of-twenty-letters";

    /// An event for this route with these members in place of its own.
    fn event(resource: &str, members: Value) -> Value {
        let mut event = json!({
            "resource": resource, "path": resource, "httpMethod": "GET",
            "headers": { "x-api-key": KEY }, "multiValueHeaders": { "x-api-key": [KEY] },
            "requestContext": { "resourcePath": resource, "domainName": "api.example.org", "identity": {} },
            "body": null, "isBase64Encoded": false,
        });
        event.as_object_mut().unwrap().extend(serde_json::from_value::<Map<String, Value>>(members).unwrap());
        event
    }

    fn code(event: Value) -> ErrorCode {
        normalized(event).unwrap_err().0.code()
    }

    #[test]
    fn the_route_is_the_one_that_api_gateway_found() {
        let of_path = |path: &str| {
            let members = json!({ "path": path, "pathParameters": { "job_id": "job_ü/1%" } });
            normalized(event("/v1/flickr/jobs/{job_id}", members)).unwrap()["path"].clone()
        };
        for path in ["/v1/usage", "/api/v1/flickr/jobs/x", "/v1/flickr/jobs/../../usage", ""] {
            assert_eq!(of_path(path), "/v1/flickr/jobs/job_%C3%BC%2F1%25", "{path}");
        }
        for parameter in ["", ".", ".."] {
            let members = json!({ "pathParameters": { "job_id": parameter } });
            assert_eq!(code(event("/v1/flickr/jobs/{job_id}", members)), ErrorCode::NotFound, "{parameter}");
        }
        assert_eq!(code(event("/v1/flickr/jobs/{job_id}", json!({}))), ErrorCode::NotFound);
        assert_eq!(code(event("v1", json!({}))), ErrorCode::NotFound);
    }

    #[test]
    fn a_route_for_all_paths_has_the_path_that_was_asked_for() {
        let of = |path: &str| event("/v1/{path+}", json!({ "pathParameters": { "path": path } }));
        assert_eq!(normalized(of("flickr/jobs/ü%")).unwrap()["path"], "/v1/flickr/jobs/%C3%BC%25");
        for path in ["", "a//b", "../accounts", "a/.."] {
            assert_eq!(code(of(path)), ErrorCode::NotFound, "{path}");
        }
    }

    #[test]
    fn no_header_says_what_was_asked_of_whom() {
        let hostile = json!({
            "Host": ["a b"], "X-Forwarded-Proto": ["https://h/v1/usage#"], "x-forwarded-host": ["h"],
            "Forwarded": ["host=h"], "X-Amzn-Trace-Id": ["Root=1-2-3"],
        });
        let event = normalized(event("/v1/health", json!({ "headers": {}, "multiValueHeaders": hostile }))).unwrap();
        assert_eq!(event["multiValueHeaders"], json!({ "x-amzn-trace-id": ["Root=1-2-3"] }));
        assert_eq!((&event["headers"], &event["path"]), (&json!({}), &json!("/v1/health")));
        assert_eq!(event["requestContext"]["domainName"], "api.example.org");
    }

    #[test]
    fn a_domain_that_is_no_name_is_forgotten() {
        let context = json!({ "resourcePath": "/v1/health", "domainName": "h/v1/usage#", "identity": {} });
        let event = normalized(event("/v1/health", json!({ "requestContext": context }))).unwrap();
        assert!(event["requestContext"].get("domainName").is_none());
    }

    #[test]
    fn a_header_that_counts_once_is_given_once() {
        for name in SINGLE {
            let mut twice = json!({});
            twice[name] = json!(["one", "two"]);
            assert_eq!(code(event("/v1/usage", json!({ "multiValueHeaders": twice }))), ErrorCode::InvalidRequest);
            let mut spelt_twice = json!({});
            spelt_twice[name] = json!(["one"]);
            spelt_twice[name.to_uppercase()] = json!(["two"]);
            assert_eq!(
                code(event("/v1/usage", json!({ "multiValueHeaders": spelt_twice }))),
                ErrorCode::InvalidRequest
            );
        }
        let accept = json!({ "multiValueHeaders": { "accept": ["a/b", "c/d"] } });
        assert!(normalized(event("/v1/usage", accept)).is_ok());
    }

    #[test]
    fn the_key_is_the_one_that_api_gateway_knew() {
        let context = json!({ "resourcePath": "/v1/usage", "identity": { "apiKey": KEY } });
        let with =
            |headers: Value| event("/v1/usage", json!({ "requestContext": context, "multiValueHeaders": headers }));
        for headers in [json!({ "X-Api-Key": [KEY] }), json!({ "accept": ["a/b"] })] {
            let event = normalized(with(headers)).unwrap();
            assert_eq!(event["multiValueHeaders"]["x-api-key"], json!([KEY]));
        }
        assert_eq!(code(with(json!({ "x-api-key": ["another-key-of-20-letters"] }))), ErrorCode::Unauthorized);
    }

    #[test]
    fn malformed_headers_and_bodies_are_refused() {
        for headers in [json!({ "a b": ["c"] }), json!({ "x-a": ["b\u{0}"] }), json!({ "x-a": ["b\r\nc: d"] })] {
            assert_eq!(code(event("/v1/usage", json!({ "multiValueHeaders": headers }))), ErrorCode::InvalidRequest);
        }
        let letters = json!({ "multiValueHeaders": { "user-agent": ["Zürich ✓"] } });
        assert!(normalized(event("/v1/usage", letters)).is_ok());
        let bad = json!({ "isBase64Encoded": true, "body": "}{" });
        let refused = normalized(event("/v1/usage", bad)).unwrap_err();
        assert_eq!((refused.0.code(), &refused.1["body"]), (ErrorCode::InvalidRequest, &Value::Null));
    }

    #[test]
    fn what_is_no_object_is_left_to_who_reads_it() {
        for event in [json!(null), json!([]), json!("x")] {
            assert_eq!(normalized(event.clone()).unwrap(), event);
        }
    }
}
