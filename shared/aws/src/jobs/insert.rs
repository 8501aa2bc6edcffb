//! Accepting a job: one transaction puts the job and counts it as pending.

use aws_sdk_dynamodb::types::ReturnValuesOnConditionCheckFailure;
use domain::job::{NextCheck, QueueIndex, Transition};
use hub::ports::{self, Inserted};

use super::{
    account_item::{AccountChange, FEWER_PENDING},
    keys::{SPEC, check_attributes, job_key, queue_attributes},
    record::{SPEC_TEXT, is_inline, record, spec_expiry, spec_text},
};
use crate::{
    Cloud,
    item::{Attributes, EXPIRES_AT, PARTITION, expiry, named, number, unreadable},
    table::pause,
    transaction::{Part, Transacted},
};

/// No item is there, or one that only waits to be deleted.
const ABSENT: &str = "attribute_not_exists(pk) OR expires_at <= :now";

const ACCEPTING: &str = "accepting a job";

/// How often an insertion that meets too many others is tried.
const TRIES: u32 = 6;

impl Cloud {
    /// See [`ports::Jobs::insert`].
    pub(super) async fn insert_job(&self, acceptance: &Transition, max_pending_jobs: u32) -> ports::Result<Inserted> {
        let job = &acceptance.after;
        let Items { core, separate } = items(acceptance)?;
        let count = AccountChange {
            pending: acceptance.effects.pending,
            invalidation: acceptance.effects.invalidation.as_ref(),
            is_unsettled_longer: false,
        };
        for attempt in 0..TRIES {
            pause(attempt).await;
            let job_part = self
                .jobs
                .put_part(core.clone())
                .condition_expression(ABSENT)
                .expression_attribute_values(":now", expiry(job.created_at))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
            let account_part = count.update(&self.jobs, &job.spec.account).map(|update| {
                let update = update.condition_expression(FEWER_PENDING);
                update.expression_attribute_values(":max", number(max_pending_jobs)).build().and_then(Part::part)
            });
            let spec_part = separate.clone().map(|item| self.jobs.put_part(item).part());
            let parts = [Some(job_part.part()), account_part, spec_part].into_iter().flatten();
            match self.jobs.transact(parts, ACCEPTING).await? {
                Transacted::Done => return Ok(Inserted::New),
                Transacted::Conflict => {}
                Transacted::RefusedByOther => return Ok(Inserted::TooManyPending),
                Transacted::Refused(found) => {
                    let earlier = self.read_job(&found.ok_or_else(|| unreadable(PARTITION))?).await?;
                    // The very same job is this insertion, repeated because its answer was lost.
                    return Ok(if earlier == *job { Inserted::New } else { Inserted::Exists(Box::new(earlier)) });
                }
            }
        }
        Err(ports::Error::unavailable(ACCEPTING, "too many jobs of the account are accepted at once"))
    }
}

/// The items of an accepted job.
struct Items {
    /// The job's own.
    core: Attributes,
    /// That of the part of what was asked that is long, where it does not fit the job's own.
    separate: Option<Attributes>,
}

fn items(acceptance: &Transition) -> ports::Result<Items> {
    let (job, effects) = (&acceptance.after, &acceptance.effects);
    let reference = job.reference();
    let mut core = record(job)?;
    if let NextCheck::At(at) = effects.next_check {
        core.extend(named(check_attributes(&reference, at)));
    }
    if let QueueIndex::Entered(ticket) = &effects.queue_index {
        core.extend(named(queue_attributes(ticket, job.created_at)));
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
