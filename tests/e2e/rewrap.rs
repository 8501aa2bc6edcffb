//! Secrets that the operator's command seals again.

use std::collections::BTreeMap;

use api::JobState;
use serde_json::json;

use crate::{
    emulator::table,
    operator::{admin, new_tenant},
    stack::{Hub, env, shared_stack},
};

/// What is sealed of a tenant, by sort key.
async fn sealed(tenant: &str) -> BTreeMap<String, String> {
    let items = table(&env("VAULT_TABLE")).await.into_iter();
    let own = items.filter(|item| item["pk"] == *tenant && item.contains_key("sealed"));
    own.map(|item| (item["sk"].clone(), item["sealed"].clone())).collect()
}

async fn completes(hub: &Hub, user_id: &str) {
    let job = hub.submit(user_id, "flickr.test.login", &json!({})).await;
    assert_eq!(hub.ended(&job).await.state, JobState::Completed);
}

#[tokio::test]
async fn secrets_are_sealed_again_while_jobs_run_and_still_open() {
    let _shared = shared_stack().await;
    let (tenant, hub) = new_tenant("Sealed again").await;
    let account = hub.connect().await;
    completes(&hub, &account.user_id).await;

    let mut before = sealed(&tenant).await;
    assert_eq!(before.len(), 2, "the token and the app");
    for _ in 0..2 {
        let ended = admin(&["vault", "rewrap", "--tenant", &tenant, "--per-second", "100"], "").await;
        assert!(ended.is_success, "{}", ended.errors);
        assert_eq!(ended.json(), json!({ "rewrapped": 2, "replaced_meanwhile": 0, "failed": 0 }));
        let progress = ended.errors.lines().filter(|line| line.contains(r#""next":"#)).count();
        assert!(progress >= 1, "{}", ended.errors);
        let after = sealed(&tenant).await;
        assert!(before.keys().eq(after.keys()) && before.values().all(|one| !after.values().any(|new| new == one)));
        before = after;
        completes(&hub, &account.user_id).await;
    }

    let wrong = admin(&["vault", "rewrap", "--tenant", &tenant, "--from", "nothing"], "").await;
    assert!(!wrong.is_success && wrong.errors.contains("the cursor is malformed"), "{}", wrong.errors);
}
