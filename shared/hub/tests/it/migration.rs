//! Records that a former release stored, migrated while everything runs.

use std::cell::Cell;

use domain::{
    KeyId, Timestamp,
    api_key::{KeyRecord, Scope},
    tenant::Tenant,
};
use hub::{
    Error,
    keyed_hash::ApiKeyHashes,
    limits::Limits,
    migration::{self, Report},
    operator_mode::OperatorMode,
    ports::{Clock, JobHistory, NewKey, Tenants, TimeSpan},
    tenants,
};
use testkit::{Call, Fault, FaultPoint, Scene, build};

const API_KEY: &str = "a-key-of-twenty-letters";
const ALL: Report = Report { tenants: 1, api_keys: 1, jobs: 2, failed: 0 };

/// A scene beside whose tenant another is, with a key without an id, both as a former release stored them; and so are two
/// jobs of the first.
async fn scene() -> (Scene, Tenant, ApiKeyHashes) {
    let scene = Scene::new().await;
    let tenant = Tenant::new(build::tenant(&scene.world), "Former", scene.world.now());
    let record = build::key_record(&tenant.id, KeyId::from_bytes([0; 16]), scene.world.now());
    let hashes = build::keyed_hash().api_key(API_KEY);
    let first = NewKey { hashes: hashes.clone(), record: KeyRecord { id: None, ..record } };
    assert!(scene.world.create_tenant(&tenant, &first).await.unwrap());
    scene.world.store_as_former_tenant(&tenant.id);
    for _ in 0..2 {
        let job = scene.submit_call(0, "flickr.photos.getInfo").await;
        scene.world.store_as_former_job(&job);
    }
    scene.world.forget_calls();
    (scene, tenant, hashes)
}

async fn migrated(scene: &Scene, mode: OperatorMode) -> Result<Report, Error> {
    migration::run(&scene.world, mode, None, async || {}, |_| {}).await
}

async fn listed_jobs(scene: &Scene) -> usize {
    let span = TimeSpan {
        from: Timestamp::from_milliseconds(0),
        until: scene.world.now() + std::time::Duration::from_secs(1),
    };
    scene.world.accepted_jobs(&scene.accounts[0], span, None, 10).await.unwrap().len()
}

#[tokio::test]
async fn what_a_former_release_stored_is_migrated_once_and_works_all_the_time() {
    let (scene, tenant, hashes) = scene().await;
    let works = async || {
        let principal = tenants::authenticate(&scene.world, &build::keyed_hash(), Limits::default(), API_KEY).await;
        let principal = principal.unwrap();
        assert!(principal.tenant() == &tenant.id && principal.require(Scope::Admin).is_ok());
        principal.key().cloned()
    };
    assert_eq!((works().await, listed_jobs(&scene).await), (None, 0));
    assert_eq!(migrated(&scene, OperatorMode::DryRun).await.unwrap(), ALL);
    assert_eq!((works().await, listed_jobs(&scene).await), (None, 0), "a dry run changes nothing");

    let paced = Cell::new(0);
    // Each waits before it is migrated, and whoever asks meanwhile is served.
    let pace = async || {
        works().await;
        paced.set(paced.get() + 1);
    };
    let report = migration::run(&scene.world, OperatorMode::Apply, None, pace, |_| {}).await.unwrap();
    assert_eq!((report, paced.get()), (ALL, 4));
    let id = works().await.unwrap();
    assert_eq!(scene.world.key_of_id(&id).await.unwrap().unwrap().hash, *hashes.current());
    assert_eq!(listed_jobs(&scene).await, 2);

    assert_eq!(
        migrated(&scene, OperatorMode::Apply).await.unwrap(),
        Report::default(),
        "the second time nothing is left"
    );
    assert_eq!(works().await, Some(id), "a key keeps its id");
}

#[tokio::test]
async fn one_record_that_fails_is_counted_and_migrated_the_next_time() {
    for point in [FaultPoint::Before, FaultPoint::After] {
        let (scene, ..) = scene().await;
        // The list is the first call.
        scene.world.fault(1, point, Fault::Fail);
        let first = migrated(&scene, OperatorMode::Apply).await.unwrap();
        assert_eq!((first.failed, scene.world.count(Call::Migrate)), (1, 4));
        let second = migrated(&scene, OperatorMode::Apply).await.unwrap();
        let left = if point == FaultPoint::Before { 1 } else { 0 };
        assert_eq!((second.tenants + second.api_keys + second.jobs, second.failed), (left, 0), "{point:?}");
        assert_eq!(listed_jobs(&scene).await, 2);
    }
    let (scene, ..) = scene().await;
    scene.world.fault_next(FaultPoint::Before, Fault::Fail);
    assert!(migrated(&scene, OperatorMode::Apply).await.is_err(), "what cannot be listed is not passed over");
}

#[tokio::test]
async fn only_the_records_of_a_tenant_that_is_named_are_migrated() {
    let (scene, tenant, _) = scene().await;
    let of = async |tenant| {
        migration::run(&scene.world, OperatorMode::Apply, Some(tenant), async || {}, |_| {}).await.unwrap()
    };
    assert_eq!(of(&tenant.id).await, Report { jobs: 0, ..ALL });
    assert_eq!(of(scene.principal.tenant()).await, Report { jobs: 2, ..Report::default() });
}
