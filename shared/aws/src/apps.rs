//! Flickr apps, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `APP#app` | an app's sealed credentials |
//!
//! What was read or stored is remembered for as long as the process lives: see [`AppCache`](crate::memory::AppCache).

use domain::{AppId, TenantId};
use hub::ports::{self, Apps};

use crate::{
    Cloud,
    item::{self, Attributes, Reader, SORT, bytes, unreadable},
    table::list,
    tenants::items_of,
};

const SEALED: &str = "sealed";
/// What the sort keys of apps begin with.
pub(crate) const APP: &str = "APP#";

/// The key of an app in the vault table.
pub(crate) fn key(tenant: &TenantId, app: &AppId) -> Attributes {
    item::key(tenant.as_str(), format!("{APP}{app}"))
}

fn read_id(item: &Attributes) -> ports::Result<AppId> {
    let app = Reader(item).text(SORT)?.strip_prefix(APP).and_then(|app| app.parse().ok());
    app.ok_or_else(|| unreadable(SORT))
}

impl Apps for Cloud {
    async fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> ports::Result<()> {
        let mut item = key(tenant, app);
        item.insert(SEALED.to_owned(), bytes(sealed));
        self.vault.put(item, "storing a Flickr app").await?;
        self.app_cache.set(&(tenant.clone(), app.clone()), sealed.to_vec());
        Ok(())
    }

    async fn app(&self, tenant: &TenantId, app: &AppId) -> ports::Result<Option<Vec<u8>>> {
        let cache_key = (tenant.clone(), app.clone());
        if let Some(sealed) = self.app_cache.get(&cache_key) {
            return Ok(Some(sealed));
        }
        let found = self.vault.get(key(tenant, app), "finding a Flickr app").await?;
        let found = found.map(|item| Reader(&item).bytes(SEALED)).transpose()?;
        if let Some(sealed) = &found {
            self.app_cache.set(&cache_key, sealed.clone());
        }
        Ok(found)
    }

    async fn apps(&self, tenant: &TenantId, after: Option<&AppId>, limit: u16) -> ports::Result<Vec<AppId>> {
        let start = after.map(|app| key(tenant, app));
        let query = items_of(&self.vault, tenant, APP).projection_expression(SORT);
        list(query, start, limit, "listing Flickr apps").await?.iter().map(read_id).collect()
    }
}
