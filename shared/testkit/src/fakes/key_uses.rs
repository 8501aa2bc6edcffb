//! The days on which API keys were last used.

use std::collections::BTreeMap;

use domain::{Day, KeyId, TenantId};
use hub::ports::{KeyUses, Result};

use super::{keys::Partition, world::World};
use crate::call::Call;

#[derive(Default)]
struct LastUses(BTreeMap<(TenantId, KeyId), Day>);

impl LastUses {
    fn note(&mut self, tenant: &TenantId, key: &KeyId, day: Day) {
        let last = self.0.entry((tenant.clone(), key.clone())).or_insert(day);
        *last = day.max(*last);
    }

    fn of(&self, tenant: &TenantId) -> BTreeMap<KeyId, Day> {
        let uses = self.0.iter().filter(|((of, _), _)| of == tenant);
        uses.map(|((_, key), day)| (key.clone(), *day)).collect()
    }
}

impl KeyUses for World {
    async fn note_key_use(&self, tenant: &TenantId, key: &KeyId, day: Day) -> Result<()> {
        let item = Partition::KeyUses(tenant.clone()).item(key.as_str());
        self.write(Call::NoteKeyUse, item, |stores, _| stores.part::<LastUses>().note(tenant, key, day)).await
    }

    async fn key_uses(&self, tenant: &TenantId) -> Result<BTreeMap<KeyId, Day>> {
        let partition = Partition::KeyUses(tenant.clone());
        self.read(Call::KeyUses, [partition], |stores, _| stores.part::<LastUses>().of(tenant)).await
    }
}
