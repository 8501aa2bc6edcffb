//! The index of open jobs: when to check which, by shard and time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use domain::{JobId, JobRef, TenantId, Timestamp, job::NextCheck};
use hub::ports::DueCheck;

use super::stores::Stores;

/// Where a job stands in the index.
type Place = (u8, Timestamp);

/// When to check which jobs: by job, and by shard and time.
#[derive(Default)]
pub(super) struct OpenJobs {
    by_job: BTreeMap<JobRef, Place>,
    by_time: BTreeSet<(u8, Timestamp, JobRef)>,
    partitions: Partitions,
}

/// The index's partitions, each of which takes so many writes a second.
#[derive(Default)]
struct Partitions {
    most_units: Option<u32>,
    second: i64,
    used_units: BTreeMap<u8, u32>,
    refused: u64,
}

impl Partitions {
    /// Takes a write unit of each of these shards; whether they have them.
    fn take(&mut self, shards: &[u8], now: Timestamp) -> bool {
        let Some(most) = self.most_units else { return true };
        if self.second != now.as_seconds() {
            self.second = now.as_seconds();
            self.used_units.clear();
        }
        let fits = shards.iter().all(|shard| self.used_units.get(shard).is_none_or(|used| *used < most));
        if fits {
            shards.iter().for_each(|shard| *self.used_units.entry(*shard).or_default() += 1);
        } else {
            self.refused += 1;
        }
        fits
    }
}

impl OpenJobs {
    /// The partitions take so many write units a second each from now on, or all.
    pub(super) fn set_most_units(&mut self, units: Option<u32>) {
        self.partitions.most_units = units;
    }

    /// How many writes were refused.
    pub(super) fn refused(&self) -> u64 {
        self.partitions.refused
    }

    pub(super) fn next_check(&self, job: &JobRef) -> Option<Timestamp> {
        self.by_job.get(job).map(|(_, at)| *at)
    }

    /// The jobs of a shard that are to be checked by `now`, from behind `after` on.
    pub(super) fn due(&self, wanted: u8, now: Timestamp, after: Option<&DueCheck>, limit: u16) -> Vec<DueCheck> {
        let from = match after {
            Some(DueCheck { job, at }) => Bound::Excluded((wanted, *at, job.clone())),
            None => {
                let first = JobRef { tenant: TenantId::from_bytes([0; 16]), id: JobId::from_bytes([0; 16]) };
                Bound::Included((wanted, Timestamp::from_milliseconds(0), first))
            }
        };
        let listed = self.by_time.range((from, Bound::Unbounded));
        let due = listed.take_while(|(shard, at, _)| *shard == wanted && *at <= now);
        due.map(|(_, at, job)| DueCheck { job: job.clone(), at: *at }).take(limit.into()).collect()
    }

    /// Moves the job to another place, or takes it off.
    pub(super) fn set(&mut self, job: &JobRef, place: Option<Place>) {
        let was = match place {
            Some(place) => self.by_job.insert(job.clone(), place),
            None => self.by_job.remove(job),
        };
        if let Some((shard, at)) = was {
            self.by_time.remove(&(shard, at, job.clone()));
        }
        if let Some((shard, at)) = place {
            self.by_time.insert((shard, at, job.clone()));
        }
    }
}

/// What a write does to a job's place in the index; `false` when it is throttled, and then nothing was done.
pub(super) fn apply(stores: &mut Stores, job: &JobRef, change: NextCheck, now: Timestamp) -> bool {
    let shard = stores.shards.of(job.id.as_str());
    let open = stores.part::<OpenJobs>();
    let place = match change {
        NextCheck::Same => return true,
        NextCheck::At(at) => Some((shard, at)),
        NextCheck::Cleared => None,
    };
    let was = open.by_job.get(job).copied();
    let shards: Vec<u8> = was.into_iter().chain(place).map(|(shard, _)| shard).collect();
    if was != place && !open.partitions.take(&shards, now) {
        return false;
    }
    open.set(job, place);
    true
}
