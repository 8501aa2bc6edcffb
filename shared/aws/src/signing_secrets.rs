//! The secrets that sign requests, in the vault table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `SIGNING#id` | a sealed secret |
//!
//! What was read is remembered for as long as the process lives: see
//! [`SigningSecretCache`](crate::memory::SigningSecretCache).

use domain::{SigningKeyId, TenantId};
use hub::ports::{self, SigningSecrets};

use crate::{
    Cloud,
    item::{self, Attributes, Reader, bytes},
};

const SEALED: &str = "sealed";
/// What the sort keys of signing secrets begin with.
pub(crate) const SIGNING: &str = "SIGNING#";

/// The key of a signing secret in the vault table.
pub(crate) fn key(tenant: &TenantId, id: &SigningKeyId) -> Attributes {
    item::key(tenant.as_str(), format!("{SIGNING}{id}"))
}

impl SigningSecrets for Cloud {
    async fn save_signing_secret(&self, tenant: &TenantId, id: &SigningKeyId, sealed: &[u8]) -> ports::Result<()> {
        let mut item = key(tenant, id);
        item.insert(SEALED.to_owned(), bytes(sealed));
        self.vault.put(item, "storing a signing secret").await
    }

    async fn signing_secret(&self, tenant: &TenantId, id: &SigningKeyId) -> ports::Result<Option<Vec<u8>>> {
        let cache_key = (tenant.clone(), id.clone());
        if let Some(sealed) = self.signing_secret_cache.get(&cache_key) {
            return Ok(Some(sealed));
        }
        let found = self.vault.get(key(tenant, id), "finding a signing secret").await?;
        let found = found.map(|item| Reader(&item).bytes(SEALED)).transpose()?;
        if let Some(sealed) = &found {
            self.signing_secret_cache.set(&cache_key, sealed.clone());
        }
        Ok(found)
    }

    async fn remove_signing_secret(&self, tenant: &TenantId, id: &SigningKeyId) -> ports::Result<()> {
        self.vault.remove(key(tenant, id), "removing a signing secret").await.map(|_| ())
    }
}
