//! Entity tags of ended jobs, and `If-None-Match`.

use std::time::Duration;

use domain::{
    ClaimId,
    job::{Event, Failure, FailureCode, Job, Phase, State, StoredResult, step},
};
use http::Method;
use hub::ports::{Committed, Jobs, Results};
use lambda_http::{Context, LambdaEvent};
use serde_json::{Value, json};
use testkit::{
    Call, build,
    http_client::{Answer, send},
};

use crate::{KEYS, LEASE, RESULT, Scene, result_of, scene};

/// What an answer says of storing it: its tag, and `Cache-Control`.
fn storing(answer: &Answer) -> (Option<&str>, &str) {
    let header = |name| answer.headers.get(name).map(|value| value.to_str().unwrap());
    (header("etag"), header("cache-control").unwrap())
}

fn tag(answer: &Answer) -> String {
    let (tag, cache_control) = storing(answer);
    assert_eq!(cache_control, "private, no-cache");
    tag.unwrap().to_owned()
}

async fn read(scene: &Scene, path: &str, known: &[&str]) -> Answer {
    let headers: Vec<_> = known.iter().map(|known| ("if-none-match", *known)).collect();
    let headers = [vec![("x-api-key", KEYS[0])], headers].concat();
    send(&scene.routes, Method::GET, path, &headers, "").await
}

fn path(job: &Job) -> String {
    format!("/v1/flickr/jobs/{}", job.id)
}

fn failure() -> Failure {
    Failure::new(FailureCode::AttemptsExhausted, "HTTP 502")
}

#[tokio::test]
async fn each_end_of_a_job_has_a_tag_under_which_it_is_not_sent_again() {
    let ends: [fn(ClaimId) -> Event; 6] = [
        |claim| Event::complete(claim, StoredResult::Inline(RESULT.to_owned())),
        |claim| Event::complete(claim, StoredResult::SeparateItem),
        |claim| Event::complete(claim, StoredResult::Object { bytes: 5_000 }),
        |claim| Event::Fail(claim, failure()),
        |claim| Event::GiveUp(claim, failure()),
        Event::Expire,
    ];
    for end in ends {
        let scene = scene().await;
        let job = scene.job(end).await;
        scene.world.put_result(&job.reference(), RESULT, build::NOW + LEASE).await.unwrap();
        scene.world.put_result_object(&job.reference(), &result_of(5_000)).await.unwrap();
        let (first, second) = (read(&scene, &path(&job), &[]).await, read(&scene, &path(&job), &[]).await);
        let tag = tag(&first);
        assert_eq!((storing(&second).0, first.data()), (Some(tag.as_str()), second.data()));
        assert_ne!(first.headers["x-request-id"], second.headers["x-request-id"], "why the tag is weak");
        assert!(tag.starts_with("W/\""), "{tag}");

        let strong = tag.trim_start_matches("W/");
        for known in [vec![tag.as_str()], vec![strong], vec!["\"x\"", tag.as_str()], vec!["*"]] {
            scene.world.forget_calls();
            let unchanged = read(&scene, &path(&job), &known).await;
            assert_eq!((unchanged.status.as_u16(), unchanged.text.as_str()), (304, ""), "{known:?}");
            assert_eq!(storing(&unchanged), storing(&first));
            assert_eq!(unchanged.headers["x-content-type-options"], "nosniff");
            assert!(unchanged.headers.contains_key("x-request-id"));
            for header in ["content-type", "content-length"] {
                assert!(!unchanged.headers.contains_key(header), "{header}: it would be of the answer not sent");
            }
            assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::Job], "no result is read");
        }
        for other in ["\"x\"", "x", "", strong.trim_matches('"')] {
            assert_eq!(read(&scene, &path(&job), &[other]).await.data(), first.data(), "{other}");
        }
    }
}

#[tokio::test]
async fn a_shared_result_has_a_tag_of_its_jobs_own() {
    let scene = scene().await;
    let leader = scene.job(|claim| Event::complete(claim, StoredResult::Object { bytes: 5_000 })).await;
    scene.world.put_result_object(&leader.reference(), &result_of(5_000)).await.unwrap();
    let shared = StoredResult::Shared { leader: leader.id.clone(), as_of: build::NOW };
    let phase = Phase::Completed { at: build::NOW + Duration::from_secs(5), result: shared, page_of_several: false };
    let job = scene.insert(6, State { phase, ..State::first(build::NOW, build::NOW) }).await;
    let tags = [tag(&read(&scene, &path(&leader), &[]).await), tag(&read(&scene, &path(&job), &[]).await)];
    assert_ne!(tags[0], tags[1]);
    scene.world.forget_calls();
    assert_eq!(read(&scene, &path(&job), &[&tags[1]]).await.status, 304);
    assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::Job, Call::State], "it may be one with a URL");
    assert_eq!(read(&scene, &path(&job), &[&tags[0]]).await.status, 200);
}

#[tokio::test]
async fn a_job_that_has_not_ended_and_an_answer_with_a_url_are_not_stored() {
    let open = scene().await;
    let job = open.insert(6, State::first(build::NOW, build::NOW)).await;
    let answer = read(&open, &path(&job), &["*"]).await;
    assert_eq!((answer.status.as_u16(), storing(&answer)), (200, (None, "no-store")));

    for (bytes, query) in [(300_000, ""), (5_000_000, ""), (5_000, "?result=url")] {
        let scene = scene().await;
        let job = scene.job(|claim| Event::complete(claim, StoredResult::Object { bytes })).await;
        scene.world.put_result_object(&job.reference(), &result_of(bytes)).await.unwrap();
        let answer = read(&scene, &format!("{}{query}", path(&job)), &["*"]).await;
        assert!(answer.data()["result_url"].is_string(), "{}", answer.text);
        assert_eq!((answer.status.as_u16(), storing(&answer)), (200, (None, "no-store")));
    }
}

#[tokio::test]
async fn only_who_may_read_a_job_learns_that_it_is_as_it_was() {
    let scene = scene().await;
    let job = scene.job(Event::Expire).await;
    let tag = tag(&read(&scene, &path(&job), &[]).await);
    for (key, known, status) in
        [(KEYS[1], tag.as_str(), 404), (KEYS[1], "*", 404), ("a-wrong-key-of-letters", "*", 401)]
    {
        let headers = [("x-api-key", key), ("if-none-match", known)];
        let answer = send(&scene.routes, Method::GET, &path(&job), &headers, "").await;
        assert_eq!((answer.status.as_u16(), storing(&answer)), (status, (None, "no-store")), "{known}");
    }
    let body = json!({ "job_id": job.id, "user_id": job.spec.account.user }).to_string();
    let headers = [("x-api-key", KEYS[0]), ("if-none-match", "*")];
    let status = send(&scene.routes, Method::POST, "/v1/flickr/jobs/status", &headers, &body).await;
    assert_eq!((status.status.as_u16(), storing(&status)), (200, (None, "no-store")), "a POST has none");
}

#[tokio::test]
async fn a_replay_makes_the_tag_of_the_former_run_a_stale_one() {
    let scene = scene().await;
    let dead = scene.job(|claim| Event::GiveUp(claim, failure())).await;
    let former = tag(&read(&scene, &path(&dead), &[]).await);
    let step = async |job: &Job, event: Event| {
        let transition = step(job, event, build::NOW).unwrap();
        assert_eq!(scene.world.commit(&transition).await.unwrap(), Committed::Written);
        transition.after
    };
    let queued = step(&dead, Event::Replay { force: false, admission: None }).await;
    assert_eq!(read(&scene, &path(&dead), &[&former]).await.data()["state"], "queued");
    let claim = ClaimId::from_bytes([2; 16]);
    let fencing_number = queued.state.fencing_number;
    let lease_until = build::NOW + LEASE;
    let running = step(&queued, Event::Claim { fencing_number, claim: claim.clone(), lease_until }).await;
    step(&running, Event::GiveUp(claim, failure())).await;
    let again = read(&scene, &path(&dead), &[&former]).await;
    assert_ne!(tag(&again), former);
    assert_eq!(again.data()["run"], 2);
}

#[tokio::test]
async fn api_gateway_gets_a_304_without_a_body() {
    let scene = scene().await;
    let job = scene.job(|claim| Event::complete(claim, StoredResult::Inline(RESULT.to_owned()))).await;
    let tag = tag(&read(&scene, &path(&job), &[]).await);
    let event = |known: Value| {
        let resource = "/v1/flickr/jobs/{job_id}";
        json!({
            "resource": resource, "path": path(&job), "httpMethod": "GET", "headers": {},
            "multiValueHeaders": { "x-api-key": [KEYS[0]], "If-None-Match": known },
            "pathParameters": { "job_id": job.id }, "body": null, "isBase64Encoded": false,
            "requestContext": {
                "requestId": "gateway-1", "httpMethod": "GET", "path": path(&job), "resourcePath": resource,
                "identity": { "sourceIp": "192.0.2.1" },
            },
        })
    };
    // The header may come in several lines.
    for (known, status) in [(json!(["\"x\"", tag]), 304), (json!(["\"x\""]), 200)] {
        let event = LambdaEvent::new(event(known), Context::default());
        let answer = scene.gateway.answer(event).await.unwrap();
        assert_eq!((&answer["statusCode"], &answer["isBase64Encoded"]), (&json!(status), &json!(false)), "{answer}");
        let headers = &answer["multiValueHeaders"];
        assert_eq!((&headers["etag"], &headers["x-request-id"]), (&json!([tag]), &json!(["gateway-1"])), "{answer}");
        assert_eq!(answer["body"].as_str().is_none_or(str::is_empty), status == 304, "{answer}");
        assert_eq!(headers.get("content-length").is_none(), status == 304, "{answer}");
    }
}
