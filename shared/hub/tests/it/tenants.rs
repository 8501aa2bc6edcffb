//! API keys of tenants: while the hash secret is rotated, and when one is disabled.

use domain::{
    TenantId,
    api_key::{KeyChange, Scope, Scopes},
    tenant::{Networks, Origins, TenantChange, TenantLimits},
};
use hub::{
    Error, Kind,
    hash_secret::HashSecret,
    keyed_hash::KeyedHash,
    limits::Limits,
    ports::{Clock, Tenants},
    tenants::{self, KeyRequest, Principal},
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

async fn authenticate(world: &World, keyed_hash: &KeyedHash, key: &str) -> Result<Principal, Error> {
    tenants::authenticate(world, keyed_hash, Limits::default(), key).await
}

async fn is_known(world: &World, keyed_hash: &KeyedHash, key: &str) -> bool {
    match authenticate(world, keyed_hash, key).await {
        Ok(_) => true,
        Err(error) if *error.kind() == Kind::Unauthenticated => false,
        Err(error) => panic!("{error:?}"),
    }
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
    let principal = authenticate(&world, &added, KEY).await.unwrap();
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
    for (number, call) in [Call::StoredKey, Call::MoveKey].into_iter().enumerate() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let world = World::new(build::NOW, 1);
            tenants::create(&world, &first, "Test", KEY).await.unwrap();
            world.forget_calls();
            world.fault(number, point, Fault::Fail);
            let failed = tenants::rehash(&world, &rotated, KEY).await.unwrap_err();
            assert_eq!((failed.kind(), world.calls().last()), (&Kind::Unavailable, Some(&call)));
            assert!(is_known(&world, &rotated, KEY).await);
            tenants::rehash(&world, &rotated, KEY).await.unwrap();
            let stored = world.stored_key(&rotated.api_key(KEY)).await.unwrap().unwrap();
            assert_eq!(stored.hash, *rotated.api_key(KEY).current());
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
        tenants::change_key(&world, &added, KEY, KeyChange::Disable(world.now())).await.unwrap();
        assert!(!is_known(&world, &first, KEY).await && is_known(&world, &first, OTHER).await);
    }
    let taken = tenants::create(&world, &first, "Thief", KEY).await.unwrap_err();
    assert_eq!(*taken.kind(), Kind::ApiKeyTaken, "it stays its tenant's");
    tenants::rehash(&world, &rotated, KEY).await.unwrap();
    assert!(!is_known(&world, &rotated, KEY).await, "under another hash, too");
    tenants::change_key(&world, &rotated, KEY, KeyChange::Enable).await.unwrap();
    assert!(is_known(&world, &rotated, KEY).await);

    for change in [KeyChange::Disable(world.now()), KeyChange::Enable] {
        let unknown = tenants::change_key(&world, &added, "a-key-that-nobody-has", change).await.unwrap_err();
        assert_eq!(*unknown.kind(), Kind::ApiKeyNotFound);
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> Kind {
    result.unwrap_err().kind().clone()
}

/// A world with a tenant and its first key, which FlickrHub made.
async fn tenant_with_key() -> (World, KeyedHash, TenantId, domain::api_key::ApiKey) {
    let (world, keyed_hash) = (World::new(build::NOW, 1), build::keyed_hash());
    let key = tenants::generate_key(&world);
    let tenant = tenants::create(&world, &keyed_hash, "Test", key.as_str()).await.unwrap();
    (world, keyed_hash, tenant, key)
}

#[tokio::test]
async fn a_key_with_a_typing_error_is_refused_unasked() {
    let (world, keyed_hash, tenant, key) = tenant_with_key().await;
    let principal = authenticate(&world, &keyed_hash, key.as_str()).await.unwrap();
    assert_eq!((principal.tenant(), principal.key()), (&tenant, Some(key.id())));
    world.forget_calls();
    let mistyped = format!("{}0", &key.as_str()[..key.as_str().len() - 1]).replace("_0", "_1");
    for text in [mistyped.as_str(), "short", ""] {
        assert_eq!(refused(authenticate(&world, &keyed_hash, text).await), Kind::Unauthenticated);
    }
    assert!(world.calls().is_empty());
}

#[tokio::test]
async fn keys_of_one_tenant_differ_in_what_they_may_be_used_for() {
    let (world, keyed_hash, tenant, first) = tenant_with_key().await;
    let reader = tenants::generate_key(&world);
    let scopes: Scopes = [Scope::JobsRead].into_iter().collect();
    let request = KeyRequest { name: Some("Reader".to_owned()), scopes, expires_at: None };
    let id = tenants::create_key(&world, &keyed_hash, &tenant, reader.as_str(), request).await.unwrap();
    assert_eq!(id, *reader.id());
    let principal = authenticate(&world, &keyed_hash, reader.as_str()).await.unwrap();
    assert_eq!(principal.tenant(), &tenant);
    principal.require(Scope::JobsRead).unwrap();
    assert_eq!(refused(principal.require(Scope::JobsWrite)), Kind::ScopeMissing(Scope::JobsWrite));
    let all = authenticate(&world, &keyed_hash, first.as_str()).await.unwrap();
    assert!(Scope::ALL.into_iter().all(|scope| all.require(scope).is_ok()));

    let nobody = TenantId::from_bytes([9; 16]);
    let key = tenants::generate_key(&world);
    let of_nobody = tenants::create_key(&world, &keyed_hash, &nobody, key.as_str(), KeyRequest::default()).await;
    assert_eq!(refused(of_nobody), Kind::TenantNotFound);
    let again = tenants::create_key(&world, &keyed_hash, &tenant, reader.as_str(), KeyRequest::default()).await;
    assert_eq!(refused(again), Kind::ApiKeyTaken);
    let past = KeyRequest { expires_at: Some(world.now()), ..KeyRequest::default() };
    let past = tenants::create_key(&world, &keyed_hash, &tenant, key.as_str(), past).await;
    assert!(matches!(refused(past), Kind::InvalidField { field: "expires_at", .. }));
}

#[tokio::test]
async fn names_are_kept_in_their_normal_form_and_hide_nothing() {
    let (world, keyed_hash) = (World::new(build::NOW, 1), build::keyed_hash());
    let key = || tenants::generate_key(&world);
    let tenant = tenants::create(&world, &keyed_hash, " Zu\u{308}rich", key().as_str()).await.unwrap();
    assert_eq!(tenants::get(&world, &tenant).await.unwrap().name, "Z\u{fc}rich");
    let named = |name: &str| KeyRequest { name: Some(name.to_owned()), ..KeyRequest::default() };
    let id = tenants::create_key(&world, &keyed_hash, &tenant, key().as_str(), named("Cafe\u{301}")).await.unwrap();
    let stored = world.key_of_id(&id).await.unwrap().unwrap();
    assert_eq!(stored.record.name.as_deref(), Some("Caf\u{e9}"));

    for bad in ["", "a\nb", "admin\u{200b}", "\u{202e}nimda"] {
        let of_tenant = tenants::create(&world, &keyed_hash, bad, key().as_str()).await;
        assert!(matches!(refused(of_tenant), Kind::InvalidField { field: "name", .. }), "{bad:?}");
        let of_key = tenants::create_key(&world, &keyed_hash, &tenant, key().as_str(), named(bad)).await;
        assert!(matches!(refused(of_key), Kind::InvalidField { field: "name", .. }), "{bad:?}");
    }
}

#[tokio::test]
async fn a_revoked_key_is_nobodys_for_good() {
    let (world, keyed_hash, _, key) = tenant_with_key().await;
    tenants::change_key_of_id(&world, key.id(), KeyChange::Revoke(world.now())).await.unwrap();
    tenants::change_key(&world, &keyed_hash, key.as_str(), KeyChange::Enable).await.unwrap();
    assert!(!is_known(&world, &keyed_hash, key.as_str()).await);
    let unknown = tenants::generate_key(&world);
    let change = tenants::change_key_of_id(&world, unknown.id(), KeyChange::Enable).await;
    assert_eq!(refused(change), Kind::ApiKeyNotFound);
}

#[tokio::test]
async fn a_suspended_tenant_is_told_so_until_it_is_resumed() {
    let (world, keyed_hash, tenant, key) = tenant_with_key().await;
    tenants::change(&world, &tenant, &TenantChange::Suspend(world.now())).await.unwrap();
    assert_eq!(refused(authenticate(&world, &keyed_hash, key.as_str()).await), Kind::TenantSuspended);
    let revoked = KeyChange::Revoke(world.now());
    let other = tenants::generate_key(&world);
    tenants::create_key(&world, &keyed_hash, &tenant, other.as_str(), KeyRequest::default()).await.unwrap();
    tenants::change_key_of_id(&world, other.id(), revoked).await.unwrap();
    let of_revoked = authenticate(&world, &keyed_hash, other.as_str()).await;
    assert_eq!(refused(of_revoked), Kind::Unauthenticated, "who has no key learns nothing of the tenant");
    tenants::change(&world, &tenant, &TenantChange::Resume).await.unwrap();
    authenticate(&world, &keyed_hash, key.as_str()).await.unwrap();
    let nobody = tenants::change(&world, &TenantId::from_bytes([9; 16]), &TenantChange::Resume).await;
    assert_eq!(refused(nobody), Kind::TenantNotFound);
}

#[tokio::test]
async fn a_tenants_own_limits_count_and_otherwise_the_stacks() {
    let (world, keyed_hash, tenant, key) = tenant_with_key().await;
    let principal = authenticate(&world, &keyed_hash, key.as_str()).await.unwrap();
    assert_eq!(*principal.limits(), Limits::default());
    principal.check_address(None).unwrap();
    let networks = Some(Networks::parse(["192.0.2.0/24"]).unwrap());
    let limits = TenantLimits { pending_jobs: Some(7), networks, ..TenantLimits::default() };
    tenants::change(&world, &tenant, &TenantChange::SetLimits(limits)).await.unwrap();
    let principal = authenticate(&world, &keyed_hash, key.as_str()).await.unwrap();
    assert_eq!(principal.limits().max_pending_jobs, 7);
    principal.check_address(Some("192.0.2.1".parse().unwrap())).unwrap();
    for address in [None, Some("198.51.100.1".parse().unwrap())] {
        assert_eq!(refused(principal.check_address(address)), Kind::AddressNotAllowed);
    }
}

#[tokio::test]
async fn a_tenants_pages_are_its_own_and_those_of_the_stack() {
    let (world, keyed_hash, tenant, key) = tenant_with_key().await;
    let [own, withdrawn, others] = ["https://a.example", "https://old.example", "https://b.example"];
    let allowed = Origins::parse([own, others]).unwrap();
    let check = async |origin: &str| {
        authenticate(&world, &keyed_hash, key.as_str()).await.unwrap().check_origin(&allowed, origin)
    };
    assert_eq!(refused(check(own).await), Kind::OriginNotAllowed, "it has none yet");
    let limits = TenantLimits { origins: Some(Origins::parse([own, withdrawn]).unwrap()), ..TenantLimits::default() };
    tenants::change(&world, &tenant, &TenantChange::SetLimits(limits)).await.unwrap();
    check(own).await.unwrap();
    for origin in [others, withdrawn, "null", ""] {
        assert_eq!(refused(check(origin).await), Kind::OriginNotAllowed, "{origin}");
    }
}
