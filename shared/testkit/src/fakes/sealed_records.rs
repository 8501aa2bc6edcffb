//! All sealed secrets of the vault.

use std::collections::BTreeMap;

use domain::{AccountRef, TenantId};
use hub::{
    page::Page,
    ports::{Result, SealedRecord, SealedRecords, SecretOf},
};

use super::{
    accounts::StoredAccounts,
    apps::StoredApps,
    keys::{Item, Partition},
    signing_secrets::StoredSigningSecrets,
    stores::Stores,
    world::World,
};
use crate::call::Call;

fn sort((tenant, of): &(TenantId, SecretOf)) -> Item {
    let sort = match of {
        SecretOf::Account(user) => format!("ACCOUNT#{user}"),
        SecretOf::App(app) => format!("APP#{app}"),
        SecretOf::RequestSigning(id) => format!("SIGNING#{id}"),
    };
    Partition::Tenant(tenant.clone()).item(sort)
}

/// All of them in the order in which they are listed, each to be read and replaced.
fn with_all<T>(stores: &mut Stores, look: impl FnOnce(BTreeMap<(TenantId, SecretOf), &mut Vec<u8>>) -> T) -> T {
    let mut accounts = std::mem::take(stores.part::<StoredAccounts>());
    let mut apps = std::mem::take(stores.part::<StoredApps>());
    let mut signing = std::mem::take(stores.part::<StoredSigningSecrets>());
    let of_account = |(account, sealed)| {
        let AccountRef { tenant, user }: &AccountRef = account;
        ((tenant.clone(), SecretOf::Account(user.clone())), sealed)
    };
    let all = accounts.secrets_mut().map(of_account);
    let all = all.chain(
        apps.secrets_mut().map(|((tenant, app), sealed)| ((tenant.clone(), SecretOf::App(app.clone())), sealed)),
    );
    let all = all.chain(
        signing
            .secrets_mut()
            .map(|((tenant, id), sealed)| ((tenant.clone(), SecretOf::RequestSigning(id.clone())), sealed)),
    );
    let looked = look(all.collect());
    *stores.part() = accounts;
    *stores.part() = apps;
    *stores.part() = signing;
    looked
}

impl SealedRecords for World {
    async fn sealed_records(&self, after: Option<&str>, limit: u16) -> Result<Page<SealedRecord, String>> {
        let skipped = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        self.call(Call::SealedRecords, |stores, _| {
            with_all(stores, |all| {
                let records =
                    all.into_iter().map(|((tenant, of), sealed)| SealedRecord { tenant, of, sealed: sealed.clone() });
                let items: Vec<_> = records.skip(skipped).take(limit.into()).collect();
                let next = (items.len() == usize::from(limit)).then(|| (skipped + items.len()).to_string());
                Page { items, next }
            })
        })
        .await
    }

    async fn replace_sealed(&self, record: &SealedRecord, sealed: &[u8]) -> Result<bool> {
        let key = (record.tenant.clone(), record.of.clone());
        self.write(Call::ReplaceSealed, sort(&key), |stores, _| {
            with_all(stores, |mut all| match all.get_mut(&key) {
                Some(stored) if **stored == record.sealed => {
                    **stored = sealed.to_vec();
                    true
                }
                _ => false,
            })
        })
        .await
    }
}
