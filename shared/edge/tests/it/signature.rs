//! Signed requests, behind API Gateway.

use std::{sync::Arc, time::Duration};

use axum::{Router, middleware::from_fn_with_state, routing::any};
use edge::{Authenticated, Authenticator, Envelope, Gateway, require_key};
use hub::{limits::Limits, signing, tenants};
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use serde_json::{Map, Value, json};
use testkit::{Call, Fault, FaultPoint, Signer, Unsigned, World, build};

const KEY: &str = "a-key-of-twenty-letters";
const OTHER_KEY: &str = "another-key-of-twenty";
const PATH: &str = "/api/v1/accounts/one";
const UPLOAD_PATH: &str = "/api/v1/uploads/one/complete";

struct Scene {
    world: World,
    gateway: Gateway,
    signer: Signer,
}

const GET: Unsigned = Unsigned { method: "GET", path: PATH, query: &[], idempotency_key: None, body: "" };
const POST: Unsigned = Unsigned {
    method: "POST",
    path: UPLOAD_PATH,
    query: &[("a", "1"), ("empty", "")],
    idempotency_key: Some("\"k\""),
    body: r#"{"a": "ü"}"#,
};

impl Scene {
    /// Two tenants, the first with a signing secret.
    async fn new() -> Self {
        let (world, keyed_hash, secrets) = (World::new(build::NOW, 1), build::keyed_hash(), build::vaults().secrets);
        for key in [KEY, OTHER_KEY] {
            tenants::create(&world, &keyed_hash, "Test", key).await.unwrap();
        }
        let new = signing::give_secret(&world, &secrets, &keyed_hash, KEY).await.unwrap();
        let signer = Signer::new(new.id.as_str(), new.secret.expose());
        let authenticator = Authenticator {
            ports: world.clone(),
            keyed_hash,
            limits: Limits::default(),
            secrets,
            allowed_origins: Default::default(),
        };
        let answer = async |Authenticated(principal): Authenticated, body: String| {
            Envelope::ok(json!({ "tenant": principal.tenant().as_str(), "body": body }))
        };
        let routes = Router::new()
            .route("/v1/accounts/{user_id}", any(answer))
            .route("/v1/uploads/{upload_id}/complete", any(answer));
        let routes = routes.layer(from_fn_with_state(Arc::new(authenticator), require_key));
        world.forget_calls();
        Self { world, gateway: Gateway::new(routes), signer }
    }

    async fn demand_signatures(&self) {
        signing::set_required(&self.world, &build::keyed_hash(), KEY, true).await.unwrap();
        self.world.forget_calls();
    }

    /// The headers of the request, signed now with this nonce.
    fn sign(&self, request: &Unsigned, nonce: &str) -> Vec<(&'static str, String)> {
        self.signer.sign(request, build::NOW, nonce)
    }

    /// The status of the answer, and the code of its problem, or the body that came to the route.
    async fn send(&self, request: &Unsigned<'_>, headers: &[(&'static str, String)]) -> (u64, String) {
        self.send_as(KEY, request, headers).await
    }

    async fn send_as(&self, key: &str, request: &Unsigned<'_>, headers: &[(&str, String)]) -> (u64, String) {
        let mut event = event(key, request);
        for (name, value) in headers {
            event["multiValueHeaders"][*name] = json!([value]);
        }
        self.take(event).await
    }

    async fn take(&self, event: Value) -> (u64, String) {
        let answer = self.gateway.answer(LambdaEvent::new(event, Context::default())).await.unwrap();
        let body: Value = serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        let said = if body["error"].is_null() { &body["data"]["body"] } else { &body["error"]["code"] };
        (answer["statusCode"].as_u64().unwrap(), said.as_str().unwrap().to_owned())
    }
}

/// An event of API Gateway.
fn event(key: &str, request: &Unsigned) -> Value {
    let query: Map<String, Value> =
        request.query.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
    let is_of_uploads = request.path.contains("/uploads/");
    let (route, parameter) = if is_of_uploads {
        ("/v1/uploads/{upload_id}/complete", "upload_id")
    } else {
        ("/v1/accounts/{user_id}", "user_id")
    };
    json!({
        "resource": route, "path": route, "httpMethod": request.method,
        "headers": {}, "multiValueHeaders": { "x-api-key": [key], "content-type": ["application/json"] },
        "queryStringParameters": null, "multiValueQueryStringParameters": query,
        "pathParameters": { parameter: "one" },
        "requestContext": {
            "resourcePath": route, "path": request.path, "requestId": "r",
            "domainName": "api.example.org", "identity": {}, "httpMethod": request.method,
        },
        "body": request.body, "isBase64Encoded": false,
    })
}

fn invalid() -> (u64, String) {
    (401, "ERR_SIGNATURE_INVALID".to_owned())
}

#[tokio::test]
async fn a_signed_request_reaches_its_route_with_its_body() {
    let scene = Scene::new().await;
    assert_eq!(scene.send(&GET, &scene.sign(&GET, "1")).await, (200, String::new()));
    assert_eq!(scene.send(&POST, &scene.sign(&POST, "2")).await, (200, POST.body.to_owned()));
    assert_eq!(scene.world.calls(), [[Call::KeyHolder, Call::SigningSecret, Call::UseNonce]; 2].concat());
}

#[tokio::test]
async fn an_unsigned_request_is_refused_where_signatures_are_demanded() {
    let scene = Scene::new().await;
    assert_eq!(scene.send(&GET, &[]).await.0, 200, "none is demanded");
    scene.demand_signatures().await;
    assert_eq!(scene.send(&GET, &[]).await, (401, "ERR_SIGNATURE_REQUIRED".to_owned()));
    assert_eq!(scene.world.calls(), [Call::KeyHolder]);
    assert_eq!(scene.send(&GET, &scene.sign(&GET, "1")).await.0, 200);
    assert_eq!(scene.send_as(OTHER_KEY, &GET, &[]).await.0, 200, "another key does not demand it");
}

#[tokio::test]
async fn a_signature_is_accepted_once() {
    let scene = Scene::new().await;
    let signed = scene.sign(&POST, "n");
    assert_eq!(scene.send(&POST, &signed).await.0, 200);
    assert_eq!(scene.send(&POST, &signed).await, invalid());
    assert_eq!(scene.send(&GET, &scene.sign(&GET, "n")).await, invalid(), "the nonce is used for another request, too");
    assert_eq!(scene.send(&GET, &scene.sign(&GET, "m")).await.0, 200);
}

#[tokio::test]
async fn a_signature_that_does_not_verify_uses_no_nonce() {
    let scene = Scene::new().await;
    let stranger = Signer::new("sgn_00000000000000000000000000000000", *b"a secret");
    assert_eq!(scene.send(&GET, &stranger.sign(&GET, build::NOW, "n")).await, invalid());
    let mut forged = scene.sign(&GET, "n");
    forged.last_mut().unwrap().1 = "sig=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:".to_owned();
    assert_eq!(scene.send(&GET, &forged).await, invalid());
    assert_eq!(scene.world.count(Call::UseNonce), 0);
    assert_eq!(scene.send(&GET, &scene.sign(&GET, "n")).await.0, 200);
}

#[tokio::test]
async fn a_signature_is_its_api_keys_own() {
    let scene = Scene::new().await;
    assert_eq!(scene.send_as(OTHER_KEY, &GET, &scene.sign(&GET, "n")).await, invalid());
    assert_eq!(scene.world.calls(), [Call::KeyHolder], "no secret is looked for that the key does not name");
    let (unknown, _) = scene.send_as("a-key-that-is-nobodys-own", &GET, &scene.sign(&GET, "n")).await;
    assert_eq!(unknown, 401);
}

#[tokio::test]
async fn what_is_changed_after_signing_is_refused() {
    let scene = Scene::new().await;
    let changed = [
        Unsigned { body: r#"{"a": "u"}"#, ..POST },
        Unsigned { body: "", ..POST },
        Unsigned { path: "/api/v1/uploads/two/complete", ..POST },
        Unsigned { path: "/other/v1/uploads/one/complete", ..POST },
        Unsigned { query: &[("a", "2"), ("empty", "")], ..POST },
        Unsigned { query: &[("a", "1")], ..POST },
        Unsigned { query: &[("a", "1"), ("empty", ""), ("b", "")], ..POST },
    ];
    for (number, request) in changed.iter().enumerate() {
        let signed = scene.sign(&POST, &number.to_string());
        assert_eq!(scene.send(request, &signed).await, invalid(), "{request:?}");
    }
    let deleted = Unsigned { method: "DELETE", ..GET };
    assert_eq!(scene.send(&deleted, &scene.sign(&GET, "deleted")).await, invalid());
    for missing in ["content-digest", "idempotency-key", "signature", "signature-input"] {
        let mut signed = scene.sign(&POST, missing);
        signed.retain(|(name, _)| *name != missing);
        assert_eq!(scene.send(&POST, &signed).await, invalid(), "without {missing}");
    }
    for added in ["content-digest", "idempotency-key", "x-idempotency-key"] {
        let mut signed = scene.sign(&GET, added);
        signed.push((added, "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:".to_owned()));
        assert_eq!(scene.send(&GET, &signed).await, invalid(), "with {added}");
    }
    assert_eq!(scene.world.count(Call::UseNonce), 0);
}

#[tokio::test]
async fn a_path_is_the_same_however_it_is_escaped() {
    let scene = Scene::new().await;
    let signed = |path, nonce: &str| scene.sign(&Unsigned { path, ..GET }, nonce);
    let sent = |path| Unsigned { path, ..GET };
    for (number, path) in ["/api/v1/accounts/%6fne", "/api/v1/accounts/%6Fne", PATH].iter().enumerate() {
        let signed = signed(PATH, &number.to_string());
        assert_eq!(scene.send(&sent(path), &signed).await.0, 200, "{path}");
    }
    assert_eq!(scene.send(&sent(PATH), &signed("/api/v1/accounts/%6Fne", "not canonical")).await, invalid());
    for (number, path) in ["/api/v1/accounts/ü", "/api/v1/accounts/%c3%bc"].iter().enumerate() {
        let signed = signed("/api/v1/accounts/%C3%BC", &format!("u{number}"));
        assert_eq!(scene.send(&sent(path), &signed).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn what_is_given_twice_is_refused() {
    let scene = Scene::new().await;
    let query = Unsigned { query: &[("a", "1")], ..GET };
    let mut twice = event(KEY, &query);
    for (name, value) in scene.sign(&query, "n") {
        twice["multiValueHeaders"][name] = json!([value]);
    }
    twice["multiValueQueryStringParameters"]["a"] = json!(["1", "1"]);
    assert_eq!(scene.take(twice).await, invalid());
    for name in ["signature", "signature-input", "content-digest", "idempotency-key"] {
        let mut event = event(KEY, &POST);
        for (name, value) in scene.sign(&POST, name) {
            event["multiValueHeaders"][name] = json!([value]);
        }
        let value = event["multiValueHeaders"][name][0].clone();
        event["multiValueHeaders"][name] = json!([value, value]);
        assert_eq!(scene.take(event).await, (400, "ERR_INVALID_REQUEST".to_owned()), "{name}");
    }
}

#[tokio::test]
async fn an_old_signature_is_refused_and_a_future_one() {
    let scene = Scene::new().await;
    for (number, (created, accepted)) in [
        (build::NOW.before(Duration::from_secs(300)), true),
        (build::NOW.before(Duration::from_secs(301)), false),
        (build::NOW + Duration::from_secs(300), true),
        (build::NOW + Duration::from_secs(301), false),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, _) = scene.send(&GET, &scene.signer.sign(&GET, created, &number.to_string())).await;
        assert_eq!(status == 200, accepted, "{created}");
    }
}

/// A replay at the very end of a signature's time meets the nonce, or is too late.
#[tokio::test]
async fn a_nonce_is_known_for_as_long_as_its_signature_could_be_accepted() {
    let scene = Scene::new().await;
    let signed = scene.signer.sign(&GET, build::NOW + Duration::from_secs(300), "n");
    assert_eq!(scene.send(&GET, &signed).await.0, 200);
    for _ in 0..605 {
        scene.world.pass(Duration::from_secs(1));
        assert_eq!(scene.send(&GET, &signed).await, invalid(), "{}", scene.world.count(Call::UseNonce));
    }
}

#[tokio::test]
async fn what_fails_refuses_nobody_for_good() {
    let scene = Scene::new().await;
    scene.demand_signatures().await;
    for number in 0..3 {
        scene.world.forget_calls();
        scene.world.fault(number, FaultPoint::Before, Fault::Fail);
        let signed = scene.sign(&GET, &number.to_string());
        assert_eq!(scene.send(&GET, &signed).await, (503, "ERR_UNAVAILABLE".to_owned()), "{number}");
        assert_eq!(scene.send(&GET, &signed).await.0, 200, "{number}");
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_not_read_for_its_digest() {
    let scene = Scene::new().await;
    let body = "x".repeat(edge::MAX_BODY_BYTES + 1);
    let long = Unsigned { body: &body, ..POST };
    assert_eq!(scene.send(&long, &scene.sign(&long, "n")).await, (413, "ERR_PAYLOAD_TOO_LARGE".to_owned()));
}
