//! Jobs whose hosts have a part of the app's budget: what they cost while it is spent.

use std::time::Duration;

use domain::{
    budget::{HostClass, Limit, Signal},
    job::{Job, Target},
};
use hub::{limits::Limits, ports::BudgetKey};
use testkit::{Call, Scene, build};

/// Uploads have five calls a minute of it.
const LIMIT: Limit = Limit { calls_per_hour: 600, burst_calls: 60 };

const MINUTES: usize = 10;

/// A scene with so many jobs that upload, all of whose messages wait.
async fn scene(jobs: usize) -> Scene {
    let scene = Scene::with_limits(Limits { app: LIMIT, ..Limits::default() }).await;
    for _ in 0..jobs {
        let upload = scene.upload(0, b"the bytes of a photo").await;
        scene.submit_file(&upload, Target::Upload, r#"{"dedup_check": 0}"#).await;
    }
    scene.world.forget_calls();
    scene
}

/// Lets a minute pass, with a sweep at its begin, and workers at each second; how many messages they received.
async fn minute(scene: &Scene) -> usize {
    scene.sweep().await;
    let mut received = 0;
    for _ in 0..60 {
        scene.pass_seconds(1);
        received += receive(scene).await;
    }
    received
}

async fn receive(scene: &Scene) -> usize {
    let mut received = 0;
    while let Some(message) = scene.world.receive() {
        scene.worker.handle(&message).await.disposition.unwrap();
        scene.world.acknowledge(&message);
        received += 1;
    }
    received
}

fn count(scene: &Scene, call: Call) -> usize {
    scene.world.calls().iter().filter(|made| **made == call).count()
}

fn set_upload_circuit(scene: &Scene, signal: &Signal, times: usize) {
    let now = hub::ports::Clock::now(&scene.world);
    for _ in 0..times {
        scene.world.set_budget(&BudgetKey::App(build::app()), |budget| {
            build::after_signal(budget, HostClass::Upload, signal, now)
        });
    }
}

#[tokio::test]
async fn uploads_wait_for_their_part_without_messages_while_others_call() {
    const UPLOADS: usize = 120;
    let scene = scene(UPLOADS).await;
    let burst = receive(&scene).await;
    assert_eq!((burst, scene.flickr.sent_files().len()), (UPLOADS, 30), "the burst of their part");
    assert_eq!(count(&scene, Call::JoinQueue), UPLOADS - 30, "the others wait for their turn");

    let (mut received, mut reads) = (0, Vec::new());
    for _ in 0..MINUTES {
        reads.push(scene.submit_call(1, "flickr.photos.getInfo").await);
        received += minute(&scene).await;
    }
    let sent = scene.flickr.sent_files().len() - 30;
    let rate = MINUTES * 5;
    // Until its reserve is there again, a queue has half of the rate.
    assert!((rate / 2..=rate).contains(&sent), "the part is used: {sent} of {rate}");
    let bounced = count(&scene, Call::JoinQueue) - (UPLOADS - 30);
    assert!(bounced <= 2, "{bounced} came before there was a call for them");
    assert!(received <= sent + reads.len() + 10, "{received} messages for {sent} files");
    for read in reads {
        let read: Job = scene.stored(&read).await;
        let waited = read.state.phase.ended_at().map(|at| at.since(read.created_at));
        assert!(waited.is_some_and(|waited| waited < Duration::from_secs(180)), "nobody is kept waiting: {read:?}");
    }
}

#[tokio::test]
async fn while_the_circuit_of_uploads_is_open_none_is_dispatched_and_then_one() {
    let scene = scene(0).await;
    set_upload_circuit(&scene, &Signal::Throttled, 3);
    let upload = scene.upload(0, b"the bytes of a photo").await;
    let job = scene.submit_file(&upload, Target::Upload, "{}").await;
    scene.world.forget_calls();
    let mut received = 0;
    for _ in 0..4 {
        received += minute(&scene).await;
    }
    assert_eq!((received, count(&scene, Call::JoinQueue)), (1, 1), "it waits in the queue");
    for _ in 0..6 {
        received += minute(&scene).await;
    }
    assert_eq!((scene.stored(&job).await.state.phase.name(), received), ("completed", 2), "it was the probe");
}

#[tokio::test]
async fn an_open_circuit_of_the_rest_api_keeps_no_uploads_waiting() {
    let scene = scene(40).await;
    receive(&scene).await;
    let waiting = |scene: &Scene| scene.world.jobs().iter().filter(|job| job.state.queued_ticket().is_some()).count();
    assert_eq!(waiting(&scene), 10);
    for _ in 0..3 {
        scene.record(&Signal::Throttled);
    }
    let mut waited = vec![waiting(&scene)];
    for _ in 0..4 {
        minute(&scene).await;
        waited.push(waiting(&scene));
    }
    assert!(waited[4] <= 5, "{waited:?}");
}
