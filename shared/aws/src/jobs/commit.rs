//! Writing a transition: the state and each of its effects become one update, or the parts of one transaction.
//!
//! | what the transition says | what is written |
//! |---|---|
//! | `after` | the attributes of the job's state, if the stored revision still is that of `before` |
//! | `next_check` | the attributes of the index of open jobs |
//! | `queue_index` | the attributes of the index of fair queues |
//! | `dead_list` | an item of the list of dead jobs |
//!
//! All are items of this one job, so that jobs do not meet here. The count, what is invalidated and the message are not
//! written here. A write whose answer was lost finds the very state that it wrote: that is a success.

use aws_sdk_dynamodb::{
    error::BuildError,
    types::{AttributeValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update},
};
use domain::{
    TenantId,
    job::{DeadList, Effects, Job, NextCheck, QueueIndex, Transition},
    timing::COMMIT_TRIES,
};
use hub::ports::{self, Committed, Shards};

use super::{
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

/// The conditional update that takes the job to the state `after`.
fn job_update(jobs: &Table, shards: Shards, after: &Job, revision: u64, effects: &Effects) -> ports::Result<Update> {
    let reference = after.reference();
    let mut set = state_attributes(&after.state)?;
    let mut written = STATE.to_vec();
    match effects.next_check {
        NextCheck::Same => {}
        NextCheck::Cleared => written.extend([CHECK_SHARD, NEXT_CHECK_AT]),
        NextCheck::At(at) => {
            written.extend([CHECK_SHARD, NEXT_CHECK_AT]);
            set.extend(check_attributes(shards, &reference, at));
        }
    }
    match &effects.queue_index {
        QueueIndex::Same => {}
        QueueIndex::Left => written.extend([QUEUE_APP, QUEUE_ORDER]),
        QueueIndex::Entered(ticket) => {
            written.extend([QUEUE_APP, QUEUE_ORDER]);
            set.extend(queue_attributes(ticket, after.spec.work.target().host_class(), after.created_at));
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
fn dead_list_part(
    jobs: &Table,
    tenant: &TenantId,
    change: &DeadList,
) -> ports::Result<Option<Result<TransactWriteItem, BuildError>>> {
    Ok(match change {
        DeadList::Same => None,
        DeadList::Entered(dead) => Some(jobs.put_part(dead_jobs::entry(tenant, dead)?).part()),
        DeadList::Left(cursor) => Some(jobs.delete_part(dead_jobs::key(tenant, cursor)).part()),
    })
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

/// What a commit found that was refused: the very state that was to be written was written already.
fn refused(job: &Job, found: Option<&Attributes>) -> ports::Result<Committed> {
    match found {
        Some(item) if read_state(item)? == job.state => Ok(Committed::Found),
        _ => Ok(Committed::Conflict),
    }
}

impl Cloud {
    /// See [`ports::Jobs::commit`].
    pub(super) async fn commit_transition(&self, transition: &Transition) -> ports::Result<Committed> {
        let Transition { before: Some(before), after, effects } = transition else {
            return Err(ports::Error::broken(COMMITTING, "an accepted job is inserted"));
        };
        for attempt in 0..COMMIT_TRIES {
            pause(attempt).await;
            let job_part = job_update(&self.jobs, self.shards, after, before.revision, effects)?;
            let dead_list_part = dead_list_part(&self.jobs, after.tenant(), &effects.dead_list)?;
            let spec_part = spec_part(&self.jobs, transition)?;
            let others: Vec<_> = [dead_list_part, spec_part].into_iter().flatten().collect();
            if others.is_empty() {
                return match written(self.jobs.update_alone(job_part).send().await, COMMITTING)? {
                    Written::Done(_) => Ok(Committed::Written),
                    Written::Refused(found) => refused(after, found.as_ref()),
                };
            }
            match self.jobs.transact([job_part.part()].into_iter().chain(others), COMMITTING).await? {
                Transacted::Done => return Ok(Committed::Written),
                Transacted::Refused(found) => return refused(after, found.as_ref()),
                Transacted::Conflict | Transacted::RefusedByOther => {}
            }
        }
        Err(ports::Error::unavailable(COMMITTING, "the job is moved by too many at once"))
    }
}

#[cfg(test)]
mod tests;
