//! A fair queue: where it stands, when a job will run, and what of the budget it may have.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{bucket::Bucket, tenant::TenantMark};
use crate::{TenantId, Timestamp, budget::BudgetStatus};

/// How far ahead a queue is dispatched: twice the time between two sweeps, so that one that is late leaves no gap.
pub const HORIZON: Duration = Duration::from_secs(120);

/// The time between two sweeps: they begin with each minute of the clock.
pub const SWEEP_INTERVAL: Duration = Duration::from_secs(60);

/// For less than this no calls are reserved: the next sweep reserves them with its own.
const LEAST_WINDOW: Duration = Duration::from_secs(30);

/// How long a job may take from when it is counted in a queue to when it is seen to wait there: longer than any function
/// runs that has it join.
const LONGEST_JOINING: Duration = Duration::from_secs(300);

const _: () = assert!(HORIZON.as_secs() >= 2 * SWEEP_INTERVAL.as_secs());

/// An app's fair queue: where it stands, and about how many wait at which tags. The jobs themselves are the truth about
/// who waits; these counts say when each will run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FairQueue {
    /// A point of the virtual time: at that time it was that tag.
    pub anchor: (Timestamp, u64),
    /// Up to when calls are reserved, and to which tag jobs were dispatched.
    pub allocated: (Timestamp, u64),
    /// How many jobs wait.
    pub waiting: BTreeMap<Bucket, u32>,
    /// Tenants whose jobs joined it: up to two are remembered, and some more where they came at once.
    pub tenants: BTreeSet<TenantMark>,
    /// When a job last joined it, to the second.
    pub joined_at: Option<Timestamp>,
}

/// Calls that are reserved for the jobs in the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allocation {
    /// How many.
    pub calls: u32,
    /// The point of the virtual time at which they are reserved.
    pub anchor: (Timestamp, u64),
    /// When the first may be made.
    pub from: Timestamp,
    /// When all are made.
    pub until: Timestamp,
}

impl Allocation {
    /// When the call with this number, from 0, is to be made: they are spread evenly, each at the
    /// end of its part.
    pub fn slot(&self, number: u32) -> Timestamp {
        self.from + self.until.since(self.from) * (number + 1) / self.calls.max(1)
    }
}

/// What a sweep dispatched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DispatchedBatch {
    /// The highest tag it dispatched.
    pub tag: u64,
    /// How many jobs it dispatched, by where they are counted.
    pub dispatched: BTreeMap<Bucket, u32>,
    /// Buckets in which nobody waits any more.
    pub emptied: Vec<Bucket>,
}

/// The calls of the burst that are reserved for accounts below their share.
pub fn reserved_calls(status: &BudgetStatus) -> u32 {
    status.burst_calls / 3 * 2
}

impl FairQueue {
    /// A queue that begins. Its virtual time is ahead of any that began in an earlier hour: no queue runs through as many
    /// tags in an hour as that has milliseconds. And it stands still: an account that asks again and again, before anyone
    /// waits, is no newcomer each time.
    pub fn new(now: Timestamp) -> Self {
        const HOUR: u64 = 3_600_000;
        let tag = u64::try_from(now.as_milliseconds()).unwrap_or_default() / HOUR * HOUR;
        Self {
            anchor: (now, tag),
            allocated: (now, tag),
            waiting: BTreeMap::new(),
            tenants: BTreeSet::new(),
            joined_at: None,
        }
    }

    /// The tag that is running at `now`.
    pub fn virtual_time(&self, now: Timestamp) -> u64 {
        let ((from, first), (until, last)) = (self.anchor, self.allocated);
        let length = u64::try_from(until.since(from).as_millis()).unwrap_or(u64::MAX);
        let passed = u64::try_from(now.since(from).as_millis()).unwrap_or(u64::MAX).min(length);
        let tags = u128::from(last.saturating_sub(first)) * u128::from(passed) / u128::from(length.max(1));
        if passed == length { first.max(last) } else { first + u64::try_from(tags).unwrap_or(u64::MAX) }
    }

    /// Whether jobs of several tenants joined it. Until then all take turns by account alone: so all count alike.
    pub fn is_shared(&self) -> bool {
        self.tenants.len() > 1
    }

    /// The tenant's mark, if the queue is to remember it.
    pub fn newcomer(&self, tenant: &TenantId) -> Option<TenantMark> {
        let mark = TenantMark::of(tenant);
        (self.tenants.len() < 2 && !self.tenants.contains(&mark)).then_some(mark)
    }

    /// Whether nobody waits, and nobody who joined can still be on the way.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.waiting.is_empty() && self.joined_at.is_none_or(|at| now.since(at) > LONGEST_JOINING)
    }

    /// How many jobs wait.
    pub fn waiting_jobs(&self) -> u64 {
        self.waiting.values().copied().map(u64::from).sum()
    }

    /// Whether a new job has to look at the queue: someone waits, or no more is left of the budget than what is
    /// reserved, or its circuit is not closed.
    pub fn is_needed(&self, status: &BudgetStatus) -> bool {
        !self.waiting.is_empty() || !status.is_closed() || status.remaining_calls <= reserved_calls(status)
    }

    /// How many of the waiting jobs run before a job with `tag` that joins now.
    pub fn ahead(&self, tag: u64) -> u64 {
        let counted = self.waiting.iter().map(|(bucket, count)| {
            // Those who joined wide buckets are spread in them; those of a narrow one came before.
            let (begin, end) = (bucket.begin().max(self.allocated.1.min(bucket.end() - 1)), bucket.end());
            let below = (tag + 1).clamp(begin, end) - begin;
            u64::from(*count) * below / (end - begin)
        });
        counted.sum()
    }

    /// When the job that has so many others ahead will about run: as sweeps will reserve calls.
    pub fn expected(&self, ahead: u64, status: &BudgetStatus, now: Timestamp) -> Timestamp {
        let resumes = status.open_until.unwrap_or(now).max(now);
        let (mut begin, mut window) = if self.allocated.0 > resumes {
            (self.allocated.0, SWEEP_INTERVAL)
        } else {
            (next_sweep(resumes), HORIZON)
        };
        let mut level = self.level_at(begin, status, now);
        let mut position = u32::try_from(ahead).unwrap_or(u32::MAX).saturating_add(1);
        loop {
            let calls = share(level, window, status);
            if position <= calls {
                return begin + window * position / calls;
            }
            if level == reserved_calls(status) {
                return begin + status.interval().saturating_mul(position);
            }
            position -= calls;
            let left = level.saturating_add(status.calls_in(window)).saturating_sub(calls);
            // Calls that come to nothing would come to nothing for ever.
            level = if left == level { reserved_calls(status) } else { left };
            begin = begin + window;
            window = SWEEP_INTERVAL;
        }
    }

    /// When a job that waits will about run: as was expected when it joined, within what the queue says
    /// now.
    pub fn expected_of(&self, tag: u64, when_joined: Timestamp, status: &BudgetStatus, now: Timestamp) -> Timestamp {
        let earliest = self.expected(self.ahead(tag.saturating_sub(1)), status, now);
        let latest = self.expected(self.ahead(tag), status, now);
        when_joined.clamp(earliest, latest.max(earliest))
    }

    /// The calls that may be reserved for the queue now, up to [`HORIZON`]. Of a circuit that is half open, its probe; of an
    /// open one, none.
    pub fn allocate(&self, status: &BudgetStatus, now: Timestamp) -> Option<Allocation> {
        let until = now + HORIZON;
        let from = self.allocated.0.max(now);
        if status.open_until.is_some() || until.since(from) < LEAST_WINDOW {
            return None;
        }
        let anchor = (now, self.virtual_time(now));
        if status.half_open {
            return Some(Allocation { calls: 1, anchor, from, until: from });
        }
        let calls = share(self.level_at(from, status, now), until.since(from), status);
        (calls > 0).then_some(Allocation { calls, anchor, from, until })
    }

    /// The queue with these calls reserved.
    #[must_use]
    pub fn with_allocation(&self, allocation: &Allocation) -> Self {
        let allocated = (allocation.until, self.allocated.1);
        Self { anchor: allocation.anchor, allocated, ..self.clone() }
    }

    /// What changes when jobs with `tags`, in order, were dispatched; `all` when no other waits.
    pub fn dispatched(&self, tags: &[u64], all: bool) -> DispatchedBatch {
        let tag = tags.last().copied().unwrap_or(self.allocated.1).max(self.allocated.1);
        let mut dispatched: BTreeMap<Bucket, u32> = BTreeMap::new();
        for tag in tags {
            if let Some(bucket) = self.waiting.keys().find(|bucket| bucket.holds(*tag)) {
                *dispatched.entry(*bucket).or_default() += 1;
            }
        }
        let is_empty = |(bucket, count): &(&Bucket, &u32)| {
            let passed = tags.last().is_some_and(|last| bucket.end() <= *last);
            all || passed || dispatched.get(bucket).is_some_and(|dispatched| dispatched >= count)
        };
        let emptied: Vec<Bucket> = self.waiting.iter().filter(is_empty).map(|(bucket, _)| *bucket).collect();
        dispatched.retain(|bucket, _| !emptied.contains(bucket));
        DispatchedBatch { tag, dispatched, emptied }
    }

    /// The queue after [`FairQueue::dispatched`].
    #[must_use]
    pub fn after_dispatch(&self, batch: &DispatchedBatch) -> Self {
        let mut waiting = self.waiting.clone();
        for (bucket, count) in &batch.dispatched {
            if let Some(left) = waiting.get_mut(bucket) {
                *left = left.saturating_sub(*count);
            }
        }
        waiting.retain(|bucket, _| !batch.emptied.contains(bucket));
        Self { allocated: (self.allocated.0, batch.tag), waiting, ..self.clone() }
    }

    /// How many calls the budget will have at `from`, when what is reserved is used.
    fn level_at(&self, from: Timestamp, status: &BudgetStatus, now: Timestamp) -> u32 {
        let outstanding = status.calls_in(self.allocated.0.since(now));
        let coming = status.remaining_calls.saturating_add(status.calls_in(from.since(now)));
        coming.saturating_sub(outstanding).min(status.burst_calls)
    }
}

/// When the next sweep begins.
fn next_sweep(now: Timestamp) -> Timestamp {
    let length = i64::try_from(SWEEP_INTERVAL.as_millis()).unwrap_or(i64::MAX);
    let begun = now.as_milliseconds().div_euclid(length);
    Timestamp::from_milliseconds((begun + 1).saturating_mul(length))
}

/// What a queue may have of a budget that has `level` calls and gets more for as long as `window`:
/// what is not reserved, and, so that it never stands still, half of the rate at least, or one.
fn share(level: u32, window: Duration, status: &BudgetStatus) -> u32 {
    let all = level.saturating_add(status.calls_in(window));
    all.saturating_sub(reserved_calls(status)).max(all.min((status.calls_in(window) / 2).max(1)))
}
