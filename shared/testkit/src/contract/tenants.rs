//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::{SigningKeyId, TenantId};
use hub::{
    hash_secret::HashSecret,
    keyed_hash::{ApiKeyHashes, KeyedHash, version_of},
    ports::{Clock, Entropy, KnownKey, NewTenant, RequestSigning, Tenants},
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

/// Whose the key is; nothing signs its requests.
async fn tenant_of(ports: &impl Tenants, key: &ApiKeyHashes) -> Option<TenantId> {
    let KnownKey { tenant, signing } = ports.tenant_of(key).await.unwrap()?;
    assert_eq!(signing, None);
    Some(tenant)
}

/// Creating tenants and finding them by their keys, under any version of the hash secret.
pub async fn tenants(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, latest } = Rotation::new(ports);
    let (key, other) = (before.api_key("one"), before.api_key("two"));
    let tenant = |name: &str| NewTenant {
        id: build::tenant(ports),
        name: name.to_owned(),
        key: key.clone(),
        created_at: ports.now(),
    };
    let (one, two) = (tenant("One"), tenant("Two"));

    assert_eq!(tenant_of(ports, &key).await, None);
    assert_eq!(ports.stored_hash(&key).await.unwrap(), None);
    assert!(ports.create_tenant(&one).await.unwrap());
    assert_eq!(tenant_of(ports, &key).await, Some(one.id.clone()));

    assert!(!ports.create_tenant(&two).await.unwrap(), "a key is one tenant's only");
    assert_eq!(tenant_of(ports, &key).await, Some(one.id.clone()));
    assert_eq!(tenant_of(ports, &other).await, None);
    let two = NewTenant { key: other.clone(), ..two };
    assert!(ports.create_tenant(&two).await.unwrap(), "a refused tenant was not half stored");
    assert_eq!(tenant_of(ports, &other).await, Some(two.id.clone()));
    let listed = ports.tenants().await.unwrap();
    for id in [&one.id, &two.id] {
        assert_eq!(listed.iter().filter(|listed| *listed == id).count(), 1, "each tenant is listed once");
    }

    let (rotated, other_rotated) = (after.api_key("one"), after.api_key("two"));
    assert_eq!(tenant_of(ports, &rotated).await, Some(one.id.clone()), "under another version");
    let again = NewTenant { key: rotated.clone(), ..tenant("Three") };
    assert!(!ports.create_tenant(&again).await.unwrap(), "a key is one tenant's only, under whatever hash");
    let count = async || {
        let counts: BTreeMap<u32, u64> = ports.keys_by_version().await.unwrap();
        (counts.get(&latest).copied().unwrap_or_default(), counts[&1] > 0)
    };
    assert_eq!(count().await, (0, true));

    let (from, to) = (key.current(), rotated.current());
    assert_eq!((version_of(from.as_str()), version_of(to.as_str())), (Some(1), Some(latest)));
    assert!(ports.move_key(from, to).await.unwrap());
    assert!(!ports.move_key(from, to).await.unwrap(), "nothing is there any more");
    assert_eq!(count().await, (1, true));
    for hashes in [&key, &rotated] {
        assert_eq!(ports.stored_hash(hashes).await.unwrap().as_ref(), Some(to));
        assert_eq!(tenant_of(ports, hashes).await, Some(one.id.clone()));
    }
    assert!(!ports.move_key(other.current(), to).await.unwrap(), "what is there is not written over");
    assert_eq!(tenant_of(ports, &other_rotated).await, Some(two.id));
    assert!(ports.move_key(to, from).await.unwrap(), "and back");
    assert_eq!((tenant_of(ports, &rotated).await, count().await), (Some(one.id), (0, true)));
}

/// Disabling and enabling keys. No key is asked for before it is disabled, since it may be remembered for a minute.
pub async fn disabled_keys(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, .. } = Rotation::new(ports);
    let (key, moved) = (before.api_key("one"), after.api_key("one"));
    let (id, now) = (build::tenant(ports), ports.now());
    assert!(!ports.set_key_disabled(key.current(), Some(now)).await.unwrap(), "there is none");
    assert!(!ports.set_key_disabled(key.current(), None).await.unwrap(), "there is none");
    assert_eq!(tenant_of(ports, &key).await, None, "and none was made");

    let tenant = NewTenant { id: id.clone(), name: "One".to_owned(), key: key.clone(), created_at: now };
    assert!(ports.create_tenant(&tenant).await.unwrap());
    for _ in 0..2 {
        assert!(ports.set_key_disabled(key.current(), Some(now)).await.unwrap());
        assert_eq!(tenant_of(ports, &key).await, None);
        assert_eq!(ports.stored_hash(&key).await.unwrap().as_ref(), Some(key.current()));
    }
    let other = NewTenant { id: build::tenant(ports), ..tenant };
    assert!(!ports.create_tenant(&other).await.unwrap(), "a disabled key is its tenant's still");

    assert!(ports.move_key(key.current(), moved.current()).await.unwrap());
    assert_eq!(tenant_of(ports, &moved).await, None, "it stays disabled under another hash");
    assert!(ports.set_key_disabled(moved.current(), None).await.unwrap());
    assert_eq!(tenant_of(ports, &moved).await, Some(id.clone()), "what was disabled is not remembered");
    assert!(ports.set_key_disabled(moved.current(), None).await.unwrap());
    assert_eq!(tenant_of(ports, &moved).await, Some(id));
}

/// Setting how the requests of a key are signed. No key is asked for before it is set, since it may be remembered for a
/// minute.
pub async fn request_signing(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, .. } = Rotation::new(ports);
    let [first, second] = [(); 2].map(|()| SigningKeyId::from_bytes(ports.random()));
    let signing = |key: &SigningKeyId, is_required| RequestSigning { key: key.clone(), is_required };
    let keys = ["one", "two", "three"].map(|key| before.api_key(key));
    let id = build::tenant(ports);
    assert!(!ports.set_request_signing(keys[0].current(), Some(&signing(&first, true)), None).await.unwrap(), "no key");
    for key in &keys {
        let tenant =
            NewTenant { id: build::tenant(ports), name: "One".to_owned(), key: key.clone(), created_at: ports.now() };
        let tenant = if key == &keys[0] { NewTenant { id: id.clone(), ..tenant } } else { tenant };
        assert!(ports.create_tenant(&tenant).await.unwrap());
    }
    let set = async |key: &ApiKeyHashes, to: Option<&RequestSigning>, former: Option<&SigningKeyId>| {
        ports.set_request_signing(key.current(), to, former).await.unwrap()
    };
    let [key, disabled, none] = &keys;
    assert!(!set(key, Some(&signing(&first, false)), Some(&second)).await, "it has no secret yet");
    assert!(set(key, Some(&signing(&first, false)), None).await);
    assert!(!set(key, Some(&signing(&second, false)), None).await, "it has one");
    assert!(!set(key, None, Some(&second)).await, "it has another");
    assert!(set(key, Some(&signing(&second, true)), Some(&first)).await);
    let moved = after.api_key("one");
    assert!(ports.move_key(key.current(), moved.current()).await.unwrap());
    let known = KnownKey { tenant: id, signing: Some(signing(&second, true)) };
    assert_eq!(ports.tenant_of(&moved).await.unwrap(), Some(known), "it moves with the key");

    assert!(set(disabled, Some(&signing(&first, true)), None).await);
    assert!(ports.set_key_disabled(disabled.current(), Some(ports.now())).await.unwrap());
    assert_eq!(ports.tenant_of(disabled).await.unwrap(), None);
    assert!(set(disabled, Some(&signing(&first, false)), Some(&first)).await, "also of a disabled key");

    assert!(set(none, Some(&signing(&first, true)), None).await);
    assert!(set(none, None, Some(&first)).await);
    assert_eq!(ports.tenant_of(none).await.unwrap().unwrap().signing, None);
}
