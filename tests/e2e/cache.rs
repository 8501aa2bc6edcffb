//! Cached answers: one call for all who ask the same, until a write or an invalidation.

use api::{
    AccountView, InvalidateCacheAnswer, JobCacheOptions, JobState, JobView, Permission, StartLoginAnswer,
    SubmitJobRequest, UsageAnswer,
};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    emulator::another_tenant,
    stack::{Flickr, Hub, completion, request, result, shared_stack, until},
};

const READ: &str = "flickr.photos.getInfo";

/// The job that asks for the photo, ended.
async fn ask(hub: &Hub, account: &AccountView, photo: &Value, cache: JobCacheOptions) -> JobView {
    let call = request(&account.user_id, READ, &json!({ "photo_id": photo }));
    let accepted = hub.accept(&SubmitJobRequest { cache: Some(cache), ..call }).await;
    let job = hub.ended(&accepted.job_id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    job
}

#[tokio::test]
async fn a_read_is_answered_from_the_cache_until_a_write_ends_or_it_is_invalidated() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid, "title": "before" })).await;
    let photo = &seeded["ids"][0];
    let calls = async || flickr.calls(&account.nsid, READ).await.len();
    let title = |job: &JobView| result(job)["photo"]["title"]["_content"].clone();
    let default = JobCacheOptions::default();

    let first = ask(&hub, &account, photo, default).await;
    assert_eq!((title(&first), first.from_cache), (json!("before"), false), "{first:?}");
    let cached = ask(&hub, &account, photo, JobCacheOptions { ttl_seconds: Some(3600), ..default }).await;
    assert_eq!((result(&cached), cached.from_cache), (result(&first), true), "{cached:?}");
    assert_eq!((cached.attempts, &cached.started_at), (0, &None), "{cached:?}");
    assert!(cached.cached_at.is_some() && cached.cached_at <= first.finished_at, "{cached:?}");
    assert_eq!(calls().await, 1);

    let params = json!({ "photo_id": photo, "title": "after", "description": "" });
    let written = hub.ended(&hub.submit(&account.user_id, "flickr.photos.setMeta", &params).await).await;
    assert_eq!(written.state, JobState::Completed, "{written:?}");
    let anew = ask(&hub, &account, photo, default).await;
    assert_eq!((title(&anew), anew.from_cache), (json!("after"), false), "{anew:?}");
    assert!(ask(&hub, &account, photo, default).await.from_cache);
    assert!(!ask(&hub, &account, photo, JobCacheOptions { bypass: true, ..default }).await.from_cache);
    assert_eq!(calls().await, 3);

    let invalidation = json!({ "user_id": account.user_id, "method": "flickr.photosets.*" });
    let answer = hub.post("/v1/cache/invalidate", &invalidation).await;
    assert_eq!((answer.status.as_u16(), answer.data::<InvalidateCacheAnswer>().tags), (200, vec!["photosets".into()]));
    assert!(ask(&hub, &account, photo, default).await.from_cache, "another tag");
    let answer = hub.post("/v1/cache/invalidate", &json!({ "user_id": account.user_id })).await;
    assert!(answer.data::<InvalidateCacheAnswer>().tags.contains(&"photos".to_owned()), "{}", answer.text);
    assert!(!ask(&hub, &account, photo, default).await.from_cache);
    assert_eq!(calls().await, 4);

    let unknown = json!({ "user_id": "usr_00000000000000000000000000000000" });
    assert_eq!(hub.post("/v1/cache/invalidate", &unknown).await.problem(), "ERR_ACCOUNT_NOT_FOUND");
}

#[tokio::test]
async fn who_asks_the_same_at_once_shares_one_call_and_the_usage_says_so() {
    const JOBS: usize = 8;
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let photo = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await["ids"][0].clone();
    let saved = async || {
        let usage: UsageAnswer = hub.get("/v1/usage").await.data();
        let of_method = usage.cache.unwrap().methods.into_iter().find(|of| of.method == READ);
        of_method.map_or(0, |of| of.calls_saved)
    };
    let before = saved().await;
    // The first is held up at Flickr, so the others come while it is there.
    flickr.fault(&account.nsid, "slow", &json!({ "delay_ms": 3_000 })).await;
    let jobs = join_all((0..JOBS).map(|_| ask(&hub, &account, &photo, JobCacheOptions::default()))).await;
    let called = flickr.calls(&account.nsid, READ).await.len();
    assert_eq!(called, 1, "{jobs:?}");
    let shared = jobs.iter().filter(|job| job.from_cache).count();
    assert_eq!(shared, JOBS - 1);
    until("the usage to count what was saved", async || (saved().await >= before + shared as u64).then_some(())).await;
}

/// Photos that are deleted elsewhere move others to an earlier page.
#[tokio::test]
async fn who_reads_all_pages_of_a_listing_sees_each_photo_that_is_there() {
    const LISTING: &str = "flickr.people.getPhotos";
    let _shared = shared_stack().await;
    let (hub, elsewhere, flickr) = (Hub::first(), another_tenant().await, Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid, "count": 9 })).await;
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let login = json!({ "api_key": app["key"], "api_secret": app["secret"], "perms": "delete" });
    let started: StartLoginAnswer = elsewhere.start(&login).await.data();
    let consent = flickr.approve_as(&json!({ "nsid": account.nsid }), &started, Permission::Delete).await;
    let same: AccountView = elsewhere.complete(&completion(&started, &consent, None)).await.data();
    let page = async |number: u32, ttl_seconds| {
        let params = json!({ "user_id": "me", "per_page": 3, "page": number });
        let cache = Some(JobCacheOptions { ttl_seconds, ..JobCacheOptions::default() });
        let call = SubmitJobRequest { cache, ..request(&account.user_id, LISTING, &params) };
        hub.ended(&hub.accept(&call).await.job_id).await
    };
    let ids = |job: &JobView| -> Vec<Value> {
        result(job)["photos"]["photo"].as_array().unwrap().iter().map(|photo| photo["id"].clone()).collect()
    };

    let before = page(1, None).await;
    for id in ids(&before) {
        let delete = elsewhere.submit(&same.user_id, "flickr.photos.delete", &json!({ "photo_id": id })).await;
        assert_eq!(elsewhere.ended(&delete).await.state, JobState::Completed);
    }
    let old = page(1, Some(3600)).await;
    assert!(old.from_cache && ids(&old) == ids(&before), "who says so is given an old page: {old:?}");
    let mut seen = Vec::new();
    for number in 1..=3 {
        seen.extend(ids(&page(number, None).await));
    }
    let mut left: Vec<Value> = seeded["ids"].as_array().unwrap().clone();
    left.retain(|id| !ids(&before).contains(id));
    left.reverse();
    assert_eq!(seen, left);
}
