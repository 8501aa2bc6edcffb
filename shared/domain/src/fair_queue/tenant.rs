//! Tenant flows: where tenants share an app, a tenant has as many turns with one account as with a hundred.
//!
//! Each tenant's jobs of a lane are a flow with a tag of its own, as if they were those of one account. Within it the
//! tenant's accounts take turns: a job moves its account on by as many strides as the tenant has accounts in the queue,
//! and never beyond the tenant's tag.

use std::collections::BTreeSet;

use super::tags::{LEAD, next_tag};
use crate::{AccountRef, TenantId, id::last_digits};

/// A tenant, as far as a fair queue tells them apart: two may, by chance, be taken for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantMark(u32);

impl TenantMark {
    /// That of the tenant.
    pub fn of(tenant: &TenantId) -> Self {
        Self(last_digits(tenant.as_str(), 8))
    }

    /// The mark with this number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    pub const fn number(self) -> u32 {
        self.0
    }
}

/// Into how many slots accounts are told apart, to count them in little space: some hundred are counted well, more as
/// about 700.
const SLOTS: u8 = 128;

/// How far a tenant may be ahead of the virtual time and still count as below its share: as far as four accounts, since
/// the jobs of several come in heaps.
const TENANT_LEAD: u64 = 4 * LEAD;

/// The slot of an account: two of a tenant may, by chance, have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u8);

impl Slot {
    /// That of the account.
    pub fn of(account: &AccountRef) -> Self {
        let [.., last] = last_digits(account.user.as_str(), 2).to_be_bytes();
        Self(last % SLOTS)
    }

    /// The slot with this number, below 128.
    pub const fn from_number(number: u8) -> Option<Self> {
        if number < SLOTS { Some(Self(number)) } else { None }
    }

    /// From 0.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// A tenant's flow in a lane of an app's fair queue.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TenantFlow {
    /// The tag of the tenant's last job.
    pub tag: u64,
    /// Once this tag runs, all have run that waited when `current` began.
    pub until: u64,
    /// The accounts that took tags since.
    pub current: BTreeSet<Slot>,
    /// Those that took tags before, some of which may still wait.
    pub previous: BTreeSet<Slot>,
}

impl TenantFlow {
    /// The flow after an account took a tag.
    #[must_use]
    pub fn taken(&self, slot: Slot, stride: u64, virtual_time: u64) -> Self {
        let tag = next_tag(self.tag, stride, virtual_time);
        let own = BTreeSet::from([slot]);
        if self.tag < virtual_time {
            // Nobody waits.
            Self { tag, until: tag, current: own, previous: BTreeSet::new() }
        } else if self.until <= virtual_time {
            Self { tag, until: tag, current: own, previous: self.current.clone() }
        } else {
            Self { tag, current: &self.current | &own, ..self.clone() }
        }
    }

    /// The flow after a tag was given back, if no other was taken since.
    #[must_use]
    pub fn returned(&self, tag: u64, stride: u64) -> Self {
        let last = if self.tag == tag { tag.saturating_sub(stride) } else { self.tag };
        Self { tag: last, ..self.clone() }
    }

    /// About how many accounts take turns, at least one: as many as are expected to fill so many slots.
    pub fn accounts(&self) -> u64 {
        let filled = (&self.current | &self.previous).len() as u64;
        let slots = u64::from(SLOTS);
        let thousandths: u64 = (0..filled.min(slots)).map(|taken| 1000 * slots / (slots - taken)).sum();
        (thousandths / 1000).max(1)
    }

    /// Whether the tenant, once it took this tag, still has had no more than its share.
    pub fn is_under_share(&self, virtual_time: u64) -> bool {
        self.tag <= virtual_time.saturating_add(TENANT_LEAD)
    }
}

#[cfg(test)]
mod tests;
