//! What is stored of an account, item by item, and for how long.

use std::collections::{BTreeMap, BTreeSet};

use api::JobTarget;
use domain::{
    timing::{JOB_DEADLINE, LONGEST_CACHE_TTL, NEW_PHOTO_LAG, RECORD_RETENTION, UPLOAD_RETENTION},
    upload::TICKET_LIFETIME,
};
use reqwest::Method;
use serde_json::json;

use crate::{
    emulator::table,
    stack::{Flickr, Hub, env, shared_stack},
    uploads::{bytes, create, send_file},
};

const DAY: u64 = 24 * 60 * 60;

/// How long an item is stored at most, in days from now, where its job has just ended.
enum Lifetime {
    /// As long as the account is connected.
    Connection,
    /// Without end: it holds numbers alone.
    Numbers,
    Days(u64),
}

/// Every kind of item that belongs to an account: its table, what its key begins with, and its lifetime
/// (docs/security.md).
fn kinds() -> BTreeMap<(&'static str, &'static str), Lifetime> {
    let record = RECORD_RETENTION.as_secs() / DAY;
    BTreeMap::from([
        (("VAULT_TABLE", "ACCOUNT"), Lifetime::Connection),
        (("JOBS_TABLE", "ACCOUNT"), Lifetime::Numbers),
        (("JOBS_TABLE", "PENDING"), Lifetime::Days(3)),
        (("JOBS_TABLE", "JOB"), Lifetime::Days(record)),
        (("JOBS_TABLE", "SPEC"), Lifetime::Days(record + 2)),
        (("JOBS_TABLE", "RESULT"), Lifetime::Days(record + 1)),
        (("JOBS_TABLE", "UPLOAD"), Lifetime::Days(UPLOAD_RETENTION.as_secs() / DAY)),
        (("JOBS_TABLE", "BYTES"), Lifetime::Days(UPLOAD_RETENTION.as_secs() / DAY)),
        (("JOBS_TABLE", "PHOTO"), Lifetime::Days(NEW_PHOTO_LAG.as_secs().div_ceil(DAY))),
        (("JOBS_TABLE", "TICKETS"), Lifetime::Days(TICKET_LIFETIME.as_secs().div_ceil(DAY))),
        (("RUNTIME_TABLE", "CACHE"), Lifetime::Days((JOB_DEADLINE + LONGEST_CACHE_TTL).as_secs().div_ceil(DAY))),
    ])
}

/// The items of a table in which the account or one of its jobs is named: what the key begins with, and when each
/// expires, in seconds.
async fn items(name: &str, ids: &[&str]) -> Vec<(String, Option<u64>)> {
    let items = table(&env(name)).await.into_iter().filter(|item| {
        let shown = format!("{item:?}");
        ids.iter().any(|id| shown.contains(id))
    });
    let kind = |item: &BTreeMap<String, String>| {
        let key = if name == "RUNTIME_TABLE" { &item["pk"] } else { &item["sk"] };
        let kind = key.split('#').next().unwrap_or_default().to_owned();
        (kind, item.get("expires_at").map(|at| at.parse().unwrap()))
    };
    items.map(|item| kind(&item)).collect()
}

#[tokio::test]
async fn every_item_of_an_account_has_a_lifetime() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await;
    let mut jobs = Vec::new();
    for (method, params) in [
        ("flickr.photos.getInfo", json!({ "photo_id": seeded["ids"][0] })),
        ("flickr.photos.setMeta", json!({ "photo_id": seeded["ids"][0], "title": "t" })),
        ("flickr.test.echo", json!({ "text": "x".repeat(3_000) })),
        ("flickr.test.echo", json!({ "text": "x".repeat(9_000) })),
    ] {
        let job = hub.submit(&account.user_id, method, &params).await;
        hub.ended(&job).await;
        jobs.push(job);
    }
    let file = send_file(&hub, &account.user_id, JobTarget::Upload, &json!({})).await;
    hub.ended(&file.job_id).await;
    jobs.push(file.job_id);
    let params = json!({ "async": 1, "dedup_check": 0 });
    let awaited = send_file(&hub, &account.user_id, JobTarget::Upload, &params).await;
    hub.ended(&awaited.job_id).await;
    jobs.push(awaited.job_id);
    create(&hub, &account.user_id, "not-sent.jpg", &bytes(1_001, 10), true).await;
    let ids: Vec<&str> = jobs.iter().map(String::as_str).chain([account.user_id.as_str()]).collect();
    let (now, kinds) = (seconds_now(), kinds());
    let mut found = BTreeSet::new();
    for name in ["VAULT_TABLE", "JOBS_TABLE", "RUNTIME_TABLE"] {
        for (kind, expires_at) in items(name, &ids).await {
            let known = kinds.iter().find(|((table, known), _)| *table == name && *known == kind);
            let Some((place, lifetime)) = known else { panic!("nobody says how long {kind} is stored in {name}") };
            match (lifetime, expires_at) {
                (Lifetime::Connection | Lifetime::Numbers, None) => {}
                (Lifetime::Days(days), Some(at)) if (now..=now + days * DAY + 60).contains(&at) => {}
                (_, other) => panic!("{place:?} expires at {other:?}, and it is {now}"),
            }
            found.insert(*place);
        }
    }
    assert_eq!(found, kinds.keys().copied().collect(), "each kind was found");

    let gone = hub.call(Method::DELETE, &format!("/v1/accounts/{}", account.user_id), &[], None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert!(items("VAULT_TABLE", &[&account.user_id]).await.is_empty(), "the token goes with the connection");
}

/// Seconds since 1970.
fn seconds_now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
