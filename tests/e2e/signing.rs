//! Signed requests, from the operator's command to every function that serves requests.

use base64::{Engine, engine::general_purpose::STANDARD};
use hub::ports::Clock;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Signer, Unsigned};

use crate::{
    emulator::{admin_key_answer, another_tenant, cloud, logs, random_key},
    stack::{Answer, Hub, env},
};

const GET: Unsigned = Unsigned { method: "GET", path: "", query: &[], idempotency_key: None, body: "" };

/// Sends the request, signed now with this nonce; `path` begins with the stage.
async fn send(hub: &Hub, signer: &Signer, request: &Unsigned<'_>, nonce: &str) -> Answer {
    let signed = signer.sign(request, cloud().now(), nonce);
    let headers: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let query: Vec<String> = request.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let path = request.path.strip_prefix("/api").unwrap();
    let target = if query.is_empty() { path.to_owned() } else { format!("{path}?{}", query.join("&")) };
    let body: Option<Value> = (!request.body.is_empty()).then(|| serde_json::from_str(request.body).unwrap());
    hub.call(Method::from_bytes(request.method.as_bytes()).unwrap(), &target, &headers, body.as_ref()).await
}

#[tokio::test]
async fn signed_requests_reach_every_function_once_and_others_are_refused() {
    let hub = another_tenant().await;
    let made = admin_key_answer(&["sign", "enable"], hub.api_key()).await;
    let secret = made["secret"].as_str().unwrap();
    let signer = Signer::new(made["keyid"].as_str().unwrap(), STANDARD.decode(secret).unwrap());
    // Before any function remembers the key.
    admin_key_answer(&["sign", "require"], hub.api_key()).await;

    let body = json!({ "user_id": "usr_00000000000000000000000000000000" }).to_string();
    let requests = [
        (Unsigned { path: "/api/v1/accounts", ..GET }, 200),
        (Unsigned { path: "/api/v1/usage", ..GET }, 200),
        (
            Unsigned { path: "/api/v1/accounts", query: &[("cursor", "usr_00000000000000000000000000000000")], ..GET },
            200,
        ),
        (Unsigned { path: "/api/v1/dlq", ..GET }, 200),
        (
            Unsigned {
                method: "POST",
                path: "/api/v1/cache/invalidate",
                body: &body,
                idempotency_key: Some("k"),
                ..GET
            },
            404,
        ),
    ];
    for (number, (request, status)) in requests.iter().enumerate() {
        let nonce = format!("{}-{number}", random_key());
        let answer = send(&hub, &signer, request, &nonce).await;
        assert_eq!(answer.status.as_u16(), *status, "{request:?}: {}", answer.text);
        let again = send(&hub, &signer, request, &nonce).await;
        assert_eq!((again.status.as_u16(), again.problem()), (401, "ERR_SIGNATURE_INVALID"), "{request:?}");
        let path = request.path.strip_prefix("/api").unwrap();
        let unsigned = hub.call(request.method.parse().unwrap(), path, &[], None).await;
        assert_eq!((unsigned.status.as_u16(), unsigned.problem()), (401, "ERR_SIGNATURE_REQUIRED"), "{request:?}");
    }
    let stranger = Signer::new(made["keyid"].as_str().unwrap(), *b"another secret");
    let forged = send(&hub, &stranger, &requests[0].0, &random_key()).await;
    assert_eq!((forged.status.as_u16(), forged.problem()), (401, "ERR_SIGNATURE_INVALID"));

    for function in ["OAUTH_FUNCTION", "ENQUEUE_FUNCTION", "STATUS_FUNCTION", "DLQ_REPLAY_FUNCTION"] {
        assert!(!logs(&env(function)).await.iter().any(|line| line.contains(secret)), "the secret is in a log");
    }
}
