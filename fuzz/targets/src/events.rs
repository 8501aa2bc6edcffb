//! Whole events of API Gateway, filled by a stranger.

use std::collections::BTreeMap;

use axum::{
    Router,
    routing::{delete, post},
};
use edge::{Envelope, Gateway, Json, PathText};
use lambda_runtime::{Context, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::now;

/// What of an event a stranger chooses. API Gateway's own part says which route it matched.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stranger {
    path: String,
    headers: BTreeMap<String, Vec<String>>,
    query: BTreeMap<String, Vec<String>>,
    id: String,
    body: Option<String>,
    is_base64: bool,
}

impl Stranger {
    /// The JSON of one, or a text that is everything at once.
    fn of(data: &[u8]) -> Self {
        serde_json::from_slice(data).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(data).into_owned();
            let (name, value) = text.split_once(':').unwrap_or((&text, &text));
            let headers = [("content-type", "application/json"), (name, value), ("host", &text)];
            Self {
                headers: headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into(),
                query: [(name.to_owned(), vec![value.to_owned()])].into(),
                path: text.clone(),
                id: text.clone(),
                is_base64: text.len().is_multiple_of(4),
                body: Some(text),
            }
        })
    }

    fn event(&self, method: &str, resource: &str) -> Value {
        json!({
            "resource": resource,
            "path": self.path,
            "httpMethod": method,
            "headers": {},
            "multiValueHeaders": self.headers,
            "queryStringParameters": {},
            "multiValueQueryStringParameters": self.query,
            "pathParameters": { "id": self.id },
            "stageVariables": null,
            "requestContext": {
                "requestId": "gateway-1",
                "httpMethod": method,
                "path": self.path,
                "resourcePath": resource,
                "identity": { "sourceIp": "192.0.2.1" },
            },
            "body": self.body,
            "isBase64Encoded": self.is_base64,
        })
    }
}

/// A raw event: it is answered by us, as JSON, on the route that API Gateway matched; never with a fault of ours.
pub fn gateway_event(data: &[u8]) {
    let stranger = Stranger::of(data);
    let routes = Router::new()
        .route("/v1/things/{id}", delete(async |PathText(id): PathText| Envelope::ok(json!({ "deleted": id }))))
        .route("/v1/things", post(async |Json(_): Json<Value>| Envelope::ok(json!({ "posted": true }))));
    let gateway = Gateway::new(routes);
    for (method, resource, own) in [("DELETE", "/v1/things/{id}", "deleted"), ("POST", "/v1/things", "posted")] {
        let event = LambdaEvent::new(stranger.event(method, resource), Context::default());
        let answer = now(gateway.answer(event)).expect("an event of API Gateway is answered");
        let status = answer["statusCode"].as_u64().unwrap_or_default();
        assert!((200..500).contains(&status), "{answer}: {stranger:?}");
        let body: Value =
            serde_json::from_str(answer["body"].as_str().unwrap_or_default()).expect("the answer is JSON");
        if status == 200 {
            assert!(!body["data"][own].is_null(), "another route: {answer}: {stranger:?}");
        }
        assert_eq!(answer["multiValueHeaders"]["x-request-id"], json!(["gateway-1"]), "{stranger:?}");
    }
}
