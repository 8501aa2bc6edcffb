//! The fair queue of an app whose budget is spent.

use std::time::Duration;

use api::{JobErrorCode, JobPriority, JobState, JobView, ReplayAnswer, ReplayOutcome, SubmitJobRequest, WaitingFor};
use aws::Cloud;
use aws_sdk_dynamodb::types::{AttributeValue, TimeToLiveSpecification};
use domain::{
    AppId, Jitter, Timestamp,
    budget::{HostClass, Limit, Request, Signal},
};
use hub::ports::{BudgetKey, Budgets, Changed, Clock, FairQueues};
use serde_json::json;

use crate::{
    emulator::{cloud, table},
    stack::{Flickr, Hub, env, request, shared_stack, until},
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

/// Records that so many calls of the app ended so at `at`.
async fn record(ports: &Cloud, app: &BudgetKey, signal: &Signal, times: usize, at: Timestamp) {
    for _ in 0..times {
        let change = ports.budget(app).await.unwrap().record(HostClass::Rest, signal, Jitter::NONE, at).unwrap();
        let changed = ports.change_budget(app, &change).await.unwrap();
        assert!(matches!(changed, Changed::Done(_)), "nobody else calls: {changed:?}");
    }
}

/// How many jobs the app's queue counts, if its time is not over.
async fn counted(ports: &Cloud, app: &AppId) -> u32 {
    ports.budget_and_queue(app).await.unwrap().1.waiting.values().sum()
}

/// The runtime table itself.
struct RuntimeTable {
    client: aws_sdk_dynamodb::Client,
    name: String,
}

impl RuntimeTable {
    fn new() -> Self {
        Self { client: aws_sdk_dynamodb::Client::new(&aws::sdk_config().unwrap()), name: env("RUNTIME_TABLE") }
    }

    /// Whether items whose time is over are deleted. The emulator does so within a minute, AWS within days.
    async fn delete_expired_items(&self, enabled: bool) {
        let setting = TimeToLiveSpecification::builder().attribute_name("expires_at").enabled(enabled).build().unwrap();
        let update = self.client.update_time_to_live().table_name(&self.name).time_to_live_specification(setting);
        update.send().await.unwrap();
    }

    /// Lets the time of the app's queue be over, as it is long after its last job.
    async fn end_queue(&self, app: &AppId) {
        let items = table(&self.name).await;
        let of_queue = format!("FAIR_QUEUE#{app}");
        let is_queue = |key: &str, sort: &str| key == of_queue && sort == "QUEUE";
        let item = items.into_iter().find(|item| is_queue(&item["pk"], &item["sk"])).unwrap();
        let text = |name: &str| AttributeValue::S(item[name].clone());
        let update = self.client.update_item().table_name(&self.name).key("pk", text("pk")).key("sk", text("sk"));
        let update = update.update_expression("SET expires_at = :past");
        update.expression_attribute_values(":past", AttributeValue::N("1".to_owned())).send().await.unwrap();
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

#[tokio::test]
async fn whoever_joins_a_queue_whose_time_is_over_begins_it_anew() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect_with(&flickr.control("/_fake/apps", &json!({})).await).await;
    let app: AppId = account.app_id.parse().unwrap();
    let (ports, budget, runtime) = (cloud(), BudgetKey::App(app.clone()), RuntimeTable::new());
    let call = request(&account.user_id, "flickr.test.login", &json!({}));

    flickr.fault(&account.nsid, "503", &json!({ "times": 4 })).await;
    let dead = hub.ended(&hub.accept(&call).await.job_id).await;
    let error = dead.error.as_ref().map(|error| error.code);
    assert_eq!((dead.state, error), (JobState::Dead, Some(JobErrorCode::AttemptsExhausted)), "{dead:?}");

    // While Flickr refuses the app's calls, every job has to wait.
    let refused_at = ports.now();
    record(&ports, &budget, &Signal::Throttled, 3, refused_at).await;
    let first = hub.accept(&call).await;
    assert_eq!(counted(&ports, &app).await, 1, "{first:?}");

    runtime.delete_expired_items(false).await;
    runtime.end_queue(&app).await;
    assert_eq!(counted(&ports, &app).await, 0);
    let submitted = hub.accept(&call).await;
    assert_eq!(counted(&ports, &app).await, 1, "by `enqueue`: {submitted:?}");

    runtime.end_queue(&app).await;
    let answer: ReplayAnswer = hub.post("/v1/dlq/replay", &json!({ "job_ids": [dead.job_id] })).await.data();
    assert_eq!(answer.results[0].outcome, ReplayOutcome::Replayed);
    assert_eq!(counted(&ports, &app).await, 1, "by `dlq-replay`: {answer:?}");

    runtime.end_queue(&app).await;
    let later = hub.accept(&SubmitJobRequest { delay_seconds: Some(1), ..call.clone() }).await;
    assert_eq!(later.state, JobState::Scheduled, "{later:?}");
    until("the worker to send the job into the queue", async || (counted(&ports, &app).await == 1).then_some(())).await;

    runtime.delete_expired_items(true).await;
    record(&ports, &budget, &Signal::Succeeded, 1, refused_at + Duration::from_secs(60 * 60)).await;
    for job in [first, submitted, dead, later] {
        until("the job to be done", async || (hub.job(&job.job_id).await.state == JobState::Completed).then_some(()))
            .await;
    }
}
