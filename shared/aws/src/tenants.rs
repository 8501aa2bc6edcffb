//! Tenants and their API keys, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `KEY#hash` | `KEY` | whose API key it is |
//! | tenant | `TENANT` | its name |
//!
//! A tenant and its first key are written in one transaction. Whose a key is, is remembered for a minute: see
//! [`ApiKeyCache`](crate::memory::ApiKeyCache).

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use domain::TenantId;
use hub::{
    keyed_hash::ApiKeyHash,
    ports::{self, NewTenant, Tenants},
};

use crate::{
    Cloud,
    item::{self, Attributes, PARTITION, Reader, SORT, named, text, time},
    machine::now,
    table::Table,
    transaction::{Part, Transacted},
};

const CREATING: &str = "creating a tenant";

fn api_key(key: &ApiKeyHash) -> Attributes {
    item::key(format!("KEY#{}", key.as_str()), "KEY")
}

/// A query of the tenant's items in the vault table whose sort key begins with `prefix`.
pub(crate) fn items_of(vault: &Table, tenant: &TenantId, prefix: &str) -> QueryFluentBuilder {
    vault
        .query()
        .key_condition_expression(format!("{PARTITION} = :tenant AND begins_with({SORT}, :prefix)"))
        .expression_attribute_values(":tenant", text(tenant.as_str()))
        .expression_attribute_values(":prefix", text(prefix))
        .consistent_read(true)
}

impl Tenants for Cloud {
    async fn create_tenant(&self, tenant: &NewTenant) -> ports::Result<bool> {
        let created_at = || ("created_at", time(tenant.created_at));
        let mut of_key = api_key(&tenant.key);
        of_key.extend(named([("tenant", text(tenant.id.as_str())), created_at()]));
        let mut of_tenant = item::key(tenant.id.as_str(), "TENANT");
        of_tenant.extend(named([("name", text(&tenant.name)), created_at()]));
        let new = |item| {
            let put = self.vault.put_part(item);
            put.condition_expression(format!("attribute_not_exists({PARTITION})")).part()
        };
        match self.vault.transact([of_key, of_tenant].map(new), CREATING).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(_) | Transacted::RefusedByOther => Ok(false),
            Transacted::Conflict => Err(ports::Error::unavailable(CREATING, "another writes the same key")),
        }
    }

    async fn tenant_of(&self, key: &ApiKeyHash) -> ports::Result<Option<TenantId>> {
        let asked_at = now();
        if let Some(tenant) = self.api_key_cache.get(key, asked_at) {
            return Ok(Some(tenant));
        }
        let found = self.vault.get(api_key(key), "finding an API key").await?;
        let found = found.map(|item| Reader(&item).parsed("tenant")).transpose()?;
        if let Some(tenant) = &found {
            self.api_key_cache.set(key, tenant, asked_at);
        }
        Ok(found)
    }
}
