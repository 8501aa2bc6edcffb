//! Records as a former release stored them. The other fakes do not know which these are, but for the list of jobs.

use std::collections::BTreeSet;

use domain::{JobRef, KeyId, TenantId, job::Job};
use hub::{
    keyed_hash::ApiKeyHash,
    page::Page,
    ports::{FormerRecord, FormerRecords, FormerStore, Result},
};

use super::{job_items::StoredJobs, keys::Partition, stores::Stores, tenants::StoredTenants, world::World};
use crate::call::Call;

/// Which tenants and jobs a former release stored. An API key shows it by itself: it has no id.
#[derive(Default)]
pub(super) struct FormerOnes {
    tenants: BTreeSet<TenantId>,
    pub(super) jobs: BTreeSet<JobRef>,
}

impl World {
    /// Has a tenant be one that a former release stored.
    pub fn store_as_former_tenant(&self, tenant: &TenantId) {
        self.stores(|stores, _| stores.part::<FormerOnes>().tenants.insert(tenant.clone()));
    }

    /// Has a job be one that a former release stored.
    pub fn store_as_former_job(&self, job: &Job) {
        self.stores(|stores, _| stores.part::<FormerOnes>().jobs.insert(job.reference()));
    }
}

/// All records of a store by their keys, with what those are that a former release stored.
fn all(stores: &mut Stores, store: FormerStore) -> Vec<(String, Option<FormerRecord>)> {
    let former = std::mem::take(stores.part::<FormerOnes>());
    let listed = match store {
        FormerStore::Tenants => {
            let StoredTenants { keys, tenants } = stores.part();
            let keys = keys.values().map(|key| {
                let former =
                    key.record.id.is_none().then(|| FormerRecord::ApiKey(key.record.tenant.clone(), key.hash.clone()));
                (format!("KEY#{}", key.hash.as_str()), former)
            });
            let tenants = tenants.keys().map(|id| {
                let is_former = former.tenants.contains(id);
                (format!("TENANT#{id}"), is_former.then(|| FormerRecord::Tenant(id.clone())))
            });
            keys.chain(tenants).collect()
        }
        FormerStore::Jobs => {
            let jobs = stores.part::<StoredJobs>().jobs.keys();
            let record = |job: &JobRef| former.jobs.contains(job).then(|| FormerRecord::Job(job.clone()));
            jobs.map(|job| (job.to_string(), record(job))).collect()
        }
    };
    *stores.part() = former;
    listed
}

fn migrate_key(tenants: &mut StoredTenants, hash: &ApiKeyHash, id: &KeyId) -> bool {
    let stored = tenants.keys.get_mut(hash.as_str()).filter(|key| key.record.id.is_none());
    stored.map(|key| key.record.id = Some(id.clone())).is_some()
}

impl FormerRecords for World {
    async fn former_records(
        &self,
        store: FormerStore,
        after: Option<&str>,
        limit: u16,
    ) -> Result<Page<FormerRecord, String>> {
        self.call(Call::FormerRecords, |stores, _| {
            let mut rest = all(stores, store);
            rest.sort_by(|one, other| one.0.cmp(&other.0));
            rest.retain(|(key, _)| after.is_none_or(|after| key.as_str() > after));
            let has_more = rest.len() > usize::from(limit);
            rest.truncate(limit.into());
            let next = rest.last().filter(|_| has_more).map(|(key, _)| key.clone());
            Page { items: rest.into_iter().filter_map(|(_, record)| record).collect(), next }
        })
        .await
    }

    async fn migrate(&self, record: &FormerRecord, key: &KeyId) -> Result<bool> {
        match record {
            FormerRecord::Tenant(id) => {
                let item = Partition::Tenant(id.clone()).item("TENANT");
                self.write(Call::Migrate, item, |stores, _| stores.part::<FormerOnes>().tenants.remove(id)).await
            }
            FormerRecord::ApiKey(_, hash) => {
                let items = [Partition::ApiKey(hash.as_str().to_owned()).item("KEY")];
                self.transact(Call::Migrate, &items, 1, |stores, _| migrate_key(stores.part(), hash, key)).await
            }
            FormerRecord::Job(job) => {
                let item = super::keys::Item::job(job);
                self.write(Call::Migrate, item, |stores, _| stores.part::<FormerOnes>().jobs.remove(job)).await
            }
        }
    }
}
