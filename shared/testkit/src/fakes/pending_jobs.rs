//! How many jobs of each account are pending, by the day on which their runs could first start.

use std::collections::BTreeMap;

use domain::{AccountRef, Day};
use hub::ports::{PendingJobs, Result};

use super::{
    keys::{Item, Partition},
    world::World,
};
use crate::call::Call;

#[derive(Default)]
pub(super) struct PendingCounts(pub(super) BTreeMap<(AccountRef, Day), u32>);

impl PendingCounts {
    pub(super) fn of(&self, account: &AccountRef, day: Day) -> u32 {
        self.0.get(&(account.clone(), day)).copied().unwrap_or_default()
    }

    fn of_account(&self, account: &AccountRef, from: Day) -> BTreeMap<Day, u32> {
        let counts = self.0.iter().filter(|((of, day), _)| of == account && *day >= from);
        counts.map(|((_, day), count)| (*day, *count)).collect()
    }
}

fn item(account: &AccountRef, day: Day) -> Item {
    Partition::Account(account.clone()).item(format!("PENDING#{day}"))
}

impl PendingJobs for World {
    async fn count_pending(&self, account: &AccountRef, day: Day, most: u32) -> Result<bool> {
        self.write(Call::CountPending, item(account, day), |stores, _| {
            let counts = stores.part::<PendingCounts>();
            let count = counts.of(account, day);
            if count < most {
                counts.0.insert((account.clone(), day), count + 1);
            }
            count < most
        })
        .await
    }

    async fn discount_pending(&self, account: &AccountRef, day: Day) -> Result<()> {
        self.write(Call::DiscountPending, item(account, day), |stores, _| {
            if let Some(count) = stores.part::<PendingCounts>().0.get_mut(&(account.clone(), day)) {
                *count = count.saturating_sub(1);
            }
        })
        .await
    }

    async fn pending_jobs(&self, account: &AccountRef, from: Day) -> Result<BTreeMap<Day, u32>> {
        let partition = Partition::Account(account.clone());
        self.read(Call::PendingJobs, [partition], |stores, _| stores.part::<PendingCounts>().of_account(account, from))
            .await
    }
}
