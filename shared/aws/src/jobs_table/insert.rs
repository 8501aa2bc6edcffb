//! Accepting a job.

use aws_sdk_dynamodb::types::{Put, ReturnValuesOnConditionCheckFailure};
use domain::{
    job::Job,
    timing::{JOB_DEADLINE, RECORD_RETENTION},
};
use hub::ports::{self, InsertJob, Inserted};

use super::{
    JOB, LOOK_AT, LOOK_SHARD, ORDER, Part, Transacted, key,
    record::{ORDER_TEXT, core, long_text},
};
use crate::{
    Cloud,
    item::{EXPIRES_AT, PARTITION, expiry, named, shard, text, time, unreadable},
};

/// The longest order that is kept in the job's own item, in bytes: beyond it every later write of
/// the job would cost more than one unit (a unit is 1 KiB).
const MAX_INLINE_ORDER_BYTES: usize = 300;

/// No item is there, or one that only waits to be deleted.
const ABSENT: &str = "attribute_not_exists(pk) OR expires_at <= :now";

const ACCEPTING: &str = "accepting a job";

/// How often an insertion that meets too many others is tried.
const TRIES: u32 = 6;

impl InsertJob for Cloud {
    async fn insert_job(&self, job: &Job, max_pending_jobs: u32) -> ports::Result<Inserted> {
        let mut core = core(job, JOB)?;
        core.extend(named(job.state.look_at().map(|at| (LOOK_AT, time(at)))));
        core.extend(named([(LOOK_SHARD, text(shard(job.id.as_str())))]));
        let long = long_text(&job.order)?;
        let mut beside = None;
        if long.len() <= MAX_INLINE_ORDER_BYTES {
            core.insert(ORDER_TEXT.to_owned(), text(long));
        } else {
            let mut order = key(&job.tenant, &job.id, ORDER);
            // No job is open longer than its deadline, so this outlives it; a replay comes within
            // the retention, and gets the same again.
            let expires_at = job.state.deadline() + 2 * RECORD_RETENTION + JOB_DEADLINE;
            order.extend(named([(ORDER_TEXT, text(long)), (EXPIRES_AT, expiry(expires_at))]));
            beside = Some(order);
        }
        for attempt in 0..TRIES {
            self.pause(attempt).await;
            let put = Put::builder().table_name(&self.jobs_table);
            let job_put = put
                .clone()
                .set_item(Some(core.clone()))
                .condition_expression(ABSENT)
                .expression_attribute_values(":now", expiry(job.created_at))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .build();
            let mut parts = vec![job_put.part(), self.count_below(&job.tenant, &job.order.user, max_pending_jobs)];
            parts.extend(beside.clone().map(|order| put.set_item(Some(order)).build().part()));
            match self.transact(ACCEPTING, parts).await? {
                Transacted::Done => return Ok(Inserted::New),
                Transacted::Crowded => {}
                Transacted::RefusedBySecond => return Ok(Inserted::TooMany),
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
