//! Signed requests, altered by a stranger who does not know the signing secret.

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, middleware::from_fn_with_state, routing::post};
use domain::tenant::Origins;
use edge::{Authenticator, Envelope, Gateway, require_key};
use http::HeaderMap;
use hub::{limits::Limits, signing, tenants};
use lambda_runtime::{Context, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use testkit::{Call, Signer, Unsigned, World, build};

use crate::now;

const KEY: &str = "a-key-of-twenty-letters";
const ROUTE: &str = "/v1/uploads/{upload_id}/complete";
const SIGNED: Unsigned = Unsigned {
    method: "POST",
    path: "/api/v1/uploads/one/complete",
    query: &[("a", "1"), ("b", "")],
    idempotency_key: Some("\"k\""),
    body: r#"{"a": 1}"#,
};

/// What a stranger puts in place of what was signed.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Altered {
    /// Each with its values; none removes it.
    headers: BTreeMap<String, Vec<String>>,
    query: Option<BTreeMap<String, Vec<String>>>,
    path: Option<String>,
    body: Option<String>,
}

impl Altered {
    /// The JSON of one, or a text that stands for both headers of the signature.
    fn of(data: &[u8]) -> Self {
        serde_json::from_slice(data).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(data).into_owned();
            let (input, signature) = text.split_once('\n').unwrap_or((&text, &text));
            let headers = [("signature-input", input), ("signature", signature)];
            let headers = headers.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into();
            Self { headers, ..Self::default() }
        })
    }
}

/// A signed request, altered: it reaches its route only where it says what was signed, and uses its nonce only then; it
/// is never a fault of ours.
pub fn signed_request(data: &[u8]) {
    let altered = Altered::of(data);
    let (world, keyed_hash, secrets) = (World::new(build::NOW, 1), build::keyed_hash(), build::vaults().secrets);
    now(tenants::create(&world, &keyed_hash, "Test", KEY)).expect("a tenant");
    let new = now(signing::give_secret(&world, &secrets, &keyed_hash, KEY)).expect("a signing secret");
    now(signing::set_required(&world, &keyed_hash, KEY, true)).expect("signatures are demanded");
    let signer = Signer::new(new.id.as_str(), new.secret.expose());
    let mut headers: BTreeMap<String, Vec<String>> =
        [("x-api-key", KEY), ("content-type", "application/json")].map(as_header).into();
    headers.extend(signer.sign(&SIGNED, build::NOW, "n").iter().map(|(name, value)| as_header((name, value))));
    headers.extend(altered.headers.clone());
    let signed_query: BTreeMap<String, Vec<String>> = SIGNED.query.iter().copied().map(as_header).collect();
    let query = altered.query.clone().unwrap_or_else(|| signed_query.clone());
    let path = altered.path.as_deref().unwrap_or(SIGNED.path);
    let body = altered.body.as_deref().unwrap_or(SIGNED.body);
    let event = json!({
        "resource": ROUTE, "path": path, "httpMethod": SIGNED.method,
        "headers": {}, "multiValueHeaders": headers,
        "queryStringParameters": {}, "multiValueQueryStringParameters": query,
        "pathParameters": { "upload_id": "one" }, "stageVariables": null,
        "requestContext": {
            "requestId": "gateway-1", "httpMethod": SIGNED.method, "path": path, "resourcePath": ROUTE,
            "identity": { "sourceIp": "192.0.2.1" },
        },
        "body": body, "isBase64Encoded": false,
    });
    let (limits, allowed_origins) = (Limits::default(), Origins::default());
    let authenticator = Authenticator { ports: world.clone(), keyed_hash, limits, secrets, allowed_origins };
    let routes =
        Router::new().route(ROUTE, post(reached)).layer(from_fn_with_state(Arc::new(authenticator), require_key));
    // What is noted of the use of a key may not take long, which needs a clock.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let gateway = Gateway::new(routes);
    let answer = runtime.block_on(gateway.answer(LambdaEvent::new(event, Context::default()))).expect("an answer");
    let status = answer["statusCode"].as_u64().unwrap_or_default();
    assert!(status == 200 || (400..500).contains(&status), "{answer}: {altered:?}");
    assert_eq!(world.count(Call::UseNonce), usize::from(status == 200), "{altered:?}");
    if status == 200 {
        let said: Value =
            serde_json::from_str(answer["body"].as_str().unwrap_or_default()).expect("the answer is JSON");
        let expected = json!({ "body": SIGNED.body, "idempotency_key": SIGNED.idempotency_key });
        // Escapes spell the same path.
        let path = percent_encoding::percent_decode_str(path).decode_utf8_lossy();
        assert_eq!((&said["data"], &*path, query), (&expected, SIGNED.path, signed_query), "{altered:?}");
    }
}

/// What reaches the route.
async fn reached(headers: HeaderMap, body: String) -> Envelope<Value> {
    let key = headers.get("idempotency-key").and_then(|value| value.to_str().ok());
    Envelope::ok(json!({ "body": body, "idempotency_key": key }))
}

fn as_header((name, value): (&str, &str)) -> (String, Vec<String>) {
    (name.to_owned(), vec![value.to_owned()])
}
