//! Tenants and their API keys.

use std::collections::{BTreeMap, BTreeSet};

use domain::{TenantId, Timestamp};
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{NewTenant, Result, Tenants},
};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

/// The API keys, by their hashes.
#[derive(Default)]
struct StoredKeys(BTreeMap<String, StoredKey>);

struct StoredKey {
    tenant: TenantId,
    disabled_at: Option<Timestamp>,
}

impl StoredKeys {
    fn create(&mut self, tenant: &NewTenant) -> bool {
        let is_new = self.hash_of(&tenant.key).is_none();
        if is_new {
            let key = StoredKey { tenant: tenant.id.clone(), disabled_at: None };
            self.0.insert(tenant.key.current().as_str().to_owned(), key);
        }
        is_new
    }

    fn hash_of(&self, key: &ApiKeyHashes) -> Option<ApiKeyHash> {
        key.all().find(|hash| self.0.contains_key(hash.as_str())).cloned()
    }

    fn tenant_of(&self, key: &ApiKeyHashes) -> Option<TenantId> {
        let found = key.all().find_map(|hash| self.0.get(hash.as_str()));
        found.filter(|key| key.disabled_at.is_none()).map(|key| key.tenant.clone())
    }

    fn move_key(&mut self, from: &ApiKeyHash, to: &ApiKeyHash) -> bool {
        if self.0.contains_key(to.as_str()) {
            return false;
        }
        let moved = self.0.remove(from.as_str());
        moved.is_some_and(|key| self.0.insert(to.as_str().to_owned(), key).is_none())
    }

    fn set_disabled(&mut self, hash: &ApiKeyHash, disabled_at: Option<Timestamp>) -> bool {
        let Some(key) = self.0.get_mut(hash.as_str()) else { return false };
        key.disabled_at = disabled_at.map(|at| key.disabled_at.unwrap_or(at));
        true
    }

    fn tenants(&self) -> Vec<TenantId> {
        let tenants: BTreeSet<TenantId> = self.0.values().map(|key| key.tenant.clone()).collect();
        tenants.into_iter().collect()
    }

    fn by_version(&self) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        for version in self.0.keys().filter_map(|hash| version_of(hash)) {
            *counts.entry(version).or_default() += 1;
        }
        counts
    }
}

fn partition(hash: &ApiKeyHash) -> Partition {
    Partition::ApiKey(hash.as_str().to_owned())
}

fn item(hash: &ApiKeyHash) -> Item {
    partition(hash).item("KEY")
}

impl Tenants for World {
    async fn create_tenant(&self, tenant: &NewTenant) -> Result<bool> {
        let keys = tenant.key.all().map(item);
        let items: Vec<Item> = keys.chain([Partition::Tenant(tenant.id.clone()).item("TENANT")]).collect();
        self.transact(Call::CreateTenant, &items, 1, |stores, _| stores.part::<StoredKeys>().create(tenant)).await
    }

    /// No read of a table: a process remembers whose a key is.
    async fn tenant_of(&self, key: &ApiKeyHashes) -> Result<Option<TenantId>> {
        self.call(Call::TenantOf, |stores, _| stores.part::<StoredKeys>().tenant_of(key)).await
    }

    async fn stored_hash(&self, key: &ApiKeyHashes) -> Result<Option<ApiKeyHash>> {
        let partitions: Vec<Partition> = key.all().map(partition).collect();
        self.read(Call::StoredHash, partitions, |stores, _| stores.part::<StoredKeys>().hash_of(key)).await
    }

    async fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> Result<bool> {
        let items = [item(from), item(to)];
        self.transact(Call::MoveKey, &items, 1, |stores, _| stores.part::<StoredKeys>().move_key(from, to)).await
    }

    async fn set_key_disabled(&self, hash: &ApiKeyHash, disabled_at: Option<Timestamp>) -> Result<bool> {
        self.write(Call::SetKeyDisabled, item(hash), |stores, _| {
            stores.part::<StoredKeys>().set_disabled(hash, disabled_at)
        })
        .await
    }

    async fn keys_by_version(&self) -> Result<BTreeMap<u32, u64>> {
        self.call(Call::KeysByVersion, |stores, _| stores.part::<StoredKeys>().by_version()).await
    }

    async fn tenants(&self) -> Result<Vec<TenantId>> {
        self.call(Call::Tenants, |stores, _| stores.part::<StoredKeys>().tenants()).await
    }
}
