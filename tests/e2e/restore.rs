//! A jobs table that was restored to a point in time, made safe by the operator's command.
//!
//! An emulator restores no tables: a copy, taken while jobs are open, stands for one.

use std::collections::HashMap;

use api::{JobState, SubmitJobRequest};
use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, BillingMode, GlobalSecondaryIndex, TimeToLiveStatus},
};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{
    emulator::random_key,
    stack::{Flickr, Hub, env, request, shared_stack, until},
};

type Item = HashMap<String, AttributeValue>;

/// A table with the keys and indexes of the stack's jobs table, and none of its other settings.
async fn empty_copy(dynamo: &Client) -> String {
    let name = format!("restored-{}", random_key());
    let described = dynamo.describe_table().table_name(env("JOBS_TABLE")).send().await.unwrap().table.unwrap();
    let index = |index: &aws_sdk_dynamodb::types::GlobalSecondaryIndexDescription| {
        let copy = GlobalSecondaryIndex::builder().set_index_name(index.index_name.clone());
        copy.set_key_schema(index.key_schema.clone()).set_projection(index.projection.clone()).build().unwrap()
    };
    let indexes = described.global_secondary_indexes().iter().map(index).collect();
    let create = dynamo.create_table().table_name(&name).billing_mode(BillingMode::PayPerRequest);
    let create = create.set_key_schema(described.key_schema.clone()).set_global_secondary_indexes(Some(indexes));
    create.set_attribute_definitions(described.attribute_definitions.clone()).send().await.unwrap();
    until("the copy to be active", async || {
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
    let restored = empty_copy(&dynamo).await;
    let account = hub.connect().await;
    let photo = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await["ids"][0].clone();
    let mut jobs = Vec::new();
    for (method, params) in [
        ("flickr.photosets.create", json!({ "title": "restored", "primary_photo_id": photo })),
        ("flickr.photos.getInfo", json!({ "photo_id": photo })),
    ] {
        let later = SubmitJobRequest { delay_seconds: Some(10), ..request(&account.user_id, method, &params) };
        let job = hub.accept(&later).await.job_id;
        let open = record(&dynamo, &env("JOBS_TABLE"), &job).await;
        assert_eq!(text(&open, "phase"), "scheduled");
        dynamo.put_item().table_name(&restored).set_item(Some(open)).send().await.unwrap();
        jobs.push(job);
    }
    for job in &jobs {
        assert_eq!(hub.ended(job).await.state, JobState::Completed);
    }

    let stack = env("FLICKRHUB_STACK");
    let named = ["--stack", &stack, "after-restore", "--jobs-table", &restored];
    assert!(admin(&named).await.is_none(), "the stack is not paused");
    let dry = admin(&["after-restore", "--jobs-table", &restored, "--dry-run"]).await.unwrap();
    assert_eq!((&dry["jobs"]["ended_writes"], &dry["jobs"]["open_repeatable"]), (&json!(1), &json!(1)), "{dry}");
    assert_eq!(text(&record(&dynamo, &restored, &jobs[0]).await, "phase"), "scheduled");

    let forced = ["after-restore", "--jobs-table", &restored, "--force"];
    let done = admin(&forced).await.unwrap();
    assert_eq!((&done["jobs"]["ended_writes"], &done["jobs"]["open_repeatable"]), (&json!(1), &json!(1)), "{done}");
    assert!(done["jobs"]["accounts"].as_u64().unwrap() >= 1, "{done}");
    let (write, read) = (record(&dynamo, &restored, &jobs[0]).await, record(&dynamo, &restored, &jobs[1]).await);
    assert_eq!((text(&write, "phase"), text(&read, "phase")), ("failed", "scheduled"));
    let failure: Value = serde_json::from_str(text(&write, "failure")).unwrap();
    assert_eq!(failure["code"], "outcome_unknown");
    assert!(!write.contains_key("next_check_at") && write.contains_key("expires_at"), "{write:?}");
    let expiry = dynamo.describe_time_to_live().table_name(&restored).send().await.unwrap();
    let expiry = expiry.time_to_live_description.and_then(|expiry| expiry.time_to_live_status);
    assert!(matches!(expiry, Some(TimeToLiveStatus::Enabled | TimeToLiveStatus::Enabling)), "{expiry:?}");

    let again = admin(&forced).await.unwrap();
    assert_eq!((&again["jobs"]["ended_writes"], &again["jobs"]["failed"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(flickr.calls(&account.nsid, "flickr.photosets.create").await.len(), 1);
    dynamo.delete_table().table_name(&restored).send().await.unwrap();
}
