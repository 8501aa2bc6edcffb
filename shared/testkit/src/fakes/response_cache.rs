//! The response cache.

use std::collections::BTreeMap;

use domain::{
    AccountRef, Day, TenantId, Timestamp, UserId,
    cache::{CacheEntry, CacheGenerations, CacheKey, CacheStats, Invalidation},
    call::MethodName,
};
use hub::ports::{CacheView, NewCacheEntry, ResponseCache, Result, SealedAccount};

use super::{
    accounts::StoredAccounts,
    keys::{Item, Partition},
    stores::Stores,
    world::World,
};
use crate::{call::Call, mutation::Mutation};

#[derive(Default)]
struct StoredGenerations(BTreeMap<AccountRef, CacheGenerations>);

#[derive(Default)]
struct StoredEntries(BTreeMap<(AccountRef, CacheKey), CacheEntry>);

#[derive(Default)]
struct StoredStats(BTreeMap<(TenantId, Day, MethodName), CacheStats>);

/// Invalidates cached answers of an account.
fn invalidate(stores: &mut Stores, account: &AccountRef, invalidation: &Invalidation) {
    if stores.breaks(Mutation::NothingInvalidated) {
        return;
    }
    let generations = stores.part::<StoredGenerations>().0.entry(account.clone()).or_default();
    *generations = std::mem::take(generations).after(invalidation);
}

/// Where the entry of an account and a key lies.
fn place(stores: &Stores, account: &AccountRef, key: &CacheKey) -> (AccountRef, CacheKey) {
    let anyone = || AccountRef::new(&account.tenant, &UserId::from_bytes([0; 16]));
    let account = if stores.breaks(Mutation::AnswersOfAnyone) { anyone() } else { account.clone() };
    (account, key.clone())
}

fn look_up(
    stores: &mut Stores,
    account: &AccountRef,
    key: &CacheKey,
    now: Timestamp,
) -> (Option<SealedAccount>, CacheView) {
    let (place, never_old) = (place(stores, account, key), stores.breaks(Mutation::NothingExpires));
    let entry = stores.part::<StoredEntries>().0.get(&place).cloned();
    let entry = entry.map(|entry| if never_old { CacheEntry { as_of: now, ..entry } } else { entry });
    let generations = stores.part::<StoredGenerations>().0.get(account).cloned().unwrap_or_default();
    (stores.part::<StoredAccounts>().get(account), CacheView { generations, entry })
}

fn set_entry(stores: &mut Stores, new: NewCacheEntry<'_>) -> bool {
    let (place, never_old) = (place(stores, new.account, new.key), stores.breaks(Mutation::NothingExpires));
    let entries = &mut stores.part::<StoredEntries>().0;
    let stored = entries.get(&place);
    if stored != new.seen && stored != Some(new.entry) && !never_old {
        return false;
    }
    entries.insert(place, new.entry.clone());
    true
}

impl ResponseCache for World {
    async fn look_up(&self, account: &AccountRef, key: &CacheKey) -> Result<(Option<SealedAccount>, CacheView)> {
        let tenant = Partition::Tenant(account.tenant.clone());
        let partitions = [tenant, Partition::Account(account.clone()), Partition::CacheEntries(account.clone())];
        self.read(Call::LookUp, partitions, |stores, now| look_up(stores, account, key, now)).await
    }

    async fn set_entry(&self, new: NewCacheEntry<'_>) -> Result<bool> {
        let item = Partition::CacheEntries(new.account.clone()).item(new.key.as_str());
        self.write(Call::SetEntry, item, |stores, _| set_entry(stores, new)).await
    }

    async fn invalidate(&self, account: &AccountRef, invalidation: &Invalidation) -> Result<()> {
        self.write(Call::Invalidate, Item::account(account), |stores, _| invalidate(stores, account, invalidation))
            .await
    }

    async fn record_stats(&self, tenant: &TenantId, day: &Day, method: &MethodName, stats: &CacheStats) -> Result<()> {
        let item = Partition::CacheStats(tenant.clone()).item(format!("{day}#{method}"));
        self.write(Call::RecordStats, item, |stores, _| {
            let key = (tenant.clone(), *day, method.clone());
            *stores.part::<StoredStats>().0.entry(key).or_default() += *stats;
        })
        .await
    }

    async fn stats(&self, tenant: &TenantId, from: &Day) -> Result<Vec<(MethodName, CacheStats)>> {
        self.read(Call::Stats, [Partition::CacheStats(tenant.clone())], |stores, _| {
            let all = stores.part::<StoredStats>().0.iter();
            let wanted = all.filter(|((owner, day, _), _)| owner == tenant && day >= from);
            wanted.map(|((_, _, method), stats)| (method.clone(), *stats)).collect()
        })
        .await
    }
}
