//! Tenants and their API keys.

use std::collections::{BTreeMap, BTreeSet};

use domain::{SigningKeyId, TenantId, Timestamp};
use hub::{
    keyed_hash::{ApiKeyHash, ApiKeyHashes, version_of},
    ports::{KnownKey, NewTenant, RequestSigning, Result, Tenants},
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
    known: KnownKey,
    disabled_at: Option<Timestamp>,
}

impl StoredKeys {
    fn create(&mut self, tenant: &NewTenant) -> bool {
        let is_new = self.hash_of(&tenant.key).is_none();
        if is_new {
            let known = KnownKey { tenant: tenant.id.clone(), signing: None };
            let key = StoredKey { known, disabled_at: None };
            self.0.insert(tenant.key.current().as_str().to_owned(), key);
        }
        is_new
    }

    fn hash_of(&self, key: &ApiKeyHashes) -> Option<ApiKeyHash> {
        key.all().find(|hash| self.0.contains_key(hash.as_str())).cloned()
    }

    fn tenant_of(&self, key: &ApiKeyHashes) -> Option<KnownKey> {
        let found = key.all().find_map(|hash| self.0.get(hash.as_str()));
        found.filter(|key| key.disabled_at.is_none()).map(|key| key.known.clone())
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

    fn set_signing(
        &mut self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> bool {
        let Some(StoredKey { known, .. }) = self.0.get_mut(hash.as_str()) else { return false };
        if known.signing.as_ref().map(|signing| &signing.key) != former {
            return false;
        }
        known.signing = signing.cloned();
        true
    }

    fn tenants(&self) -> Vec<TenantId> {
        let tenants: BTreeSet<TenantId> = self.0.values().map(|key| key.known.tenant.clone()).collect();
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
    async fn tenant_of(&self, key: &ApiKeyHashes) -> Result<Option<KnownKey>> {
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

    async fn set_request_signing(
        &self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> Result<bool> {
        self.write(Call::SetRequestSigning, item(hash), |stores, _| {
            stores.part::<StoredKeys>().set_signing(hash, signing, former)
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
