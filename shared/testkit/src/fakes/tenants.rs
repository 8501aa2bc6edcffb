//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::TenantId;
use hub::{
    keyed_hash::ApiKeyHash,
    ports::{NewTenant, Result, Tenants},
};

use super::world::World;
use crate::call::Call;

/// Whose each API key is, by its hash.
#[derive(Default)]
struct StoredKeys(BTreeMap<String, TenantId>);

impl StoredKeys {
    fn create(&mut self, tenant: &NewTenant) -> bool {
        let taken = self.0.contains_key(tenant.key.as_str());
        if !taken {
            self.0.insert(tenant.key.as_str().to_owned(), tenant.id.clone());
        }
        !taken
    }
}

impl Tenants for World {
    async fn create_tenant(&self, tenant: &NewTenant) -> Result<bool> {
        self.call(Call::CreateTenant, |stores, _| stores.part::<StoredKeys>().create(tenant)).await
    }

    async fn tenant_of(&self, key: &ApiKeyHash) -> Result<Option<TenantId>> {
        self.call(Call::TenantOf, |stores, _| stores.part::<StoredKeys>().0.get(key.as_str()).cloned()).await
    }
}
