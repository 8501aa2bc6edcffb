//! Waiting in a fair queue, from acceptance to dispatch.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    Timestamp,
    budget::{Limit, Signal},
    fair_queue::Priority,
    job::{Job, JobSpec},
};
use hub::{Error, Kind, limits::Limits, read, submit::Accepted};
use testkit::{Call, Fault, FaultPoint, Scene, build};

/// A scene of whose app's budget so many calls are left.
async fn scene(left: u32) -> Scene {
    scene_with(Limits::default(), left).await
}

async fn scene_with(limits: Limits, left: u32) -> Scene {
    let scene = Scene::with_limits(limits).await;
    scene.spend_budget(left);
    scene.world.forget_calls();
    scene
}

async fn ask(scene: &Scene, account: usize, priority: Priority, key: Option<&str>) -> Result<Accepted, Error> {
    let spec = JobSpec { priority, ..scene.spec(account, "flickr.test.echo", "{}") };
    scene.request(spec, key).await
}

async fn ask_normally(scene: &Scene, account: usize) -> Result<Accepted, Error> {
    ask(scene, account, Priority::Normal, None).await
}

async fn ask_for(scene: &Scene, account: usize, jobs: usize) -> Vec<Job> {
    let mut all = Vec::new();
    for _ in 0..jobs {
        all.push(ask_normally(scene, account).await.unwrap().job);
    }
    all
}

fn is_queued(job: &Job) -> bool {
    job.state.queued_ticket().is_some()
}

#[tokio::test]
async fn who_has_had_its_share_waits_for_its_turn_and_is_told_when_it_comes() {
    let scene = scene(50).await;
    let first = ask_for(&scene, 0, 6).await;
    assert_eq!(first.iter().filter(|job| is_queued(job)).count(), 1, "five may go ahead");
    scene.world.forget_calls();
    let accepted = ask_normally(&scene, 0).await.unwrap();
    assert_eq!(
        scene.world.calls(),
        [Call::SubmitContext, Call::CountPending, Call::TakeTag, Call::JoinQueue, Call::Insert]
    );
    let forecast = accepted.forecast.unwrap();
    let start = forecast.estimated_start(&accepted.job).unwrap();
    assert!(start > first[5].state.due_at && start.since(build::NOW) < Duration::from_secs(180), "{start}");

    let other = ask_normally(&scene, 1).await.unwrap().job;
    assert!(!is_queued(&other), "another account does not wait for it");
    let urgent = ask(&scene, 0, Priority::High, None).await.unwrap().job;
    assert!(!is_queued(&urgent), "nor what is urgent for what is not");
}

#[tokio::test]
async fn a_sweep_dispatches_the_queue_in_its_order_and_another_nothing_more() {
    let scene = scene(60).await;
    let all = ask_for(&scene, 0, 60).await;
    let waiting: Vec<&Job> = all.iter().filter(|job| is_queued(job)).collect();
    let direct = all.len() - waiting.len();
    assert_eq!(scene.world.queue().len(), direct);

    let report = scene.sweep().await;
    let sent = scene.world.queue().split_off(direct);
    assert!(report.dispatched >= 50 && sent.len() == report.dispatched as usize, "{report:?}");
    let order: Vec<_> = sent.iter().map(|message| &message.dispatch.job).collect();
    let expected: Vec<_> = waiting.iter().take(sent.len()).map(|job| &job.id).collect();
    assert_eq!(order, expected);
    let slots: Vec<Timestamp> = sent.iter().map(|message| message.visible_at).collect();
    assert!(slots.is_sorted() && slots.last().unwrap().since(build::NOW) > Duration::from_secs(60), "{slots:?}");

    assert_eq!(scene.sweep().await.dispatched, 0, "what was reserved is not reserved again");
}

#[tokio::test]
async fn a_queue_is_dispatched_whatever_call_fails() {
    for point in [FaultPoint::Before, FaultPoint::After] {
        for call in 0..30 {
            let scene = scene(0).await;
            let jobs = ask_for(&scene, 0, 2).await;
            assert!(jobs.iter().all(is_queued));
            scene.world.forget_calls();
            scene.world.fault(call, point, Fault::Fail);
            let _ = scene.try_sweep().await;
            scene.world.forget_calls();
            for _ in 0..5 {
                scene.pass_seconds(60);
                scene.sweep().await;
            }
            let sent: BTreeSet<_> = scene.world.queue().into_iter().map(|message| message.dispatch.job).collect();
            assert_eq!(sent.len(), 2, "call {call} {point:?}");
        }
    }
}

#[tokio::test]
async fn a_repeated_request_takes_no_second_tag() {
    let scene = scene(0).await;
    let first = ask(&scene, 0, Priority::Low, Some("k")).await.unwrap();
    scene.world.forget_calls();
    scene.pass_seconds(5);
    let again = ask(&scene, 0, Priority::Low, Some("k")).await.unwrap();
    assert_eq!((again.replayed, again.job.state), (true, first.job.state));
    assert_eq!(scene.world.calls(), [Call::SubmitContext]);
    assert_eq!(*ask(&scene, 0, Priority::High, Some("k")).await.unwrap_err().kind(), Kind::KeyReused);
}

#[tokio::test]
async fn while_the_circuit_is_open_new_jobs_wait_and_nothing_is_sent() {
    let scene = scene(150).await;
    for _ in 0..3 {
        scene.record(&Signal::Throttled);
    }
    let jobs = ask_for(&scene, 0, 3).await;
    assert!(jobs.iter().all(is_queued));
    assert!(jobs[0].state.due_at.since(build::NOW) >= Duration::from_secs(300), "told when it may close");
    scene.pass_seconds(60);
    assert_eq!(scene.sweep().await.dispatched, 0);
    scene.pass_seconds(400);
    assert_eq!(scene.sweep().await.dispatched, 1, "one finds out");
}

#[tokio::test]
async fn a_queue_too_long_for_its_deadline_is_closed() {
    let app = Limit { calls_per_hour: 1, burst_calls: 6 };
    let scene = scene_with(Limits { app, ..Limits::default() }, 2).await;
    let mut accepted = 0;
    let retry_after = loop {
        match ask_normally(&scene, 0).await {
            Ok(_) => accepted += 1,
            Err(error) => match error.kind() {
                Kind::TooManyPending { retry_after } => break *retry_after,
                other => panic!("{other:?}"),
            },
        }
    };
    assert!((10..40).contains(&accepted), "{accepted} in a day at one call an hour");
    assert!(retry_after >= Duration::from_secs(3_600));

    scene.world.forget_calls();
    assert!(ask_normally(&scene, 0).await.is_err());
    let calls = [Call::SubmitContext, Call::CountPending, Call::TakeTag, Call::ReturnTag, Call::DiscountPending];
    assert_eq!(scene.world.calls(), calls);
}

#[tokio::test]
async fn too_many_pending_jobs_take_no_tag() {
    let scene = scene_with(Limits { max_pending_jobs: 3, ..Limits::default() }, 0).await;
    ask_for(&scene, 0, 3).await;
    scene.world.forget_calls();
    let refused = ask_normally(&scene, 0).await.unwrap_err();
    assert!(matches!(refused.kind(), Kind::TooManyPending { .. }));
    assert_eq!(scene.world.calls(), [Call::SubmitContext, Call::CountPending]);
}

#[tokio::test]
async fn a_queued_job_is_read_though_its_queue_does_not_answer() {
    let scene = scene(0).await;
    let job = ask_for(&scene, 0, 1).await.remove(0);
    let read = async || read::job(&scene.world, &scene.principal, &job.id, None).await.unwrap().estimated_start;
    let forecast = read().await.unwrap();
    scene.world.forget_calls();
    scene.world.fault(1, FaultPoint::Before, Fault::Fail);
    assert_eq!(read().await, Some(job.state.due_at));
    assert_eq!(scene.world.calls(), [Call::Job, Call::BudgetAndQueue]);
    assert!(forecast.since(build::NOW) > Duration::ZERO);
}
