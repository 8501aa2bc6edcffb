//! Connecting accounts over HTTP, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

use std::sync::Arc;

use axum::Router;
use domain::outcome::{Class, Outcome};
use edge::Authenticator;
use http::Method;
use hub::{
    budget::Grants,
    connect::{AllowedReturnUrls, Connect},
    limits::Limits,
    tenants,
};
use serde_json::{Value, json};
use testkit::{
    ScriptedFlickr, World, build,
    http_client::{Answer, send},
};

const KEYS: [&str; 2] = ["a-key-of-twenty-letters", "another-key-of-twenty"];
const RETURN_URL: &str = "https://shop.example/back";

struct Scene {
    routes: Router,
    flickr: ScriptedFlickr,
}

async fn scene() -> Scene {
    let world = World::new(build::NOW, 1);
    let keyed_hash = build::keyed_hash();
    for key in KEYS {
        tenants::create(&world, &keyed_hash, "Test", key).await.unwrap();
    }
    let flickr = ScriptedFlickr::default();
    let connect = Connect {
        ports: world.clone(),
        flickr: flickr.clone(),
        vaults: build::vaults(),
        keyed_hash: keyed_hash.clone(),
        return_urls: AllowedReturnUrls::parse(RETURN_URL),
        grants: Grants::default(),
    };
    let authenticator = Authenticator {
        ports: world,
        keyed_hash,
        limits: Limits::default(),
        secrets: build::vaults().secrets,
        allowed_origins: Default::default(),
    };
    let service = Arc::new(oauth::Service { connect, public_url: None });
    let routes = edge::serve(oauth::routes(service, Arc::new(authenticator)));
    Scene { routes, flickr }
}

impl Scene {
    async fn call(&self, key: &str, method: Method, path: &str, body: &Value) -> Answer {
        send(&self.routes, method, path, &[("x-api-key", key)], &body.to_string()).await
    }

    async fn start(&self, body: &Value) -> Answer {
        self.call(KEYS[0], Method::POST, "/v1/auth/start", body).await
    }

    async fn complete(&self, key: &str, body: &Value) -> Answer {
        self.call(key, Method::POST, "/v1/auth/complete", body).await
    }

    async fn connect(&self) -> Value {
        let started = self.start(&given()).await.data();
        let body = json!({ "oauth_token": started["oauth_token"], "oauth_verifier": "123-456-789" });
        self.complete(KEYS[0], &body).await.data()
    }
}

fn given() -> Value {
    json!({ "api_key": "key", "api_secret": "canary-secret", "perms": "write" })
}

#[tokio::test]
async fn an_account_is_connected_listed_read_and_disconnected() {
    let scene = scene().await;
    let account = scene.connect().await;
    assert_eq!((&account["nsid"], &account["status"]), (&json!(ScriptedFlickr::NSID), &json!("connected")));
    assert_eq!((&account["perms"], &account["perms_confirmed"]), (&json!("write"), &json!(true)));
    let path = format!("/v1/accounts/{}", account["user_id"].as_str().unwrap());
    let none = Value::Null;

    let listed = scene.call(KEYS[0], Method::GET, "/v1/accounts", &none).await.data();
    assert_eq!(listed, json!({ "accounts": [account], "next_cursor": null }));
    assert_eq!(scene.call(KEYS[0], Method::GET, &path, &none).await.data(), account);

    let foreign = scene.call(KEYS[1], Method::GET, "/v1/accounts", &none).await.data();
    assert_eq!(foreign["accounts"], json!([]));
    for (key, path) in [(KEYS[1], path.as_str()), (KEYS[0], "/v1/accounts/usr_00"), (KEYS[0], "/v1/accounts/%00")] {
        for method in [Method::GET, Method::DELETE] {
            let answer = scene.call(key, method, path, &none).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "ERR_ACCOUNT_NOT_FOUND"), "{path}");
        }
    }

    assert_eq!(scene.call(KEYS[0], Method::DELETE, &path, &none).await.data()["disconnected"], true);
    assert_eq!(scene.call(KEYS[0], Method::DELETE, &path, &none).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
}

#[tokio::test]
async fn what_can_be_no_code_uses_no_login_up() {
    let scene = scene().await;
    let started = scene.start(&given()).await.data();
    let complete = async |verifier: &str| {
        let body = json!({ "oauth_token": started["oauth_token"], "oauth_verifier": verifier });
        scene.call(KEYS[0], Method::POST, "/v1/auth/complete", &body).await
    };
    for no_code in ["oauth_verifier=123-456-789", "", "  ", "123 456 789", "<b>", &"1".repeat(33)] {
        let refused = complete(no_code).await;
        assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (400, "ERR_INVALID_REQUEST"), "{no_code}");
    }
    assert_eq!(complete(" 123-456-789\n").await.data()["status"], "connected", "blanks come from copying by hand");
}

#[tokio::test]
async fn no_answer_holds_a_secret() {
    let scene = scene().await;
    let started = scene.start(&given()).await;
    let account = scene.connect().await;
    for text in [started.text, account.to_string()] {
        assert!(!text.contains("canary") && !text.contains("access-token"), "{text}");
    }
}

#[tokio::test]
async fn a_browser_comes_back_through_the_callback() {
    let scene = scene().await;
    let mut body = given();
    body["return_url"] = json!(RETURN_URL);
    let started = scene.start(&body).await.data();
    assert_eq!(started["mode"], "callback");
    let state = started["state"].as_str().unwrap();
    assert_eq!(scene.flickr.callbacks(), [format!("http://hub.example/v1/auth/callback?state={state}")]);

    let token = started["oauth_token"].as_str().unwrap();
    let path = format!("/v1/auth/callback?state={state}&oauth_token={token}&oauth_verifier=abc");
    let back = send(&scene.routes, Method::GET, &path, &[], "").await;
    assert_eq!(back.status, 303);
    assert_eq!(
        back.headers["location"].to_str().unwrap(),
        format!("{RETURN_URL}?oauth_token={token}&oauth_verifier=abc&state={state}")
    );

    let without = json!({ "oauth_token": token, "oauth_verifier": "abc" });
    assert_eq!(scene.complete(KEYS[0], &without).await.problem(), "ERR_INVALID_STATE");
    let with = json!({ "oauth_token": token, "oauth_verifier": "abc", "state": state });
    assert_eq!(scene.complete(KEYS[1], &with).await.problem(), "ERR_INVALID_STATE", "another tenant's login");
    assert!(scene.complete(KEYS[0], &with).await.status.is_success());
    assert_eq!(scene.complete(KEYS[0], &with).await.problem(), "ERR_INVALID_STATE", "a used login");
}

#[tokio::test]
async fn the_callback_shows_the_code_when_there_is_nowhere_to_go() {
    let scene = scene().await;
    let mut body = given();
    body["mode"] = json!("callback");
    let started = scene.start(&body).await.data();
    let (state, token) = (started["state"].as_str().unwrap(), started["oauth_token"].as_str().unwrap());
    let path =
        |verifier: &str| format!("/v1/auth/callback?state={state}&oauth_token={token}&oauth_verifier={verifier}");
    let page = send(&scene.routes, Method::GET, &path("209-263-338"), &[], "").await;
    assert!(page.text.contains("<code>209-263-338</code>"), "{}", page.text);
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));

    for no_code in ["%3Cb%3E1", "call+0900+1234", "https://evil.example", "1.2", "", &"1".repeat(33)] {
        let refused = send(&scene.routes, Method::GET, &path(no_code), &[], "").await;
        assert_eq!(refused.problem(), "ERR_INVALID_REQUEST", "{no_code}");
    }
    for path in ["/v1/auth/callback", "/v1/auth/callback?state=a&oauth_token=b", "/v1/auth/callback?oauth_token="] {
        assert_eq!(send(&scene.routes, Method::GET, path, &[], "").await.problem(), "ERR_INVALID_REQUEST");
    }
    let wrong = format!("/v1/auth/callback?state=x&oauth_token={token}&oauth_verifier=1");
    assert_eq!(send(&scene.routes, Method::GET, &wrong, &[], "").await.problem(), "ERR_INVALID_STATE");
}

#[tokio::test]
async fn bad_requests_are_refused_by_the_name_of_their_field() {
    let scene = scene().await;
    let table = [
        (json!({ "api_key": "k", "api_secret": "s" }), "body"),
        (json!({ "api_key": "k", "api_secret": "s", "perms": "admin" }), "perms"),
        (json!({ "api_key": "k", "perms": "read" }), "api_secret"),
        (json!({ "api_secret": "s", "perms": "read" }), "api_key"),
        (json!({ "perms": "read" }), "api_key"),
        (json!({ "api_key": "", "api_secret": "s", "perms": "read" }), "api_key"),
        (json!({ "api_key": "k", "api_secret": "s".repeat(300), "perms": "read" }), "api_secret"),
        (json!({ "api_key": "k", "api_secret": "a b", "perms": "read" }), "api_secret"),
        (json!({ "api_key": ["canary"], "api_secret": "s", "perms": "read" }), "api_key"),
        (json!({ "app_id": "x", "perms": "read" }), "app_id"),
        (json!({ "app_id": "x", "api_key": "k", "perms": "read" }), "app_id"),
        (json!({ "api_key": "k", "api_secret": "s", "perms": "read", "mode": "popup" }), "mode"),
    ];
    for (body, field) in table {
        let answer = scene.start(&body).await;
        assert_eq!(answer.problem(), "ERR_INVALID_REQUEST", "{body}");
        assert_eq!(answer.json()["error"]["details"][0]["field"], field, "{body}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
    }
    let mut foreign = given();
    foreign["return_url"] = json!("https://evil.example/");
    assert_eq!(scene.start(&foreign).await.problem(), "ERR_RETURN_URL_NOT_ALLOWED");
    let unknown = json!({ "app_id": "app_00000000000000000000000000000000", "perms": "read" });
    assert_eq!(scene.start(&unknown).await.problem(), "ERR_APP_NOT_FOUND");
}

#[tokio::test]
async fn what_flickr_says_is_told_apart() {
    let scene = scene().await;
    scene.flickr.answer([
        Outcome::new(Class::App, "Invalid API Key"),
        Outcome { retry_after: Some(std::time::Duration::from_secs(77)), ..Outcome::new(Class::Throttled, "429") },
    ]);
    assert_eq!(scene.start(&given()).await.problem(), "ERR_FLICKR_APP_REFUSED");
    let busy = scene.start(&given()).await;
    assert_eq!(
        (busy.problem().as_str(), busy.headers["retry-after"].to_str().unwrap()),
        ("ERR_FLICKR_UNAVAILABLE", "77")
    );

    let started = scene.start(&given()).await.data();
    scene.flickr.answer([Outcome::new(Class::Permanent, "verifier_invalid")]);
    let body = json!({ "oauth_token": started["oauth_token"], "oauth_verifier": "1" });
    assert_eq!(scene.complete(KEYS[0], &body).await.problem(), "ERR_VERIFIER_REFUSED");
}
