//! API keys as an operator makes, rotates and ends them, with the command alone.

use std::time::{Duration, Instant};

use api::AccountList;
use serde_json::Value;

use crate::{
    operator::{admin, new_tenant},
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

/// A caller with the new key that a command printed.
fn with_new(made: &Value) -> Hub {
    Hub::with_key(Some(made["api_key"].as_str().unwrap().to_owned()))
}

#[tokio::test]
async fn a_key_is_made_used_rotated_with_an_overlap_and_revoked() {
    let (tenant, _) = new_tenant("operated").await;
    let made = admin(&["key", "create", "--tenant", &tenant, "--name", "first"], "").await.json();
    let (first, first_id) = (with_new(&made), made["key_id"].as_str().unwrap());
    first.get("/v1/accounts").await.data::<AccountList>();

    let unasked = admin(&["key", "rotate", first_id], "").await;
    assert!(!unasked.is_success && unasked.output.is_empty(), "nobody agreed: {}", unasked.errors);
    let made = admin(&["key", "rotate", first_id, "--overlap-hours", "1", "--yes"], "").await.json();
    let (second, second_id) = (with_new(&made), made["key_id"].as_str().unwrap());
    for hub in [&first, &second] {
        hub.get("/v1/accounts").await.data::<AccountList>();
    }
    let listed = admin(&["key", "list", "--tenant", &tenant, "--json"], "").await;
    for hub in [&first, &second] {
        assert!(!listed.output.contains(hub.api_key()), "a key is shown once");
    }
    let listed = listed.json();
    let replaced = listed.as_array().unwrap().iter().find(|key| key["key_id"] == *first_id).unwrap();
    assert!(replaced["state"] == "active" && replaced["expires_at"].is_string(), "{replaced}");

    admin(&["key", "revoke", second_id, "--yes"], "").await.json();
    let refused = refusal_of(&second, "the revoked key to be refused").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"));
    first.get("/v1/accounts").await.data::<AccountList>();
}

/// API Gateway knows nothing of a rotation's end: the function alone refuses the key, once it has forgotten it.
#[tokio::test]
async fn a_key_that_was_rotated_without_an_overlap_ends_within_a_minute() {
    let (tenant, _) = new_tenant("rotated").await;
    let made = admin(&["key", "create", "--tenant", &tenant, "--name", "worn"], "").await.json();
    let old = with_new(&made);
    old.get("/v1/accounts").await.data::<AccountList>();
    let rotate = ["key", "rotate", made["key_id"].as_str().unwrap(), "--overlap-hours", "0", "--yes"];
    let new = with_new(&admin(&rotate, "").await.json());
    let refused = refusal_of(&old, "the replaced key to be refused").await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (401, "ERR_UNAUTHORIZED"));
    new.get("/v1/accounts").await.data::<AccountList>();
}
