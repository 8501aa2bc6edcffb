//! What was done is in the audit log, and no secret is.

use std::process::Stdio;

use api::{JobTarget, Permission, StartLoginAnswer};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, process::Command};

use crate::{
    emulator::{admin_key, another_tenant, lines_of},
    stack::{Answer, Flickr, Hub, completion, env, request, shared_stack, until},
};

/// All lines of the audit log.
async fn entries() -> Vec<Value> {
    let lines = lines_of(&env("AUDIT_LOG_GROUP")).await;
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The line about the request that was answered so.
async fn entry_of(answer: &Answer) -> Value {
    let request_id = answer.headers["x-request-id"].to_str().unwrap();
    until("the request to be in the audit log", async || {
        entries().await.into_iter().find(|entry| entry["request_id"] == request_id)
    })
    .await
}

fn texts<const N: usize>(entry: &Value, names: [&str; N]) -> [String; N] {
    names.map(|name| entry[name].as_str().unwrap_or("-").to_owned())
}

#[tokio::test]
async fn a_login_and_a_job_are_in_the_audit_log() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let begun = hub.start(&json!({ "api_key": app["key"], "api_secret": app["secret"] })).await;
    let started: StartLoginAnswer = begun.data();
    let consent = flickr.approve(&started, Permission::Write).await;
    let completed = hub.complete(&completion(&started, &consent, None)).await;
    let account = completed.json()["data"].clone();
    let user = account["user_id"].as_str().unwrap();
    let accepted = hub.post("/v1/flickr/rest", &json!(request(user, "flickr.test.null", &json!({})))).await;
    assert_eq!(accepted.status.as_u16(), 202, "{}", accepted.text);
    let job = accepted.json()["data"]["job_id"].as_str().unwrap().to_owned();

    let who = |function: &str| format!("/aws/lambda/{}", env(function));
    for (answer, function, route, ids) in [
        (&begun, "OAUTH_FUNCTION", "/v1/auth/start", started.app_id.clone()),
        (&completed, "OAUTH_FUNCTION", "/v1/auth/complete", format!("{user} {}", started.app_id)),
        (&accepted, "ENQUEUE_FUNCTION", "/v1/flickr/rest", format!("{job} {user}")),
    ] {
        let entry = entry_of(answer).await;
        let told = texts(&entry, ["event", "outcome", "method", "route", "ids", "log_group"]);
        assert_eq!(told, ["change", "done", "POST", route, &ids, &who(function)], "{entry}");
        assert_eq!(entry["status"], answer.status.as_u16());
        assert!(entry["tenant_id"].as_str().is_some_and(|tenant| tenant.starts_with("ten_")), "{entry}");
        assert!(entry["source_ip"].is_string() && entry["timestamp"].is_string(), "{entry}");
    }
    hub.ended(&job).await;
    for (number, secret) in [&app["key"], &app["secret"], &consent["oauth_verifier"], &json!(hub.api_key())]
        .iter()
        .filter_map(|secret| secret.as_str())
        .enumerate()
    {
        assert!(entries().await.iter().all(|entry| !entry.to_string().contains(secret)), "secret {number}");
    }
}

#[tokio::test]
async fn who_is_refused_is_in_the_audit_log_whatever_was_asked() {
    let hub = another_tenant().await;
    admin_key("disable", hub.api_key()).await;
    for path in ["/v1/accounts", "/v1/usage", "/v1/dlq"] {
        let refused = hub.get(path).await;
        assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"), "{path}");
        let entry = entry_of(&refused).await;
        let told = texts(&entry, ["event", "outcome", "code", "method", "route", "tenant_id"]);
        assert_eq!(told, ["access_refused", "refused", "ERR_UNAUTHORIZED", "GET", path, "-"], "{entry}");
    }
    let read = Hub::first().get("/v1/usage").await;
    assert!(read.status.is_success());
    let later = Hub::first().post("/v1/flickr/rest", &json!({ "target": JobTarget::Rest })).await;
    assert_eq!(entry_of(&later).await["outcome"], "refused");
    let id = read.headers["x-request-id"].to_str().unwrap();
    assert!(entries().await.iter().all(|entry| entry["request_id"] != id), "a read is not audited");
}

#[tokio::test]
async fn what_an_operator_does_is_in_the_audit_log() {
    let hub = another_tenant().await;
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["key", "disable"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut admin = admin.spawn().unwrap();
    admin.stdin.take().unwrap().write_all(hub.api_key().as_bytes()).await.unwrap();
    assert!(admin.wait().await.unwrap().success());
    // It waits for the log, so there is nothing to wait for.
    let acts = entries().await;
    let disabled: Vec<&Value> = acts.iter().filter(|entry| entry["operation"] == "key disable").collect();
    let done = disabled.iter().filter(|entry| entry["outcome"] == "done").count();
    assert!(done > 0 && disabled.iter().any(|entry| entry["outcome"] == "begun"), "{disabled:?}");
    for act in &disabled {
        assert!(act["actor"].as_str().is_some_and(|actor| actor.starts_with("arn:aws:")), "{act}");
    }
    assert!(acts.iter().all(|act| !act.to_string().contains(hub.api_key())), "the key is in it");

    let mut refused = Command::new(env("FLICKRHUB_ADMIN"));
    refused.args(["tenant", "resume", "ten_0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f"]).stderr(Stdio::null());
    assert!(!refused.status().await.unwrap().success());
    let failed = entries().await.into_iter().filter(|entry| entry["operation"] == "tenant resume");
    assert!(failed.clone().any(|entry| entry["outcome"] == "failed"));
    assert!(failed.into_iter().all(|entry| entry["arguments"]["tenant"].is_string()));
}

#[tokio::test]
async fn an_operator_does_nothing_that_the_audit_log_cannot_be_told_of() {
    let hub = another_tenant().await;
    let mut admin = Command::new(env("FLICKRHUB_ADMIN"));
    admin.args(["key", "disable"]).env("AUDIT_LOG_GROUP", "none").stdin(Stdio::piped()).stderr(Stdio::null());
    let mut admin = admin.spawn().unwrap();
    // It is refused at once, and reads nothing.
    let _ = admin.stdin.take().unwrap().write_all(hub.api_key().as_bytes()).await;
    assert!(!admin.wait().await.unwrap().success());
    assert!(hub.get("/v1/accounts").await.status.is_success(), "the key is as it was");
}
