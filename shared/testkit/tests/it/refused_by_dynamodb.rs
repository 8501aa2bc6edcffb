//! What DynamoDB refuses though the request is right: the fakes refuse it, too.

use std::time::Duration;

use domain::{
    AppId, ClaimId, Day, TenantId,
    budget::{Budget, HostClass, Limit, Request},
    fair_queue::{Bucket, FairQueue},
    job::JobSpec,
    tenant::Tenant,
};
use hub::ports::{BudgetKey, Budgets, ClaimRequest, Clock, FairQueues, Inserted, Jobs, NewKey, PendingJobs, Tenants};
use testkit::{
    KeyUnits, World, build,
    crowd::{Task, run_at_once},
};

/// So many units that three writes, or four reads, use them up.
const FEW: KeyUnits = KeyUnits { writes: 2, reads: 3 };

fn world(units: KeyUnits) -> World {
    let world = World::new(build::NOW, 1);
    world.set_most_key_units(Some(units));
    world
}

/// Which of five calls, one after the other, were refused.
async fn refused<T>(call: impl AsyncFn() -> Result<T, hub::ports::Error>) -> [bool; 5] {
    let mut refused = [false; 5];
    for refused in &mut refused {
        *refused = call().await.is_err();
    }
    refused
}

const AFTER_TWO: [bool; 5] = [false, false, true, true, true];
const AFTER_THREE: [bool; 5] = [false, false, false, true, true];

#[tokio::test]
async fn a_budget_a_fair_queue_and_a_count_take_so_many_units_a_second_each() {
    let world = &world(FEW);
    let [app, other] = [1, 2].map(|app| AppId::from_bytes([app; 16]));
    let (budget, account) = (BudgetKey::App(app.clone()), build::account_ref(&build::tenant(world), "1@N00"));
    let call = Request { limit: Limit::FLICKR, class: Some(HostClass::Rest), calls: 1 };
    let change = Budget::default().take(&call, world.now()).unwrap();
    let (tag, day) = (FairQueue::new(world.now()).allocated.1, Day::of(world.now()));
    let bucket = Bucket::of(tag, tag);

    assert_eq!(refused(async || world.change_budget(&budget, &change).await).await, AFTER_TWO, "a budget");
    assert_eq!(refused(async || world.join_queue(&app, bucket, None, world.now()).await).await, AFTER_TWO, "a queue");
    assert_eq!(refused(async || world.count_pending(&account, day, 9).await).await, AFTER_TWO, "a count");
    assert_eq!(refused(async || world.budget(&budget).await).await, AFTER_THREE, "what is read of a budget");
    assert_eq!(world.throttled(), 11);

    world.change_budget(&BudgetKey::App(other.clone()), &change).await.unwrap();
    world.join_queue(&other, bucket, None, world.now()).await.unwrap();
    world.pass(Duration::from_secs(1));
    world.change_budget(&budget, &change).await.unwrap();
    world.budget(&budget).await.unwrap();
}

#[tokio::test]
async fn what_an_index_does_not_take_is_not_written_to_the_table() {
    let world = &world(FEW);
    let account = build::account_ref(&build::tenant(world), "1@N00");
    // All in one shard of the index of open jobs.
    world.set_shards(hub::ports::Shards::new(1).unwrap());
    let mut stored = Vec::new();
    for number in 0..5 {
        let job = build::job([number; 16], build::spec(&account, "flickr.test.null", "{}"), world.now());
        let inserted = world.insert(&build::acceptance(&job)).await.is_ok_and(|inserted| inserted == Inserted::New);
        stored.push(inserted);
    }
    assert_eq!(stored, [true, true, false, false, false]);
    assert_eq!(world.jobs().len(), 2);
}

fn new_tenant(number: u8) -> (Tenant, NewKey) {
    let tenant = Tenant::new(TenantId::from_bytes([number; 16]), "Test", build::NOW);
    let record = build::key_record(&tenant.id, build::key_id_of(&tenant.id), build::NOW);
    (tenant, NewKey { hashes: build::keyed_hash().api_key("one API key"), record })
}

#[tokio::test]
async fn of_two_transactions_that_meet_on_an_item_one_is_refused() {
    for (hold, expected) in [(0, 0), (8, 1)] {
        let world = World::new(build::NOW, 1);
        world.set_hold(Duration::from_millis(hold));
        let created = run_at_once(
            &world,
            (1..=2).map(|number| {
                let (world, (tenant, first)) = (world.clone(), new_tenant(number));
                Box::pin(async move { world.create_tenant(&tenant, &first).await })
                    as Task<Result<bool, hub::ports::Error>>
            }),
        );
        assert!(created[0].as_ref().is_ok_and(|created| *created));
        assert_eq!((created[1].is_err(), world.conflicts()), (hold > 0, expected), "held for {hold} ms");
    }
}

/// An insertion of a long job is a transaction of two items.
#[tokio::test]
async fn who_writes_an_item_of_a_transaction_under_way_is_refused_and_who_reads_it_is_not() {
    let world = World::new(build::NOW, 1);
    world.set_hold(Duration::from_millis(8));
    let account = build::account_ref(&build::tenant(&world), "1@N00");
    let spec = JobSpec { meta: Some(build::long_meta()), ..build::spec(&account, "flickr.test.null", "{}") };
    let job = build::job([1; 16], spec, world.now());
    let insertion = {
        let (world, acceptance) = (world.clone(), build::acceptance(&job));
        Box::pin(async move { world.insert(&acceptance).await.is_ok() }) as Task<bool>
    };
    let claim = |at| {
        let (world, job) = (world.clone(), job.clone());
        Box::pin(async move {
            world.sleep(Duration::from_millis(at)).await;
            let lease_until = world.now() + Duration::from_secs(60);
            let (reference, now) = (job.reference(), world.now());
            let claim = ClaimId::from_bytes([1; 16]);
            let request = ClaimRequest { job: reference.clone(), fencing_number: 1, claim, lease_until, now };
            let is_read = world.job(&reference).await.unwrap().is_some();
            is_read && world.claim(&request).await.is_ok()
        }) as Task<bool>
    };
    let done = run_at_once(&world, [insertion, claim(4), claim(8), claim(9)]);
    assert_eq!(done, [true, false, true, true], "a claim meets a transaction, and no claim meets another");
}
