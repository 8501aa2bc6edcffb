//! The list of dead jobs, and messages that cannot be read.

use std::collections::BTreeMap;

use domain::{
    JobId, TenantId, Timestamp,
    job::{DeadList, Job, Phase, dead_list_cursor},
};
use hub::ports::{DeadJobs, ListedDeadJob, Result};

use super::world::World;
use crate::call::Call;

/// The dead jobs, by tenant and cursor.
#[derive(Default)]
pub(super) struct ListedDeadJobs(BTreeMap<(TenantId, String), JobId>);

impl ListedDeadJobs {
    pub(super) fn apply(&mut self, job: &Job, change: &DeadList) {
        match change {
            DeadList::Same => {}
            DeadList::Entered(cursor) => {
                self.0.insert((job.tenant().clone(), cursor.clone()), job.id.clone());
            }
            DeadList::Left(cursor) => {
                self.remove(job, cursor);
            }
        }
    }

    fn remove(&mut self, job: &Job, cursor: &str) -> bool {
        self.0.remove(&(job.tenant().clone(), cursor.to_owned())).is_some()
    }

    fn page(&self, tenant: &TenantId, cursor: Option<&str>, limit: u16) -> Vec<ListedDeadJob> {
        let of_tenant = self.0.iter().filter(|((owner, _), _)| owner == tenant);
        let rest = of_tenant.filter(|((_, at), _)| cursor.is_none_or(|cursor| at.as_str() > cursor));
        let listed = rest.map(|((_, cursor), id)| ListedDeadJob { id: id.clone(), cursor: cursor.clone() });
        listed.take(limit.into()).collect()
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
    async fn dead_jobs(&self, tenant: &TenantId, cursor: Option<&str>, limit: u16) -> Result<Vec<ListedDeadJob>> {
        self.call(Call::DeadJobs, |stores, _| stores.part::<ListedDeadJobs>().page(tenant, cursor, limit)).await
    }

    async fn discard_dead_job(&self, job: &Job) -> Result<bool> {
        self.call(Call::DiscardDeadJob, |stores, _| match &job.state.phase {
            Phase::Dead { at, .. } => stores.part::<ListedDeadJobs>().remove(job, &dead_list_cursor(*at, &job.id)),
            _ => false,
        })
        .await
    }

    async fn quarantine(&self, message_id: &str, body: &str, _: Timestamp) -> Result<()> {
        self.call(Call::Quarantine, |stores, _| {
            stores.part::<Quarantined>().0.insert(message_id.to_owned(), body.to_owned());
        })
        .await
    }
}
