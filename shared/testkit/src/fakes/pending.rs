//! How many jobs of each account are pending: what jobs count, and fair queues read.

use std::collections::BTreeMap;

use domain::{AccountRef, job::PendingCount};

#[derive(Default)]
pub(super) struct PendingCounts(pub(super) BTreeMap<AccountRef, u32>);

impl PendingCounts {
    pub(super) fn of(&self, account: &AccountRef) -> u32 {
        self.0.get(account).copied().unwrap_or_default()
    }

    pub(super) fn apply(&mut self, account: &AccountRef, change: PendingCount) {
        let count = match change {
            PendingCount::Same => return,
            PendingCount::Up => self.of(account) + 1,
            PendingCount::Down => self.of(account).saturating_sub(1),
        };
        self.0.insert(account.clone(), count);
    }
}
