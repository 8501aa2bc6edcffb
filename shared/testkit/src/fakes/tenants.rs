//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::TenantId;
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{NewTenant, Result, Tenants},
};

use super::world::World;
use crate::call::Call;

/// Whose each API key is, by its hash.
#[derive(Default)]
struct StoredKeys(BTreeMap<String, TenantId>);

impl StoredKeys {
    fn create(&mut self, tenant: &NewTenant) -> bool {
        let is_new = self.hash_of(&tenant.key).is_none();
        if is_new {
            self.0.insert(tenant.key.current().as_str().to_owned(), tenant.id.clone());
        }
        is_new
    }

    fn hash_of(&self, key: &ApiKeyHashes) -> Option<ApiKeyHash> {
        key.all().find(|hash| self.0.contains_key(hash.as_str())).cloned()
    }

    fn tenant_of(&self, key: &ApiKeyHashes) -> Option<TenantId> {
        key.all().find_map(|hash| self.0.get(hash.as_str())).cloned()
    }

    fn move_key(&mut self, from: &ApiKeyHash, to: &ApiKeyHash) -> bool {
        if self.0.contains_key(to.as_str()) {
            return false;
        }
        let moved = self.0.remove(from.as_str());
        moved.is_some_and(|tenant| self.0.insert(to.as_str().to_owned(), tenant).is_none())
    }

    fn by_version(&self) -> BTreeMap<u32, u64> {
        let mut counts = BTreeMap::new();
        for version in self.0.keys().filter_map(|hash| version_of(hash)) {
            *counts.entry(version).or_default() += 1;
        }
        counts
    }
}

impl Tenants for World {
    async fn create_tenant(&self, tenant: &NewTenant) -> Result<bool> {
        self.call(Call::CreateTenant, |stores, _| stores.part::<StoredKeys>().create(tenant)).await
    }

    async fn tenant_of(&self, key: &ApiKeyHashes) -> Result<Option<TenantId>> {
        self.call(Call::TenantOf, |stores, _| stores.part::<StoredKeys>().tenant_of(key)).await
    }

    async fn stored_hash(&self, key: &ApiKeyHashes) -> Result<Option<ApiKeyHash>> {
        self.call(Call::StoredHash, |stores, _| stores.part::<StoredKeys>().hash_of(key)).await
    }

    async fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> Result<bool> {
        self.call(Call::MoveKey, |stores, _| stores.part::<StoredKeys>().move_key(from, to)).await
    }

    async fn keys_by_version(&self) -> Result<BTreeMap<u32, u64>> {
        self.call(Call::KeysByVersion, |stores, _| stores.part::<StoredKeys>().by_version()).await
    }
}
