//! How many jobs of each tenant were accepted.

use std::collections::BTreeMap;

use domain::{
    Day, TenantId, Timestamp,
    tenant::{JobCounts as Counts, JobQuotas, ViolatedQuota, hour_of_day},
};
use hub::ports::{JobCounts, Result};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

/// By tenant and day: those of each hour.
#[derive(Default)]
struct AcceptedJobs(BTreeMap<(TenantId, Day), BTreeMap<i64, u32>>);

impl AcceptedJobs {
    fn hours(&mut self, tenant: &TenantId, at: Timestamp) -> &mut BTreeMap<i64, u32> {
        self.0.entry((tenant.clone(), Day::of(at))).or_default()
    }

    fn counts(&mut self, tenant: &TenantId, at: Timestamp) -> Counts {
        let hours = self.hours(tenant, at);
        Counts { of_hour: hours.get(&hour_of_day(at)).copied().unwrap_or_default(), of_day: hours.values().sum() }
    }

    fn count(&mut self, tenant: &TenantId, quotas: &JobQuotas, now: Timestamp) -> Option<ViolatedQuota> {
        let violated = quotas.violated(self.counts(tenant, now));
        if violated.is_none() {
            *self.hours(tenant, now).entry(hour_of_day(now)).or_default() += 1;
        }
        violated
    }

    fn discount(&mut self, tenant: &TenantId, at: Timestamp) {
        if let Some(count) = self.hours(tenant, at).get_mut(&hour_of_day(at)) {
            *count = count.saturating_sub(1);
        }
    }
}

fn item(tenant: &TenantId, at: Timestamp) -> Item {
    Partition::JobCounts(tenant.clone()).item(Day::of(at).to_string())
}

impl JobCounts for World {
    async fn count_job(&self, tenant: &TenantId, quotas: &JobQuotas, now: Timestamp) -> Result<Option<ViolatedQuota>> {
        self.write(Call::CountJob, item(tenant, now), |stores, _| {
            stores.part::<AcceptedJobs>().count(tenant, quotas, now)
        })
        .await
    }

    async fn job_counts(&self, tenant: &TenantId, now: Timestamp) -> Result<Counts> {
        let partition = Partition::JobCounts(tenant.clone());
        self.read(Call::JobCounts, [partition], |stores, _| stores.part::<AcceptedJobs>().counts(tenant, now)).await
    }

    async fn discount_job(&self, tenant: &TenantId, at: Timestamp) -> Result<()> {
        self.write(Call::DiscountJob, item(tenant, at), |stores, _| stores.part::<AcceptedJobs>().discount(tenant, at))
            .await
    }
}
