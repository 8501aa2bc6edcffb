//! Jobs: their records, and the list of those to check.

use std::collections::BTreeMap;

use domain::{
    AccountRef, Day, JobRef, Timestamp,
    job::{Activity, Effects, Event, Job, NextCheck, Phase, State, Transition, WaitReason, Waiting, WakeBy, step},
    timing,
};
use hub::{
    page::Page,
    ports::{ClaimRequest, Claimed, Committed, DueCheck, Error, Inserted, Jobs, Result, Shards},
};

use super::{
    dead_jobs::ListedDeadJobs,
    history::{History, OrphanedRuns},
    open_jobs::{self, OpenJobs},
    pending_jobs::PendingCounts,
    stores::Stores,
    waiting_jobs::WaitingJobs,
    world::World,
};
use crate::{call::Call, mutation::Mutation};

#[derive(Default)]
pub(super) struct StoredJobs {
    jobs: BTreeMap<JobRef, Job>,
}

impl StoredJobs {
    /// The job, unless its record's time is over.
    pub(super) fn get(&self, job: &JobRef, now: Timestamp) -> Option<&Job> {
        self.jobs.get(job).filter(|job| !is_expired(job, now))
    }
}

impl StoredJobs {
    /// Up to `limit` jobs after `cursor`, of which those are given that are open or dead.
    fn open_and_dead(&self, cursor: Option<&str>, limit: u16) -> Page<JobRef, String> {
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

/// Writes the job, and what lists it: all of it or, where a partition has no write units left, nothing.
fn write(stores: &mut Stores, job: &Job, effects: &Effects, now: Timestamp) -> Result<()> {
    let reference = job.reference();
    if !open_jobs::apply(stores, &reference, effects.next_check, now) {
        return Err(throttled());
    }
    stores.part::<ListedDeadJobs>().apply(job, &effects.dead_list);
    stores.part::<WaitingJobs>().apply(job, &effects.queue_index);
    stores.part::<StoredJobs>().jobs.insert(reference, job.clone());
    Ok(())
}

fn throttled() -> Error {
    Error::unavailable("writing a job", "a partition of the index of open jobs is throttled")
}

fn insert(stores: &mut Stores, acceptance: &Transition, now: Timestamp) -> Result<Inserted> {
    let job = &acceptance.after;
    let overwrites = stores.breaks(Mutation::KeyIgnored);
    let earlier = stores.part::<StoredJobs>().get(&job.reference(), job.created_at).filter(|_| !overwrites);
    match earlier {
        Some(earlier) if Job { state: job.state.clone(), ..earlier.clone() } == *job => return Ok(Inserted::New),
        Some(earlier) => return Ok(Inserted::Exists(Box::new(earlier.clone()))),
        None => {}
    }
    write(stores, job, &acceptance.effects, now)?;
    Ok(Inserted::New)
}

fn claim(stores: &mut Stores, request: &ClaimRequest, now: Timestamp) -> Result<Claimed> {
    let ClaimRequest { fencing_number, claim, lease_until, .. } = request;
    let Some(stored) = stores.part::<StoredJobs>().get(&request.job, request.now).cloned() else {
        return Ok(Claimed::Unknown);
    };
    let (seen, number) = as_seen(stores.mutation, &stored, *fencing_number);
    let event = Event::Claim { fencing_number: number, claim: claim.clone(), lease_until: *lease_until };
    let Ok(transition) = step(&seen, event, request.now) else { return Ok(Claimed::Refused(Box::new(stored))) };
    write(stores, &transition.after, &transition.effects, now)?;
    let history = stores.part::<History>();
    if matches!(&stored.state.phase, Phase::Running(held) if held.id != *claim && held.lease_until > request.now) {
        history.stolen_claims.push(stored.id.clone());
    }
    if stored.state.fencing_number != *fencing_number {
        history.stale_claims.push(stored.id.clone());
    }
    history.claims.insert(stored.id, now);
    Ok(Claimed::Held(Box::new(transition.after)))
}

/// The job and the message's number as a claim sees them: as they are, unless a rule of claims is broken on purpose.
fn as_seen(mutation: Option<Mutation>, job: &Job, fencing_number: u32) -> (Job, u32) {
    let is_held = matches!(job.state.phase, Phase::Running(_));
    match (mutation, Waiting::from_stored(WaitReason::Worker, WakeBy::Queue)) {
        (Some(Mutation::ClaimWithoutLease), Some(waiting)) if is_held => {
            let state = State { phase: Phase::Waiting(waiting), ..job.state.clone() };
            (Job { state, ..job.clone() }, fencing_number)
        }
        (Some(Mutation::FencingNotCompared), _) => (job.clone(), job.state.fencing_number),
        _ => (job.clone(), fencing_number),
    }
}

fn commit(stores: &mut Stores, transition: &Transition, now: Timestamp) -> Result<Committed> {
    let Transition { before: Some(before), after, effects } = transition else { return Ok(Committed::Conflict) };
    if stores.breaks(Mutation::SendingNotMarked) && marks_sending(&after.state) && !marks_sending(before) {
        return Ok(Committed::Written);
    }
    let compares = !stores.breaks(Mutation::RevisionNotCompared);
    let Some(stored) = stores.part::<StoredJobs>().jobs.get(&after.reference()) else {
        return Ok(Committed::Conflict);
    };
    if compares && stored.state.revision != before.revision {
        return Ok(if stored.state == after.state { Committed::Found } else { Committed::Conflict });
    }
    let rewrites = stored.state.revision >= after.state.revision && stored.state != after.state;
    write(stores, after, effects, now)?;
    if rewrites {
        stores.part::<History>().rewritten_revisions.push((after.id.clone(), after.state.revision));
    }
    if transition.is_end() {
        stores.part::<History>().record_end(after, now);
    }
    let by_sweep = effects.message.is_some() && matches!(effects.next_check, NextCheck::At(_));
    if by_sweep && matches!(before.phase, Phase::Running(_)) {
        stores.part::<OrphanedRuns>().0.push(after.id.clone());
    }
    Ok(Committed::Written)
}

/// Whether a write that must not be repeated may have been sent.
fn marks_sending(state: &State) -> bool {
    matches!(&state.phase, Phase::Running(held) if held.activity == Activity::NonIdempotentCall)
}

impl World {
    /// Lists what is written from now on in so many shards. What was listed before stays where it is.
    pub fn set_shards(&self, shards: Shards) {
        self.stores(|stores, _| stores.shards = shards);
    }

    /// Throttles from now on, as DynamoDB does, the shards of the list of open jobs: a write beyond so many units a second
    /// is refused. `None` for as many as come.
    pub fn set_most_shard_units(&self, units: Option<u32>) {
        self.stores(|stores, _| stores.part::<OpenJobs>().set_most_units(units));
    }

    /// How many writes were throttled.
    pub fn throttled_writes(&self) -> u64 {
        self.stores(|stores, _| stores.part::<OpenJobs>().refused())
    }

    /// Forgets a job, as if it had ended long ago.
    pub fn forget_job(&self, job: &JobRef) {
        self.stores(|stores, _| {
            stores.part::<OpenJobs>().set(job, None);
            stores.part::<StoredJobs>().jobs.remove(job);
        });
    }

    /// All jobs.
    pub fn jobs(&self) -> Vec<Job> {
        self.stores(|stores, _| stores.part::<StoredJobs>().jobs.values().cloned().collect())
    }

    /// Has the table say of a job what it said at an earlier time, as one does that was restored: the indexes and the
    /// count of pending jobs say it, too.
    pub fn restore(&self, then: &Job) {
        self.stores(|stores, now| {
            let effects = Transition::accepted(then.clone()).effects;
            let was_open = !stores.part::<StoredJobs>().jobs[&then.reference()].state.is_terminal();
            let place = (then.spec.account.clone(), then.start_day());
            if !was_open && !then.state.is_terminal() {
                *stores.part::<PendingCounts>().0.entry(place).or_default() += 1;
            }
            // Nothing else is written meanwhile, so no partition is throttled.
            let _ = write(stores, then, &effects, now);
        });
    }

    /// For each account and day on which runs could first start: how many jobs are open, and how many are counted as
    /// pending.
    pub fn counts(&self) -> BTreeMap<(AccountRef, Day), (u32, u32)> {
        self.stores(|stores, _| {
            let mut counts: BTreeMap<(AccountRef, Day), (u32, u32)> = BTreeMap::new();
            for job in stores.part::<StoredJobs>().jobs.values().filter(|job| !job.state.is_terminal()) {
                counts.entry((job.spec.account.clone(), job.start_day())).or_default().0 += 1;
            }
            for (place, pending) in &stores.part::<PendingCounts>().0 {
                counts.entry(place.clone()).or_default().1 = *pending;
            }
            counts
        })
    }
}

impl Jobs for World {
    async fn insert(&self, acceptance: &Transition) -> Result<Inserted> {
        self.call(Call::Insert, |stores, now| insert(stores, acceptance, now)).await?
    }

    async fn job(&self, job: &JobRef) -> Result<Option<Job>> {
        self.call(Call::Job, |stores, now| stores.part::<StoredJobs>().get(job, now).cloned()).await
    }

    async fn state(&self, job: &JobRef) -> Result<Option<State>> {
        let state = |job: &Job| job.state.clone();
        self.call(Call::State, |stores, now| stores.part::<StoredJobs>().get(job, now).map(state)).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed> {
        self.call(Call::Claim, |stores, now| claim(stores, request, now)).await?
    }

    async fn commit(&self, transition: &Transition) -> Result<Committed> {
        self.call(Call::Commit, |stores, now| commit(stores, transition, now)).await?
    }

    fn shards(&self) -> Shards {
        self.stores(|stores, _| stores.shards)
    }

    async fn due_checks(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueCheck>,
        limit: u16,
    ) -> Result<Vec<DueCheck>> {
        self.call(Call::DueChecks, |stores, _| stores.part::<OpenJobs>().due(shard, now, after, limit)).await
    }

    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        self.call(Call::PostponeCheck, |stores, now| {
            let is_set = stores.part::<OpenJobs>().next_check(&check.job) == Some(check.at);
            let done = !is_set || open_jobs::apply(stores, &check.job, NextCheck::At(at), now);
            if done { Ok(()) } else { Err(throttled()) }
        })
        .await?
    }

    async fn open_and_dead_jobs(&self, cursor: Option<&str>, limit: u16) -> Result<Page<JobRef, String>> {
        self.call(Call::OpenAndDeadJobs, |stores, _| stores.part::<StoredJobs>().open_and_dead(cursor, limit)).await
    }
}
