//! Sweeping some shards, handing shards over to others, and more shards than before.

use std::{collections::BTreeSet, time::Duration};

use domain::{
    AppId,
    fair_queue::{Bucket, FairQueue, QueueTicket},
    job::{Job, State},
};
use hub::{
    limits::Limits,
    ports::{Clock, FairQueues, Jobs, Shards, SweepScope},
    sweep::Report,
};
use testkit::{
    Call, Fault, FaultPlan, FaultPoint, Injection, World, build,
    crowd::{Task, run_and_begin},
};

use super::{deadline, scene, sweep};

const JOBS: u8 = 200;

/// A world in which so many jobs are due and each call of a port takes so long that a sweep does not get to all of them
/// in the time in which it works alone.
async fn slow_scene(plan: FaultPlan) -> World {
    let world = scene(JOBS).await;
    world.pass(Duration::from_secs(3600));
    world.forget_calls();
    world.set_fault_plan(plan);
    world
}

fn slow(call: Call, point: FaultPoint) -> Injection {
    match (call, point) {
        (_, FaultPoint::Before) => Injection::Wait(Duration::from_millis(500)),
        _ => Injection::Pass,
    }
}

/// A sweep of all shards with those that it begins: what each did, that of all shards first.
fn sweeps(world: &World, begun: &mut Vec<SweepScope>) -> Vec<Report> {
    let task = |scope: SweepScope| {
        let world = world.clone();
        let sweep =
            async move { ::sweep::run(&world, &world, &Limits::default(), &scope, deadline(&world)).await.unwrap() };
        Box::pin(sweep) as Task<Report>
    };
    run_and_begin(world, [task(SweepScope::ALL)], || {
        let scopes = world.take_begun_sweeps();
        begun.extend(scopes.clone());
        scopes.into_iter().map(task).collect()
    })
}

fn sent_once(world: &World) -> bool {
    let queue = world.queue();
    let jobs: BTreeSet<_> = queue.iter().map(|message| message.dispatch.job.clone()).collect();
    queue.len() == usize::from(JOBS) && jobs.len() == queue.len()
}

#[tokio::test]
async fn what_one_sweep_does_not_get_to_is_dealt_out_to_several() {
    let world = slow_scene(Box::new(slow)).await;
    world.set_sweeps_at_once(3);
    let mut begun = Vec::new();
    let reports = sweeps(&world, &mut begun);
    assert!(sent_once(&world));
    let shards: Vec<u8> = begun.iter().flat_map(|scope| scope.shards.clone().unwrap()).collect();
    assert_eq!((reports.len(), shards.len()), (3, shards.iter().collect::<BTreeSet<_>>().len()));
    assert_eq!(reports[0].handed_over, u32::try_from(shards.len()).unwrap());
    assert!((4..=6).contains(&shards.len()), "two thirds of the eight: {shards:?}");
    assert!(reports.iter().all(|report| report.sent >= 10 && !report.unfinished), "{reports:?}");
    assert_eq!(reports.iter().map(|report| report.sent).sum::<u32>(), u32::from(JOBS));
    let handed_over: u32 = reports[1..].iter().map(|report| report.handed_over).sum();
    assert_eq!(handed_over, 0, "who takes over hands nothing over");
}

#[tokio::test]
async fn a_sweep_that_may_not_begin_others_does_all_itself() {
    let world = slow_scene(Box::new(slow)).await;
    let reports = sweeps(&world, &mut Vec::new());
    assert!(sent_once(&world));
    assert_eq!((reports.len(), reports[0].sent, reports[0].handed_over), (1, u32::from(JOBS), 0));
}

#[tokio::test]
async fn shards_that_cannot_be_handed_over_stay_with_the_sweep() {
    let world = slow_scene(Box::new(|call, point| match (call, point) {
        (Call::BeginSweep, FaultPoint::Before) => Injection::Fault(Fault::Fail),
        _ => slow(call, point),
    }))
    .await;
    world.set_sweeps_at_once(3);
    let reports = sweeps(&world, &mut Vec::new());
    assert!(sent_once(&world) && world.count(Call::BeginSweep) == 2);
    assert_eq!((reports.len(), reports[0].sent, reports[0].handed_over), (1, u32::from(JOBS), 0));
}

#[tokio::test]
async fn a_sweep_of_some_shards_leaves_the_others_alone() {
    let world = scene(JOBS).await;
    world.pass(Duration::from_secs(3600));
    let scope = SweepScope::of(vec![2, 5]);
    let report = ::sweep::run(&world, &world, &Limits::default(), &scope, deadline(&world)).await.unwrap();
    let shards = |world: &World| -> BTreeSet<u8> {
        world.queue().iter().map(|message| Shards::default().of(message.dispatch.job.as_str())).collect()
    };
    assert_eq!((report.sent > 0, shards(&world)), (true, [2, 5].into()));
    sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!(world.queue().len(), usize::from(JOBS), "and they are there for the next");
}

#[tokio::test]
async fn when_shards_are_added_what_was_listed_before_is_found() {
    let world = scene(JOBS).await;
    let app = AppId::from_bytes([0xab; 16]);
    let ticket = QueueTicket { app: app.clone(), tag: FairQueue::new(world.now()).allocated.1 + 4 };
    let bucket = Bucket::of(ticket.tag, ticket.tag);
    world.join_queue(&app, bucket, None, world.now()).await.unwrap();
    let spec = world.jobs()[0].spec.clone();
    let state = State::first_in_queue(ticket, world.now(), world.now());
    build::insert(&world, &Job { state, ..build::job([0xcd; 16], spec, world.now()) }).await;

    let more = Shards::new(40).unwrap();
    world.set_shards(more);
    world.pass(Duration::from_secs(3600));
    let report = sweep(&world, deadline(&world)).await.unwrap();
    assert_eq!((report.sent, report.dispatched), (u32::from(JOBS), 1), "{report:?}");

    let mut shards = BTreeSet::new();
    let later = world.now() + Duration::from_secs(3600);
    for shard in more.all() {
        for due in world.due_checks(shard, later, None, 1000).await.unwrap() {
            assert_eq!(more.of(due.job.id.as_str()), shard, "what is written anew is in its new shard");
            shards.insert(shard);
        }
    }
    assert!(shards.len() > 8, "{shards:?}");
}
