//! Requests to a router in this process.

#![expect(clippy::unwrap_used, reason = "a request that cannot be made fails its test")]

use axum::{Router, body::Body};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::openapi;

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Its body.
    pub text: String,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The code of a problem document, which must be whole.
    ///
    /// # Panics
    /// When the body is no such document, or does not agree with the status and the headers.
    pub fn problem(&self) -> String {
        let document = self.json();
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(document["status"], self.status.as_u16());
        assert_eq!(document["request_id"].as_str().unwrap(), self.headers["x-request-id"]);
        for member in ["type", "title", "detail", "instance"] {
            assert!(document[member].is_string(), "{member} is missing: {document}");
        }
        assert!(document["error"]["message"].is_string() && document["error"]["details"].is_array(), "{document}");
        assert_eq!(self.headers.contains_key("retry-after"), self.status == 429 || self.status == 503);
        document["error"]["code"].as_str().unwrap().to_owned()
    }

    /// The `data` of a success, whose envelope must be whole.
    ///
    /// # Panics
    /// When the answer is no success, or its envelope is not whole.
    pub fn data(&self) -> Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.text);
        let envelope = self.json();
        assert_eq!(self.headers["content-type"], "application/json");
        assert_eq!(envelope["request_id"].as_str().unwrap(), self.headers["x-request-id"]);
        assert!(envelope["error"].is_null());
        envelope["data"].clone()
    }
}

/// Sends one request; its answer must be as the OpenAPI document says.
///
/// # Panics
/// When the request cannot be made, or its answer is not documented.
pub async fn send(routes: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let answer = ask(routes, method.clone(), path, headers, body).await;
    openapi::check(&method, path, answer.status, &answer.headers, &answer.text);
    answer
}

/// Sends one request to routes that need not be those of the document.
///
/// # Panics
/// When the request cannot be made.
pub async fn ask(routes: &Router, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let request = Request::builder().method(method).uri(path).header("host", "hub.example");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = routes.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    Answer { status: parts.status, headers: parts.headers, text }
}
