//! What the audit log is told of requests, behind API Gateway: the lines as the functions log them.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    http::StatusCode,
    middleware::from_fn_with_state,
    routing::{delete, get, post},
};
use domain::{
    TenantId,
    api_key::{ApiKey, KeyChange, Scope},
    tenant::TenantChange,
};
use edge::{Authenticator, Envelope, ErrorCode, Gateway, Problem, Touched, require_key};
use hub::{
    limits::Limits,
    ports::Clock,
    tenants::{self, KeyRequest},
};
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::{World, build};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{fmt, layer::SubscriberExt, registry};

const JOB: &str = "job_00000000000000000000000000000001";
const USER: &str = "usr_00000000000000000000000000000002";

/// What is logged in this thread.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn start() -> (Self, DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let lines = fmt::layer().json().flatten_event(true).with_writer(move || writer.clone());
        let guard = tracing::subscriber::set_default(registry().with(lines));
        (log, guard)
    }

    /// The lines for the audit log, taken out.
    fn take(&self) -> Vec<Value> {
        let text = String::from_utf8(std::mem::take(&mut *self.0.lock().unwrap())).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["target"] == "audited").collect()
    }

    fn is_empty(&self) -> bool {
        !String::from_utf8_lossy(&self.0.lock().unwrap()).contains("audited")
    }
}

struct Scene {
    world: World,
    gateway: Gateway,
    tenant: TenantId,
    key: ApiKey,
    reader: ApiKey,
    log: Log,
    _logging: DefaultGuard,
}

impl Scene {
    async fn new() -> Self {
        let (log, logging) = Log::start();
        let (world, keyed_hash, secrets) = (World::new(build::NOW, 1), build::keyed_hash(), build::vaults().secrets);
        let (key, reader) = (tenants::generate_key(&world), tenants::generate_key(&world));
        let tenant = tenants::create(&world, &keyed_hash, "Test", key.as_str()).await.unwrap();
        let request = KeyRequest { scopes: [Scope::JobsRead].into_iter().collect(), ..KeyRequest::default() };
        tenants::create_key(&world, &keyed_hash, &tenant, reader.as_str(), request).await.unwrap();
        let (limits, allowed_origins) = (Limits::default(), Default::default());
        let authenticator = Authenticator { ports: world.clone(), keyed_hash, limits, secrets, allowed_origins };
        let accepted = async || (Touched::ids([JOB, USER]), Envelope { status: StatusCode::ACCEPTED, data: "data" });
        let waiting = log.clone();
        let slow = async move || {
            while waiting.is_empty() {
                tokio::task::yield_now().await;
            }
            Envelope::ok("data")
        };
        let routes = Router::new()
            .route("/v1/flickr/rest", post(accepted))
            .route("/v1/flickr/jobs/status", post(async || Envelope::ok("data")))
            .route("/v1/accounts/{user_id}", delete(async || Problem::new(ErrorCode::AccountNotFound, "canary")))
            .route("/v1/uploads", post(async || -> String { unreachable!("on purpose") }))
            .route("/v1/cache/invalidate", post(slow))
            .route("/v1/usage", get(async || Envelope::ok("data")))
            .layer(from_fn_with_state(Arc::new(authenticator), require_key))
            .route("/v1/auth/callback", get(async || Envelope::ok("data")));
        Self { world, gateway: Gateway::new(routes), tenant, key, reader, log, _logging: logging }
    }

    /// The lines for the audit log about a request, to be answered with this status.
    async fn lines(&self, event: Value, status: u64) -> Vec<Value> {
        self.lines_until(event, status, 0).await
    }

    async fn lines_until(&self, event: Value, status: u64, deadline: u64) -> Vec<Value> {
        let mut context = Context::default();
        context.deadline = deadline;
        let answer = self.gateway.answer(LambdaEvent::new(event, context)).await.unwrap();
        assert_eq!(answer["statusCode"], status, "{answer}");
        self.log.take()
    }

    /// The only one.
    async fn line(&self, event: Value, status: u64) -> Value {
        let mut lines = self.lines(event, status).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.remove(0)
    }
}

/// An event of API Gateway with this API key.
fn event(key: &str, method: &str, route: &str) -> Value {
    json!({
        "resource": route, "path": route, "httpMethod": method,
        "headers": {}, "multiValueHeaders": { "x-api-key": [key], "user-agent": ["curl/8.5"] },
        "queryStringParameters": null, "multiValueQueryStringParameters": null,
        "pathParameters": { "user_id": USER },
        "requestContext": {
            "resourcePath": route, "path": route, "requestId": "request-1", "domainName": "api.example.org",
            "identity": { "sourceIp": "192.0.2.7" }, "httpMethod": method,
        },
        "body": "{}", "isBase64Encoded": false,
    })
}

#[tokio::test]
async fn a_change_is_told_with_who_from_where_what_and_its_outcome() {
    let scene = Scene::new().await;
    let mut line = scene.line(event(scene.key.as_str(), "POST", "/v1/flickr/rest"), 202).await;
    assert!(line["timestamp"].is_string());
    line.as_object_mut().unwrap().remove("timestamp");
    let expected = json!({
        "level": "INFO", "target": "audited", "event": "change", "outcome": "done", "request_id": "request-1",
        "tenant_id": scene.tenant.as_str(), "key_id": scene.key.id().as_str(), "source_ip": "192.0.2.7",
        "user_agent": "curl/8.5", "method": "POST", "route": "/v1/flickr/rest", "ids": format!("{JOB} {USER}"),
        "status": 202,
    });
    assert_eq!(line, expected, "and nothing else: no path, no query, no body");
}

#[tokio::test]
async fn a_change_is_told_however_it_ends_and_a_read_is_not() {
    let scene = Scene::new().await;
    let key = scene.key.as_str();
    let refused = scene.line(event(key, "DELETE", "/v1/accounts/{user_id}"), 404).await;
    assert_eq!((&refused["event"], &refused["outcome"]), (&json!("change"), &json!("refused")));
    assert_eq!((&refused["code"], &refused["ids"]), (&json!("ERR_ACCOUNT_NOT_FOUND"), &json!(USER)));
    let failed = scene.line(event(key, "POST", "/v1/uploads"), 500).await;
    assert_eq!((&failed["outcome"], &failed["code"]), (&json!("failed"), &json!("ERR_INTERNAL")));
    for (method, route) in [("GET", "/v1/usage"), ("POST", "/v1/flickr/jobs/status"), ("GET", "/v1/auth/callback")] {
        assert_eq!(scene.lines(event(key, method, route), 200).await, [] as [Value; 0], "{route}");
    }
}

#[tokio::test]
async fn whoever_is_refused_is_told_of_whatever_was_asked() {
    let scene = Scene::new().await;
    let keyed_hash = build::keyed_hash();
    let told = |line: &Value| {
        let names = ["event", "outcome", "code", "tenant_id", "key_id", "shown_key_id"];
        names.map(|name| line[name].as_str().unwrap_or("-").to_owned())
    };
    let (tenant, reader) = (scene.tenant.as_str(), scene.reader.id().as_str());
    let refused = |code, tenant, key, shown| ["access_refused", "refused", code, tenant, key, shown];

    let scope = scene.line(event(scene.reader.as_str(), "POST", "/v1/flickr/rest"), 403).await;
    assert_eq!(told(&scope), refused("ERR_SCOPE_MISSING", tenant, reader, "-"));
    let unknown = tenants::generate_key(&scene.world);
    let nobody = scene.line(event(unknown.as_str(), "GET", "/v1/usage"), 401).await;
    assert_eq!(told(&nobody), refused("ERR_UNAUTHORIZED", "-", "-", unknown.id().as_str()));
    for shown in ["a-key-of-twenty-letters", ""] {
        let nobody = scene.line(event(shown, "GET", "/v1/usage"), 401).await;
        assert_eq!(told(&nobody), refused("ERR_UNAUTHORIZED", "-", "-", "-"), "{shown}");
    }
    let mut two = event(scene.key.as_str(), "GET", "/v1/usage");
    two["requestContext"]["identity"]["apiKey"] = json!("another-key-of-twenty");
    assert_eq!(told(&scene.line(two, 401).await), refused("ERR_UNAUTHORIZED", "-", "-", "-"));

    hub::signing::give_secret(&scene.world, &build::vaults().secrets, &keyed_hash, scene.key.as_str()).await.unwrap();
    hub::signing::set_required(&scene.world, &keyed_hash, scene.key.as_str(), true).await.unwrap();
    let unsigned = scene.line(event(scene.key.as_str(), "GET", "/v1/usage"), 401).await;
    assert_eq!(told(&unsigned), refused("ERR_SIGNATURE_REQUIRED", tenant, scene.key.id().as_str(), "-"));

    let revoked = KeyChange::Revoke(scene.world.now());
    tenants::change_key_of_id(&scene.world, scene.key.id(), revoked).await.unwrap();
    let revoked = scene.line(event(scene.key.as_str(), "GET", "/v1/usage"), 401).await;
    assert_eq!(told(&revoked), refused("ERR_UNAUTHORIZED", "-", "-", scene.key.id().as_str()));
    tenants::change(&scene.world, &scene.tenant, &TenantChange::Suspend(scene.world.now())).await.unwrap();
    let suspended = scene.line(event(scene.reader.as_str(), "GET", "/v1/usage"), 403).await;
    assert_eq!(told(&suspended), refused("ERR_TENANT_SUSPENDED", "-", "-", reader));
}

#[tokio::test]
async fn a_change_is_told_before_its_function_is_stopped() {
    let scene = Scene::new().await;
    let late = event(scene.key.as_str(), "POST", "/v1/cache/invalidate");
    let lines = scene.lines_until(late, 200, 1).await;
    let outcomes: Vec<&Value> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(outcomes, ["unfinished", "done"], "the answer may still come");
    let unfinished = &lines[0];
    assert_eq!((&unfinished["event"], &unfinished["status"]), (&json!("change"), &Value::Null));
    assert_eq!(unfinished["shown_key_id"], scene.key.id().as_str());
    assert!(scene.lines_until(event(scene.key.as_str(), "GET", "/v1/usage"), 200, 1).await.is_empty());
}

#[tokio::test]
async fn a_user_agent_is_cut_short_and_withheld_if_a_key_is_in_it() {
    let scene = Scene::new().await;
    let told = async |user_agent: &str| {
        let mut event = event(scene.key.as_str(), "POST", "/v1/flickr/rest");
        event["multiValueHeaders"]["user-agent"] = json!([user_agent]);
        scene.line(event, 202).await["user_agent"].as_str().unwrap().to_owned()
    };
    assert_eq!(told(&"ü".repeat(300)).await, "ü".repeat(200));
    for secret in [scene.key.as_str(), scene.reader.as_str()] {
        assert_eq!(told(&format!("{}{secret}", "x".repeat(150))).await, "(withheld)");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Secrets in every place that a client fills, among them the user agent for API keys.
    #[test]
    fn no_secret_is_told(
        text in "[ -~]{0,40}",
        route in prop::sample::select(vec!["/v1/flickr/rest", "/v1/accounts/{user_id}", "/v1/uploads", "/v1/of-tomorrow"]),
        method in prop::sample::select(vec!["GET", "POST", "DELETE"]),
        is_known in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let scene = Scene::new().await;
            let secrets = [scene.key.as_str(), scene.reader.as_str(), "canary-secret"];
            let all = format!("{text}{}{text}", secrets.join(&text));
            let mut event = event(if is_known { secrets[0] } else { "a-key-of-twenty-letters" }, method, route);
            event["pathParameters"]["user_id"] = json!(all);
            event["multiValueQueryStringParameters"] = json!({ "q": [all] });
            event["multiValueHeaders"]["idempotency-key"] = json!([all]);
            event["multiValueHeaders"]["user-agent"] = json!([format!("{text}{}{text}", secrets[1])]);
            event["body"] = json!(json!({ "user_id": all, "params": { "a": all } }).to_string());
            scene.gateway.answer(LambdaEvent::new(event, Context::default())).await.unwrap();
            for line in scene.log.take() {
                let line = line.to_string();
                prop_assert!(secrets.iter().all(|secret| !line.contains(secret)), "{line}");
                prop_assert!(line.len() < 2_000, "{line}");
            }
            Ok(())
        })?;
    }
}
