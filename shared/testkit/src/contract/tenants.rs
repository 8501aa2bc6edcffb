//! Tenants and their API keys.

use std::collections::BTreeMap;

use hub::{
    hash_secret::HashSecret,
    keyed_hash::{KeyedHash, version_of},
    ports::{Clock, Entropy, NewTenant, Tenants},
};

use crate::build;

/// Creating tenants and finding them by their keys, under any version of the hash secret.
pub async fn tenants(ports: &(impl Clock + Entropy + Tenants)) {
    let [a, b, c, ..] = ports.random();
    // Of this suite's own, since the keys of a version are counted in the whole store.
    let latest = 1_000_000 + u32::from_be_bytes([0, a, b, c]);
    let (first_key, latest_key) = (build::tenant(ports), build::tenant(ports));
    let secret = format!(r#"{{"current":1,"apps":1,"versions":{{"1":"{first_key}","{latest}":"{latest_key}"}}}}"#);
    let before = HashSecret::parse(&secret).unwrap();
    let after = KeyedHash::new(&before.clone().with_current(latest).unwrap()).unwrap();
    let before = KeyedHash::new(&before).unwrap();

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
