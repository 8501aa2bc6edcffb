//! One job of a connected account, from its acceptance to its end.

use std::time::Duration;

use api::{JobState, JobView, SubmitJobRequest, Success, WaitView, WaitingFor};
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};

use super::api::refusal;
use crate::doctor::{
    finding::Finding,
    gateway::{Gateway, NO_API_KEY},
    http::Reply,
};

const CHECK: &str = "probe job";

/// A read that Flickr answers only to a good token, and that is never cached.
const METHOD: &str = "flickr.test.login";

/// How often the job is read.
const BETWEEN_READS: Duration = Duration::from_secs(1);

/// Posts a job for the account, and reads it until it has ended or `deadline` has passed.
pub async fn check(gateway: &Gateway, user_id: &str, deadline: Duration) -> Finding {
    if !gateway.has_api_key() {
        return Finding::not_checked(CHECK, "no API key is given", NO_API_KEY);
    }
    let started = Instant::now();
    let posted = gateway.post("/v1/flickr/rest", &request(user_id)).await;
    let mut job = match read(posted) {
        Ok(job) => job,
        Err(why) => return refused(&why),
    };
    while job.finished_at.is_none() {
        if started.elapsed() > deadline {
            return late(&job, deadline);
        }
        sleep(BETWEEN_READS).await;
        job = match read(gateway.get(&format!("/v1/flickr/jobs/{}", job.job_id)).await) {
            Ok(job) => job,
            Err(why) => return refused(&why),
        };
    }
    ended(&job, started.elapsed())
}

fn request(user_id: &str) -> SubmitJobRequest {
    SubmitJobRequest {
        method: Some(METHOD.to_owned()),
        upload_id: None,
        source_url: None,
        params: RawValue::from_string("{}".to_owned()).unwrap_or_default(),
        user_id: user_id.to_owned(),
        target: None,
        priority: None,
        cache: None,
        meta: None,
        run_at: None,
        delay_seconds: None,
    }
}

/// The job of an answer.
fn read(answer: Result<Reply, String>) -> Result<JobView, String> {
    let reply = answer?;
    if !reply.is_success() {
        return Err(refusal(&reply));
    }
    let success: Option<Success<JobView>> = reply.json();
    success.map(|success| success.data).ok_or_else(|| "the API answered no job".to_owned())
}

fn refused(why: &str) -> Finding {
    let what_to_do = "see what is said of the API, and whether the account is connected by the tenant of this API key: \
                      GET /v1/accounts";
    Finding::broken(CHECK, why, what_to_do)
}

fn ended(job: &JobView, took: Duration) -> Finding {
    let JobView { job_id, state, error, .. } = job;
    if *state == JobState::Completed {
        return Finding::fine(CHECK, format!("{job_id} completed within {:.1} seconds", took.as_secs_f64()));
    }
    let why = error.as_ref().map_or("no reason given", |error| error.message.as_str());
    let what_to_do =
        "read the log of the function worker by its job_id; an account whose token is refused connects anew";
    Finding::broken(CHECK, format!("{job_id} ended as {}: {why}", name(*state)), what_to_do)
}

/// A job that has not ended in time: it may wait for Flickr's sake, which is no fault of the stack.
fn late(job: &JobView, deadline: Duration) -> Finding {
    let JobView { job_id, state, waiting, .. } = job;
    let what = format!("{job_id} is {} after {} seconds", name(*state), deadline.as_secs());
    match waiting {
        Some(WaitView { reason, message, .. }) if is_for_flickr(*reason) => {
            Finding::warning(CHECK, format!("{what}: {message}"), "FlickrHub waits on purpose; run doctor again later")
        }
        waiting => {
            let why = waiting.as_ref().map(|waiting| format!(": {}", waiting.message)).unwrap_or_default();
            let what_to_do = "see what is said of the event sources and of Flickr, then the log of the function worker";
            Finding::broken(CHECK, format!("{what}{why}"), what_to_do)
        }
    }
}

/// Whether more jobs than Flickr takes, or Flickr's own trouble, hold a job up.
const fn is_for_flickr(reason: WaitingFor) -> bool {
    match reason {
        WaitingFor::Turn
        | WaitingFor::AppBudget
        | WaitingFor::AccountBudget
        | WaitingFor::Circuit
        | WaitingFor::GrantExpired
        | WaitingFor::BackOff
        | WaitingFor::Throttled
        | WaitingFor::Leader => true,
        WaitingFor::Schedule
        | WaitingFor::Worker
        | WaitingFor::AppStopped
        | WaitingFor::Outage
        | WaitingFor::Verification => false,
    }
}

/// The state as the API writes it.
fn name(state: JobState) -> String {
    serde_json::to_value(state).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::doctor::finding::Verdict;

    /// A job with these members.
    fn job(more: &Value) -> JobView {
        let mut job = json!({
            "job_id": "job_1", "user_id": "u", "target": "rest", "method": METHOD, "state": "queued", "waiting": null,
            "result": null, "result_url": null, "from_cache": false, "cached_at": null, "error": null, "attempts": 1,
            "run": 1, "priority": "normal", "meta": null, "created_at": "2026-01-01T00:00:00Z",
            "estimated_start": null, "started_at": null, "finished_at": null, "needs_force": null,
        });
        job.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        serde_json::from_value(job).unwrap()
    }

    #[test]
    fn only_a_completed_job_is_fine() {
        let took = Duration::from_millis(1234);
        let fine = ended(&job(&json!({ "state": "completed" })), took);
        assert_eq!(fine, Finding::fine(CHECK, "job_1 completed within 1.2 seconds"));
        let error = json!({ "code": "account_disconnected", "message": "It is gone", "flickr_code": null });
        let failed = ended(&job(&json!({ "state": "failed", "error": error })), took);
        assert_eq!((failed.verdict, &*failed.what), (Verdict::Broken, "job_1 ended as failed: It is gone"));
    }

    #[test]
    fn a_job_that_nobody_works_on_is_broken_and_one_that_waits_for_flickr_a_warning() {
        let after = Duration::from_secs(9);
        let waiting = |reason| {
            let waiting = json!({ "reason": reason, "message": "Why", "until": null });
            late(&job(&json!({ "waiting": waiting })), after)
        };
        assert_eq!(waiting("app_budget").verdict, Verdict::Warning);
        let worker = waiting("worker");
        assert_eq!((worker.verdict, &*worker.what), (Verdict::Broken, "job_1 is queued after 9 seconds: Why"));
        assert_eq!(late(&job(&json!({ "state": "running" })), after).verdict, Verdict::Broken);
    }
}
