//! Who may not ask, and what that one is told.

use domain::{
    Day,
    api_key::{ApiKey, KeyChange, Scope},
    tenant::{Networks, TenantChange, TenantLimits},
};
use hub::{
    ports::{Clock, KeyUses},
    tenants::{self, KeyRequest},
};
use lambda_http::{Context, LambdaEvent};
use testkit::{Injection, build};

use super::*;

/// Another key of the first tenant.
async fn key(scene: &Scene, request: KeyRequest) -> ApiKey {
    let key = tenants::generate_key(&scene.world);
    let keyed_hash = build::keyed_hash();
    tenants::create_key(&scene.world, &keyed_hash, &scene.tenants[0], key.as_str(), request).await.unwrap();
    key
}

async fn usage(scene: &Scene, key: &str) -> Answer {
    send(&scene.routes, Method::GET, "/v1/usage", &[("x-api-key", key)], "").await
}

/// The status, what all answers have in common, and the document without what names the request.
fn seen(answer: &Answer) -> (u16, Vec<String>, Value) {
    let names = answer.headers.keys().map(ToString::to_string).collect();
    let mut document = answer.json();
    for member in ["instance", "request_id"] {
        document[member] = Value::Null;
    }
    (answer.status.as_u16(), names, document)
}

#[tokio::test]
async fn a_key_that_is_not_accepted_answers_as_an_unknown_one_whatever_is_wrong_with_it() {
    let scene = scene().await;
    let world = &scene.world;
    let unknown = usage(&scene, tenants::generate_key(world).as_str()).await;
    assert_eq!((unknown.status.as_u16(), unknown.problem().as_str()), (401, "ERR_UNAUTHORIZED"));

    let now = world.now();
    let changes = [KeyChange::Disable(now), KeyChange::Revoke(now), KeyChange::ExpireAt(now)];
    for change in changes {
        let key = key(&scene, KeyRequest::default()).await;
        assert_eq!(usage(&scene, key.as_str()).await.status.as_u16(), 200);
        tenants::change_key_of_id(world, key.id(), change).await.unwrap();
        assert_eq!(seen(&usage(&scene, key.as_str()).await), seen(&unknown), "{change:?}");
    }
    let mut mistyped = key(&scene, KeyRequest::default()).await.as_str().to_owned();
    mistyped.replace_range(3..4, if &mistyped[3..4] == "0" { "1" } else { "0" });
    for key in [mistyped.as_str(), "short", ""] {
        assert_eq!(seen(&usage(&scene, key).await), seen(&unknown), "{key}");
    }
    assert_eq!(seen(&send(&scene.routes, Method::GET, "/v1/usage", &[], "").await), seen(&unknown), "no key");
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so_and_others_go_on() {
    let scene = scene().await;
    scene.world.set_tenant(&scene.tenants[0], &TenantChange::Suspend(scene.world.now()));
    let suspended = usage(&scene, KEYS[0]).await;
    assert_eq!((suspended.status.as_u16(), suspended.problem().as_str()), (403, "ERR_TENANT_SUSPENDED"));
    assert_eq!(usage(&scene, KEYS[1]).await.status.as_u16(), 200);
    scene.world.set_tenant(&scene.tenants[0], &TenantChange::Resume);
    assert_eq!(usage(&scene, KEYS[0]).await.status.as_u16(), 200);
}

#[tokio::test]
async fn a_route_takes_the_keys_that_have_its_scope() {
    let scene = scene().await;
    let of = |scope| KeyRequest { scopes: [scope].into_iter().collect(), ..KeyRequest::default() };
    for scope in Scope::ALL {
        let answer = usage(&scene, key(&scene, of(scope)).await.as_str()).await;
        if scope == Scope::JobsRead {
            assert_eq!(answer.status.as_u16(), 200);
            continue;
        }
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (403, "ERR_SCOPE_MISSING"), "{scope}");
        let missing = json!([{ "field": "x-api-key", "message": "does not have the scope `jobs:read`" }]);
        assert_eq!(answer.json()["error"]["details"], missing, "what it would take");
    }
}

#[tokio::test]
async fn requests_come_from_the_tenants_networks_alone() {
    let scene = scene().await;
    let networks = Some(Networks::parse(["192.0.2.0/24", "2001:db8::/32"]).unwrap());
    let limits = TenantLimits { networks, ..TenantLimits::default() };
    scene.world.set_tenant(&scene.tenants[0], &TenantChange::SetLimits(limits));
    let status = async |key: &str, address: &str| {
        let event = json!({
            "resource": "/v1/usage", "path": "/v1/usage", "httpMethod": "GET",
            "headers": {}, "multiValueHeaders": { "x-api-key": [key], "x-forwarded-for": ["192.0.2.1"] },
            "requestContext": {
                "requestId": "gateway-1", "httpMethod": "GET", "path": "/v1/usage", "resourcePath": "/v1/usage",
                "identity": { "apiKey": key, "sourceIp": address },
            },
            "body": null, "isBase64Encoded": false,
        });
        let answer = scene.gateway.answer(LambdaEvent::new(event, Context::default())).await.unwrap();
        let code = answer["body"].as_str().and_then(|body| serde_json::from_str::<Value>(body).ok());
        (answer["statusCode"].as_u64().unwrap(), code.unwrap()["error"]["code"].as_str().map(str::to_owned))
    };
    let refused = (403, Some("ERR_ADDRESS_NOT_ALLOWED".to_owned()));
    for address in ["192.0.2.77", "2001:db8::1"] {
        assert_eq!(status(KEYS[0], address).await, (200, None), "{address}");
    }
    for address in ["198.51.100.1", "2001:db9::1", "", "unknown"] {
        assert_eq!(status(KEYS[0], address).await, refused, "{address}: a header says nothing");
    }
    assert_eq!(status(KEYS[1], "198.51.100.1").await, (200, None), "another tenant has no list");
    assert_eq!(usage(&scene, KEYS[0]).await.problem(), "ERR_ADDRESS_NOT_ALLOWED", "an address that nobody knows");
}

#[tokio::test]
async fn the_day_of_a_use_is_noted_and_nobody_waits_for_it_or_fails_with_it() {
    let scene = scene().await;
    let key = key(&scene, KeyRequest::default()).await;
    let noted = async |injection: Injection| {
        scene.world.set_fault_plan(Box::new(move |call, _| match call {
            Call::NoteKeyUse => injection,
            _ => Injection::Pass,
        }));
        assert_eq!(usage(&scene, key.as_str()).await.status.as_u16(), 200);
        tokio::task::yield_now().await;
        scene.world.key_uses(&scene.tenants[0]).await.unwrap()
    };
    for injection in [Injection::Fault(Fault::Fail), Injection::Fault(Fault::Crash)] {
        let before = scene.world.count(Call::NoteKeyUse);
        assert!(noted(injection).await.is_empty());
        assert_eq!(scene.world.count(Call::NoteKeyUse), before + 1, "it was tried");
    }
    let uses = noted(Injection::Pass).await;
    assert_eq!(uses.get(key.id()), Some(&Day::of(scene.world.now())));
    let refused = tenants::generate_key(&scene.world);
    usage(&scene, refused.as_str()).await;
    tokio::task::yield_now().await;
    assert_eq!(scene.world.key_uses(&scene.tenants[0]).await.unwrap(), uses);
}
