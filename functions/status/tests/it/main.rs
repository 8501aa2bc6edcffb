//! Reading jobs over HTTP, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod conditional;
mod documentation;
mod history;
mod refusals;

use std::{sync::Arc, time::Duration};

use axum::Router;
use domain::{
    AccountRef, AppId, ClaimId, Day, TenantId, UserId,
    budget::{Budget, HostClass, Limit, Signal},
    cache::CacheStats,
    fair_queue::{Bucket, QueueTicket},
    job::{Event, Failure, FailureCode, Job, Phase, State, StoredResult, Target, WaitReason, step},
};
use edge::{Authenticator, Gateway};
use http::Method;
use hub::{
    limits::Limits,
    ports::{
        Accounts, Apps, BudgetKey, ClaimRequest, Claimed, Committed, FairQueues, Jobs, ResponseCache, Results,
        StoredBytes,
    },
    tenants,
};
use serde_json::{Value, json};
use testkit::{
    Call, Fault, FaultPoint, World, build,
    http_client::{Answer, send},
};

const KEYS: [&str; 2] = ["a-key-of-twenty-letters", "another-key-of-twenty"];

struct Scene {
    routes: Router,
    /// The same behind API Gateway.
    gateway: Gateway,
    world: World,
    tenants: Vec<TenantId>,
}

async fn scene() -> Scene {
    let world = World::new(build::NOW, 1);
    let keyed_hash = build::keyed_hash();
    let mut tenants = Vec::new();
    for key in KEYS {
        tenants.push(tenants::create(&world, &keyed_hash, "Test", key).await.unwrap());
    }
    let authenticator = Authenticator {
        ports: world.clone(),
        keyed_hash,
        limits: Limits::default(),
        secrets: build::vaults().secrets,
        allowed_origins: Default::default(),
    };
    let routes = status::routes(Arc::new(world.clone()), Arc::new(authenticator));
    Scene { gateway: Gateway::new(routes.clone()), routes: edge::serve(routes), world, tenants }
}

impl Scene {
    /// The account of the first tenant.
    fn account(&self) -> AccountRef {
        AccountRef::new(&self.tenants[0], &UserId::of(&self.tenants[0], "1@N00"))
    }

    /// Spends so many calls of a budget.
    fn spend(&self, key: &BudgetKey, calls: u32) {
        let limit = Limit::FLICKR;
        self.world.set_budget(key, |budget| build::after_calls(budget, &limit, HostClass::Rest, calls, build::NOW));
    }

    /// Has Flickr refuse so many calls that the circuit opens.
    fn throttle(&self, key: &BudgetKey) {
        for _ in 0..3 {
            let refused =
                |budget: &Budget| build::after_signal(budget, HostClass::Rest, &Signal::Throttled, build::NOW);
            self.world.set_budget(key, refused);
        }
    }

    /// A job of the first tenant in this state.
    async fn insert(&self, number: u8, state: State) -> Job {
        let job = build::job([number; 16], build::spec(&self.account(), "flickr.test.echo", "{}"), build::NOW);
        let job = Job { state, ..job };
        build::insert(&self.world, &job).await;
        job
    }

    /// A job of the first tenant that met `event`.
    async fn job(&self, event: impl FnOnce(ClaimId) -> Event) -> Job {
        let job = self.insert(5, State::first(build::NOW, build::NOW)).await;
        let claim = ClaimId::from_bytes([1; 16]);
        let request = ClaimRequest {
            job: job.reference(),
            fencing_number: 1,
            claim: claim.clone(),
            lease_until: build::NOW + LEASE,
            now: build::NOW,
        };
        let Claimed::Held(running) = self.world.claim(&request).await.unwrap() else { unreachable!("not held") };
        let transition = step(&running, event(claim), build::NOW).unwrap();
        assert_eq!(self.world.commit(&transition).await.unwrap(), Committed::Written);
        transition.after
    }

    async fn get(&self, key: &str, path: &str) -> Answer {
        send(&self.routes, Method::GET, path, &[("x-api-key", key)], "").await
    }

    async fn status(&self, key: &str, body: serde_json::Value) -> Answer {
        send(&self.routes, Method::POST, "/v1/flickr/jobs/status", &[("x-api-key", key)], &body.to_string()).await
    }
}

const LEASE: Duration = Target::Rest.timing().lease;

const RESULT: &str = r#"{"photo":{"id":"53","z":1,"a":[1.0,2e5]},"stat":"ok"}"#;

#[tokio::test]
async fn a_completed_job_is_read_with_its_result_as_flickr_wrote_it() {
    let scene = scene().await;
    let job = scene.job(|claim| Event::complete(claim, StoredResult::Inline(RESULT.to_owned()))).await;
    let answer = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await;
    let data = answer.data();
    assert_eq!((&data["state"], &data["attempts"], &data["error"]), (&json!("completed"), &json!(1), &json!(null)));
    assert!(data["finished_at"].is_string() && data["started_at"].is_string());
    assert_eq!(data["estimated_start"], json!(null), "it started");
    assert!(answer.text.contains(RESULT), "the result is passed through: {}", answer.text);
    let same = scene.status(KEYS[0], json!({ "job_id": job.id, "user_id": job.spec.account.user })).await;
    assert_eq!(same.data(), data);
}

#[tokio::test]
async fn a_result_in_a_separate_item_is_read_too() {
    let scene = scene().await;
    let job = scene.job(|claim| Event::complete(claim, StoredResult::SeparateItem)).await;
    let path = format!("/v1/flickr/jobs/{}", job.id);
    let missing = scene.get(KEYS[0], &path).await;
    assert_eq!(missing.problem(), "ERR_INTERNAL", "a lost result is not hidden");
    scene.world.put_result(&job.reference(), RESULT, build::NOW + LEASE).await.unwrap();
    assert!(scene.get(KEYS[0], &path).await.text.contains(RESULT));
}

/// A result of so many bytes.
fn result_of(bytes: usize) -> String {
    format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes - r#"{"text":""}"#.len()))
}

#[tokio::test]
async fn a_long_result_has_a_url_beside_it_or_instead() {
    const KB: usize = 1024;
    for (bytes, has_text, has_url) in [
        (5 * KB, true, false),
        (256 * KB - 1, true, false),
        (256 * KB, true, true),
        (4 * KB * KB, true, true),
        (4 * KB * KB + 1, false, true),
    ] {
        let scene = scene().await;
        let job = scene.job(|claim| Event::complete(claim, StoredResult::Object { bytes })).await;
        scene.world.put_result_object(&job.reference(), &result_of(bytes)).await.unwrap();
        let path = format!("/v1/flickr/jobs/{}", job.id);
        let has = |data: &Value| (data["result"].is_object(), data["result_url"].is_string());
        assert_eq!(has(&scene.get(KEYS[0], &path).await.data()), (has_text, has_url), "{bytes}");
        assert_eq!(has(&scene.get(KEYS[0], &format!("{path}?result=inline")).await.data()), (has_text, has_url));

        scene.world.forget_calls();
        assert_eq!(has(&scene.get(KEYS[0], &format!("{path}?result=url")).await.data()), (false, true), "{bytes}");
        assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::Job, Call::ResultObjectUrl], "the text is not read");
        let body = json!({ "job_id": job.id, "user_id": job.spec.account.user, "result": "url" });
        assert_eq!(has(&scene.status(KEYS[0], body).await.data()), (false, true), "{bytes}");
    }
}

#[tokio::test]
async fn a_result_that_grows_too_much_in_the_answer_is_given_as_a_url() {
    let scene = scene().await;
    let text = format!(r#"{{"text":"{}"}}"#, r#"\""#.repeat(1_600_000));
    let job = scene.job(|claim| Event::complete(claim, StoredResult::Object { bytes: text.len() })).await;
    scene.world.put_result_object(&job.reference(), &text).await.unwrap();
    let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
    assert!(data["result"].is_null() && data["result_url"].is_string());
}

#[tokio::test]
async fn a_short_result_has_no_url_whatever_is_asked() {
    for stored in [StoredResult::Inline(RESULT.to_owned()), StoredResult::SeparateItem] {
        let scene = scene().await;
        let job = scene.job(|claim| Event::complete(claim, stored)).await;
        scene.world.put_result(&job.reference(), RESULT, build::NOW + LEASE).await.unwrap();
        let answer = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}?result=url", job.id)).await;
        assert!(answer.text.contains(RESULT) && answer.data()["result_url"].is_null(), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_form_that_is_none_is_refused() {
    let scene = scene().await;
    let job = scene.job(Event::Expire).await;
    for query in ["result=link", "result=", "result=url&result=url", "form=url"] {
        let answer = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}?{query}", job.id)).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "ERR_INVALID_REQUEST"), "{query}");
    }
    let body = json!({ "job_id": job.id, "user_id": job.spec.account.user, "result": "link" });
    assert_eq!(scene.status(KEYS[0], body).await.problem(), "ERR_INVALID_REQUEST");
}

#[tokio::test]
async fn a_failed_job_says_why() {
    let scene = scene().await;
    let failure =
        Failure { code: FailureCode::FlickrRejected, message: "Photo not found".to_owned(), flickr_code: Some(1) };
    let job = scene.job(|claim| Event::Fail(claim, failure)).await;
    let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
    let error = json!({ "code": "flickr_rejected", "message": "Photo not found", "flickr_code": 1 });
    assert_eq!((&data["state"], &data["error"], &data["result"]), (&json!("failed"), &error, &json!(null)));
}

#[tokio::test]
async fn a_dead_job_says_why_and_whether_it_takes_force() {
    let scene = scene().await;
    let failure = Failure { code: FailureCode::AttemptsExhausted, message: "HTTP 502".to_owned(), flickr_code: None };
    let job = scene.job(|claim| Event::GiveUp(claim, failure)).await;
    let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
    let error = json!({ "code": "attempts_exhausted", "message": "HTTP 502", "flickr_code": null });
    assert_eq!((&data["state"], &data["error"]), (&json!("dead"), &error));
    assert_eq!((&data["run"], &data["needs_force"]), (&json!(1), &json!(false)));
    assert!(data["finished_at"].is_string() && data["waiting"].is_null());
}

#[tokio::test]
async fn a_job_that_waits_says_until_when() {
    let due_at = build::NOW + Duration::from_secs(30);
    let reason = WaitReason::Throttled { message: "too many calls".to_owned() };
    let defer = |claim| Event::Defer { claim, due_at, reason, attempted: false };
    let verify = |claim| Event::Verify { claim, due_at, window: domain::timing::VERIFICATION };
    let (deferred, verifying) = (scene().await, scene().await);
    for (scene, job, state, reason) in [
        (&deferred, deferred.job(defer).await, "deferred", "throttled"),
        (&verifying, verifying.job(verify).await, "verifying", "verification"),
    ] {
        let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
        let waiting = &data["waiting"];
        assert_eq!((&data["state"], &waiting["until"]), (&json!(state), &json!(due_at.to_string())));
        assert_eq!((&waiting["reason"], &data["finished_at"]), (&json!(reason), &json!(null)));
        assert!(waiting["message"].is_string(), "{waiting}");
    }
}

#[tokio::test]
async fn an_expired_job_says_what_it_waited_for() {
    let scene = scene().await;
    let job = scene.job(Event::Expire).await;
    let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
    assert_eq!((&data["state"], &data["error"]["code"]), (&json!("expired"), &json!("deadline_exceeded")));
    let message = data["error"]["message"].as_str().unwrap();
    assert!(message.contains("waits for a worker"), "{message}");
}

#[tokio::test]
async fn a_job_that_did_not_start_says_about_when_it_will() {
    let scene = scene().await;
    let (user, app) = (scene.account().user, AppId::from_bytes([9; 16]));
    let key = BudgetKey::App(app.clone());
    scene.spend(&key, Limit::FLICKR.burst_calls);
    let minute = build::NOW + Duration::from_secs(60);
    let states =
        [(State::first(build::NOW, build::NOW), Some(build::NOW)), (State::first(minute, build::NOW), Some(minute))];
    for (number, (state, expected)) in (0..).zip(states) {
        let job = scene.insert(number, state).await;
        scene.world.forget_calls();
        let data = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
        assert_eq!(data["estimated_start"], json!(expected.map(|at| at.to_string())));
        assert!(!scene.world.calls().contains(&Call::BudgetAndQueue), "only who waits there asks the queue");
    }

    let begin = u64::try_from(build::NOW.as_milliseconds()).unwrap();
    let ticket = QueueTicket { app: app.clone(), tag: begin + 4 };
    scene.world.join_queue(&app, Bucket::of(ticket.tag, begin), None, build::NOW).await.unwrap();
    let job = scene.insert(9, State::first_in_queue(ticket, minute, build::NOW)).await;
    let read = async || scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await.data();
    scene.world.forget_calls();
    let data = read().await;
    assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::Job, Call::BudgetAndQueue]);
    let first = data["estimated_start"].as_str().unwrap().to_owned();
    assert!(first > build::NOW.to_string(), "there is no call for it yet: {first}");
    assert_eq!((&data["state"], &data["priority"]), (&json!("queued"), &json!("normal")));
    assert_eq!((&data["waiting"]["reason"], &data["waiting"]["until"]), (&json!("turn"), &json!(first)));
    let by_user = scene.status(KEYS[0], json!({ "job_id": job.id, "user_id": user })).await.data();
    assert_eq!(by_user["estimated_start"], first);

    scene.throttle(&key);
    let later = read().await["estimated_start"].as_str().unwrap().to_owned();
    assert!(later > first, "what Flickr lets through now is what counts: {later} {first}");
}

#[tokio::test]
async fn foreign_unknown_and_malformed_ids_answer_alike() {
    let scene = scene().await;
    let job = scene.job(Event::Expire).await;
    let (id, user) = (job.id.as_str(), job.spec.account.user.as_str());
    let unknown = "job_00000000000000000000000000000000";
    let other_user = "usr_00000000000000000000000000000000";
    let answers = [
        scene.get(KEYS[1], &format!("/v1/flickr/jobs/{id}")).await,
        scene.get(KEYS[0], &format!("/v1/flickr/jobs/{unknown}")).await,
        scene.get(KEYS[0], "/v1/flickr/jobs/x").await,
        scene.status(KEYS[1], json!({ "job_id": id, "user_id": user })).await,
        scene.status(KEYS[0], json!({ "job_id": id, "user_id": other_user })).await,
        scene.status(KEYS[0], json!({ "job_id": unknown, "user_id": user })).await,
        scene.status(KEYS[0], json!({ "job_id": "", "user_id": "" })).await,
    ];
    for answer in answers {
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "ERR_JOB_NOT_FOUND"));
        let mut document = answer.json();
        for member in ["request_id", "instance"] {
            document[member] = json!(null);
        }
        assert_eq!(document["detail"], "No job of this id is known");
    }
    assert_eq!(scene.status(KEYS[0], json!({ "job_id": id })).await.problem(), "ERR_INVALID_REQUEST");
}

#[tokio::test]
async fn usage_shows_how_each_budget_stands() {
    let scene = scene().await;
    let cache = json!({ "from": "2026-09-15", "calls_saved": 0, "hit_rate": null, "methods": [] });
    let storage = |stored_bytes: u64| json!({ "stored_bytes": stored_bytes, "max_stored_bytes": 100_000_000_000_u64 });
    let empty = json!({ "apps": [], "next_cursor": null, "pending": null, "cache": cache, "storage": storage(0) });
    let answer = scene.get(KEYS[0], "/v1/usage").await;
    assert_eq!((answer.data(), answer.headers.get("ratelimit")), (empty.clone(), None));
    for day in [Day::of(build::NOW), Day::of(build::NOW).before()] {
        assert!(scene.world.count_bytes(&scene.tenants[0], day, 7, 7).await.unwrap());
    }

    let app = AppId::from_bytes([9; 16]);
    scene.world.save_app(&scene.tenants[0], &app, &[1]).await.unwrap();
    let key = BudgetKey::App(app.clone());
    scene.spend(&key, 1);
    scene.world.join_queue(&app, Bucket::of(9, 1), None, build::NOW).await.unwrap();
    let answer = scene.get(KEYS[0], "/v1/usage").await;
    assert_eq!(answer.headers["ratelimit-policy"], r#""flickr-app";q=3330;w=3600"#);
    assert_eq!(answer.headers["ratelimit"], r#""flickr-app";r=149;t=2"#);
    let full_at = build::NOW + Duration::from_millis(1082);
    let expected = json!({
        "app_id": app,
        "limit": { "calls_per_hour": 3330, "burst_calls": 150 },
        "learned_calls_per_hour": 3330,
        "remaining_calls": 149,
        "waiting_jobs": 1,
        "full_at": full_at.to_string(),
        "circuit": "closed",
        "open_until": null,
        "stopped": null,
    });
    let cache = json!({ "from": "2026-09-15", "calls_saved": 0, "hit_rate": null, "methods": [] });
    let storage = storage(14);
    let all = json!({ "apps": [expected], "next_cursor": null, "pending": null, "cache": cache, "storage": storage });
    assert_eq!(answer.data(), all);
    assert_eq!(scene.get(KEYS[1], "/v1/usage").await.data(), empty, "a budget is shown to its app's tenant only");

    scene.throttle(&key);
    let answer = scene.get(KEYS[0], "/v1/usage").await;
    let app = &answer.data()["apps"][0];
    assert_eq!((&app["circuit"], &app["remaining_calls"]), (&json!("open"), &json!(0)));
    assert_eq!(app["learned_calls_per_hour"], 1665);
    assert_eq!(app["open_until"], json!((build::NOW + Duration::from_secs(300)).to_string()));
    assert_eq!(answer.headers["ratelimit"], r#""flickr-app";r=0;t=300"#);

    scene.world.save_app(&scene.tenants[0], &AppId::from_bytes([8; 16]), &[1]).await.unwrap();
    let answer = scene.get(KEYS[0], "/v1/usage").await;
    assert_eq!(answer.data()["apps"].as_array().unwrap().len(), 2);
    assert!(!answer.headers.contains_key("ratelimit"), "which of two it spoke of nobody could tell");
}

#[tokio::test]
async fn usage_counts_the_pending_jobs_of_an_account() {
    let scene = scene().await;
    let account = build::account(&scene.tenants[0], "1@N00", build::NOW);
    let user = &account.account.user;
    scene.world.save_account(&account).await.unwrap();
    let path = format!("/v1/usage?user_id={user}");
    assert_eq!(
        scene.get(KEYS[0], &path).await.data()["pending"],
        json!({ "user_id": user, "jobs": 0, "scheduled_jobs": 0 })
    );
    scene.insert(5, State::first(build::NOW, build::NOW)).await;
    assert_eq!(
        scene.get(KEYS[0], &path).await.data()["pending"],
        json!({ "user_id": user, "jobs": 1, "scheduled_jobs": 0 })
    );

    let unknown = "/v1/usage?user_id=usr_00000000000000000000000000000000";
    for (key, path) in [(KEYS[1], path.as_str()), (KEYS[0], unknown), (KEYS[0], "/v1/usage?user_id=x")] {
        let answer = scene.get(key, path).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "ERR_ACCOUNT_NOT_FOUND"), "{path}");
    }
    for bad in ["/v1/usage?cursor=x", "/v1/usage?surprise=1"] {
        assert_eq!(scene.get(KEYS[0], bad).await.problem(), "ERR_INVALID_REQUEST", "{bad}");
    }
    assert_eq!(send(&scene.routes, Method::GET, "/v1/usage", &[], "").await.problem(), "ERR_UNAUTHORIZED");
}

#[tokio::test]
async fn usage_of_many_apps_comes_in_pages() {
    let scene = scene().await;
    for number in 0..60 {
        scene.world.save_app(&scene.tenants[0], &AppId::from_bytes([number; 16]), &[1]).await.unwrap();
    }
    let (mut path, mut sizes) = ("/v1/usage".to_owned(), Vec::new());
    loop {
        let answer = scene.get(KEYS[0], &path).await;
        assert!(!answer.headers.contains_key("ratelimit"));
        sizes.push(answer.data()["apps"].as_array().unwrap().len());
        match answer.data()["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/usage?cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(sizes, [25, 25, 10]);
}

#[tokio::test]
async fn health_is_open_and_readiness_checks_what_jobs_depend_on() {
    let scene = scene().await;
    let alive = send(&scene.routes, Method::GET, "/v1/health", &[], "").await;
    assert_eq!(alive.data()["status"], "ok");
    let closed = send(&scene.routes, Method::GET, "/v1/health/ready", &[], "").await;
    assert_eq!(closed.problem(), "ERR_UNAUTHORIZED");
    assert_eq!(scene.get(KEYS[0], "/v1/health/ready").await.data()["dependencies"]["world"], "ok");

    // The call after the one that finds the tenant.
    let probe = scene.world.calls().len() + 1;
    scene.world.fault(probe, FaultPoint::Before, Fault::Fail);
    let down = scene.get(KEYS[0], "/v1/health/ready").await;
    assert_eq!((down.status.as_u16(), down.problem().as_str()), (503, "ERR_UNAVAILABLE"));
    assert_eq!(down.json()["error"]["details"][0], json!({ "field": "world", "message": "does not answer" }));
}

#[tokio::test]
async fn a_job_that_another_answered_is_read_with_that_ones_result() {
    let scene = scene().await;
    let leader = scene.job(|claim| Event::complete(claim, StoredResult::Inline(RESULT.to_owned()))).await;
    let shared = StoredResult::Shared { leader: leader.id.clone(), as_of: build::NOW };
    let phase = Phase::Completed { at: build::NOW + Duration::from_secs(5), result: shared, page_of_several: false };
    let job = scene.insert(6, State { phase, ..State::first(build::NOW, build::NOW) }).await;
    let answer = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", job.id)).await;
    let data = answer.data();
    assert_eq!((&data["from_cache"], &data["cached_at"]), (&json!(true), &json!(build::NOW.to_string())));
    assert!(answer.text.contains(RESULT), "{}", answer.text);
    let own = scene.get(KEYS[0], &format!("/v1/flickr/jobs/{}", leader.id)).await.data();
    assert_eq!((&own["from_cache"], &own["cached_at"]), (&json!(false), &Value::Null));
}

#[tokio::test]
async fn usage_shows_what_the_cache_saved_in_the_last_seven_days() {
    let scene = scene().await;
    let method = |name: &str| name.parse().unwrap();
    let (info, sizes) = (method("flickr.photos.getInfo"), method("flickr.photos.getSizes"));
    let day = |ago: u64| Day::of(build::NOW.before(Duration::from_secs(ago * 24 * 3600)));
    let some = CacheStats { hits: 3, shared: 1, misses: 4, bypassed: 2, unavailable: 1 };
    for (tenant, day, method, stats) in [
        (0, day(0), &info, some),
        (0, day(6), &info, CacheStats { hits: 4, ..CacheStats::default() }),
        (0, day(7), &info, some),
        (0, day(1), &sizes, CacheStats { bypassed: 1, ..CacheStats::default() }),
        (1, day(0), &sizes, some),
    ] {
        scene.world.record_stats(&scene.tenants[tenant], &day, method, &stats).await.unwrap();
    }
    let cache = scene.get(KEYS[0], "/v1/usage").await.data()["cache"].clone();
    let zero = json!({
        "method": "flickr.photos.getSizes", "hits": 0, "shared": 0, "misses": 0, "bypassed": 1, "unavailable": 0,
        "calls_saved": 0, "hit_rate": null,
    });
    let many = json!({
        "method": "flickr.photos.getInfo", "hits": 7, "shared": 1, "misses": 4, "bypassed": 2, "unavailable": 1,
        "calls_saved": 8, "hit_rate": 8.0 / 12.0,
    });
    let expected = json!({ "from": "2026-09-15", "calls_saved": 8, "hit_rate": 8.0 / 12.0, "methods": [many, zero] });
    assert_eq!(cache, expected);
}
