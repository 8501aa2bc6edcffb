//! Tenants and their API keys.

use std::collections::BTreeMap;

use domain::{SigningKeyId, TenantId, Timestamp};

use super::Result;
use crate::keyed_hash::{ApiKeyHash, ApiKeyHashes};

/// A tenant to be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTenant {
    pub id: TenantId,
    /// Its name, for people.
    pub name: String,
    /// Its first API key.
    pub key: ApiKeyHashes,
    /// When it is created.
    pub created_at: Timestamp,
}

/// An API key that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKey {
    /// Whose it is.
    pub tenant: TenantId,
    /// How its requests are signed, if they are.
    pub signing: Option<RequestSigning>,
}

/// How the requests of an API key are signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestSigning {
    /// The id of the secret that signs them.
    pub key: SigningKeyId,
    /// Whether a request without a signature is refused.
    pub is_required: bool,
}

/// Tenants and their API keys.
pub trait Tenants: Send + Sync {
    /// Stores a tenant with its first API key, under the key's current hash. `false` when the key is already some
    /// tenant's under any of its hashes: then nothing is stored.
    fn create_tenant(&self, tenant: &NewTenant) -> impl Future<Output = Result<bool>> + Send;

    /// The tenant of `key`, if it has one under any of its hashes, and the key is not disabled, with how the key's
    /// requests are signed. A store may answer from memory for up to a minute.
    fn tenant_of(&self, key: &ApiKeyHashes) -> impl Future<Output = Result<Option<KnownKey>>> + Send;

    /// The hash under which `key` is stored, if it is, disabled or not.
    fn stored_hash(&self, key: &ApiKeyHashes) -> impl Future<Output = Result<Option<ApiKeyHash>>> + Send;

    /// Stores under the hash `to` what is stored under `from`, and nothing under `from` any more. `false` when nothing
    /// is stored under `from`, or something under `to`.
    fn move_key(&self, from: &ApiKeyHash, to: &ApiKeyHash) -> impl Future<Output = Result<bool>> + Send;

    /// Disables the key that is stored under this hash, or enables it again. One that is disabled already keeps the time.
    /// `false` when nothing is stored under the hash.
    fn set_key_disabled(
        &self,
        hash: &ApiKeyHash,
        disabled_at: Option<Timestamp>,
    ) -> impl Future<Output = Result<bool>> + Send;

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
