//! Records as a former release stored them.

use domain::{
    KeyId, TenantId,
    api_key::{KeyChange, KeyRecord, Scopes},
    tenant::{Tenant, TenantChange},
};
use hub::{
    hash_secret::HashSecret,
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, FormerRecord, FormerRecords, FormerStore, NewKey, Tenants},
};

use crate::build;

/// Low enough that a store with the records of other suites has several pages.
const LIMIT: u16 = 20;

/// Whether it is listed, and in no more than one place.
async fn lists(ports: &impl FormerRecords, record: &FormerRecord) -> bool {
    let (mut times, mut cursor) = (0, None);
    loop {
        let page = ports.former_records(FormerStore::Tenants, cursor.as_deref(), LIMIT).await.unwrap();
        assert!(page.items.len() <= usize::from(LIMIT));
        times += page.items.iter().filter(|listed| *listed == record).count();
        cursor = page.next;
        if cursor.is_none() {
            assert!(times <= 1, "{record:?}");
            return times == 1;
        }
    }
}

/// Listing and migrating a tenant and an API key that a former release stored. `store_as_former` has the tenant be one
/// as that release stored it.
pub async fn former_records(
    ports: &(impl Clock + Entropy + Tenants + FormerRecords),
    store_as_former: impl AsyncFn(&TenantId),
) {
    let secret = HashSecret::parse(&format!("{0}{0}", build::tenant(ports))).unwrap();
    let hashes = KeyedHash::new(&secret).unwrap().api_key("former");
    let tenant = Tenant::new(build::tenant(ports), "Former", ports.now());
    let id = KeyId::from_bytes(ports.random());
    let record = KeyRecord { id: None, ..build::key_record(&tenant.id, id.clone(), ports.now()) };
    let first = NewKey { hashes: hashes.clone(), record: record.clone() };
    assert!(ports.create_tenant(&tenant, &first).await.unwrap());
    let key = FormerRecord::ApiKey(tenant.id.clone(), hashes.current().clone());
    assert!(lists(ports, &key).await && ports.keys_of(&tenant.id).await.unwrap().is_empty());
    assert!(ports.change_key(hashes.current(), KeyChange::Disable(ports.now())).await.unwrap());
    let before = ports.stored_key(&hashes).await.unwrap().unwrap();

    assert!(ports.migrate(&key, &id).await.unwrap());
    let mut expected = before;
    expected.record.id = Some(id.clone());
    expected.record.scopes = Scopes::all();
    assert_eq!(ports.stored_key(&hashes).await.unwrap().as_ref(), Some(&expected), "nothing else of it changes");
    assert_eq!(ports.key_of_id(&id).await.unwrap().as_ref(), Some(&expected));
    assert_eq!(ports.keys_of(&tenant.id).await.unwrap(), [expected.clone()]);
    assert!(!ports.migrate(&key, &KeyId::from_bytes(ports.random())).await.unwrap(), "it has an id");
    assert_eq!(ports.keys_of(&tenant.id).await.unwrap(), [expected]);
    assert!(!lists(ports, &key).await);

    let former = FormerRecord::Tenant(tenant.id.clone());
    assert!(!lists(ports, &former).await);
    store_as_former(&tenant.id).await;
    assert!(lists(ports, &former).await);
    assert_eq!(ports.tenant(&tenant.id).await.unwrap().as_ref(), Some(&tenant), "it is read as it is");
    assert!(ports.migrate(&former, &id).await.unwrap());
    assert!(!ports.migrate(&former, &id).await.unwrap());
    assert!(!lists(ports, &former).await);
    assert_eq!(ports.tenant(&tenant.id).await.unwrap().as_ref(), Some(&tenant));

    // One that was changed since was written anew already, and that counts.
    store_as_former(&tenant.id).await;
    let at = ports.now();
    assert!(ports.change_tenant(&tenant.id, &TenantChange::Suspend(at)).await.unwrap());
    ports.migrate(&former, &id).await.unwrap();
    let suspended = Tenant { suspended_at: Some(at), ..tenant.clone() };
    assert_eq!(ports.tenant(&tenant.id).await.unwrap(), Some(suspended));
    assert!(!lists(ports, &former).await);

    let unknown = FormerRecord::Tenant(build::tenant(ports));
    assert!(!ports.migrate(&unknown, &id).await.unwrap(), "what is not there is not made");
}
