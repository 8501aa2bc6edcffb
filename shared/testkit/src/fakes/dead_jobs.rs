//! The list of dead jobs, and messages that cannot be read.

use std::collections::BTreeMap;

use domain::{
    TenantId, Timestamp,
    job::{DeadJob, DeadList, Job, dead_list_cursor},
};
use hub::ports::{DeadJobs, ListedDeadJob, Result};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

/// The dead jobs, by tenant and cursor.
#[derive(Default)]
pub(super) struct ListedDeadJobs(BTreeMap<(TenantId, String), DeadJob>);

impl ListedDeadJobs {
    pub(super) fn apply(&mut self, job: &Job, change: &DeadList) {
        match change {
            DeadList::Same => {}
            DeadList::Entered(dead) => {
                self.0.insert((job.tenant().clone(), dead.cursor()), (**dead).clone());
            }
            DeadList::Left(cursor) => {
                self.remove(job, cursor);
            }
        }
    }

    fn remove(&mut self, job: &Job, cursor: &str) -> bool {
        self.0.remove(&(job.tenant().clone(), cursor.to_owned())).is_some()
    }

    fn page(&self, tenant: &TenantId, after: &str, limit: u16) -> Vec<ListedDeadJob> {
        let rest = self.0.iter().filter(|((owner, cursor), _)| owner == tenant && cursor.as_str() > after);
        let listed = rest.map(|((_, cursor), job)| ListedDeadJob { cursor: cursor.clone(), job: Some(job.clone()) });
        listed.take(limit.into()).collect()
    }
}

/// The entry of a dead job.
fn entry(tenant: &TenantId, cursor: &str) -> Item {
    Partition::DeadJobs(tenant.clone()).item(cursor)
}

/// The item of the list that a change of it writes, if it changes anything.
pub(super) fn written(tenant: &TenantId, change: &DeadList) -> Option<Item> {
    match change {
        DeadList::Same => None,
        DeadList::Entered(dead) => Some(entry(tenant, &dead.cursor())),
        DeadList::Left(cursor) => Some(entry(tenant, cursor)),
    }
}

/// The bodies of messages that cannot be read, by message id.
#[derive(Default)]
struct Quarantined(BTreeMap<String, String>);

impl World {
    /// What was quarantined, by message id.
    pub fn quarantined(&self) -> BTreeMap<String, String> {
        self.stores(|stores, _| stores.part::<Quarantined>().0.clone())
    }
}

impl DeadJobs for World {
    async fn dead_jobs(&self, tenant: &TenantId, after: &str, limit: u16) -> Result<Vec<ListedDeadJob>> {
        self.read(Call::DeadJobs, [Partition::DeadJobs(tenant.clone())], |stores, _| {
            stores.part::<ListedDeadJobs>().page(tenant, after, limit)
        })
        .await
    }

    async fn discard_dead_job(&self, job: &Job) -> Result<bool> {
        let Some(cursor) = dead_list_cursor(&job.state, &job.id) else {
            return self.call(Call::DiscardDeadJob, |_, _| false).await;
        };
        let item = entry(job.tenant(), &cursor);
        self.write(Call::DiscardDeadJob, item, |stores, _| stores.part::<ListedDeadJobs>().remove(job, &cursor)).await
    }

    async fn quarantine(&self, message_id: &str, body: &str, _: Timestamp) -> Result<()> {
        self.write(Call::Quarantine, Partition::Quarantine.item(message_id), |stores, _| {
            stores.part::<Quarantined>().0.insert(message_id.to_owned(), body.to_owned());
        })
        .await
    }
}
