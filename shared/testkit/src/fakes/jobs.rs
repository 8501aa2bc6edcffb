//! Jobs: their records, and the list of those to check.

use std::collections::BTreeMap;

use domain::{
    AccountRef, Day, JobRef, Timestamp,
    job::{Activity, Event, Job, NextCheck, Phase, State, Transition, WaitReason, Waiting, WakeBy, step},
    timing::{COMMIT_TRIES, INSERTION_TRIES},
};
use hub::{
    page::Page,
    ports::{ClaimRequest, Claimed, Committed, DueCheck, Inserted, Jobs, Result, Shards},
};

use super::{
    history::{History, OrphanedRuns},
    job_items::{StoredJobs, separate_items, set_next_check, write},
    keys::{Item, Partition},
    open_jobs::OpenJobs,
    pending_jobs::PendingCounts,
    stores::Stores,
    world::World,
};
use crate::{call::Call, mutation::Mutation};

fn insert(stores: &mut Stores, acceptance: &Transition, now: Timestamp) -> Result<Inserted> {
    let job = &acceptance.after;
    let overwrites = stores.breaks(Mutation::KeyIgnored);
    let earlier = stores.part::<StoredJobs>().get(&job.reference(), job.created_at).filter(|_| !overwrites);
    if let Some(earlier) = earlier {
        return Ok(Inserted::found(earlier.clone(), job));
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

impl World {
    /// Writes a transition: its job's own item or, where there are others, all of them in a transaction.
    async fn move_job<T: Send>(
        &self,
        call: Call,
        transition: &Transition,
        tries: u32,
        effect: fn(&mut Stores, &Transition, Timestamp) -> Result<T>,
    ) -> Result<T> {
        let (own, others) = (Item::job(&transition.after.reference()), separate_items(transition));
        let effect = |stores: &mut Stores, now| effect(stores, transition, now);
        if others.is_empty() {
            return self.write(call, own, effect).await?;
        }
        let items: Vec<Item> = [own].into_iter().chain(others).collect();
        self.transact(call, &items, tries, effect).await?
    }
}

impl Jobs for World {
    async fn insert(&self, acceptance: &Transition) -> Result<Inserted> {
        self.move_job(Call::Insert, acceptance, INSERTION_TRIES, insert).await
    }

    async fn job(&self, job: &JobRef) -> Result<Option<Job>> {
        let partition = Partition::Job(job.clone());
        self.read(Call::Job, [partition], |stores, now| stores.part::<StoredJobs>().get(job, now).cloned()).await
    }

    async fn state(&self, job: &JobRef) -> Result<Option<State>> {
        let (partition, state) = (Partition::Job(job.clone()), |job: &Job| job.state.clone());
        self.read(Call::State, [partition], |stores, now| stores.part::<StoredJobs>().get(job, now).map(state)).await
    }

    async fn claim(&self, request: &ClaimRequest) -> Result<Claimed> {
        self.write(Call::Claim, Item::job(&request.job), |stores, now| claim(stores, request, now)).await?
    }

    async fn commit(&self, transition: &Transition) -> Result<Committed> {
        self.move_job(Call::Commit, transition, COMMIT_TRIES, commit).await
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
        let partition = Partition::OpenJobs(shard);
        self.read(Call::DueChecks, [partition], |stores, _| stores.part::<OpenJobs>().due(shard, now, after, limit))
            .await
    }

    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> Result<()> {
        self.write(Call::PostponeCheck, Item::job(&check.job), |stores, now| {
            let is_as_seen = stores.part::<OpenJobs>().next_check(&check.job) == Some(check.at);
            let change = if is_as_seen { NextCheck::At(at) } else { NextCheck::Same };
            set_next_check(stores, &check.job, change, Vec::new(), now)
        })
        .await?
    }

    async fn open_and_dead_jobs(&self, cursor: Option<&str>, limit: u16) -> Result<Page<JobRef, String>> {
        self.call(Call::OpenAndDeadJobs, |stores, _| stores.part::<StoredJobs>().open_and_dead(cursor, limit)).await
    }
}
