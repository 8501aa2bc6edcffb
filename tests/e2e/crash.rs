//! A worker that dies in the middle of a job.

use std::{
    fs,
    process::{Command, Stdio},
};

use api::JobState;
use serde_json::json;

use crate::stack::{Flickr, Hub, env, exclusive_stack, until};

/// The processes of a worker of this stack's emulator; `function` is the setting that names it.
fn workers(function: &str) -> Vec<u32> {
    let (name, endpoint) = (env(function), env("AWS_ENDPOINT_URL"));
    let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_worker = |process: &u32| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        let has = |variable: String| environment.split(|byte| *byte == 0).any(|found| found == variable.as_bytes());
        has(format!("AWS_LAMBDA_FUNCTION_NAME={name}")) && has(format!("AWS_ENDPOINT_URL={endpoint}"))
    };
    processes.filter(is_worker).collect()
}

/// Kills the processes of a worker, in a [`exclusive_stack`]; how many. One that has just ended by itself is let be.
pub fn kill_workers(function: &str) -> usize {
    let kill = |process: &u32| {
        let mut kill = Command::new("kill");
        kill.args(["-9", &process.to_string()]).stderr(Stdio::null()).status().unwrap().success()
    };
    workers(function).into_iter().filter(kill).count()
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_still_ends_once() {
    let _exclusive = exclusive_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid, "title": "before" })).await;
    let photo = &seeded["ids"][0];
    flickr.fault(&account.nsid, "slow", &json!({ "delay_ms": 15_000 })).await;
    let params = json!({ "photo_id": photo, "title": "after" });
    let id = hub.submit(&account.user_id, "flickr.photos.setMeta", &params).await;

    until("the job to run", async || (hub.job(&id).await.state == JobState::Running).then_some(())).await;
    until("the call to reach Flickr", async || {
        let faults = flickr.control_get("/_fake/faults").await;
        let waiting =
            faults["faults"].as_array().unwrap().iter().any(|fault| fault["match"]["account"] == account.nsid);
        (!waiting).then_some(())
    })
    .await;
    assert!(kill_workers("WORKER_FUNCTION") > 0, "no worker process was found");

    let job = hub.ended(&id).await;
    assert_eq!(job.state, JobState::Completed, "{job:?}");
    assert!(job.attempts >= 2, "another worker took it over: {job:?}");
    let photos = flickr.control_get(&format!("/_fake/photos?user={}", account.nsid)).await;
    assert_eq!(photos["photos"][0]["title"], "after");
    assert_eq!(json!(hub.ended(&id).await), json!(job), "an ended job stays as it is");
}
