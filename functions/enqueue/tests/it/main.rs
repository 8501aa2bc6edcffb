//! Accepting jobs over HTTP, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod files;
mod uploads;

use std::{sync::Arc, time::Duration};

use axum::Router;
use domain::{
    AppId, TenantId, Timestamp, UserId,
    api_key::KeyChange,
    budget::{HostClass, Limit},
    egress::Policy,
    fair_queue::Priority,
    job::Target,
    tenant::{QuotaWindow, TenantChange, TenantLimits},
};
use edge::Authenticator;
use http::{Method, StatusCode};
use hub::{
    limits::Limits,
    ports::{Accounts, BudgetKey, Clock, SweepScope},
    submit::Submit,
    sweep, tenants,
};
use serde_json::{Value, json};
use testkit::{
    CATALOGUE, Call, Fault, FaultPoint, World, build,
    http_client::{Answer, send},
};

const API_KEY: &str = "a-key-of-twenty-letters";
/// Of another tenant.
const OTHER_API_KEY: &str = "another-key-of-as-many-letters";

const MAX_STORED_BYTES: u64 = 1_000_000_000;

struct Scene {
    routes: Router,
    world: World,
    tenant: TenantId,
    user: UserId,
}

async fn scene() -> Scene {
    let world = World::new(build::NOW, 1);
    let keyed_hash = build::keyed_hash();
    let tenant: TenantId = tenants::create(&world, &keyed_hash, "Test", API_KEY).await.unwrap();
    let account = build::account(&tenant, "1@N00", build::NOW);
    world.save_account(&account).await.unwrap();
    let submit = Submit { ports: world.clone(), catalogue: &CATALOGUE, sources: Policy::default() };
    let limits = Limits { max_pending_jobs: 30, max_stored_bytes: MAX_STORED_BYTES, ..Limits::default() };
    let authenticator = Authenticator {
        ports: world.clone(),
        keyed_hash,
        limits,
        secrets: build::vaults().secrets,
        allowed_origins: Default::default(),
    };
    let routes = edge::serve(enqueue::routes(Arc::new(submit), Arc::new(authenticator)));
    Scene { routes, world, tenant, user: account.account.user }
}

impl Scene {
    async fn post(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        let headers = [&[("x-api-key", API_KEY)], headers].concat();
        send(&self.routes, Method::POST, "/v1/flickr/rest", &headers, &body.to_string()).await
    }

    async fn ask(&self, method: Method, path: &str, api_key: &str, body: &Value) -> Answer {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        send(&self.routes, method, path, &[("x-api-key", api_key)], &text).await
    }

    fn body(&self) -> Value {
        json!({ "method": "flickr.test.echo", "params": { "a": 1 }, "user_id": self.user, "meta": { "order": 7 } })
    }
}

#[tokio::test]
async fn a_job_is_accepted() {
    let scene = scene().await;
    let answer = scene.post(&[], &scene.body()).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED);
    let data = answer.data();
    let job = scene.world.jobs().pop().unwrap();
    assert_eq!(data["job_id"], job.id.as_str());
    assert_eq!(answer.headers["location"], format!("jobs/{}", job.id));
    assert_eq!(
        (&data["state"], &data["meta"]["order"], &data["target"]),
        (&json!("queued"), &json!(7), &json!("rest"))
    );
    assert_eq!(scene.world.queue().len(), 1);
}

#[tokio::test]
async fn a_job_has_the_priority_it_was_given() {
    for (given, priority) in [
        (json!("high"), Priority::High),
        (json!("normal"), Priority::Normal),
        (json!("low"), Priority::Low),
        (Value::Null, Priority::Normal),
    ] {
        let scene = scene().await;
        let mut body = scene.body();
        body["priority"] = given;
        let answer = scene.post(&[], &body).await;
        assert_eq!(answer.data()["priority"], priority.as_str(), "{}", answer.text);
        assert_eq!(scene.world.jobs()[0].spec.priority, priority);
    }
}

#[tokio::test]
async fn the_answer_says_when_the_job_will_start_and_how_the_budget_stands() {
    let scene = scene().await;
    let answer = scene.post(&[], &scene.body()).await;
    assert_eq!(answer.data()["estimated_start"], later(0));
    assert_eq!(answer.headers["ratelimit-policy"], r#""flickr-app";q=3330;w=3600"#);
    assert_eq!(answer.headers["ratelimit"], r#""flickr-app";r=150;t=0"#);
    let mut body = scene.body();
    body["delay_seconds"] = json!(60);
    assert_eq!(scene.post(&[], &body).await.data()["estimated_start"], later(60));
}

#[tokio::test]
async fn a_job_that_waits_for_its_turn_starts_later() {
    let scene = scene().await;
    let app = BudgetKey::App(AppId::from_bytes([9; 16]));
    scene.world.set_budget(&app, |budget| {
        build::after_calls(budget, &Limit::FLICKR, HostClass::Rest, Limit::FLICKR.burst_calls, build::NOW)
    });
    let mut starts = vec![later(0)];
    for number in 0..5 {
        let key = format!("k-{number}");
        let answer = scene.post(&[("idempotency-key", &key)], &scene.body()).await;
        let data = answer.data();
        assert_eq!((answer.status, &data["state"]), (StatusCode::ACCEPTED, &json!("queued")));
        assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with(r#""flickr-app";r=0;t="#));
        starts.push(data["estimated_start"].as_str().unwrap().to_owned());
    }
    assert!(starts.is_sorted_by(|earlier, later| earlier < later), "each waits for those before it: {starts:?}");
    assert!(scene.world.queue().is_empty(), "no message is sent before the job's turn");

    scene.world.forget_calls();
    let again = scene.post(&[("idempotency-key", "k-2")], &scene.body()).await;
    assert_eq!(
        (&again.headers["idempotent-replayed"], again.data()["estimated_start"].is_string()),
        (&"true".parse().unwrap(), true)
    );
    assert!(!scene.world.calls().contains(&Call::TakeTag), "a repeat takes no tag");
    let mut urgent = scene.body();
    urgent["priority"] = json!("high");
    let start = scene.post(&[], &urgent).await.data()["estimated_start"].as_str().unwrap().to_owned();
    assert!(start < starts[5], "{start} {starts:?}");
}

#[tokio::test]
async fn the_callers_trace_goes_with_the_job() {
    let scene = scene().await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    scene.post(&[("traceparent", &format!("00-{trace}-b7ad6b7169203331-01"))], &scene.body()).await;
    assert_eq!(scene.world.queue()[0].dispatch.trace.as_str(), trace);
    assert_eq!(scene.world.jobs()[0].trace.as_str(), trace);
}

#[tokio::test]
async fn a_repeated_key_is_answered_with_the_first_job() {
    let scene = scene().await;
    let first = scene.post(&[("idempotency-key", "\"k-1\"")], &scene.body()).await;
    scene.world.pass(Duration::from_secs(1));
    let again = scene.post(&[("x-idempotency-key", "k-1")], &scene.body()).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    assert_eq!((again.status, &again.headers["idempotent-replayed"]), (StatusCode::ACCEPTED, &"true".parse().unwrap()));
    assert_eq!(first.data()["job_id"], again.data()["job_id"]);

    let mut other = scene.body();
    other["params"]["a"] = json!(2);
    let refused = scene.post(&[("idempotency-key", "k-1")], &other).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (422, "ERR_IDEMPOTENCY_KEY_REUSED"));
    let two = scene.post(&[("idempotency-key", "k-2"), ("x-idempotency-key", "k-3")], &scene.body()).await;
    assert_eq!(two.problem(), "ERR_INVALID_REQUEST");
    let bad = scene.post(&[("idempotency-key", "")], &scene.body()).await;
    assert_eq!(bad.problem(), "ERR_INVALID_REQUEST");
    assert_eq!(scene.world.jobs().len(), 1);
}

/// So many seconds after the world's time, as clients write it.
fn later(seconds: i64) -> String {
    Timestamp::from_milliseconds(build::NOW.as_milliseconds() + 1000 * seconds).to_string()
}

#[tokio::test]
async fn a_job_waits_for_its_time() {
    let scene = scene().await;
    let day = 24 * 3600;
    // The queue delays for a quarter of an hour at most: what waits longer is the sweep's to send.
    for (field, value, seconds, sent) in [
        ("run_at", json!(later(60)), 60, 1),
        ("run_at", json!(later(366 * day)), 366 * day, 1),
        ("delay_seconds", json!(900), 900, 2),
        ("delay_seconds", json!(901), 901, 2),
    ] {
        let mut body = scene.body();
        body[field] = value;
        let answer = scene.post(&[], &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
        let data = answer.data();
        assert_eq!(
            (&data["state"], &data["waiting"]["until"]),
            (&json!("scheduled"), &json!(later(seconds))),
            "{field}"
        );
        assert_eq!(scene.world.queue().len(), sent, "{field} {seconds}");
    }
    for (field, value) in [("run_at", json!(later(0))), ("delay_seconds", json!(0))] {
        let mut body = scene.body();
        body[field] = value;
        let data = scene.post(&[], &body).await.data();
        assert_eq!((&data["state"], &data["waiting"]["until"]), (&json!("queued"), &Value::Null), "{field}");
    }
}

#[tokio::test]
async fn the_time_belongs_to_what_a_key_stands_for() {
    let scene = scene().await;
    let key = [("idempotency-key", "k-1")];
    let mut body = scene.body();
    body["delay_seconds"] = json!(60);
    let first = scene.post(&key, &body).await.data();
    scene.world.pass(Duration::from_secs(10));
    let again = scene.post(&key, &body).await.data();
    assert_eq!((&first["job_id"], &first["waiting"]["until"]), (&again["job_id"], &again["waiting"]["until"]));
    body["delay_seconds"] = json!(61);
    assert_eq!(scene.post(&key, &body).await.problem(), "ERR_IDEMPOTENCY_KEY_REUSED");
}

#[tokio::test]
async fn a_job_is_accepted_even_if_its_message_is_not_sent() {
    let scene = scene().await;
    scene.world.forget_calls();
    scene.post(&[], &scene.body()).await;
    let send = scene.world.calls().iter().position(|call| *call == Call::Send).unwrap();
    scene.world.forget_calls();
    scene.world.fault(send, FaultPoint::Before, Fault::Fail);
    let answer = scene.post(&[], &scene.body()).await;
    assert_eq!((answer.status, &answer.data()["state"]), (StatusCode::ACCEPTED, &json!("queued")));
    assert_eq!((scene.world.jobs().len(), scene.world.queue().len()), (2, 1));

    let timing = Target::default().timing();
    scene.world.pass(timing.orphaned_after);
    let (limits, stop_at) = (Limits::default(), scene.world.now() + timing.lease);
    let report = sweep::run(&scene.world, &scene.world, &limits, &SweepScope::ALL, stop_at).await.unwrap();
    assert_eq!(report.sent, 2, "the one never sent, and the one never received");
}

/// What the caller wrote is what is sent, stored, compared and given back: no number goes through a double.
#[tokio::test]
async fn numbers_stay_as_they_were_written() {
    let scene = scene().await;
    let body = |last_digit: u8, meta: &str| {
        format!(
            r#"{{"method": "flickr.test.echo", "user_id": "{}", "meta": {meta}, "params":
                {{"lat": 0.000009, "id": 53461234567.0, "big": 1234567890123456789012{last_digit}, "n": 1e3}}}}"#,
            scene.user
        )
    };
    let post = async |text: String| {
        let headers = [("x-api-key", API_KEY), ("idempotency-key", "k-1")];
        send(&scene.routes, Method::POST, "/v1/flickr/rest", &headers, &text).await
    };
    let meta =
        r#"{ "z": 1e3, "big": 12345678901234567890123, "a": [0.10, -0.0], "$serde_json::private::RawValue": "[]" }"#;
    let first = post(body(3, meta)).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text);
    let job = &scene.world.jobs()[0];
    let params: Vec<_> = job.spec.work.params().iter().collect();
    let big = ("big", "12345678901234567890123");
    assert_eq!(params, [big, ("id", "53461234567.0"), ("lat", "0.000009"), ("n", "1000")]);
    let compact = meta.replace(' ', "");
    assert!(first.text.contains(&format!(r#""meta":{compact}"#)), "{}", first.text);

    let sorted = r#"{"$serde_json::private::RawValue":"[]","a":[0.10,-0.0],"big":12345678901234567890123,"z":1e3}"#;
    let again = post(body(3, sorted)).await;
    assert_eq!(again.status, StatusCode::ACCEPTED, "the order of members makes no difference: {}", again.text);
    assert!(again.text.contains(&format!(r#""meta":{compact}"#)), "{}", again.text);
    for (last_digit, meta) in
        [(4, meta.to_owned()), (3, meta.replace("90123", "90124")), (3, meta.replace("1e3", "2e3"))]
    {
        assert_eq!(post(body(last_digit, &meta)).await.problem(), "ERR_IDEMPOTENCY_KEY_REUSED", "{last_digit} {meta}");
    }
}

#[tokio::test]
async fn a_number_without_a_plain_form_is_refused_by_its_name() {
    let scene = scene().await;
    let body = format!(r#"{{"method": "flickr.test.echo", "user_id": "{}", "params": {{"far": 1e400}}}}"#, scene.user);
    let answer = send(&scene.routes, Method::POST, "/v1/flickr/rest", &[("x-api-key", API_KEY)], &body).await;
    let detail = &answer.json()["error"]["details"][0];
    assert_eq!((answer.status, &detail["field"]), (StatusCode::BAD_REQUEST, &json!("params")), "{}", answer.text);
    assert!(detail["message"].as_str().unwrap().contains("`far`"), "{detail}");
}

#[tokio::test]
async fn the_longest_call_of_flickr_is_accepted() {
    let scene = scene().await;
    let ids = vec!["5346123456789012"; 5000].join(",");
    let mut body = scene.body();
    body["method"] = json!("flickr.photosets.editPhotos");
    body["params"] = json!({ "photoset_id": "1", "primary_photo_id": "5346123456789012", "photo_ids": ids });
    let answer = scene.post(&[], &body).await;
    assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text);
    let job = &scene.world.jobs()[0];
    assert!(job.spec.work.params().iter().any(|param| param == ("photo_ids", &*ids)));
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let scene = scene().await;
    let mut body = scene.body();
    body["meta"] = json!({ "m": "x".repeat(edge::MAX_BODY_BYTES) });
    let answer = scene.post(&[], &body).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (413, "ERR_PAYLOAD_TOO_LARGE"));
    assert!(scene.world.jobs().is_empty());
}

#[tokio::test]
async fn bad_requests_are_refused_by_the_name_of_their_field() {
    let scene = scene().await;
    let with = |change: fn(&mut Value)| {
        let mut body = scene.body();
        change(&mut body);
        body
    };
    let table: [(Value, &str, u16); 30] = [
        (with(|b| b["method"] = json!("flickr")), "method", 400),
        (with(|b| b["method"] = json!(5)), "method", 400),
        (with(|b| b["method"] = json!("flickr.auth.oauth.getAccessToken")), "", 422),
        (with(|b| b["params"] = json!([1])), "params", 400),
        (with(|b| b["params"] = Value::Null), "params", 400),
        (with(|b| b["params"] = json!({ "a": { "b": 1 } })), "params", 400),
        (with(|b| b["params"] = json!({ "oauth_token": "x" })), "params", 400),
        (with(|b| b["params"] = json!({ "a": "x".repeat(257 * 1024) })), "params", 400),
        (with(|b| b["user_id"] = json!("me")), "user_id", 400),
        (with(|b| b["target"] = json!("download")), "target", 400),
        (with(|b| b["priority"] = json!("urgent")), "priority", 400),
        (with(|b| b["priority"] = json!(1)), "priority", 400),
        (with(|b| b["meta"] = json!("text")), "meta", 400),
        (with(|b| b["meta"] = json!([{}])), "meta", 400),
        (with(|b| b["meta"] = json!({ "m": "x".repeat(5000) })), "meta", 400),
        (with(|b| b["surprise"] = json!(1)), "surprise", 400),
        (with(|b| b["run_at"] = json!("tomorrow")), "run_at", 400),
        (with(|b| b["run_at"] = json!("2026-09-21T14:13:20")), "run_at", 400),
        (with(|b| b["run_at"] = json!(1_790_000_000)), "run_at", 400),
        (with(|b| b["run_at"] = json!(later(-1))), "run_at", 400),
        (with(|b| b["run_at"] = json!(later(367 * 24 * 3600))), "run_at", 400),
        (with(|b| b["run_at"] = json!("9999-12-31T23:59:59Z")), "run_at", 400),
        (with(|b| b["delay_seconds"] = json!(-1)), "delay_seconds", 400),
        (with(|b| b["delay_seconds"] = json!(1.5)), "delay_seconds", 400),
        (with(|b| b["delay_seconds"] = json!("60")), "delay_seconds", 400),
        (with(|b| b["delay_seconds"] = json!(u64::MAX)), "delay_seconds", 400),
        (with(|b| b["delay_seconds"] = json!(367 * 24 * 3600)), "delay_seconds", 400),
        (with(|b| b["delay_seconds"] = json!(1e30)), "delay_seconds", 400),
        (
            with(|b| {
                b["run_at"] = json!(later(60));
                b["delay_seconds"] = json!(60);
            }),
            "delay_seconds",
            400,
        ),
        (json!({ "params": {} }), "body", 400),
    ];
    for (body, field, status) in table {
        let answer = scene.post(&[], &body).await;
        assert_eq!(answer.status.as_u16(), status, "{field} {}", answer.text);
        let code = answer.problem();
        if status == 400 {
            assert_eq!(
                (code.as_str(), &answer.json()["error"]["details"][0]["field"]),
                ("ERR_INVALID_REQUEST", &json!(field))
            );
        } else {
            assert_eq!(code, "ERR_METHOD_REFUSED");
        }
    }
    assert!(scene.world.jobs().is_empty() && scene.world.queue().is_empty());
}

#[tokio::test]
async fn nobody_comes_in_without_a_key() {
    let scene = scene().await;
    let body = scene.body().to_string();
    let long = "x".repeat(10_000);
    for key in ["", "wrong-key-of-twenty-letters", "short", &long] {
        let answer = send(&scene.routes, Method::POST, "/v1/flickr/rest", &[("x-api-key", key)], &body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (401, "ERR_UNAUTHORIZED"), "{key:.30}");
    }
    let answer = send(&scene.routes, Method::POST, "/v1/flickr/rest", &[], &body).await;
    assert_eq!(answer.problem(), "ERR_UNAUTHORIZED");
    assert!(scene.world.jobs().is_empty());
}

#[tokio::test]
async fn a_disabled_key_is_answered_as_an_unknown_one() {
    let scene = scene().await;
    let call = async |key| {
        send(&scene.routes, Method::POST, "/v1/flickr/rest", &[("x-api-key", key)], &scene.body().to_string()).await
    };
    let unknown = call("wrong-key-of-twenty-letters").await;
    let set = async |state| tenants::change_key(&scene.world, &build::keyed_hash(), API_KEY, state).await.unwrap();
    set(KeyChange::Disable(build::NOW)).await;
    let disabled = call(API_KEY).await;
    assert_eq!((disabled.status.as_u16(), disabled.problem().as_str()), (401, "ERR_UNAUTHORIZED"));
    assert_eq!(disabled.json()["detail"], unknown.json()["detail"]);
    assert!(scene.world.jobs().is_empty());
    set(KeyChange::Enable).await;
    assert_eq!(call(API_KEY).await.status.as_u16(), 202);
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_as_problems() {
    let scene = scene().await;
    let key = [("x-api-key", API_KEY)];
    let unknown = send(&scene.routes, Method::POST, "/v1/flickr/nothing", &key, "{}").await;
    assert_eq!((unknown.status.as_u16(), unknown.problem().as_str()), (404, "ERR_NOT_FOUND"));
    let wrong = send(&scene.routes, Method::PUT, "/v1/flickr/rest", &key, "{}").await;
    assert_eq!((wrong.status.as_u16(), wrong.problem().as_str()), (405, "ERR_METHOD_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_429_and_names_the_policy() {
    let scene = scene().await;
    let limits = TenantLimits { jobs_per_hour: Some(2), jobs_per_day: Some(3), ..TenantLimits::default() };
    scene.world.set_tenant(&scene.tenant, &TenantChange::SetLimits(limits));
    let key = [("idempotency-key", "k-1")];
    let first = scene.post(&key, &scene.body()).await.data();
    assert_eq!(scene.post(&key, &scene.body()).await.data()["job_id"], first["job_id"], "a replay counts no job");
    assert_eq!(scene.post(&[], &scene.body()).await.status, StatusCode::ACCEPTED);

    let refused = async |policy: &str, quota: u32, window: u64, wait: Duration| {
        let answer = scene.post(&[], &scene.body()).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (429, "ERR_QUOTA_EXCEEDED"));
        let document = answer.json();
        assert_eq!(document["type"], "https://iana.org/assignments/http-problem-types#quota-exceeded");
        assert_eq!(document["violated-policies"], json!([policy]));
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        assert_eq!(answer.headers["retry-after"], seconds.to_string());
        assert_eq!(answer.headers["ratelimit-policy"], format!(r#""{policy}";q={quota};w={window}"#));
        assert_eq!(answer.headers["ratelimit"], format!(r#""{policy}";r=0;t={seconds}"#));
    };
    let end = |window: QuotaWindow| window.end(scene.world.now()).since(scene.world.now());
    refused("jobs-per-hour", 2, 3_600, end(QuotaWindow::Hour)).await;
    assert_eq!(scene.post(&key, &scene.body()).await.data()["job_id"], first["job_id"], "it was accepted before");
    assert_eq!(scene.world.jobs().len(), 2);
    scene.world.set_now(QuotaWindow::Hour.end(scene.world.now()));
    assert_eq!(scene.post(&[], &scene.body()).await.status, StatusCode::ACCEPTED);
    refused("jobs-per-day", 3, 86_400, end(QuotaWindow::Day)).await;
}

#[tokio::test]
async fn too_many_pending_jobs_are_503_with_the_time_to_come_back() {
    let scene = scene().await;
    let key = [("idempotency-key", "k-1")];
    let first = scene.post(&key, &scene.body()).await.data();
    for _ in 1..30 {
        assert_eq!(scene.post(&[], &scene.body()).await.status, StatusCode::ACCEPTED);
    }
    let refused = scene.post(&[("idempotency-key", "k-2")], &scene.body()).await;
    assert_eq!((refused.status.as_u16(), refused.problem().as_str()), (503, "ERR_TOO_MANY_PENDING"));
    assert_eq!(refused.headers["retry-after"], "4", "three jobs at 3,330 an hour");
    let again = scene.post(&key, &scene.body()).await;
    assert_eq!((again.status, &again.data()["job_id"]), (StatusCode::ACCEPTED, &first["job_id"]));
    assert_eq!((scene.world.jobs().len(), scene.world.queue().len()), (30, 30));
}

#[tokio::test]
async fn what_fails_underneath_is_503_and_not_explained() {
    let scene = scene().await;
    scene.world.fault_next(FaultPoint::Before, Fault::Fail);
    let answer = scene.post(&[], &scene.body()).await;
    assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (503, "ERR_UNAVAILABLE"));
    assert!(!answer.text.contains("injected"), "{}", answer.text);
}

#[tokio::test]
async fn what_a_job_asks_of_the_cache_is_stored_with_it() {
    for (given, ttl, bypass) in [
        (json!({ "ttl_seconds": 60 }), Some(60), false),
        (json!({ "bypass": true }), None, true),
        (json!({}), None, false),
        (Value::Null, None, false),
    ] {
        let scene = scene().await;
        let mut body = scene.body();
        (body["method"], body["cache"]) = (json!("flickr.photos.getInfo"), given);
        let answer = scene.post(&[], &body).await;
        assert_eq!((answer.status, &answer.data()["from_cache"]), (StatusCode::ACCEPTED, &json!(false)));
        let options = scene.world.jobs()[0].spec.cache;
        assert_eq!((options.ttl(), options.bypass()), (ttl.map(Duration::from_secs), bypass));
    }
}

#[tokio::test]
async fn what_it_cannot_ask_of_the_cache_is_named() {
    let scene = scene().await;
    for (method, cache, field) in [
        ("flickr.photos.getInfo", json!({ "ttl_seconds": 9 }), "cache.ttl_seconds"),
        ("flickr.photos.getInfo", json!({ "ttl_seconds": 86_401 }), "cache.ttl_seconds"),
        ("flickr.photos.getInfo", json!({ "ttl_seconds": -1 }), "cache.ttl_seconds"),
        ("flickr.photos.getInfo", json!({ "ttl_seconds": "60" }), "cache.ttl_seconds"),
        ("flickr.photos.getInfo", json!({ "bypass": "yes" }), "cache.bypass"),
        ("flickr.photos.getInfo", json!({ "surprise": 1 }), "cache.surprise"),
        ("flickr.photos.getInfo", json!(60), "cache"),
        ("flickr.test.echo", json!({ "ttl_seconds": 60 }), "cache.ttl_seconds"),
        ("flickr.photos.setMeta", json!({ "ttl_seconds": 60 }), "cache.ttl_seconds"),
    ] {
        let mut body = scene.body();
        (body["method"], body["cache"]) = (json!(method), cache);
        let answer = scene.post(&[], &body).await;
        assert_eq!(answer.problem(), "ERR_INVALID_REQUEST", "{body}");
        assert_eq!(answer.json()["error"]["details"][0]["field"], field, "{body}: {}", answer.text);
    }
    assert!(scene.world.jobs().is_empty());
}

#[tokio::test]
async fn cached_answers_are_invalidated_by_method_or_all() {
    let scene = scene().await;
    let post = async |body: Value| {
        let headers = [("x-api-key", API_KEY)];
        send(&scene.routes, Method::POST, "/v1/cache/invalidate", &headers, &body.to_string()).await
    };
    for method in [json!("flickr.photos.*"), json!("flickr.photos.getInfo")] {
        let answer = post(json!({ "user_id": scene.user, "method": method })).await;
        assert_eq!(answer.data(), json!({ "user_id": scene.user, "tags": ["photos"] }));
    }
    for body in [json!({ "user_id": scene.user }), json!({ "user_id": scene.user, "method": null })] {
        let tags = post(body).await.data()["tags"].as_array().unwrap().len();
        assert_eq!(tags, domain::cache::CacheTag::ALL.len());
    }
    assert_eq!(scene.world.count(Call::Invalidate), 4);

    for (body, code) in [
        (json!({ "user_id": "usr_00000000000000000000000000000000" }), "ERR_ACCOUNT_NOT_FOUND"),
        (json!({ "user_id": "x" }), "ERR_INVALID_REQUEST"),
        (json!({ "user_id": scene.user, "method": "flickr.photos.setMeta" }), "ERR_INVALID_REQUEST"),
        (json!({ "user_id": scene.user, "method": "*photos" }), "ERR_INVALID_REQUEST"),
        (json!({ "user_id": scene.user, "method": "" }), "ERR_INVALID_REQUEST"),
        (json!({ "user_id": scene.user, "method": 1 }), "ERR_INVALID_REQUEST"),
        (json!({ "user_id": scene.user, "surprise": 1 }), "ERR_INVALID_REQUEST"),
        (json!({}), "ERR_INVALID_REQUEST"),
    ] {
        assert_eq!(post(body.clone()).await.problem(), code, "{body}");
    }
    assert_eq!(scene.world.count(Call::Invalidate), 4);
    let strange = send(&scene.routes, Method::POST, "/v1/cache/invalidate", &[], "{}").await;
    assert_eq!(strange.problem(), "ERR_UNAUTHORIZED");
}
