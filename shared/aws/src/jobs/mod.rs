//! Jobs, in the jobs table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `tenant#job` | `JOB` | the job: what was asked, where it stands |
//! | `tenant#job` | `SPEC` | parameters and `meta`, when they are long |
//! | `tenant#job` | `RESULT` | Flickr's answer, when it is long; when it is very long it is an object |
//! | `tenant#user` | `ACCOUNT` | which tags the account's lanes took in fair queues, and how often its cached answers were invalidated |
//! | `tenant#user` | `PENDING#day` | how many of its jobs are pending, see [`crate::pending_jobs`] |
//! | `tenant#user` | `BYTES#sha256` | the run of a job that sends these bytes to the account, see [`crate::uploads`] |
//! | `tenant#user` | `REPLACE#id` | the run of a job that replaces the file of this photo, see [`crate::uploads`] |
//! | `tenant#user` | `PHOTO#id` | a photo that Flickr has just made, see [`crate::uploads`] |
//! | `tenant#upload` | `UPLOAD` | a file on its way to Flickr, see [`crate::uploads`] |
//! | `tenant#DEAD` | time and job | a dead job on the list |
//! | `QUARANTINE` | message id | a message that cannot be read |
//!
//! The index `open` lists the jobs that the sweep is to check, by shard and time. The index `fair_queue` lists the jobs
//! that wait in their app's fair queue, in its order. Both are sparse: a job is in an index while its item has the
//! index's attributes. The index `history` lists the jobs of each account, see [`crate::job_history`].
//!
//! The claim is the one transition that DynamoDB itself decides. Every other one is computed from the job as it was
//! read, and written under the condition that the stored revision still is the one that it was computed from. Where
//! the write changes several items of the job it is a transaction: all of it happens or none. No transaction has an
//! item in it that two jobs share, so that jobs do not get into each other's way.

pub(crate) mod account_item;
mod claim;
mod commit;
mod insert;
pub(crate) mod keys;
mod open_and_dead;
mod record;

use domain::{
    JobRef, Timestamp,
    job::{Job, State, Transition},
};
use hub::{
    page::Page,
    ports::{self, ClaimRequest, Claimed, Committed, DueCheck, Inserted, Jobs, Shards},
};

use self::keys::{CHECK_SHARD, JOB, NEXT_CHECK_AT, OPEN_INDEX, job_key, job_of};
use crate::{
    Cloud,
    error::from_sdk,
    item::{Reader, named, text, time},
    table::written_if,
};

impl Jobs for Cloud {
    async fn insert(&self, acceptance: &Transition) -> ports::Result<Inserted> {
        self.insert_job(acceptance).await
    }

    async fn job(&self, job: &JobRef) -> ports::Result<Option<Job>> {
        self.find_job(job).await
    }

    async fn state(&self, job: &JobRef) -> ports::Result<Option<State>> {
        self.find_state(job).await
    }

    async fn claim(&self, request: &ClaimRequest) -> ports::Result<Claimed> {
        self.claim_job(request).await
    }

    async fn commit(&self, transition: &Transition) -> ports::Result<Committed> {
        self.commit_transition(transition).await
    }

    fn shards(&self) -> Shards {
        self.shards
    }

    async fn due_checks(
        &self,
        shard: u8,
        now: Timestamp,
        after: Option<&DueCheck>,
        limit: u16,
    ) -> ports::Result<Vec<DueCheck>> {
        let after = after.map(|check| {
            let mut place = job_key(&check.job, JOB);
            place.extend(named([(CHECK_SHARD, text(shard.to_string())), (NEXT_CHECK_AT, time(check.at))]));
            place
        });
        let query = self
            .jobs
            .query()
            .index_name(OPEN_INDEX)
            .key_condition_expression(format!("{CHECK_SHARD} = :shard AND {NEXT_CHECK_AT} <= :now"))
            .expression_attribute_values(":shard", text(shard.to_string()))
            .expression_attribute_values(":now", time(now))
            .set_exclusive_start_key(after)
            .limit(limit.into());
        let page = query.send().await.map_err(from_sdk("listing the jobs to check"))?;
        let due = |item| Ok(DueCheck { job: job_of(item)?, at: Reader(item).time(NEXT_CHECK_AT)? });
        page.items().iter().map(due).collect()
    }

    async fn postpone_check(&self, check: &DueCheck, at: Timestamp) -> ports::Result<()> {
        let update = self
            .jobs
            .update(job_key(&check.job, JOB))
            .condition_expression(format!("{NEXT_CHECK_AT} = :was"))
            .update_expression(format!("SET {NEXT_CHECK_AT} = :at"))
            .expression_attribute_values(":was", time(check.at))
            .expression_attribute_values(":at", time(at));
        written_if(update.send().await, "moving a job's next check").map(|_| ())
    }

    async fn open_and_dead_jobs(&self, cursor: Option<&str>, limit: u16) -> ports::Result<Page<JobRef, String>> {
        self.list_open_and_dead_jobs(cursor, limit).await
    }
}
