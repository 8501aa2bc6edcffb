//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::{
    KeyId, SigningKeyId, TenantId,
    api_key::{KeyChange, KeyRecord, RequestSigning},
    tenant::{Tenant, TenantChange},
};

use super::Result;
use crate::keyed_hash::{ApiKeyHash, ApiKeyHashes};

/// An API key to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Those that it is found by.
    pub hashes: ApiKeyHashes,
    /// What is known of it.
    pub record: KeyRecord,
}

/// A stored API key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// The one hash that it is stored under.
    pub hash: ApiKeyHash,
    /// What is known of it.
    pub record: KeyRecord,
}

/// An API key with its tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyHolder {
    /// What is known of the key.
    pub key: KeyRecord,
    /// Whose it is.
    pub tenant: Tenant,
}

/// Tenants and their API keys.
pub trait Tenants: Send + Sync {
    /// Stores a tenant with its first API key, under the key's current hash. `false` when the key is already some
    /// tenant's under any of its hashes: then nothing is stored.
    fn create_tenant(&self, tenant: &Tenant, first: &NewKey) -> impl Future<Output = Result<bool>> + Send;

    /// Stores another API key of a tenant, under the key's current hash. `false` when it is already some tenant's under
    /// any of its hashes: then nothing is stored.
    fn create_key(&self, key: &NewKey) -> impl Future<Output = Result<bool>> + Send;

    /// The key and its tenant, if the key is stored under any of its hashes, accepted or not. A store may answer from
    /// memory for up to a minute, where the key was accepted and its tenant was not suspended.
    fn key_holder(&self, key: &ApiKeyHashes) -> impl Future<Output = Result<Option<KeyHolder>>> + Send;

    /// The key as it is stored, if it is.
    fn stored_key(&self, key: &ApiKeyHashes) -> impl Future<Output = Result<Option<StoredKey>>> + Send;

    /// The key with this id, of whatever tenant. It reads the whole store: an operator asks, no request does.
    fn key_of_id(&self, id: &KeyId) -> impl Future<Output = Result<Option<StoredKey>>> + Send;

    /// The keys of a tenant that have an id, in the order of their ids.
    fn keys_of(&self, tenant: &TenantId) -> impl Future<Output = Result<Vec<StoredKey>>> + Send;

    /// Stores under the hash `to` what is stored under `from`, and nothing under `from` any more. `false` when nothing
    /// is stored under `from`, or something under `to`.
    fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> impl Future<Output = Result<bool>> + Send;

    /// Changes the key that is stored under this hash. `false` when nothing is stored under it.
    fn change_key(&self, hash: &ApiKeyHash, change: KeyChange) -> impl Future<Output = Result<bool>> + Send;

    /// What is known of a tenant.
    fn tenant(&self, id: &TenantId) -> impl Future<Output = Result<Option<Tenant>>> + Send;

    /// Changes a tenant. `false` when there is none.
    fn change_tenant(&self, id: &TenantId, change: &TenantChange) -> impl Future<Output = Result<bool>> + Send;

    /// Sets how the requests of the key are signed that is stored under this hash, where they were signed with `former`
    /// so far. `false` where they were not, or nothing is stored under the hash.
    fn set_request_signing(
        &self,
        hash: &ApiKeyHash,
        signing: Option<&RequestSigning>,
        former: Option<&SigningKeyId>,
    ) -> impl Future<Output = Result<bool>> + Send;

    /// How many keys are stored under hashes of each version. It reads the whole store: an operator asks, no request
    /// does.
    fn keys_by_version(&self) -> impl Future<Output = Result<BTreeMap<u32, u64>>> + Send;

    /// All tenants, in no order. It reads the whole store: an operator asks, no request does.
    fn tenants(&self) -> impl Future<Output = Result<Vec<TenantId>>> + Send;
}
