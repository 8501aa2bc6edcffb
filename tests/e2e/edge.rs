//! The edge, as API Gateway and the functions make it together.

use api::{
    AccountList, AccountView, CircuitView, HealthAnswer, JobView, PendingJobsView, ReadinessAnswer, UsageAnswer,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    emulator::{admin_key, another_tenant, random_key},
    stack::{Hub, shared_stack, until},
};

#[tokio::test]
async fn what_api_gateway_refuses_reads_like_what_flickrhub_refuses() {
    let table = [
        (Hub::with_key(None), Method::GET, "/v1/accounts", 401),
        (Hub::with_key(Some(random_key())), Method::GET, "/v1/accounts", 401),
        (Hub::first(), Method::GET, "/v1/nothing", 404),
        (Hub::first(), Method::PUT, "/v1/accounts", 404),
    ];
    for (hub, method, path, status) in table {
        let answer = hub.call(method.clone(), path, &[], None).await;
        let code = answer.problem();
        assert!(code.starts_with("ERR_"), "{code}");
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {}", answer.text);
        assert!(answer.json()["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{}", answer.text);
    }
}

/// API Gateway still lets the key through; a function that has seen it remembers it for a minute.
#[tokio::test]
async fn a_key_that_is_disabled_ends_whatever_api_gateway_says() {
    let hub = another_tenant().await;
    hub.get("/v1/accounts").await.data::<AccountList>();
    admin_key("disable", hub.api_key()).await;
    let refused = until("the disabled key to be refused", async || {
        let answer = hub.get("/v1/accounts").await;
        (!answer.status.is_success()).then_some(answer)
    })
    .await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"));
    // A function that has not seen the key refuses it at once.
    assert_eq!(hub.get("/v1/usage").await.problem(), "ERR_UNAUTHORIZED");
    admin_key("enable", hub.api_key()).await;
    hub.get("/v1/accounts").await.data::<AccountList>();
}

#[tokio::test]
async fn the_stack_is_alive_and_ready() {
    assert_eq!(Hub::with_key(None).get("/v1/health").await.data::<HealthAnswer>().status, "ok");
    let ready: ReadinessAnswer = Hub::first().get("/v1/health/ready").await.data();
    let dependencies = &ready.dependencies;
    assert!(!dependencies.is_empty() && dependencies.values().all(|status| status == "ok"), "{ready:?}");
}

#[tokio::test]
async fn anyone_reads_the_document_and_the_page_that_shows_it() {
    let anyone = Hub::with_key(None);
    assert_eq!(anyone.get("/v1/openapi.json").await.text, testkit::openapi::TEXT);
    for path in ["/v1/docs", "/v1/docs/explorer.js", "/v1/docs/swagger-ui-bundle.js", "/v1/docs/swagger-ui.css"] {
        let answer = anyone.get(path).await;
        assert_eq!(answer.status.as_u16(), 200, "{path}: {}", answer.text);
        let known = [("if-none-match", answer.headers["etag"].to_str().unwrap())];
        assert_eq!(anyone.call(Method::GET, path, &known, None).await.status.as_u16(), 304, "{path}");
    }
    assert_eq!(anyone.get("/v1/docs/other.js").await.problem(), "ERR_NOT_FOUND");
}

#[tokio::test]
async fn no_header_leads_to_another_route_or_another_reading() {
    for (name, value) in [
        ("x-forwarded-proto", "https://h/v1/usage#"),
        ("x-forwarded-proto", ""),
        ("x-forwarded-host", "h/v1/usage#"),
        ("x-forwarded-port", "x"),
        ("forwarded", "host=h;proto=https://h/v1/usage#"),
        ("traceparent", "x"),
    ] {
        let answer = Hub::with_key(None).call(Method::GET, "/v1/health", &[(name, value)], None).await;
        assert_eq!(answer.data::<HealthAnswer>().status, "ok", "{name}: {value}");
    }
    let body = json!({ "user_id": "usr_00000000000000000000000000000000" });
    let encoded = [("content-encoding", "gzip")];
    let refused = Hub::first().call(Method::POST, "/v1/cache/invalidate", &encoded, Some(&body)).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (415, "ERR_UNSUPPORTED_MEDIA_TYPE"));
    for path in ["/v1/flickr/jobs/%FF", "/v1/flickr/jobs/job_%00", "/v1/accounts/%2e%2e%2fusage"] {
        let answer = Hub::first().get(path).await;
        assert_eq!(answer.status, 404, "{path}: {}", answer.text);
        assert!(answer.problem().ends_with("_NOT_FOUND"), "{path}");
    }
}

#[tokio::test]
async fn usage_shows_what_a_job_took_of_the_budget() {
    let hub = Hub::first();
    let account = hub.connect().await;
    assert_eq!(hub.get(&format!("/v1/accounts/{}", account.user_id)).await.data::<AccountView>(), account);
    let id = hub.submit(&account.user_id, "flickr.test.login", &json!({})).await;
    hub.ended(&id).await;
    let usage: UsageAnswer = hub.get(&format!("/v1/usage?user_id={}", account.user_id)).await.data();
    let app = usage.apps.iter().find(|app| app.app_id == account.app_id).unwrap();
    assert!(app.remaining_calls <= app.limit.burst_calls, "{app:?}");
    assert!(app.learned_calls_per_hour <= app.limit.calls_per_hour, "{app:?}");
    assert_eq!(app.circuit == CircuitView::Closed, app.open_until.is_none(), "{app:?}");
    assert_eq!(usage.pending, Some(PendingJobsView { user_id: account.user_id, jobs: 0, scheduled_jobs: 0 }));

    let unknown = hub.get("/v1/usage?user_id=usr_00000000000000000000000000000000").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem()), (404, "ERR_ACCOUNT_NOT_FOUND"));
}

#[tokio::test]
async fn bad_requests_are_refused_by_name() {
    let hub = Hub::first();
    let account = hub.connect().await;
    let refused = hub.post("/v1/flickr/rest", &json!({ "method": "flickr", "user_id": account.user_id })).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (400, "ERR_INVALID_REQUEST"));
    assert_eq!(refused.json()["error"]["details"][0]["field"], "method");
    let huge =
        json!({ "method": "flickr.test.echo", "user_id": account.user_id, "params": { "a": "x".repeat(600_000) } });
    let refused = hub.post("/v1/flickr/rest", &huge).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (413, "ERR_PAYLOAD_TOO_LARGE"));
}

#[tokio::test]
async fn a_trace_is_followed_from_the_request_to_the_workers_last_line() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let trace = &account.user_id["usr_".len()..];
    let header = format!("00-{trace}-b7ad6b7169203331-01");
    let body = json!({ "method": "flickr.test.login", "user_id": account.user_id });
    let answer = hub.call(Method::POST, "/v1/flickr/rest", &[("traceparent", &header)], Some(&body)).await;
    let request_id = answer.json()["request_id"].as_str().unwrap().to_owned();
    hub.ended(&answer.data::<JobView>().job_id).await;
    for (function, said) in [("ENQUEUE_FUNCTION", "job accepted"), ("WORKER_FUNCTION", "job moved on")] {
        let function = crate::stack::env(function);
        let line = until(&format!("`{said}` in the log of {function}"), async || {
            let lines = crate::emulator::logs(&function).await;
            lines.into_iter().find(|line| line.contains(trace) && line.contains(said))
        })
        .await;
        let line: serde_json::Value = serde_json::from_str(line.trim()).expect("a log line is one JSON object");
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
        if said == "job accepted" {
            assert!(line.to_string().contains(&request_id), "{line}");
        }
    }
}
