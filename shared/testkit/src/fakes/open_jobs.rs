//! The index of open jobs: when to check which, by shard and time.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Bound,
};

use domain::{JobId, JobRef, TenantId, Timestamp, job::NextCheck};
use hub::ports::DueCheck;

use super::{keys::Partition, stores::Stores};

/// Where a job stands in the index.
pub(super) type Place = (u8, Timestamp);

/// When to check which jobs: by job, and by shard and time.
#[derive(Default)]
pub(super) struct OpenJobs {
    by_job: BTreeMap<JobRef, Place>,
    by_time: BTreeSet<(u8, Timestamp, JobRef)>,
}

impl OpenJobs {
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

    /// The partition keys in which [`OpenJobs::set`] writes: that of an entry that goes, and that of one that comes.
    pub(super) fn changed_by(&self, job: &JobRef, place: Option<Place>) -> Vec<Partition> {
        let was = self.by_job.get(job).copied();
        let changed = [was, place].into_iter().flatten().filter(|_| was != place);
        changed.map(|(shard, _)| Partition::OpenJobs(shard)).collect()
    }

    /// Moves the job to another place, or takes it off.
    pub(super) fn set(&mut self, job: &JobRef, place: Option<Place>) {
        if self.by_job.get(job) == place.as_ref() {
            return;
        }
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

/// Where a change of its next check leaves a job in the index.
pub(super) fn place_after(stores: &mut Stores, job: &JobRef, change: NextCheck) -> Option<Place> {
    match change {
        NextCheck::Same => stores.part::<OpenJobs>().by_job.get(job).copied(),
        NextCheck::At(at) => Some((stores.shards.of(job.id.as_str()), at)),
        NextCheck::Cleared => None,
    }
}
