//! The jobs of an account, in the order in which they were accepted: the index `history` of the jobs table.
//!
//! The index has keys alone, and they never change: a job pays one write unit for it, with its insertion. Jobs that the
//! version before accepted are not in it.

use domain::{AccountRef, JobRef, Timestamp, job::Job};
use futures_util::future::try_join_all;
use hub::ports::{self, JobHistory, ListedJob, TimeSpan};

use crate::{
    Cloud,
    error::from_sdk,
    item::{Attributes, Reader, live, named, text, time},
    jobs::keys::{CREATED_AT, HISTORY_ACCOUNT, HISTORY_INDEX, JOB, job_key, job_of},
    machine::now,
    several::get_all,
};

/// The last millisecond of a span: DynamoDB's bounds belong to what lies between them.
fn last(span: TimeSpan) -> Timestamp {
    Timestamp::from_milliseconds(span.until.as_milliseconds() - 1)
}

/// Where the index has a job of the account.
fn place(account: &AccountRef, job: &ListedJob) -> Attributes {
    let mut place = job_key(&JobRef::new(&account.tenant, &job.id), JOB);
    place.extend(named([(HISTORY_ACCOUNT, text(account.to_string())), (CREATED_AT, time(job.created_at))]));
    place
}

impl JobHistory for Cloud {
    async fn accepted_jobs(
        &self,
        account: &AccountRef,
        span: TimeSpan,
        after: Option<&ListedJob>,
        limit: u16,
    ) -> ports::Result<Vec<ListedJob>> {
        let query = self
            .jobs
            .query()
            .index_name(HISTORY_INDEX)
            .key_condition_expression(format!("{HISTORY_ACCOUNT} = :account AND {CREATED_AT} BETWEEN :from AND :last"))
            .expression_attribute_values(":account", text(account.to_string()))
            .expression_attribute_values(":from", time(span.from))
            .expression_attribute_values(":last", time(last(span)))
            .scan_index_forward(false)
            .set_exclusive_start_key(after.map(|job| place(account, job)))
            .limit(limit.into());
        let page = query.send().await.map_err(from_sdk("listing the jobs of an account"))?;
        let listed = |item| Ok(ListedJob { id: job_of(item)?.id, created_at: Reader(item).time(CREATED_AT)? });
        page.items().iter().map(listed).collect()
    }

    async fn read_jobs(&self, jobs: &[JobRef]) -> ports::Result<Vec<Option<Job>>> {
        let wanted = jobs.iter().map(|job| (&self.jobs, job_key(job, JOB))).collect();
        let found = get_all(wanted, "reading jobs").await?;
        let now = now();
        let read = async |item: Option<Attributes>| match live(item, now) {
            Some(item) => self.read_job(&item).await.map(Some),
            None => Ok(None),
        };
        try_join_all(found.into_iter().map(read)).await
    }
}
