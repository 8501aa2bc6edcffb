//! Tenants and their API keys.

use std::collections::BTreeMap;

use hub::{
    hash_secret::HashSecret,
    keyed_hash::{KeyedHash, version_of},
    ports::{Clock, Entropy, NewTenant, Tenants},
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

    assert_eq!(ports.tenant_of(&key).await.unwrap(), None);
    assert_eq!(ports.stored_hash(&key).await.unwrap(), None);
    assert!(ports.create_tenant(&one).await.unwrap());
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one.id.clone()));

    assert!(!ports.create_tenant(&two).await.unwrap(), "a key is one tenant's only");
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one.id.clone()));
    assert_eq!(ports.tenant_of(&other).await.unwrap(), None);
    let two = NewTenant { key: other.clone(), ..two };
    assert!(ports.create_tenant(&two).await.unwrap(), "a refused tenant was not half stored");
    assert_eq!(ports.tenant_of(&other).await.unwrap(), Some(two.id.clone()));

    let (rotated, other_rotated) = (after.api_key("one"), after.api_key("two"));
    assert_eq!(ports.tenant_of(&rotated).await.unwrap(), Some(one.id.clone()), "under another version");
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
        assert_eq!(ports.tenant_of(hashes).await.unwrap(), Some(one.id.clone()));
    }
    assert!(!ports.move_key(other.current(), to).await.unwrap(), "what is there is not written over");
    assert_eq!(ports.tenant_of(&other_rotated).await.unwrap(), Some(two.id));
    assert!(ports.move_key(to, from).await.unwrap(), "and back");
    assert_eq!((ports.tenant_of(&rotated).await.unwrap(), count().await), (Some(one.id), (0, true)));
}

/// Disabling and enabling keys. No key is asked for before it is disabled, since it may be remembered for a minute.
pub async fn disabled_keys(ports: &(impl Clock + Entropy + Tenants)) {
    let Rotation { before, after, .. } = Rotation::new(ports);
    let (key, moved) = (before.api_key("one"), after.api_key("one"));
    let (id, now) = (build::tenant(ports), ports.now());
    assert!(!ports.set_key_disabled(key.current(), Some(now)).await.unwrap(), "there is none");
    assert!(!ports.set_key_disabled(key.current(), None).await.unwrap(), "there is none");
    assert_eq!(ports.tenant_of(&key).await.unwrap(), None, "and none was made");

    let tenant = NewTenant { id: id.clone(), name: "One".to_owned(), key: key.clone(), created_at: now };
    assert!(ports.create_tenant(&tenant).await.unwrap());
    for _ in 0..2 {
        assert!(ports.set_key_disabled(key.current(), Some(now)).await.unwrap());
        assert_eq!(ports.tenant_of(&key).await.unwrap(), None);
        assert_eq!(ports.stored_hash(&key).await.unwrap().as_ref(), Some(key.current()));
    }
    let other = NewTenant { id: build::tenant(ports), ..tenant };
    assert!(!ports.create_tenant(&other).await.unwrap(), "a disabled key is its tenant's still");

    assert!(ports.move_key(key.current(), moved.current()).await.unwrap());
    assert_eq!(ports.tenant_of(&moved).await.unwrap(), None, "it stays disabled under another hash");
    assert!(ports.set_key_disabled(moved.current(), None).await.unwrap());
    assert_eq!(ports.tenant_of(&moved).await.unwrap(), Some(id.clone()), "what was disabled is not remembered");
    assert!(ports.set_key_disabled(moved.current(), None).await.unwrap());
    assert_eq!(ports.tenant_of(&moved).await.unwrap(), Some(id));
}
