//! API keys of tenants: while the hash secret is rotated, and when one is disabled.

use hub::{
    Kind,
    hash_secret::HashSecret,
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::Tenants,
    tenants::{self, KeyState},
};
use testkit::{Call, Fault, FaultPoint, World, build};

const KEY: &str = "a-key-of-twenty-letters";
const OTHER: &str = "another-key-of-twenty";

/// The hash before the rotation, while both versions are known, and after it, with version 2 the current one.
fn rotation() -> [KeyedHash; 3] {
    let first = HashSecret::parse(&"7".repeat(32)).unwrap();
    let added = first.clone().with_new_version(&[8; 32]);
    let rotated = added.clone().with_current(2).unwrap();
    [first, added, rotated].map(|secret| KeyedHash::new(&secret).unwrap())
}

async fn is_known(world: &World, keyed_hash: &KeyedHash, key: &str) -> bool {
    tenants::authenticate(world, keyed_hash, Limits::default(), key).await.unwrap().is_some()
}

#[tokio::test]
async fn keys_are_known_all_through_a_rotation_and_back() {
    let world = World::new(build::NOW, 1);
    let [first, added, rotated] = rotation();
    let tenant = tenants::create(&world, &first, "Test", KEY).await.unwrap();
    tenants::create(&world, &rotated, "Other", OTHER).await.unwrap();
    for (keyed_hash, knows_other) in [(&first, false), (&added, true), (&rotated, true)] {
        assert!(is_known(&world, keyed_hash, KEY).await);
        assert_eq!(is_known(&world, keyed_hash, OTHER).await, knows_other);
    }

    assert!(tenants::rehash(&world, &rotated, KEY).await.unwrap());
    assert!(!tenants::rehash(&world, &rotated, KEY).await.unwrap(), "it is stored so");
    for (keyed_hash, knows) in [(&first, false), (&added, true), (&rotated, true)] {
        assert_eq!(is_known(&world, keyed_hash, KEY).await, knows);
    }
    let principal = tenants::authenticate(&world, &added, Limits::default(), KEY).await.unwrap().unwrap();
    assert_eq!(principal.tenant(), &tenant, "it is the same tenant's");

    for key in [KEY, OTHER] {
        assert!(tenants::rehash(&world, &added, key).await.unwrap());
        assert!(is_known(&world, &first, key).await, "as before the rotation");
    }
}

#[tokio::test]
async fn a_key_cannot_be_given_to_another_tenant_under_another_version() {
    let world = World::new(build::NOW, 1);
    let [first, added, rotated] = rotation();
    tenants::create(&world, &first, "Test", KEY).await.unwrap();
    tenants::create(&world, &rotated, "Other", OTHER).await.unwrap();
    for key in [KEY, OTHER] {
        for keyed_hash in [&added, &rotated] {
            let refused = tenants::create(&world, keyed_hash, "Thief", key).await.unwrap_err();
            assert_eq!(*refused.kind(), Kind::ApiKeyTaken);
        }
    }
    let unknown = tenants::rehash(&world, &rotated, "a-key-that-nobody-has").await.unwrap_err();
    assert_eq!(*unknown.kind(), Kind::ApiKeyNotFound);
    let malformed = tenants::rehash(&world, &rotated, "short").await.unwrap_err();
    assert!(matches!(malformed.kind(), Kind::InvalidField { field: "api_key", .. }));
}

#[tokio::test]
async fn whatever_fails_while_a_key_is_rehashed_it_is_known() {
    let [first, _, rotated] = rotation();
    for (number, call) in [Call::StoredHash, Call::MoveKey].into_iter().enumerate() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let world = World::new(build::NOW, 1);
            tenants::create(&world, &first, "Test", KEY).await.unwrap();
            world.forget_calls();
            world.fault(number, point, Fault::Fail);
            let failed = tenants::rehash(&world, &rotated, KEY).await.unwrap_err();
            assert_eq!((failed.kind(), world.calls().last()), (&Kind::Unavailable, Some(&call)));
            assert!(is_known(&world, &rotated, KEY).await);
            tenants::rehash(&world, &rotated, KEY).await.unwrap();
            let stored = world.stored_hash(&rotated.api_key(KEY)).await.unwrap();
            assert_eq!(stored.as_ref(), Some(rotated.api_key(KEY).current()));
        }
    }
}

/// The app's budget is that of all its tenants (promise I2): under another id it would be there twice.
#[test]
fn a_rotation_leaves_the_ids_of_flickr_apps() {
    let ids = rotation().map(|keyed_hash| keyed_hash.flickr_app("key", "secret"));
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_disabled_key_is_nobodys_until_it_is_enabled() {
    let world = World::new(build::NOW, 1);
    let [first, added, rotated] = rotation();
    tenants::create(&world, &first, "Test", KEY).await.unwrap();
    tenants::create(&world, &first, "Other", OTHER).await.unwrap();
    for _ in 0..2 {
        tenants::set_key_state(&world, &added, KEY, KeyState::Disabled).await.unwrap();
        assert!(!is_known(&world, &first, KEY).await && is_known(&world, &first, OTHER).await);
    }
    let taken = tenants::create(&world, &first, "Thief", KEY).await.unwrap_err();
    assert_eq!(*taken.kind(), Kind::ApiKeyTaken, "it stays its tenant's");
    tenants::rehash(&world, &rotated, KEY).await.unwrap();
    assert!(!is_known(&world, &rotated, KEY).await, "under another hash, too");
    tenants::set_key_state(&world, &rotated, KEY, KeyState::Enabled).await.unwrap();
    assert!(is_known(&world, &rotated, KEY).await);

    for state in [KeyState::Disabled, KeyState::Enabled] {
        let unknown = tenants::set_key_state(&world, &added, "a-key-that-nobody-has", state).await.unwrap_err();
        assert_eq!(*unknown.kind(), Kind::ApiKeyNotFound);
    }
}
