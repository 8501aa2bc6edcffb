//! A jobs table that was restored to a point in time, made safe by the operator's command.
//!
//! The emulator restores a table as it is at that moment: so it is asked while the jobs are open.

use std::collections::HashMap;

use api::{JobState, SubmitJobRequest};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, TimeToLiveStatus},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    emulator::random_key,
    stack::{Flickr, Hub, env, request, shared_stack, until},
};

type Item = HashMap<String, AttributeValue>;

/// A table as it is now, restored.
pub async fn restored_now(dynamo: &Client, table: &str) -> String {
    let name = format!("restored-{}", random_key());
    let restore = dynamo.restore_table_to_point_in_time().source_table_name(table);
    restore.target_table_name(&name).use_latest_restorable_time(true).send().await.unwrap();
    until("the table to be restored", async || {
        let table = dynamo.describe_table().table_name(&name).send().await.unwrap().table.unwrap();
        table.table_status.filter(|status| status.as_str() == "ACTIVE")
    })
    .await;
    name
}

/// The record of a job.
async fn record(dynamo: &Client, table: &str, job_id: &str) -> Item {
    let mut pages = dynamo.scan().table_name(table).consistent_read(true).into_paginator().items().send();
    while let Some(item) = pages.next().await {
        let item = item.unwrap();
        let is = |name: &str, test: &dyn Fn(&str) -> bool| item[name].as_s().is_ok_and(|text| test(text));
        if is("sk", &|sort| sort == "JOB") && is("pk", &|partition| partition.ends_with(job_id)) {
            return item;
        }
    }
    panic!("{table} has no job {job_id}");
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item[name].as_s().unwrap()
}

/// What the operator's command answers; `None` where it refuses.
async fn admin(arguments: &[&str]) -> Option<Value> {
    let output = Command::new(env("FLICKRHUB_ADMIN")).args(arguments).output().await.unwrap();
    output.status.success().then(|| serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test]
async fn a_write_that_ended_after_the_point_of_restore_is_not_open_in_the_restored_table() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let dynamo = Client::new(&aws::sdk_config().unwrap());
    let account = hub.connect().await;
    let photo = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await["ids"][0].clone();
    let mut jobs = Vec::new();
    for (method, params) in [
        ("flickr.photosets.create", json!({ "title": "restored", "primary_photo_id": photo })),
        ("flickr.photos.getInfo", json!({ "photo_id": photo })),
    ] {
        let later = SubmitJobRequest { delay_seconds: Some(10), ..request(&account.user_id, method, &params) };
        jobs.push(hub.accept(&later).await.job_id);
    }
    let restored = restored_now(&dynamo, &env("JOBS_TABLE")).await;
    for job in &jobs {
        assert_eq!(hub.ended(job).await.state, JobState::Completed);
    }

    let stack = env("FLICKRHUB_STACK");
    let named = ["--stack", &stack, "after-restore", "--jobs-table", &restored];
    assert!(admin(&named).await.is_none(), "the stack is not paused");
    let dry = admin(&["after-restore", "--jobs-table", &restored, "--dry-run"]).await.unwrap();
    assert!(dry["jobs"]["ended_writes"].as_u64() >= Some(1), "{dry}");
    for job in &jobs {
        assert_eq!(text(&record(&dynamo, &restored, job).await, "phase"), "scheduled", "a dry run changes nothing");
    }

    // Jobs of other tests may be held, and then the command must be repeated.
    let forced = ["after-restore", "--jobs-table", &restored, "--force"];
    let done = until("the restored table to be safe", async || admin(&forced).await).await;
    assert!(done["jobs"]["open_repeatable"].as_u64() >= Some(1), "{done}");
    assert!(done["jobs"]["accounts"].as_u64() >= Some(1), "{done}");
    let (write, read) = (record(&dynamo, &restored, &jobs[0]).await, record(&dynamo, &restored, &jobs[1]).await);
    assert_eq!((text(&write, "phase"), text(&read, "phase")), ("failed", "scheduled"));
    let failure: Value = serde_json::from_str(text(&write, "failure")).unwrap();
    assert_eq!(failure["code"], "outcome_unknown");
    assert!(!write.contains_key("next_check_at") && write.contains_key("expires_at"), "{write:?}");
    let expiry = dynamo.describe_time_to_live().table_name(&restored).send().await.unwrap();
    let expiry = expiry.time_to_live_description.and_then(|expiry| expiry.time_to_live_status);
    assert!(matches!(expiry, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)), "{expiry:?}");

    until("the command to be repeated", async || admin(&forced).await).await;
    assert_eq!(record(&dynamo, &restored, &jobs[0]).await, write, "it is ended once");
    assert_eq!(flickr.calls(&account.nsid, "flickr.photosets.create").await.len(), 1);
    dynamo.delete_table().table_name(&restored).send().await.unwrap();
}
