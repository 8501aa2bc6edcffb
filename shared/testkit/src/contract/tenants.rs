//! Tenants and their API keys.

use std::{collections::BTreeMap, time::Duration};

use domain::{
    KeyId, SigningKeyId, TenantId,
    api_key::{KeyChange, KeyRecord, KeyState, RequestSigning, Scope},
    tenant::{Networks, Origins, Tenant, TenantChange, TenantLimits},
};
use hub::{
    hash_secret::HashSecret,
    keyed_hash::{ApiKeyHashes, KeyedHash, version_of},
    ports::{Clock, Entropy, KeyHolder, NewKey, Tenants},
};

use crate::build;

/// A hash secret of a suite's own, before and after its rotation.
struct Rotation {
    before: KeyedHash,
    after: KeyedHash,
    /// The version after it. No other suite has the same, since the keys of a version are counted in the whole store.
    latest: u32,
}

impl Rotation {
    fn new(ports: &impl Entropy) -> Self {
        let [a, b, c, ..] = ports.random();
        let latest = 1_000_000 + u32::from_be_bytes([0, a, b, c]);
        let (first, second) = (build::tenant(ports), build::tenant(ports));
        let secret = format!(r#"{{"current":1,"apps":1,"versions":{{"1":"{first}","{latest}":"{second}"}}}}"#);
        let before = HashSecret::parse(&secret).unwrap();
        let after = KeyedHash::new(&before.clone().with_current(latest).unwrap()).unwrap();
        Self { before: KeyedHash::new(&before).unwrap(), after, latest }
    }
}

fn tenant(ports: &(impl Clock + Entropy), name: &str) -> Tenant {
    Tenant::new(build::tenant(ports), name, ports.now())
}

/// A key of the tenant with this hash and a new id.
fn key(ports: &(impl Clock + Entropy), tenant: &TenantId, hashes: &ApiKeyHashes) -> NewKey {
    let id = KeyId::from_bytes(ports.random());
    NewKey { hashes: hashes.clone(), record: build::key_record(tenant, id, ports.now()) }
}

async fn holder_of(ports: &impl Tenants, key: &ApiKeyHashes) -> Option<TenantId> {
    ports.key_holder(key).await.unwrap().map(|holder| holder.tenant.id)
}

/// Creating tenants and finding them by their keys, under any version of the hash secret.
pub async fn tenants(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, latest } = Rotation::new(ports);
    let (hashes, other) = (before.api_key("one"), before.api_key("two"));
    let (one, two) = (tenant(ports, "One"), tenant(ports, "Two"));
    let first = key(ports, &one.id, &hashes);

    assert_eq!(ports.key_holder(&hashes).await.unwrap(), None);
    assert_eq!(ports.stored_key(&hashes).await.unwrap(), None);
    assert!(ports.create_tenant(&one, &first).await.unwrap());
    let holder = KeyHolder { key: first.record.clone(), tenant: one.clone() };
    assert_eq!(ports.key_holder(&hashes).await.unwrap(), Some(holder));

    let taken = ports.create_tenant(&two, &key(ports, &two.id, &hashes)).await.unwrap();
    assert!(!taken, "a key is one tenant's only");
    assert_eq!(ports.tenant(&two.id).await.unwrap(), None, "a refused tenant is not half stored");
    assert!(ports.keys_of(&two.id).await.unwrap().is_empty(), "nor is its key listed");
    assert_eq!(holder_of(ports, &hashes).await, Some(one.id.clone()));
    assert_eq!(holder_of(ports, &other).await, None);
    assert!(ports.create_tenant(&two, &key(ports, &two.id, &other)).await.unwrap());
    assert_eq!(holder_of(ports, &other).await, Some(two.id.clone()));
    let listed = ports.tenants().await.unwrap();
    for id in [&one.id, &two.id] {
        assert_eq!(listed.iter().filter(|listed| *listed == id).count(), 1, "each tenant is listed once");
    }

    let (rotated, other_rotated) = (after.api_key("one"), after.api_key("two"));
    assert_eq!(holder_of(ports, &rotated).await, Some(one.id.clone()), "under another version");
    let three = tenant(ports, "Three");
    let again = ports.create_tenant(&three, &key(ports, &three.id, &rotated)).await.unwrap();
    assert!(!again, "a key is one tenant's only, under whatever hash");
    let count = async || {
        let counts: BTreeMap<u32, u64> = ports.keys_by_version().await.unwrap();
        (counts.get(&latest).copied().unwrap_or_default(), counts[&1] > 0)
    };
    assert_eq!(count().await, (0, true));

    let (from, to) = (hashes.current(), rotated.current());
    assert_eq!((version_of(from.as_str()), version_of(to.as_str())), (Some(1), Some(latest)));
    assert!(ports.move_key(from, to).await.unwrap());
    assert!(!ports.move_key(from, to).await.unwrap(), "nothing is there any more");
    assert_eq!(count().await, (1, true));
    for hashes in [&hashes, &rotated] {
        let stored = ports.stored_key(hashes).await.unwrap().unwrap();
        assert_eq!((&stored.hash, &stored.record), (to, &first.record));
        assert_eq!(holder_of(ports, hashes).await, Some(one.id.clone()));
    }
    assert_eq!(ports.keys_of(&one.id).await.unwrap()[0].hash, *to, "it is listed under the hash that it has");
    assert!(!ports.move_key(other.current(), to).await.unwrap(), "what is there is not written over");
    assert_eq!(holder_of(ports, &other_rotated).await, Some(two.id));
    assert!(ports.move_key(to, from).await.unwrap(), "and back");
    assert_eq!((holder_of(ports, &rotated).await, count().await), (Some(one.id), (0, true)));
}

/// Several keys of a tenant: each is found by its id and listed with its tenant's, whatever it may be used for.
pub async fn keys_of_tenants(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, .. } = Rotation::new(ports);
    let (one, two) = (tenant(ports, "One"), tenant(ports, "Two"));
    let first = key(ports, &one.id, &before.api_key("one"));
    assert!(ports.create_tenant(&one, &first).await.unwrap());
    assert!(ports.create_tenant(&two, &key(ports, &two.id, &before.api_key("two"))).await.unwrap());

    let mut second = key(ports, &one.id, &before.api_key("three"));
    let end = ports.now() + Duration::from_secs(3600);
    let scopes = [Scope::JobsRead, Scope::Dlq].into_iter().collect();
    second.record = KeyRecord { name: Some("Reader".to_owned()), scopes, expires_at: Some(end), ..second.record };
    assert!(ports.create_key(&second).await.unwrap());
    let taken = NewKey { record: key(ports, &two.id, &second.hashes).record, ..second.clone() };
    assert!(!ports.create_key(&taken).await.unwrap(), "it is another tenant's");
    assert_eq!(ports.keys_of(&two.id).await.unwrap().len(), 1, "what is refused is not listed");

    let mut expected = [first.record, second.record.clone()];
    expected.sort_by(|one, other| one.id.cmp(&other.id));
    let listed: Vec<KeyRecord> = ports.keys_of(&one.id).await.unwrap().into_iter().map(|key| key.record).collect();
    assert_eq!(listed, expected);
    let id = second.record.id.clone().unwrap();
    let found = ports.key_of_id(&id).await.unwrap().unwrap();
    assert_eq!((&found.hash, found.record), (second.hashes.current(), second.record));
    assert_eq!(ports.key_of_id(&KeyId::from_bytes(ports.random())).await.unwrap(), None);
}

/// Changes of keys. No key is asked for before it is refused, since it may be remembered for a minute.
pub async fn refused_keys(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, .. } = Rotation::new(ports);
    let (hashes, moved) = (before.api_key("one"), after.api_key("one"));
    let (one, now) = (tenant(ports, "One"), ports.now());
    let changes = [KeyChange::Disable(now), KeyChange::Enable, KeyChange::Revoke(now), KeyChange::ExpireAt(now)];
    for change in changes {
        assert!(!ports.change_key(hashes.current(), change).await.unwrap(), "there is none");
    }
    assert_eq!(holder_of(ports, &hashes).await, None, "and none was made");

    let first = key(ports, &one.id, &hashes);
    assert!(ports.create_tenant(&one, &first).await.unwrap());
    let record = async |hashes| ports.key_holder(hashes).await.unwrap().unwrap().key;
    let later = now + Duration::from_secs(1);
    let mut expected = first.record.clone();
    for change in [KeyChange::Disable(now), KeyChange::Disable(later), KeyChange::ExpireAt(later)] {
        assert!(ports.change_key(hashes.current(), change).await.unwrap());
        expected = expected.changed(change);
        assert_eq!(record(&hashes).await, expected, "{change:?}");
    }
    let two = tenant(ports, "Two");
    let other = ports.create_tenant(&two, &key(ports, &two.id, &hashes)).await.unwrap();
    assert!(!other, "a disabled key is its tenant's still");

    assert!(ports.move_key(hashes.current(), moved.current()).await.unwrap());
    assert_eq!(record(&moved).await, expected, "it stays disabled under another hash");
    for change in [KeyChange::Revoke(now), KeyChange::Revoke(later), KeyChange::Enable, KeyChange::Enable] {
        assert!(ports.change_key(moved.current(), change).await.unwrap());
        expected = expected.changed(change);
        assert_eq!(record(&moved).await, expected, "{change:?}");
    }
    assert_eq!(expected.state(now), KeyState::Revoked);
}

/// Setting how the requests of a key are signed. No key is asked for before it is set, since it may be remembered for a
/// minute.
pub async fn request_signing(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, .. } = Rotation::new(ports);
    let [first, second] = [(); 2].map(|()| SigningKeyId::from_bytes(ports.random()));
    let signing = |key: &SigningKeyId, is_required| RequestSigning { key: key.clone(), is_required };
    let keys = ["one", "two", "three"].map(|key| before.api_key(key));
    assert!(!ports.set_request_signing(keys[0].current(), Some(&signing(&first, true)), None).await.unwrap(), "no key");
    for hashes in &keys {
        let one = tenant(ports, "One");
        assert!(ports.create_tenant(&one, &key(ports, &one.id, hashes)).await.unwrap());
    }
    let set = async |key: &ApiKeyHashes, to: Option<&RequestSigning>, former: Option<&SigningKeyId>| {
        ports.set_request_signing(key.current(), to, former).await.unwrap()
    };
    let found = async |key: &ApiKeyHashes| ports.key_holder(key).await.unwrap().unwrap().key.signing;
    let [key, disabled, none] = &keys;
    assert!(!set(key, Some(&signing(&first, false)), Some(&second)).await, "it has no secret yet");
    assert!(set(key, Some(&signing(&first, false)), None).await);
    assert!(!set(key, Some(&signing(&second, false)), None).await, "it has one");
    assert!(!set(key, None, Some(&second)).await, "it has another");
    assert!(set(key, Some(&signing(&second, true)), Some(&first)).await);
    let moved = after.api_key("one");
    assert!(ports.move_key(key.current(), moved.current()).await.unwrap());
    assert_eq!(found(&moved).await, Some(signing(&second, true)), "it moves with the key");

    assert!(set(disabled, Some(&signing(&first, true)), None).await);
    assert!(ports.change_key(disabled.current(), KeyChange::Disable(ports.now())).await.unwrap());
    assert!(set(disabled, Some(&signing(&first, false)), Some(&first)).await, "also of a disabled key");
    assert_eq!(found(disabled).await, Some(signing(&first, false)));

    assert!(set(none, Some(&signing(&first, true)), None).await);
    assert!(set(none, None, Some(&first)).await);
    assert_eq!(found(none).await, None);
}

/// Changes of tenants.
pub async fn tenant_changes(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, .. } = Rotation::new(ports);
    let hashes = before.api_key("one");
    let (mut one, now) = (tenant(ports, "One"), ports.now());
    let limits = TenantLimits {
        jobs_per_hour: Some(0),
        jobs_per_day: Some(u32::MAX),
        pending_jobs: Some(7),
        upload_bytes: Some(u64::MAX),
        return_urls: Some(vec!["https://a.example/back".to_owned()]),
        networks: Some(Networks::parse(["192.0.2.0/24"]).unwrap()),
        origins: Some(Origins::parse(["https://a.example"]).unwrap()),
    };
    let changes = [
        TenantChange::Suspend(now),
        TenantChange::Suspend(now + Duration::from_secs(1)),
        TenantChange::SetLimits(limits),
        TenantChange::SetTier("museum".parse().unwrap()),
        TenantChange::Resume,
        TenantChange::SetLimits(TenantLimits::default()),
    ];
    for change in &changes {
        assert!(!ports.change_tenant(&one.id, change).await.unwrap(), "there is none");
    }
    assert_eq!(ports.tenant(&one.id).await.unwrap(), None, "and none was made");
    assert!(ports.create_tenant(&one, &key(ports, &one.id, &hashes)).await.unwrap());
    for change in changes {
        assert!(ports.change_tenant(&one.id, &change).await.unwrap());
        one = one.changed(change);
        assert_eq!(ports.tenant(&one.id).await.unwrap().as_ref(), Some(&one));
        if one.suspended_at.is_some() {
            // It is not remembered.
            assert_eq!(ports.key_holder(&hashes).await.unwrap().unwrap().tenant, one);
        }
    }
}
