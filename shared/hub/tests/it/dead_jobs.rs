//! Replaying dead jobs.

use domain::{budget::Limit, job::Job};
use hub::{
    Kind,
    dead_jobs::{Replayed, replay},
    limits::Limits,
    ports::{Accounts, Clock},
};
use testkit::{Scene, build};

const READ: &str = "flickr.photos.getInfo";

/// Jobs of the first account that died, since its token could not be opened; it can be by now.
async fn dead(scene: &Scene, jobs: u32) -> Vec<Job> {
    let sound = scene.world.account(&scene.accounts[0]).await.unwrap().unwrap();
    let broken = build::account(scene.principal.tenant(), "1@N00", scene.world.now());
    scene.world.save_account(&broken).await.unwrap();
    let mut dead = Vec::new();
    for _ in 0..jobs {
        dead.push(scene.handle(&scene.submit_call(0, READ).await).await);
    }
    assert!(dead.iter().all(|job| job.state.phase.name() == "dead"), "{dead:?}");
    scene.world.save_account(&sound).await.unwrap();
    dead
}

async fn replayed(scene: &Scene, job: &Job) -> Replayed {
    replay(&scene.world, &scene.principal, &job.id, false).await.unwrap()
}

/// The entrances by which a job becomes one that may run: a submission, and a replay. Each keeps the bound of pending
/// jobs, whichever way the others came in.
#[tokio::test]
async fn every_entrance_keeps_the_bound_of_pending_jobs() {
    let scene = Scene::with_limits(Limits { max_pending_jobs: 3, ..Limits::default() }).await;
    let dead = dead(&scene, 3).await;
    assert_eq!(scene.pending(0).await, 0);
    assert_eq!(replayed(&scene, &dead[0]).await, Replayed::Yes);
    assert_eq!(replayed(&scene, &dead[0]).await, Replayed::NotDead, "and it counts once");
    let submitted = scene.submit_call(0, READ).await;
    assert_eq!((replayed(&scene, &dead[1]).await, scene.pending(0).await), (Replayed::Yes, 3));

    let refused = scene.request(scene.spec(0, READ, "{}"), None).await.unwrap_err();
    assert!(matches!(refused.kind(), Kind::TooManyPending { .. }), "{refused:?}");
    assert_eq!((replayed(&scene, &dead[2]).await, scene.pending(0).await), (Replayed::TooManyPending, 3));
    assert_eq!(scene.stored(&dead[2]).await, dead[2], "it stays dead, and on the list");

    scene.handle(&submitted).await;
    assert_eq!((replayed(&scene, &dead[2]).await, scene.pending(0).await), (Replayed::Yes, 3));
    for job in &dead {
        assert_eq!(scene.handle(job).await.state.phase.name(), "completed");
    }
    assert_eq!(scene.pending(0).await, 0);
}

#[tokio::test]
async fn what_is_replayed_waits_for_its_turn_behind_those_who_came_before() {
    let scene = Scene::new().await;
    let dead = dead(&scene, 2).await;
    scene.spend_budget(0);
    let waiting = scene.submit_call(0, READ).await;
    let ahead = waiting.state.queued_ticket().unwrap().tag;
    for job in &dead {
        assert_eq!(replayed(&scene, job).await, Replayed::Yes);
        let queued = scene.stored(job).await;
        assert!(queued.state.queued_ticket().is_some_and(|ticket| ticket.tag > ahead), "{queued:?}");
    }
    assert_eq!(scene.world.queue().iter().filter(|sent| sent.dispatch.fencing_number > 1).count(), 0, "none is sent");
}

#[tokio::test]
async fn a_replay_that_would_not_run_before_its_deadline_is_refused_and_counts_nothing() {
    let app = Limit { calls_per_hour: 1, burst_calls: 1 };
    let scene = Scene::with_limits(Limits { app, ..Limits::default() }).await;
    let dead = dead(&scene, 1).await;
    scene.spend_budget(0);
    while scene.request(scene.spec(0, READ, "{}"), None).await.is_ok() {}
    let pending = scene.pending(0).await;
    assert_eq!((replayed(&scene, &dead[0]).await, scene.pending(0).await), (Replayed::TooManyPending, pending));
}
