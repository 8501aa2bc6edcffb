//! The secrets that sign requests.

use std::collections::BTreeMap;

use domain::{SigningKeyId, TenantId};
use hub::ports::{Result, SigningSecrets};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
pub(super) struct StoredSigningSecrets(BTreeMap<(TenantId, SigningKeyId), Vec<u8>>);

impl StoredSigningSecrets {
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.values()
    }

    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = (&(TenantId, SigningKeyId), &mut Vec<u8>)> {
        self.0.iter_mut()
    }
}

fn item(tenant: &TenantId, id: &SigningKeyId) -> Item {
    Partition::Tenant(tenant.clone()).item(format!("SIGNING#{id}"))
}

impl SigningSecrets for World {
    async fn save_signing_secret(&self, tenant: &TenantId, id: &SigningKeyId, sealed: &[u8]) -> Result<()> {
        self.write(Call::SaveSigningSecret, item(tenant, id), |stores, _| {
            stores.part::<StoredSigningSecrets>().0.insert((tenant.clone(), id.clone()), sealed.to_vec());
        })
        .await
    }

    /// No read of a table: a process remembers a secret.
    async fn signing_secret(&self, tenant: &TenantId, id: &SigningKeyId) -> Result<Option<Vec<u8>>> {
        let key = (tenant.clone(), id.clone());
        self.call(Call::SigningSecret, |stores, _| stores.part::<StoredSigningSecrets>().0.get(&key).cloned()).await
    }

    async fn remove_signing_secret(&self, tenant: &TenantId, id: &SigningKeyId) -> Result<()> {
        let key = (tenant.clone(), id.clone());
        self.write(Call::RemoveSigningSecret, item(tenant, id), |stores, _| {
            stores.part::<StoredSigningSecrets>().0.remove(&key);
        })
        .await
    }
}
