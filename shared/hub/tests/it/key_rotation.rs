//! Another API key in place of one.

use std::{sync::Arc, time::Duration};

use domain::{
    KeyId, TenantId,
    api_key::{ApiKey, KeyChange, KeyRecord, KeyState},
};
use hub::{
    Error, Kind, key_rotation,
    limits::Limits,
    ports::{Clock, NewKey, Tenants},
    signing::{self, NewSigningSecret},
    tenants::{self, KeyRequest, Principal},
};
use testkit::{Call, Fault, FaultPoint, World, build};
use vault::{Vault, memory::MemoryKeys};

const OVERLAP: Duration = Duration::from_secs(3600);

/// A tenant with a second key.
async fn tenant_with_key() -> (World, TenantId, ApiKey) {
    let (world, keyed_hash) = (World::new(build::NOW, 1), build::keyed_hash());
    let tenant = tenants::create(&world, &keyed_hash, "Test", "a-key-of-twenty-letters").await.unwrap();
    let key = tenants::generate_key(&world);
    tenants::create_key(&world, &keyed_hash, &tenant, key.as_str(), KeyRequest::default()).await.unwrap();
    (world, tenant, key)
}

async fn rotate(
    world: &World,
    vault: &Vault<Arc<MemoryKeys>>,
    old: &KeyId,
    new: &ApiKey,
) -> Result<Option<NewSigningSecret>, Error> {
    key_rotation::rotate(world, vault, &build::keyed_hash(), old, new.as_str(), OVERLAP).await
}

async fn principal(world: &World, key: &ApiKey) -> Result<Principal, Kind> {
    let found = tenants::authenticate(world, &build::keyed_hash(), Limits::default(), key.as_str()).await;
    found.map_err(|error| error.kind().clone())
}

#[tokio::test]
async fn a_rotated_key_works_for_the_overlap_and_no_longer() {
    let (world, tenant, old) = tenant_with_key().await;
    let (vault, new) = (build::vaults().secrets, tenants::generate_key(&world));
    assert!(rotate(&world, &vault, old.id(), &new).await.unwrap().is_none(), "its requests are not signed");
    let known = async || (principal(&world, &old).await.is_ok(), principal(&world, &new).await.is_ok());
    world.pass(OVERLAP - Duration::from_millis(1));
    assert_eq!(known().await, (true, true));
    world.pass(Duration::from_millis(1));
    assert_eq!(known().await, (false, true));
    let keys = world.keys_of(&tenant).await.unwrap();
    let state = |id| keys.iter().find(|key| key.record.id.as_ref() == Some(id)).unwrap().record.state(world.now());
    assert_eq!((state(old.id()), state(new.id())), (KeyState::Expired, KeyState::Active));

    let later = tenants::generate_key(&world);
    tenants::change_key_of_id(&world, new.id(), KeyChange::Revoke(world.now())).await.unwrap();
    let rotated = rotate(&world, &vault, new.id(), &later).await.unwrap_err();
    assert_eq!(*rotated.kind(), Kind::ApiKeyNotFound, "a revoked key has no successor");
}

#[tokio::test]
async fn the_new_keys_requests_are_signed_as_the_old_ones_with_a_secret_of_its_own() {
    for is_required in [false, true] {
        let (world, _, old) = tenant_with_key().await;
        let (vault, keyed_hash) = (build::vaults().secrets, build::keyed_hash());
        let former = signing::give_secret(&world, &vault, &keyed_hash, old.as_str()).await.unwrap();
        signing::set_required(&world, &keyed_hash, old.as_str(), is_required).await.unwrap();
        let new = tenants::generate_key(&world);
        let secret = rotate(&world, &vault, old.id(), &new).await.unwrap().unwrap();
        for (key, NewSigningSecret { id, secret }) in [(&old, &former), (&new, &secret)] {
            let principal = principal(&world, key).await.unwrap();
            assert_eq!(principal.signing().unwrap().is_required, is_required);
            let found = signing::secret(&world, &vault, &principal, id.as_str()).await.unwrap().unwrap();
            assert_eq!(found.expose(), secret.expose());
        }
        assert_ne!((&former.id, former.secret.expose()), (&secret.id, secret.secret.expose()));
    }
}

#[tokio::test]
async fn a_rotation_that_fails_halfway_leaves_the_old_key() {
    let calls = [
        Call::KeyOfId,
        Call::Tenant,
        Call::CreateKey,
        Call::StoredKey,
        Call::SaveSigningSecret,
        Call::SetRequestSigning,
        Call::StoredKey,
        Call::SetRequestSigning,
        Call::KeyOfId,
        Call::ChangeKey,
    ];
    for (number, call) in calls.into_iter().enumerate() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let (world, _, old) = tenant_with_key().await;
            let (vault, keyed_hash) = (build::vaults().secrets, build::keyed_hash());
            signing::give_secret(&world, &vault, &keyed_hash, old.as_str()).await.unwrap();
            signing::set_required(&world, &keyed_hash, old.as_str(), true).await.unwrap();
            let before = principal(&world, &old).await.unwrap();
            let new = tenants::generate_key(&world);
            world.forget_calls();
            world.fault(number, point, Fault::Fail);
            let failed = rotate(&world, &vault, old.id(), &new).await.unwrap_err();
            assert_eq!((failed.kind(), world.calls().last()), (&Kind::Unavailable, Some(&call)));
            assert_eq!(principal(&world, &old).await.unwrap(), before, "{call:?} {point:?}");
        }
    }
}

#[tokio::test]
async fn a_key_is_rotated_whatever_it_was_once_called() {
    let (world, _, first) = tenant_with_key().await;
    let (vault, old, new) = (build::vaults().secrets, tenants::generate_key(&world), tenants::generate_key(&world));
    let like = world.key_of_id(first.id()).await.unwrap().unwrap().record;
    let record = KeyRecord { id: Some(old.id().clone()), name: Some("a\u{200b}b".to_owned()), ..like };
    let stored = NewKey { hashes: build::keyed_hash().api_key(old.as_str()), record };
    assert!(world.create_key(&stored).await.unwrap());
    rotate(&world, &vault, old.id(), &new).await.unwrap();
    assert_eq!(world.key_of_id(new.id()).await.unwrap().unwrap().record.name, None, "a name of today it is not");
}
