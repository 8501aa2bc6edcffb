//! Writing a transition: the state and each of its effects become one update, or the parts of one transaction.
//!
//! | what the transition says | what is written |
//! |---|---|
//! | `after` | the attributes of the job's state, if the stored revision still is that of `before` |
//! | `next_check` | the attributes of the index of open jobs |
//! | `queue_index` | the attributes of the index of fair queues |
//! | `pending`, `invalidation` | one update of the account's item |
//! | `dead_list` | an item of the list of dead jobs |
//!
//! The message is not written here. A write whose answer was lost finds the very state that it wrote: that is a
//! success. Where the account's item meets too many other writes, the end of a job is written without it, and stays on
//! the list of jobs to check until it is settled.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use domain::{
    AccountRef,
    job::{DeadList, Effects, Job, NextCheck, QueueIndex, Transition},
    timing::JOB_RETENTION,
};
use hub::ports;

use super::{
    account_item::AccountChange,
    keys::{
        CHECK_SHARD, JOB, NEXT_CHECK_AT, QUEUE_APP, QUEUE_ORDER, SPEC, check_attributes, job_key, queue_attributes,
    },
    record::{REVISION, STATE, is_inline, read_state, spec_expiry, spec_text, state_attributes},
};
use crate::{
    Cloud, dead_jobs,
    item::{Attributes, EXPIRES_AT, whole},
    table::{Table, Written, pause, written},
    transaction::{Part, Transacted},
};

const COMMITTING: &str = "writing a job's next state";

const SETTLING: &str = "settling the count of pending jobs";

/// How often a transaction that meets too many others is tried, before an end is written without the account's count.
const TRIES: u32 = 3;

/// The conditional update that takes the job to the state `after`.
fn job_update(jobs: &Table, after: &Job, revision: u64, effects: &Effects) -> ports::Result<Update> {
    let reference = after.reference();
    let mut set = state_attributes(&after.state)?;
    let mut written = STATE.to_vec();
    match effects.next_check {
        NextCheck::Same => {}
        NextCheck::Cleared => written.extend([CHECK_SHARD, NEXT_CHECK_AT]),
        NextCheck::At(at) => {
            written.extend([CHECK_SHARD, NEXT_CHECK_AT]);
            set.extend(check_attributes(&reference, at));
        }
    }
    match &effects.queue_index {
        QueueIndex::Same => {}
        QueueIndex::Left => written.extend([QUEUE_APP, QUEUE_ORDER]),
        QueueIndex::Entered(ticket) => {
            written.extend([QUEUE_APP, QUEUE_ORDER]);
            set.extend(queue_attributes(ticket, after.created_at));
        }
    }
    let is_set = |name: &&str| set.iter().any(|(set, _)| set == name);
    let assignments: Vec<String> = set.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
    let removals: Vec<String> = written.iter().filter(|name| !is_set(name)).map(|name| format!("#{name}")).collect();
    let mut values: Attributes =
        set.into_iter().map(|(name, value): (_, AttributeValue)| (format!(":{name}"), value)).collect();
    values.insert(":was".to_owned(), whole(revision));
    let update = jobs
        .update_part(job_key(&reference, JOB))
        .update_expression(format!("SET {} REMOVE {}", assignments.join(", "), removals.join(", ")))
        .condition_expression(format!("#{REVISION} = :was"))
        .set_expression_attribute_names(Some(
            written.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect(),
        ))
        .set_expression_attribute_values(Some(values))
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    update.build().map_err(|error| ports::Error::broken(COMMITTING, error))
}

/// The part of a transaction that puts the job on the list of dead jobs, or takes it off.
fn dead_list_part(jobs: &Table, job: &Job, effects: &Effects) -> Option<Result<TransactWriteItem, BuildError>> {
    match &effects.dead_list {
        DeadList::Same => None,
        DeadList::Entered(cursor) => {
            let expires_at = job.state.phase.ended_at().map(|at| at + JOB_RETENTION);
            Some(jobs.put_part(dead_jobs::entry(job, cursor, expires_at)).part())
        }
        DeadList::Left(cursor) => Some(jobs.delete_part(dead_jobs::key(job.tenant(), cursor)).part()),
    }
}

/// The part of a transaction that lets a separate item with what was asked outlive another run of the job.
fn spec_part(jobs: &Table, transition: &Transition) -> ports::Result<Option<Result<TransactWriteItem, BuildError>>> {
    let Transition { before, after, .. } = transition;
    let is_replay = before.as_ref().is_some_and(|before| before.run < after.state.run);
    if !is_replay || is_inline(&spec_text(&after.spec)?) {
        return Ok(None);
    }
    let update = jobs
        .update_part(job_key(&after.reference(), SPEC))
        .update_expression(format!("SET {EXPIRES_AT} = :expires_at"))
        .expression_attribute_values(":expires_at", spec_expiry(after));
    Ok(Some(update.build().and_then(Part::part)))
}

/// Whether what refused a write is the very state that was to be written: it was written already.
fn is_done(job: &Job, found: Option<&Attributes>) -> ports::Result<bool> {
    found.map_or(Ok(false), |item| Ok(read_state(item)? == job.state))
}

impl Cloud {
    /// See [`ports::Jobs::commit`].
    pub(super) async fn commit_transition(&self, transition: &Transition) -> ports::Result<bool> {
        let Transition { before: Some(before), after, effects } = transition else {
            return Err(ports::Error::broken(COMMITTING, "an accepted job is inserted"));
        };
        let mut is_unsettled_longer = false;
        for attempt in 0..TRIES {
            pause(attempt).await;
            let job_part = job_update(&self.jobs, after, before.revision, effects)?;
            let account_part = self.account_part(&after.spec.account, effects, is_unsettled_longer);
            let dead_list_part = dead_list_part(&self.jobs, after, effects);
            let spec_part = spec_part(&self.jobs, transition)?;
            let others: Vec<_> = [account_part, dead_list_part, spec_part].into_iter().flatten().collect();
            if others.is_empty() {
                return self.commit_alone(after, job_part).await;
            }
            match self.jobs.transact([job_part.part()].into_iter().chain(others), COMMITTING).await? {
                Transacted::Done => return Ok(true),
                Transacted::Refused(found) => return is_done(after, found.as_ref()),
                Transacted::RefusedByOther => is_unsettled_longer = true,
                Transacted::Conflict => {}
            }
        }
        if !transition.is_end() {
            return Err(ports::Error::unavailable(COMMITTING, "too many jobs of the account move at once"));
        }
        // The end is what matters: the job stays listed, and the sweep settles its count. What it invalidates is
        // invalidated before it is an end.
        tracing::warn!(job_id = %after.id, "a job's end is written before its count");
        if let Some(invalidation) = &effects.invalidation {
            self.invalidate_answers(&after.spec.account, invalidation).await?;
        }
        self.commit_alone(after, job_update(&self.jobs, after, before.revision, &effects.without_count())?).await
    }

    /// Writes a job's update by itself. Whether it was done.
    async fn commit_alone(&self, after: &Job, update: Update) -> ports::Result<bool> {
        match written(self.jobs.update_alone(update).send().await, COMMITTING)? {
            Written::Done(_) => Ok(true),
            Written::Refused(found) => is_done(after, found.as_ref()),
        }
    }

    /// The part of a transaction that changes the account's item, where the effects change it.
    fn account_part(
        &self,
        account: &AccountRef,
        effects: &Effects,
        is_unsettled_longer: bool,
    ) -> Option<Result<TransactWriteItem, BuildError>> {
        let invalidation = effects.invalidation.as_ref();
        let change = AccountChange { pending: effects.pending, invalidation, is_unsettled_longer };
        change.update(&self.jobs, account).map(|update| update.build().and_then(Part::part))
    }

    /// See [`ports::Jobs::settle`].
    pub(super) async fn settle_job(&self, job: &Job) -> ports::Result<bool> {
        let Some(effects) = Effects::settlement(job) else { return Ok(false) };
        // Only a job that is not settled is still on the list of jobs to check.
        let update = self
            .jobs
            .update_part(job_key(&job.reference(), JOB))
            .condition_expression(format!("{REVISION} = :was AND attribute_exists({NEXT_CHECK_AT})"))
            .expression_attribute_values(":was", whole(job.state.revision))
            .update_expression(format!("REMOVE {NEXT_CHECK_AT}, {CHECK_SHARD}"));
        let account_part = self.account_part(&job.spec.account, &effects, false);
        let others = [account_part, dead_list_part(&self.jobs, job, &effects)].into_iter().flatten();
        match self.jobs.transact([update.build().and_then(Part::part)].into_iter().chain(others), SETTLING).await? {
            Transacted::Done => Ok(true),
            Transacted::Refused(_) => Ok(false),
            Transacted::RefusedByOther | Transacted::Conflict => {
                Err(ports::Error::unavailable(SETTLING, "too many jobs of the account move at once"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
