//! The jobs of an account, over HTTP.

use std::time::Duration;

use domain::{AccountRef, UserId, job::Job};
use serde_json::{Value, json};
use testkit::{Call, build};

use super::{KEYS, Scene, scene};

/// Jobs of an account of the first tenant, accepted a second apart, the earliest first.
async fn jobs(scene: &Scene, methods: &[&str]) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (number, method) in (1..).zip(methods) {
        let spec = build::spec(&scene.account(), method, r#"{"photo_id": "53"}"#);
        let job = build::job([number; 16], spec, build::NOW + Duration::from_secs(number.into()));
        build::insert(&scene.world, &job).await;
        jobs.push(job);
    }
    jobs
}

fn path(scene: &Scene, query: &str) -> String {
    format!("/v1/flickr/jobs?user_id={}{query}", scene.account().user)
}

fn ids(data: &Value) -> Vec<&str> {
    data["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_jobs_of_an_account_are_listed_page_by_page_the_latest_first() {
    let scene = scene().await;
    let jobs = jobs(&scene, &["flickr.test.echo"; 5]).await;
    let before = scene.world.calls().len();
    let all = scene.get(KEYS[0], &path(&scene, "")).await.data();
    assert_eq!(ids(&all), jobs.iter().rev().map(|job| job.id.as_str()).collect::<Vec<_>>());
    assert_eq!(all["next_cursor"], json!(null));
    assert_eq!(
        scene.world.calls()[before..],
        [Call::KeyHolder, Call::AcceptedJobs, Call::ReadJobs],
        "however many there are"
    );
    let first = &all["jobs"][0];
    assert_eq!((&first["state"], &first["method"]), (&json!("queued"), &json!("flickr.test.echo")));

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for expected in [2, 2, 1] {
        let page = scene.get(KEYS[0], &path(&scene, &format!("&limit=2{cursor}"))).await.data();
        assert_eq!(ids(&page).len(), expected);
        seen.extend(ids(&page).into_iter().map(str::to_owned));
        cursor = format!("&cursor={}", page["next_cursor"].as_str().unwrap_or_default());
    }
    assert_eq!((seen, cursor.as_str()), (ids(&all).into_iter().map(str::to_owned).collect(), "&cursor="));
}

#[tokio::test]
async fn a_page_of_some_method_or_state_may_be_short_and_not_the_last() {
    let scene = scene().await;
    let jobs = jobs(&scene, &["flickr.test.null", "flickr.test.echo", "flickr.test.null"]).await;
    let page = scene.get(KEYS[0], &path(&scene, "&method=flickr.test.echo&limit=1")).await.data();
    assert!(ids(&page).is_empty() && page["next_cursor"].is_string(), "{page}");
    let page = scene.get(KEYS[0], &path(&scene, "&method=flickr.test.echo&limit=100")).await.data();
    assert_eq!(ids(&page), [jobs[1].id.as_str()]);
    for (state, count) in [("queued", 3), ("completed", 0)] {
        let page = scene.get(KEYS[0], &path(&scene, &format!("&state={state}"))).await.data();
        assert_eq!(ids(&page).len(), count, "{state}");
    }
    let at = |number: usize| jobs[number].created_at;
    let query = format!("&accepted_from={}&accepted_until={}", at(1), at(2));
    assert_eq!(ids(&scene.get(KEYS[0], &path(&scene, &query)).await.data()), [jobs[1].id.as_str()]);
}

#[tokio::test]
async fn what_is_another_tenants_or_unknown_has_no_jobs_and_asks_the_same_of_the_stores() {
    let scene = scene().await;
    jobs(&scene, &["flickr.test.echo"]).await;
    let unknown = UserId::of(&scene.tenants[1], "nobody");
    let unknown = AccountRef::new(&scene.tenants[1], &unknown).user;
    for query in [path(&scene, ""), format!("/v1/flickr/jobs?user_id={unknown}")] {
        let before = scene.world.calls().len();
        let answer = scene.get(KEYS[1], &query).await;
        assert_eq!(answer.data(), json!({ "jobs": [], "next_cursor": null }));
        assert_eq!(scene.world.calls()[before..], [Call::KeyHolder, Call::AcceptedJobs, Call::ReadJobs]);
    }
}

#[tokio::test]
async fn a_query_that_cannot_be_read_names_its_field() {
    let scene = scene().await;
    let jobs = jobs(&scene, &["flickr.test.echo"]).await;
    let too_early = format!("&cursor={}.{}", jobs[0].created_at.as_milliseconds(), jobs[0].id);
    for (query, field) in [
        (path(&scene, "&limit=0"), "limit"),
        (path(&scene, "&limit=101"), "limit"),
        (path(&scene, "&cursor=a"), "cursor"),
        (path(&scene, "&cursor=1.job_2"), "cursor"),
        (path(&scene, &format!("&accepted_from={}{too_early}", jobs[0].created_at + Duration::from_secs(1))), "cursor"),
        (path(&scene, "&accepted_from=yesterday"), "accepted_from"),
        (path(&scene, "&accepted_until=2001-01-01T00:00:00Z&accepted_from=2001-01-01T00:00:00Z"), "accepted_from"),
        (path(&scene, "&method=photos"), "method"),
        ("/v1/flickr/jobs?user_id=a%20b".to_owned(), "user_id"),
    ] {
        let answer = scene.get(KEYS[0], &query).await;
        assert_eq!(answer.status, 400, "{query}: {}", answer.text);
        assert!(answer.text.contains(&format!(r#""field":"{field}""#)), "{query}: {}", answer.text);
    }
    for query in [
        "/v1/flickr/jobs",
        "/v1/flickr/jobs?user_id=",
        "/v1/flickr/jobs?user_id=u&state=lost",
        "/v1/flickr/jobs?user_id=u&a=b",
    ] {
        assert_eq!(scene.get(KEYS[0], query).await.status, 400, "{query}");
    }
}
