//! The fair queue of an app whose budget is spent.

use api::{JobPriority, JobState, JobView, SubmitJobRequest, WaitingFor};
use aws::Cloud;
use domain::{
    Timestamp,
    budget::{HostClass, Limit, Request},
};
use hub::ports::{BudgetKey, Budgets, Clock};
use serde_json::json;

use crate::{
    emulator::cloud,
    stack::{Flickr, Hub, request, shared_stack},
};

/// The time in a field.
fn time(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("no time: {text}"))
}

/// When a job starts, as it was estimated.
fn estimate(job: &JobView) -> Timestamp {
    time(job.estimated_start.as_ref().unwrap_or_else(|| panic!("no estimate: {job:?}")))
}

/// Spends all that is left of an app's budget.
async fn spend(ports: &Cloud, app: &BudgetKey, limit: &Limit) {
    let all = Request { limit: *limit, class: Some(HostClass::Rest), calls: u32::MAX };
    while let Ok(change) = ports.budget(app).await.unwrap().take(&all, ports.now()) {
        ports.change_budget(app, &change).await.unwrap();
    }
}

#[tokio::test]
async fn jobs_over_their_accounts_share_wait_in_the_fair_queue_and_run_when_estimated() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect_with(&flickr.control("/_fake/apps", &json!({})).await).await;
    let of_app = hub.usage_of(&account.app_id).await.limit;
    let limit = Limit { calls_per_hour: of_app.calls_per_hour, burst_calls: of_app.burst_calls };
    let key = BudgetKey::App(account.app_id.parse().unwrap());
    spend(&cloud(), &key, &limit).await;

    let mut accepted = Vec::new();
    for number in 0..12 {
        let call = request(&account.user_id, "flickr.test.echo", &json!({ "number": number }));
        let priority = Some(if number == 11 { JobPriority::Low } else { JobPriority::Normal });
        let answer = hub.post("/v1/flickr/rest", &json!(SubmitJobRequest { priority, ..call })).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        assert!(answer.headers.contains_key("ratelimit") && answer.headers.contains_key("ratelimit-policy"));
        accepted.push(answer.data::<JobView>());
    }
    let waits = |job: &JobView| estimate(job).since(time(&job.created_at)).as_secs();
    let in_queue: Vec<&JobView> = accepted.iter().filter(|job| waits(job) > 0).collect();
    assert!(in_queue.len() >= 5, "few wait: {accepted:?}");
    let last = in_queue.last().unwrap();
    let read = hub.job(&last.job_id).await;
    assert_eq!((read.state, read.priority), (JobState::Queued, JobPriority::Low), "{read:?}");
    assert!(read.estimated_start.is_some(), "{read:?}");
    assert_eq!(read.waiting.as_ref().map(|waiting| waiting.reason), Some(WaitingFor::Turn), "{read:?}");

    for job in &accepted {
        let ended = hub.ended(&job.job_id).await;
        assert_eq!((ended.state, ended.attempts), (JobState::Completed, 1), "{ended:?}");
        let late = time(ended.started_at.as_ref().unwrap()).since(estimate(job)).as_secs();
        assert!(late <= 60, "{late} s later than estimated: {ended:?}");
    }
}
