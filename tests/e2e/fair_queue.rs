//! The fair queue of an app whose budget is spent.

use aws::Cloud;
use domain::{
    Timestamp,
    budget::{Grant, HostClass, Limit},
};
use hub::ports::{BudgetKey, Budgets, Clock};
use serde_json::{Value, json};

use crate::{
    emulator::cloud,
    stack::{Flickr, Hub, shared_stack},
};

/// The time in a field.
fn time(value: &Value) -> Timestamp {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no time: {value}"))
}

/// Spends all that is left of an app's budget.
async fn spend(ports: &Cloud, app: &BudgetKey, limit: &Limit) {
    let now = ports.now();
    loop {
        let one_more = |budget: &domain::budget::Budget| {
            let left = budget.status(limit, HostClass::Rest, now).remaining_calls.max(1);
            budget.take(limit, HostClass::Rest, left, now)
        };
        if let Grant::Refused { .. } = ports.change_budget(app, one_more).await.unwrap() {
            return;
        }
    }
}

#[tokio::test]
async fn jobs_over_their_accounts_share_wait_in_the_fair_queue_and_run_when_estimated() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let started = hub.start(&json!({ "api_key": app["key"], "api_secret": app["secret"] })).await.data();
    let consent = flickr.approve(&started, "write").await;
    let body = json!({ "oauth_token": started["oauth_token"], "oauth_verifier": consent["oauth_verifier"] });
    let account = hub.post("/v1/auth/complete", &body).await.data();

    let mut usage = hub.get("/v1/usage").await.data();
    let of_app = loop {
        let apps = usage["apps"].as_array().unwrap();
        if let Some(found) = apps.iter().find(|listed| listed["app_id"] == account["app_id"]) {
            break found.clone();
        }
        let cursor = usage["next_cursor"].as_str().expect("the app is listed").to_owned();
        usage = hub.get(&format!("/v1/usage?cursor={cursor}")).await.data();
    };
    let number = |name: &str| u32::try_from(of_app["limit"][name].as_u64().unwrap()).unwrap();
    let limit = Limit { calls_per_hour: number("calls_per_hour"), burst_calls: number("burst_calls") };
    let key = BudgetKey::App(account["app_id"].as_str().unwrap().parse().unwrap());
    spend(&cloud(), &key, &limit).await;

    let mut accepted = Vec::new();
    for number in 0..12 {
        let spec = json!({
            "method": "flickr.test.echo", "params": { "number": number }, "user_id": account["user_id"],
            "priority": if number == 11 { "low" } else { "normal" },
        });
        let answer = hub.post("/v1/flickr/rest", &spec).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert!(answer.headers.contains_key("ratelimit") && answer.headers.contains_key("ratelimit-policy"));
        accepted.push(answer.data());
    }
    let waits = |job: &Value| time(&job["estimated_start"]).since(time(&job["created_at"])).as_secs();
    let in_queue: Vec<&Value> = accepted.iter().filter(|job| waits(job) > 0).collect();
    assert!(in_queue.len() >= 5, "few wait: {accepted:?}");
    let last = in_queue.last().unwrap();
    let read = hub.get(&format!("/v1/flickr/jobs/{}", last["job_id"].as_str().unwrap())).await.data();
    assert_eq!((&read["state"], &read["priority"]), (&json!("queued"), &json!("low")), "{read}");
    assert!(read["estimated_start"].is_string(), "{read}");
    assert_eq!(read["waiting"]["reason"], "turn", "{read}");

    for job in &accepted {
        let ended = hub.ended(job["job_id"].as_str().unwrap()).await;
        assert_eq!((&ended["state"], &ended["attempts"]), (&json!("completed"), &json!(1)), "{ended}");
        let late = time(&ended["started_at"]).since(time(&job["estimated_start"])).as_secs();
        assert!(late <= 60, "{late} s later than estimated: {ended}");
    }
}
