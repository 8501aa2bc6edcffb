//! The items of jobs, and the indexes and lists that they are in: what a write of one changes.

use std::collections::BTreeMap;

use domain::{
    JobRef, Timestamp,
    job::{Effects, Job, JobSpec, MAX_INLINE_SPEC_BYTES, NextCheck, Phase, Transition},
    timing,
};
use hub::{page::Page, ports::Result};

use super::{
    dead_jobs::{self, ListedDeadJobs},
    keys::{Item, Partition},
    open_jobs::{self, OpenJobs},
    requests::write_indexes,
    stores::Stores,
    waiting_jobs::WaitingJobs,
};

#[derive(Default)]
pub(super) struct StoredJobs {
    pub(super) jobs: BTreeMap<JobRef, Job>,
}

impl StoredJobs {
    /// The job, unless its record's time is over.
    pub(super) fn get(&self, job: &JobRef, now: Timestamp) -> Option<&Job> {
        self.jobs.get(job).filter(|job| !is_expired(job, now))
    }

    /// Up to `limit` jobs after `cursor`, of which those are given that are open or dead.
    pub(super) fn open_and_dead(&self, cursor: Option<&str>, limit: u16) -> Page<JobRef, String> {
        let after = self.jobs.iter().filter(|(job, _)| cursor.is_none_or(|cursor| *job.to_string() > *cursor));
        let looked_at: Vec<_> = after.take(limit.into()).collect();
        let next = looked_at.last().map(|(job, _)| job.to_string()).filter(|_| looked_at.len() == usize::from(limit));
        let is_wanted = |job: &Job| !job.state.is_terminal() || matches!(job.state.phase, Phase::Dead { .. });
        let wanted = looked_at.into_iter().filter(|(_, job)| is_wanted(job));
        Page { items: wanted.map(|(job, _)| job.clone()).collect(), next }
    }
}

/// Whether the time is over for which an ended job's record is stored.
fn is_expired(job: &Job, now: Timestamp) -> bool {
    job.state.phase.ended_at().is_some_and(|at| (at + timing::RECORD_RETENTION).as_seconds() <= now.as_seconds())
}

/// Writes the job, and what lists it: all of it or, where an index is throttled, nothing.
pub(super) fn write(stores: &mut Stores, job: &Job, effects: &Effects, now: Timestamp) -> Result<()> {
    let reference = job.reference();
    let mut others = stores.part::<WaitingJobs>().changed_by(job, &effects.queue_index);
    if !stores.part::<StoredJobs>().jobs.contains_key(&reference) {
        others.push(Partition::AcceptedJobs(job.spec.account.clone()));
    }
    set_next_check(stores, &reference, effects.next_check, others, now)?;
    stores.part::<ListedDeadJobs>().apply(job, &effects.dead_list);
    stores.part::<WaitingJobs>().apply(job, &effects.queue_index);
    stores.part::<StoredJobs>().jobs.insert(reference, job.clone());
    Ok(())
}

/// Moves the job in the index of open jobs, where neither that nor `other` changes of indexes are throttled.
pub(super) fn set_next_check(
    stores: &mut Stores,
    job: &JobRef,
    change: NextCheck,
    other: Vec<Partition>,
    now: Timestamp,
) -> Result<()> {
    let place = open_jobs::place_after(stores, job, change);
    let changed = stores.part::<OpenJobs>().changed_by(job, place);
    write_indexes(stores, changed.into_iter().chain(other), now)?;
    stores.part::<OpenJobs>().set(job, place);
    Ok(())
}

/// The item with the part of what was asked that is long, if it is.
fn long_spec(job: &Job) -> Option<Item> {
    let JobSpec { work, meta, .. } = &job.spec;
    let params = serde_json::to_string(work.params()).map_or(0, |text| text.len());
    let is_long = params + meta.as_ref().map_or(0, String::len) > MAX_INLINE_SPEC_BYTES;
    is_long.then(|| Partition::Job(job.reference()).item("SPEC"))
}

/// The items besides the job's own that a transition writes, with which it is a transaction.
pub(super) fn separate_items(transition: &Transition) -> Vec<Item> {
    let Transition { before, after, effects } = transition;
    let is_run_anew = before.as_ref().is_none_or(|before| before.run < after.state.run);
    let spec = if is_run_anew { long_spec(after) } else { None };
    spec.into_iter().chain(dead_jobs::written(after.tenant(), &effects.dead_list)).collect()
}
