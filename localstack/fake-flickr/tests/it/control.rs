//! The control API itself.

use axum::body::Body;
use axum::http::Request;
use serde_json::json;

use crate::client::Client;
use crate::fixture::{Fixture, HOST};

#[tokio::test]
async fn health_and_home() {
    let fixture = Fixture::new();
    assert_eq!(fixture.get("/_fake/health").await.json(), json!({"status": "ok"}));
    assert_eq!(fixture.get("/").await.status, 200);
    assert_eq!(fixture.get("/nowhere").await.status, 404);
}

#[tokio::test]
async fn calls_are_numbered_and_contain_no_secret() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let login =
        fixture.send(Client::default().query("/services/oauth/request_token", &[("oauth_callback", "oob")])).await;
    fixture.rest(&client, "flickr.test.login", &[("canary", "canary-value")]).await;
    let call = &fixture.get("/_fake/calls?since=1").await.json();
    assert_eq!((&call["last_seq"], call["calls"].as_array().unwrap().len()), (&json!(2), 1));
    let call = &call["calls"][0];
    for (name, expected) in [
        ("seq", json!(2)),
        ("path", json!("/services/rest")),
        ("verb", json!("POST")),
        ("method", json!("flickr.test.login")),
        ("key", json!(client.key)),
        ("account", json!("12037949@N01")),
        ("fault", json!(null)),
    ] {
        assert_eq!(call[name], expected, "{name}");
    }
    let answer = &call["answer"];
    let summary = [&answer["status"], &answer["stat"], &answer["code"], &answer["problem"]];
    assert_eq!(summary, [&json!(200), &json!("ok"), &json!(null), &json!(null)]);
    assert_eq!(answer["sha256"].as_str().unwrap().len(), 64);
    let when = call["when"].as_str().unwrap();
    assert!(when.len() == 24 && when.ends_with('Z') && when.as_bytes()[19] == b'.');

    let journal = fixture.get("/_fake/calls").await.body;
    let (token, secret) = client.token.unwrap();
    let issued = login.body.split('&').skip(1).map(|pair| pair.split_once('=').unwrap().1);
    for canary in [token.as_str(), &secret, &client.secret, "canary-value", "oauth_signature"].into_iter().chain(issued)
    {
        assert!(!journal.contains(canary));
    }
}

#[tokio::test]
async fn a_reset_keeps_only_the_default_app_and_user() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/photos", json!({"count": 2, "user": "grace"})).await;
    fixture.control("/_fake/config", json!({"hourly_limit": 1})).await;
    fixture.fault(json!({"fault": "503"})).await;
    assert_eq!(fixture.send(client.form("/services/rest", &[("method", "flickr.test.echo")])).await.status, 503);
    fixture.control("/_fake/reset", json!({})).await;

    assert!(fixture.calls().await.is_empty() && fixture.photos().await.is_empty());
    assert_eq!(fixture.get("/_fake/faults").await.json()["faults"], json!([]));
    assert_eq!(fixture.get("/_fake/config").await.json()["hourly_limit"], 3600);
    assert_eq!(fixture.get("/_fake/users").await.json()["users"].as_array().unwrap().len(), 1);
    assert_eq!(fixture.rest(&client, "flickr.test.login", &[]).await["code"], 98);
    let again = fixture.client().await;
    assert_eq!(fixture.rest(&again, "flickr.test.login", &[]).await["stat"], "ok");
    assert_eq!(fixture.calls().await[0]["seq"], 1);
}

#[tokio::test]
async fn invalid_control_requests_are_refused() {
    let fixture = Fixture::new();
    for (path, body, status) in [
        ("/_fake/approve", json!({"oauth_token": "72-1"}), 404),
        ("/_fake/approve", json!({}), 400),
        ("/_fake/revoke", json!({}), 400),
        ("/_fake/revoke", json!({"user": "nobody"}), 404),
        ("/_fake/config", json!({"no_such_setting": 1}), 400),
        ("/_fake/faults", json!({"fault": "503", "matches": {}}), 400),
        ("/_fake/users", json!({"username": "ada"}), 409),
        ("/_fake/tokens", json!({"key": "unknown"}), 404),
        ("/_fake/photos", json!({"count": 1_000_000}), 400),
    ] {
        let reply = fixture.try_control(path, body.clone()).await;
        assert_eq!(reply.status, status, "{path} {body}");
        assert!(reply.json()["error"].is_string());
    }
    assert_eq!(fixture.get("/_fake/photos?user=nobody").await.status, 404);
    assert_eq!(fixture.delete("/_fake/photos").await.status, 400);
}

#[tokio::test]
async fn tokens_are_revoked_by_user() {
    let fixture = Fixture::new();
    fixture.client().await;
    for _ in 0..2 {
        fixture.client_of(json!({"user": "grace"})).await;
    }
    assert_eq!(fixture.control("/_fake/revoke", json!({"user": "grace"})).await, json!({"revoked": 2}));
    assert_eq!(fixture.control("/_fake/revoke", json!({"user": "ada"})).await, json!({"revoked": 1}));
}

#[tokio::test]
async fn users_and_apps_are_listed_without_secrets() {
    let fixture = Fixture::new();
    let user = json!({"nsid": "1@N00", "username": "mary", "fullname": "Mary S", "pro": false});
    assert_eq!(fixture.control("/_fake/users", user.clone()).await, user);
    let users = fixture.get("/_fake/users").await.json();
    assert!(users["users"].as_array().unwrap().contains(&user) && users["default"] == "12037949@N01");
    let app = fixture.control("/_fake/apps", json!({})).await;
    let listed = fixture.get("/_fake/apps").await.body;
    assert!(listed.contains(app["key"].as_str().unwrap()) && !listed.contains(app["secret"].as_str().unwrap()));
}

#[tokio::test]
async fn an_empty_body_is_an_empty_object() {
    let fixture = Fixture::new();
    let request = Request::post("/_fake/reset").header("host", HOST).body(Body::empty()).unwrap();
    assert_eq!(fixture.send(request).await.json(), json!({}));
    let request = Request::post("/_fake/tokens").header("host", HOST).body(Body::empty()).unwrap();
    assert_eq!(fixture.send(request).await.json()["user_nsid"], "12037949@N01");
}
