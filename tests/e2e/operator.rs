//! The operator's path with the command alone: a tenant, its keys, and their end.

use std::time::{Duration, Instant};

use api::AccountList;

use crate::{
    admin::{admin, new_key, new_tenant, run},
    stack::{Answer, Hub, until},
};

/// How long a function may remember a key (docs/security.md); and a request's own time.
const MEMORY: Duration = Duration::from_secs(60 + 10);

/// The first refusal of the key, which must come within a minute.
async fn refusal_of(hub: &Hub, what: &str) -> Answer {
    let since = Instant::now();
    let refused = until(what, async || {
        let answer = hub.get("/v1/accounts").await;
        (!answer.status.is_success()).then_some(answer)
    })
    .await;
    assert!(since.elapsed() < MEMORY, "{what}: {:?}", since.elapsed());
    refused
}

#[tokio::test]
async fn a_key_is_made_used_rotated_with_an_overlap_and_revoked() {
    let tenant = new_tenant("operated").await;
    let first = Hub::with_key(Some(tenant.api_key.clone()));
    first.get("/v1/accounts").await.data::<AccountList>();

    let unasked = run(&["key", "rotate", &tenant.key_id], "").await;
    assert!(!unasked.status.success() && unasked.stdout.is_empty(), "nobody agreed");
    let made = admin(&["key", "rotate", &tenant.key_id, "--overlap-hours", "1", "--yes"]).await;
    let second = Hub::with_key(Some(made["api_key"].as_str().unwrap().to_owned()));
    for hub in [&first, &second] {
        hub.get("/v1/accounts").await.data::<AccountList>();
    }
    let listed = admin(&["key", "list", "--tenant", &tenant.id, "--json"]).await;
    assert!(listed.to_string().contains(&tenant.key_id), "{listed}");
    for hub in [&first, &second] {
        assert!(!listed.to_string().contains(hub.api_key()), "a key is shown once");
    }
    let key = |id: &str| listed.as_array().unwrap().iter().find(|key| key["key_id"] == *id).unwrap().clone();
    let replaced = key(&tenant.key_id);
    assert!(replaced["state"] == "active" && replaced["expires_at"].is_string(), "{replaced}");

    let id = made["key_id"].as_str().unwrap();
    admin(&["key", "revoke", id, "--yes"]).await;
    let refused = refusal_of(&second, "the revoked key to be refused").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"));
    first.get("/v1/accounts").await.data::<AccountList>();
}

/// API Gateway knows nothing of a rotation's end: the function alone refuses the key, once it has forgotten it.
#[tokio::test]
async fn a_key_that_was_rotated_without_an_overlap_ends_within_a_minute() {
    let tenant = new_tenant("rotated").await;
    let (id, key) = new_key(&tenant, &["--name", "worn"]).await;
    let old = Hub::with_key(Some(key));
    old.get("/v1/accounts").await.data::<AccountList>();
    let made = admin(&["key", "rotate", &id, "--overlap-hours", "0", "--yes"]).await;
    let refused = refusal_of(&old, "the replaced key to be refused").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"));
    let new = Hub::with_key(Some(made["api_key"].as_str().unwrap().to_owned()));
    new.get("/v1/accounts").await.data::<AccountList>();
}
