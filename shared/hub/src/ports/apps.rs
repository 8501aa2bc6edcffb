//! The Flickr apps of tenants.

use domain::{AppId, TenantId};

use super::Result;

/// The Flickr apps of tenants.
pub trait Apps: Send + Sync {
    /// Stores an app's sealed credentials, replacing those that were there.
    fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> impl Future<Output = Result<()>> + Send;

    /// The app's sealed credentials.
    fn app(&self, tenant: &TenantId, app: &AppId) -> impl Future<Output = Result<Option<Vec<u8>>>> + Send;

    /// Up to `limit` of the tenant's apps after `after`, by their ids.
    fn apps(
        &self,
        tenant: &TenantId,
        after: Option<&AppId>,
        limit: u16,
    ) -> impl Future<Output = Result<Vec<AppId>>> + Send;
}
