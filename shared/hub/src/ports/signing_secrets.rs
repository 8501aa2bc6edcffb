//! The secrets that sign requests.

use domain::{SigningKeyId, TenantId};

use super::Result;

/// The secrets that sign requests, each of an API key that names it ([`KeyRecord`](domain::api_key::KeyRecord)).
pub trait SigningSecrets: Send + Sync {
    /// Stores a tenant's new secret, sealed.
    fn save_signing_secret(
        &self,
        tenant: &TenantId,
        id: &SigningKeyId,
        sealed: &[u8],
    ) -> impl Future<Output = Result<()>> + Send;

    /// The tenant's sealed secret. A store may answer from memory: an id has one secret, and is named no more once that
    /// is removed.
    fn signing_secret(
        &self,
        tenant: &TenantId,
        id: &SigningKeyId,
    ) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send;

    /// Removes the tenant's secret, if it is there.
    fn remove_signing_secret(&self, tenant: &TenantId, id: &SigningKeyId) -> impl Future<Output = Result<()>> + Send;
}
