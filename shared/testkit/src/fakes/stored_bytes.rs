//! How many bytes of files each tenant has stored, by the day on which their uploads were made.

use std::collections::BTreeMap;

use domain::{Day, TenantId};
use hub::ports::{Result, StoredBytes};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
struct ByteCounts(BTreeMap<(TenantId, Day), u64>);

fn item(tenant: &TenantId, day: Day) -> Item {
    Partition::StoredBytes(tenant.clone()).item(day.to_string())
}

impl StoredBytes for World {
    async fn count_bytes(&self, tenant: &TenantId, day: Day, bytes: u64, most: u64) -> Result<bool> {
        self.write(Call::CountBytes, item(tenant, day), |stores, _| {
            let count = stores.part::<ByteCounts>().0.entry((tenant.clone(), day)).or_default();
            let fits = count.checked_add(bytes).is_some_and(|sum| sum <= most);
            if fits {
                *count += bytes;
            }
            fits
        })
        .await
    }

    async fn discount_bytes(&self, tenant: &TenantId, day: Day, bytes: u64) -> Result<()> {
        self.write(Call::DiscountBytes, item(tenant, day), |stores, _| {
            if let Some(count) = stores.part::<ByteCounts>().0.get_mut(&(tenant.clone(), day)) {
                *count = count.checked_sub(bytes).unwrap_or(*count);
            }
        })
        .await
    }

    async fn stored_bytes(&self, tenant: &TenantId, from: Day) -> Result<BTreeMap<Day, u64>> {
        self.read(Call::StoredBytes, [Partition::StoredBytes(tenant.clone())], |stores, _| {
            let counts = stores.part::<ByteCounts>().0.iter();
            let counts = counts.filter(|((of, day), bytes)| of == tenant && *day >= from && **bytes > 0);
            counts.map(|((_, day), bytes)| (*day, *bytes)).collect()
        })
        .await
    }
}
