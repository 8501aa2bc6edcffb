//! Web pages of other origins, behind API Gateway.

use std::sync::Arc;

use axum::{Router, middleware::from_fn_with_state, routing::get};
use domain::{
    TenantId,
    tenant::{Origins, TenantChange, TenantLimits},
};
use edge::{Authenticator, Envelope, Gateway, require_key};
use hub::{limits::Limits, tenants};
use lambda_http::lambda_runtime::{Context, LambdaEvent};
use serde_json::{Value, json};
use testkit::{World, build};

const KEYS: [&str; 2] = ["a-key-of-twenty-letters", "another-key-of-twenty"];
/// Of the first tenant, of the second, of nobody any more, and never allowed.
const OWN: &str = "https://app.example.org";
const OTHERS: &str = "https://other.example";
const WITHDRAWN: &str = "https://old.example";
const FOREIGN: &str = "https://evil.example";

struct Scene {
    world: World,
    tenants: Vec<TenantId>,
    gateway: Gateway,
}

struct Answer(Value);

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let several = self.0["multiValueHeaders"][name][0].as_str();
        several.or_else(|| self.0["headers"][name].as_str())
    }

    fn status(&self) -> u64 {
        self.0["statusCode"].as_u64().unwrap()
    }

    fn code(&self) -> Option<String> {
        let body: Value = serde_json::from_str(self.0["body"].as_str()?).ok()?;
        body["error"]["code"].as_str().map(str::to_owned)
    }

    /// Status, code, and to whom the answer is readable.
    fn seen(&self) -> (u64, Option<String>, Option<&str>) {
        (self.status(), self.code(), self.header("access-control-allow-origin"))
    }
}

fn refused(status: u64, code: &str) -> (u64, Option<String>, Option<&'static str>) {
    (status, Some(code.to_owned()), None)
}

impl Scene {
    /// Two tenants with an origin each, on a stack that allows both.
    async fn new() -> Self {
        Self::allowing(&[OWN, OTHERS]).await
    }

    async fn allowing(origins: &[&str]) -> Self {
        let (world, keyed_hash) = (World::new(build::NOW, 1), build::keyed_hash());
        let mut tenants = Vec::new();
        for (key, origin) in KEYS.into_iter().zip([OWN, OTHERS]) {
            let tenant = tenants::create(&world, &keyed_hash, "Test", key).await.unwrap();
            let origins = Some(Origins::parse([origin, WITHDRAWN]).unwrap());
            let limits = TenantLimits { origins, ..TenantLimits::default() };
            world.set_tenant(&tenant, &TenantChange::SetLimits(limits));
            tenants.push(tenant);
        }
        let allowed_origins = Origins::parse(origins).unwrap();
        let authenticator = Authenticator {
            ports: world.clone(),
            keyed_hash,
            limits: Limits::default(),
            secrets: build::vaults().secrets,
            allowed_origins: allowed_origins.clone(),
        };
        let routes = Router::new().route("/v1/usage", get(async || Envelope::ok("data")));
        let routes = routes.layer(from_fn_with_state(Arc::new(authenticator), require_key));
        Self { world, tenants, gateway: Gateway::new(routes).with_preflights(allowed_origins) }
    }

    async fn ask(&self, method: &str, resource: &str, headers: &[(&str, &str)]) -> Answer {
        let sent: serde_json::Map<String, Value> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), json!([value]))).collect();
        let event = json!({
            "resource": resource, "path": "/v1/usage", "httpMethod": method,
            "pathParameters": { "path": "usage" }, "headers": {}, "multiValueHeaders": sent,
            "requestContext": {
                "requestId": "gateway-1", "httpMethod": method, "path": "/api/v1/usage", "resourcePath": resource,
                "domainName": "api.example.net", "identity": { "sourceIp": "192.0.2.1" },
            },
            "body": null, "isBase64Encoded": false,
        });
        Answer(self.gateway.answer(LambdaEvent::new(event, Context::default())).await.unwrap())
    }

    async fn usage(&self, key: &str, headers: &[(&str, &str)]) -> Answer {
        self.ask("GET", "/v1/usage", &[&[("x-api-key", key)], headers].concat()).await
    }

    async fn preflight(&self, headers: &[(&str, &str)]) -> Answer {
        self.ask("OPTIONS", "/v1/{path+}", headers).await
    }
}

#[tokio::test]
async fn a_preflight_is_answered_from_what_the_stack_allows_for_anybody() {
    let scene = Scene::new().await;
    let asks = ("access-control-request-method", "GET");
    for origin in [OWN, OTHERS] {
        let answer = scene.preflight(&[("origin", origin), asks]).await;
        assert_eq!(answer.seen(), (204, None, Some(origin)));
        assert_eq!(answer.header("access-control-allow-methods"), Some("GET, POST, DELETE"));
        let headers = answer.header("access-control-allow-headers").unwrap().to_lowercase();
        for name in ["x-api-key", "content-type", "idempotency-key", "if-none-match", "signature", "content-digest"] {
            assert!(headers.split(", ").any(|listed| listed == name), "{name}: {headers}");
        }
        assert_eq!(answer.header("access-control-max-age"), Some("7200"));
        assert_eq!((answer.header("vary"), answer.header("x-request-id")), (Some("Origin"), Some("gateway-1")));
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    for origin in [FOREIGN, WITHDRAWN, "null", "*", "https://app.example.org/", "http://app.example.org", "ü"] {
        let answer = scene.preflight(&[("origin", origin), asks]).await;
        assert_eq!(answer.seen(), refused(403, "ERR_ORIGIN_NOT_ALLOWED"), "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
    for headers in [&[][..], &[asks], &[("origin", OWN)]] {
        assert_eq!(scene.preflight(headers).await.seen(), refused(404, "ERR_NOT_FOUND"), "{headers:?} is no preflight");
    }
}

#[tokio::test]
async fn a_tenants_requests_come_from_its_own_pages_alone() {
    let scene = Scene::new().await;
    for (key, origin) in KEYS.into_iter().zip([OWN, OTHERS]) {
        let answer = scene.usage(key, &[("origin", origin)]).await;
        assert_eq!(answer.seen(), (200, None, Some(origin)));
        assert_eq!(answer.header("vary"), Some("Origin"));
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for name in ["etag", "location", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"] {
            assert!(exposed.split(", ").any(|listed| listed == name), "{name}: {exposed}");
        }
        assert_eq!(answer.header("access-control-allow-credentials"), None);
    }
    // Allowed for another tenant, by the tenant alone, by nobody.
    for origin in [OTHERS, WITHDRAWN, FOREIGN, "null"] {
        let answer = scene.usage(KEYS[0], &[("origin", origin)]).await;
        assert_eq!(answer.seen(), refused(403, "ERR_ORIGIN_NOT_ALLOWED"), "{origin}");
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn a_tenant_without_origins_has_no_pages() {
    let scene = Scene::new().await;
    scene.world.set_tenant(&scene.tenants[0], &TenantChange::SetLimits(TenantLimits::default()));
    assert_eq!(scene.usage(KEYS[0], &[("origin", OWN)]).await.seen(), refused(403, "ERR_ORIGIN_NOT_ALLOWED"));
    assert_eq!(scene.usage(KEYS[0], &[]).await.seen(), (200, None, None));
}

#[tokio::test]
async fn who_is_no_foreign_page_is_served_as_ever() {
    let scene = Scene::new().await;
    let own = [("origin", "https://hub.example.org"), ("sec-fetch-site", "same-origin")];
    for headers in [&[][..], &own] {
        let answer = scene.usage(KEYS[0], headers).await;
        assert_eq!(answer.seen(), (200, None, None), "{headers:?}");
        assert_eq!(answer.header("vary"), Some("Origin"), "a page might be answered otherwise");
    }
}

#[tokio::test]
async fn a_refusal_is_readable_once_the_tenant_is_known() {
    let scene = Scene::new().await;
    let page = [("origin", OWN)];
    let unsigned = [("origin", OWN), ("signature", "sig=:AA==:")];
    let answer = scene.usage(KEYS[0], &unsigned).await;
    assert_eq!(answer.seen(), (401, Some("ERR_SIGNATURE_INVALID".to_owned()), Some(OWN)));
    assert_eq!(scene.usage("an-unknown-key-of-many", &page).await.seen(), refused(401, "ERR_UNAUTHORIZED"));
    scene.world.set_tenant(&scene.tenants[0], &TenantChange::Suspend(build::NOW));
    assert_eq!(scene.usage(KEYS[0], &page).await.seen(), refused(403, "ERR_TENANT_SUSPENDED"));
}

#[tokio::test]
async fn a_stack_that_allows_no_origin_does_not_look_at_them() {
    let scene = Scene::allowing(&[]).await;
    for origin in [OWN, FOREIGN] {
        let answer = scene.usage(KEYS[0], &[("origin", origin)]).await;
        assert_eq!((answer.seen(), answer.header("vary")), ((200, None, None), None), "{origin}");
        let preflight = scene.preflight(&[("origin", origin), ("access-control-request-method", "GET")]).await;
        assert_eq!(preflight.seen(), refused(403, "ERR_ORIGIN_NOT_ALLOWED"), "{origin}");
    }
}
