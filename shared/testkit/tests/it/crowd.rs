//! Crowds: many at once for one account and one app, over stores that take some milliseconds. None is refused or put off
//! since others were quick, and hardly a write is made in vain.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use domain::{
    TraceId,
    account::Perms,
    budget::{HostClass, Limit, Party},
    egress::Policy,
    idempotency::Key,
    job::{Job, JobSpec, Phase, Start},
    tenant::JobQuotas,
};
use futures_util::future::join_all;
use hub::{
    budget::{CallRequest, Grants},
    connect::{App, Connect},
    limits::Limits,
    ports::Entropy,
    run::{Disposition, Worker},
    submit::{Submit, SubmitRequest},
};
use testkit::{
    CATALOGUE, Call, Fault, FaultPoint, Injection, KeyUnits, Scene, World, build,
    crowd::{Task, at_once, round_trips, run_at_once},
};

/// So much that no budget and no bound of pending jobs is in the way: what is tried is how they get on with each other.
const LIMITS: Limits = Limits {
    app: Limit { calls_per_hour: 3_600, burst_calls: 1_000 },
    account: None,
    max_pending_jobs: 1_000,
    max_stored_bytes: 1_000,
    job_quotas: JobQuotas { per_hour: None, per_day: None },
};

/// The most messages of a worker's batch (`template.yaml`).
const BATCH_MESSAGES: usize = 5;

/// How many workers run at once.
const WORKERS: usize = 10;

/// For how many milliseconds a write holds its items, in turn.
const HOLDS: [u64; 4] = [0, 4, 8, 15];

/// A scene over stores as DynamoDB has them: calls take some milliseconds, writes hold their items for as long, and each
/// partition key takes so many units a second.
async fn scene(seed: u64, hold_milliseconds: u64) -> Scene {
    let scene = Scene::with_limits(LIMITS).await;
    scene.world.set_fault_plan(round_trips(seed, 2, 15));
    scene.world.set_hold(Duration::from_millis(hold_milliseconds));
    scene.world.set_most_key_units(Some(KeyUnits::DYNAMODB));
    scene
}

/// Whether DynamoDB refused nothing.
fn met_nobody(world: &World) -> bool {
    (world.conflicts(), world.throttled()) == (0, 0)
}

/// A request of an account for a job, in a process of its own. One in four is long.
fn submission(scene: &Scene, account: usize, number: usize) -> Task<Result<Job, hub::Error>> {
    let params = format!(r#"{{"photo_id": "{number}"}}"#);
    let spec = scene.spec(account, "flickr.photos.setMeta", &params);
    submit(scene, JobSpec { meta: number.is_multiple_of(4).then(build::long_meta), ..spec }, None)
}

/// A request for a job, in a process of its own.
fn submit(scene: &Scene, spec: JobSpec, key: Option<Key>) -> Task<Result<Job, hub::Error>> {
    let submit = Submit { ports: scene.world.clone(), catalogue: &CATALOGUE, sources: Policy::default() };
    let principal = scene.principal.clone();
    let request = SubmitRequest { spec, start: Start::Now, key, trace: TraceId::from_bytes(scene.world.random()) };
    Box::pin(async move { submit.accept(&principal, request).await.map(|accepted| accepted.job) })
}

/// A worker, which takes batches until no message is left; how many came again.
fn worker(scene: &Scene) -> Task<usize> {
    let worker = Arc::new(Worker {
        ports: scene.world.clone(),
        flickr: scene.flickr.clone(),
        catalogue: &CATALOGUE,
        vaults: scene.vaults.clone(),
        retries: scene.worker.retries,
        file_rules: scene.worker.file_rules,
        sources: Arc::clone(&scene.worker.sources),
        limits: LIMITS,
        grants: Grants::default(),
    });
    Box::pin(async move {
        let mut again = 0;
        loop {
            let batch: Vec<_> = (0..BATCH_MESSAGES).map_while(|_| worker.ports.receive()).collect();
            if batch.is_empty() {
                return again;
            }
            for (message, handled) in batch.iter().zip(join_all(batch.iter().map(|one| worker.handle(one))).await) {
                match handled.disposition {
                    Ok(Disposition::Ack) => worker.ports.acknowledge(message),
                    _ => again += 1,
                }
            }
        }
    })
}

/// A login that begins, in a process of its own.
fn login(scene: &Scene) -> Task<bool> {
    let connect = Connect {
        ports: scene.world.clone(),
        flickr: scene.flickr.clone(),
        vaults: scene.vaults.clone(),
        keyed_hash: build::keyed_hash(),
        return_urls: hub::connect::AllowedReturnUrls::default(),
        grants: Grants::default(),
    };
    let principal = scene.principal.clone();
    let start = hub::connect::Start {
        app: App::Stored(build::app()),
        perms: Perms::Read,
        mode: None,
        return_url: None,
        callback_url: "https://hub.example.org/v1/auth/callback".to_owned(),
    };
    Box::pin(async move { connect.start(&principal, start).await.is_ok() })
}

#[tokio::test]
async fn of_a_hundred_submissions_of_one_account_at_once_none_is_refused_and_none_writes_twice() {
    for (seed, hold) in (0..12).zip(HOLDS.into_iter().cycle()) {
        let scene = scene(seed, hold).await;
        let jobs = run_at_once(&scene.world, (0..100).map(|number| submission(&scene, 0, number)));
        assert!(jobs.iter().all(Result::is_ok), "{jobs:?}");
        let calls = [Call::SubmitContext, Call::CountPending, Call::Insert, Call::Send];
        assert!(calls.iter().all(|call| scene.world.count(*call) == 100), "one of each");
        assert_eq!(scene.world.calls().len(), 400, "and nothing else");
        assert!(met_nobody(&scene.world));
    }
}

/// They meet on the items of the one job, which is long: the insertion of each is a transaction.
#[tokio::test]
async fn of_submissions_under_one_key_at_once_none_is_refused_and_one_makes_the_job() {
    let mut conflicts = 0;
    for (seed, hold) in (0..40).zip(HOLDS.into_iter().cycle()) {
        let crowd = if seed < 20 { 5 } else { 40 };
        let scene = scene(seed, hold).await;
        let spec = JobSpec { meta: Some(build::long_meta()), ..scene.spec(0, "flickr.photos.setMeta", "{}") };
        let jobs =
            run_at_once(&scene.world, (0..crowd).map(|_| submit(&scene, spec.clone(), Key::parse("one key").ok())));
        let ids: BTreeSet<_> = jobs.iter().map(|job| job.as_ref().map(|job| job.id.clone()).ok()).collect();
        assert!(ids.len() == 1 && !ids.contains(&None), "{ids:?}");
        scene.world.set_fault_plan(at_once());
        assert_eq!((scene.pending(0).await, scene.world.jobs().len()), (1, 1));
        conflicts += scene.world.conflicts();
    }
    assert!(conflicts > 0, "they meet");
}

#[tokio::test]
async fn of_three_hundred_jobs_of_one_app_and_twenty_logins_at_once_none_is_put_off_and_none_refused() {
    const JOBS: usize = 300;
    const LOGINS: usize = 20;
    for (seed, hold) in (0..12).zip(HOLDS.into_iter().cycle()) {
        let scene = scene(seed, hold).await;
        let submitted = run_at_once(&scene.world, (0..JOBS).map(|number| submission(&scene, number % 2, number)));
        assert!(submitted.iter().all(Result::is_ok));
        scene.world.forget_calls();

        // What a process gives: how many messages came again, or logins failed.
        let workers = (0..WORKERS).map(|_| worker(&scene));
        let logins = (0..LOGINS).map(|_| {
            let login = login(&scene);
            Box::pin(async move { usize::from(!login.await) }) as Task<usize>
        });
        let failed: usize = run_at_once(&scene.world, workers.chain(logins)).into_iter().sum();
        assert_eq!(failed, 0, "seed {seed}, items held for {hold} ms");
        assert!(met_nobody(&scene.world));
        for job in scene.world.jobs() {
            let once = job.state.fencing_number == 1 && job.state.attempts == 1;
            assert!(once && matches!(job.state.phase, Phase::Completed { .. }), "{job:?}");
        }
        // A login takes a call of its tenant's share, and of the app's.
        let grants = JOBS + 2 * LOGINS;
        let changes = scene.world.count(Call::ChangeBudget);
        assert!(changes * 10 <= grants * 11, "{changes} changes of budgets for {grants} calls");

        scene.world.set_fault_plan(at_once());
        assert_eq!((scene.pending(0).await, scene.pending(1).await), (0, 0));
    }
}

/// The first asks by itself; those that come meanwhile are joined in one change, and each of them hears why it failed.
#[tokio::test]
async fn those_that_ask_while_a_change_is_under_way_are_joined_and_hear_of_its_failure() {
    let world = World::new(build::NOW, 1);
    let mut changes = 0;
    world.set_fault_plan(Box::new(move |call, point| {
        if point == FaultPoint::After {
            return Injection::Pass;
        }
        changes += u32::from(call == Call::ChangeBudget);
        if changes == 2 { Injection::Fault(Fault::Fail) } else { Injection::Wait(Duration::from_millis(5)) }
    }));
    let grants = Grants::default();
    let taken = run_at_once(
        &world,
        (0..5).map(|_| {
            let (grants, world) = (grants.clone(), world.clone());
            let take = async move {
                let (app, party) = (build::app(), Party::tenant(&build::tenant(&world)));
                let request = CallRequest { app: &app, limit: LIMITS.app, class: HostClass::Rest, party, within: None };
                grants.take(&world, request).await.map(|granted| granted.is_ok()).map_err(|error| hub::chain(&error))
            };
            Box::pin(take) as Task<Result<bool, String>>
        }),
    );
    assert_eq!((taken[0].clone(), world.count(Call::ChangeBudget)), (Ok(true), 2));
    assert!(taken[1..].iter().all(|failed| failed.as_ref().is_err_and(|why| why.contains("injected"))), "{taken:?}");
}
