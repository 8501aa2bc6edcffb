//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::{
    KeyId, SigningKeyId, TenantId, Timestamp,
    api_key::{KeyChange, KeyRecord, RequestSigning},
    tenant::{Tenant, TenantChange},
};
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{KeyHolder, NewKey, Result, StoredKey, Tenants},
};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
pub(super) struct StoredTenants {
    /// By their hashes.
    pub(super) keys: BTreeMap<String, StoredKey>,
    pub(super) tenants: BTreeMap<TenantId, Tenant>,
}

impl StoredTenants {
    fn create(&mut self, tenant: &Tenant, first: &NewKey) -> bool {
        let created = self.create_key(first);
        if created {
            self.tenants.insert(tenant.id.clone(), tenant.clone());
        }
        created
    }

    fn create_key(&mut self, key: &NewKey) -> bool {
        let is_new = self.stored(&key.hashes).is_none();
        if is_new {
            let hash = key.hashes.current().clone();
            self.keys.insert(hash.as_str().to_owned(), StoredKey { hash, record: key.record.clone() });
        }
        is_new
    }

    fn stored(&self, key: &ApiKeyHashes) -> Option<StoredKey> {
        key.all().find_map(|hash| self.keys.get(hash.as_str())).cloned()
    }

    fn holder(&self, key: &ApiKeyHashes) -> Option<KeyHolder> {
        let key: KeyRecord = self.stored(key)?.record;
        let tenant = self.tenants.get(&key.tenant)?.clone();
        Some(KeyHolder { key, tenant })
    }

    fn of_id(&self, id: &KeyId) -> Option<StoredKey> {
        self.keys.values().find(|key| key.record.id.as_ref() == Some(id)).cloned()
    }

    fn keys_of(&self, tenant: &TenantId) -> Vec<StoredKey> {
        let keys = self.keys.values().filter(|key| key.record.tenant == *tenant && key.record.id.is_some());
        let mut keys: Vec<StoredKey> = keys.cloned().collect();
        keys.sort_by(|one, other| one.record.id.cmp(&other.record.id));
        keys
    }

    fn move_key(&mut self, from: &ApiKeyHash, to: &ApiKeyHash) -> bool {
        if self.keys.contains_key(to.as_str()) {
            return false;
        }
        let Some(moved) = self.keys.remove(from.as_str()) else { return false };
        self.keys.insert(to.as_str().to_owned(), StoredKey { hash: to.clone(), ..moved });
        true
    }

    fn set_signing(
        &mut self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> bool {
        let Some(key) = self.keys.get_mut(hash.as_str()) else { return false };
        if key.record.signing.as_ref().map(|signing| &signing.key) != former {
            return false;
        }
        key.record.signing = signing.cloned();
        true
    }

    fn change_key(&mut self, hash: &ApiKeyHash, change: KeyChange) -> bool {
        let Some(key) = self.keys.get_mut(hash.as_str()) else { return false };
        key.record = key.record.clone().changed(change);
        true
    }

    fn change_tenant(&mut self, id: &TenantId, change: &TenantChange) -> bool {
        let Some(tenant) = self.tenants.get_mut(id) else { return false };
        *tenant = tenant.clone().changed(change.clone());
        true
    }

    fn by_version(&self) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        for version in self.keys.keys().filter_map(|hash| version_of(hash)) {
            *counts.entry(version).or_default() += 1;
        }
        counts
    }
}

impl World {
    /// Changes what is known of a tenant, as an operator did it over a minute ago.
    pub fn set_tenant(&self, id: &TenantId, change: &TenantChange) {
        self.stores(|stores, _| stores.part::<StoredTenants>().change_tenant(id, change));
    }
}

fn partition(hash: &ApiKeyHash) -> Partition {
    Partition::ApiKey(hash.as_str().to_owned())
}

fn item(hash: &ApiKeyHash) -> Item {
    partition(hash).item("KEY")
}

fn tenant_item(tenant: &TenantId) -> Item {
    Partition::Tenant(tenant.clone()).item("TENANT")
}

/// The item by which a key of a tenant is listed.
fn listed(key: &KeyRecord) -> Option<Item> {
    key.id.as_ref().map(|id| Partition::Tenant(key.tenant.clone()).item(format!("KEY#{id}")))
}

impl Tenants for World {
    async fn create_tenant(&self, tenant: &Tenant, first: &NewKey) -> Result<bool> {
        let keys = first.hashes.all().map(item);
        let items: Vec<Item> = keys.chain(listed(&first.record)).chain([tenant_item(&tenant.id)]).collect();
        let create =
            |stores: &mut super::stores::Stores, _: Timestamp| stores.part::<StoredTenants>().create(tenant, first);
        self.transact(Call::CreateTenant, &items, 1, create).await
    }

    async fn create_key(&self, key: &NewKey) -> Result<bool> {
        let items: Vec<Item> = key.hashes.all().map(item).chain(listed(&key.record)).collect();
        self.transact(Call::CreateKey, &items, 1, |stores, _| stores.part::<StoredTenants>().create_key(key)).await
    }

    /// No read of a table: a process remembers whose a key is.
    async fn key_holder(&self, key: &ApiKeyHashes) -> Result<Option<KeyHolder>> {
        self.call(Call::KeyHolder, |stores, _| stores.part::<StoredTenants>().holder(key)).await
    }

    async fn stored_key(&self, key: &ApiKeyHashes) -> Result<Option<StoredKey>> {
        let partitions: Vec<Partition> = key.all().map(partition).collect();
        self.read(Call::StoredKey, partitions, |stores, _| stores.part::<StoredTenants>().stored(key)).await
    }

    async fn key_of_id(&self, id: &KeyId) -> Result<Option<StoredKey>> {
        self.call(Call::KeyOfId, |stores, _| stores.part::<StoredTenants>().of_id(id)).await
    }

    async fn keys_of(&self, tenant: &TenantId) -> Result<Vec<StoredKey>> {
        let partition = Partition::Tenant(tenant.clone());
        self.read(Call::KeysOf, [partition], |stores, _| stores.part::<StoredTenants>().keys_of(tenant)).await
    }

    async fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> Result<bool> {
        let items = [item(from), item(to)];
        self.transact(Call::MoveKey, &items, 1, |stores, _| stores.part::<StoredTenants>().move_key(from, to)).await
    }

    async fn change_key(&self, hash: &ApiKeyHash, change: KeyChange) -> Result<bool> {
        self.write(Call::ChangeKey, item(hash), |stores, _| stores.part::<StoredTenants>().change_key(hash, change))
            .await
    }

    async fn tenant(&self, id: &TenantId) -> Result<Option<Tenant>> {
        let partition = Partition::Tenant(id.clone());
        self.read(Call::Tenant, [partition], |stores, _| stores.part::<StoredTenants>().tenants.get(id).cloned()).await
    }

    async fn change_tenant(&self, id: &TenantId, change: &TenantChange) -> Result<bool> {
        self.write(Call::ChangeTenant, tenant_item(id), |stores, _| {
            stores.part::<StoredTenants>().change_tenant(id, change)
        })
        .await
    }

    async fn set_request_signing(
        &self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> Result<bool> {
        self.write(Call::SetRequestSigning, item(hash), |stores, _| {
            stores.part::<StoredTenants>().set_signing(hash, signing, former)
        })
        .await
    }

    async fn keys_by_version(&self) -> Result<BTreeMap<u32, u64>> {
        self.call(Call::KeysByVersion, |stores, _| stores.part::<StoredTenants>().by_version()).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>> {
        self.call(Call::Tenants, |stores, _| stores.part::<StoredTenants>().tenants.keys().cloned().collect()).await
    }
}
