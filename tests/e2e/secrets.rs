//! No secret is in any place but the vault's ciphertexts (promise I9).

use api::{AccountView, JobTarget, Permission, StartLoginAnswer};
use serde_json::json;

use crate::{
    emulator::{lines_of, logs, objects, random_key, table},
    stack::{Flickr, Hub, completion, env, shared_stack, until},
    uploads::send_file,
};

#[tokio::test]
async fn a_secret_is_in_no_log_queue_table_or_error() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let mut answers = Vec::new();
    let start = json!({ "api_key": app["key"], "api_secret": app["secret"] });
    let started = hub.start(&start).await;
    answers.push(started.text.clone());
    let started: StartLoginAnswer = started.data();
    let consent = flickr.approve(&started, Permission::Write).await;
    let completed = hub.complete(&completion(&started, &consent, None)).await;
    answers.push(completed.text.clone());
    let account: AccountView = completed.data();
    let (user, nsid) = (account.user_id.as_str(), account.nsid.as_str());

    let tokens = flickr.control_get(&format!("/_fake/tokens?user={nsid}")).await;
    let token = &tokens["tokens"][0];
    let secret = |value: &serde_json::Value| value.as_str().expect("a secret to look for").to_owned();
    let secrets = [
        secret(&app["secret"]),
        secret(&app["key"]),
        secret(&token["oauth_token"]),
        secret(&token["oauth_token_secret"]),
        env("FLICKRHUB_API_KEY"),
    ];

    // A success, a refusal, an error of the OAuth layer that quotes the request, a repeated one,
    // an answer that is no JSON, a wrong place for a secret.
    for fault in [None, Some("500"), Some("timestamp_refused"), Some("nonce_used"), Some("unavailable_json")] {
        if let Some(fault) = fault {
            flickr.fault(nsid, fault, &json!({})).await;
        }
        let id = hub.submit(user, "flickr.test.echo", &json!({ "a": "b" })).await;
        answers.push(json!(hub.ended(&id).await).to_string());
    }
    let id = hub.submit(user, "flickr.photos.getInfo", &json!({ "photo_id": "1" })).await;
    answers.push(json!(hub.ended(&id).await).to_string());
    let misplaced = hub.post("/v1/auth/start", &json!({ "perms": app["secret"], "api_key": [app["secret"]] })).await;
    answers.push(misplaced.text);
    let wrong = hub.start(&json!({ "api_key": app["key"], "api_secret": random_key()[..16] })).await;
    answers.push(wrong.text);

    // A dead letter and a long result, so that every place has been written to.
    let long = hub.submit(user, "flickr.test.echo", &json!({ "text": "x".repeat(9_000) })).await;
    answers.push(json!(hub.ended(&long).await).to_string());
    for (target, params) in [(JobTarget::Upload, json!({})), (JobTarget::Replace, json!({ "photo_id": "1" }))] {
        let job = send_file(&hub, user, target, &params).await;
        answers.push(json!(hub.ended(&job.job_id).await).to_string());
    }
    let sqs = aws_sdk_sqs::Client::new(&aws::sdk_config().unwrap());
    let letters = env("REST_DEAD_LETTER_QUEUE_URL");
    sqs.send_message().queue_url(letters).message_body(format!("no message of {user}")).send().await.unwrap();
    until("a sweep and a dead letter to be logged", async || {
        let swept = logs(&env("SWEEP_FUNCTION")).await;
        let buried = logs(&env("DLQ_REPLAY_FUNCTION")).await;
        (!swept.is_empty() && !buried.is_empty()).then_some(())
    })
    .await;

    let functions = [
        "OAUTH_FUNCTION",
        "ENQUEUE_FUNCTION",
        "STATUS_FUNCTION",
        "WORKER_FUNCTION",
        "UPLOAD_WORKER_FUNCTION",
        "REPLACE_WORKER_FUNCTION",
        "SWEEP_FUNCTION",
        "DLQ_REPLAY_FUNCTION",
        "AUDIT_FUNCTION",
    ];
    let audited = lines_of(&env("AUDIT_LOG_GROUP")).await;
    assert!(!audited.is_empty(), "the audit log is empty");
    let mut searched = vec![("answers", answers), ("audit log", audited)];
    for function in functions {
        let lines = logs(&env(function)).await;
        assert!(!lines.is_empty(), "{function} has no log");
        searched.push((function, lines));
    }
    for name in ["VAULT_TABLE", "JOBS_TABLE", "RUNTIME_TABLE"] {
        let items = table(&env(name)).await;
        assert!(name == "RUNTIME_TABLE" || !items.is_empty(), "{name} is empty");
        searched.push((name, items.into_iter().map(|item| format!("{item:?}")).collect()));
    }
    let objects = objects().await;
    assert!(!objects.is_empty(), "no result was stored as an object");
    searched.push(("RESULTS_BUCKET", objects));
    searched.push(("emulator's log", vec![std::fs::read_to_string(env("EMULATOR_LOG")).unwrap_or_default()]));
    for (place, texts) in searched {
        // A `result_url` is presigned, with the session token in its query.
        let token = (place != "answers").then(|| env("AWS_SESSION_TOKEN"));
        for (number, secret) in secrets.iter().chain(&token).enumerate() {
            let found = texts.iter().find(|text| text.contains(secret.as_str()));
            assert!(found.is_none(), "secret {number} is in {place}");
        }
    }
}
