use domain::{AppId, Timestamp};
use hub::{
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, FindApp, FindTenant, ListApps, SaveApp, SaveTenant},
};

use crate::build;

/// Keeping and finding tenants by their keys.
pub async fn tenants(ports: &(impl Clock + Entropy + SaveTenant + FindTenant)) {
    let now: Timestamp = ports.now();
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let hash = KeyedHash::new(&ports.random().repeat(2)).unwrap();
    let (key, other) = (hash.api_key("one"), hash.api_key("two"));

    assert_eq!(ports.tenant_of(&key).await.unwrap(), None);
    assert!(ports.save_tenant(&one, "One", &key, now).await.unwrap());
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one.clone()));

    assert!(!ports.save_tenant(&two, "Two", &key, now).await.unwrap(), "a key is one tenant's only");
    assert_eq!(ports.tenant_of(&key).await.unwrap(), Some(one));
    assert_eq!(ports.tenant_of(&other).await.unwrap(), None);
    assert!(ports.save_tenant(&two, "Two", &other, now).await.unwrap(), "a refused tenant was not half kept");
}

/// Keeping, finding and listing Flickr apps.
pub async fn apps(ports: &(impl Entropy + SaveApp + FindApp + ListApps)) {
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let app = AppId::from_bytes(ports.random());
    assert_eq!(ports.app(&one, &app).await.unwrap(), None);
    ports.save_app(&one, &app, &[1, 0, 255]).await.unwrap();
    assert_eq!(ports.app(&one, &app).await.unwrap(), Some(vec![1, 0, 255]));
    ports.save_app(&one, &app, &[2]).await.unwrap();
    assert_eq!(ports.app(&one, &app).await.unwrap(), Some(vec![2]));
    assert_eq!(ports.app(&two, &app).await.unwrap(), None, "an app is its tenant's only");

    let mut kept = vec![app];
    for _ in 0..4 {
        kept.push(AppId::from_bytes(ports.random()));
        ports.save_app(&one, &kept[kept.len() - 1], &[3]).await.unwrap();
    }
    kept.sort();
    assert_eq!(ports.apps(&one, None, 10).await.unwrap(), kept);
    assert_eq!(ports.apps(&one, None, 2).await.unwrap(), kept[..2]);
    assert_eq!(ports.apps(&one, Some(&kept[1]), 2).await.unwrap(), kept[2..4]);
    assert_eq!(ports.apps(&one, Some(&kept[4]), 2).await.unwrap(), []);
    assert_eq!(ports.apps(&two, None, 10).await.unwrap(), []);
}
