//! Tenants and their API keys.

use domain::{TenantId, Timestamp};

use super::Result;
use crate::keyed_hash::ApiKeyHash;

/// A tenant to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTenant {
    pub id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// Its first API key.
    pub key: ApiKeyHash,
    /// When it is created.
    pub created_at: Timestamp,
}

/// Tenants and their API keys.
pub trait Tenants: Send + Sync {
    /// Stores a tenant with its first API key. `false` when the key is already some tenant's: then nothing is stored.
    fn create_tenant(&self, tenant: &NewTenant) -> impl Future<Output = Result<bool>> + Send;

    /// The tenant of `key`, if it has one.
    fn tenant_of(&self, key: &ApiKeyHash) -> impl Future<Output = Result<Option<TenantId>>> + Send;
}
