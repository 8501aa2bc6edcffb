//! Sweeping, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod shards;

use std::{collections::BTreeMap, time::Duration};

use domain::{
    AccountRef, Timestamp, UserId,
    job::{Job, Phase, State, Target},
};
use hub::{
    limits::Limits,
    ports::{Clock, SweepScope},
    sweep::Report,
};
use testkit::{Call, Fault, FaultPoint, World, build};

/// A world with jobs that run in an hour.
async fn scene(jobs: u8) -> World {
    let world = World::new(build::NOW, 1);
    let tenant = build::tenant(&world);
    let account = AccountRef::new(&tenant, &UserId::of(&tenant, "1@N00"));
    let spec = build::spec(&account, "flickr.test.null", "{}");
    let eligible_at = build::NOW + Duration::from_secs(3600);
    for number in 0..jobs {
        let job = build::job([number; 16], spec.clone(), build::NOW);
        let state = State::first(eligible_at, build::NOW);
        build::insert(&world, &Job { state, ..job }).await;
    }
    world
}

/// A sweep of all shards, by an invocation that is ended at `deadline`.
async fn sweep(world: &World, deadline: Timestamp) -> Result<Report, hub::Error> {
    sweep::run(world, world, &Limits::default(), &SweepScope::ALL, deadline).await
}

/// When an invocation that begins now is ended.
fn deadline(world: &World) -> Timestamp {
    world.now() + Duration::from_secs(60)
}

#[tokio::test]
async fn jobs_are_sent_when_their_time_has_come() {
    let world = scene(3).await;
    assert_eq!(sweep(&world, deadline(&world)).await.unwrap(), Report::default());
    world.pass(Duration::from_secs(3600));
    let report = sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!(report, Report { checked: 3, sent: 3, ..Report::default() });
    assert_eq!(world.queue().len(), 3);
    assert!(world.jobs().iter().all(|job| job.state.phase.name() == "queued" && job.state.fencing_number == 2));
    assert_eq!(sweep(&world, deadline(&world)).await.unwrap(), Report::default());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_sweeps_at_once_do_no_harm() {
    for _ in 0..20 {
        let world = scene(200).await;
        world.pass(Duration::from_secs(3600));
        let sweeps = [world.clone(), world.clone()]
            .map(|world| tokio::spawn(async move { sweep(&world, deadline(&world)).await.unwrap() }));
        for sweep in sweeps {
            let report = sweep.await.unwrap();
            assert_eq!((report.failed, report.expired), (0, 0), "{report:?}");
        }
        // Each job moved once. Two that write the very same at the very same time both send its
        // message, and a worker takes the first.
        let sent: BTreeMap<_, _> =
            world.queue().into_iter().map(|message| (message.dispatch.job, message.dispatch.fencing_number)).collect();
        assert_eq!(sent.len(), 200);
        assert!(sent.values().all(|number| *number == 2));
        assert!(world.jobs().iter().all(|job| job.state.fencing_number == 2));
    }
}

#[tokio::test]
async fn what_is_late_expires_and_is_counted() {
    let world = scene(2).await;
    world.pass(Duration::from_secs(3600) + Target::default().timing().job_deadline);
    let report = sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!(report, Report { checked: 2, expired: 2, ..Report::default() });
    assert!(world.jobs().iter().all(|job| matches!(job.state.phase, Phase::Expired { .. })));
}

#[tokio::test]
async fn what_one_sweep_does_not_do_the_next_one_does() {
    let world = scene(4).await;
    world.pass(Duration::from_secs(3600));
    let late = sweep(&world, world.now()).await.unwrap();
    assert_eq!(late, Report { unfinished: true, ..Report::default() });

    world.forget_calls();
    let first_read = sweep_until_first_read().await;
    world.fault(first_read, FaultPoint::Before, Fault::Fail);
    let report = sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!(report, Report { checked: 4, sent: 3, failed: 1, ..Report::default() });
    // The one that failed makes room for the others for a while.
    assert_eq!(sweep(&world, deadline(&world)).await.unwrap(), Report::default());
    world.pass(Duration::from_secs(120));
    let report = sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!(report, Report { checked: 1, sent: 1, ..Report::default() });
}

/// The number of the call by which the first job of such a world is read.
async fn sweep_until_first_read() -> usize {
    let world = scene(4).await;
    world.pass(Duration::from_secs(3600));
    world.forget_calls();
    sweep(&world, deadline(&world)).await.unwrap();
    world.calls().iter().position(|call| *call == Call::Job).unwrap()
}

#[tokio::test]
async fn a_list_that_cannot_be_read_fails_the_sweep() {
    let world = scene(1).await;
    world.fault_next(FaultPoint::Before, Fault::Fail);
    assert!(sweep(&world, deadline(&world)).await.is_err());
    world.forget_calls();
    sweep(&world, deadline(&world)).await.unwrap();
    let jobs = world.calls().iter().position(|call| *call == Call::DueChecks).unwrap();
    world.forget_calls();
    world.fault(jobs, FaultPoint::Before, Fault::Fail);
    assert!(sweep(&world, deadline(&world)).await.is_err());
}

#[tokio::test]
async fn queues_that_cannot_be_listed_keep_no_job_from_being_checked() {
    let world = scene(2).await;
    world.pass(Duration::from_secs(3600));
    world.fault_next(FaultPoint::Before, Fault::Fail);
    assert!(sweep(&world, deadline(&world)).await.is_err(), "and the failure is told");
    assert_eq!(world.queue().len(), 2);
}

#[test]
fn a_report_reads_as_json() {
    let json = serde_json::to_value(Report { sent: 2, ..Report::default() }).unwrap();
    assert_eq!((&json["sent"], &json["unfinished"]), (&2.into(), &false.into()));
}
