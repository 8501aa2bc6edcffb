//! Dead jobs over HTTP.

use std::time::Duration;

use domain::timing::JOB_RETENTION;
use serde_json::{Value, json};
use testkit::{Call, Fault, FaultPoint};

use crate::scene::{KEYS, META, Scene};

const UNKNOWN: &str = "job_00000000000000000000000000000000";

#[tokio::test]
async fn dead_jobs_are_listed_the_longest_dead_first() {
    let scene = Scene::new().await;
    let first = scene.in_doubt(0, 9).await;
    let second = scene.dead(0, 1).await;
    scene.queued(0, 2).await;
    scene.dead(1, 3).await;
    let data = scene.get(KEYS[0], "/v1/dlq").await.data();
    assert_eq!(scene.listed().await, [first.id.as_str(), second.id.as_str()]);
    let [in_doubt, dead] = [&data["jobs"][0], &data["jobs"][1]];
    assert_eq!((&in_doubt["needs_force"], &in_doubt["error"]["code"]), (&json!(true), &json!("worker_crashed")));
    assert_eq!((&dead["needs_force"], &dead["error"]["message"]), (&json!(false), &json!("HTTP 502")));
    for job in [in_doubt, dead] {
        assert_eq!((&job["state"], &job["attempts"], &job["run"]), (&json!("dead"), &json!(1), &json!(1)));
    }
    assert!(data["next_cursor"].is_null());
}

#[tokio::test]
async fn a_listed_job_reads_like_the_job_itself_but_no_job_is_read() {
    let scene = Scene::new().await;
    let jobs = [scene.in_doubt(0, 9).await, scene.dead(0, 1).await];
    scene.world.forget_calls();
    let answer = scene.get(KEYS[0], "/v1/dlq").await;
    assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::DeadJobs]);
    let views = jobs.map(|job| edge::translate::jobs::without_result(job, None, None).unwrap());
    assert_eq!(answer.data()["jobs"], json!(views));
    assert!(answer.text.contains(META), "{}", answer.text);
}

#[tokio::test]
async fn who_died_too_long_ago_is_not_listed_though_not_yet_deleted() {
    let scene = Scene::new().await;
    for number in 0..=100 {
        scene.dead(0, number).await;
    }
    scene.world.pass(JOB_RETENTION - Duration::from_secs(1));
    let late = scene.dead(0, 200).await;
    assert!(scene.get(KEYS[0], "/v1/dlq").await.data()["next_cursor"].is_string());
    scene.world.pass(Duration::from_secs(1));
    for path in ["/v1/dlq", "/v1/dlq?cursor=0"] {
        let data = scene.get(KEYS[0], path).await.data();
        assert_eq!((&data["jobs"][0]["job_id"], &data["jobs"][1]), (&json!(late.id), &Value::Null), "{path}");
    }
    assert_eq!(scene.outcomes(&json!({ "all": true })).await, ["replayed"]);
}

#[tokio::test]
async fn a_long_list_has_pages() {
    let scene = Scene::new().await;
    for number in 0..=100 {
        scene.dead(0, number).await;
    }
    let first = scene.get(KEYS[0], "/v1/dlq?cursor=").await.data();
    let cursor = first["next_cursor"].as_str().unwrap().replace('#', "%23");
    let second = scene.get(KEYS[0], &format!("/v1/dlq?cursor={cursor}")).await.data();
    assert_eq!((first["jobs"].as_array().unwrap().len(), second["jobs"].as_array().unwrap().len()), (100, 1));
    assert!(second["next_cursor"].is_null());
    assert!(!first["jobs"].as_array().unwrap().contains(&second["jobs"][0]));
    let foreign = scene.get(KEYS[1], &format!("/v1/dlq?cursor={cursor}")).await.data();
    assert_eq!(foreign["jobs"], json!([]), "another tenant's cursor shows nothing");

    for query in [format!("cursor={}", "x".repeat(300)), "cursor=%00".to_owned(), "page=2".to_owned()] {
        assert_eq!(scene.get(KEYS[0], &format!("/v1/dlq?{query}")).await.problem(), "ERR_INVALID_REQUEST", "{query}");
    }
}

#[tokio::test]
async fn a_replay_is_a_new_run_of_the_same_job() {
    let scene = Scene::new().await;
    let job = scene.dead(0, 1).await;
    let body = json!({ "job_ids": [job.id] });
    scene.world.pass(Duration::from_secs(60));
    let data = scene.replay(KEYS[0], &body).await.data();
    let expected = json!([{ "job_id": job.id, "outcome": "replayed" }]);
    assert_eq!((&data["results"], &data["dry_run"], &data["next_cursor"]), (&expected, &json!(false), &json!(null)));

    let again = scene.job(&job.id);
    assert_eq!((again.state.run, again.state.attempts, again.state.phase.name()), (2, 0, "queued"));
    assert_eq!(scene.world.queue().last().unwrap().dispatch.fencing_number, again.state.fencing_number);
    assert!(scene.listed().await.is_empty());
    assert_eq!(scene.outcomes(&body).await, ["not_dead"]);
    assert_eq!(scene.world.queue().len(), 1, "asked twice, sent once");
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let scene = Scene::new().await;
    let (job, in_doubt) = (scene.dead(0, 1).await, scene.in_doubt(0, 2).await);
    let body = |force| json!({ "job_ids": [job.id, in_doubt.id, UNKNOWN], "dry_run": true, "force": force });
    assert_eq!(scene.outcomes(&body(false)).await, ["would_replay", "needs_force", "not_found"]);
    scene.world.forget_calls();
    assert_eq!(scene.outcomes(&body(true)).await, ["would_replay", "would_replay", "not_found"]);
    assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::State, Call::State, Call::State], "not what was asked");
    for (force, second) in [(false, "needs_force"), (true, "would_replay")] {
        scene.world.forget_calls();
        let all = json!({ "all": true, "dry_run": true, "force": force });
        assert_eq!(scene.outcomes(&all).await, ["would_replay", second]);
        assert_eq!(scene.world.calls(), [Call::KeyHolder, Call::DeadJobs], "no job is read");
    }
    assert_eq!((scene.job(&job.id), scene.job(&in_doubt.id)), (job, in_doubt));
    assert!(scene.world.queue().is_empty());
}

/// Promise I7.
#[tokio::test]
async fn a_write_that_may_have_taken_effect_is_replayed_by_force_only() {
    let scene = Scene::new().await;
    let job = scene.in_doubt(0, 1).await;
    let mut body = json!({ "job_ids": [job.id] });
    for given in [&body, &json!({ "all": true })] {
        assert_eq!(scene.outcomes(given).await, ["needs_force"]);
        assert_eq!(scene.job(&job.id), job);
    }
    assert!(scene.world.queue().is_empty());
    body["force"] = json!(true);
    assert_eq!(scene.outcomes(&body).await, ["replayed"]);
    assert_eq!((scene.job(&job.id).state.run, scene.world.queue().len()), (2, 1));
}

#[tokio::test]
async fn all_means_a_page_and_says_where_to_go_on() {
    let scene = Scene::new().await;
    scene.in_doubt(0, 200).await;
    for number in 0..=100 {
        scene.dead(0, number).await;
    }
    let mut body = json!({ "all": true });
    let mut outcomes = Vec::new();
    loop {
        let data = scene.replay(KEYS[0], &body).await.data();
        let page = data["results"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap().to_owned());
        outcomes.push(page.collect::<Vec<_>>());
        match &data["next_cursor"] {
            Value::Null => break,
            cursor => body["cursor"] = cursor.clone(),
        }
    }
    assert_eq!(outcomes.iter().map(Vec::len).collect::<Vec<_>>(), [100, 2]);
    assert_eq!(outcomes[0][0], "needs_force");
    assert!(outcomes.concat()[1..].iter().all(|outcome| outcome == "replayed"));
    assert_eq!((scene.listed().await.len(), scene.world.queue().len()), (1, 101));
}

#[tokio::test]
async fn foreign_unknown_and_malformed_ids_are_not_found() {
    let scene = Scene::new().await;
    let job = scene.dead(1, 1).await;
    let ids = json!([job.id, UNKNOWN, "x", ""]);
    for body in [json!({ "job_ids": ids }), json!({ "job_ids": ids, "force": true })] {
        assert_eq!(scene.outcomes(&body).await, ["not_found"; 4]);
    }
    for id in [job.id.as_str(), UNKNOWN, "x"] {
        let answer = scene.delete(KEYS[0], id).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (404, "ERR_JOB_NOT_FOUND"), "{id}");
    }
    assert_eq!(scene.job(&job.id), job);
    assert!(scene.world.queue().is_empty());
}

#[tokio::test]
async fn a_discarded_job_leaves_the_list_and_stays_dead() {
    let scene = Scene::new().await;
    let (job, live) = (scene.dead(0, 1).await, scene.queued(0, 2).await);
    assert_eq!(scene.delete(KEYS[0], live.id.as_str()).await.problem(), "ERR_JOB_NOT_FOUND");
    let answer = scene.delete(KEYS[0], job.id.as_str()).await.data();
    assert_eq!(answer, json!({ "job_id": job.id, "discarded": true }));
    assert_eq!(scene.delete(KEYS[0], job.id.as_str()).await.problem(), "ERR_JOB_NOT_FOUND");
    assert!(scene.listed().await.is_empty());
    assert_eq!(scene.job(&job.id), job);
    assert!(scene.outcomes(&json!({ "all": true })).await.is_empty());
}

#[tokio::test]
async fn bad_requests_are_refused_by_the_name_of_their_field() {
    let scene = Scene::new().await;
    let many = vec![UNKNOWN; 101];
    for (body, field) in [
        (json!({}), "job_ids"),
        (json!({ "job_ids": [] }), "job_ids"),
        (json!({ "job_ids": many }), "job_ids"),
        (json!({ "job_ids": UNKNOWN }), "job_ids"),
        (json!({ "job_ids": [1] }), "job_ids[0]"),
        (json!({ "all": false }), "job_ids"),
        (json!({ "all": true, "job_ids": [UNKNOWN] }), "all"),
        (json!({ "all": "yes" }), "all"),
        (json!({ "job_ids": [UNKNOWN], "cursor": "x" }), "cursor"),
        (json!({ "all": true, "cursor": "x".repeat(300) }), "cursor"),
        (json!({ "all": true, "force": 1 }), "force"),
        (json!({ "all": true, "dry_run": "no" }), "dry_run"),
        (json!({ "all": true, "surprise": 1 }), "surprise"),
    ] {
        let answer = scene.replay(KEYS[0], &body).await;
        assert_eq!((answer.status.as_u16(), answer.problem().as_str()), (400, "ERR_INVALID_REQUEST"), "{body}");
        assert_eq!(answer.json()["error"]["details"][0]["field"], field, "{body}");
    }
}

#[tokio::test]
async fn nobody_comes_in_without_a_key() {
    let scene = Scene::new().await;
    let job = scene.dead(0, 1).await;
    let wrong = "wrong-key-of-twenty-letters";
    assert_eq!(scene.get(wrong, "/v1/dlq").await.problem(), "ERR_UNAUTHORIZED");
    assert_eq!(scene.replay(wrong, &json!({ "all": true })).await.problem(), "ERR_UNAUTHORIZED");
    assert_eq!(scene.delete(wrong, job.id.as_str()).await.problem(), "ERR_UNAUTHORIZED");
    assert_eq!(scene.job(&job.id), job);
}

#[tokio::test]
async fn a_replay_that_fails_halfway_is_asked_for_again() {
    let scene = Scene::new().await;
    let (first, second) = (scene.dead(0, 1).await, scene.dead(0, 2).await);
    let body = json!({ "job_ids": [first.id, second.id] });
    // Finding the tenant; reading the first and its account, counting, writing and sending it; reading the second.
    scene.world.forget_calls();
    scene.world.fault(6, FaultPoint::Before, Fault::Fail);
    let failed = scene.replay(KEYS[0], &body).await;
    assert_eq!((failed.status.as_u16(), failed.problem().as_str()), (503, "ERR_UNAVAILABLE"));
    assert_eq!(scene.outcomes(&body).await, ["not_dead", "replayed"]);
    assert_eq!(scene.world.queue().len(), 2);
}
