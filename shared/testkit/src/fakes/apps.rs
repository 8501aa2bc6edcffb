//! The Flickr apps of tenants.

use std::collections::BTreeMap;

use domain::{AppId, TenantId};
use hub::ports::{Apps, Result};

use super::{keys::Partition, world::World};
use crate::call::Call;

#[derive(Default)]
pub(super) struct StoredApps(BTreeMap<(TenantId, AppId), Vec<u8>>);

impl StoredApps {
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.values()
    }

    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = (&(TenantId, AppId), &mut Vec<u8>)> {
        self.0.iter_mut()
    }

    fn page(&self, tenant: &TenantId, after: Option<&AppId>, limit: u16) -> Vec<AppId> {
        let of_tenant = self.0.keys().filter(|(owner, _)| owner == tenant).map(|(_, app)| app);
        of_tenant.filter(|app| after.is_none_or(|after| *app > after)).take(limit.into()).cloned().collect()
    }
}

impl Apps for World {
    async fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> Result<()> {
        let item = Partition::Tenant(tenant.clone()).item(format!("APP#{app}"));
        self.write(Call::SaveApp, item, |stores, _| {
            stores.part::<StoredApps>().0.insert((tenant.clone(), app.clone()), sealed.to_vec());
        })
        .await
    }

    /// No read of a table: a process remembers an app.
    async fn app(&self, tenant: &TenantId, app: &AppId) -> Result<Option<Vec<u8>>> {
        let key = (tenant.clone(), app.clone());
        self.call(Call::App, |stores, _| stores.part::<StoredApps>().0.get(&key).cloned()).await
    }

    async fn apps(&self, tenant: &TenantId, after: Option<&AppId>, limit: u16) -> Result<Vec<AppId>> {
        self.read(Call::Apps, [Partition::Tenant(tenant.clone())], |stores, _| {
            stores.part::<StoredApps>().page(tenant, after, limit)
        })
        .await
    }
}
