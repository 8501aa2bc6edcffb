//! Cached answers: one call for all who ask the same, until a write or an invalidation.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::stack::{Account, Flickr, Hub, shared_stack, until};

const READ: &str = "flickr.photos.getInfo";

/// The job that asks for the photo, ended.
async fn ask(hub: &Hub, account: &Account, photo: &Value, cache: &Value) -> Value {
    let spec = json!({ "method": READ, "params": { "photo_id": photo }, "user_id": account.user_id, "cache": cache });
    let answer = hub.post("/v1/flickr/rest", &spec).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let job = hub.ended(answer.data()["job_id"].as_str().unwrap()).await;
    assert_eq!(job["state"], "completed", "{job}");
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
    let title = |job: &Value| job["result"]["photo"]["title"]["_content"].as_str().unwrap().to_owned();

    let first = ask(&hub, &account, photo, &Value::Null).await;
    assert_eq!((title(&first).as_str(), &first["from_cache"]), ("before", &json!(false)), "{first}");
    let cached = ask(&hub, &account, photo, &json!({ "ttl_seconds": 3600 })).await;
    assert_eq!((&cached["result"], &cached["from_cache"]), (&first["result"], &json!(true)), "{cached}");
    assert_eq!((&cached["attempts"], &cached["started_at"]), (&json!(0), &Value::Null), "{cached}");
    assert!(cached["cached_at"].as_str().unwrap() <= first["finished_at"].as_str().unwrap(), "{cached}");
    assert_eq!(calls().await, 1);

    let params = json!({ "photo_id": photo, "title": "after", "description": "" });
    let written = hub.ended(&hub.submit(&account.user_id, "flickr.photos.setMeta", &params).await).await;
    assert_eq!(written["state"], "completed", "{written}");
    let anew = ask(&hub, &account, photo, &Value::Null).await;
    assert_eq!((title(&anew).as_str(), &anew["from_cache"]), ("after", &json!(false)), "{anew}");
    assert_eq!(ask(&hub, &account, photo, &Value::Null).await["from_cache"], true);
    assert_eq!(ask(&hub, &account, photo, &json!({ "bypass": true })).await["from_cache"], false);
    assert_eq!(calls().await, 3);

    let invalidation = json!({ "user_id": account.user_id, "method": "flickr.photosets.*" });
    let answer = hub.post("/v1/cache/invalidate", &invalidation).await;
    assert_eq!((answer.status.as_u16(), answer.data()["tags"].clone()), (200, json!(["photosets"])));
    assert_eq!(ask(&hub, &account, photo, &Value::Null).await["from_cache"], true, "another tag");
    let answer = hub.post("/v1/cache/invalidate", &json!({ "user_id": account.user_id })).await;
    assert!(answer.data()["tags"].as_array().unwrap().contains(&json!("photos")), "{}", answer.text);
    assert_eq!(ask(&hub, &account, photo, &Value::Null).await["from_cache"], false);
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
        let usage = hub.get("/v1/usage").await.data();
        let methods = usage["cache"]["methods"].as_array().unwrap().clone();
        let of_method = methods.into_iter().find(|of| of["method"] == READ);
        of_method.map_or(0, |of| of["calls_saved"].as_u64().unwrap())
    };
    let before = saved().await;
    // The first is held up at Flickr, so the others come while it is there.
    flickr.fault(&account.nsid, "slow", &json!({ "delay_ms": 3_000 })).await;
    let jobs = join_all((0..JOBS).map(|_| ask(&hub, &account, &photo, &Value::Null))).await;
    let called = flickr.calls(&account.nsid, READ).await.len();
    assert_eq!(called, 1, "{jobs:?}");
    let shared = jobs.iter().filter(|job| job["from_cache"] == true).count();
    assert_eq!(shared, JOBS - 1);
    until("the usage to count what was saved", async || (saved().await >= before + shared as u64).then_some(())).await;
}
