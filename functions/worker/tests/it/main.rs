//! Running batches, in process.

mod template;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::job::{Job, Phase, Policy};
use hub::{
    dispatch::Dispatch,
    ports::{InsertJob, SaveAccount, SaveApp},
    worker::Worker,
};
use testkit::{Fault, Moment, ScriptedFlickr, World, build};

fn message(id: &str, body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = Some(body.to_owned());
    message
}

#[tokio::test]
async fn one_bad_message_fails_alone() {
    let ports = World::new(build::NOW, 1);
    let vaults = build::vaults();
    let tenant = build::tenant(&ports);
    let (account, app) = build::sealed_account(&vaults, &tenant, "1@N00", build::NOW).await;
    ports.save_app(&tenant, &account.account.app, &app).await.unwrap();
    ports.save_account(&account).await.unwrap();
    let mut messages = Vec::new();
    for number in 0..3 {
        let order = build::order(&account.account.user, "flickr.test.null", "{}");
        let job: Job = build::job(&tenant, [number; 16], order, build::NOW);
        ports.insert_job(&job).await.unwrap();
        messages.push(message(&format!("good-{number}"), &serde_json::to_string(&Dispatch::of(&job)).unwrap()));
    }
    messages.insert(1, message("no-json", "}{"));
    messages.insert(2, message("no-message", r#"{"tenant": "x"}"#));
    let mut empty = message("empty", "");
    empty.body = None;
    messages.push(empty);
    // The first call of one of the good ones.
    ports.forget_calls();
    ports.fault(0, Moment::Before, Fault::Fail);

    let mut batch = SqsEvent::default();
    batch.records = messages;
    let worker = Arc::new(Worker { ports, flickr: ScriptedFlickr::default(), vaults, policy: Policy::REST });
    let response = worker::run(Arc::clone(&worker), batch, "request-1").await;
    let failed: Vec<&str> =
        response.batch_item_failures.iter().map(|failure| failure.item_identifier.as_str()).collect();
    assert_eq!(failed, ["good-0", "no-json", "no-message", "empty"]);
    let done = worker.ports.jobs().iter().filter(|job| matches!(job.state.phase, Phase::Completed { .. })).count();
    assert_eq!(done, 2);
}
