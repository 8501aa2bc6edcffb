//! An app that Flickr refuses is stopped once, for all of its jobs.

use std::time::Duration;

use domain::{
    budget::{Party, Signal, StoppedApp},
    job::{Job, Phase, WaitReason},
    outcome::{Class, Outcome},
};
use hub::{
    ports::Clock,
    read,
    usage::{AppUsage, usage},
};
use testkit::Scene;

const READ: &str = "flickr.people.getInfo";
const REFUSAL: &str = "Invalid API Key (Key has been disabled)";

fn refused() -> Outcome {
    Outcome::new(Class::App, REFUSAL).with_code(100)
}

fn stopped() -> WaitReason {
    WaitReason::AppStopped { message: REFUSAL.to_owned() }
}

/// Handles what is due, and lets a minute pass with its sweep.
async fn pass_minutes(scene: &Scene, minutes: u32) {
    for _ in 0..minutes {
        while let Some(message) = scene.world.receive() {
            scene.worker.handle(&message).await.disposition.unwrap();
            scene.world.acknowledge(&message);
        }
        scene.pass_seconds(60);
        scene.sweep().await;
    }
}

async fn app_usage(scene: &Scene) -> AppUsage {
    usage(&scene.world, &scene.principal, None, None).await.unwrap().apps.items.remove(0)
}

async fn ten_jobs(scene: &Scene) -> Vec<Job> {
    let mut jobs = Vec::new();
    for number in 0..10 {
        jobs.push(scene.submit_call(number % 2, READ).await);
    }
    jobs
}

#[tokio::test]
async fn ten_jobs_of_a_disabled_app_spend_one_call_until_the_first_probe_and_all_say_why() {
    let scene = Scene::new().await;
    scene.flickr.answer((0..100).map(|_| refused()));
    let jobs = ten_jobs(&scene).await;
    let since = scene.world.now();
    pass_minutes(&scene, 4).await;
    assert_eq!(scene.flickr.calls().len(), 1);
    let later = scene.submit_call(0, READ).await;

    let AppUsage { status, .. } = app_usage(&scene).await;
    assert_eq!(status.stopped, Some(StoppedApp { since, message: REFUSAL.to_owned() }));
    assert!(status.open_until.is_some_and(|until| until.since(since) >= Duration::from_secs(300)), "{status:?}");
    for job in jobs.iter().chain([&later]) {
        let reading = read::job(&scene.world, &scene.principal, &job.id, None).await.unwrap();
        let own = reading.job.state.waiting().map(|waiting| waiting.reason().clone());
        assert_eq!((own, reading.estimated_start.is_some()), (Some(stopped()), true), "{:?}", reading.job);
    }

    pass_minutes(&scene, 25 * 60).await;
    let calls = scene.flickr.calls().len();
    assert!((15..=32).contains(&calls), "one an hour in the end: {calls}");
    for job in jobs.iter().chain([&later]) {
        let phase = scene.stored(job).await.state.phase;
        assert!(matches!(&phase, Phase::Expired { waited_for, .. } if *waited_for == stopped()), "{phase:?}");
    }
}

#[tokio::test]
async fn the_probe_that_succeeds_lets_all_others_go_on() {
    let scene = Scene::new().await;
    scene.flickr.answer([refused(), refused()]);
    let jobs = ten_jobs(&scene).await;
    pass_minutes(&scene, 40).await;
    assert_eq!(app_usage(&scene).await.status.stopped, None);
    for job in &jobs {
        let job = scene.stored(job).await;
        assert!(matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
    }
    assert_eq!(scene.flickr.calls().len(), jobs.len() + 2);
}

/// A job that waits in the queue already says so while the app is stopped.
#[tokio::test]
async fn a_job_that_waited_for_its_turn_before_says_that_its_app_is_stopped() {
    let scene = Scene::new().await;
    scene.spend_budget(0);
    let job = scene.submit_call(0, READ).await;
    let shown = async || read::job(&scene.world, &scene.principal, &job.id, None).await.unwrap().stopped;
    assert_eq!(shown().await, None);
    scene.record(&Signal::KeyRefused(Party::account(&job.spec.account), REFUSAL.to_owned()));
    assert_eq!(shown().await, Some(stopped()));
}
