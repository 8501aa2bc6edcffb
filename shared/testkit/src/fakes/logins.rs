//! Pending logins.

use std::collections::BTreeMap;

use domain::{
    TenantId, Timestamp,
    login::{Digested, Mode, PendingLogin},
};
use hub::ports::{Logins, Result, SealedLogin};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
pub(super) struct StoredLogins(BTreeMap<(TenantId, String), SealedLogin>);

impl StoredLogins {
    pub(super) fn secrets(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.0.values().map(|sealed| &sealed.sealed_secret)
    }

    fn take(&mut self, key: &(TenantId, String), state: Option<&Digested>, now: Timestamp) -> Option<SealedLogin> {
        let PendingLogin { state_digest, mode, expires_at, .. } = &self.0.get(key)?.login;
        let fits = state.map_or(*mode == Mode::Oob, |state| state == state_digest) && *expires_at > now;
        if fits { self.0.remove(key) } else { None }
    }
}

fn key(tenant: &TenantId, token: &Digested) -> (TenantId, String) {
    (tenant.clone(), token.as_str().to_owned())
}

fn item((tenant, token): &(TenantId, String)) -> Item {
    Partition::Logins(tenant.clone()).item(format!("LOGIN#{token}"))
}

impl Logins for World {
    async fn save_login(&self, login: &SealedLogin) -> Result<()> {
        let key = key(&login.login.tenant, &login.login.token_digest);
        self.write(Call::SaveLogin, item(&key), |stores, _| {
            stores.part::<StoredLogins>().0.insert(key, login.clone());
        })
        .await
    }

    async fn login(&self, tenant: &TenantId, token: &Digested) -> Result<Option<PendingLogin>> {
        let key = key(tenant, token);
        self.read(Call::Login, [Partition::Logins(tenant.clone())], |stores, _| {
            stores.part::<StoredLogins>().0.get(&key).map(|sealed| sealed.login.clone())
        })
        .await
    }

    async fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
        now: Timestamp,
    ) -> Result<Option<SealedLogin>> {
        let key = key(tenant, token);
        self.write(Call::TakeLogin, item(&key), |stores, _| stores.part::<StoredLogins>().take(&key, state, now)).await
    }
}
