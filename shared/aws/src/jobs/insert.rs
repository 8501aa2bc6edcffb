//! Accepting a job: its item is put where none is, with one for what is long.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use domain::{
    job::{NextCheck, QueueIndex, Transition},
    timing::INSERTION_TRIES,
};
use hub::ports::{self, Inserted, Shards};

use super::{
    keys::{SPEC, check_attributes, job_key, queue_attributes},
    record::{SPEC_TEXT, is_inline, record, spec_expiry, spec_text},
};
use crate::{
    Cloud,
    item::{Attributes, EXPIRES_AT, PARTITION, expiry, named, unreadable},
    table::{Written, pause, written},
    transaction::{Part, Transacted},
};

/// No item is there, or one that only waits to be deleted.
const ABSENT: &str = "attribute_not_exists(pk) OR expires_at <= :now";

const ACCEPTING: &str = "accepting a job";

impl Cloud {
    /// See [`ports::Jobs::insert`].
    pub(super) async fn insert_job(&self, acceptance: &Transition) -> ports::Result<Inserted> {
        let job = &acceptance.after;
        let Items { core, separate } = items(acceptance, self.shards)?;
        let put = self
            .jobs
            .put_part(core)
            .condition_expression(ABSENT)
            .expression_attribute_values(":now", expiry(job.created_at))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        let put = put.build().map_err(|error| ports::Error::broken(ACCEPTING, error))?;
        let refused = match separate {
            None => self.put_alone(put).await?,
            Some(separate) => self.put_both(&put, &separate).await?,
        };
        let Some(found) = refused else { return Ok(Inserted::New) };
        Ok(Inserted::found(self.read_job(&found).await?, job))
    }

    /// Puts a job's item by itself; what was there, where it is refused.
    async fn put_alone(&self, put: Put) -> ports::Result<Option<Attributes>> {
        match written(self.jobs.put_alone(put).send().await, ACCEPTING)? {
            Written::Done(_) => Ok(None),
            Written::Refused(found) => found.ok_or_else(|| unreadable(PARTITION)).map(Some),
        }
    }

    /// Puts both items of a job, which nobody else writes but who inserts the same job at this moment.
    async fn put_both(&self, put: &Put, separate: &Attributes) -> ports::Result<Option<Attributes>> {
        for attempt in 0..INSERTION_TRIES {
            pause(attempt).await;
            let parts = [put.clone().part(), self.jobs.put_part(separate.clone()).part()];
            match self.jobs.transact(parts, ACCEPTING).await? {
                Transacted::Done => return Ok(None),
                Transacted::Refused(found) => return found.ok_or_else(|| unreadable(PARTITION)).map(Some),
                Transacted::Conflict | Transacted::RefusedByOther => {}
            }
        }
        Err(ports::Error::unavailable(ACCEPTING, "the same job is accepted by too many requests at once"))
    }
}

/// The items of an accepted job.
struct Items {
    /// The job's own.
    core: Attributes,
    /// That of the part of what was asked that is long, where it does not fit the job's own.
    separate: Option<Attributes>,
}

fn items(acceptance: &Transition, shards: Shards) -> ports::Result<Items> {
    let (job, effects) = (&acceptance.after, &acceptance.effects);
    let reference = job.reference();
    let mut core = record(job)?;
    if let NextCheck::At(at) = effects.next_check {
        core.extend(named(check_attributes(shards, &reference, at)));
    }
    if let QueueIndex::Entered(ticket) = &effects.queue_index {
        core.extend(named(queue_attributes(ticket, job.spec.work.target().host_class(), job.created_at)));
    }
    let spec = spec_text(&job.spec)?;
    if is_inline(&spec) {
        core.insert(SPEC_TEXT.to_owned(), spec);
        return Ok(Items { core, separate: None });
    }
    let mut separate = job_key(&reference, SPEC);
    separate.extend(named([(SPEC_TEXT, spec), (EXPIRES_AT, spec_expiry(job))]));
    Ok(Items { core, separate: Some(separate) })
}
