//! Tenants and their API keys.

use hub::{
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, NewTenant, Tenants},
};

use crate::build;

/// Creating tenants and finding them by their keys.
pub async fn tenants(ports: &(impl Clock + Entropy + Tenants)) {
    let hash = KeyedHash::new(&ports.random().repeat(2)).unwrap();
    let (key, other) = (hash.api_key("one"), hash.api_key("two"));
    let tenant = |name: &str| NewTenant {
        id: build::tenant(ports),
        name: name.to_owned(),
        key: key.clone(),
        created_at: ports.now(),
    };
    let (one, two) = (tenant("One"), tenant("Two"));

    assert_eq!(ports.tenant_of(&key).await.unwrap(), None);
    assert!(ports.create_tenant(&one).await.unwrap());
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one.id.clone()));

    assert!(!ports.create_tenant(&two).await.unwrap(), "a key is one tenant's only");
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one.id));
    assert_eq!(ports.tenant_of(&other).await.unwrap(), None);
    let two = NewTenant { key: other.clone(), ..two };
    assert!(ports.create_tenant(&two).await.unwrap(), "a refused tenant was not half stored");
    assert_eq!(ports.tenant_of(&other).await.unwrap(), Some(two.id));
}
