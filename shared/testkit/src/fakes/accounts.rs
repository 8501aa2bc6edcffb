//! Connected Flickr accounts.

use std::collections::BTreeMap;

use domain::{
    AccountRef, TenantId, Timestamp, UserId,
    account::{Account, Status},
    budget::Circuit,
};
use hub::ports::{Accounts, Result, SealedAccount};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
pub(super) struct StoredAccounts(BTreeMap<AccountRef, SealedAccount>);

impl StoredAccounts {
    pub(super) fn get(&self, account: &AccountRef) -> Option<SealedAccount> {
        self.0.get(account).cloned()
    }

    pub(super) fn secrets(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.values().map(|sealed| &sealed.sealed_token)
    }

    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = (&AccountRef, &mut Vec<u8>)> {
        self.0.iter_mut().map(|(account, sealed)| (account, &mut sealed.sealed_token))
    }

    fn save(&mut self, sealed: &SealedAccount) {
        self.0.insert(AccountRef::new(&sealed.account.tenant, &sealed.account.user), sealed.clone());
    }

    fn page(&self, tenant: &TenantId, after: Option<&UserId>, limit: u16) -> Vec<Account> {
        let of_tenant = self.0.values().map(|sealed| &sealed.account).filter(|account| account.tenant == *tenant);
        let rest = of_tenant.filter(|account| after.is_none_or(|after| account.user > *after));
        rest.take(limit.into()).cloned().collect()
    }

    fn mark(&mut self, account: &AccountRef, connected_at: Timestamp) {
        let stored = self.0.get_mut(account).filter(|sealed| sealed.account.connected_at == connected_at);
        if let Some(sealed) = stored {
            sealed.account.status = Status::ReconnectNeeded;
        }
    }
}

fn partition(tenant: &TenantId) -> [Partition; 1] {
    [Partition::Tenant(tenant.clone())]
}

fn item(account: &AccountRef) -> Item {
    Partition::Tenant(account.tenant.clone()).item(format!("ACCOUNT#{}", account.user))
}

impl Accounts for World {
    async fn save_account(&self, account: &SealedAccount) -> Result<()> {
        let of = AccountRef::new(&account.account.tenant, &account.account.user);
        self.write(Call::SaveAccount, item(&of), |stores, _| stores.part::<StoredAccounts>().save(account)).await
    }

    async fn add_account(&self, account: &SealedAccount) -> Result<bool> {
        let of = AccountRef::new(&account.account.tenant, &account.account.user);
        self.write(Call::AddAccount, item(&of), |stores, _| {
            let stored = stores.part::<StoredAccounts>();
            let is_new = stored.get(&of).is_none();
            if is_new {
                stored.save(account);
            }
            is_new
        })
        .await
    }

    async fn account(&self, account: &AccountRef) -> Result<Option<SealedAccount>> {
        self.read(Call::Account, partition(&account.tenant), |stores, _| stores.part::<StoredAccounts>().get(account))
            .await
    }

    async fn accounts(&self, tenant: &TenantId, after: Option<&UserId>, limit: u16) -> Result<Vec<Account>> {
        self.read(Call::Accounts, partition(tenant), |stores, _| {
            stores.part::<StoredAccounts>().page(tenant, after, limit)
        })
        .await
    }

    async fn remove_account(&self, account: &AccountRef) -> Result<bool> {
        self.write(Call::RemoveAccount, item(account), |stores, _| {
            stores.part::<StoredAccounts>().0.remove(account).is_some()
        })
        .await
    }

    async fn mark_reconnect_needed(&self, account: &AccountRef, connected_at: Timestamp) -> Result<()> {
        self.write(Call::MarkReconnectNeeded, item(account), |stores, _| {
            stores.part::<StoredAccounts>().mark(account, connected_at)
        })
        .await
    }

    async fn set_circuit(&self, account: &AccountRef, seen: &Circuit, circuit: &Circuit) -> Result<bool> {
        self.write(Call::SetCircuit, item(account), |stores, _| {
            let stored = stores.part::<StoredAccounts>().0.get_mut(account);
            match stored.filter(|sealed| sealed.circuit == *seen) {
                Some(sealed) => {
                    sealed.circuit = circuit.clone();
                    true
                }
                None => false,
            }
        })
        .await
    }
}
