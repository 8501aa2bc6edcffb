//! Messages of the dead-letter queues.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::job::{FailureCode, Job, Phase, Target};
use hub::message::Dispatch;
use testkit::{Fault, FaultPoint};

use crate::scene::Scene;

fn letter(id: &str, body: Option<&str>) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = body.map(str::to_owned);
    message
}

fn of(job: &Job) -> SqsMessage {
    letter(job.id.as_str(), Some(&serde_json::to_string(&Dispatch::of(job)).unwrap()))
}

/// Which of the messages come again.
async fn take(scene: &Scene, messages: Vec<SqsMessage>) -> Vec<String> {
    let mut batch = SqsEvent::default();
    batch.records = messages;
    let response = dlq_replay::take_dead_letters(Arc::new(scene.world.clone()), batch, "request-1").await;
    response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
}

fn death(job: &Job) -> Option<FailureCode> {
    match &job.state.phase {
        Phase::Dead { failure, .. } => Some(failure.code),
        _ => None,
    }
}

#[tokio::test]
async fn an_unreadable_message_is_quarantined_with_its_body() {
    let scene = Scene::new().await;
    let bodies = [("m-1", "}{ \u{0} é"), ("m-2", r#"{"tenant": "x"}"#), ("m-3", "")];
    let mut letters: Vec<_> = bodies.iter().map(|(id, body)| letter(id, Some(body))).collect();
    letters.push(letter("m-4", None));
    assert!(take(&scene, letters).await.is_empty(), "acknowledged");
    let kept = scene.world.quarantined();
    for (id, body) in bodies {
        assert_eq!(kept[id], body);
    }
    assert_eq!((kept.len(), &*kept["m-4"]), (4, ""));
}

#[tokio::test]
async fn the_job_of_a_poison_message_dies_and_is_listed() {
    let scene = Scene::new().await;
    let (queued, crashed) = (scene.queued(0, 1).await, scene.running(0, 2).await);
    scene.world.pass(Target::default().timing().lease);
    let letters = vec![of(&queued), of(&crashed)];
    assert!(take(&scene, letters.clone()).await.is_empty());
    assert_eq!(death(&scene.job(&crashed.id)), Some(FailureCode::WorkerCrashed));
    assert_eq!(scene.listed().await.len(), 1);
    let sent = scene.world.queue();
    assert_eq!((sent.len(), &sent[0].dispatch.job), (1, &queued.id), "a job that no worker held is sent anew");
    let before = scene.world.jobs();
    assert!(take(&scene, letters).await.is_empty(), "a letter that comes twice is harmless");
    assert_eq!(scene.world.jobs(), before);
}

#[tokio::test]
async fn a_message_whose_job_is_held_comes_again() {
    let scene = Scene::new().await;
    let (held, free) = (scene.calling(0, 1).await, scene.queued(0, 2).await);
    let id = held.id.to_string();
    assert_eq!(take(&scene, vec![of(&held), of(&free)]).await, [id.as_str()]);
    assert_eq!(scene.job(&held.id), held);
    scene.world.pass(Target::default().timing().lease);
    assert!(take(&scene, vec![of(&held)]).await.is_empty());
    let dead = scene.job(&held.id);
    assert_eq!((death(&dead), dead.state.in_doubt), (Some(FailureCode::WorkerCrashed), true));
}

#[tokio::test]
async fn a_stale_message_and_one_of_no_job_are_dropped() {
    let scene = Scene::new().await;
    let job = scene.queued(0, 1).await;
    let mut stale = job.clone();
    stale.state.fencing_number += 1;
    let mut unknown = job.clone();
    unknown.id = "job_00000000000000000000000000000000".parse().unwrap();
    assert!(take(&scene, vec![of(&stale), of(&unknown)]).await.is_empty());
    assert_eq!(scene.world.jobs(), [job]);
    assert!(scene.world.quarantined().is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_comes_again() {
    let scene = Scene::new().await;
    let (one, other) = (scene.running(0, 1).await, scene.running(0, 2).await);
    scene.world.pass(Target::default().timing().lease);
    scene.world.forget_calls();
    scene.world.fault(0, FaultPoint::Before, Fault::Fail);
    assert_eq!(take(&scene, vec![of(&one), of(&other)]).await, [one.id.as_str()]);
    assert_eq!((death(&scene.job(&one.id)), death(&scene.job(&other.id))), (None, Some(FailureCode::WorkerCrashed)));
}
