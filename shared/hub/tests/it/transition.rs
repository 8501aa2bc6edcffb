//! Applying events while others move the same job on.

use std::{pin::pin, time::Duration};

use domain::{
    idempotency::Idempotency,
    job::{Job, Phase, WaitReason},
};
use futures_util::FutureExt;
use hub::{
    message::Dispatch,
    run::{Disposition, Handled},
};
use testkit::{Call, FaultPoint, Injection, Scene, World};

/// Longer than the lease of a worker and the time after which its message counts as lost.
const A_LONG_WHILE: Duration = Duration::from_secs(200);

/// Has the next commit, and no other, take a long while before it is done.
fn delay_next_commit(world: &World) {
    let mut delays = true;
    world.set_fault_plan(Box::new(move |call, point| {
        if call == Call::Commit && point == FaultPoint::Before && std::mem::take(&mut delays) {
            Injection::Wait(A_LONG_WHILE)
        } else {
            Injection::Pass
        }
    }));
}

/// Handles the job's message; while the worker's first write of the job is on its way, the sweep sends the message
/// again.
async fn handle_while_the_sweep_resends(scene: &Scene, job: &Job) -> Handled {
    delay_next_commit(&scene.world);
    let message = Dispatch::of(job);
    let mut handling = pin!(scene.worker.handle(&message));
    assert!((&mut handling).now_or_never().is_none(), "the write is on its way");
    scene.world.pass(A_LONG_WHILE);
    assert_eq!(scene.sweep().await.sent, 1, "the message seems lost");
    scene.world.forget_calls();
    handling.await
}

#[tokio::test]
async fn a_holder_whose_write_is_refused_since_the_sweep_resent_its_message_ends_the_job_once() {
    let scene = Scene::new().await;
    let job = scene.submit_call(0, "flickr.photos.getInfo").await;
    let handled = handle_while_the_sweep_resends(&scene, &job).await;
    assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
    let calls = [Call::Job, Call::Commit, Call::DiscountPending];
    assert_eq!(scene.world.calls(), calls, "the job is read again, and the end written");

    let ended = scene.stored(&job).await;
    assert!(matches!(ended.state.phase, Phase::Completed { .. }), "{ended:?}");
    assert_eq!(scene.world.history().ends, [((job.id.clone(), 1), 1)].into());
    let resent = scene.world.queue().pop().unwrap().dispatch;
    assert_eq!(resent.fencing_number, job.state.fencing_number);
    assert_eq!(scene.worker.handle(&resent).await.disposition.unwrap(), Disposition::Ack);
    assert_eq!((scene.stored(&job).await, scene.flickr.calls().len()), (ended, 1));
    assert_eq!(scene.pending(0).await, 0);
}

#[tokio::test]
async fn a_write_that_was_announced_too_late_is_put_off_unsent() {
    let scene = Scene::new().await;
    let job = scene.submit_call(0, "flickr.photosets.create").await;
    assert_eq!(job.idempotency, Idempotency::NonIdempotent);
    let handled = handle_while_the_sweep_resends(&scene, &job).await;
    assert_eq!(handled.disposition.unwrap(), Disposition::Ack);
    let put_off = scene.stored(&job).await;
    assert_eq!(put_off.state.waiting().map(|wait| wait.reason()), Some(&WaitReason::GrantExpired));
    assert_eq!((put_off.state.in_doubt, scene.flickr.calls().len()), (false, 0));

    let ended = scene.handle(&put_off).await;
    assert!(matches!(ended.state.phase, Phase::Completed { .. }), "{ended:?}");
    assert_eq!((scene.flickr.calls().len(), scene.world.history().ends.len()), (1, 1));
}

/// A worker that was away for so long that another took its job over changes nothing.
#[tokio::test]
async fn a_holder_that_lost_its_job_changes_nothing() {
    let scene = Scene::new().await;
    let job = scene.submit_call(0, "flickr.photos.getInfo").await;
    delay_next_commit(&scene.world);
    let message = Dispatch::of(&job);
    let mut handling = pin!(scene.worker.handle(&message));
    assert!((&mut handling).now_or_never().is_none());
    scene.world.pass(A_LONG_WHILE);
    let ended = scene.handle(&job).await;
    assert!(ended.state.is_terminal());
    assert_eq!(handling.await.disposition.unwrap(), Disposition::LostLease);
    assert_eq!(scene.stored(&job).await, ended);
    assert_eq!(scene.world.history().ends, [((job.id.clone(), 1), 1)].into());
}
